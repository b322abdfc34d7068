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

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
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
	return slices.CompactFunc(e, func(a, b Problem) bool { return a == b })
}
