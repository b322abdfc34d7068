package fp

import "math/bits"

// Add64 is fadd.d. A finite host sum needs no further test: a sum too small to
// be normal is exact, so addition never underflows, and the host's sign of a
// zero is RNE's.
func Add64(a, b uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE && *fl&NX != 0 {
		if r := b64(f64(a) + f64(b)); exp64(r) != 0x7ff {
			return r
		}
	}
	return add64Slow(a, b, rm, fl)
}

// Sub64 is fsub.d.
func Sub64(a, b uint64, rm RM, fl *Flags) uint64 {
	return Add64(a, b^1<<63, rm, fl)
}

func add64Slow(a, b uint64, rm RM, fl *Flags) uint64 {
	if rm == RNE && exp64(a) < 0x7fe && exp64(b) < 0x7fe {
		s := f64(a) + f64(b)
		inexact(twoSum(f64(a), f64(b), s), fl)
		return b64(s)
	}
	return add64Soft(a, b, rm, fl)
}

func add64Soft(a, b uint64, rm RM, fl *Flags) uint64 { return double.add(a, b, rm, fl) }

// Add32 is fadd.s.
func Add32(a, b uint32, rm RM, fl *Flags) uint32 {
	if rm == RNE && *fl&NX != 0 {
		if r := b32(f32(a) + f32(b)); r>>23&0xff != 0xff {
			return r
		}
	}
	return add32Slow(a, b, rm, fl)
}

// Sub32 is fsub.s.
func Sub32(a, b uint32, rm RM, fl *Flags) uint32 {
	return Add32(a, b^1<<31, rm, fl)
}

func add32Slow(a, b uint32, rm RM, fl *Flags) uint32 {
	if r := b32(f32(a) + f32(b)); rm == RNE && r>>23&0xff != 0xff {
		// The sum is a float32 exactly if it is a float64 exactly (no error
		// term) and that float64 is the result.
		x, y := float64(f32(a)), float64(f32(b))
		s := x + y
		if s != float64(f32(r)) || twoSum(x, y, s) != 0 {
			*fl |= NX
		}
		return r
	}
	return add32Soft(a, b, rm, fl)
}

func add32Soft(a, b uint32, rm RM, fl *Flags) uint32 {
	return uint32(single.add(uint64(a), uint64(b), rm, fl))
}

func (f *format) add(a, b uint64, rm RM, fl *Flags) uint64 {
	x, y := f.unpack(a), f.unpack(b)
	switch {
	case x.isNaN() || y.isNaN():
		return f.nanOf(fl, x, y)
	case x.kind == infinite && y.kind == infinite && x.neg != y.neg:
		return f.invalid(fl)
	case x.kind == infinite || y.kind == zero && x.kind != zero:
		return a
	case y.kind == infinite || x.kind == zero && y.kind != zero:
		return b
	case x.kind == zero:
		return f.zeroSum(x.neg, y.neg, rm)
	}
	if x.exp < y.exp || x.exp == y.exp && x.sig < y.sig {
		x, y = y, x // |x| >= |y|
	}
	// One bit of headroom for the carry. The sticky bit is lost below at
	// least 10 spare ones, and only when the exponents differ by more than
	// that; then a difference cancels no more than one leading bit.
	sig, small := x.sig>>1, shiftSticky(y.sig>>1, uint(x.exp-y.exp))
	if x.neg == y.neg {
		sig += small
	} else {
		sig -= small
	}
	if sig == 0 {
		return f.zeroSum(x.neg, y.neg, rm)
	}
	up := bits.LeadingZeros64(sig)
	return f.round(x.neg, x.exp+1-up, sig<<up, rm, fl)
}

// zeroSum is the zero an exact sum of zero has: the common sign of its terms,
// else + but in RDN (IEEE 754-2008, 6.3).
func (f *format) zeroSum(xneg, yneg bool, rm RM) uint64 {
	if xneg != yneg {
		return f.signed(rm == RDN, 0)
	}
	return f.signed(xneg, 0)
}
