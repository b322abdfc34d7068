package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"mcsim/stats"
	"mcsim/stats/series"
	"mcsim/traces/analysis"
)

// chart is what the page's script draws. Values that there are not are NaN, and
// null in JSON.
type chart struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	Note   string  `json:"note"`
	XLabel string  `json:"xLabel"`
	YLabel string  `json:"yLabel"`
	Format string  `json:"format"` // of values: percent, count or ratio
	Stack  bool    `json:"stack"`
	Bytes  bool    `json:"bytes"` // x is a size in bytes, on a logarithmic axis
	X      numbers `json:"x"`
	Lines  []drawn `json:"lines"`
}

type drawn struct {
	Name   string  `json:"name"`
	Values numbers `json:"values"`
}

type numbers []float64

// MarshalJSON writes NaN as null.
func (n numbers) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, v := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = append(b, "null"...)
		} else {
			b = fmt.Appendf(b, "%.6g", v)
		}
	}
	return append(b, ']'), nil
}

const (
	maxPoints = 800 // of a line; more rows are joined
	maxLines  = 8   // of a chart; more harts are summed up by least, mean and greatest
)

// overTime makes charts of the columns of a series.
type overTime struct {
	s     *series.Series
	step  int // rows that make a point
	x     numbers
	spans []float64 // cycles of each point

	regions []string // names of regions[i], as far as they are known
}

func newOverTime(s *series.Series, regions []string) *overTime {
	o := &overTime{s: s, regions: regions, step: (len(s.From) + maxPoints - 1) / maxPoints}
	for i := 0; i < len(s.From); i += o.step {
		end := min(i+o.step, len(s.From)) - 1
		o.x = append(o.x, float64(s.To[end]))
		o.spans = append(o.spans, float64(s.To[end]-s.From[i]))
	}
	return o
}

// sum adds the rows of each point up, or returns nil if there is no such column.
func (o *overTime) sum(name string) numbers {
	column, ok := o.s.Columns[name]
	if !ok {
		return nil
	}
	out := make(numbers, len(o.x))
	for i, v := range column {
		out[i/o.step] += v
	}
	return out
}

// over divides, where there is something to divide by.
func over(a, b []float64, scale float64) numbers {
	out := make(numbers, len(a))
	for i := range a {
		out[i] = math.NaN()
		if b[i] > 0 {
			out[i] = scale * a[i] / b[i]
		}
	}
	return out
}

func any0(n numbers) bool { return slices.ContainsFunc(n, func(v float64) bool { return v > 0 }) }

// each makes a line for every element of an array, such as harts: num over den,
// or over the cycles if den is empty. Elements that never have a divisor are
// left out.
func (o *overTime) each(array, label, num, den string, names ...string) []drawn {
	var lines []drawn
	for i := 0; ; i++ {
		at := fmt.Sprintf("%s[%d].", array, i)
		a := o.sum(at + num)
		if a == nil {
			break
		}
		b := numbers(o.spans)
		if den != "" {
			b = o.sum(at + den)
		}
		if b != nil && any0(b) {
			name := fmt.Sprintf("%s %d", label, i)
			if i < len(names) && names[i] != "" {
				name = names[i]
			}
			lines = append(lines, drawn{name, over(a, b, 1)})
		}
	}
	return condense(lines)
}

// condense keeps charts of many harts legible.
func condense(lines []drawn) []drawn {
	if len(lines) <= maxLines {
		return lines
	}
	points := len(lines[0].Values)
	least, mean, greatest := make(numbers, points), make(numbers, points), make(numbers, points)
	for p := range points {
		n, sum := 0.0, 0.0
		least[p], greatest[p] = math.NaN(), math.NaN()
		for _, l := range lines {
			if v := l.Values[p]; !math.IsNaN(v) {
				n++
				sum += v
				least[p], greatest[p] = lower(least[p], v), -lower(-greatest[p], -v)
			}
		}
		mean[p] = sum / n
	}
	return []drawn{{"greatest of " + fmt.Sprint(len(lines)), greatest}, {"mean", mean}, {"least", least}}
}

func lower(a, b float64) float64 {
	if math.IsNaN(a) || b < a {
		return b
	}
	return a
}

