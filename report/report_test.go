package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mcsim/traces"
	"mcsim/traces/analysis"
)

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func render(t *testing.T, paths ...string) string {
	t.Helper()
	r, err := Load(paths)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Render(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// charts returns what the page's script is given.
func chartsOf(t *testing.T, page string) map[string]chartData {
	t.Helper()
	m := regexp.MustCompile(`(?s)id="data">(.*?)</script>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no data")
	}
	var all []chartData
	if err := json.Unmarshal([]byte(m[1]), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]chartData{}
	for _, c := range all {
		out[c.ID] = c
	}
	return out
}

type chartData struct {
	ID    string
	X     []float64
	Lines []struct {
		Name   string
		Values []*float64
	}
}

func TestRatesOfJoinedRows(t *testing.T) {
	// 2000 rows of 10 cycles: three make a point. Rates are of sums, not means of
	// rates: every third row has most of the accesses, and none misses in it.
	var b strings.Builder
	for i := range 2000 {
		accesses, misses := 10, 5
		if i%3 == 0 {
			accesses, misses = 80, 0
		}
		fmt.Fprintf(&b, `{"from":%d,"to":%d,"harts[0].l1d.misses":%d,"harts[0].l1d.accesses":%d,"bus.transactions.gets":3}`+"\n", 10*i, 10*i+10, misses, accesses)
	}
	charts := chartsOf(t, render(t, write(t, t.TempDir(), "rows.jsonl", b.String())))
	c := charts["miss-l1d"]
	if len(c.X) != 667 || c.X[0] != 30 || c.X[666] != 20000 {
		t.Fatalf("%d points, to cycle %v", len(c.X), c.X[len(c.X)-1])
	}
	if v := *c.Lines[0].Values[0]; math.Abs(v-0.1) > 1e-9 {
		t.Errorf("a miss ratio of %v, want 10 of 100", v)
	}
	if v := *charts["traffic"].Lines[0].Values[5]; math.Abs(v-300) > 1e-9 {
		t.Errorf("%v transactions per 1000 cycles, want 9 in 30", v)
	}
}

func TestManyHarts(t *testing.T) {
	row := `{"from":0,"to":10`
	for i := range 64 {
		row += fmt.Sprintf(`,"harts[%d].l1d.misses":%d,"harts[%d].l1d.accesses":100`, i, i, i)
	}
	c := chartsOf(t, render(t, write(t, t.TempDir(), "rows.jsonl", row+"}\n")))["miss-l1d"]
	got := map[string]float64{}
	for _, l := range c.Lines {
		got[l.Name] = *l.Values[0]
	}
	if got["greatest of 64"] != 0.63 || got["mean"] != 0.315 {
		t.Errorf("%v", got)
	}
}

// Threads over time: those with most references have lines, the others one, and
// intervals in which a thread did not run count as nothing.
func TestThreads(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, LinesFile, `{"from":0,"to":100,"sim.cycles":100}
{"from":100,"to":200,"sim.cycles":100}
{"from":200,"to":300,"sim.cycles":100}
`)
	var b strings.Builder
	for i, to := range []int{100, 300} {
		for n := range 20 {
			fmt.Fprintf(&b, `{"from":%d,"to":%d,"thread":%d,"id":7,"vm":0,"hart":0,"references":%d,"instructions":10,"l1d.misses":%d}`+"\n", to-100, to, n, 100+n, 5*i)
		}
	}
	write(t, dir, ThreadsFile, b.String())
	charts := chartsOf(t, render(t, dir))
	c := charts["threads-instructions"]
	names := ""
	for _, l := range c.Lines {
		names += l.Name + " "
	}
	if names != "thread 13 thread 14 thread 15 thread 16 thread 17 thread 18 thread 19 13 others " {
		t.Fatalf("lines of %s", names)
	}
	for i, want := range []float64{1300, 0, 1300} { // 13 threads of 10 in 100 cycles
		if v := *c.Lines[7].Values[i]; v != want {
			t.Errorf("interval %d: %v for the others, want %v", i, v, want)
		}
	}
	misses := charts["threads-misses"].Lines[0].Values // of thread 13, with 113 references
	if *misses[0] != 0 || misses[1] != nil || math.Abs(*misses[2]-5.0/113) > 1e-6 {
		t.Errorf("misses of thread 13: %v", misses)
	}
	// Without the file of intervals, those of the threads are the axis.
	if err := os.Remove(filepath.Join(dir, LinesFile)); err != nil {
		t.Fatal(err)
	}
	if x := chartsOf(t, render(t, dir))["threads-instructions"].X; len(x) != 2 || x[1] != 300 {
		t.Errorf("points at %v", x)
	}
}

// A miss ratio at a size that only the other curve has is that of the next
// smaller one.
func TestCurves(t *testing.T) {
	a := analysis.New(analysis.Options{})
	for i := range uint64(3000) {
		a.Add([]traces.Ref{
			{VA: i % 3 * 64, Size: 4, Kind: traces.Fetch, Has: traces.HasVA},
			{VA: 1<<20 + i%40*64, Size: 8, Kind: traces.Load, Has: traces.HasVA},
		})
	}
	text, err := json.Marshal(a.Result(3))
	if err != nil {
		t.Fatal(err)
	}
	c := chartsOf(t, render(t, write(t, t.TempDir(), "trace.json", string(text))))["mrc"]
	for i, x := range c.X {
		data, code := *c.Lines[0].Values[i], *c.Lines[1].Values[i]
		wantData, wantCode := 1.0, 1.0
		if x >= 40*64 {
			wantData = 40.0 / 3000
		}
		if x >= 3*64 {
			wantCode = 3.0 / 3000
		}
		if math.Abs(data-wantData) > 1e-4 || math.Abs(code-wantCode) > 1e-4 {
			t.Errorf("%v bytes: %v and %v, want %v and %v", x, data, code, wantData, wantCode)
		}
	}
}

func TestHostileNames(t *testing.T) {
	evil := `</script><script>alert(1)</script>"'<img src=x>`
	info, err := json.Marshal(map[string]any{"program": evil, "error": evil, "reason": evil, "config": map[string]string{evil: evil}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, StatsFile, `{"run":`+string(info)+`,"sim":{"cycles":5}}`)
	page := render(t, dir)
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img") {
		t.Error("a name became markup")
	}
	if !strings.Contains(page, "&lt;/script&gt;") {
		t.Error("the name is not shown")
	}
}

func TestHalfARun(t *testing.T) {
	dir := t.TempDir()
	row := `{"from":%d,"to":%d,"harts[0].l1d.misses":1,"harts[0].l1d.accesses":2}` + "\n"
	write(t, dir, LinesFile, fmt.Sprintf(row+row, 0, 10, 10, 20)+`{"from":20,"to":30,"harts[0].l1d.mi`)
	page := render(t, dir)
	if !strings.Contains(page, "line 3") || len(chartsOf(t, page)["miss-l1d"].X) != 2 {
		t.Error("two rows and a note were expected")
	}
	write(t, dir, LinesFile, "")
	if page := render(t, dir); !strings.Contains(page, "is empty") {
		t.Error("no note of empty intervals")
	}
	for _, bad := range []string{"", "[]", "PK\x03\x04", `{"run":5,"sim":{"cycles":1}}`, `{"sim":`, `{"references":"x"}`} {
		_, err := Load([]string{write(t, t.TempDir(), "bad", bad)})
		if bad != "" && (err == nil || !strings.Contains(err.Error(), "bad: ")) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Load([]string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("an empty folder: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"run":{"program":"x","config":{"machine":{"harts":1}}},"sim":{"cycles":5},"harts":[{"l1d":{"misses":1}}],"vms":[{"slowdown":2}]}`))
	f.Add([]byte(`{"from":0,"to":1,"harts[0].l1d.misses":1,"harts[0].l1d.accesses":1,"harts[1].l1d.misses":1}`))
	f.Add([]byte(`{"references":5,"sharing":[{"class":"private"}],"data":{"miss_ratio":[{"lines":1,"bytes":64,"miss_ratio":1}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Load([]string{write(t, t.TempDir(), "f", string(data))})
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Render(&b, r); err != nil {
			t.Fatalf("%v", err)
		}
		if n := strings.Count(b.String(), "</script>"); n != 2 {
			t.Errorf("%d scripts end", n)
		}
	})
}

// A region is called by the name that the user gave it.
func TestRegionsAreNamed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, StatsFile, `{"run": {"replay": {"vms": [], "regions": ["heap"]}}, "sim": {"cycles": 10}}`)
	write(t, dir, LinesFile, `{"from":0,"to":10,"regions[0].references":10,"regions[0].misses":5,"regions[1].references":10,"regions[1].misses":5}
`)
	lines := chartsOf(t, render(t, dir))["miss-regions"].Lines
	if len(lines) != 2 || lines[0].Name != "heap" || lines[1].Name != "region 1" {
		t.Errorf("%+v", lines)
	}
}
