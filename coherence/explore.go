package coherence

import (
	"errors"
	"fmt"
	"strings"
)

// Options is the machine around a protocol in an exploration.
type Options struct {
	Caches int  // 2 to 4
	Lines  int  // 1 or 2
	Values int  // 2 to 4 different data values
	Silent bool // clean evictions are not announced to the home
	Home   HomeKind

	MaxStates int // give up with ErrTooManyStates beyond this; 0 is no limit
}

// ErrTooManyStates is wrapped by Explore's error when it gave up. A state takes
// about 150 bytes.
var ErrTooManyStates = errors.New("too many states")

func (o Options) String() string {
	evict := "announced"
	if o.Silent {
		evict = "silent"
	}
	return fmt.Sprintf("%d caches, %d lines, %d values, %s clean evictions, home: %v",
		o.Caches, o.Lines, o.Values, evict, o.Home)
}

func (o Options) validate() error {
	if o.Caches < 2 || o.Caches > maxCaches || o.Lines < 1 || o.Lines > maxLines ||
		o.Values < 2 || o.Values > maxValues || o.Home >= NumHomeKinds {
		return fmt.Errorf("cannot explore %v: 2 to %d caches, 1 to %d lines, 2 to %d values",
			o, maxCaches, maxLines, maxValues)
	}
	return nil
}

// Result is what a completed exploration has seen.
type Result struct {
	States      int // different up to renaming of caches, lines and values
	Transitions int
	Depth       int // steps to the farthest state
	Reached     [NumStates][NumEvents]bool
}

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

// Explore visits every state that a small machine can reach under p, by
// breadth-first search over the same table that the simulator runs, and checks
// in each that a line has one writer or many readers, that every readable copy
// and every answer is the last write in bus order, that a dirty copy is never
// lost, that no cannot cell is met, that every pending request can be served
// and that the machine can come to rest. The error is a *Violation if p breaks
// a rule, and Validate's if its table is malformed.
func Explore(p *Protocol, o Options) (Result, error) {
	if err := o.validate(); err != nil {
		return Result{}, err
	}
	if err := p.Validate(); err != nil {
		return Result{}, err
	}
	x := &explorer{seen: map[key]int32{}}
	x.world = world{p: p, Options: o, reached: &x.result.Reached}
	err := x.run()
	x.result.States = len(x.found)
	return x.result, err
}

type explorer struct {
	world
	seen   map[key]int32 // index in found
	found  []visit
	result Result
}

// visit is a state in the order of discovery.
type visit struct {
	m      model
	parent int32
	depth  int32
}

func (w *world) reset() model {
	var m model
	for i := range m.lines {
		m.lines[i].llc = absent
	}
	return m
}

func (x *explorer) run() error {
	x.add(x.reset(), -1)
	var buf []step
	for at := 0; at < len(x.found); at++ {
		buf = x.steps(&x.found[at].m, buf[:0])
		for _, s := range buf {
			next := x.found[at].m
			if broken := x.apply(&next, s); broken != "" {
				return x.violation(at, broken)
			}
			x.result.Transitions++
			x.add(next, int32(at))
		}
		if x.MaxStates > 0 && len(x.found) > x.MaxStates {
			return fmt.Errorf("%s with %v: %w: more than %d", x.p.Title(), x.Options, ErrTooManyStates, x.MaxStates)
		}
	}
	x.result.Depth = int(x.found[len(x.found)-1].depth)
	return x.drains()
}

func (x *explorer) add(m model, parent int32) {
	k := x.key(&m)
	if _, ok := x.seen[k]; ok {
		return
	}
	x.seen[k] = int32(len(x.found))
	depth := int32(0)
	if parent >= 0 {
		depth = x.found[parent].depth + 1
	}
	x.found = append(x.found, visit{m, parent, depth})
}

// drains checks that every state can come to rest, by following drain from each
// until a state that is known to. Without a fault this ends: each step serves
// a request or empties a cache.
func (x *explorer) drains() error {
	const unknown, open, rests = 0, 1, 2
	mark := make([]uint8, len(x.found))
	var path []int32
	for i := range x.found {
		path = path[:0]
		for at := int32(i); mark[at] != rests; {
			if mark[at] == open {
				return x.violation(i, "the machine never comes to rest")
			}
			mark[at] = open
			path = append(path, at)
			m := x.found[at].m
			s, more := x.drain(&m)
			if !more {
				break
			}
			if broken := x.apply(&m, s); broken != "" {
				return x.violation(int(at), broken)
			}
			at = x.seen[x.key(&m)]
		}
		for _, at := range path {
			mark[at] = rests
		}
	}
	return nil
}

// violation tells the story from reset to the state found[at] and the step that
// breaks a rule there, if one does. States are stored up to renaming, so the story is
// played anew with one numbering.
func (x *explorer) violation(at int, broken string) error {
	var path []int
	for i := at; i >= 0; i = int(x.found[i].parent) {
		path = append(path, i)
	}
	v := &Violation{Protocol: x.p.Title(), Options: x.Options, Rule: broken}
	x.say = func(format string, args ...any) { v.Trace = append(v.Trace, fmt.Sprintf(format, args...)) }
	m := x.found[path[len(path)-1]].m
	for n := len(path) - 2; n >= 0; n-- {
		m = x.replay(m, x.key(&x.found[path[n]].m))
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

// replay finds and tells the step from m that leads to a state with key k.
func (x *explorer) replay(m model, k key) model {
	say := x.say
	defer func() { x.say = say }()
	for _, s := range x.steps(&m, nil) {
		next := m
		x.say = nil
		if x.apply(&next, s) != "" || x.key(&next) != k {
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
