package replay_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"

	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/replay"
	"mcsim/stats"
	"mcsim/traces"
)

// setting is a field of the configuration.
func settings(t testing.TB, set ...string) *config.Config {
	t.Helper()
	in := config.Input{}
	for _, s := range set {
		one, err := config.ParseSetting(s)
		if err != nil {
			t.Fatal(err)
		}
		in.Set = append(in.Set, one)
	}
	cfg, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// inMemory makes a trace of references, one stream for each list.
func inMemory(lists ...[]traces.Ref) replay.Trace {
	t := replay.Trace{Name: "memory", Info: traces.Info{Instructions: true}}
	for _, l := range lists {
		t.Readers = append(t.Readers, replay.FromMemory(l))
	}
	return t
}

// machineFor builds a machine for a replay.
func machineFor(t testing.TB, cfg *config.Config, c replay.Config) *machine.Machine {
	t.Helper()
	m, err := machine.New(cfg, machine.Options{Check: cfg.Run.Check})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadReplay(c); err != nil {
		t.Fatal(err)
	}
	return m
}

// play replays and expects it to end well.
func play(t testing.TB, cfg *config.Config, c replay.Config) (*machine.Machine, *stats.Snapshot) {
	t.Helper()
	m := machineFor(t, cfg, c)
	res, err := m.Run(context.Background(), machine.Limits{})
	if err != nil || res.Reason != "trace-end" {
		t.Fatalf("ended by %q: %v", res.Reason, err)
	}
	return m, m.Snapshot()
}

func get(t testing.TB, s *stats.Snapshot, name string) uint64 {
	t.Helper()
	v, ok := s.Get(name)
	if !ok {
		t.Fatalf("no statistic %s", name)
	}
	if v.Float {
		return uint64(v.F)
	}
	return v.U
}

// randomRefs are n references to lines of span bytes from base, a third of them
// stores.
func randomRefs(rng *rand.Rand, n int, base, span uint64) []traces.Ref {
	refs := make([]traces.Ref, n)
	sizes := []uint32{1, 2, 4, 8, 8, 8, 16, 32, 64}
	for i := range refs {
		r := &refs[i]
		*r = traces.Ref{VA: base + rng.Uint64N(span), Size: sizes[rng.IntN(len(sizes))], Kind: traces.Load, Instructions: 1 + uint32(rng.IntN(3)), Has: traces.HasVA}
		switch k := rng.IntN(24); {
		case k < 8:
			r.Kind = traces.Store
		case k == 8:
			r.Kind = traces.AMO
		case k == 9:
			r.Kind, r.VA, r.Size = traces.Fetch, base+span+rng.Uint64N(4096)&^3, 4
		case k == 10:
			r.Kind = traces.Fence
		case k == 11:
			r.Kind = traces.LR
		case k == 12:
			r.Kind = traces.SC
		}
	}
	return refs
}

func TestReplaysAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var lists [][]traces.Ref
	for range 4 {
		lists = append(lists, randomRefs(rng, 20000, 0x7fff_0000_0000, 1<<16))
	}
	_, s := play(t, settings(t, "machine.harts=4", "run.check=true"), replay.Config{VMs: []replay.VM{{Traces: []replay.Trace{inMemory(lists...)}}}})
	if n := get(t, s, "replay.references"); n != 80000 {
		t.Errorf("%d references", n)
	}
}

// looped repeats references for ever.
type looped struct{ refs, rest []traces.Ref }

func (l *looped) Read(refs []traces.Ref) (int, error) {
	if len(l.rest) == 0 {
		l.rest = l.refs
	}
	n := copy(refs, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// totalAlloc is the number of bytes that were ever allocated.
func totalAlloc() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.TotalAlloc
}
