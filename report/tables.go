package report

import (
	"fmt"
	"strconv"
	"strings"

	"mcsim/stats"
	"mcsim/traces/analysis"
)

// table is rows under a header; a Bar beside a cell is between 0 and 1.
type table struct {
	ID, Title, Note string
	Head            []string
	Rows            []row
}

type row struct {
	Name, Title string
	Cells       []cell
}

type cell struct {
	Text string
	Bar  float64 // percent of the column's width, 0 for none
}

// maxColumns of an array are shown one by one, and then their sum.
const maxColumns = 16

// counters makes a table for each first word of the names.
func counters(s *stats.Snapshot) []table {
	var out []table
	at := map[string]int{}
	rows := map[string]int{}
	for i := range s.Values {
		v := &s.Values[i]
		generic, indices := stats.Generic(v.Name)
		group, rest, _ := strings.Cut(generic, ".")
		n, ok := at[group]
		if !ok {
			n = len(out)
			at[group] = n
			out = append(out, table{ID: "counters-" + strings.TrimSuffix(group, "[i]"), Title: strings.TrimSuffix(group, "[i]"), Head: []string{""}})
		}
		t := &out[n]
		column := 1
		if len(indices) > 0 && strings.HasSuffix(group, "[i]") {
			column = indices[0] + 1
			if column > maxColumns {
				t.Note = fmt.Sprintf("the first %d", maxColumns)
				continue
			}
		}
		for len(t.Head) <= column {
			head := "value"
			if strings.HasSuffix(group, "[i]") {
				head = strconv.Itoa(len(t.Head) - 1)
			}
			t.Head = append(t.Head, head)
		}
		key := group + "." + rest
		if len(indices) > 1 { // of an array within an element
			key, rest = key+fmt.Sprint(indices[1:]), strings.SplitN(v.Name, ".", 2)[1]
		}
		r, ok := rows[key]
		if !ok {
			r = len(t.Rows)
			rows[key] = r
			t.Rows = append(t.Rows, row{Name: rest, Title: v.Desc})
		}
		cells := &t.Rows[r].Cells
		for len(*cells) < column {
			*cells = append(*cells, cell{})
		}
		(*cells)[column-1].Text = stats.Human(*v, v.Unit)
	}
	for i := range out {
		out[i].dropZeros()
	}
	return out
}

// dropZeros leaves out rows in which nothing was counted.
func (t *table) dropZeros() {
	var kept []row
	for _, r := range t.Rows {
		for _, c := range r.Cells {
			if c.Text != "" && c.Text != "0" && c.Text != "0.00%" {
				kept = append(kept, r)
				break
			}
		}
	}
	t.Rows = kept
}

// busTraffic is the table of bus transactions.
func busTraffic(s *stats.Snapshot) *table {
	t := &table{ID: "traffic-total", Title: "Bus transactions", Head: []string{"kind", "transactions", "share"}}
	total := 0.0
	for _, v := range s.Values {
		if strings.HasPrefix(v.Name, "bus.transactions.") {
			total += v.F
		}
	}
	for _, v := range s.Values {
		if kind, ok := strings.CutPrefix(v.Name, "bus.transactions."); ok && v.F > 0 {
			t.Rows = append(t.Rows, row{Name: kind, Title: v.Desc, Cells: []cell{{Text: stats.Human(v, "")}, share(v.F, total)}})
		}
	}
	if total == 0 {
		return nil
	}
	return t
}

func share(part, whole float64) cell {
	if whole == 0 {
		return cell{Text: "-"}
	}
	return cell{Text: fmt.Sprintf("%.1f%%", 100*part/whole), Bar: 100 * part / whole}
}

func human(f float64) string { return stats.Human(stats.Value{U: uint64(f + 0.5)}, "") }

// sharing says who shares which lines of data, and which lines move most.
func sharing(t *analysis.Result) []*table {
	total, moves := 0.0, 0.0
	for _, c := range t.Sharing {
		total += c.Lines
		moves += c.TrueTransfers + c.FalseTransfers
	}
	classes := &table{
		ID: "sharing", Title: "Sharing of data lines", Note: "by threads, in caches without bound; a false transfer brings a thread nothing that others wrote",
		Head: []string{"class", "lines", "of all", "references", "writes", "transfers", "of all", "false", "invalidations"},
	}
	for _, c := range t.Sharing {
		if c.Lines == 0 {
			continue
		}
		classes.Rows = append(classes.Rows, row{Name: c.Class.String(), Cells: []cell{
			{Text: human(c.Lines)}, share(c.Lines, total), {Text: human(c.References)}, {Text: human(c.Writes)},
			{Text: human(c.TrueTransfers + c.FalseTransfers)}, share(c.TrueTransfers+c.FalseTransfers, moves),
			{Text: human(c.FalseTransfers)}, {Text: human(c.Invalidations)},
		}})
	}
	out := []*table{classes}
	if len(t.SharedLines) == 0 {
		return out
	}
	lines := &table{
		ID: "shared-lines", Title: "Lines with most transfers", Note: "pc: the instruction that caused more than half of them",
		Head: []string{"line", "class", "threads", "writers", "references", "writes", "transfers", "of all", "false", "pc"},
	}
	pcs := false
	for _, l := range t.SharedLines {
		n := float64(l.TrueTransfers + l.FalseTransfers)
		lines.Rows = append(lines.Rows, row{Name: l.Address, Cells: []cell{
			{Text: l.Class.String()}, {Text: strconv.Itoa(l.Threads)}, {Text: strconv.Itoa(l.Writers)}, {Text: human(float64(l.References))},
			{Text: human(float64(l.Writes))}, {Text: human(n)}, share(n, moves), {Text: human(float64(l.FalseTransfers))}, {Text: l.PC},
		}})
		pcs = pcs || l.PC != ""
	}
	if !pcs {
		lines.Note, lines.Head = "", lines.Head[:len(lines.Head)-1]
		for i := range lines.Rows {
			lines.Rows[i].Cells = lines.Rows[i].Cells[:len(lines.Rows[i].Cells)-1]
		}
	}
	return append(out, lines)
}

// slowdowns compares VMs with themselves alone, where a replay has measured it.
func slowdowns(s *stats.Snapshot, info *Info) *table {
	t := &table{
		ID: "slowdowns", Title: "Slowdown of VMs", Note: "cycles beside the others, over cycles alone on the same harts",
		Head: []string{"VM", "traces", "cycles", "alone", "slowdown", "LLC misses", "alone"},
	}
	worst := 1.0
	var values []float64
	for i := 0; ; i++ {
		at := fmt.Sprintf("vms[%d].", i)
		slowdown, ok := s.Get(at + "slowdown")
		if !ok {
			break
		}
		worst = max(worst, slowdown.F)
		values = append(values, slowdown.F)
		value := func(name string) cell {
			v, ok := s.Get(at + name)
			if !ok {
				return cell{Text: "-"}
			}
			return cell{Text: stats.Human(v, v.Unit)}
		}
		t.Rows = append(t.Rows, row{Name: strconv.Itoa(i), Cells: []cell{
			{Text: info.vm(i)}, value("cycles"), value("alone_cycles"), {Text: fmt.Sprintf("%.3f", slowdown.F)},
			value("llc.misses"), value("alone_llc_misses"),
		}})
	}
	for i := range t.Rows {
		t.Rows[i].Cells[3].Bar = 100 * values[i] / worst
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}
