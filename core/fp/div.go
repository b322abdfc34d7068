package fp

import (
	"math"
	"math/bits"
)

// Div64 is fdiv.d. A safe quotient has finite, non-zero operands.
func Div64(a, b uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE && *fl&NX != 0 {
		if r := b64(f64(a) / f64(b)); safe64(r) {
			return r
		}
	}
	return div64Slow(a, b, rm, fl)
}

func div64Slow(a, b uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE {
		// The remainder a - q*b is a float64 if it cannot underflow, so
		// the FMA gives it exactly (Handbook of Floating-Point
		// Arithmetic, 4.7); its size depends on a.
		if q := f64(a) / f64(b); safe64(b64(q)) && inner64(a) {
			inexact(math.FMA(-q, f64(b), f64(a)), fl)
			return b64(q)
		}
	}
	return div64Soft(a, b, rm, fl)
}

func div64Soft(a, b uint64, rm RM, fl *Flags) uint64 { return double.div(a, b, rm, fl) }

// Div32 is fdiv.s.
func Div32(a, b uint32, rm RM, fl *Flags) uint32 {
	if rm == RNE {
		if q := f32(a) / f32(b); safe32(b32(q)) {
			// The float64 product of two float32 is exact.
			if *fl&NX == 0 && float64(q)*float64(f32(b)) != float64(f32(a)) {
				*fl |= NX
			}
			return b32(q)
		}
	}
	return div32Soft(a, b, rm, fl)
}

func div32Soft(a, b uint32, rm RM, fl *Flags) uint32 {
	return uint32(single.div(uint64(a), uint64(b), rm, fl))
}

func (f *format) div(a, b uint64, rm RM, fl *Flags) uint64 {
	x, y := f.unpack(a), f.unpack(b)
	neg := x.neg != y.neg
	switch {
	case x.isNaN() || y.isNaN():
		return f.nanOf(fl, x, y)
	case x.kind == y.kind && x.kind != finite: // 0/0, inf/inf
		return f.invalid(fl)
	case x.kind == infinite:
		return f.signed(neg, f.inf())
	case x.kind == zero || y.kind == infinite:
		return f.signed(neg, 0)
	case y.kind == zero:
		*fl |= DZ
		return f.signed(neg, f.inf())
	}
	// Scale the dividend so that the quotient fills 64 bits exactly.
	exp, hi, lo := x.exp-y.exp, x.sig>>1, x.sig<<63
	if x.sig < y.sig {
		exp, hi, lo = exp-1, x.sig, 0
	}
	quo, rem := bits.Div64(hi, lo, y.sig)
	return f.round(neg, exp, quo|nonzero(rem), rm, fl)
}
