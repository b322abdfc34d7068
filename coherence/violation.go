package coherence

import (
	"fmt"
	"slices"
	"strings"
)

// Violation is a rule that a protocol breaks, with a shortest way to it.
type Violation struct {
	Protocol string
	Options  Options
	Rule     string
	Trace    []string // lines of text, from reset
}

func (v *Violation) Error() string {
	return fmt.Sprintf("%s with %v: %s\n  %s", v.Protocol, v.Options, v.Rule, strings.Join(v.Trace, "\n  "))
}

// violation tells the story from reset to the state found[at] and the step that
// breaks a rule there. States are stored up to renaming, so the story is
// played anew with one numbering.
func (x *explorer) violation(at int, broken string) error {
	way := x.way(at)
	v := &Violation{Protocol: x.p.Title(), Options: x.Options, Rule: broken}
	x.say = func(format string, args ...any) { v.Trace = append(v.Trace, fmt.Sprintf(format, args...)) }
	m := x.reset()
	for _, k := range way {
		m = x.replay(m, k)
	}
	for _, s := range x.steps(&m, nil) {
		next := m
		story := len(v.Trace)
		x.say("%v", s)
		if broken := x.apply(&next, s); broken != "" {
			v.Rule = broken // the same, in this story's numbering
			break
		}
		v.Trace = v.Trace[:story]
	}
	return v
}

// way is a shortest way to found[at]: the states after reset. Nobody has noted
// from where each was found, so that is searched for, a level at a time: a state
// is looked for only where a rule is broken, and it would take memory for each.
func (x *explorer) way(at int) []code {
	var way []code
	for level := len(x.levels) - 1; level > 0; level-- {
		k := x.found.at(at)
		way = append(way, k)
		for at = x.levels[level-1]; ; at++ {
			if x.expand(x.found.at(at)); slices.Contains(x.next, k) {
				break
			}
		}
	}
	slices.Reverse(way)
	return way
}

// replay finds and tells the step from m that leads to a state with code k.
func (x *explorer) replay(m model, k code) model {
	say := x.say
	defer func() { x.say = say }()
	for _, s := range x.steps(&m, nil) {
		next := m
		x.say = nil
		if x.apply(&next, s) != "" || x.encode(&next) != k {
			continue
		}
		x.say = say
		x.say("%v", s)
		next = m
		x.apply(&next, s)
		return next
	}
	panic("coherence: a state that was found cannot be reached again")
}
