package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/coherence"
)

// stealing makes hart 0 park as under the engine: when its request has been
// served, and before it runs on, others' requests of the same phase are. after
// is called then, with the access that was served.
func (r *rig) stealing(after func(a *coherence.Access)) {
	inside := false
	r.mem.Port.Park = func(q *coherence.Request) {
		r.bus.Serve(q)
		if !inside && q.Access() != nil {
			inside = true
			after(q.Access())
			inside = false
		}
	}
}

// TestStolenData has a second hart write to each line that hart 0 gets, before
// hart 0 runs: a load has the value of its turn on the bus, a store is not lost,
// and the next access sees what the thief wrote.
func TestStolenData(t *testing.T) {
	seeded(t, 20, func(t *testing.T, rnd *rand.Rand) {
		r := newRig(t, withHarts(2), withStores(rnd.IntN(3)))
		thief := r.harts[1]
		const n = 64
		var ref [n]uint64
		ld, sd, amo := uint64(codeAt), uint64(codeAt+4), uint64(codeAt+8)
		r.code(codeAt, opI("ld", 5, 1, 0), opS("sd", 2, 1, 0), opR("amoadd.d", 5, 1, 2))
		r.code(codeAt+0x400, opS("sd", 2, 1, 0))
		var i uint64    // the word of hart 0's access
		pending := true // a store of hart 0 is to be entered in ref at its turn
		var value, seen uint64
		r.stealing(func(a *coherence.Access) {
			if a.Op == coherence.OpFetch {
				return
			}
			if a.Op == coherence.OpLoad || a.Op >= coherence.OpAMOSwap && a.Op <= coherence.OpAMOMaxU {
				seen = ref[i]
			}
			if pending && a.Op != coherence.OpLoad {
				if a.Op == coherence.OpStore {
					ref[i] = value
				} else {
					ref[i] += value
				}
				pending = false
			}
			if rnd.IntN(2) == 0 {
				j := (uint64(a.PA)-dataAt)/8&^7 + rnd.Uint64N(8) // another word of the line, or the same
				thief.x[1], thief.x[2], thief.pc = dataAt+8*j, rnd.Uint64(), codeAt+0x400
				ref[j] = thief.x[2]
				thief.step(1)
				thief.drainAll()
			}
		})
		for range 2000 {
			i, value, pending = rnd.Uint64N(n), rnd.Uint64(), false
			r.x[1], r.x[2] = dataAt+8*i, value
			switch rnd.IntN(3) {
			case 0:
				seen = ref[i]
				r.pc = ld
				if r.step(1); r.x[5] != seen {
					t.Fatalf("word %d: loaded %#x, want %#x", i, r.x[5], seen)
				}
			case 1:
				pending, r.pc = true, sd
				r.step(1)
				if r.drainAll(); pending { // it hit: its turn was at once
					ref[i] = value
				}
			case 2:
				pending, seen, r.pc = true, ref[i], amo
				r.step(1)
				if pending {
					ref[i] += value
				}
				if r.x[5] != seen {
					t.Fatalf("word %d: amoadd gave %#x, want %#x", i, r.x[5], seen)
				}
			}
			pending = false
		}
		for i := range uint64(n) {
			if v := r.peek64(dataAt + 8*i); v != ref[i] {
				t.Fatalf("word %d is %#x, want %#x", i, v, ref[i])
			}
		}
	})
}

// TestStolenCode has the line of each fetch overwritten before hart 0 can run:
// it executes what it fetched, once, and the new instruction the next time.
// Instructions across lines and pages are among them.
func TestStolenCode(t *testing.T) {
	for _, at := range []uint64{codeAt + 8, codeAt + 62, codeAt + 0xffe} {
		r := newRig(t, withHarts(2))
		thief := r.harts[1]
		r.code(codeAt+0x400, opS("sh", 2, 1, 0))
		set := func(v uint32) { // the immediate is in the upper half
			thief.x[1], thief.x[2], thief.pc = at+2, uint64(opI("addi", 5, 0, int32(v))>>16), codeAt+0x400
			thief.step(1)
		}
		r.code(at, opI("addi", 5, 0, 1))
		next, armed := uint32(1), true
		r.stealing(func(a *coherence.Access) {
			if armed && a.Op == coherence.OpFetch && uint64(a.PA) <= at+2 && uint64(a.PA)+uint64(a.Size) > at+2 {
				next++
				set(next)
			}
		})
		last := uint32(0)
		for round := range 50 {
			r.pc = at
			before := r.instret
			r.step(1)
			if got := uint32(r.x[5]); r.instret != before+1 || r.pc != at+4 || got < last || got > next || got+1 < next {
				t.Fatalf("at %#x, round %d: executed %d after %d, memory has %d; pc %#x", at, round, got, last, next, r.pc)
			} else {
				last = got
			}
		}
		if next < 40 {
			t.Errorf("at %#x: only %d thefts", at, next)
		}
		armed = false
		r.pc = at
		if r.step(1); uint32(r.x[5]) != next {
			t.Errorf("at %#x: executed %d, want %d", at, r.x[5], next)
		}
	}
}

// TestStolenReservation has the reserved line stolen between LR and SC and when
// the SC's request comes to its turn: SC fails, and memory keeps the thief's.
func TestStolenReservation(t *testing.T) {
	r := newRig(t, withHarts(2))
	thief := r.harts[1]
	r.code(codeAt, opR("lr.d", 5, 1, 0), opR("sc.d", 6, 1, 2))
	r.code(codeAt+0x400, opS("sd", 2, 1, 0))
	r.x[1], r.x[2], thief.x[1], thief.x[2] = dataAt, 1, dataAt, 2
	steal := true
	r.stealing(func(a *coherence.Access) {
		if steal && a.Op == coherence.OpLR {
			thief.pc = codeAt + 0x400
			thief.step(1)
		}
	})
	r.pc = codeAt
	if r.step(2); r.x[6] == 0 || r.peek64(dataAt) != 2 {
		t.Errorf("sc gives %d, memory %d", r.x[6], r.peek64(dataAt))
	}
	steal = false
	r.pc = codeAt
	if r.step(2); r.x[5] != 2 || r.x[6] != 0 || r.peek64(dataAt) != 1 {
		t.Errorf("alone: lr %d, sc %d, memory %d", r.x[5], r.x[6], r.peek64(dataAt))
	}
}
