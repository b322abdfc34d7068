package device

import (
	"bytes"
	"testing"

	"mcsim/snapshot"
)

// copyState has to take over what from saves.
func copyState(t testing.TB, from, to snapshot.Snapshotter) {
	t.Helper()
	if err := tryCopyState(t, from, to); err != nil {
		t.Fatalf("restoring: %v", err)
	}
}

func tryCopyState(t testing.TB, from, to snapshot.Snapshotter) error {
	t.Helper()
	var file bytes.Buffer
	err := snapshot.Save(&file, snapshot.Header{Config: []byte("{}")}, func(c *snapshot.Coder) { c.Section("device", 1, from.Snapshot) })
	if err != nil {
		t.Fatalf("saving: %v", err)
	}
	r, err := snapshot.Open(&file)
	if err != nil {
		t.Fatal(err)
	}
	return r.Load(func(c *snapshot.Coder) { c.Section("device", 1, to.Snapshot) })
}
