package stats

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine registers what a small machine would, with values that differ by
// hart.
func machine(harts int) *Registry {
	r := &Registry{}
	n := func(v uint64) *uint64 { return &v }
	r.Counter("sim.cycles", Cycles, "the cycle at which the last hart stopped", n(1234567))
	r.Gauge("sim.mips", "MIPS", "simulated instructions per second of host time", func() float64 { return 212.3456 })
	for h := range harts {
		p := fmt.Sprintf("harts[%d].", h)
		r.Counter(p+"instructions", Instructions, "instructions retired", n(uint64(1000000+h)))
		r.Counter(p+"l1d.accesses", Events, "accesses to the L1D", n(uint64(250000*(h+1))))
		r.Counter(p+"l1d.misses", Events, "accesses that found no line", n(uint64(1000+h)))
		r.Quotient(p+"l1d.miss_rate", Ratio, "misses / accesses", 1, p+"l1d.misses", p+"l1d.accesses")
		r.Counter(p+"idle", Cycles, "never", n(0))
	}
	r.Counter("bus.transactions.gets", Events, "lines asked for to read", n(7))
	r.Freeze()
	return r
}

func TestBadNamesPanic(t *testing.T) {
	var v uint64
	for _, name := range []string{"", "A", "a..b", "a[", "a[01].b", "a.b]", "x y", "run", "run.x", "a", "a.b.c", "a.b", "q[1].x"} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", name)
				}
			}()
			r := &Registry{}
			r.Counter("a.b", Events, "there already", &v)
			r.Counter(name, Events, "x", &v)
			r.Freeze() // q[1] without q[0]
		})
	}
}

func TestFreezeCloses(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("registered after Freeze")
		}
	}()
	machine(1).Gauge("late", Events, "too late", func() float64 { return 0 })
}

func TestSinceSubtractsCountersAndRecomputesQuotients(t *testing.T) {
	var hits, all uint64 = 1, 2
	r := &Registry{}
	r.Counter("hits", Events, "x", &hits)
	r.Counter("all", Events, "x", &all)
	r.Quotient("rate", Ratio, "x", 1, "hits", "all + all")
	r.Freeze()
	before := r.Snapshot()
	hits, all = 4, 4
	d := r.Snapshot().Since(before)
	if got := fmt.Sprint(d.Values[0], d.Values[1], d.Values[2]); got != "3 2 0.75" {
		t.Errorf("got %s", got)
	}
	if rate := r.Snapshot().Since(r.Snapshot()).Values[2].F; rate != 0 {
		t.Errorf("a quotient of nothing is %v", rate)
	}
}

func TestJSONIsNestedAndReadBack(t *testing.T) {
	s := machine(2).Snapshot()
	var b strings.Builder
	if err := s.WriteJSON(&b, map[string]any{"seed": 1}); err != nil {
		t.Fatal(err)
	}
	var tree struct {
		Run   struct{ Seed int }
		Harts []struct{ L1d struct{ Misses int } }
	}
	if err := json.Unmarshal([]byte(b.String()), &tree); err != nil {
		t.Fatal(err)
	}
	if tree.Run.Seed != 1 || len(tree.Harts) != 2 || tree.Harts[1].L1d.Misses != 1001 {
		t.Errorf("%+v from\n%s", tree, b.String())
	}
	back, run, err := ReadJSON(strings.NewReader(b.String()))
	if err != nil || !strings.Contains(string(run), "seed") {
		t.Fatal(err, run)
	}
	if d := Diff(s, back); len(d) != 0 {
		t.Errorf("reading back changed %v", d)
	}
}

func TestReadJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                                "line 1: the file is cut off",
		`[]`:                              "begins with {",
		"{\n\"a\": 1,\n\"b\": \"x\"}":     "line 3: b: a statistic is a number",
		`{"a": {"b": 1`:                   "cut off",
		`{"a": 1} 2`:                      "follows the end",
		`{"a": 1, "a": 2}`:                "given twice",
		`{"A b": 1}`:                      "not a statistic's name",
		`{"a": 1e999}`:                    "out of range",
		`{"a":` + strings.Repeat(`[`, 99): "too deeply",
	} {
		_, _, err := ReadJSON(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	f.Add(`{"run": {}, "harts": [{"cycles": 3}], "x": -1.5e3}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, _, err := ReadJSON(strings.NewReader(text))
		if err != nil {
			return
		}
		s.WriteTable(&strings.Builder{}, TableOptions{Width: 80})
	})
}

// The tables are compared with golden files that somebody looked at.
func TestTables(t *testing.T) {
	for _, c := range []struct {
		file  string
		harts int
		o     TableOptions
	}{{"table4.txt", 4, TableOptions{Width: 100}}, {"table16.txt", 16, TableOptions{Width: 80, All: true}}} {
		var b strings.Builder
		if err := machine(c.harts).Snapshot().WriteTable(&b, c.o); err != nil {
			t.Fatal(err)
		}
		golden(t, c.file, b.String())
		for _, line := range strings.Split(b.String(), "\n") {
			if len([]rune(line)) > c.o.Width {
				t.Errorf("%s: %d columns: %s", c.file, len(line), line)
			}
		}
	}
}

// What only names something has neither total nor mean.
func TestNumbersAreNotAddedUp(t *testing.T) {
	for _, n := range []int{3, 40} {
		r := &Registry{}
		for i := range n {
			r.Level(fmt.Sprintf("threads[%d].id", i), Number, "its number", func() uint64 { return uint64(100 + i) })
		}
		r.Freeze()
		var out strings.Builder
		if err := r.Snapshot().WriteTable(&out, TableOptions{}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if f := strings.Fields(line); len(f) > 0 && f[0] == "id" {
				got = f[1:]
			}
		}
		want := map[int]string{3: "100 101 102", 40: "100 0 139 39"}[n] // least and most, and whose
		if strings.Join(got, " ") != want {
			t.Errorf("%d: %v, want %s\n%s", n, got, want, out.String())
		}
	}
}

func TestDiffTable(t *testing.T) {
	a, b := machine(1).Snapshot(), machine(2).Snapshot()
	b.Values[0].U, b.Values[0].F = 1300000, 1300000
	b.Values[1].F = 100
	var out strings.Builder
	if err := WriteDiff(&out, Diff(a, b), "a.json", "b.json"); err != nil {
		t.Fatal(err)
	}
	golden(t, "diff.txt", out.String())
}

func TestDescribeFoldsIndices(t *testing.T) {
	var names []string
	for _, d := range machine(3).Describe() {
		names = append(names, d.Name)
	}
	want := "sim.cycles sim.mips harts[i].instructions harts[i].l1d.accesses harts[i].l1d.misses harts[i].l1d.miss_rate harts[i].idle bus.transactions.gets"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// golden compares with testdata/file; UPDATE=1 rewrites it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s (%v): got\n%s\nwant\n%s", file, err, got, want)
	}
}
