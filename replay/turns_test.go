package replay

import (
	"math/rand/v2"
	"testing"

	"mcsim/core"
)

// naiveNext looks at all threads, in the words of turns.take.
func naiveNext(all []*thread, place int, now uint64) *thread {
	var next, early *thread
	behind := func(t *thread) int { // how far behind place, around the circle
		if t.order > place {
			return t.order - place
		}
		return t.order - place + len(all)
	}
	for _, t := range all {
		switch {
		case t.empty():
		case t.first() <= now:
			if next == nil || behind(t) < behind(next) {
				next = t
			}
		case early == nil || t.first() < early.first():
			early = t
		}
	}
	if next != nil {
		return next
	}
	return early
}

// newBench makes n threads of one source on one hart.
func newBench(n int) (*agent, []*thread) {
	a := new(agent)
	s := &source{ended: false}
	all := make([]*thread, n)
	for i := range all {
		all[i] = &thread{src: s, agent: a, warm: true}
		a.turns.add(all[i])
		all[i].update()
	}
	return a, all
}

// give hands a thread one reference at a cycle.
func give(t *thread, cycle uint64) {
	t.runs = append(t.runs, run{refs: []core.Ref{{Cycle: cycle}}})
	t.update()
}

// use takes a thread's turn and uses up a reference of it.
func use(a *agent, t *thread) {
	a.cur = t
	if t.at++; t.at == len(t.runs[0].refs) {
		t.runs, t.at = t.runs[1:], 0
	}
	t.update()
	a.cur = nil
	if !t.empty() {
		a.turns.put(t)
	}
}

func TestTurnsAgainstAllThreads(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		a, all := newBench(1 + rng.IntN(40))
		now := uint64(0)
		for step := range 3000 {
			if rng.IntN(2) == 0 {
				th := all[rng.IntN(len(all))]
				at := now
				if !th.empty() {
					at = th.first()
				}
				give(th, at+uint64(rng.IntN(3))*uint64(rng.IntN(50)))
				continue
			}
			want := naiveNext(all, a.turns.place, now)
			got := a.turns.take(now)
			if got != want {
				t.Fatalf("seed %d, step %d: another thread than by looking at all", seed, step)
			}
			if got != nil {
				now = max(now, got.first()) + uint64(rng.IntN(10))
				use(a, got)
			}
		}
		needy := 0
		for _, th := range all {
			if th.empty() {
				needy++
			}
		}
		if n := all[0].share.needy; n != needy {
			t.Errorf("seed %d: %d threads are counted as needy, and %d are", seed, n, needy)
		}
	}
}

// A turn costs the logarithm of the threads, not their number.
func TestTurnsOfManyThreads(t *testing.T) {
	cost := func(n int) float64 {
		a, all := newBench(n)
		now, turns := uint64(0), 0
		for range 4 {
			for _, th := range all {
				give(th, now)
			}
			for th := a.turns.take(now); th != nil; th = a.turns.take(now) {
				use(a, th)
				now++
				turns++
			}
		}
		if turns != 4*n {
			t.Fatalf("%d turns of %d threads", turns, n)
		}
		compare := a.turns.now.compare + a.turns.next.compare + a.turns.later.compare
		return float64(compare) / float64(turns)
	}
	few, many := cost(1<<6), cost(maxThreads)
	const most = 128 // into two heaps of 16 levels and out of them, two comparisons a level
	if many > most || many > 4*few {
		t.Errorf("%.0f comparisons for a turn among %d threads, %.0f among 64", many, maxThreads, few)
	}
	t.Logf("%.1f comparisons for a turn among %d threads, %.1f among 64", many, maxThreads, few)
}
