package replay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mcsim/machine"
	"mcsim/replay"
	"mcsim/traces"
)

// loads are n loads of one line each, in a row from va, with so many
// instructions each.
func loads(n int, va uint64, instructions uint32) []traces.Ref {
	refs := make([]traces.Ref, n)
	for i := range refs {
		refs[i] = traces.Ref{VA: va + 64*uint64(i), Size: 8, Kind: traces.Load, Instructions: instructions, Has: traces.HasVA}
	}
	return refs
}

func threaded(id uint32, refs []traces.Ref) []traces.Ref {
	for i := range refs {
		refs[i].Thread = id
	}
	return refs
}

func all(ts ...replay.Trace) []replay.VM { return []replay.VM{{Name: "all", Traces: ts}} }

// A hit takes the cycle of its instruction, as in execution; the instructions
// before it take one each.
func TestInstructionsAreTheClock(t *testing.T) {
	refs := loads(1, 0x1000, 1)
	for range 999 {
		refs = append(refs, traces.Ref{VA: 0x1008, Size: 8, Kind: traces.Load, Instructions: 3, Has: traces.HasVA})
	}
	_, s := play(t, settings(t), replay.Config{VMs: all(inMemory(refs)), Pages: replay.PagesNone})
	first, _ := play(t, settings(t), replay.Config{VMs: all(inMemory(refs[:1])), Pages: replay.PagesNone})
	miss := first.Harts()[0].Clock()
	if n := get(t, s, "harts[0].instructions"); n != 1+3*999 {
		t.Errorf("%d instructions", n)
	}
	if n := get(t, s, "sim.cycles"); n != miss+3*999 {
		t.Errorf("%d cycles, want %d + %d", n, miss, 3*999)
	}
	if n := get(t, s, "harts[0].l1d.misses"); n != 1 {
		t.Errorf("%d misses", n)
	}
}

// endlessly gives the same load again and again, without an instruction.
type endlessly struct{}

func (endlessly) Read(refs []traces.Ref) (int, error) {
	for i := range refs {
		refs[i] = traces.Ref{VA: 0x1000, Size: 8, Kind: traces.Load, Has: traces.HasVA}
	}
	return len(refs), nil
}

// A trace without end whose references take no time does not keep the clock from
// the limits.
func TestEndlessWithoutInstructions(t *testing.T) {
	c := replay.Config{VMs: all(replay.Trace{Name: "endless", Info: traces.Info{Instructions: true}, Readers: []traces.Reader{endlessly{}}})}
	m := machineFor(t, settings(t, "machine.quantum=100"), c)
	res, err := m.Run(context.Background(), machine.Limits{Cycles: 1000})
	if err != nil || res.Reason != "max-cycles" || res.References > 1000*4096 {
		t.Errorf("ended by %q after %d references: %v", res.Reason, res.References, err)
	}
}

// Threads go to the hart (stream + order of appearance) mod harts, or to that of
// the map.
func TestPlacement(t *testing.T) {
	mixed := append(threaded(70, loads(10, 0x1000, 1)), threaded(30, loads(20, 0x8000, 1))...)
	other := threaded(5, loads(40, 0x10000, 1))
	_, s := play(t, settings(t, "machine.harts=3"), replay.Config{VMs: all(inMemory(mixed), inMemory(other))})
	for hart, want := range []uint64{10, 60, 0} { // 30 is stream 0's second, 5 stream 1's first
		if n := get(t, s, fmt.Sprintf("harts[%d].instructions", hart)); n != want {
			t.Errorf("hart %d has %d instructions, want %d", hart, n, want)
		}
	}
	_, s = play(t, settings(t, "machine.harts=3"), replay.Config{VMs: all(inMemory(mixed), inMemory(other)), Map: map[uint32]int{70: 2, 5: 0}})
	for hart, want := range []uint64{40, 20, 10} {
		if n := get(t, s, fmt.Sprintf("harts[%d].instructions", hart)); n != want {
			t.Errorf("mapped: hart %d has %d instructions, want %d", hart, n, want)
		}
	}
}

// Threads of one hart take turns of a slice.
func TestTurns(t *testing.T) {
	a, b := loads(1, 0x1000, 1), loads(1, 0x1000, 1)
	for range 9999 {
		a = append(a, a[0])
		b = append(b, b[0])
	}
	_, s := play(t, settings(t), replay.Config{VMs: all(inMemory(a), inMemory(b)), Slice: 1000, SwitchCost: 50, Pages: replay.PagesNone})
	for i := range 2 {
		if n := get(t, s, fmt.Sprintf("threads[%d].turns", i)); n < 10 || n > 12 {
			t.Errorf("thread %d had %d turns, of some 1000 cycles, for 10000 instructions", i, n)
		}
		if n := get(t, s, fmt.Sprintf("threads[%d].references", i)); n != 10000 {
			t.Errorf("thread %d made %d references", i, n)
		}
	}
	switches := get(t, s, "replay.switches")
	if n := get(t, s, "sim.cycles"); n < 20000+50*switches || n > 20600+50*switches { // two misses
		t.Errorf("%d cycles with %d switches", n, switches)
	}
	// Two address spaces: the same address is two lines.
	if n := get(t, s, "llc.misses"); n != 2 {
		t.Errorf("%d misses of the LLC, want a line for each trace", n)
	}
}

