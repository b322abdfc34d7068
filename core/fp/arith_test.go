package fp

import (
	"fmt"
	"testing"
)

// op is an operation in its two implementations, and what the oracle says.
type op struct {
	name       string
	t          ieee
	arity      int
	fast, soft func(v [3]uint64, rm RM, fl *Flags) uint64
	oracle     func(d [3]datum, rm RM) (uint64, Flags)
}

type binary64 = func(a, b uint64, rm RM, fl *Flags) uint64
type binary32 = func(a, b uint32, rm RM, fl *Flags) uint32
type anyOp = func(v [3]uint64, rm RM, fl *Flags) uint64

func two64(f binary64) anyOp {
	return func(v [3]uint64, rm RM, fl *Flags) uint64 { return f(v[0], v[1], rm, fl) }
}

func two32(f binary32) anyOp {
	return func(v [3]uint64, rm RM, fl *Flags) uint64 { return uint64(f(uint32(v[0]), uint32(v[1]), rm, fl)) }
}

func one64(f func(a uint64, rm RM, fl *Flags) uint64) anyOp {
	return func(v [3]uint64, rm RM, fl *Flags) uint64 { return f(v[0], rm, fl) }
}

func one32(f func(a uint32, rm RM, fl *Flags) uint32) anyOp {
	return func(v [3]uint64, rm RM, fl *Flags) uint64 { return uint64(f(uint32(v[0]), rm, fl)) }
}

func three64(f func(a, b, c uint64, rm RM, fl *Flags) uint64) anyOp {
	return func(v [3]uint64, rm RM, fl *Flags) uint64 { return f(v[0], v[1], v[2], rm, fl) }
}

func three32(f func(a, b, c uint32, rm RM, fl *Flags) uint32) anyOp {
	return func(v [3]uint64, rm RM, fl *Flags) uint64 {
		return uint64(f(uint32(v[0]), uint32(v[1]), uint32(v[2]), rm, fl))
	}
}

func ops() []op {
	var out []op
	for _, w := range []struct {
		t                                             ieee
		add, addS, sub, mul, mulS, div, divS, sq, sqS anyOp
		fma, fmaS                                     anyOp
	}{
		{ieee64, two64(Add64), two64(add64Soft), two64(Sub64), two64(Mul64), two64(mul64Soft), two64(Div64), two64(div64Soft),
			one64(Sqrt64), one64(sqrt64Soft), three64(FMA64), three64(fma64Soft)},
		{ieee32, two32(Add32), two32(add32Soft), two32(Sub32), two32(Mul32), two32(mul32Soft), two32(Div32), two32(div32Soft),
			one32(Sqrt32), one32(sqrt32Soft), three32(FMA32), three32(fma32Soft)},
	} {
		t := w.t
		add := func(d [3]datum, rm RM) (uint64, Flags) { return t.add(d[0], d[1], rm) }
		sub := func(d [3]datum, rm RM) (uint64, Flags) {
			d[1].neg = !d[1].neg
			return t.add(d[0], d[1], rm)
		}
		mul := func(d [3]datum, rm RM) (uint64, Flags) { return t.mul(d[0], d[1], rm) }
		div := func(d [3]datum, rm RM) (uint64, Flags) { return t.div(d[0], d[1], rm) }
		sqrt := func(d [3]datum, rm RM) (uint64, Flags) { return t.sqrt(d[0], rm) }
		fma := func(d [3]datum, rm RM) (uint64, Flags) { return t.fma(d[0], d[1], d[2], rm) }
		out = append(out,
			op{"Add", t, 2, w.add, w.addS, add},
			op{"Sub", t, 2, w.sub, w.sub, sub},
			op{"Mul", t, 2, w.mul, w.mulS, mul},
			op{"Div", t, 2, w.div, w.divS, div},
			op{"Sqrt", t, 1, w.sq, w.sqS, sqrt},
			op{"FMA", t, 3, w.fma, w.fmaS, fma},
		)
	}
	return out
}

var modes = []RM{RNE, RTZ, RDN, RUP, RMM}

