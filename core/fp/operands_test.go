package fp

import (
	"flag"
	"math/rand/v2"
	"testing"
)

var seed = flag.Uint64("fp.seed", 20240607, "seed of the randomised tests")

// seeded is a generator; the seed is in the log of a failing test.
func seeded(t testing.TB) *rand.Rand {
	t.Logf("-fp.seed=%d", *seed)
	return rand.New(rand.NewPCG(*seed, 0))
}

// specials are the values at the corners of a format, in both signs.
func (t ieee) specials() []uint64 {
	hidden := uint64(1) << (t.p - 1)
	one := uint64(t.emax) << (t.p - 1)
	inf := t.infinity(false)
	positive := []uint64{
		0, 1, 2, 3, hidden / 2, hidden - 2, hidden - 1, // zero, subnormals
		hidden, hidden + 1, hidden * 2, hidden*2 - 1, hidden * 3, // least normals
		one - hidden, one - 2, one - 1, one, one + 1, one + 2, one + hidden/2, one + hidden - 1,
		one + hidden, one + hidden*3/2, one + hidden*2,
		one - hidden*uint64(t.p-1), one - hidden*uint64(t.p), one + hidden*uint64(t.p-1), // 2^±p
		one/2 + hidden/2, one / 2, one/2 + 1, one + one/2, // near the square root of the limits
		inf - hidden*2, inf - hidden, inf - 2, inf - 1, inf, // largest finite
		inf + 1, inf + hidden/2 - 1, inf + hidden/2, inf + hidden - 1, // sNaN, qNaN
	}
	all := positive
	for _, v := range positive {
		all = append(all, t.withSign(true, v))
	}
	return all
}

// few thins specials for triples.
func (t ieee) few() []uint64 {
	var out []uint64
	for i, v := range t.specials() {
		if i%3 != 1 {
			out = append(out, v)
		}
	}
	return out
}

// significand is a fraction field with the shapes that make rounding hard.
func (t ieee) significand(r *rand.Rand) uint64 {
	mask := uint64(1)<<(t.p-1) - 1
	switch r.IntN(6) {
	case 0:
		return 0
	case 1: // few bits
		a, b := r.IntN(t.p), r.IntN(t.p)
		return (1<<a | 1<<b) & mask
	case 2: // a run of ones at the bottom or top
		run := uint64(1)<<r.IntN(t.p) - 1
		return (run ^ mask*uint64(r.IntN(2))) & mask
	case 3: // short, so that products and quotients are exact
		return r.Uint64() << (t.p / 2) & mask
	case 4: // near a power of two
		return (uint64(r.IntN(9)) - 4) & mask
	}
	return r.Uint64() & mask
}

// withExp is a random number with unbiased exponent e, clamped to the finite.
func (t ieee) withExp(r *rand.Rand, e int) uint64 {
	field := min(max(e+t.emax, 0), 2*t.emax)
	return t.withSign(r.IntN(2) == 1, uint64(field)<<(t.p-1)|t.significand(r))
}

func (t ieee) exponent(r *rand.Rand) int {
	switch r.IntN(4) {
	case 0: // around one, where programs live
		return r.IntN(2*t.p) - t.p
	case 1:
		return t.emin() + r.IntN(2*t.p) - 2
	case 2:
		return t.emax - r.IntN(4)
	}
	return r.IntN(2*t.emax) - t.emax
}

func (t ieee) any(r *rand.Rand) uint64 {
	if r.IntN(50) == 0 {
		s := t.specials()
		return s[r.IntN(len(s))]
	}
	return t.withExp(r, t.exponent(r))
}

func (t ieee) expOf(v uint64) int {
	return int(v>>(t.p-1)%(1<<(t.width()-t.p))) - t.emax
}

// pair gives operands whose sum, product or quotient is interesting: exponents
// close together or a precision apart, near cancellation, or combining to the
// edges of the format.
func (t ieee) pair(r *rand.Rand) (a, b uint64) {
	a = t.any(r)
	e := t.expOf(a)
	switch r.IntN(7) {
	case 0:
		return a, t.withExp(r, e+r.IntN(5)-2)
	case 1:
		return a, t.withExp(r, e+r.IntN(2*t.p+8)-t.p-4)
	case 2: // neighbours with opposite signs
		return a, a ^ 1<<(t.width()-1) ^ uint64(r.IntN(4))
	case 3: // product near the subnormal boundary
		return a, t.withExp(r, t.emin()-e+r.IntN(t.p+6)-t.p-2)
	case 4: // quotient near it, and product near overflow for large a
		return a, t.withExp(r, e-t.emin()+r.IntN(t.p+6)-3)
	case 5:
		return a, t.withExp(r, t.emax-e+r.IntN(5)-3)
	}
	return a, t.any(r)
}

// triple adds an addend that nearly cancels the product, lies at the edge of
// its last place, or far away.
func (t ieee) triple(r *rand.Rand) (a, b, c uint64) {
	a, b = t.pair(r)
	e := t.expOf(a) + t.expOf(b)
	switch r.IntN(5) {
	case 0:
		product, _ := t.mul(t.decode(a), t.decode(b), RNE)
		return a, b, product ^ 1<<(t.width()-1) ^ uint64(r.IntN(3))
	case 1:
		return a, b, t.withExp(r, e+r.IntN(4*t.p)-2*t.p)
	case 2: // the product is a tie away from c's last place
		return a, b, t.withExp(r, e+t.p+r.IntN(3)-1)
	case 3: // c is far below: only its sign may matter
		return a, b, t.withExp(r, e-t.p-r.IntN(200))
	}
	return a, b, t.any(r)
}
