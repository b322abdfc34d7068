package stats

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TableOptions shape WriteTable.
type TableOptions struct {
	Width int      // columns to fill; 0: 100
	All   bool     // also rows whose values are all zero
	Only  []string // only names that contain one of these; nil for all
}

// maxColumns is the number of harts beyond which their columns give way to
// total, mean, least and most.
const maxColumns = 8

// WriteTable writes the values for people: one block per component, harts side
// by side if they fit, else summed up. It ends in a newline.
func (s *Snapshot) WriteTable(w io.Writer, o TableOptions) error {
	if o.Width <= 0 {
		o.Width = 100
	}
	out := bufio.NewWriter(w)
	first := true
	for _, g := range s.groups() {
		g.prune(o)
		if len(g.rows) == 0 {
			continue
		}
		if !first {
			fmt.Fprintln(out)
		}
		first = false
		if g.indices == nil {
			g.writeScalars(out, o.Width)
		} else {
			g.writeArray(out, o.Width)
		}
	}
	return out.Flush()
}

// group is a block of the table: the values of one top-level name.
type group struct {
	name    string
	indices []int // of an array; nil for a plain object
	rows    []*row
	byName  map[string]*row
}

// row is a statistic of a group; cells has one value per index.
type row struct {
	name  string // relative to the group
	unit  string
	desc  string
	cells map[int]Value

	scale, num, den float64 // sums over the indices, of a quotient
}

func (s *Snapshot) groups() []*group {
	var list []*group
	byName := map[string]*group{}
	for k, v := range s.Values {
		top, rest, _ := strings.Cut(v.Name, ".")
		base, bracket, array := strings.Cut(top, "[")
		g := byName[base]
		if g == nil {
			g = &group{name: base, byName: map[string]*row{}}
			byName[base] = g
			list = append(list, g)
		}
		index := 0
		if array {
			index, _ = strconv.Atoi(strings.TrimSuffix(bracket, "]"))
			if !slices.Contains(g.indices, index) {
				g.indices = append(g.indices, index)
			}
		}
		if rest == "" {
			rest = base
		}
		r := g.byName[rest]
		if r == nil {
			r = &row{name: rest, unit: v.Unit, desc: v.Desc, cells: map[int]Value{}}
			g.byName[rest] = r
			g.rows = append(g.rows, r)
		}
		r.cells[index] = v
		if s.stats != nil && s.stats[k].num != nil {
			r.scale = s.stats[k].scale
			r.num += s.sum(s.stats[k].num)
			r.den += s.sum(s.stats[k].den)
		}
	}
	for _, g := range list {
		slices.Sort(g.indices)
	}
	return list
}

func (g *group) prune(o TableOptions) {
	g.rows = slices.DeleteFunc(g.rows, func(r *row) bool {
		asked := o.Only == nil
		for _, part := range o.Only {
			asked = asked || strings.Contains(g.name+"."+r.name, part)
		}
		if !asked {
			return true
		}
		for _, v := range r.cells {
			if o.All || v.F != 0 {
				return false
			}
		}
		return true
	})
}

