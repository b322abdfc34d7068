package machine_test

import (
	"fmt"
	"runtime"
	"testing"
)

// repeated are short programs that race in different ways.
var repeated = []job{
	{guest: "locks", harts: 4, words: map[string]uint64{"iterations": 4}},
	{guest: "prodcons", harts: 4, words: map[string]uint64{"iterations": 60}, set: []string{"machine.protocol=MOESI", "machine.quantum=100"}},
	{guest: "lrsc", harts: 4, words: map[string]uint64{"iterations": 50}, set: tiny(32)},
	{guest: "histogram", harts: 3, words: map[string]uint64{"iterations": 300}, set: []string{"machine.l2.size=64KiB", "machine.l1d.replacement=random"}},
	{guest: "timer", harts: 4},
	{guest: "falseshare", harts: 8, words: map[string]uint64{"iterations": 50}, set: []string{"machine.jitter=20", "machine.protocol=MESIF"}},
	{guest: "selfmod", harts: 2, words: map[string]uint64{"iterations": 5}, set: []string{"machine.quantum=17"}},
	{guest: "vm", harts: 2, set: tiny(64)},
	{guest: "fault-devices", harts: 4, words: map[string]uint64{"iterations": 50}},
}

// The same input, configuration and seed give the same cycles, statistics, log
// and console, however many host threads there are.
func TestSameAtAnyGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, j := range repeated {
		j.log = true
		var first *outcome
		for _, procs := range []int{1, 2, 8, 2} {
			runtime.GOMAXPROCS(procs)
			o := j.run(t)
			o.mustEnd(t)
			if first == nil {
				first = o
				if len(o.log) < 10000 {
					t.Errorf("%s: a log of %d bytes", j.guest, len(o.log))
				}
				continue
			}
			sameRun(t, fmt.Sprintf("%s, GOMAXPROCS %d", j.guest, procs), first, o)
		}
	}
}

// sameRun fails the test if two runs differ in anything but host time.
func sameRun(t *testing.T, what string, a, b *outcome) {
	t.Helper()
	if a.Cycles != b.Cycles || a.Instructions != b.Instructions || a.ExitCode != b.ExitCode || a.Reason != b.Reason {
		t.Errorf("%s: %+v and %+v", what, a.Result, b.Result)
	}
	if x, y := a.counts(), b.counts(); x != y {
		t.Errorf("%s: statistics differ: %s", what, firstDifference(x, y))
	}
	if a.console != b.console {
		t.Errorf("%s: consoles differ: %s", what, firstDifference(a.console, b.console))
	}
	if a.log != b.log {
		t.Errorf("%s: logs differ: %s", what, firstDifference(a.log, b.log))
	}
}

// A log changes nothing, nor does checking.
func TestObservationChangesNothing(t *testing.T) {
	for _, j := range repeated[:4] {
		quiet := j.run(t)
		j.log, j.check = true, true
		loud := j.run(t)
		quiet.log = loud.log
		sameRun(t, j.guest, quiet, loud)
	}
}

// Another seed is another interleaving, just as legal and just as repeatable.
func TestSeeds(t *testing.T) {
	for _, jitter := range []string{"machine.jitter=0", "machine.jitter=25"} {
		cycles := map[uint64]bool{}
		for seed := range 6 {
			j := job{guest: "locks", harts: 4, words: map[string]uint64{"iterations": 4}, log: true,
				set: []string{jitter, fmt.Sprintf("machine.seed=%d", seed)}}
			a, b := j.run(t), j.run(t)
			a.mustEnd(t)
			if a.ExitCode != 0 {
				t.Errorf("%s, seed %d: exit code %d\n%s", jitter, seed, a.ExitCode, a.console)
			}
			sameRun(t, fmt.Sprintf("%s, seed %d", jitter, seed), a, b)
			cycles[a.Cycles] = true
		}
		if len(cycles) < 3 {
			t.Errorf("%s: 6 seeds gave %d different runs", jitter, len(cycles))
		}
	}
}

// The line tables save host time and change nothing: emptied again and again,
// they leave the same cycles, statistics, log and console.
func TestLineTablesChangeNothing(t *testing.T) {
	for _, quantum := range []string{"machine.quantum=1", "machine.quantum=9"} {
		for _, j := range repeated {
			j.log = true
			j.set = join(j.set, []string{quantum})
			kept := j.run(t)
			kept.mustEnd(t)
			j.forget = true
			sameRun(t, j.guest+", "+quantum, kept, j.run(t))
		}
	}
}
