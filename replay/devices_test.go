package replay_test

import (
	"testing"

	"mcsim/replay"
	"mcsim/traces"
)

// Devices have no hart and no thread: the streams after theirs are placed as if
// they were not there, and what they write is what harts read later.
func TestDevicesHaveNoHart(t *testing.T) {
	at := func(kind traces.Kind, pa, cycle uint64) traces.Ref {
		return traces.Ref{PA: pa, Size: 64, Cycle: cycle, Kind: kind, Has: traces.HasPA | traces.HasCycle}
	}
	recording := func(base uint64) replay.Trace {
		tr := inMemory(
			[]traces.Ref{at(traces.Load, base, 0), at(traces.Load, base, 50_000)},
			[]traces.Ref{at(traces.Load, base, 1), at(traces.Load, base+64, 90_000)},
			[]traces.Ref{at(traces.DMAWrite, base, 20_000), at(traces.DMARead, base+64, 30_000), at(traces.DMAWrite, base, 900_000)},
		)
		tr.Info.Has, tr.Info.Devices = traces.HasPA|traces.HasCycle, 1
		return tr
	}
	c := replay.Config{VMs: all(recording(1<<20), recording(2<<20))}
	_, s := play(t, settings(t, "machine.harts=4", "run.check=true"), c)
	for name, want := range map[string]uint64{
		"replay.references": 14, "replay.threads": 4, "replay.switches": 0,
		"threads[0].hart": 0, "threads[1].hart": 1, "threads[2].hart": 2, "threads[3].hart": 3,
		// The line that a device wrote was lost to both harts, and the one at its end
		// came after the loads.
		"harts[0].l1d.misses": 2, "harts[1].l1d.misses": 2, "harts[2].l1d.misses": 2,
		"replay.stale": 0,
	} {
		if got := get(t, s, name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// Devices alone are replayed, too, and one without memory is an error.
func TestDevicesAlone(t *testing.T) {
	dma := func(pa uint64) replay.Trace {
		tr := inMemory([]traces.Ref{}, []traces.Ref{{PA: pa, Size: 4096, Kind: traces.DMAWrite, Has: traces.HasPA}})
		tr.Info.Has, tr.Info.Devices = traces.HasPA, 1
		return tr
	}
	if _, s := play(t, settings(t), replay.Config{VMs: all(dma(1 << 20))}); get(t, s, "replay.references") != 1 {
		t.Error(get(t, s, "replay.references"), "references")
	}
	if n, err := fails(t, replay.Config{VMs: all(dma(1 << 40))}); n != 0 || err == nil {
		t.Errorf("%d references, %v", n, err)
	}
}
