package replay_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/replay"
	"mcsim/stats"
	"mcsim/stats/series"
	"mcsim/traces"
)

// overTime replays with intervals and returns what was written of the machine and
// of its threads.
func overTime(t *testing.T, cfg *config.Config, c replay.Config, every uint64) (all, threads *series.Series, text []byte, total *stats.Snapshot) {
	t.Helper()
	m := machineFor(t, cfg, c)
	var lines, parts bytes.Buffer
	rec := series.NewRecorder(m.Stats(), every, 0, series.NewJSONLines(&lines))
	rec.Parts(m.Replay().RanThreads, series.NewJSONLines(&parts))
	res, err := m.Run(context.Background(), machine.Limits{Intervals: rec})
	if err != nil || res.Reason != "trace-end" {
		t.Fatalf("ended by %q: %v", res.Reason, err)
	}
	total = m.Snapshot()
	if err := rec.Close(res.Cycles); err != nil {
		t.Fatal(err)
	}
	text = parts.Bytes()
	if all, err = series.Read(&lines); err != nil {
		t.Fatal(err)
	}
	if threads, err = series.ReadParts(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return all, threads, text, total
}

// manyThreads share harts: each has its own pages, and a piece that all write.
func manyThreads(n, each int) (refs []traces.Ref) {
	rng := rand.New(rand.NewPCG(7, 7))
	for k := range each {
		for id := range n {
			r := traces.Ref{VA: 0x100000*uint64(id+1) + 8*rng.Uint64N(2000), Size: 8, Kind: traces.Load, Instructions: 1 + rng.Uint32N(5), Thread: uint32(100 - id), Has: traces.HasVA}
			if rng.IntN(4) == 0 {
				r.VA, r.Kind = 0x9000+64*rng.Uint64N(8), traces.Store
			}
			if k > each/2+100*id { // some end early
				continue
			}
			refs = append(refs, r)
		}
	}
	return refs
}

// What threads count in the intervals adds up to their totals, and in each interval
// to what the harts, which do not know of threads, have counted in it.
func TestThreadIntervalsAddUp(t *testing.T) {
	for _, harts := range []int{1, 3} {
		cfg := settings(t, fmt.Sprintf("machine.harts=%d", harts), "machine.quantum=100")
		all, threads, _, total := overTime(t, cfg, replay.Config{VMs: all(inMemory(manyThreads(11, 2000))), Slice: 700}, 5000)
		sums := map[string]uint64{}
		at := map[uint64]map[string]float64{}
		last := map[uint64]float64{}
		for row, to := range threads.To {
			n := threads.Columns["thread"][row]
			if before, ok := last[to]; ok && before >= n {
				t.Fatalf("thread %v after %v within an interval", n, before)
			}
			last[to] = n
			if at[to] == nil {
				at[to] = map[string]float64{}
			}
			for _, name := range threads.Names {
				sums[fmt.Sprintf("threads[%.0f].%s", n, name)] += uint64(threads.Columns[name][row])
				at[to][name] += threads.Columns[name][row]
			}
		}
		for i := range 11 {
			for _, name := range []string{"references", "instructions", "cycles", "turns", "l1d.misses", "l1i.misses", "requests", "walks"} {
				full := fmt.Sprintf("threads[%d].%s", i, name)
				if want := get(t, total, full); sums[full] != want {
					t.Errorf("%d harts: %s: %d over the intervals, %d in all", harts, full, sums[full], want)
				}
			}
		}
		if len(all.To) < 10 {
			t.Fatalf("%d intervals", len(all.To))
		}
		for i, to := range all.To {
			want := map[string]float64{"references": all.Columns["replay.references"][i]}
			for h := range harts {
				hart := fmt.Sprintf("harts[%d].", h)
				want["instructions"] += all.Columns[hart+"instructions"][i]
				want["l1d.misses"] += all.Columns[hart+"l1d.misses"][i]
				want["walks"] += all.Columns[hart+"walker.walks"][i]
			}
			for name, w := range want {
				if got := at[to][name]; got != w {
					t.Errorf("%d harts, up to cycle %d: threads have %v %s, harts %v", harts, to, got, name, w)
				}
			}
		}
	}
}

// Only threads that ran have rows: thousands that are idle cost nothing.
func TestThreadIntervalsOfFew(t *testing.T) {
	const threads, long = 5000, 4321
	var refs []traces.Ref
	for i := range threads {
		refs = append(refs, traces.Ref{VA: 64 * uint64(i), Size: 8, Kind: traces.Load, Instructions: 1, Thread: uint32(i), Has: traces.HasVA})
	}
	for i := range 200_000 {
		refs = append(refs, traces.Ref{VA: 64 * uint64(i%100), Size: 8, Kind: traces.Load, Instructions: 1, Thread: long, Has: traces.HasVA})
	}
	cfg := settings(t, "machine.quantum=100")
	_, rows, _, _ := overTime(t, cfg, replay.Config{VMs: all(inMemory(refs)), Pages: replay.PagesNone}, 1000)
	seen := map[float64]int{}
	for _, n := range rows.Columns["thread"] {
		seen[n]++
	}
	if len(seen) != threads {
		t.Errorf("%d threads have rows, want %d", len(seen), threads)
	}
	if n := len(rows.From) - seen[long]; n > threads+100 {
		t.Errorf("%d rows of %d threads that have one reference each", n, threads-1)
	}
	if seen[long] < 150 {
		t.Errorf("the long thread has %d rows", seen[long])
	}
}

func TestThreadIntervalsAreDeterministic(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []byte
	for _, procs := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(procs)
		cfg := settings(t, "machine.harts=4", "machine.quantum=100")
		_, _, text, _ := overTime(t, cfg, replay.Config{VMs: all(inMemory(manyThreads(9, 1500))), Slice: 500}, 2000)
		if first == nil {
			first = text
		}
		if !bytes.Equal(first, text) {
			t.Errorf("GOMAXPROCS %d: other rows", procs)
		}
	}
}
