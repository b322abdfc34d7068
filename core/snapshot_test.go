package core

import (
	"bytes"
	"strings"
	"testing"

	"mcsim/snapshot"
)

// A checkpoint whose checksums are right may still hold what no hart can be in.
func TestSnapshotOfOddAddress(t *testing.T) {
	for name, change := range map[string]func(*Hart){
		"":         func(*Hart) {},
		"pc 0x80":  func(h *Hart) { h.pc++ },
		"mepc 0x1": func(h *Hart) { h.csr.mepc = 1 },
		"sepc 0x3": func(h *Hart) { h.csr.sepc = 3 },
	} {
		from, to := newRig(t), newRig(t)
		change(from.Hart)
		var file bytes.Buffer
		if err := snapshot.Save(&file, snapshot.Header{Config: []byte("{}")}, func(c *snapshot.Coder) { c.Section("hart", 1, func(c *snapshot.Coder) { from.Snapshot(c, false) }) }); err != nil {
			t.Fatal(err)
		}
		r, err := snapshot.Open(&file)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Load(func(c *snapshot.Coder) { c.Section("hart", 1, func(c *snapshot.Coder) { to.Snapshot(c, false) }) })
		if name == "" && err != nil || name != "" && (err == nil || !strings.Contains(err.Error(), "no instruction begins") || !strings.Contains(err.Error(), name)) {
			t.Errorf("%q: error %v", name, err)
		}
	}
}
