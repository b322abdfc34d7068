package coherence

import "fmt"

// State is what a private cache may do with its copy of a line. A cache array
// stores it as a byte; Invalid is 0 there as here.
type State uint8

const (
	Invalid State = iota
	Shared
	Exclusive
	Owned
	Modified
	Forward
	NumStates
)

// Event is what happens to a line in a private cache.
type Event uint8

const (
	// The hart's own wishes. One that cannot be had at once is sent to the bus
	// and carried out when the bus serves it, by the line's state of that moment.
	Load  Event = iota // read the line
	Store              // write the line
	Evict              // make room for another line

	// What others do, carried by the bus.
	SnoopGetS    // another cache wants to read
	SnoopGetM    // another cache wants to write and has no copy
	SnoopUpgrade // another cache wants to write the copy it has
	SnoopRead    // a device, or an uncached access, reads once and keeps no copy
	SnoopInval   // the home takes the line away: inclusion, DMA write, cbo.flush
	SnoopClean   // memory must be up to date: cbo.clean

	// The bus answers the cache's own request.
	FillShared
	FillExclusive
	FillForward
	FillModified
	UpgradeAck
	NumEvents
)

// Action is a set of things to do on a transition.
type Action uint16

const (
	Hit           Action = 1 << iota // the access is done on this copy, with no one else
	SendGetS                         // ask the bus for a readable copy
	SendGetM                         // ask the bus for a writable copy with its data
	SendUpgrade                      // ask the bus to make this copy writable
	PutClean                         // tell the home's filter that the copy is gone, if the machine announces clean evictions
	PutDirty                         // write the copy back to the home, always
	SupplyData                       // this cache answers with the data instead of the home
	WriteBackHome                    // the home takes the data as well
	DropLine                         // the copy is gone: the next state is Invalid
	numActions    = iota
)

// Cell is one entry of a protocol's table: a transition, or the reason why
// there can be none.
type Cell struct {
	Next State
	Do   Action
	Why  string // of a cannot cell
	kind cellKind
}

type cellKind uint8

const (
	cellEmpty cellKind = iota // nobody wrote the cell: an error
	cellTo
	cellStay
	cellCannot
)

// Cannot says that the event must never meet the state; Why says why.
func (c *Cell) Cannot() bool { return c.kind == cellCannot }

// Row is a state's cells.
type Row [NumEvents]Cell

// StateInfo says what a state of a protocol means. The rules that the explorer
// checks are stated in these terms.
type StateInfo struct {
	Used  bool   // the protocol has this state
	Doc   string // one sentence
	Read  bool   // the copy may be read
	Write bool   // the copy may be written with no one else asked
	Dirty bool   // the home may be stale; this copy is what must not get lost
}

// Protocol is a coherence protocol for private caches on an atomic bus: the bus
// carries a request out whole, so the table has no transient states. What is
// in flight is only a hart's own pending request, and the bus serves that by
// the state the line has by then: it looks up the same event again. An Upgrade
// whose copy was taken away in the meantime thereby becomes a GetM, and a
// write-back of a line that is gone becomes nothing.
//
// To serve a request of cache c, the bus applies to every other holder the
// snoop that the request stands for (SendGetS: SnoopGetS, and so on). The one
// whose cell says SupplyData gives the data, else the home does. GetS is then
// filled with Alone if no other cache holds the line any more, else with
// Others; Others is always allowed. GetM is filled with FillModified and an
// Upgrade with UpgradeAck. The access is done right then.
type Protocol struct {
	Name   string // as in a configuration: "mesi"
	Doc    string // what sets it apart, one or two sentences
	States [NumStates]StateInfo
	Table  [NumStates]Row
	Alone  Event // the fill of a GetS that no other cache shares
	Others Event // the fill of a GetS that others may share
}

// to is a transition to another state.
func to(next State, do ...Action) Cell { return Cell{Next: next, Do: all(do), kind: cellTo} }

// stay is an event that leaves the state as it is. resolve fills in Next.
func stay(do ...Action) Cell { return Cell{Do: all(do), kind: cellStay} }

// cannot is an event that never meets the state.
func cannot(why string) Cell { return Cell{Why: why, kind: cellCannot} }

func all(do []Action) Action {
	var a Action
	for _, d := range do {
		a |= d
	}
	return a
}

// resolve completes a protocol's table: stay cells get their state, and the
// rows of states that it does not have get a reason.
func resolve(p Protocol) *Protocol {
	for s := range p.Table {
		for e := range p.Table[s] {
			c := &p.Table[s][e]
			switch {
			case !p.States[s].Used && c.kind == cellEmpty:
				*c = cannot(fmt.Sprintf("%s has no state %s", p.Title(), State(s)))
			case c.kind == cellStay:
				c.Next = State(s)
			}
		}
	}
	return &p
}

// invalidRow is the row of Invalid, of which the protocols differ in the fills.
// A snoop may come when the home's filter remembers a copy that was silently
// dropped.
func invalidRow(fills Row) Row {
	r := Row{
		Load:         stay(SendGetS),
		Store:        stay(SendGetM),
		Evict:        cannot("there is nothing to evict"),
		SnoopGetS:    stay(),
		SnoopGetM:    stay(),
		SnoopUpgrade: stay(),
		SnoopRead:    stay(),
		SnoopInval:   stay(),
		SnoopClean:   stay(),
		FillModified: to(Modified),
		UpgradeAck:   cannot("when the copy was lost, the Upgrade became a GetM"),
	}
	for e, c := range fills {
		if c.kind != cellEmpty {
			r[e] = c
		}
	}
	return r
}

// filledRow completes the row of a state that holds the line: no fill comes.
func filledRow(r Row) Row {
	for e := FillShared; e <= FillModified; e++ {
		if r[e].kind == cellEmpty {
			r[e] = cannot("the line is here already")
		}
	}
	return r
}
