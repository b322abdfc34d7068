package coherence

import (
	"fmt"
	"iter"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
)

// roundHart is a hart of the round tester: a coroutine that parks on its port.
type roundHart struct {
	next    func() (*Request, bool)
	pending *Request
	access  Access
	checked bool // the reference has seen the access
}

// TestRandomRounds runs the harts as an engine does: each until it needs the
// bus, then all requests in arbitration order. Here requests lose their races:
// lines and reservations go away between Call and Serve. The reference is
// written when a request is served, or when a hart gets by without one.
func TestRandomRounds(t *testing.T) {
	for _, seed := range seeds(t, 100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			x := newTester(t, seed, nil)
			var harts []*roundHart
			left := *stepsFlag
			for i := range x.bus.Harts() {
				h := &roundHart{}
				var stop func()
				h.next, stop = iter.Pull(func(yield func(*Request) bool) { x.play(i, h, &left, yield) })
				defer stop()
				harts = append(harts, h)
			}
			arbiter := Arbiter{Seed: seed}
			for {
				var rs []*Request
				for _, h := range harts {
					if r, ok := h.next(); ok {
						h.pending = r
						rs = append(rs, r)
					}
				}
				if len(rs) == 0 {
					break
				}
				arbiter.Sort(rs)
				for _, r := range rs {
					x.bus.Serve(r)
					h := harts[r.Agent]
					x.expect(int(r.Agent), &h.access)
					h.checked = true
				}
				if x.rng.IntN(20) == 0 {
					x.dma()
				}
			}
			x.finish()
		})
	}
}

// play is a hart's program.
func (x *tester) play(hart int, h *roundHart, left *int, yield func(*Request) bool) {
	p := x.bus.Private(hart)
	p.Port.Park = func(r *Request) {
		if !yield(r) {
			panic("stopped")
		}
	}
	for *left > 0 {
		*left--
		x.step = *left
		h.access, h.checked = x.draw(), false
		if h.access.Op == OpSC && x.res[hart] != cache.NoLine && x.rng.IntN(4) != 0 {
			h.access.PA = x.bus.lineAddr(x.res[hart])
		}
		x.now[hart] = p.Do(&h.access, x.now[hart])
		if !h.checked {
			x.expect(hart, &h.access)
		}
	}
}

// Two sharers store in one round: the second to be served finds its copy gone.
func TestLostUpgrade(t *testing.T) {
	cfg := testConfig(2)
	cfg.Check = true
	b, _ := newMachine(t, cfg, 1<<20)
	do(b, 0, Access{Op: OpLoad, Size: 8, PA: ramBase})
	do(b, 1, Access{Op: OpLoad, Size: 8, PA: ramBase})
	var rs []*Request
	var resume []func() (*Request, bool)
	for i := range 2 {
		p := b.Private(i)
		next, stop := iter.Pull(func(yield func(*Request) bool) {
			p.Port.Park = func(r *Request) { yield(r) }
			a := Access{Op: OpStore, Size: 4, PA: ramBase + addr.PA(4*i), Value: 9}
			p.Do(&a, 0)
		})
		defer stop()
		r, _ := next()
		rs, resume = append(rs, r), append(resume, next)
	}
	b.Serve(rs[0])
	b.Serve(rs[1])
	if b.Stats.LostUpgrades != 1 || rs[1].Kind != GetM || rs[0].Kind != Upgrade {
		t.Errorf("%d lost, kinds %v and %v", b.Stats.LostUpgrades, rs[0].Kind, rs[1].Kind)
	}
	for i, next := range resume {
		next()
		b.Private(i).Port.Park = nil
	}
	if v := do(b, 0, Access{Op: OpLoad, Size: 8, PA: ramBase}).Result; v != 9<<32|9 {
		t.Errorf("the line holds %#x", v)
	}
}
