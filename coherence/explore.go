package coherence

import (
	"context"
	"errors"
	"fmt"
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

// ErrTooManyStates is wrapped by Explore's error when it gave up.
var ErrTooManyStates = errors.New("too many states")

// StateBytes is the most memory that an exploration takes for a state.
const StateBytes = codeBytes

func (o Options) String() string {
	evict := "announced"
	if o.Silent {
		evict = "silent"
	}
	return fmt.Sprintf("%d caches, %d lines, %d values, %s clean evictions, home: %v",
		o.Caches, o.Lines, o.Values, evict, o.Home)
}

// Validate says which limit o is beyond.
func (o Options) Validate() error {
	if o.Caches < 2 || o.Caches > maxCaches || o.Lines < 1 || o.Lines > maxLines ||
		o.Values < 2 || o.Values > maxValues || o.Home >= NumHomeKinds {
		return fmt.Errorf("cannot explore %v: 2 to %d caches, 1 to %d lines, 2 to %d values",
			o, maxCaches, maxLines, maxValues)
	}
	return nil
}

// Result is what an exploration has seen: all there is, if Explore returned no
// error.
type Result struct {
	States      int // different up to renaming of caches, lines and values
	Transitions int // tried; caches of which one is as the other take one for both
	Depth       int // steps to the farthest state
	Reached     [NumStates][NumEvents]bool
}

// Explore visits every state that a small machine can reach under p, by
// breadth-first search over the same table that the simulator runs, and checks
// in each that a line has one writer or many readers, that every readable copy
// and every answer is the last write in bus order, that a dirty copy is never
// lost, that no cannot cell is met, that every pending request can be served
// and that the machine can come to rest. The error is a *Violation if p breaks
// a rule, and Validate's if its table is malformed. Explore returns early when
// ctx ends. It tells now and then how many states it has found, if tell is not nil.
//
// Explorations share nothing but p, which they only read.
func Explore(ctx context.Context, p *Protocol, o Options, tell func(states int)) (Result, error) {
	if err := o.Validate(); err != nil {
		return Result{}, err
	}
	if err := p.Validate(); err != nil {
		return Result{}, err
	}
	x := newExplorer(p, o)
	x.tell = tell
	err := x.run(ctx)
	x.result.States = x.found.n
	return x.result, err
}

type explorer struct {
	world
	found  codeSet
	levels []int // index in found of the first state of each depth
	result Result
	tell   func(states int)

	// of the state being expanded
	buf  []step
	next []code
}

func newExplorer(p *Protocol, o Options) *explorer {
	x := &explorer{}
	x.world = world{p: p, Options: o, reached: &x.result.Reached}
	return x
}

func (w *world) reset() model {
	var m model
	for i := range m.lines {
		m.lines[i].llc = absent
	}
	return m
}

// tellEvery is the number of states expanded between two looks at the world
// outside.
const tellEvery = 1 << 14

func (x *explorer) run(ctx context.Context) error {
	reset := x.reset()
	x.found.addAll([]code{x.encode(&reset)})
	end := 0 // of the level
	for at := 0; at < x.found.n; at++ {
		if at == end {
			x.levels, end = append(x.levels, at), x.found.n
			x.result.Depth = len(x.levels) - 1
		}
		if broken := x.expand(x.found.at(at)); broken != "" {
			return x.violation(at, broken)
		}
		x.result.Transitions += len(x.buf)
		x.found.addAll(x.next)
		if x.MaxStates > 0 && x.found.n > x.MaxStates {
			return fmt.Errorf("%s with %v: %w: more than %d", x.p.Title(), x.Options, ErrTooManyStates, x.MaxStates)
		}
		if at%tellEvery == tellEvery-1 {
			if x.tell != nil {
				x.tell(x.found.n)
			}
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("%s with %v: stopped after %d states: %w", x.p.Title(), x.Options, x.found.n, err)
			}
		}
	}
	return nil
}

// expand makes x.next the codes of the states one step from k, but for steps that
// change nothing, and checks them.
//
// That the machine can come to rest is checked step by step: while it is not at
// rest it can take a step that calms it (see calms), and each brings it nearer
// (see rank), so there is no way to do so for ever.
func (x *explorer) expand(k code) (broken string) {
	defer func() {
		if r := recover(); r != nil {
			why, ok := r.(rule)
			if !ok {
				panic(r)
			}
			broken = string(why)
		}
	}()
	m := x.decode(k)
	rank := x.rank(&m)
	var lines [maxLines]packed
	for i := range x.Lines {
		x.pack(&m.lines[i], &lines[i])
	}
	x.buf, x.next = x.steps(&m, x.buf[:0]), x.next[:0]
	for _, s := range x.buf {
		next := m
		x.takeFrom(&next, s, rank)
		changed, after := next.want != m.want, lines
		for i := range x.Lines {
			if next.lines[i] != m.lines[i] {
				x.pack(&next.lines[i], &after[i])
				changed = true
			}
		}
		if changed {
			x.next = append(x.next, x.join(&next, &after))
		}
	}
	return ""
}
