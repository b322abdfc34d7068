package analysis

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"mcsim/traces"
)

// Result is what an analysis found. Counts that may come from a sample are
// floating-point numbers.
type Result struct {
	References   uint64            `json:"references"`
	Instructions uint64            `json:"instructions"`
	Kinds        map[string]uint64 `json:"kinds"`
	BytesRead    uint64            `json:"bytes_read"`
	BytesWritten uint64            `json:"bytes_written"`
	Sizes        []Count           `json:"sizes"`
	OtherSizes   uint64            `json:"other_sizes,omitempty"` // references of sizes not listed
	Cut          uint64            `json:"cut,omitempty"`         // references that are longer than 1024 lines; the rest of them was not looked at
	Fields       []string          `json:"fields"`                // that every reference has
	Address      string            `json:"address"`               // virtual or physical: which lines are meant
	Cycles       *Cycles           `json:"cycles,omitempty"`
	LineBytes    uint64            `json:"line_bytes"`
	PageBytes    uint64            `json:"page_bytes"`

	Data        Lines          `json:"data"`
	Code        Lines          `json:"code"`
	Pages       Pages          `json:"pages"`
	Strides     []StrideBucket `json:"strides"`
	TopStrides  []StrideBucket `json:"top_strides"`
	StridesBy   string         `json:"strides_by"` // pc or thread
	Threads     []Thread       `json:"threads"`
	Sharing     []ClassCount   `json:"sharing"`
	SharedLines []SharedLine   `json:"shared_lines"` // those with most transfers
	PCs         []PC           `json:"pcs"`          // those with most data references
	PCsLost     uint64         `json:"pcs_lost,omitempty"`
	Window      uint64         `json:"window"` // references in a window
	Windows     []Window       `json:"windows"`
}

// Count is how often a value occurs.
type Count struct {
	Value uint64 `json:"value"`
	Count uint64 `json:"count"`
}

// Cycles are the time stamps.
type Cycles struct {
	First     uint64 `json:"first"`
	Last      uint64 `json:"last"`
	Backwards uint64 `json:"backwards"` // stamps that are less than the one before of their thread
}

// Lines are the lines of data or of code.
type Lines struct {
	Touches   uint64   `json:"touches"` // of lines: a reference across a boundary makes two
	Lines     float64  `json:"lines"`
	Bytes     float64  `json:"bytes"`   // of them, distinct bytes that were touched
	Written   float64  `json:"written"` // distinct bytes that were written
	Rate      float64  `json:"rate"`    // of sampling; 1 is exact
	Cold      float64  `json:"cold"`    // first touches
	Reuse     []Bucket `json:"reuse"`
	MissRatio []Point  `json:"miss_ratio"`
}

// Pages counts distinct pages.
type Pages struct {
	Code float64 `json:"code"`
	Data float64 `json:"data"`
	All  float64 `json:"all"`
	Rate float64 `json:"rate"`
}

// Thread is one thread's part.
type Thread struct {
	Thread       uint32 `json:"thread"`
	References   uint64 `json:"references"`
	Instructions uint64 `json:"instructions"`
	Fetches      uint64 `json:"fetches"`
	Reads        uint64 `json:"reads"`
	Writes       uint64 `json:"writes"`
}

// ClassCount is how many lines of data are shared in a way.
type ClassCount struct {
	Class          Class   `json:"class"`
	Lines          float64 `json:"lines"`
	References     float64 `json:"references"`
	Writes         float64 `json:"writes"`
	TrueTransfers  float64 `json:"true_transfers"`
	FalseTransfers float64 `json:"false_transfers"`
	Invalidations  float64 `json:"invalidations"`
}

// SharedLine is a line that moves between threads.
type SharedLine struct {
	Address        string `json:"address"`
	Class          Class  `json:"class"`
	Threads        int    `json:"threads"`
	Writers        int    `json:"writers"`
	References     uint64 `json:"references"`
	Writes         uint64 `json:"writes"`
	TrueTransfers  uint64 `json:"true_transfers"`
	FalseTransfers uint64 `json:"false_transfers"`
	Invalidations  uint64 `json:"invalidations"`
	PC             string `json:"pc,omitempty"` // that caused more than half of its transfers
}

// PC is an instruction that refers to data.
type PC struct {
	PC        string  `json:"pc"`
	Reads     uint64  `json:"reads"`
	Writes    uint64  `json:"writes"`
	Stride    *int64  `json:"stride,omitempty"` // that of more than half of its references
	Transfers float64 `json:"transfers"`
}

// Window is a part of the trace.
type Window struct {
	From      uint64  `json:"from"` // number of its first reference
	DataLines float64 `json:"data_lines"`
	CodeLines float64 `json:"code_lines"`
	Fetches   uint64  `json:"fetches"`
	Reads     uint64  `json:"reads"`
	Writes    uint64  `json:"writes"`
}

