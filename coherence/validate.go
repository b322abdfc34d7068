package coherence

import (
	"errors"
	"fmt"
)

// mayDo lists the actions that make sense for an event.
var mayDo = [NumEvents]Action{
	Load:         Hit | SendGetS,
	Store:        Hit | SendGetM | SendUpgrade,
	Evict:        PutClean | PutDirty | DropLine,
	SnoopGetS:    SupplyData | WriteBackHome | DropLine,
	SnoopGetM:    SupplyData | WriteBackHome | DropLine,
	SnoopUpgrade: WriteBackHome | DropLine,
	SnoopRead:    SupplyData | WriteBackHome | DropLine,
	SnoopInval:   WriteBackHome | DropLine,
	SnoopClean:   WriteBackHome | DropLine,
}

// Validate returns every way in which the table's form is wrong: empty cells,
// states that the protocol does not have, transitions that contradict what
// their event or state means, or what the machine takes for granted. That a well-formed table is also a right one is for Explore to say.
func (p *Protocol) Validate() error {
	var errs []error
	for s := range NumStates {
		for e := range NumEvents {
			msg := p.wrong(s, e)
			if msg == "" {
				msg = p.unasked(s, e)
			}
			if msg != "" {
				errs = append(errs, fmt.Errorf("%s: %v on %v: %s", p.Name, s, e, msg))
			}
		}
	}
	for _, fill := range []Event{p.Alone, p.Others} {
		if fill != FillShared && fill != FillExclusive && fill != FillForward {
			errs = append(errs, fmt.Errorf("%s: a GetS cannot be answered with %v", p.Name, fill))
		}
	}
	return errors.Join(errs...)
}

// wrong says what is malformed about one cell, or "".
func (p *Protocol) wrong(s State, e Event) string {
	c := &p.Table[s][e]
	switch c.kind {
	case cellEmpty:
		return "the cell is empty"
	case cellCannot:
		if c.Why == "" {
			return "no reason given"
		}
		return ""
	}
	switch {
	case !p.States[s].Used:
		return "the protocol has no such state"
	case c.Next >= NumStates || !p.States[c.Next].Used:
		return fmt.Sprintf("the protocol has no state %v to go to", c.Next)
	case c.Do&^mayDo[e] != 0:
		return fmt.Sprintf("%v makes no sense here", c.Do&^mayDo[e])
	case (c.Do&DropLine != 0) != (s != Invalid && c.Next == Invalid):
		return "DropLine goes with a copy that becomes Invalid, and only with that"
	}
	return p.unfit(s, e, c)
}

// unasked says where a cell is not what the machine takes for granted without
// looking it up, or "". A load looks for a copy and not for its state; a snoop that
// takes no copy away goes to the cache that answers readers, if there is one; and
// none goes to a cache that has no copy.
func (p *Protocol) unasked(s State, e Event) string {
	info, c := &p.States[s], &p.Table[s][e]
	if !info.Used {
		return ""
	}
	inert := c.kind != cellCannot && c.Next == s && c.Do == 0
	answers := p.Table[s][SnoopRead].Do&SupplyData != 0
	switch e {
	case Load:
		if s == Invalid && c.Do != SendGetS || info.Read && c.Do != Hit {
			return "a load hits a readable copy, and asks for one where there is none"
		}
	case Store:
		if s == Invalid && c.Do != SendGetM || s != Invalid && c.Do != SendUpgrade && c.Do != Hit {
			return "a store asks for a copy where there is none, and to write the one that is there"
		}
	case SnoopGetS, SnoopRead, SnoopClean:
		if !answers && !inert {
			return "only the cache that answers a device's read is asked"
		}
	case SnoopGetM:
		if !answers && c.Do&SupplyData != 0 {
			return "only the cache that answers a device's read supplies data"
		}
		fallthrough
	case SnoopUpgrade, SnoopInval:
		if s == Invalid && !inert {
			return "a cache without a copy has nothing to do"
		}
	}
	return ""
}

// answers says which state a fill means, whatever the protocol.
var answers = map[Event]State{
	FillShared: Shared, FillExclusive: Exclusive, FillForward: Forward, FillModified: Modified, UpgradeAck: Modified,
}

// unfit says how a transition contradicts what the event or the states mean,
// or "".
func (p *Protocol) unfit(s State, e Event, c *Cell) string {
	from, next := &p.States[s], &p.States[c.Next]
	if c.Do&(WriteBackHome|PutDirty) != 0 && !from.Dirty {
		return "a clean copy has nothing to write back"
	}
	if want, ok := answers[e]; ok && c.Next != want {
		return fmt.Sprintf("%v means %v", e, want)
	}
	switch e {
	case Load, Store:
		switch {
		case c.Do == 0 || c.Do&(c.Do-1) != 0:
			return "an access either hits or sends one request"
		case c.Do != Hit && c.Next != s:
			return "a request changes nothing before it is served"
		case e == Load && c.Next != s:
			return "a read changes nothing"
		case e == Store && c.Do == Hit && !(next.Write && next.Dirty):
			return "a written copy is dirty, and can be written again"
		}
	case Evict:
		if c.Do&PutClean != 0 && c.Do&PutDirty != 0 || c.Next != Invalid {
			return "an evicted line is put once and becomes Invalid"
		}
	case SnoopGetS, SnoopClean:
		if from.Read != next.Read {
			return "another's read or clean takes no copy away"
		}
		if e == SnoopClean && next.Dirty {
			return "a cleaned copy is not dirty"
		}
	case SnoopRead:
		if c.Next != s {
			return "a device's read changes nothing"
		}
	case SnoopInval:
		if c.Next != Invalid {
			return "the home takes the copy away"
		}
	}
	return ""
}