// charts lists what a series has: miss ratios, traffic, throughput.
func (o *overTime) charts() []chart {
	var out []chart
	add := func(id, title, note, y, format string, stack bool, lines []drawn) {
		lines = slices.DeleteFunc(lines, func(d drawn) bool { return !any0(d.Values) && (stack || len(lines) > maxLines) })
		if !slices.ContainsFunc(lines, func(d drawn) bool { return any0(d.Values) }) {
			return
		}
		out = append(out, chart{ID: id, Title: title, Note: note, XLabel: "cycle", YLabel: y, Format: format, Stack: stack, X: o.x, Lines: lines})
	}
	for _, c := range []struct{ name, title string }{
		{"l1d", "L1D misses"}, {"l1i", "L1I misses"}, {"l2", "L2 misses"}, {"dtlb", "Data TLB misses"}, {"itlb", "Instruction TLB misses"},
	} {
		add("miss-"+c.name, c.title, "misses per access", "miss ratio", "percent", false, o.each("harts", "hart", c.name+".misses", c.name+".accesses"))
	}
	if a, b := o.sum("llc.misses"), o.sum("llc.accesses"); a != nil && b != nil {
		add("miss-llc", "LLC misses", "misses per read of the LLC", "miss ratio", "percent", false, []drawn{{"LLC", over(a, b, 1)}})
	}
	add("miss-vms", "LLC misses by VM", "misses per read of the LLC", "miss ratio", "percent", false, o.each("vms", "VM", "llc.misses", "llc.accesses"))
	add("miss-regions", "L1 misses by region", "misses per reference", "miss ratio", "percent", false, o.each("regions", "region", "misses", "references", o.regions...))
	add("traffic", "Bus traffic by kind", "transactions per 1000 cycles", "per 1000 cycles", "count", true, o.kinds("bus.transactions.", 1000))
	add("ipc", "Instructions per cycle", "of each hart, sleep included", "instructions per cycle", "ratio", false, o.each("harts", "hart", "instructions", ""))
	requests := o.each("vms", "VM", "requests", "")
	for _, l := range requests {
		for i := range l.Values {
			l.Values[i] *= 1000
		}
	}
	add("vm-requests", "Bus requests by VM", "per 1000 cycles", "per 1000 cycles", "count", true, requests)
	var memory []drawn
	for _, name := range []string{"dram.reads", "dram.writes"} {
		if n := o.sum(name); n != nil && any0(n) {
			memory = append(memory, drawn{strings.TrimPrefix(name, "dram."), over(n, o.spans, 1000)})
		}
	}
	add("dram", "Memory", "lines per 1000 cycles", "per 1000 cycles", "count", true, memory)
	add("coherence", "Coherence", "events per 1000 cycles", "per 1000 cycles", "count", false, o.coherence())
	return out
}

// kinds makes a line of every column below a name.
func (o *overTime) kinds(prefix string, scale float64) []drawn {
	var lines []drawn
	for _, name := range o.s.Names {
		if kind, ok := strings.CutPrefix(name, prefix); ok {
			lines = append(lines, drawn{kind, over(o.sum(name), o.spans, scale)})
		}
	}
	return lines
}

func (o *overTime) coherence() []drawn {
	var lines []drawn
	for _, c := range []struct{ name, label string }{{"bus.cache_to_cache", "cache to cache"}, {"bus.snoops", "snoops"}, {"bus.lost_upgrades", "lost upgrades"}} {
		if n := o.sum(c.name); n != nil {
			lines = append(lines, drawn{c.label, over(n, o.spans, 1000)})
		}
	}
	invalidations := make(numbers, len(o.x))
	for _, name := range o.s.Names {
		if generic, _ := stats.Generic(name); generic == "harts[i].l1d.invalidations" {
			for i, v := range o.sum(name) {
				invalidations[i] += v
			}
		}
	}
	return append(lines, drawn{"lines invalidated in L1Ds", over(invalidations, o.spans, 1000)})
}

// traceCharts are those of an analysis of a trace.
func traceCharts(t *analysis.Result) []chart {
	var out []chart
	curve := chart{
		ID: "mrc", Title: "Miss ratio by cache size", Note: "of fully associative LRU caches, from reuse distances; first touches included",
		XLabel: "bytes", YLabel: "miss ratio", Format: "percent", Bytes: true,
	}
	at := map[uint64]bool{}
	for _, l := range []*analysis.Lines{&t.Data, &t.Code} {
		for _, p := range l.MissRatio {
			at[p.Bytes] = true
		}
	}
	sizes := make([]uint64, 0, len(at))
	for b := range at {
		sizes = append(sizes, b)
	}
	slices.Sort(sizes)
	for _, b := range sizes {
		curve.X = append(curve.X, float64(b))
	}
	for _, l := range []struct {
		name string
		*analysis.Lines
	}{{"data", &t.Data}, {"code", &t.Code}} {
		if len(l.MissRatio) > 0 {
			curve.Lines = append(curve.Lines, drawn{l.name, misses(l.MissRatio, sizes)})
		}
	}
	if len(curve.Lines) > 0 {
		out = append(out, curve)
	}
	working := chart{
		ID: "working-set", Title: "Working set", Note: fmt.Sprintf("distinct lines in windows of %d references", t.Window),
		XLabel: "reference", YLabel: "lines", Format: "count",
	}
	data, code := numbers{}, numbers{}
	windows := t.Windows
	if n := len(windows); n > 1 {
		windows = windows[:n-1] // the last one is shorter
	}
	for _, w := range windows {
		working.X = append(working.X, float64(w.From))
		data, code = append(data, w.DataLines), append(code, w.CodeLines)
	}
	if any0(data) {
		working.Lines = append(working.Lines, drawn{"data", data})
	}
	if any0(code) {
		working.Lines = append(working.Lines, drawn{"code", code})
	}
	if len(working.Lines) > 0 {
		out = append(out, working)
	}
	return out
}

// misses gives a curve at other sizes: it is constant beyond its last point.
func misses(points []analysis.Point, sizes []uint64) numbers {
	out := make(numbers, len(sizes))
	for i, b := range sizes {
		out[i] = math.NaN()
		for _, p := range points {
			if p.Bytes <= b {
				out[i] = p.MissRatio
			}
		}
	}
	return out
}
