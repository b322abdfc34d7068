package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// writeColumns prints rows with the first column to the left and the others to
// the right.
func writeColumns(w io.Writer, rows [][]string) {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	for _, r := range rows {
		line := fmt.Sprintf("%-*s", widths[0], r[0])
		for i, c := range r[1:] {
			line += "  " + strings.Repeat(" ", widths[i+1]-utf8.RuneCountInString(c)) + c
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
