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
	deep   = flag.Bool("deep", false, "give rumur more machines and every mutant (10 minutes)")
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

// Every protocol keeps every rule in every machine of 2 to 4 caches and 1 or 2
// lines, and every transition in its table is taken in one of them: a cell that is
// not could be wrong unnoticed, and should be a cannot. How many states there are
// is a fact about the model: if it changes, the model has.
func TestExplore(t *testing.T) {
	type row struct {
		p *Protocol
		o Options
		Result
	}
	var rows []*row
	for _, p := range protocols {
		for lines := 1; lines <= maxLines; lines++ {
			for caches := 2; caches <= maxCaches; caches++ {
				for _, o := range machines(caches, lines, 2) {
					rows = append(rows, &row{p: p, o: o})
				}
			}
		}
	}
	t.Run("all", func(t *testing.T) {
		for _, r := range rows {
			t.Run(fmt.Sprintf("%s/%v", r.p.Name, r.o), func(t *testing.T) {
				t.Parallel()
				var err error
				if r.Result, err = Explore(t.Context(), r.p, r.o, nil); err != nil {
					t.Fatal(err)
				}
			})
		}
	})
	var b strings.Builder
	reached := map[*Protocol]*[NumStates][NumEvents]bool{}
	for _, r := range rows {
		fmt.Fprintf(&b, "%-5s %v: %d states, %d transitions, depth %d\n", r.p.Title(), r.o, r.States, r.Transitions, r.Depth)
		if reached[r.p] == nil {
			reached[r.p] = new([NumStates][NumEvents]bool)
		}
		for s := range NumStates {
			for e := range NumEvents {
				reached[r.p][s][e] = reached[r.p][s][e] || r.Reached[s][e]
			}
		}
	}
	golden(t, "counts.txt", b.String())
	for _, p := range protocols {
		for s := range NumStates {
			for e := range NumEvents {
				if cell := p.Table[s][e]; !cell.Cannot() && !reached[p][s][e] {
					t.Errorf("%s: %v on %v is never reached", p.Title(), s, e)
				}
			}
		}
	}
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
			// Not by Explore, which refuses some of them by their form.
			err := newExplorer(&p, Options{Caches: 3, Lines: 1, Values: 2}).run(t.Context())
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
		if _, err := Explore(t.Context(), MESI, o, nil); err == nil {
			t.Errorf("%v is explored", o)
		}
	}
}

func TestExploreGivesUp(t *testing.T) {
	_, err := Explore(t.Context(), MESI, Options{Caches: 3, Lines: 1, Values: 2, MaxStates: 100}, nil)
	if !errors.Is(err, ErrTooManyStates) {
		t.Errorf("after 100 states: %v", err)
	}
}
