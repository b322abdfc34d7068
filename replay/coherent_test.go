package replay_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"mcsim/coherence"
	"mcsim/machine"
	"mcsim/replay"
	"mcsim/traces"
)

// at is a reference at a cycle.
func at(cycle uint64, kind traces.Kind, va uint64) traces.Ref {
	return traces.Ref{VA: va, Size: 8, Kind: kind, Instructions: 1, Cycle: cycle, Has: traces.HasVA | traces.HasCycle}
}

// mutant is MESI with one cell changed.
func mutant(s coherence.State, e coherence.Event, next coherence.State, do coherence.Action) *coherence.Protocol {
	p := *coherence.MESI
	p.Table[s][e].Next, p.Table[s][e].Do = next, do
	return &p
}

// broken replays on a protocol that does not work, and returns the error.
func broken(t *testing.T, p *coherence.Protocol, lists [][]traces.Ref, set ...string) error {
	t.Helper()
	cfg := settings(t, append(set, fmt.Sprintf("machine.harts=%d", len(lists)))...)
	m, err := machine.New(cfg, machine.Options{Protocol: p})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadReplay(replay.Config{VMs: []replay.VM{{Traces: []replay.Trace{inMemory(lists...)}}}}); err != nil {
		t.Fatal(err)
	}
	// A step that the table calls impossible may come first.
	res, err := m.Run(context.Background(), machine.Limits{})
	if res.Reason != "incoherent" && res.Reason != "check" || err == nil {
		t.Errorf("ended by %q: %v", res.Reason, err)
	}
	return err
}

// A dropped invalidation leaves hart 0 with an old copy: the violation names the
// word, both harts and both cycles.
func TestDroppedInvalidationIsNamed(t *testing.T) {
	const x = 0x10000
	lists := [][]traces.Ref{ // cycle 0 is the earliest time stamp
		{at(1000, traces.Load, x+8), at(10000, traces.Load, x+8)},
		{at(1000, traces.Load, x), at(6000, traces.Store, x+8)},
	}
	for _, depth := range []string{"0", "8"} {
		err := broken(t, mutant(coherence.Shared, coherence.SnoopUpgrade, coherence.Shared, 0), lists, "machine.store_buffer.depth="+depth)
		var stale *replay.StaleError
		if !errors.As(err, &stale) || len(stale.Reads) != 1 || stale.Count != 1 {
			t.Fatalf("depth %s: %v", depth, err)
		}
		v := stale.Reads[0]
		if v.Hart != 0 || v.Writer != 1 || v.PA&0xfff != 8 || v.Cycle < 9000 || v.Cycle > 9100 || v.Wrote < 5000 || v.Wrote > 5100 {
			t.Errorf("depth %s: %+v", depth, v)
		}
		// Hart 1's thread is the second: its first version.
		if v.Got != 0 || v.Want != 2<<48+1 {
			t.Errorf("depth %s: %#x instead of %#x", depth, v.Got, v.Want)
		}
		if text := err.Error(); !strings.Contains(text, "hart 0 at cycle 9") || !strings.Contains(text, "hart 1 wrote it at cycle 5") ||
			!strings.Contains(text, "virtual address 0x10008") {
			t.Error(text)
		}
	}
}