// A reference begins at its time stamp at the earliest, in cycles of its unit.
func TestTimeStamps(t *testing.T) {
	refs := []traces.Ref{at(7_000, traces.Load, 0x1000), at(7_010, traces.Load, 0x1000), at(9_000, traces.Load, 0x1000), at(1_000_000, traces.Load, 0x1000)}
	for _, test := range []struct {
		unit     string
		free     bool
		scale    float64
		min, max uint64
	}{
		{"cycle", false, 0, 993_001, 993_002},
		{"cycle", false, 0.5, 496_501, 496_502},
		{"nanosecond", false, 0, 2 * 993_000, 2*993_000 + 2},
		{"cycle", true, 0, 4, 2000},
	} {
		tr := inMemory(refs)
		tr.Info.CycleUnit = test.unit
		_, s := play(t, settings(t, "machine.clock=2GHz"), replay.Config{VMs: all(tr), Free: test.free, Scale: test.scale})
		if n := get(t, s, "sim.cycles"); n < test.min || n > test.max {
			t.Errorf("%+v: %d cycles", test, n)
		}
	}
}

// A time stamp that no clock comes to is an error, not a hart that sleeps for ever.
func TestTimeStampsTooLate(t *testing.T) {
	for _, scale := range []float64{0, 4} {
		refs := append(loads(10, 0x1000, 1), at(5, traces.Load, 0x1000), at(1<<64-1, traces.Load, 0x1000))
		n, err := fails(t, replay.Config{VMs: all(inMemory(refs)), Scale: scale})
		if err == nil || !strings.Contains(err.Error(), "reference 12 ") || !strings.Contains(err.Error(), "time stamp is 18446744073709551615") || n != 11 {
			t.Errorf("scale %g: %d references, %v", scale, n, err)
		}
	}
	refs := []traces.Ref{at(0, traces.Load, 0x1000), at(1<<61, traces.Load, 0x1000)}
	if _, s := play(t, settings(t), replay.Config{VMs: all(inMemory(refs))}); get(t, s, "sim.cycles") < 1<<61 {
		t.Errorf("%d cycles", get(t, s, "sim.cycles"))
	}
}

// Skip, warm-up and limit are counted for each thread.
func TestSkipWarmupLimit(t *testing.T) {
	refs := append(threaded(1, loads(1000, 0x10000, 2)), threaded(2, loads(1000, 0x100000, 2))...)
	c := replay.Config{VMs: all(inMemory(refs)), Skip: 200, Warmup: 400, Limit: 100}
	_, s := play(t, settings(t, "machine.quantum=1"), c)
	// The second thread is seen when the first has ended.
	if n := get(t, s, "threads[1].references"); n == 0 || n > 250 {
		t.Errorf("thread 2: %d references", n)
	}
	c = replay.Config{VMs: all(inMemory(refs[:1000])), Skip: 200, Warmup: 400, Limit: 100}
	_, s = play(t, settings(t, "machine.quantum=1"), c)
	if n := get(t, s, "replay.references"); n != 50 {
		t.Errorf("%d references after the warm-up, want those of 100 instructions", n)
	}
	c = replay.Config{VMs: all(inMemory(refs)), Limit: 100, Count: replay.References}
	_, s = play(t, settings(t, "machine.harts=2"), c)
	if n := get(t, s, "replay.references"); n != 200 {
		t.Errorf("%d references, want 100 of each thread", n)
	}
	if n := get(t, s, "replay.load.misses"); n != 200 {
		t.Errorf("%d misses, want one for each", n)
	}
}

// A warm-up that no thread comes to the end of leaves nothing to count, whether
// the last quantum's end is far or near.
func TestWarmupIsTooLong(t *testing.T) {
	for _, quantum := range []string{"machine.quantum=1", "machine.quantum=100000"} {
		c := replay.Config{VMs: all(inMemory(loads(1000, 0x10000, 2))), Warmup: 1 << 40}
		_, s := play(t, settings(t, quantum), c)
		for _, name := range []string{"sim.cycles", "sim.instructions", "replay.references"} {
			if n := get(t, s, name); n != 0 {
				t.Errorf("%s: %s is %d", quantum, name, n)
			}
		}
	}
}

// The cycles that are counted after a warm-up are those of the one hart.
func TestWarmupWithinQuantum(t *testing.T) {
	c := replay.Config{VMs: all(inMemory(loads(1000, 0x10000, 2))), Warmup: 500}
	_, s := play(t, settings(t, "machine.quantum=100000"), c)
	if all, own := get(t, s, "sim.cycles"), get(t, s, "harts[0].cycles"); all != own || all == 0 {
		t.Errorf("%d cycles, of which hart 0 has %d", all, own)
	}
}