func (g *group) writeScalars(out *bufio.Writer, width int) {
	cells := [][]string{}
	for _, r := range g.rows {
		cells = append(cells, []string{r.name, Human(r.cells[0], r.unit), shownUnit(r.unit), r.desc})
	}
	widths := columnWidths(cells)
	fmt.Fprintf(out, "%s\n", g.name)
	for _, c := range cells {
		line := fmt.Sprintf("  %-*s  %*s  %-*s", widths[0], c[0], widths[1], c[1], widths[2], c[2])
		if room := width - utf8.RuneCountInString(line) - 2; room >= 12 && c[3] != "" {
			line += "  " + clip(c[3], room)
		}
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
}

func (g *group) writeArray(out *bufio.Writer, width int) {
	table := g.columns()
	if len(g.indices) > maxColumns || lineWidth(table) > width {
		table = g.summary()
	}
	widths := columnWidths(table)
	for i, line := range table {
		if i == 0 {
			fmt.Fprintf(out, "%-*s", widths[0]+2, line[0])
		} else {
			fmt.Fprintf(out, "  %-*s", widths[0], line[0])
		}
		text := ""
		for c := 1; c < len(line); c++ {
			text += fmt.Sprintf("  %*s", widths[c], line[c])
		}
		fmt.Fprintln(out, strings.TrimRight(text, " "))
	}
}

// columns has one column per index and, for more than one, the total.
func (g *group) columns() [][]string {
	head := []string{g.name}
	for _, i := range g.indices {
		head = append(head, strconv.Itoa(i))
	}
	if len(g.indices) > 1 {
		head = append(head, "total")
	}
	table := [][]string{head}
	for _, r := range g.rows {
		line := []string{r.label()}
		for _, i := range g.indices {
			line = append(line, r.cell(i))
		}
		if len(g.indices) > 1 {
			line = append(line, r.total())
		}
		table = append(table, line)
	}
	return table
}

// summary has the same few columns for any number of indices.
func (g *group) summary() [][]string {
	table := [][]string{{fmt.Sprintf("%s (%d)", g.name, len(g.indices)), "total", "mean", "least", "at", "most", "at"}}
	for _, r := range g.rows {
		var sum float64
		lo, hi := -1, -1
		for _, i := range g.indices {
			v, ok := r.cells[i]
			if !ok {
				continue
			}
			sum += v.F
			if lo < 0 || v.F < r.cells[lo].F {
				lo = i
			}
			if hi < 0 || v.F > r.cells[hi].F {
				hi = i
			}
		}
		mean := ""
		if r.unit != Number {
			mean = Human(Value{Float: true, F: sum / float64(len(r.cells))}, r.unit)
		}
		table = append(table, []string{r.label(), r.total(), mean,
			r.cell(lo), strconv.Itoa(lo), r.cell(hi), strconv.Itoa(hi)})
	}
	return table
}

func (r *row) cell(i int) string {
	v, ok := r.cells[i]
	if !ok {
		return "-"
	}
	return Human(v, r.unit)
}

// label names the unit too, unless the name or the number does.
func (r *row) label() string {
	u := shownUnit(r.unit)
	if u == "" || strings.Contains(r.name, u) {
		return r.name
	}
	return r.name + " (" + u + ")"
}

// total adds counters up, divides the sums for a quotient, and is blank for
// other computed values and for what only names something.
func (r *row) total() string {
	if r.scale != 0 {
		return Human(Value{Float: true, F: finite(r.scale * r.num / r.den)}, r.unit)
	}
	t := Value{}
	for _, v := range r.cells {
		if v.Float || r.unit == Number {
			return ""
		}
		t.U += v.U
	}
	t.F = float64(t.U)
	return Human(t, r.unit)
}

// Human writes a value with thousands separated, ratios in percent, and other
// computed numbers with three digits that count.
func Human(v Value, unit string) string {
	if !v.Float {
		return group3(strconv.FormatUint(v.U, 10))
	}
	if unit == Ratio {
		return strconv.FormatFloat(100*v.F, 'f', 2, 64) + "%"
	}
	f := v.F
	if f == 0 {
		return "0"
	}
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	digits := 3
	switch {
	case f >= 1000:
		digits = 0
	case f >= 100:
		digits = 1
	case f >= 10:
		digits = 2
	}
	whole, frac, dot := strings.Cut(strconv.FormatFloat(f, 'f', digits, 64), ".")
	if dot {
		return sign + whole + "." + frac
	}
	return sign + group3(whole)
}

// shownUnit is what stands beside a number: nothing for plain counts and percentages.
func shownUnit(unit string) string {
	switch unit {
	case Ratio, Events, Number:
		return ""
	}
	return unit
}

func group3(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func columnWidths(table [][]string) []int {
	var w []int
	for _, line := range table {
		for i, c := range line {
			if i == len(w) {
				w = append(w, 0)
			}
			w[i] = max(w[i], utf8.RuneCountInString(c))
		}
	}
	return w
}

func lineWidth(table [][]string) int {
	sum := 0
	for _, w := range columnWidths(table) {
		sum += w + 2
	}
	return sum
}

func clip(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	return strings.TrimRight(string(r[:width-1]), " ") + "…"
}
