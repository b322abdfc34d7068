package fp

import (
	"math"
	"math/bits"
)

// FMA64 is fmadd.d, a*b+c rounded once. The other three fused instructions
// negate the product or the addend, which flipping the sign of a or c does.
func FMA64(a, b, c uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE && *fl&NX != 0 {
		if r := b64(math.FMA(f64(a), f64(b), f64(c))); safe64(r) {
			return r
		}
	}
	return fma64Slow(a, b, c, rm, fl)
}

// fma64Slow settles the flags of a product that is exact by itself, as in
// arithmetic on small integers; then the error is that of a sum.
func fma64Slow(a, b, c uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE && exp64(c) < 0x7fe {
		p := float64(f64(a) * f64(b))
		exact := inner64(b64(p)) && math.FMA(f64(a), f64(b), -p) == 0
		if p == 0 && (isZero64(a) || isZero64(b)) {
			exact = true
		}
		if exact {
			s := p + f64(c)
			inexact(twoSum(p, f64(c), s), fl)
			return b64(s)
		}
	}
	return fma64Soft(a, b, c, rm, fl)
}

func fma64Soft(a, b, c uint64, rm RM, fl *Flags) uint64 { return double.fma(a, b, c, rm, fl) }

// FMA32 is fmadd.s by way of float64.
//
// The product p of two float32 is exact in float64 (48 bits, exponents within
// ±300). Let z = p+c exactly, s = z rounded to float64 and m any midpoint of
// two neighbouring float32 in their normal range. m has 25 bits, so it is a
// float64, and rounding is monotonic: z < m gives s <= m, z > m gives s >= m.
// Hence unless s is itself a midpoint, s and z lie on the same side of all of
// them and round to the same float32. A midpoint s shows as 1 and 28 zeros
// below the float32's significand, and is left to the slow path.
func FMA32(a, b, c uint32, rm RM, fl *Flags) uint32 {
	if rm == RNE && *fl&NX != 0 {
		s := float64(float64(f32(a))*float64(f32(b))) + float64(f32(c))
		if r := b32(float32(s)); safe32(r) && b64(s)<<35 != 1<<63 {
			return r
		}
	}
	return fma32Slow(a, b, c, rm, fl)
}

func fma32Slow(a, b, c uint32, rm RM, fl *Flags) uint32 {
	if rm == RNE {
		p, z := float64(float64(f32(a))*float64(f32(b))), float64(f32(c))
		s := p + z
		err := twoSum(p, z, s)
		r := float32(s)
		// With no error s is exact, and its own rounding the only one.
		if safe32(b32(r)) && (err == 0 || b64(s)<<35 != 1<<63) {
			if err != 0 || float64(r) != s {
				*fl |= NX
			}
			return b32(r)
		}
	}
	return fma32Soft(a, b, c, rm, fl)
}

func fma32Soft(a, b, c uint32, rm RM, fl *Flags) uint32 {
	return uint32(single.fma(uint64(a), uint64(b), uint64(c), rm, fl))
}

func (f *format) fma(a, b, c uint64, rm RM, fl *Flags) uint64 {
	x, y, z := f.unpack(a), f.unpack(b), f.unpack(c)
	neg := x.neg != y.neg
	infProduct := x.kind == infinite || y.kind == infinite
	zeroProduct := x.kind == zero || y.kind == zero
	switch {
	case infProduct && zeroProduct:
		// Invalid even if c is a quiet NaN (manual, chapter F).
		return f.invalid(fl)
	case x.isNaN() || y.isNaN() || z.isNaN():
		return f.nanOf(fl, x, y, z)
	case infProduct && z.kind == infinite && neg != z.neg:
		return f.invalid(fl)
	case infProduct:
		return f.signed(neg, f.inf())
	case z.kind == infinite:
		return c
	case zeroProduct && z.kind == zero:
		return f.zeroSum(neg, z.neg, rm)
	case zeroProduct:
		return c
	}
	hi, lo, exp := product(x, y)
	if z.kind == zero {
		return f.round(neg, exp, hi|nonzero(lo), rm, fl)
	}
	return f.addWide(wide{hi, lo, exp, neg}, wide{z.sig, 0, z.exp, z.neg}, rm, fl)
}

// wide is a finite number (hi:lo) * 2^(exp-127), the top bit of hi set.
type wide struct {
	hi, lo uint64
	exp    int
	neg    bool
}

// addWide rounds x+y. No more than 106 leading bits of each may be in use: as
// in add, the spare ones below keep the sticky bit harmless.
func (f *format) addWide(x, y wide, rm RM, fl *Flags) uint64 {
	if x.exp < y.exp || x.exp == y.exp && (x.hi < y.hi || x.hi == y.hi && x.lo < y.lo) {
		x, y = y, x // |x| >= |y|
	}
	hi, lo := shiftSticky128(x.hi, x.lo, 1)
	smallHi, smallLo := shiftSticky128(y.hi, y.lo, uint(x.exp-y.exp)+1)
	var carry uint64
	if x.neg == y.neg {
		lo, carry = bits.Add64(lo, smallLo, 0)
		hi, _ = bits.Add64(hi, smallHi, carry)
	} else {
		lo, carry = bits.Sub64(lo, smallLo, 0)
		hi, _ = bits.Sub64(hi, smallHi, carry)
	}
	if hi|lo == 0 {
		return f.zeroSum(x.neg, y.neg, rm)
	}
	hi, lo, up := normalize128(hi, lo)
	return f.round(x.neg, x.exp+1-up, hi|nonzero(lo), rm, fl)
}
