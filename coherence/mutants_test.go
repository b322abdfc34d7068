package coherence

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// mutant is a protocol with one change.
type mutant struct {
	name string
	p    *Protocol
}

// mutants makes every change of one cell of p to another transition: another
// next state, one action more or fewer, or a cannot; and every other answer to
// a GetS. What a cannot cell would do otherwise makes no difference: that it is
// never met is a rule of the exploration.
func mutants(p *Protocol) (all []mutant) {
	change := func(name string, do func(*Protocol)) {
		m := *p
		do(&m)
		all = append(all, mutant{name, &m})
	}
	for s := range NumStates {
		for e := range NumEvents {
			cell := p.Table[s][e]
			if cell.Cannot() {
				continue
			}
			at := fmt.Sprintf("%v %v", s, e)
			for next := range NumStates {
				if next != cell.Next && p.States[next].Used {
					change(fmt.Sprintf("%s > %v", at, next), func(m *Protocol) {
						m.Table[s][e].Next = next
						m.Table[s][e].Do = fixDrop(s, next, cell.Do)
					})
				}
			}
			for i := range numActions {
				a := Action(1 << i)
				sign := "+"
				if cell.Do&a != 0 {
					sign = "-"
				}
				change(fmt.Sprintf("%s %s%v", at, sign, a), func(m *Protocol) { m.Table[s][e].Do ^= a })
			}
			change(at+" cannot", func(m *Protocol) { m.Table[s][e] = cannot("it is a mutant") })
		}
	}
	for fill := FillShared; fill <= UpgradeAck; fill++ {
		if fill != p.Alone {
			change(fmt.Sprintf("alone %v", fill), func(m *Protocol) { m.Alone = fill })
		}
		if fill != p.Others {
			change(fmt.Sprintf("others %v", fill), func(m *Protocol) { m.Others = fill })
		}
	}
	// One request for another is two changes of actions, so it needs its own.
	for s := range NumStates {
		switch cell := p.Table[s][Store]; cell.Do {
		case SendUpgrade, SendGetM:
			change(fmt.Sprintf("%v Store other request", s), func(m *Protocol) {
				m.Table[s][Store].Do ^= SendUpgrade | SendGetM
			})
		case Hit:
			change(fmt.Sprintf("%v Store SendGetM", s), func(m *Protocol) {
				m.Table[s][Store] = Cell{Next: s, Do: SendGetM, kind: cellStay}
			})
		}
	}
	return all
}

// fixDrop keeps DropLine in step with the next state, so that a mutant is
// judged by what it does and not by its form.
func fixDrop(s, next State, do Action) Action {
	do &^= DropLine
	if s != Invalid && next == Invalid {
		do |= DropLine
	}
	return do
}

// judge says what rejects a mutant: its form, the exploration, or nothing.
func judge(t *testing.T, p *Protocol) string {
	t.Helper()
	if p.Validate() != nil {
		return "form"
	}
	for _, o := range machines(3, 1, 2) {
		_, err := Explore(t.Context(), p, o, nil)
		var v *Violation
		if errors.As(err, &v) {
			return "exploration"
		}
	}
	return ""
}

func TestMutants(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.Name, func(t *testing.T) {
			count := map[string]int{}
			var survive []string
			for _, m := range mutants(p) {
				by := judge(t, m.p)
				count[by]++
				if by == "" {
					survive = append(survive, m.name)
				}
			}
			t.Logf("%d rejected by form, %d by exploration, %d equivalent", count["form"], count["exploration"], count[""])
			for _, name := range survive {
				if !slices.Contains(equivalent[p.Name], name) {
					t.Errorf("not detected: %s", name)
				}
			}
			for _, name := range equivalent[p.Name] {
				if !slices.Contains(survive, name) {
					t.Errorf("listed as equivalent, but it is rejected or is no mutant: %s", name)
				}
			}
		})
	}
}

// equivalent lists the mutants that keep every rule, by protocol. They cost
// time or traffic and not correctness.
var equivalent = map[string][]string{
	"msi":  dirtyHome,
	"mesi": slices.Concat(dirtyHome, exclusive),
	"moesi": slices.Concat(exclusive, []string{
		// The home gets data that it need not have.
		"Owned SnoopGetS +WriteBackHome",
		"Owned SnoopGetM +WriteBackHome",
		"Owned SnoopUpgrade +WriteBackHome",
		"Owned SnoopRead +WriteBackHome",
		"Modified SnoopGetS +WriteBackHome",
		"Modified SnoopGetM +WriteBackHome",
		"Modified SnoopRead +WriteBackHome",
		// A clean owner is written back for nothing. Some machines do this, so as
		// not to tell Exclusive from Modified.
		"Exclusive SnoopGetS > Owned",
	}),
	"mesif": slices.Concat(dirtyHome, exclusive[:3], []string{
		// A line is not exclusive although it could be.
		"alone FillForward",
		"Exclusive SnoopClean > Forward",
		"Modified SnoopClean > Forward",
		"Modified SnoopClean > Shared",
		// The home supplies instead of the forwarder.
		"Forward SnoopGetS -SupplyData",
		"Forward SnoopGetM -SupplyData",
		"Forward SnoopClean > Shared",
	}),
}

// dirtyHome: once a dirty line has been written back, the home can supply it.
var dirtyHome = []string{
	"Modified SnoopGetS -SupplyData",
	"Modified SnoopGetM +WriteBackHome",
	"Modified SnoopRead +WriteBackHome",
}

// exclusive: the home can supply a line that is Exclusive, and a line need not
// be exclusive.
var exclusive = []string{
	"Exclusive SnoopGetS -SupplyData",
	"Exclusive SnoopGetM -SupplyData",
	"Exclusive SnoopClean > Shared",
	"Modified SnoopClean > Shared",
	"alone FillShared",
}
