package replay_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mcsim/replay"
	"mcsim/stats"
	"mcsim/traces"
)

// Programs run under Valgrind's Lackey, whose trace is replayed here, and under
// its Cachegrind, which simulates caches of the same geometry. Misses of I1 and
// D1 are the same numbers. Those of the last level differ for four reasons, each
// a rule that cachegrind leaves out or has of its own:
//
//   - write-back: a dirty line that D1 evicts goes to LL, and takes a place there
//     if it is not in it; cachegrind simulates no write-backs;
//   - both-lines: when an access crosses lines and one of them misses, cachegrind
//     looks both up in LL; here only the line that misses goes there;
//   - own-data: a fetch of a line that the hart's own D1 has is served by it;
//   - two-misses: an access that misses with both of its lines counts once there.
//
// A model of cachegrind, written here from its description, must give
// cachegrind's counts; the same with the rules exchanged must give ours; and
// every reference at which the two differ is shown to come from a rule.

// geometry is that of a cache.
type geometry struct{ size, ways, line int }

func (g geometry) String() string { return fmt.Sprintf("%d,%d,%d", g.size, g.ways, g.line) }

// lru is a cache as a list of lines for each set, the latest first.
type lru struct {
	sets [][]uint64
	ways int
}

func newLRU(g geometry) *lru {
	return &lru{sets: make([][]uint64, g.size/g.ways/g.line), ways: g.ways}
}

func (c *lru) has(line uint64) bool {
	for _, l := range c.sets[line%uint64(len(c.sets))] {
		if l == line {
			return true
		}
	}
	return false
}

// touch makes a line the latest of its set. It returns whether it was there, and
// else what it replaced.
func (c *lru) touch(line uint64) (hit bool, victim uint64, evicted bool) {
	set := &c.sets[line%uint64(len(c.sets))]
	for i, l := range *set {
		if l == line {
			copy((*set)[1:i+1], (*set)[:i])
			(*set)[0] = line
			return true, 0, false
		}
	}
	if len(*set) == c.ways {
		victim, evicted = (*set)[c.ways-1], true
		*set = (*set)[:c.ways-1]
	}
	*set = append([]uint64{line}, *set...)
	return false, victim, evicted
}

// rules are those in which cachegrind and mcsim differ.
type rules struct{ writeBack, oneLine, ownData bool }

var ours = rules{true, true, true}

// model is I1, D1 and LL.
type model struct {
	rules
	i1, d1, ll *lru
	dirty      map[uint64]bool
	lineBytes  uint64
}

func newModel(r rules, i1, d1, ll geometry) *model {
	return &model{r, newLRU(i1), newLRU(d1), newLRU(ll), map[uint64]bool{}, uint64(d1.line)}
}

// access returns how many lines missed the first level and the last, and 1 at
// most if lines are not counted each.
func (m *model) access(kind byte, addr, size uint64) (first, last int) {
	lines := []uint64{addr / m.lineBytes}
	if end := (addr + size - 1) / m.lineBytes; end != lines[0] {
		lines = append(lines, end)
	}
	l1 := m.d1
	if kind == 'I' {
		l1 = m.i1
	}
	missed := map[uint64]bool{}
	for _, line := range lines {
		own := kind == 'I' && m.d1.has(line)
		hit, victim, evicted := l1.touch(line)
		if kind == 'S' || kind == 'M' {
			defer func() { m.dirty[line] = true }()
		}
		if hit {
			continue
		}
		first++
		missed[line] = true
		if evicted && kind != 'I' && m.dirty[victim] {
			delete(m.dirty, victim)
			if m.writeBack && !m.ll.has(victim) {
				m.ll.touch(victim)
			}
		}
		if m.oneLine && !(own && m.ownData) {
			if hit, _, _ := m.ll.touch(line); !hit {
				last++
			}
		}
		if own && m.ownData {
			missed[line] = false
		}
	}
	if !m.oneLine && first > 0 {
		for _, line := range lines {
			if served, ok := missed[line]; ok && !served {
				continue
			}
			if hit, _, _ := m.ll.touch(line); !hit {
				last++
			}
		}
	}
	return first, last
}

// counts are misses by kind: of fetches, reads and writes.
type counts struct{ i1, il, dr, drl, dw, dwl int }

func (c *counts) add(kind byte, first, last int) {
	switch kind {
	case 'I':
		c.i1, c.il = c.i1+first, c.il+last
	case 'S':
		c.dw, c.dwl = c.dw+first, c.dwl+last
	default:
		c.dr, c.drl = c.dr+first, c.drl+last
	}
}

