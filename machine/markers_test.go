package machine_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"mcsim/stats"
)

// phasesOf is a run's phases as text.
func phasesOf(o *outcome) string {
	var b strings.Builder
	_, list := o.m.Report()
	for _, p := range list {
		n, _ := p.Values.Get("sim.instructions")
		fmt.Fprintf(&b, "%s %d-%d: %d instructions\n", p.Name, p.Begin, p.End, n.U)
	}
	return b.String()
}

func phase(t *testing.T, o *outcome, name string) stats.Phase {
	t.Helper()
	_, list := o.m.Report()
	for _, p := range list {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no phase %s among\n%s", name, phasesOf(o))
	return stats.Phase{}
}

// Markers change no cycle, no count and no line of the log but their own, and give
// the same phases at any GOMAXPROCS.
func TestMarkersChangeNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, quantum := range []string{"machine.quantum=1", "machine.quantum=1000"} {
		j := job{guest: "regions", harts: 4, log: true, set: []string{quantum, "run.markers=false"}}
		off := j.run(t)
		off.mustEnd(t)
		j.set = []string{quantum}
		var first string
		for _, procs := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(procs)
			on := j.run(t)
			var kept []string
			for _, line := range strings.SplitAfter(on.log, "\n") {
				if !strings.Contains(line, `"event":"marker"`) {
					kept = append(kept, line)
				}
			}
			if len(kept) == strings.Count(on.log, "\n")+1 {
				t.Error("the log has no markers")
			}
			on.log = strings.Join(kept, "")
			if text := phasesOf(on); first == "" {
				first = text
			} else if text != first {
				t.Errorf("phases differ: %s", firstDifference(first, text))
			}
			// The reset changes what counts are told, not what was counted.
			on.m, off.m = off.m, on.m
			sameRun(t, quantum, off, &outcome{Result: on.Result, console: on.console, log: on.log, m: off.m})
			on.m, off.m = off.m, on.m
		}
	}
}

