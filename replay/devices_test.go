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

// A device's access may be longer than any reference, and its pages lie anywhere:
// what it writes is what loads of every page find, and nothing else is written.
func TestLongDMA(t *testing.T) {
	const first, bytes = 0x10_0f80, 200_000
	var before, after []traces.Ref
	for va := uint64(0x20_0000); va > 0xf_0000; va -= 4096 + 64 { // so that frames run the other way
		before = append(before, traces.Ref{VA: va, Size: 8, Cycle: 0, Kind: traces.Store, Has: traces.HasVA | traces.HasCycle})
		after = append(after, traces.Ref{VA: va, Size: 8, Cycle: 2_000_000, Kind: traces.Load, Has: traces.HasVA | traces.HasCycle})
	}
	tr := inMemory(append(before, after...), []traces.Ref{
		{PA: first, Size: bytes, Cycle: 1_000_000, Kind: traces.DMAWrite, Has: traces.HasPA | traces.HasCycle},
		{PA: first, Size: bytes, Cycle: 1_500_000, Kind: traces.DMARead, Has: traces.HasPA | traces.HasCycle},
	})
	tr.Info.Has, tr.Info.Devices = traces.HasVA|traces.HasPA|traces.HasCycle, 1
	_, s := play(t, settings(t, "run.check=true"), replay.Config{VMs: all(tr)})
	lines := uint64((first+bytes-1)/64 - first/64 + 1)
	if n := get(t, s, "bus.transactions.dmaread"); n != lines {
		t.Errorf("%d lines read, want %d", n, lines)
	}
	// Of the lines, one in a page, only those that the device wrote miss again.
	var written uint64
	for _, r := range before {
		if r.VA >= first&^63 && r.VA < first+bytes {
			written++
		}
	}
	if n := get(t, s, "replay.load.misses"); n != written {
		t.Errorf("%d loads missed after DMA into the lines of %d", n, written)
	}
	if n, want := get(t, s, "replay.references"), uint64(len(before)+len(after)+2); n != want {
		t.Errorf("%d references, want %d", n, want)
	}
}

// A device's access among a thread's references is one of them, and takes the
// line away.
func TestDMAOfAThread(t *testing.T) {
	refs := loads(1, 0x1000, 1)
	refs = append(refs, traces.Ref{VA: 0x1000, Size: 64, Kind: traces.DMAWrite, Has: traces.HasVA}, refs[0])
	_, s := play(t, settings(t, "run.check=true"), replay.Config{VMs: all(inMemory(refs)), Pages: replay.PagesNone})
	if n, misses := get(t, s, "replay.references"), get(t, s, "harts[0].l1d.misses"); n != 3 || misses != 2 {
		t.Errorf("%d references, %d misses; want 3 and 2", n, misses)
	}
}