// lackeyLine is a reference as Lackey writes it.
type lackeyLine struct {
	kind       byte
	addr, size uint64
}

func readLackey(t *testing.T, path string) []lackeyLine {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []lackeyLine
	in := bufio.NewScanner(f)
	for in.Scan() {
		s := in.Text()
		if len(s) < 4 || s[0] != 'I' && (s[0] != ' ' || !strings.ContainsRune("LSM", rune(s[1]))) {
			continue
		}
		a, n, _ := strings.Cut(s[3:], ",")
		addr, err1 := strconv.ParseUint(a, 16, 64)
		size, err2 := strconv.ParseUint(n, 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("%q", s)
		}
		kind := s[0]
		if kind == ' ' {
			kind = s[1]
		}
		out = append(out, lackeyLine{kind, addr, size})
	}
	return out
}

// valgrind runs a tool on a program, with nothing random in its addresses.
func valgrind(t *testing.T, dir, program string, options ...string) {
	t.Helper()
	args := append([]string{"-R", "valgrind"}, options...)
	c := exec.Command("setarch", append(args, program)...)
	c.Dir, c.Env = dir, []string{"PATH=/usr/bin:/bin"}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
}

// cachegrind returns the totals by event.
func cachegrind(t *testing.T, dir, program string, i1, d1, ll geometry) map[string]int {
	t.Helper()
	valgrind(t, dir, program, "--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=out",
		"--I1="+i1.String(), "--D1="+d1.String(), "--LL="+ll.String())
	text, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "events: "); ok {
			names = strings.Fields(rest)
		}
		if rest, ok := strings.CutPrefix(line, "summary: "); ok {
			out := map[string]int{}
			for i, f := range strings.Fields(rest) {
				if out[names[i]], err = strconv.Atoi(f); err != nil {
					t.Fatal(err)
				}
			}
			return out
		}
	}
	t.Fatalf("no summary in\n%s", text)
	return nil
}

// replayLackey replays a trace on one hart with these caches, without anything
// that cachegrind has not: TLBs, store buffer, prefetch, an inclusive LLC.
func replayLackey(t *testing.T, path string, i1, d1, ll geometry) *stats.Snapshot {
	t.Helper()
	tr, err := traces.Open(path, traces.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	set := []string{
		"machine.harts=1", "machine.store_buffer.depth=0", "machine.l2.size=0", "machine.llc.inclusive=false", "machine.evictions=announced",
		fmt.Sprintf("machine.l1d.line=%dB", d1.line), "machine.memory=256MiB",
	}
	for name, g := range map[string]geometry{"l1i": i1, "l1d": d1, "llc": ll} {
		set = append(set, fmt.Sprintf("machine.%s.size=%d", name, g.size), fmt.Sprintf("machine.%s.ways=%d", name, g.ways), "machine."+name+".replacement=lru")
	}
	_, s := play(t, settings(t, set...), replay.Config{
		VMs:   []replay.VM{{Traces: []replay.Trace{{Name: path, Info: tr.Info, Readers: tr.Readers()}}}},
		Pages: replay.PagesNone, EachFetch: true,
	})
	return s
}

func TestCachegrind(t *testing.T) {
	for _, tool := range []string{"valgrind", "gcc", "setarch"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing", tool)
		}
	}
	if _, err := os.Stat("../traces/testdata/programs"); err != nil {
		t.Fatal(err)
	}
	shapes := []struct{ i1, d1, ll geometry }{
		{geometry{32 << 10, 8, 64}, geometry{32 << 10, 8, 64}, geometry{1 << 20, 16, 64}},
		{geometry{4 << 10, 2, 64}, geometry{8 << 10, 4, 64}, geometry{32 << 10, 8, 64}},
		{geometry{8 << 10, 1, 32}, geometry{4 << 10, 1, 32}, geometry{64 << 10, 4, 32}},
	}
	for _, program := range []string{"sort", "matrix", "hash"} {
		t.Run(program, func(t *testing.T) {
			dir := t.TempDir()
			source, err := filepath.Abs("../traces/testdata/programs/" + program + ".c")
			if err != nil {
				t.Fatal(err)
			}
			build := exec.Command("gcc", "-O2", "-static", "-o", filepath.Join(dir, program), source)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			valgrind(t, dir, "./"+program, "--tool=lackey", "--trace-mem=yes", "--log-file=trace.lackey")
			path := filepath.Join(dir, "trace.lackey")
			refs := readLackey(t, path)
			for _, s := range shapes {
				compareWithCachegrind(t, refs, cachegrind(t, dir, "./"+program, s.i1, s.d1, s.ll),
					replayLackey(t, path, s.i1, s.d1, s.ll), s.i1, s.d1, s.ll)
			}
		})
	}
}

