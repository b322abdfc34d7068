package fp

import (
	"math"
	"math/bits"
)

// Sqrt64 is fsqrt.d. The root of a positive finite number is never near the
// limits of its format, so the host's is always safe.
func Sqrt64(a uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE && *fl&NX != 0 && a-1 < inf64-1 {
		return b64(math.Sqrt(f64(a)))
	}
	return sqrt64Slow(a, rm, fl)
}

func sqrt64Slow(a uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE && inner64(a) && a>>63 == 0 {
		// The remainder a - r*r is a float64 if it cannot underflow.
		r := math.Sqrt(f64(a))
		inexact(math.FMA(-r, r, f64(a)), fl)
		return b64(r)
	}
	return sqrt64Soft(a, rm, fl)
}

func sqrt64Soft(a uint64, rm RM, fl *Flags) uint64 { return double.sqrt(a, rm, fl) }

// Sqrt32 is fsqrt.s. The host may compute it as a float64 root rounded again:
// that is innocuous since 53 >= 2*24+2 (Figueroa, 1995).
func Sqrt32(a uint32, rm RM, fl *Flags) uint32 {
	if rm == RNE && a-1 < inf32-1 {
		r := float32(math.Sqrt(float64(f32(a))))
		if *fl&NX == 0 && float64(r)*float64(r) != float64(f32(a)) {
			*fl |= NX
		}
		return b32(r)
	}
	return sqrt32Soft(a, rm, fl)
}

func sqrt32Soft(a uint32, rm RM, fl *Flags) uint32 {
	return uint32(single.sqrt(uint64(a), rm, fl))
}

func (f *format) sqrt(a uint64, rm RM, fl *Flags) uint64 {
	x := f.unpack(a)
	switch {
	case x.isNaN():
		return f.nanOf(fl, x)
	case x.kind == zero: // the root of -0 is -0
		return a
	case x.neg:
		return f.invalid(fl)
	case x.kind == infinite:
		return a
	}
	// With an even exponent sig*2^63 has the 64-bit root we want; an odd one
	// gives a factor of two to the significand.
	hi, lo := x.sig>>1, x.sig<<63
	if x.exp&1 != 0 {
		hi, lo = x.sig, 0
	}
	root, exact := sqrt128(hi, lo)
	if !exact {
		root |= 1
	}
	return f.round(false, x.exp>>1, root, rm, fl)
}

// sqrt128 is the root, rounded down, of a pair of at least 2^126. Newton's
// iteration from above ends at the floor; the host's root is only its start,
// off by less than 2^12 (one part in 2^52).
func sqrt128(hi, lo uint64) (root uint64, exact bool) {
	root = math.MaxUint64
	if guess := math.Sqrt(float64(hi)) * (1 << 32); guess < 1<<64-1<<13 {
		root = uint64(guess) + 1<<12
	}
	// root is at least the true root, so hi <= root; they are equal only if
	// both are all ones, and then root is the answer.
	for hi < root {
		quo, _ := bits.Div64(hi, lo, root)
		if quo >= root {
			break
		}
		root = quo + (root-quo)/2
	}
	sqHi, sqLo := bits.Mul64(root, root)
	return root, sqHi == hi && sqLo == lo
}
