package core

import (
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestLoadsAndStores runs random loads and stores of every size and alignment,
// integer and floating-point, in small caches, against an array of bytes: with
// and without a store buffer, and with the lines taken away by a second hart.
func TestLoadsAndStores(t *testing.T) {
	loads := []struct {
		name   string
		size   uint
		signed bool
		float  bool
	}{
		{"lb", 1, true, false}, {"lbu", 1, false, false}, {"lh", 2, true, false}, {"lhu", 2, false, false},
		{"lw", 4, true, false}, {"lwu", 4, false, false}, {"ld", 8, true, false},
		{"flh", 2, false, true}, {"flw", 4, false, true}, {"fld", 8, false, true},
	}
	stores := map[string]uint{"sb": 1, "sh": 2, "sw": 4, "sd": 8, "fsh": 2, "fsw": 4, "fsd": 8}
	for _, buffer := range []int{0, 1, 8} {
		seeded(t, 10, func(t *testing.T, rnd *rand.Rand) {
			r := newRig(t, withHarts(2), withStores(buffer))
			const span = 20 << 10
			ref := make([]byte, span)
			names := []string{"sb", "sh", "sw", "sd", "fsh", "fsw", "fsd"}
			// All instructions wait in memory, so that code is not rewritten.
			at := map[string]uint64{}
			next := uint64(codeAt)
			place := func(name string, inst uint32) {
				r.code(next, inst)
				at[name] = next
				next += 4
			}
			for _, n := range names {
				place(n, opS(n, 2, 1, -3))
			}
			for _, l := range loads {
				place(l.name, opI(l.name, 5, 1, -3))
			}
			for range 1500 {
				h := r.harts[0]
				if rnd.IntN(5) == 0 {
					r.harts[0].drainAll() // or the other might see memory without it
					h = r.harts[1]
				}
				off := rnd.Uint64N(span - 8)
				if rnd.IntN(2) == 0 {
					off = rnd.Uint64N(256)
				}
				h.x[1] = dataAt + off + 3
				v := rnd.Uint64()
				if rnd.IntN(2) == 0 {
					n := names[rnd.IntN(len(names))]
					h.x[2], h.f[2], h.pc = v, v, at[n]
					h.step(1)
					for i := range uint64(stores[n]) {
						ref[off+i] = byte(unsigned(v).Rsh(unsigned(v), uint(8*i)).Uint64())
					}
				} else {
					l := loads[rnd.IntN(len(loads))]
					h.pc = at[l.name]
					h.step(1)
					b := make([]byte, 8)
					copy(b, ref[off:off+uint64(l.size)])
					want := reg(low(unsigned(binary.LittleEndian.Uint64(b)), 8*l.size, l.signed))
					got := h.x[5]
					if l.float {
						for i := l.size; i < 8; i++ { // boxed
							b[i] = 0xff
						}
						want, got = binary.LittleEndian.Uint64(b), h.f[5]
					}
					if got != want {
						t.Fatalf("hart %d, buffer %d: %s at %#x: %#x, want %#x", h.cfg.ID, buffer, l.name, h.x[1]-3, got, want)
					}
				}
				if h == r.harts[1] {
					h.drainAll()
				}
			}
			r.harts[0].drainAll()
			for i := uint64(0); i < span; i += 8 {
				if v := r.peek64(dataAt + i); v != binary.LittleEndian.Uint64(ref[i:]) {
					t.Fatalf("buffer %d: memory at +%#x: %#x", buffer, i, v)
				}
			}
		})
	}
}

// TestAtomics checks each AMO's arithmetic on unbounded integers
// (unprivileged manual, A: a word is sign-extended into rd).
func TestAtomics(t *testing.T) {
	r := newRig(t)
	seeded(t, 100, func(t *testing.T, rnd *rand.Rand) {
		for _, op := range strings.Fields("swap add xor and or min max minu maxu") {
			for _, w := range []string{"w", "d"} {
				n := uint(64)
				if w == "w" {
					n = 32
				}
				old, v := operand(rnd), operand(rnd)
				r.poke64(dataAt, old)
				r.x[1], r.x[2], r.x[5] = dataAt, v, 0
				a, b := low(unsigned(old), n, true), low(unsigned(v), n, true)
				ua, ub := low(unsigned(old), n, false), low(unsigned(v), n, false)
				less := a.Cmp(b) < 0
				if strings.HasSuffix(op, "u") {
					less = ua.Cmp(ub) < 0
				}
				want := new(big.Int)
				switch op {
				case "swap":
					want = b
				case "add":
					want.Add(a, b)
				case "xor":
					want.Xor(a, b)
				case "and":
					want.And(a, b)
				case "or":
					want.Or(a, b)
				case "min", "minu":
					if want = b; less {
						want = a
					}
				default:
					if want = a; less {
						want = b
					}
				}
				after := reg(low(want, n, false)) | reg(new(big.Int).Lsh(new(big.Int).Rsh(unsigned(old), n), n))
				r.must(opR("amo"+op+"."+w, 5, 1, 2) | rnd.Uint32N(4)<<25)
				if got := r.peek64(dataAt); got != after || r.x[5] != reg(a) {
					t.Fatalf("amo%s.%s of %#x and %#x: memory %#x, rd %#x; want %#x, %#x", op, w, old, v, got, r.x[5], after, reg(a))
				}
			}
		}
	})
}

// TestReservations has the rules of LR and SC (unprivileged manual, Zalrsc).
func TestReservations(t *testing.T) {
	for _, buffer := range []int{0, 4} {
		r := newRig(t, withHarts(2), withStores(buffer))
		other := r.harts[1]
		lr, sc := opR("lr.d", 5, 1, 0), opR("sc.d", 6, 1, 2)
		r.code(codeAt, lr, sc, sc)
		r.code(codeAt+0x100, opI("ld", 5, 1, 0), opS("sd", 2, 1, 0), opR("amoadd.d", 0, 1, 2))
		r.x[1], r.x[2], other.x[1], other.x[2] = dataAt, 7, dataAt+8, 9
		run := func(h *Hart, pc uint64) { h.pc = pc; h.step(1) }
		r.pc = codeAt
		if r.step(3); r.x[6] == 0 {
			t.Error("a second sc succeeds")
		}
		if r.peek64(dataAt) != 7 {
			t.Error("the first did not")
		}
		for i, c := range []struct {
			pc      uint64
			success bool
		}{{codeAt + 0x100, true}, {codeAt + 0x104, false}, {codeAt + 0x108, false}} {
			run(r.Hart, codeAt)
			run(other, c.pc)
			other.drainAll()
			if run(r.Hart, codeAt+4); (r.x[6] == 0) != c.success || r.x[6] > 1 {
				t.Errorf("buffer %d, other hart's access %d to the line: sc gives %d", buffer, i, r.x[6])
			}
		}
		// Its own accesses and traps leave the reservation of its line.
		run(r.Hart, codeAt)
		run(r.Hart, codeAt+0x100)
		if run(r.Hart, codeAt+4); r.x[6] != 0 {
			t.Error("sc fails after the hart's own load")
		}
		run(r.Hart, codeAt)
		r.x[1] = dataAt + 0x1000
		if run(r.Hart, codeAt+4); r.x[6] == 0 {
			t.Error("sc to another line succeeds")
		}
	}
}

// Accesses to a device are whole, in order, and behind the store buffer.
func TestDevice(t *testing.T) {
	for _, buffer := range []int{0, 4} {
		r := newRig(t, withStores(buffer))
		r.code(codeAt, opS("sd", 2, 1, 0), opS("sw", 2, 3, 4), opI("ld", 5, 3, 0), opI("lhu", 6, 3, 6))
		r.x[1], r.x[2], r.x[3] = dataAt, 0x11223344_55667788, deviceAt
		r.pc = codeAt
		if r.step(4); r.dev[0] != 0x55667788_00000000 || r.x[5] != r.dev[0] || r.x[6] != 0x5566 {
			t.Errorf("buffer %d: device holds %#x; read %#x, %#x", buffer, r.dev[0], r.x[5], r.x[6])
		}
		if r.peek64(dataAt) != r.x[2] {
			t.Errorf("buffer %d: the store to memory waits behind the device's", buffer)
		}
	}
}
