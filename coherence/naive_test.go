package coherence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// naiveExplore is Explore without all that makes it fast: whole models in a map,
// under the names that they have, and every step of each. broken is the first
// rule that it finds broken.
func naiveExplore(p *Protocol, o Options) (seen map[model]bool, broken string) {
	var reached [NumStates][NumEvents]bool
	w := world{p: p, Options: o, reached: &reached, everyStep: true}
	seen = map[model]bool{w.reset(): true}
	queue := []model{w.reset()}
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		for _, s := range w.steps(&m, nil) {
			next := m
			if broken := w.apply(&next, s); broken != "" {
				return seen, broken
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return seen, ""
}

// permutations lists the orders of n things.
func permutations(n int) (all [][]uint8) {
	if n == 0 {
		return [][]uint8{nil}
	}
	for _, p := range permutations(n - 1) {
		for i := range n {
			q := append(append(append([]uint8{}, p[:i]...), uint8(n-1)), p[i:]...)
			all = append(all, q)
		}
	}
	return all
}

// orbit is all that m becomes when caches, lines, and the values of each line
// change names.
func orbit(o Options, m model) map[model]bool {
	images := map[model]bool{}
	values := permutations(o.Values)
	for _, caches := range permutations(o.Caches) {
		moved := renameCaches(m, caches)
		for _, first := range values {
			one := moved
			renameValues(&one.lines[0], first)
			if o.Lines == 1 {
				images[one] = true
				continue
			}
			for _, second := range values {
				two := one
				renameValues(&two.lines[1], second)
				images[two] = true
				images[swapLines(two)] = true
			}
		}
	}
	return images
}

func renameCaches(m model, to []uint8) model {
	r := m
	for i := range r.lines {
		r.lines[i].filter = 0
	}
	for c, d := range to {
		r.want[d] = m.want[c]
		for i := range r.lines {
			l, from := &r.lines[i], &m.lines[i]
			l.st[d], l.val[d] = from.st[c], from.val[c]
			l.filter |= from.filter >> c & 1 << d
		}
	}
	return r
}

func renameValues(l *mLine, to []uint8) {
	l.last, l.mem = to[l.last], to[l.mem]
	if l.llc != absent {
		l.llc = to[l.llc]
	}
	for c := range l.val {
		if l.st[c] != Invalid {
			l.val[c] = to[l.val[c]]
		}
	}
}

func swapLines(m model) model {
	m.lines[0], m.lines[1] = m.lines[1], m.lines[0]
	for c := range m.want {
		if m.want[c].on {
			m.want[c].line ^= 1
		}
	}
	return m
}

// An exploration up to renaming has seen one state of each orbit and nothing
// else: the orbits of its states are disjoint, and together they are what the
// naive exploration finds.
func TestExploreAgainstNaive(t *testing.T) {
	var all []Options
	all = append(all, machines(2, 1, 3)...)
	all = append(all, machines(3, 1, 2)...)
	all = append(all, machines(2, 2, 2)...)
	all = append(all, Options{Caches: 4, Lines: 1, Values: 4, Silent: true, Home: HomeMemory})
	for _, p := range protocols {
		machines := slices.Clone(all)
		if p == MESI {
			machines = append(machines, Options{Caches: 3, Lines: 2, Values: 2, Home: HomeMemory})
		}
		for _, o := range machines {
			t.Run(fmt.Sprintf("%s/%v", p.Name, o), func(t *testing.T) {
				t.Parallel()
				want, broken := naiveExplore(p, o)
				if broken != "" {
					t.Fatal(broken)
				}
				x := newExplorer(p, o)
				if err := x.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				covered := map[model]bool{}
				for i := range x.found.n {
					k := x.found.at(i)
					m := x.decode(k)
					if x.encode(&m) != k {
						t.Fatalf("code %#x is decoded to %+v, whose code is %#x", uint64(k), m, uint64(x.encode(&m)))
					}
					for image := range orbit(o, m) {
						if covered[image] {
							t.Fatalf("two states stand for %+v", image)
						}
						if !want[image] {
							t.Fatalf("%+v is not reachable", image)
						}
						covered[image] = true
					}
				}
				if len(covered) != len(want) {
					t.Errorf("%d states stand for %d, but there are %d", x.found.n, len(covered), len(want))
				}
			})
		}
	}
}

// meaningful says whether the exploration can make sense of p, even if the
// machine could not run it.
func meaningful(p *Protocol) bool {
	for s := range NumStates {
		for e := range NumEvents {
			if p.wrong(s, e) != "" {
				return false
			}
		}
	}
	return true
}

// An exploration accepts and rejects the same mutants as the naive one, on every
// machine.
func TestMutantsAgainstNaive(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			rejected := 0
			for _, m := range mutants(p) {
				if !meaningful(m.p) {
					continue
				}
				for _, o := range machines(3, 1, 2) {
					_, broken := naiveExplore(m.p, o)
					err := newExplorer(m.p, o).run(t.Context())
					var v *Violation
					if errors.As(err, &v) != (broken != "") {
						t.Errorf("%s, %v: Explore says %v, naively it is %q", m.name, o, err, broken)
					}
					if broken != "" {
						rejected++
					}
				}
			}
			if rejected == 0 {
				t.Error("no mutant was rejected")
			}
		})
	}
}

// A second line breaks no rule that one line keeps: each step of two lines is one
// of each line alone, if a line's caches may evict while their harts wait for
// another. So what is reached with two lines, seen as one line, is what one line
// reaches; and more lines cannot show what two do not.
func TestExploreSecondLine(t *testing.T) {
	for _, p := range protocols {
		for _, o := range machines(2, 2, 2) {
			t.Run(fmt.Sprintf("%s/%v", p.Name, o), func(t *testing.T) {
				t.Parallel()
				one := o
				one.Lines = 1
				alone, _ := naiveExplore(p, one)
				both, broken := naiveExplore(p, o)
				if broken != "" {
					t.Fatal(broken)
				}
				reset := (&world{}).reset()
				seen := map[model]bool{}
				for m := range both {
					m.lines[1] = reset.lines[1]
					for c := range m.want {
						if m.want[c].line == 1 {
							m.want[c] = want{}
						}
					}
					if !alone[m] {
						t.Fatalf("one line alone does not become %+v", m)
					}
					seen[m] = true
				}
				if len(seen) != len(alone) {
					t.Errorf("of %d states of one line, two lines show %d", len(alone), len(seen))
				}
			})
		}
	}
}

// A protocol whose copies are not given up never comes to rest. Its form is
// refused before that, so the exploration is asked behind Validate's back.
func TestNeverAtRest(t *testing.T) {
	p := *MSI
	p.Table[Shared][Evict] = Cell{Next: Shared, kind: cellStay}
	for _, o := range machines(2, 1, 2) {
		err := newExplorer(&p, o).run(t.Context())
		var v *Violation
		if !errors.As(err, &v) || !strings.Contains(v.Rule, "comes to rest") {
			t.Errorf("%v: %v", o, err)
		}
	}
}
