package coherence

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteText prints the protocol's table for a terminal.
func (p *Protocol) WriteText(w io.Writer) error { return p.write(w, textTable, "", "") }

// WriteMarkdown prints the protocol's table for the documentation.
func (p *Protocol) WriteMarkdown(w io.Writer) error { return p.write(w, markdownTable, "## ", "- ") }

// write prints an event per line and a state per column. A transition is the
// next state, if it is another, and the actions; what cannot be is a number
// that stands for the reason.
func (p *Protocol) write(w io.Writer, table func(io.Writer, [][]string), heading, bullet string) error {
	b := bufio.NewWriter(w)
	head := []string{""}
	var states []State
	for s := range NumStates {
		if p.States[s].Used {
			states = append(states, s)
			head = append(head, s.String())
		}
	}
	var reasons []string
	rows := [][]string{head}
	for e := range NumEvents {
		row := []string{e.String()}
		for _, s := range states {
			cell := &p.Table[s][e]
			if !cell.Cannot() {
				row = append(row, cell.text(s))
				continue
			}
			n := slices.Index(reasons, cell.Why)
			if n < 0 {
				n = len(reasons)
				reasons = append(reasons, cell.Why)
			}
			row = append(row, fmt.Sprintf("(%d)", n+1))
		}
		rows = append(rows, row)
	}

	fmt.Fprintf(b, "%s%s\n\n%s\n\n", heading, p.Title(), p.Doc)
	for _, s := range states {
		fmt.Fprintf(b, "%s%v: %s\n", bullet, s, p.States[s].Doc)
	}
	fmt.Fprintf(b, "\nA GetS is answered with %v if no other cache holds the line, else with %v.\n\n", p.Alone, p.Others)
	table(b, rows)
	fmt.Fprintf(b, "\nWhat cannot be:\n\n")
	for n, why := range reasons {
		fmt.Fprintf(b, "%s(%d) %s\n", bullet, n+1, why)
	}
	return b.Flush()
}

// text is the cell as the tables show it, for state s.
func (c *Cell) text(s State) string {
	switch {
	case c.Next == s && c.Do == 0:
		return "-"
	case c.Next == s:
		return c.Do.String()
	case c.Do == 0:
		return fmt.Sprintf("> %v", c.Next)
	}
	return fmt.Sprintf("%v > %v", c.Do, c.Next)
}

func textTable(w io.Writer, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			width[i] = max(width[i], len(text))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, text := range row {
			fmt.Fprintf(&line, "%-*s  ", width[i], text)
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

func markdownTable(w io.Writer, rows [][]string) {
	for i, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.ReplaceAll(strings.Join(row, " | "), ">", "&rarr;"))
		if i == 0 {
			fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(row)))
		}
	}
}