// What 64 bits cannot count is no limit, or told.
func TestSkipWarmupLimitOverflow(t *testing.T) {
	c := replay.Config{VMs: all(inMemory(loads(100, 0x10000, 2))), Skip: 20, Limit: 1<<64 - 1, Count: replay.References}
	_, s := play(t, settings(t), c)
	if n := get(t, s, "replay.references"); n != 80 {
		t.Errorf("%d references, want 80", n)
	}
	m, err := machine.New(settings(t), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Warmup = 1<<64 - 1
	if err := m.LoadReplay(c); err == nil {
		t.Error("a warm-up of 2^64 instructions is not told")
	}
}

// cutOff has references up to where its file is cut off.
type cutOff struct {
	refs []traces.Ref
	cut  *traces.CutError
}

func (c *cutOff) Read(refs []traces.Ref) (int, error) {
	n := copy(refs, c.refs)
	if c.refs = c.refs[n:]; n == 0 {
		return 0, c.cut
	}
	return n, nil
}

// The streams of a file that is cut off end apart: each is replayed up to its own
// end, and the error is told once.
func TestCutOff(t *testing.T) {
	cut := &traces.CutError{File: "f"}
	tr := replay.Trace{Name: "f", Info: traces.Info{Instructions: true}, Readers: []traces.Reader{
		&cutOff{loads(10, 0x10000, 1), cut}, &cutOff{nil, cut}, &cutOff{loads(30_000, 0x20000, 1), cut},
	}}
	m := machineFor(t, settings(t, "machine.harts=2"), replay.Config{VMs: all(tr)})
	res, err := m.Run(context.Background(), machine.Limits{})
	if res.Reason != "trace-error" || !errors.Is(err, cut) || err.Error() != cut.Error() || res.References != 30_010 {
		t.Errorf("%s, %d references: %v", res.Reason, res.References, err)
	}
}

// Thousands of threads of one stream are replayed on a few harts, with no more
// than the window of references in memory.
func TestThousandsOfThreads(t *testing.T) {
	const threads, each = 3000, 40
	var refs []traces.Ref
	for k := range each {
		for i := range threads {
			refs = append(refs, traces.Ref{VA: 0x10000 + 64*uint64(i), Size: 8, Kind: traces.Kind(1 + k%2), Instructions: 1, Thread: uint32(i * 7), Has: traces.HasVA})
		}
	}
	_, s := play(t, settings(t, "machine.harts=4"), replay.Config{VMs: all(inMemory(refs)), Slice: 50, Window: 1})
	if n := get(t, s, "replay.references"); n != threads*each {
		t.Errorf("%d references", n)
	}
	if n := get(t, s, "replay.threads"); n != threads {
		t.Errorf("%d threads", n)
	}
	for i := range threads {
		if n := get(t, s, fmt.Sprintf("threads[%d].references", i)); n != each {
			t.Fatalf("thread %d: %d references", i, n)
		}
	}
}

// The most threads that there can be, on one hart and with turns of a few
// references: what a thread costs does not grow with their number. Turns and
// references are counted exactly; turns_test.go bounds the work for each.
func TestMostThreads(t *testing.T) {
	const threads, each = 1<<16 - 2, 3
	var refs []traces.Ref
	for k := range each {
		for i := range threads {
			refs = append(refs, traces.Ref{VA: 0x10000 + 64*uint64(i), Size: 8, Kind: traces.Kind(1 + k%2), Instructions: 1, Thread: uint32(i), Has: traces.HasVA})
		}
	}
	_, s := play(t, settings(t), replay.Config{VMs: all(inMemory(refs)), Slice: 1, Pages: replay.PagesNone})
	if n := get(t, s, "replay.references"); n != threads*each {
		t.Errorf("%d references", n)
	}
	if n := get(t, s, "replay.threads"); n != threads {
		t.Errorf("%d threads", n)
	}
}

// One thread's references come long after the others': its hart waits, and
// nothing is lost.
func TestWindowIsFull(t *testing.T) {
	refs := append(threaded(1, loads(50_000, 0x10000, 1)), threaded(2, loads(100, 0x10000, 1))...)
	refs = append(threaded(2, loads(1, 0x10000, 1)), refs...)
	_, s := play(t, settings(t, "machine.harts=2"), replay.Config{VMs: all(inMemory(refs)), Window: 1})
	if a, b := get(t, s, "threads[0].references"), get(t, s, "threads[1].references"); a != 101 || b != 50_000 {
		t.Errorf("%d and %d references", a, b)
	}
}

// Regions count what they hold; the first that does counts.
func TestRegions(t *testing.T) {
	refs := append(loads(64, 0x1000, 1), loads(10, 0x9000, 1)...)
	c := replay.Config{VMs: all(inMemory(refs)), Regions: []replay.Region{{"a", 0x1000, 0x17ff}, {"b", 0x1000, 0x1fff}, {"c", 0x9000, 0x9000}}}
	_, s := play(t, settings(t), c)
	for i, want := range []uint64{32, 32, 1} {
		if n := get(t, s, fmt.Sprintf("regions[%d].references", i)); n != want {
			t.Errorf("region %d: %d references, want %d", i, n, want)
		}
		if n := get(t, s, fmt.Sprintf("regions[%d].misses", i)); n != want {
			t.Errorf("region %d: %d misses, want %d", i, n, want)
		}
	}
}
