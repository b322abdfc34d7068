package machine_test

import (
	"bytes"
	"flag"
	"fmt"
	"regexp"
	"testing"

	"mcsim/guests"
)

var full = flag.Bool("full", false, "run the guest programs at their full length, on every variant of the machine")

// quick is how far each program is cut down; its variables named in same hold
// the same in the end on every machine with as many harts.
var quick = map[string]struct {
	words map[string]uint64
	same  []string
	least int  // harts that it needs
	long  bool // runs on a few variants only, unless -full
}{
	"atomics":        {words: map[string]uint64{"iterations": 300}},
	"barrier":        {words: map[string]uint64{"iterations": 10}},
	"chase":          {words: map[string]uint64{"iterations": 1000}, long: true},
	"default":        {same: []string{"bins", "packed", "padded", "buffers"}, long: true},
	"falseshare":     {words: map[string]uint64{"iterations": 300}, same: []string{"packed", "padded"}},
	"fault-devices":  {words: map[string]uint64{"iterations": 500}},
	"fault-illegal":  {long: true},
	"fault-jump":     {},
	"fault-misalign": {long: true},
	"hello":          {},
	"histogram":      {words: map[string]uint64{"iterations": 2000}, same: []string{"shared", "merged"}},
	"intloop":        {long: true, words: map[string]uint64{"iterations": 2000}},
	"litmus":         {words: map[string]uint64{"iterations": 64}, long: true},
	"locks":          {words: map[string]uint64{"iterations": 20}, same: []string{"left", "right"}},
	"lrsc":           {words: map[string]uint64{"iterations": 200}, same: []string{"word", "narrow"}},
	"matmul":         {words: map[string]uint64{"iterations": 1}, same: []string{"c"}, long: true},
	"mt-compute":     {words: map[string]uint64{"iterations": 1}, long: true},
	"mt-matmul":      {words: map[string]uint64{"iterations": 1}, same: []string{"a", "b", "c"}, long: true},
	"mt-stream":      {words: map[string]uint64{"iterations": 1}, same: []string{"a", "b", "c"}, long: true},
	"pingpong":       {words: map[string]uint64{"iterations": 100}, least: 2},
	"prodcons":       {words: map[string]uint64{"iterations": 300}, least: 2},
	"regions":        {words: map[string]uint64{"iterations": 200}},
	"selfmod":        {words: map[string]uint64{"iterations": 20}},
	"stream":         {words: map[string]uint64{"iterations": 1}, same: []string{"a", "b", "c"}, long: true},
	"timer":          {},
	"vm":             {long: true},
}

// endless are the programs that do not end by themselves; TestEndless has them.
var endless = map[string]bool{"fault-loop": true, "fault-wfi": true}

// tiny are caches of a few lines, so that everything is evicted all the time.
func tiny(line int) []string {
	return []string{
		fmt.Sprintf("machine.l1d.line=%d", line),
		fmt.Sprintf("machine.l1d.size=%d", max(256, 4*line)), "machine.l1d.ways=2",
		fmt.Sprintf("machine.l1i.size=%d", max(256, 4*line)), "machine.l1i.ways=1",
		fmt.Sprintf("machine.llc.size=%d", max(512, 16*line)), "machine.llc.ways=2", "machine.llc.banks=1",
		"machine.dtlb.entries=2", "machine.dtlb.ways=1", "machine.itlb.entries=2", "machine.itlb.ways=2",
		"machine.l2tlb.entries=4", "machine.l2tlb.ways=2",
	}
}