// The phases of a program are those that it marks, and add up.
func TestPhases(t *testing.T) {
	o := job{guest: "regions", harts: 4}.run(t)
	o.mustEnd(t)
	for _, name := range []string{"fill", "sum", "half", "parallel", "clear", "alone", "4"} {
		phase(t, o, name)
	}
	count := func(p stats.Phase, name string) uint64 {
		v, ok := p.Values.Get(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return v.U
	}
	sum, cleared := phase(t, o, "sum"), phase(t, o, "clear")
	for h := range 4 { // 4096 loads each; those that are done wait in a loop
		if n := count(sum, fmt.Sprintf("harts[%d].l1d.accesses", h)); n < 4096 || n > 9000 {
			t.Errorf("sum: hart %d: %d accesses", h, n)
		}
	}
	if n := count(cleared, "harts[0].l1d.accesses"); n < 4096 || n > 4500 {
		t.Errorf("clear: %d accesses of hart 0", n)
	}
	// Statistics begin at the reset, with the first point in the same quantum; the points
	// follow each other without a gap, and the last ends with the run.
	a, b, c := phase(t, o, "parallel"), phase(t, o, "alone"), phase(t, o, "4")
	if a.End != b.Begin || b.End != c.Begin || c.End != o.Cycles {
		t.Errorf("points: %d-%d, %d-%d, %d-%d of %d", a.Begin, a.End, b.Begin, b.End, c.Begin, c.End, o.Cycles)
	}
	total, _ := o.m.Report()
	all, _ := total.Get("sim.instructions")
	parts := count(a, "sim.instructions") + count(b, "sim.instructions") + count(c, "sim.instructions")
	if diff := int64(all.U) - int64(parts); diff < 0 || diff > 4000 {
		t.Errorf("%d instructions since the reset, %d in the points", all.U, parts)
	}
}

// Phases survive a checkpoint.
func TestPhasesAcrossCheckpoint(t *testing.T) {
	j := job{guest: "regions", harts: 3}
	whole := j.run(t)
	whole.mustEnd(t)
	for _, at := range []string{"marker:sum", "marker:alone", "marker:done", "symbol:check"} {
		s := &saving{job: j, at: at}
		saved := s.run(t)
		r, err := restore(t, s.file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		o := r.run(t)
		if a, b, c := phasesOf(whole), phasesOf(saved), phasesOf(o); a != b || a != c {
			t.Errorf("%s: %s; %s", at, firstDifference(a, b), firstDifference(a, c))
		}
		x, _ := whole.m.Report()
		y, _ := o.m.Report()
		if a, b := strings.Join(values(x), "\n"), strings.Join(values(y), "\n"); a != b {
			t.Errorf("%s: %s", at, firstDifference(a, b))
		}
	}
}

// The run ends at a point, or where the guest says so.
func TestStopAt(t *testing.T) {
	for at, reason := range map[string]string{"marker:alone": "stop-at", "symbol:check": "stop-at", "cycle:5000": "stop-at", "instructions:9000": "stop-at"} {
		o := job{guest: "regions", harts: 2, set: []string{"run.stop_at=" + at}}.run(t)
		if o.err != nil || o.Reason != reason {
			t.Errorf("%s: ended by %q: %v", at, o.Reason, o.err)
		}
	}
	o := job{guest: "regions", harts: 2, set: []string{"run.stop_at=symbol:nowhere"}}.run(t)
	if o.err == nil || o.Reason != "refused" {
		t.Errorf("an unknown symbol: %q, %v", o.Reason, o.err)
	}
	stop := assemble(0x00000093, 0x6d602013, 0x0000006f) // li x1, 0; the marker; j .
	if o := (job{guest: "stop", image: stop, harts: 1}).run(t); o.Reason != "marker" || o.Cycles > 2000 {
		t.Errorf("the stop marker: %q after %d cycles", o.Reason, o.Cycles)
	}
}

// Functional mode computes what timed mode does, in no time for misses, and the same
// at any GOMAXPROCS; timed mode goes on from it with warm, coherent caches.
func TestFastUntil(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, j := range repeated {
		j.check = true
		timed := j.run(t)
		timed.mustEnd(t)
		for _, until := range []string{"marker:never", fmt.Sprintf("cycle:%d", timed.Cycles/3), fmt.Sprintf("instructions:%d", timed.Instructions/2)} {
			f := j
			f.log = true
			f.set = join(j.set, []string{"run.fast_until=" + until})
			a := f.run(t)
			a.mustEnd(t)
			if a.ExitCode != timed.ExitCode || comparable(a.console) != comparable(timed.console) {
				t.Errorf("%s until %s: exit code %d, want %d\n%s", j.guest, until, a.ExitCode, timed.ExitCode, a.console)
			}
			if err := a.m.CheckCaches(); err != nil {
				t.Errorf("%s until %s: %v", j.guest, until, err)
			}
			runtime.GOMAXPROCS(1)
			sameRun(t, j.guest+" until "+until, a, f.run(t))
			runtime.GOMAXPROCS(4)
		}
	}
	// The misses of a region that timed mode runs are those of warm caches.
	j := job{guest: "regions", harts: 1}
	warm := j.run(t)
	j.set = []string{"run.fast_until=marker:sum"}
	fast := j.run(t)
	fast.mustEnd(t)
	w, f := phase(t, warm, "sum"), phase(t, fast, "sum")
	x, _ := w.Values.Get("harts[0].l1d.misses")
	y, _ := f.Values.Get("harts[0].l1d.misses")
	if x.U != y.U || w.End-w.Begin != f.End-f.Begin {
		t.Errorf("sum takes %d cycles and %d misses, after functional mode %d and %d", w.End-w.Begin, x.U, f.End-f.Begin, y.U)
	}
	if fast.Cycles >= warm.Cycles {
		t.Errorf("%d cycles with functional mode, %d without", fast.Cycles, warm.Cycles)
	}
}

// comparable is a console without measurements.
func comparable(console string) string {
	var b strings.Builder
	for _, line := range strings.SplitAfter(console, "\n") {
		if !strings.HasPrefix(line, " ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