// Result says what was found so far. Top bounds the lists of lines and pcs.
func (a *Analysis) Result(top int) *Result {
	r := &Result{
		References: a.refs, Kinds: map[string]uint64{}, BytesRead: a.bytes[0], BytesWritten: a.bytes[1],
		OtherSizes: a.otherSizes, Cut: a.cut, LineBytes: a.o.Line, PageBytes: a.o.Page,
		Data: a.data.result(a.o.Line, a.granule), Code: a.code.result(a.o.Line, a.granule),
		Strides: a.strides.buckets(), TopStrides: a.strides.top(min(top, 10)), StridesBy: "thread", PCsLost: a.pcs.lost,
	}
	for k, n := range a.kinds {
		if n > 0 {
			r.Kinds[traces.Kind(k).String()] = n
		}
	}
	for size, n := range a.sizes {
		r.Sizes = append(r.Sizes, Count{uint64(size), n})
	}
	slices.SortFunc(r.Sizes, func(a, b Count) int { return cmp.Compare(a.Value, b.Value) })
	r.Fields, r.Address = a.fields()
	if a.stamps > 0 {
		r.Cycles = &Cycles{a.firstCycle, a.lastCycle, a.backwards}
	}
	if a.has&traces.HasPC != 0 {
		r.StridesBy = "pc"
	}
	code, data, all := a.pages.count()
	r.Pages = Pages{code, data, all, 1 / float64(uint64(1)<<a.pages.rate)}
	for i := range a.threads {
		t := &a.threads[i]
		row := Thread{Thread: t.id, References: t.refs, Instructions: t.instructions, Fetches: t.kinds[traces.Fetch]}
		for k, n := range t.kinds {
			if reads, writes := effect(traces.Kind(k)); writes {
				row.Writes += n
			} else if reads {
				row.Reads += n
			}
		}
		r.Instructions += t.instructions
		r.Threads = append(r.Threads, row)
	}
	slices.SortFunc(r.Threads, func(a, b Thread) int { return cmp.Compare(a.Thread, b.Thread) })
	r.Sharing, r.SharedLines = a.sharing(top)
	r.PCs = a.topPCs(top)
	r.Window, r.Windows = a.windows()
	return r
}

func (a *Analysis) fields() (names []string, address string) {
	if a.refs == 0 {
		return []string{}, "virtual"
	}
	for i, name := range []string{"virtual", "physical", "pc", "cycle", "mode"} {
		if a.hasAll&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if a.has&traces.HasPA != 0 && !(a.o.Virtual && a.has&traces.HasVA != 0) {
		return names, "physical"
	}
	return names, "virtual"
}

func (a *Analysis) sharing(top int) ([]ClassCount, []SharedLine) {
	classes := make([]ClassCount, numClasses)
	for c := range classes {
		classes[c].Class = Class(c)
	}
	var moving []*line
	w := a.data.weight()
	for i := range a.data.lines {
		l := &a.data.lines[i]
		if l.pos < 0 {
			continue
		}
		c := &classes[l.class()]
		c.Lines += w
		c.References += w * float64(l.refs)
		c.Writes += w * float64(l.writes)
		if s := l.shared; s != nil {
			c.TrueTransfers += w * float64(s.trueMoves)
			c.FalseTransfers += w * float64(s.noMoves)
			c.Invalidations += w * float64(s.invalidations)
			if s.trueMoves+s.noMoves > 0 {
				moving = append(moving, l)
			}
		}
	}
	slices.SortFunc(moving, func(x, y *line) int {
		s, t := x.shared, y.shared
		return cmp.Or(cmp.Compare(t.trueMoves+t.noMoves, s.trueMoves+s.noMoves), cmp.Compare(y.refs, x.refs), cmp.Compare(x.number, y.number))
	})
	lines := []SharedLine{}
	for _, l := range moving[:min(top, len(moving))] {
		s := l.shared
		row := SharedLine{
			Address: hex(l.number << a.lineShift), Class: l.class(), Threads: len(s.sharers), Writers: s.writers(),
			References: l.refs, Writes: l.writes, TrueTransfers: s.trueMoves, FalseTransfers: s.noMoves, Invalidations: s.invalidations,
		}
		if pc, ok := s.pc.most(); ok {
			row.PC = hex(pc)
		}
		lines = append(lines, row)
	}
	return classes, lines
}

func (a *Analysis) topPCs(top int) []PC {
	out := []PC{}
	pcs := a.pcs.byCount()
	for _, pc := range pcs[:min(top, len(pcs))] {
		p := a.pcs.at[pc]
		row := PC{PC: hex(pc), Reads: p.reads, Writes: p.writes, Transfers: float64(p.moves)}
		if v, ok := p.stride.most(); ok {
			stride := int64(v)
			row.Stride = &stride
		}
		out = append(out, row)
	}
	return out
}

func hex(x uint64) string { return fmt.Sprintf("0x%x", x) }

// windows lists the working sets at the length of window that gives the most
// points up to maxWindows.
func (a *Analysis) windows() (uint64, []Window) {
	k := int(a.mix.scale) - baseWindow
	points := []Window{}
	if a.refs == 0 {
		return 1 << baseWindow, points
	}
	data := a.data.window.points(k, len(a.mix.windows))
	code := a.code.window.points(k, len(a.mix.windows))
	for i, m := range a.mix.windows {
		points = append(points, Window{uint64(i) << a.mix.scale, data[i], code[i], m.fetches, m.reads, m.writes})
	}
	return 1 << a.mix.scale, points
}

// result sums up lines of one kind.
func (t *lineTable) result(lineBytes uint64, granule uint) Lines {
	out := Lines{Touches: t.reuse.touches, Cold: t.reuse.cold, Rate: 1 / t.weight()}
	for i := range t.lines {
		l := &t.lines[i]
		if l.pos < 0 {
			continue
		}
		out.Lines += t.weight()
		out.Bytes += t.weight() * float64(bits.OnesCount64(l.touched)<<granule)
		out.Written += t.weight() * float64(bits.OnesCount64(l.written)<<granule)
	}
	out.Reuse, out.MissRatio = t.reuse.result(lineBytes)
	return out
}
