package coherence

import "fmt"

// HomeKind is what stands between the caches and memory in an exploration.
type HomeKind uint8

const (
	HomeInclusive    HomeKind = iota // an LLC that holds every line that a cache holds
	HomeNonInclusive                 // an LLC that holds some lines, read or written back
	HomeMemory                       // no LLC
	NumHomeKinds
)

func (k HomeKind) String() string {
	return nameOf([]string{"inclusive", "non-inclusive", "memory"}, int(k), "HomeKind")
}

// Limits of an exploration.
const (
	maxCaches = 4
	maxLines  = 2
	maxValues = 4
	absent    = maxValues // in mLine.llc: the LLC does not hold the line
)

// model is one state of the machine that Explore walks through: all the caches
// and the home. It is a value, copied for every step.
type model struct {
	lines [maxLines]mLine
	want  [maxCaches]want // at most one request per parked hart
}

// mLine is one line, everywhere.
type mLine struct {
	last   uint8 // the latest value written, in bus order
	mem    uint8
	llc    uint8 // a value, or absent
	filter uint8 // bit per cache: the home believes that it holds the line
	st     [maxCaches]State
	val    [maxCaches]uint8
}

// want is a pending request; the zero value is none.
type want struct {
	on   bool
	op   Event // Load, Store or Evict
	line uint8
}

// world is what stays fixed: the protocol and the machine around it.
type world struct {
	p *Protocol
	Options
	reached *[NumStates][NumEvents]bool
	say     func(format string, args ...any) // nil unless a trace is being told

	everyStep bool // steps leaves none out
}

// rule is a broken rule, thrown by the steps of a model and caught in apply.
type rule string

func (w *world) fail(format string, args ...any) { panic(rule(fmt.Sprintf(format, args...))) }

// cell looks up the table, as the machine does.
func (w *world) cell(s State, e Event) *Cell {
	c := &w.p.Table[s][e]
	if c.kind != cellTo && c.kind != cellStay {
		w.fail("%v met %v, which cannot be: %s", e, s, c.Why)
	}
	w.reached[s][e] = true
	return c
}

// enter moves cache c's copy of l to the cell's next state.
func (w *world) enter(l *mLine, c int, e Event, cell *Cell) {
	if w.say != nil && (l.st[c] != cell.Next || cell.Do != 0) {
		w.say("  c%d has %d, %v: %s", c, l.val[c], e, cell.story(l.st[c]))
	}
	l.st[c] = cell.Next
	if cell.Next == Invalid {
		l.val[c] = 0
	}
}

// story is a transition in words.
func (c *Cell) story(from State) string {
	text := from.String()
	if c.Next != from {
		text += " -> " + c.Next.String()
	}
	if c.Do != 0 {
		text += ", " + c.Do.String()
	}
	return text
}

// homeWrite gives the home a line's data.
func (w *world) homeWrite(l *mLine, v uint8) {
	if w.Home == HomeMemory {
		l.mem = v
	} else {
		l.llc = v
	}
}

func (l *mLine) home() uint8 {
	if l.llc != absent {
		return l.llc
	}
	return l.mem
}

// flushLLC makes memory as new as the LLC.
func (l *mLine) flushLLC() {
	if l.llc != absent {
		l.mem = l.llc
	}
}

// snoop sends e to every cache but by that the filter names, and returns the
// data: a cache's if one supplied it, else the home's.
func (w *world) snoop(l *mLine, by int, e Event) (data uint8) {
	supplier := -1
	for c := range w.Caches {
		if c == by || l.filter>>c&1 == 0 {
			continue
		}
		cell := w.cell(l.st[c], e)
		if cell.Do&SupplyData != 0 {
			if supplier >= 0 {
				w.fail("both c%d and c%d supply the data", supplier, c)
			}
			supplier, data = c, l.val[c]
		}
		if cell.Do&WriteBackHome != 0 {
			w.homeWrite(l, l.val[c])
		}
		w.enter(l, c, e, cell)
		if cell.Next == Invalid {
			l.filter &^= 1 << c
		}
	}
	if supplier < 0 {
		data = l.home()
		if w.Home == HomeNonInclusive && (e == SnoopGetS || e == SnoopGetM) {
			l.llc = data // what was read from memory stays in the LLC
		}
	}
	return data
}

// fill answers cache c's request.
func (w *world) fill(l *mLine, c int, e Event, data uint8) {
	cell := w.cell(l.st[c], e)
	if e != UpgradeAck {
		// A writer needs the right data as well: it writes a part of the line.
		if data != l.last {
			w.fail("c%d is given %d, but the last write was %d", c, data, l.last)
		}
		l.val[c] = data
		if w.Home == HomeInclusive && l.llc == absent {
			l.llc = data
		}
	}
	w.enter(l, c, e, cell)
	l.filter |= 1 << c
}

// access is a Load or a Store that hits. v is what a Store writes.
func (w *world) access(l *mLine, c int, op Event, v uint8, cell *Cell) {
	if op == Load && l.val[c] != l.last {
		w.fail("c%d reads %d, but the last write was %d", c, l.val[c], l.last)
	}
	if op == Store {
		l.val[c], l.last = v, v
	}
	w.enter(l, c, op, cell)
}

// check tests what must hold of line i in every state. No rule is about more than
// one line.
func (w *world) check(m *model, i int) {
	l := &m.lines[i]
	var readers, writers, dirty int
	for c := range w.Caches {
		info := &w.p.States[l.st[c]]
		if l.st[c] != Invalid && l.filter>>c&1 == 0 {
			w.fail("the home's filter has lost c%d's copy of line %d", c, i)
		}
		if !w.Silent && l.st[c] == Invalid && l.filter>>c&1 != 0 {
			w.fail("c%d's copy of line %d went unannounced", c, i)
		}
		if info.Read {
			readers++
			if l.val[c] != l.last {
				w.fail("c%d holds %d in line %d, but the last write was %d", c, l.val[c], i, l.last)
			}
		}
		if info.Write {
			writers++
		}
		if info.Dirty {
			dirty++
		}
	}
	switch {
	case writers > 0 && readers > 1:
		w.fail("line %d has a writer and %d readers", i, readers)
	case dirty > 1:
		w.fail("line %d has %d dirty copies", i, dirty)
	case dirty == 0 && l.home() != l.last:
		w.fail("no cache answers for line %d: the home has %d, but the last write was %d", i, l.home(), l.last)
	}
}

// rank is how far m is from rest, where no hart is parked and no cache holds
// anything. An access that waits may bring a copy, a copy an eviction that waits.
func (w *world) rank(m *model) (n int) {
	const ofAccess, ofCopy, ofEviction = 4, 2, 1
	for c := range w.Caches {
		for i := range w.Lines {
			if m.lines[i].st[c] != Invalid {
				n += ofCopy
			}
		}
		switch wt := &m.want[c]; {
		case !wt.on:
		case wt.op != Evict:
			n += ofAccess
		case m.lines[wt.line].st[c] != Invalid:
			n += ofEviction - ofCopy
		default:
			n += ofEviction
		}
	}
	return n
}
