package coherence

import "testing"

// Words of memory that a device watches take atomics and reservations like the
// memory around them; a device elsewhere takes none.
func TestAtomicsOnWatchedWords(t *testing.T) {
	r := newEngineRig(t, 100, 1, idle, idle)
	r.bus.Map.over = []Region{{Name: "watched", Base: ramBase, Size: 64, Dev: &word{}}}
	p, q := r.bus.Private(0), r.bus.Private(1)
	do := func(p *Private, op Op, v uint64) *Access {
		a := &Access{Op: op, Size: 4, PA: ramBase + 8, Value: v, Uncached: true}
		p.Do(a, 0)
		return a
	}
	do(p, OpStore, 5)
	if a := do(q, OpAMOAdd, 3); a.Fault || a.Result != 5 {
		t.Errorf("amoadd: %+v", a)
	}
	if a := do(p, OpLR, 0); a.Fault || a.Result != 8 {
		t.Errorf("lr: %+v", a)
	}
	if a := do(p, OpSC, 9); a.Fault || !a.OK {
		t.Errorf("sc: %+v", a)
	}
	do(p, OpLR, 0)
	do(q, OpStore, 1)
	if a := do(p, OpSC, 2); a.Fault || a.OK {
		t.Errorf("sc after another's store: %+v", a)
	}
	if a := do(p, OpLoad, 0); a.Result != 1 {
		t.Errorf("load: %+v", a)
	}
	a := &Access{Op: OpAMOAdd, Size: 8, PA: deviceBase, Uncached: true}
	if p.Do(a, 0); !a.Fault || p.Atomics(deviceBase, 8) || !p.Atomics(ramBase+8, 8) || p.Atomics(1, 8) {
		t.Errorf("device: %+v", a)
	}
}

// word is a device that is one word everywhere.
type word struct{ v uint64 }

func (w *word) Read(uint64, uint64, int) (uint64, bool) { return w.v, true }
func (w *word) Write(_, _ uint64, _ int, v uint64) bool { w.v = v; return true }
