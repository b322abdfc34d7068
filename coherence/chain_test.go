package coherence

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// wanderer is an agent that does what a random generator of its own says: it runs,
// asks the bus, sleeps, wakes others by what it asks, and tells things.
type wanderer struct {
	fake
	rng   *rand.Rand
	left  int
	scale uint64 // instructions for a cycle
	told  uint64
	saw   []uint64 // its clock, whenever it runs
}

func (w *wanderer) Instret() uint64 { return w.clock * w.scale }

func (w *wanderer) Run(end uint64) (bool, uint64) {
	for w.left > 0 && w.clock < end {
		w.left--
		w.saw = append(w.saw, w.clock)
		switch w.rng.IntN(8) {
		case 0:
			return true, w.clock + 1 + w.rng.Uint64N(300)
		case 1:
			return true, ^uint64(0)
		case 2:
			w.told++
			w.p.Port.Tell(&Request{})
		case 3:
			w.clock += w.rng.Uint64N(200)
		default:
			w.touch(w.clock + w.rng.Uint64N(60))
			w.clock++
		}
	}
	return w.left == 0, ^uint64(0)
}

// What agents do is the same whether one lane runs them in a chain, or several
// lanes or one resume them in turn: it does not matter in which order the agents of a
// round run, who was the last and served the others, or at which depth of the chain the quantum ended,
// an agent fell asleep or had something to tell.
func TestEngineChain(t *testing.T) {
	const agents = 7
	run := func(seed uint64, lanes int, scale uint64, urgent bool) (saw []string, shared bool) {
		r := newEngineRig(t, 100, seed, make([]func(*fake, uint64) (bool, uint64), agents)...)
		r.Engine = NewEngine(r.bus, 100, seed)
		var ws []*wanderer
		for i := range agents {
			w := &wanderer{rng: rand.New(rand.NewPCG(seed, uint64(i))), left: 300, scale: scale}
			w.p = r.bus.Private(i)
			ws = append(ws, w)
			r.Add(w, &w.p.Port)
		}
		r.dev.on = func(now, off uint64) { r.Wake(int((now+off/8)%agents), now+3) }
		r.OnNotice = func(i int) {
			saw = append(saw, fmt.Sprint("told by ", i, " at ", ws[i].clock))
			if urgent {
				r.Urgent = ws[i].told & 1 << ((i + 1) % agents)
			}
		}
		r.OnQuantum = func(uint64) bool {
			shared = shared || r.work >= worthLanes*workScale
			return true
		}
		r.OnIdle = func() bool {
			for i, w := range ws {
				if w.left > 0 {
					r.Wake(i, r.end-1)
					return true
				}
			}
			return false
		}
		if err := r.Run(lanes); !errors.Is(err, ErrAsleep) {
			t.Fatal(err)
		}
		for _, w := range ws {
			saw = append(saw, fmt.Sprint(w.saw))
		}
		return append(saw, fmt.Sprint(r.dev.seen, r.Rounds, r.Quanta, r.bus.Stats)), shared
	}
	for seed := range uint64(20) {
		for _, urgent := range []bool{false, true} {
			want, _ := run(seed, 1, 1, urgent)
			for _, lanes := range []int{2, 3} {
				for _, scale := range []uint64{1, 1000} { // rounds too short for lanes, and others
					got, shared := run(seed, lanes, scale, urgent)
					if !slices.Equal(got, want) {
						t.Errorf("seed %d, urgent %v: %d lanes, instructions times %d, do something else than one lane", seed, urgent, lanes, scale)
					}
					if shared != (scale > 1) {
						t.Errorf("rounds were shared: %v", shared)
					}
				}
			}
		}
	}
}