// check compares both paths with the oracle in every mode, with no flag set,
// with NX set as in the steady state, and with all others set.
func (o op) check(t *testing.T, v [3]uint64) {
	t.Helper()
	d := [3]datum{o.t.decode(v[0]), o.t.decode(v[1]), o.t.decode(v[2])}
	for _, rm := range modes {
		want, wantFl := o.oracle(d, rm)
		for _, before := range []Flags{0, NX, UF | OF | DZ | NV} {
			fast, soft := before, before
			if got := o.fast(v, rm, &fast); got != want || fast != before|wantFl {
				t.Errorf("%v fast = %#x %v, want %#x %v", o.call(v, rm, before), got, fast, want, before|wantFl)
			}
			if got := o.soft(v, rm, &soft); got != want || soft != before|wantFl {
				t.Errorf("%v soft = %#x %v, want %#x %v", o.call(v, rm, before), got, soft, want, before|wantFl)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func (o op) call(v [3]uint64, rm RM, before Flags) string {
	return fmt.Sprintf("%s%d(%#x, %v, %v)", o.name, o.t.width(), v[:o.arity], rm, before)
}

func TestSpecials(t *testing.T) {
	for _, o := range ops() {
		t.Run(fmt.Sprint(o.name, o.t.width()), func(t *testing.T) {
			t.Parallel()
			first, rest := o.t.specials(), o.t.specials()
			if o.arity == 3 {
				first, rest = o.t.few(), o.t.few()
			}
			for _, a := range first {
				if o.arity == 1 {
					o.check(t, [3]uint64{a})
					continue
				}
				for _, b := range rest {
					if o.arity == 2 {
						o.check(t, [3]uint64{a, b})
						continue
					}
					// Every third addend, at another phase for each pair.
					for k := int(a%3+b%3) % 3; k < len(rest); k += 3 {
						o.check(t, [3]uint64{a, b, rest[k]})
					}
				}
			}
		})
	}
}

func TestRandom(t *testing.T) {
	for _, o := range ops() {
		t.Run(fmt.Sprint(o.name, o.t.width()), func(t *testing.T) {
			t.Parallel()
			r := seeded(t)
			for range 20_000 {
				a, b, c := o.t.triple(r)
				o.check(t, [3]uint64{a, b, c})
			}
		})
	}
}

// TestFastAgainstSoft covers many more operands than the oracle has time for.
func TestFastAgainstSoft(t *testing.T) {
	for _, o := range ops() {
		t.Run(fmt.Sprint(o.name, o.t.width()), func(t *testing.T) {
			t.Parallel()
			r := seeded(t)
			for range 200_000 {
				var v [3]uint64
				v[0], v[1] = o.t.pair(r)
				v[2] = o.t.withExp(r, o.t.expOf(v[0])+o.t.expOf(v[1])+r.IntN(4*o.t.p)-2*o.t.p)
				for _, before := range []Flags{0, NX} {
					fast, soft := before, before
					got, want := o.fast(v, RNE, &fast), o.soft(v, RNE, &soft)
					if got != want || fast != soft {
						t.Fatalf("%s: fast %#x %v, soft %#x %v", o.call(v, RNE, before), got, fast, want, soft)
					}
				}
			}
		})
	}
}

// TestFMA32Ties aims at the double rounding FMA32's fast path must detect:
// products at a midpoint of two float32, and an addend far below, or the other
// way round.
func TestFMA32Ties(t *testing.T) {
	r := seeded(t)
	var fma op
	for _, o := range ops() {
		if o.name == "FMA" && o.t == ieee32 {
			fma = o
		}
	}
	for range 10_000 {
		// (2^12+1+2k) * (2^12-ish odd) style factors: 12 and 13 bits make
		// 25, whose last is the midpoint's if it is odd.
		x := float32(1<<12 - 1 - 2*r.IntN(1<<10))
		y := float32(1<<13 - 1 - 2*r.IntN(1<<11))
		tiny := ieee32.withExp(r, -40-r.IntN(60))
		fma.check(t, [3]uint64{uint64(b32(x)), uint64(b32(y)), tiny})
		fma.check(t, [3]uint64{uint64(b32(x)), uint64(b32(-y)), tiny})
		fma.check(t, [3]uint64{tiny, uint64(b32(x)), uint64(b32(y))})
	}
}
