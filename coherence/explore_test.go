package coherence

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	update = flag.Bool("update", false, "rewrite the golden files of testdata")
	deep   = flag.Bool("deep", false, "explore 3 and 4 caches with 2 lines in every machine, and give rumur every mutant (20 minutes)")
)

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update writes this:\n%s", path, got)
	}
}

// machines lists the machines of one size around a protocol.
func machines(caches, lines, values int) (all []Options) {
	for home := range NumHomeKinds {
		for _, silent := range []bool{false, true} {
			all = append(all, Options{Caches: caches, Lines: lines, Values: values, Silent: silent, Home: home})
		}
	}
	return all
}

// Every protocol keeps every rule in every small machine, and every transition
// in its table is taken in one of them: a cell that is not could be wrong
// unnoticed, and should be a cannot.
func TestExplore(t *testing.T) {
	var all []Options
	all = append(all, machines(2, 1, 3)...)
	all = append(all, machines(3, 1, 2)...)
	all = append(all, machines(4, 1, 2)...)
	all = append(all, machines(2, 2, 2)...)
	all = append(all, Options{Caches: 3, Lines: 2, Values: 2})
	all = append(all, Options{Caches: 4, Lines: 2, Values: 2, Home: HomeMemory})
	if *deep {
		all = append(all, machines(3, 2, 2)...)
		all = append(all, machines(4, 2, 2)...)
	}
	for _, p := range protocols {
		t.Run(p.Name, func(t *testing.T) {
			var reached [NumStates][NumEvents]bool
			for _, o := range all {
				r, err := Explore(p, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%v: %d states, %d transitions, depth %d", o, r.States, r.Transitions, r.Depth)
				for s := range reached {
					for e := range reached[s] {
						reached[s][e] = reached[s][e] || r.Reached[s][e]
					}
				}
			}
			for s := range NumStates {
				for e := range NumEvents {
					if cell := p.Table[s][e]; !cell.Cannot() && !reached[s][e] {
						t.Errorf("%v on %v is never reached", s, e)
					}
				}
			}
		})
	}
}

// The number of states of a machine is a fact about the model: if it changes,
// the model has.
func TestExploreCounts(t *testing.T) {
	var b strings.Builder
	for _, p := range protocols {
		for _, o := range machines(3, 1, 2) {
			r, err := Explore(p, o)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%-5s %v: %d states, %d transitions, depth %d\n", p.Title(), o, r.States, r.Transitions, r.Depth)
		}
	}
	golden(t, "counts.txt", b.String())
}

// A counterexample is a shortest story that a person can follow.
func TestViolation(t *testing.T) {
	for _, test := range []struct {
		name string
		p    *Protocol
		s    State
		e    Event
		cell Cell
	}{
		{"lost-write-back", MESI, Modified, SnoopGetS, to(Shared, SupplyData)},
		{"deaf-sharer", MSI, Shared, SnoopUpgrade, Cell{Next: Shared, kind: cellStay}},
		{"two-forwarders", MESIF, Forward, SnoopGetS, Cell{Next: Forward, Do: SupplyData, kind: cellStay}},
		{"wrong-request", MOESI, Owned, Store, Cell{Next: Owned, Do: SendGetM, kind: cellStay}},
		{"store-unasked", MESI, Shared, Store, to(Modified, Hit)},
		{"unannounced", MESI, Exclusive, Evict, to(Invalid, DropLine)},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := *test.p
			p.Table[test.s][test.e] = test.cell
			_, err := Explore(&p, Options{Caches: 3, Lines: 1, Values: 2})
			var v *Violation
			if !errors.As(err, &v) {
				t.Fatalf("no violation but %v", err)
			}
			golden(t, "violation-"+test.name+".txt", v.Error()+"\n")
		})
	}
}

func TestExploreRefuses(t *testing.T) {
	for _, o := range []Options{
		{}, {Caches: 5, Lines: 1, Values: 2}, {Caches: 2, Lines: 3, Values: 2}, {Caches: 2, Lines: 1, Values: 5},
		{Caches: 2, Lines: 1, Values: 2, Home: NumHomeKinds},
	} {
		if _, err := Explore(MESI, o); err == nil {
			t.Errorf("%v is explored", o)
		}
	}
}

func TestExploreGivesUp(t *testing.T) {
	_, err := Explore(MESI, Options{Caches: 3, Lines: 1, Values: 2, MaxStates: 100})
	if !errors.Is(err, ErrTooManyStates) {
		t.Errorf("after 100 states: %v", err)
	}
}