func join(parts ...[]string) (all []string) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// variants are machines that must all give the same results.
var variants = []struct {
	name string
	set  []string
}{
	{"plain", nil},
	{"MSI", []string{"machine.protocol=MSI", "machine.quantum=7", "machine.store_buffer.depth=0"}},
	{"MOESI, L2", []string{"machine.protocol=MOESI", "machine.l2.size=64KiB", "machine.quantum=10"}},
	{"MESIF, announced", []string{"machine.protocol=MESIF", "machine.evictions=announced", "machine.store_buffer.depth=1"}},
	{"not inclusive, long quanta", []string{"machine.llc.inclusive=false", "machine.quantum=10000"}},
	{"tiny MESI", join(tiny(64), []string{"machine.quantum=100"})},
	{"tiny MSI, 16-byte lines", join(tiny(16), []string{"machine.protocol=MSI", "machine.l1d.replacement=random", "machine.store_buffer.depth=1"})},
	{"tiny MOESI, 256-byte lines, not inclusive", join(tiny(256), []string{
		"machine.protocol=MOESI", "machine.llc.inclusive=false", "machine.l1d.replacement=srrip", "machine.llc.replacement=fifo",
	})},
	{"tiny MESIF, announced, L2, 32-byte lines", join(tiny(32), []string{
		"machine.protocol=MESIF", "machine.evictions=announced", "machine.quantum=10",
		"machine.l2.size=512", "machine.l2.ways=2", "machine.l2.line=32", "machine.llc.size=1KiB",
	})},
	{"tiny MOESI, announced, L2, 128-byte lines, not inclusive", join(tiny(128), []string{
		"machine.protocol=MOESI", "machine.evictions=announced", "machine.llc.inclusive=false", "machine.llc.size=512",
		"machine.l2.size=1KiB", "machine.l2.ways=8", "machine.l2.replacement=plru", "machine.store_buffer.depth=64",
	})},
	{"incoherent L1I", []string{"machine.l1i.coherent=false", "machine.l1i.size=512", "machine.l1i.ways=1", "machine.protocol=MOESI"}},
	{"incoherent L1I, L2", []string{"machine.l1i.coherent=false", "machine.l2.size=64KiB", "machine.store_buffer.depth=0"}},
	{"jitter", []string{"machine.jitter=30", "machine.seed=77", "machine.quantum=333"}},
}

// mask hides what depends on the number of harts or on the program's length.
var masked = regexp.MustCompile(`[\w.]*\d[\w.]*`)

func mask(s string) string { return masked.ReplaceAllString(s, "#") }

// Every program prints what was recorded on an independent implementation, and
// leaves the same memory, on every machine.
func TestGuests(t *testing.T) {
	for _, name := range guests.Names() {
		if endless[name] {
			continue
		}
		q, ok := quick[name]
		if !ok {
			t.Errorf("no job for %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			if race && q.long {
				t.Skip("too long for the race detector")
			}
			t.Parallel()
			for _, harts := range []int{4, 1, 2} {
				every := 1 // of how many variants one is taken
				switch {
				case harts < q.least || q.long && harts < 4 && !*full:
					continue
				case *full:
				case name == guests.DefaultName || name == "matmul":
					every = len(variants)
				case q.long:
					every = 5
				case race:
					every = 6
				case harts < 4:
					every = 4
				}
				j := job{guest: name, harts: harts, words: q.words, check: !q.long}
				if *full {
					j.words, j.limits.Cycles = nil, 2e9
				}
				guestOnVariants(t, j, q.same, every)
			}
		})
	}
}

// guestOnVariants runs a job on the plain machine, then on others.
func guestOnVariants(t *testing.T, j job, same []string, every int) {
	t.Helper()
	want := j.run(t)
	if want.Reason != "exit" {
		t.Fatalf("%d harts, plain: ended by %q: %v\n%s", j.harts, want.Reason, want.err, want.console)
	}
	wantText := guests.Comparable(want.console, want.ExitCode)
	if rec := recorded(t, j.guest); j.harts == 4 && mask(wantText) != mask(rec) || j.words == nil && j.harts == 4 && wantText != rec {
		t.Errorf("%d harts, plain: printed\n%s\nwant\n%s", j.harts, wantText, rec)
	}
	for i, v := range variants[1:] {
		if (i+j.harts+len(j.guest))%every != 0 {
			continue // another guest has it
		}
		j.set = v.set
		got := j.run(t)
		if got.err != nil || got.Reason != "exit" {
			t.Errorf("%d harts, %s: ended by %q after %d cycles: %v\n%s", j.harts, v.name, got.Reason, got.Cycles, got.err, got.console)
			continue
		}
		if text := guests.Comparable(got.console, got.ExitCode); text != wantText {
			t.Errorf("%d harts, %s: %s", j.harts, v.name, firstDifference(text, wantText))
		}
		for _, s := range same {
			if !bytes.Equal(got.data(t, s), want.data(t, s)) {
				t.Errorf("%d harts, %s: other contents of %s", j.harts, v.name, s)
			}
		}
	}
}
