package replay_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"mcsim/machine"
	"mcsim/replay"
	"mcsim/traces"
)

// streamRefs is a loop over an array of span bytes from base, by words: a load
// of each, a store to every fourth, an instruction before and after.
func streamRefs(n int, base, span uint64) []traces.Ref {
	refs := make([]traces.Ref, n)
	at := uint64(0)
	for i := range refs {
		refs[i] = traces.Ref{VA: base + at, Size: 8, Kind: traces.Load, Instructions: 3, Has: traces.HasVA}
		if i%5 == 4 {
			refs[i].Kind = traces.Store
			continue
		}
		at = (at + 8) % span
	}
	return refs
}

// looped repeats references for ever.
type looped struct{ refs, rest []traces.Ref }

func (l *looped) Next(n int) ([]traces.Ref, error) {
	if len(l.rest) == 0 {
		l.rest = l.refs
	}
	n = min(n, len(l.rest))
	out := l.rest[:n]
	l.rest = l.rest[n:]
	return out, nil
}

func (l *looped) Read(refs []traces.Ref) (int, error) {
	next, err := l.Next(len(refs))
	return copy(refs, next), err
}

// replayFor replays b.N references on each hart.
func replayFor(b *testing.B, harts int, refs func(hart int) []traces.Ref, set ...string) {
	cfg := settings(b, append(set, fmt.Sprintf("machine.harts=%d", harts), "machine.quantum=10000")...)
	trace := replay.Trace{Name: "memory", Info: traces.Info{Instructions: true}}
	for i := range harts {
		trace.Readers = append(trace.Readers, &looped{refs: refs(i)})
	}
	m := machineFor(b, cfg, replay.Config{VMs: []replay.VM{{Traces: []replay.Trace{trace}}}, Limit: uint64(b.N), Count: replay.References})
	runtime.GC()
	b.ResetTimer()
	res, err := m.Run(context.Background(), machine.Limits{})
	b.StopTimer()
	if err != nil || res.Reason != "trace-end" {
		b.Fatal(res.Reason, err)
	}
	b.ReportMetric(float64(b.N)*float64(harts)/b.Elapsed().Seconds()/1e6, "Mref/s")
}

// Memory: references in memory, of arrays that fit in the L1D or do not.
func BenchmarkMemory(b *testing.B) {
	for _, span := range []uint64{16 << 10, 256 << 10, 16 << 20} {
		for _, harts := range []int{1, 2, 64} {
			b.Run(fmt.Sprintf("span=%dKiB/harts=%d", span>>10, harts), func(b *testing.B) {
				replayFor(b, harts, func(i int) []traces.Ref { return streamRefs(1<<18, uint64(i)<<32, span) }, "machine.memory=4GiB")
			})
		}
	}
}
