package fp

import (
	"math"
	"math/bits"
)

// Mul64 is fmul.d.
func Mul64(a, b uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE && *fl&NX != 0 {
		if r := b64(f64(a) * f64(b)); safe64(r) {
			return r
		}
	}
	return mul64Slow(a, b, rm, fl)
}

func mul64Slow(a, b uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE {
		p := f64(a) * f64(b)
		if inner64(b64(p)) {
			inexact(math.FMA(f64(a), f64(b), -p), fl)
			return b64(p)
		}
		if p == 0 && (isZero64(a) || isZero64(b)) {
			return b64(p)
		}
	}
	return mul64Soft(a, b, rm, fl)
}

func mul64Soft(a, b uint64, rm RM, fl *Flags) uint64 { return double.mul(a, b, rm, fl) }

// Mul32 is fmul.s.
func Mul32(a, b uint32, rm RM, fl *Flags) uint32 {
	if rm == RNE && *fl&NX != 0 {
		if r := b32(f32(a) * f32(b)); safe32(r) {
			return r
		}
	}
	return mul32Slow(a, b, rm, fl)
}

func mul32Slow(a, b uint32, rm RM, fl *Flags) uint32 {
	if rm == RNE {
		// Exact: 24+24 bits of significand fit in 53, and the exponents
		// in float64's normal range. So p is rounded once.
		p := float64(f32(a)) * float64(f32(b))
		r := float32(p)
		if safe32(b32(r)) {
			inexact(p-float64(r), fl)
			return b32(r)
		}
		if p == 0 { // a float64 product of float32 never underflows
			return b32(r)
		}
	}
	return mul32Soft(a, b, rm, fl)
}

func mul32Soft(a, b uint32, rm RM, fl *Flags) uint32 {
	return uint32(single.mul(uint64(a), uint64(b), rm, fl))
}

func (f *format) mul(a, b uint64, rm RM, fl *Flags) uint64 {
	x, y := f.unpack(a), f.unpack(b)
	neg := x.neg != y.neg
	switch {
	case x.isNaN() || y.isNaN():
		return f.nanOf(fl, x, y)
	case x.kind == infinite && y.kind == zero, x.kind == zero && y.kind == infinite:
		return f.invalid(fl)
	case x.kind == infinite || y.kind == infinite:
		return f.signed(neg, f.inf())
	case x.kind == zero || y.kind == zero:
		return f.signed(neg, 0)
	}
	hi, lo, exp := product(x, y)
	return f.round(neg, exp, hi|nonzero(lo), rm, fl)
}

// product is the exact |x*y| of finite numbers as (hi:lo) * 2^(exp-127), the
// top bit of hi set.
func product(x, y number) (hi, lo uint64, exp int) {
	hi, lo = bits.Mul64(x.sig, y.sig)
	hi, lo, up := normalize128(hi, lo)
	return hi, lo, x.exp + y.exp + 1 - up
}