// compareWithCachegrind checks cachegrind's counts, the models' and ours.
func compareWithCachegrind(t *testing.T, refs []lackeyLine, theirs map[string]int, s *stats.Snapshot, i1, d1, ll geometry) {
	t.Helper()
	cg, mc := newModel(rules{}, i1, d1, ll), newModel(ours, i1, d1, ll)
	alone := map[string]*model{
		"write-back": newModel(rules{writeBack: true}, i1, d1, ll),
		"both-lines": newModel(rules{oneLine: true}, i1, d1, ll),
		"own-data":   newModel(rules{ownData: true}, i1, d1, ll),
	}
	var want, got counts
	byRule := map[string]int{}
	read, written, fetched, more := 0, 0, 0, 0
	for n, r := range refs {
		switch r.kind {
		case 'I':
			fetched++
		case 'S':
			written++
		default:
			read++
		}
		a1, al := cg.access(r.kind, r.addr, r.size)
		b1, bl := mc.access(r.kind, r.addr, r.size)
		if a1 != b1 {
			t.Fatalf("reference %d, %c %x,%d: the models differ in the first level", n, r.kind, r.addr, r.size)
		}
		want.add(r.kind, min(a1, 1), min(al, 1))
		got.add(r.kind, min(b1, 1), bl)
		cause := ""
		for _, name := range []string{"write-back", "both-lines", "own-data"} {
			if _, l := alone[name].access(r.kind, r.addr, r.size); min(l, 1) != min(al, 1) {
				cause = name
			}
		}
		more += bl - min(al, 1)
		if bl > 1 {
			byRule["two-misses"]++
		}
		if min(al, 1) == min(bl, 1) {
			continue
		}
		if cause == "" {
			cause = "several rules together" // the model with all of them is checked below
		}
		if byRule[cause]++; byRule[cause] == 1 {
			t.Logf("LL %v, reference %d, %c %x,%d: %d here, %d in cachegrind: %s", ll, n, r.kind, r.addr, r.size, min(bl, 1), min(al, 1), cause)
		}
	}
	for _, c := range []struct {
		name          string
		got, expected int
	}{
		{"Ir", theirs["Ir"], fetched}, {"Dr", theirs["Dr"], read}, {"Dw", theirs["Dw"], written},
		{"I1mr", theirs["I1mr"], want.i1}, {"ILmr", theirs["ILmr"], want.il}, {"D1mr", theirs["D1mr"], want.dr},
		{"DLmr", theirs["DLmr"], want.drl}, {"D1mw", theirs["D1mw"], want.dw}, {"DLmw", theirs["DLmw"], want.dwl},
	} {
		if c.got != c.expected {
			t.Errorf("%v %v %v: cachegrind's %s is %d, the model of it says %d", i1, d1, ll, c.name, c.got, c.expected)
		}
	}
	first := []struct {
		name, mine string
		theirs     int
	}{
		{"I1mr", "replay.fetch.misses", theirs["I1mr"]}, {"D1mr", "replay.load.misses", theirs["D1mr"]}, {"D1mw", "replay.store.misses", theirs["D1mw"]},
	}
	for _, c := range first {
		if n := int(get(t, s, c.mine)); n != c.theirs {
			t.Errorf("%v %v %v: %s is %d, cachegrind's %s %d", i1, d1, ll, c.mine, n, c.name, c.theirs)
		}
	}
	last := theirs["ILmr"] + theirs["DLmr"] + theirs["DLmw"]
	if n := int(get(t, s, "llc.misses")); n != got.il+got.drl+got.dwl || n != last+more {
		t.Errorf("%v %v %v: llc.misses is %d, the model of it says %d, cachegrind %d and the references that differ %+d",
			i1, d1, ll, n, got.il+got.drl+got.dwl, last, more)
	}
	if n := get(t, s, "bus.transactions.recall"); n != 0 {
		t.Errorf("%v %v %v: the snoop filter recalled %d lines", i1, d1, ll, n)
	}
	t.Logf("%v %v %v: I1 %d, D1 %d + %d as cachegrind; LL %d, cachegrind %d; references that differ: %v", i1, d1, ll,
		theirs["I1mr"], theirs["D1mr"], theirs["D1mw"], last+more, last, byRule)
}
