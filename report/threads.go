package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"mcsim/stats"
	"mcsim/stats/series"
)

// shownThreads have lines and rows of their own: those with most references. The
// others are added up.
const (
	shownThreads = maxLines - 1
	shownRows    = 32
)

// threadCharts are those of what each thread counted over time.
func threadCharts(threads, all *series.Series) []chart {
	s, names := pivot(threads, all)
	o := newOverTime(s, nil)
	var out []chart
	add := func(id, title, note, y, format string, stack bool, lines []drawn) {
		if slices.ContainsFunc(lines, func(d drawn) bool { return any0(d.Values) }) {
			out = append(out, chart{ID: id, Title: title, Note: note, XLabel: "cycle", YLabel: y, Format: format, Stack: stack, X: o.x, Lines: lines})
		}
	}
	add("threads-misses", "L1D misses by thread", "misses per reference", "misses per reference", "percent", false,
		o.each("threads", "thread", "l1d.misses", "references", names...))
	for _, c := range []struct{ column, id, title string }{
		{"instructions", "threads-instructions", "Instructions by thread"}, {"requests", "threads-requests", "Bus requests by thread"},
	} {
		lines := o.each("threads", "thread", c.column, "", names...)
		for _, l := range lines {
			for i := range l.Values {
				l.Values[i] *= 1000
			}
		}
		add(c.id, c.title, "per 1000 cycles", "per 1000 cycles", "count", true, lines)
	}
	return out
}

// pivot makes a series with a row for each interval, and columns threads[i].NAME
// of the threads with most references, in the order of the threads; the last one
// is that of all the others. Intervals are those of all, if there is such a series.
func pivot(threads, all *series.Series) (s *series.Series, names []string) {
	total := map[int]float64{}
	number := func(row int) int { return int(threads.Columns["thread"][row]) }
	for row := range threads.From {
		total[number(row)] += column(threads, "references", row)
	}
	order := make([]int, 0, len(total))
	for n := range total {
		order = append(order, n)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(total[b], total[a]), cmp.Compare(a, b)) })
	own := order
	if len(order) > maxLines {
		own = order[:shownThreads]
	}
	slices.Sort(own)
	place := map[int]int{}
	for i, n := range own {
		place[n] = i
		names = append(names, fmt.Sprintf("thread %d", n))
	}
	if others := len(order) - len(own); others > 0 {
		names = append(names, fmt.Sprintf("%d others", others))
	}
	s = &series.Series{Columns: map[string][]float64{}}
	if all != nil {
		s.From, s.To = all.From, all.To
	} else {
		s.From, s.To = slices.Compact(slices.Clone(threads.From)), slices.Compact(slices.Clone(threads.To))
	}
	at := map[uint64]int{}
	for i, to := range s.To {
		at[to] = i
	}
	for row, to := range threads.To {
		i, ok := at[to]
		if !ok {
			continue // the two files are of different runs, or one is cut off
		}
		k, ok := place[number(row)]
		if !ok {
			k = len(own)
		}
		for _, name := range []string{"references", "instructions", "l1d.misses", "requests"} {
			full := fmt.Sprintf("threads[%d].%s", k, name)
			if s.Columns[full] == nil {
				s.Columns[full] = make([]float64, len(s.From))
			}
			s.Columns[full][i] += column(threads, name, row)
		}
	}
	return s, names
}

// column is a value of a row, 0 if the file has no such column.
func column(s *series.Series, name string, row int) float64 {
	if c := s.Columns[name]; row < len(c) {
		return c[row]
	}
	return 0
}

// threadTable has what each thread counted in all.
func threadTable(s *stats.Snapshot) *table {
	type sums struct {
		number int
		id     string
		vm     string
		hart   string
		v      [7]float64
	}
	columns := [7]string{"references", "instructions", "cycles", "turns", "l1d.misses", "requests", "walks"}
	var all []sums
	most := 0.0
	for i := 0; ; i++ {
		at := fmt.Sprintf("threads[%d].", i)
		id, ok := s.Get(at + "id")
		if !ok {
			break
		}
		vm, _ := s.Get(at + "vm")
		hart, _ := s.Get(at + "hart")
		t := sums{number: i, id: strconv.FormatUint(id.U, 10), vm: strconv.FormatUint(vm.U, 10), hart: strconv.FormatUint(hart.U, 10)}
		for k, name := range columns {
			v, _ := s.Get(at + name)
			t.v[k] = v.F
		}
		most = max(most, t.v[0])
		all = append(all, t)
	}
	if len(all) < 2 {
		return nil
	}
	t := &table{
		ID: "threads-total", Title: "Threads", Note: "the bar is the share of the thread with most references",
		Head: []string{"thread", "number in the trace", "VM", "hart", "references", "instructions", "cycles of its turns", "turns", "L1D misses", "bus requests", "walks"},
	}
	slices.SortStableFunc(all, func(a, b sums) int { return cmp.Compare(b.v[0], a.v[0]) })
	if len(all) > shownRows {
		rest := sums{number: -1}
		for _, o := range all[shownRows-1:] {
			for k := range rest.v {
				rest.v[k] += o.v[k]
			}
		}
		rest.id = fmt.Sprintf("%d others", len(all)-shownRows+1)
		all = append(all[:shownRows-1], rest)
	}
	for _, o := range all {
		name := strconv.Itoa(o.number)
		if o.number < 0 {
			name = "all"
		}
		cells := []cell{{Text: o.id}, {Text: o.vm}, {Text: o.hart}}
		for _, v := range o.v {
			cells = append(cells, cell{Text: human(v)})
		}
		if o.number >= 0 && most > 0 {
			cells[3].Bar = 100 * o.v[0] / most
		}
		t.Rows = append(t.Rows, row{Name: name, Cells: cells})
	}
	return t
}
