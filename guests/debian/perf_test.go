package debian_test

import (
	"fmt"
	"strings"
	"testing"
)

// counted are the statistics of a hart that perf's events are, by the names of the
// self-test's regions; and how much lies between markers and readings: five
// instructions that hit, of which one takes a cycle more.
var counted = map[string]struct {
	is    string
	extra uint64
}{
	"cycle": {"cycles", 6}, "instret": {"instructions", 5},
	"refs": {"llc.accesses", 0}, "misses": {"llc.misses", 0},
	"l1dacc": {"l1d.accesses", 0}, "l1dmiss": {"l1d.misses", 0}, "l1imiss": {"l1i.misses", 0},
	"llacc": {"llc.accesses", 0}, "llmiss": {"llc.misses", 0},
	"dtlb": {"dtlb.misses", 0}, "itlb": {"itlb.misses", 0},
	"raw3": {"l1d.writebacks", 0}, "raw9": {"walker.walks", 0}, "raw11": {"l2.misses", 0},
}

// What perf's events count is what mcsim itself counts between the same two
// instructions, to the last digit, on the built-in firmware and on OpenSBI, with a
// private L2 and without. What the kernel reads, as for perf stat, has the kernel's
// own work around it besides.
func TestPerf(t *testing.T) {
	const l2 = "machine.l2.size=256KiB"
	for name, b := range map[string]boot{
		"built-in, L2":   {harts: 2, set: []string{l2}, args: "selftest.l2=1 "},
		"OpenSBI, no L2": {harts: 1, opensbi: true}, // whose own mode the counters leave out: it is not entered
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("a boot takes seconds")
			}
			b.args += "quiet selftest.only=perf,sampling selftest.sampling=1"
			o := b.run(t)
			o.passed(t)
			said, found := o.says("perf"), 0
			t.Log(said)
			hart, list, _ := strings.Cut(said, ", ")
			hart = strings.TrimPrefix(hart, "hart ")
			for item := range strings.SplitSeq(list, ", ") {
				var region string
				var n, kernel uint64
				if _, err := fmt.Sscanf(item, "%s %d of %d", &region, &n, &kernel); err != nil {
					t.Fatalf("%q: %v", item, err)
				}
				found++
				c, ok := counted[region[:len(region)-1]]
				if !ok {
					t.Errorf("%s is not known here", region)
					continue
				}
				want, ok := o.phase(region, "harts["+hart+"]."+c.is)
				if !ok {
					t.Errorf("no region %s", region)
				} else if n+c.extra != want {
					t.Errorf("%s: perf counts %d, mcsim %d %s", region, n, want, c.is)
				}
				// The kernel's two readings are around the walk, and within a region.
				most, _ := o.phase(strings.ToUpper(region), "harts["+hart+"]."+c.is)
				if kernel < n || kernel > most {
					t.Errorf("%s: the kernel reads %d, not within %d and %d", region, kernel, n, most)
				}
			}
			want := 2 * (len(counted) - 1)
			if strings.Contains(b.args, "l2=1") {
				want += 2
			}
			if found != want {
				t.Errorf("%d results, want %d", found, want)
			}
			// 8 MiB are twice what the LLC has: the long walk misses it with every line.
			if v, _ := o.phase("misses2", "harts["+hart+"].llc.misses"); v < 1<<17 || v > 1<<17+1<<13 {
				t.Errorf("%d misses of the LLC for %d lines", v, 1<<17)
			}
			o.sampled(t)
		})
	}
}

// sampled checks what perf sampled by the overflow interrupt of the counters: one for
// every so many instructions of the program, nearly all of them in its loop.
func (o outcome) sampled(t *testing.T) {
	t.Helper()
	var samples, instructions, inside, turns int
	said := o.says("sampling")
	if _, err := fmt.Sscanf(said, "%d samples of %d instructions, %d in the loop of %d", &samples, &instructions, &inside, &turns); err != nil {
		t.Fatalf("%q: %v", said, err)
	}
	t.Log(said)
	if instructions < 6*turns || instructions > 6*turns+6*turns/50 {
		t.Errorf("%d instructions of user mode for %d turns of 6", instructions, turns)
	}
	if want := instructions / 10_000; samples < want-want/50 || samples > want+1 {
		t.Errorf("%d samples of %d instructions, want %d", samples, instructions, want)
	}
	if inside < samples*98/100 {
		t.Errorf("%d of %d samples are in the loop", inside, samples)
	}
}

// phase is a statistic of a region.
func (o outcome) phase(region, name string) (uint64, bool) {
	for _, p := range o.phases {
		if p.Name == region {
			v, ok := p.Values.Get(name)
			return v.U, ok
		}
	}
	return 0, false
}
