package config

import (
	"fmt"
	"slices"
	"strings"
)

// Origin is where a value came from. The zero Origin is the default.
type Origin struct {
	Source string // file name, "preset server", or the flag as it was given
	Line   int    // in a file or preset; 0 for a flag
	rank   int    // which layer: later layers are asked first for the blame
}

func (o Origin) String() string {
	switch {
	case o.Source == "":
		return "default"
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.Source, o.Line)
	}
	return o.Source
}

// Problem is one mistake.
type Problem struct {
	Origin Origin
	Path   string // machine.l1d.ways; "" if it is about no field
	Msg    string
	Hint   string // the likely fix, or ""
	Parts  []Part // of a mistake in how fields go together: all of them
	Fixes  Fixes  // alternatives that were tried, the likeliest first
}

// Part is a field that takes part in a mistake.
type Part struct {
	Path, Value string
	Origin      Origin
}

func (p Part) String() string {
	value := p.Value
	if value == "" {
		value = "(empty)"
	}
	from := p.Origin.String()
	if strings.HasPrefix(from, "--set "+p.Path) {
		from = "--set"
	}
	return fmt.Sprintf("%s=%s (%s)", p.Path, clipped(value), from)
}

// Fixes are alternatives.
type Fixes []Fix

func (f Fixes) texts() (out []string) {
	for _, x := range f {
		out = append(out, x.String())
	}
	return out
}

func andList(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1]
}

func (p Problem) String() string {
	s := p.Origin.String() + ": "
	if p.Path != "" {
		s += p.Path + ": "
	}
	s += p.Msg
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// Errors is every mistake of a configuration, in order of place.
type Errors []Problem

// mostLines is how many mistakes a text lists: what has more is no configuration.
const mostLines = 100

func (e Errors) Error() string {
	var lines []string
	for _, p := range e[:min(len(e), mostLines)] {
		lines = append(lines, p.String())
	}
	if n := len(e) - mostLines; n > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(lines, "\n")
}

// sorted puts mistakes into the order of layers and lines, and drops
// repetitions.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Problem) int {
		if a.Origin.rank != b.Origin.rank {
			return a.Origin.rank - b.Origin.rank
		}
		return a.Origin.Line - b.Origin.Line
	})
	return slices.CompactFunc(e, func(a, b Problem) bool { return a.Origin == b.Origin && a.String() == b.String() })
}
