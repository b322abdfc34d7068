package stats

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
)

// Change is one row of a comparison. A or B is missing where only one side has
// the statistic.
type Change struct {
	Name       string
	A, B       Value
	HasA, HasB bool
}

// Delta is B - A.
func (c Change) Delta() float64 { return c.B.F - c.A.F }

// Percent is the change relative to A; NaN where A is 0 or a side is missing.
func (c Change) Percent() float64 {
	if !c.HasA || !c.HasB || c.A.F == 0 {
		return math.NaN()
	}
	return 100 * c.Delta() / c.A.F
}

// Diff lists the statistics whose values differ, in the order of a, then what
// only b has.
func Diff(a, b *Snapshot) []Change {
	var out []Change
	for _, va := range a.Values {
		vb, ok := b.Get(va.Name)
		if !ok || !same(va, vb) {
			out = append(out, Change{va.Name, va, vb, true, ok})
		}
	}
	for _, vb := range b.Values {
		if _, ok := a.Get(vb.Name); !ok {
			out = append(out, Change{vb.Name, Value{}, vb, false, true})
		}
	}
	return out
}

// same compares numbers, not notations: a file has 1 for 1.0.
func same(a, b Value) bool {
	if !a.Float && !b.Float {
		return a.U == b.U
	}
	return a.F == b.F
}

// WriteDiff writes changes as a table with the columns named nameA and nameB.
func WriteDiff(w io.Writer, changes []Change, nameA, nameB string) error {
	table := [][]string{{"", nameA, nameB, "change", ""}}
	for _, c := range changes {
		line := []string{c.Name, "-", "-", "", ""}
		if c.HasA {
			line[1] = Human(c.A, "")
		}
		if c.HasB {
			line[2] = Human(c.B, "")
		}
		if c.HasA && c.HasB {
			line[3] = signed(c)
			if p := c.Percent(); !math.IsNaN(p) {
				line[4] = fmt.Sprintf("%+.2f %%", p)
			}
		}
		table = append(table, line)
	}
	widths := columnWidths(table)
	out := bufio.NewWriter(w)
	for _, l := range table {
		line := fmt.Sprintf("%-*s  %*s  %*s  %*s  %*s", widths[0], l[0], widths[1], l[1], widths[2], l[2], widths[3], l[3], widths[4], l[4])
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
	return out.Flush()
}

func signed(c Change) string {
	d := Value{Float: c.A.Float || c.B.Float, F: math.Abs(c.Delta())}
	d.U = max(c.A.U, c.B.U) - min(c.A.U, c.B.U)
	sign := "+"
	if c.Delta() < 0 {
		sign = "-"
	}
	return sign + Human(d, "")
}
