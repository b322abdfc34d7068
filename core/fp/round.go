package fp

import "math/bits"

// round packs the number (-1)^neg * sig * 2^(exp-63), the top bit of sig set,
// rounding it and raising NX, UF and OF. The low bit of sig may stand for
// anything non-zero below it ("sticky"); 11 spare bits make that enough.
func (f *format) round(neg bool, exp int, sig uint64, rm RM, fl *Flags) uint64 {
	spare := 63 - f.frac
	tiny := false
	if exp < f.emin() {
		// Tiny after rounding: the number rounded to full precision as if
		// the exponent were unbounded is still below the normals. Only from
		// just below can the rounding carry it up to 2^emin.
		unbounded := sig>>spare + roundUp(neg, sig>>spare, sig<<(64-spare), rm)
		tiny = exp < f.emin()-1 || unbounded>>(f.frac+1) == 0
		sig = shiftSticky(sig, uint(f.emin()-exp))
		exp = f.emin()
	}
	kept, rest := sig>>spare, sig<<(64-spare)
	kept += roundUp(neg, kept, rest, rm)
	if kept>>(f.frac+1) != 0 { // a carry leaves only zeros below
		kept >>= 1
		exp++
	}
	if exp > f.bias {
		return f.overflow(neg, rm, fl)
	}
	if rest != 0 {
		*fl |= NX
		if tiny {
			*fl |= UF
		}
	}
	// The leading bit of a normal kept adds the last one to the exponent
	// field, a subnormal has none: both are right.
	return f.signed(neg, uint64(exp+f.bias-1)<<f.frac+kept)
}

// roundUp says, as 0 or 1, whether the magnitude kept grows by one unit when
// rest, a fraction of that unit in 2^-64, is rounded away.
func roundUp(neg bool, kept, rest uint64, rm RM) uint64 {
	const tie = 1 << 63
	up := false
	switch rm {
	case RNE:
		up = rest > tie || rest == tie && kept&1 != 0
	case RDN:
		up = neg && rest != 0
	case RUP:
		up = !neg && rest != 0
	case RMM:
		up = rest >= tie
	}
	if up {
		return 1
	}
	return 0
}

// overflow gives infinity, or the largest finite number where the mode rounds
// towards zero on this side (IEEE 754-2008, 7.4).
func (f *format) overflow(neg bool, rm RM, fl *Flags) uint64 {
	*fl |= OF | NX
	if rm == RTZ || rm == RDN && !neg || rm == RUP && neg {
		return f.signed(neg, f.inf()-1)
	}
	return f.signed(neg, f.inf())
}

// shiftSticky is v>>n with the lost bits ORed into the lowest one left.
func shiftSticky(v uint64, n uint) uint64 {
	if n >= 64 {
		return nonzero(v)
	}
	return v>>n | nonzero(v<<(64-n))
}

// shiftSticky128 does the same to a pair of words.
func shiftSticky128(hi, lo uint64, n uint) (uint64, uint64) {
	switch {
	case n == 0:
		return hi, lo
	case n < 64:
		return hi >> n, hi<<(64-n) | lo>>n | nonzero(lo<<(64-n))
	default:
		return 0, shiftSticky(hi, n-64) | nonzero(lo)
	}
}

// normalize128 shifts a non-zero pair up to its leading one, and says how far.
func normalize128(hi, lo uint64) (uint64, uint64, int) {
	if hi == 0 {
		up := bits.LeadingZeros64(lo)
		return lo << up, 0, 64 + up
	}
	up := bits.LeadingZeros64(hi)
	return hi<<up | lo>>(64-up), lo << up, up
}

func nonzero(v uint64) uint64 {
	if v != 0 {
		return 1
	}
	return 0
}