// Mutants of every kind are caught by loads, or by what memory holds in the end.
func TestMutantsAreCaught(t *testing.T) {
	const x = 0x10000
	sharing := [][]traces.Ref{
		{at(1000, traces.Store, x), at(3000, traces.Load, x+64), at(9000, traces.Load, x)},
		{at(5000, traces.Load, x), at(7000, traces.Store, x)},
	}
	// Hart 0 evicts a dirty line: more lines of one set than there are ways.
	var evicting []traces.Ref
	for i := range uint64(40) {
		evicting = append(evicting, at(1000+100*i, traces.Store, x+i*4096))
	}
	for _, test := range []struct {
		name string
		p    *coherence.Protocol
		refs [][]traces.Ref
	}{
		{"a reader gets the home's old data", mutant(coherence.Modified, coherence.SnoopGetS, coherence.Shared, 0), sharing},
		{"a writer leaves a copy", mutant(coherence.Shared, coherence.SnoopUpgrade, coherence.Shared, 0), sharing},
		{"dirty data are not written back", mutant(coherence.Modified, coherence.Evict, coherence.Invalid, coherence.DropLine), [][]traces.Ref{evicting}},
		{"an owner keeps its copy from a writer", mutant(coherence.Modified, coherence.SnoopGetM, coherence.Modified, coherence.SupplyData),
			[][]traces.Ref{{at(1000, traces.Store, x), at(9000, traces.Load, x)}, {at(5000, traces.Store, x)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Log(broken(t, test.p, test.refs))
			for seed := range uint64(3) {
				rng := rand.New(rand.NewPCG(seed, 7))
				var lists [][]traces.Ref
				for range 3 {
					lists = append(lists, randomRefs(rng, 20000, x, 1<<16))
				}
				broken(t, test.p, lists, "machine.l1d.size=4KiB", "machine.l1i.size=4KiB")
			}
		})
	}
}

// words is the memory image of a replay.
func words(t *testing.T, m *machine.Machine) map[uint64]uint64 {
	t.Helper()
	out := map[uint64]uint64{}
	if err := m.Replay().Image(0, func(_ int, va, word uint64) { out[va] = word }); err != nil {
		t.Fatal(err)
	}
	return out
}

// Threads that write lines of their own, and read all, leave the same memory
// whatever the machine: every word has the version of its last store, which a
// model without any caches knows.
func TestImageIsTheTracesOwn(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const base, own = 0x4000_0000, 1 << 14
	want := map[uint64]uint64{}
	var lists [][]traces.Ref
	for i := range uint64(4) {
		refs := randomRefs(rng, 15000, base, 4*own)
		version := (i + 1) << 48
		for k := range refs {
			r := &refs[k]
			switch r.Kind {
			case traces.SC, traces.LR, traces.AMO:
				r.Kind = traces.Load
			case traces.Store:
				r.VA = base + i*own + r.VA%(own-64)
				version++
				for w := r.VA &^ 7; w < r.VA+uint64(r.Size); w += 8 {
					want[w] = version
				}
			}
		}
		lists = append(lists, refs)
	}
	for _, set := range [][]string{
		{},
		{"machine.store_buffer.depth=0", "machine.protocol=MSI"},
		{"machine.l1d.size=1KiB", "machine.l1d.ways=2", "machine.protocol=MOESI", "machine.store_buffer.depth=2"},
		{"machine.l2.size=128KiB", "machine.l1d.size=4KiB", "machine.l1i.size=4KiB", "machine.protocol=MESIF", "machine.quantum=10"},
		{"machine.llc.inclusive=false", "machine.evictions=announced", "machine.l1d.line=32", "machine.seed=9", "machine.jitter=7"},
		{"machine.l1i.coherent=false", "machine.llc.size=16KiB", "machine.l1d.size=1KiB", "machine.l1i.size=1KiB"},
	} {
		t.Run(strings.Join(set, " "), func(t *testing.T) {
			m, _ := play(t, settings(t, append(set, "machine.harts=4", "run.check=true")...), replay.Config{VMs: []replay.VM{{Traces: []replay.Trace{inMemory(lists...)}}}})
			got := words(t, m)
			if len(got) != len(want) {
				t.Errorf("%d words, want %d", len(got), len(want))
			}
			for va, v := range want {
				if got[va] != v {
					t.Fatalf("%#x holds %#x, want %#x", va, got[va], v)
				}
			}
		})
	}
}

// The result is a function of traces, configuration and seed, whatever the host
// does.
func TestSameAtAnyParallelism(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	rng := rand.New(rand.NewPCG(5, 6))
	var lists [][]traces.Ref
	for i := range 6 {
		lists = append(lists, randomRefs(rng, 12000, 0x7fff_0000_0000+uint64(i)<<13, 1<<15))
	}
	mixed := interleave(rng, lists[:3])
	run := func(procs int, seed string) string {
		runtime.GOMAXPROCS(procs)
		c := replay.Config{
			VMs: []replay.VM{
				{Name: "a", Traces: []replay.Trace{inMemory(mixed)}},
				{Name: "b", Traces: []replay.Trace{inMemory(lists[3:]...)}},
			},
			Slice: 3000, Frames: replay.Random, Warmup: 1000,
		}
		_, s := play(t, settings(t, "machine.harts=4", "machine.jitter=3", "machine.seed="+seed, "machine.quantum=500"), c)
		var b strings.Builder
		for _, v := range s.Values {
			if !strings.HasPrefix(v.Name, "sim.host") && v.Name != "sim.mips" {
				fmt.Fprintln(&b, v.Name, v)
			}
		}
		return b.String()
	}
	one := run(1, "1")
	for _, procs := range []int{2, 8} {
		if got := run(procs, "1"); got != one {
			t.Errorf("GOMAXPROCS=%d differs from 1:\n%s", procs, firstDifference(got, one))
		}
	}
	if run(1, "2") == one {
		t.Error("another seed changes nothing")
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return x[i] + " | " + y[min(i, len(y)-1)]
		}
	}
	return "the second is longer"
}

// interleave makes one stream of several threads.
func interleave(rng *rand.Rand, lists [][]traces.Ref) (out []traces.Ref) {
	rest := make([][]traces.Ref, len(lists))
	copy(rest, lists)
	for left := len(rest); left > 0; {
		i := rng.IntN(len(rest))
		if len(rest[i]) == 0 {
			continue
		}
		n := min(len(rest[i]), 1+rng.IntN(200))
		for _, r := range rest[i][:n] {
			r.Thread = uint32(1000 + i)
			out = append(out, r)
		}
		if rest[i] = rest[i][n:]; len(rest[i]) == 0 {
			left--
		}
	}
	return out
}
