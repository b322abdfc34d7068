package coherence

import (
	"slices"
	"testing"
)

// A row stays active for tRAS before it may close, and a closed-row policy pays
// an activation each time but never a precharge before it.
func TestDRAMRowPolicy(t *testing.T) {
	const trcd, tcl, trp, burst = 10, 11, 12, 4
	open := DRAMConfig{Channels: 1, Banks: 1, RowBytes: 1024, TRCD: trcd, TCL: tcl, TRP: trp, TBurst: burst}
	times := func(cfg DRAMConfig, gap uint64, lines ...uint64) (out []uint64) {
		var m Map
		if err := m.Add(Region{Name: "ram", Base: ramBase, Size: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		d, err := NewDRAM(cfg, 64, &m)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range lines {
			at := uint64(i) * gap
			out = append(out, d.access(uint64(ramBase)>>6+l, at)-at)
		}
		return out
	}
	other := uint64(1024 / 64) // the first line of the next row
	ras, closed := open, open
	ras.TRAS, closed.ClosedRows = 60, true
	for _, c := range []struct {
		name string
		cfg  DRAMConfig
		want []uint64
	}{
		{"open", open, []uint64{trcd + tcl + burst, tcl + burst, trp + trcd + tcl + burst}},
		// The row was activated at 0, and the third access comes at 50.
		{"tRAS", ras, []uint64{trcd + tcl + burst, tcl + burst, 10 + trp + trcd + tcl + burst}},
		{"closed", closed, []uint64{trcd + tcl + burst, trcd + tcl + burst, trcd + tcl + burst}},
	} {
		if got := times(c.cfg, 25, 0, 1, other); c.name != "closed" && !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got := times(c.cfg, 100, 0, 1, other); c.name == "closed" && !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
