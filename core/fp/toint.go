package fp

import "math"

// Conversions to integer. A result out of range, an infinity or a NaN gives
// the nearest limit (a NaN the upper one) and NV alone (manual, "Domains of
// float-to-integer conversions"). U32 results are not sign-extended here.
//
// C's casts truncate, so RTZ is the mode to be quick in.

// truncate is an operand's integer part if the mode truncates and the operand
// is below limit in magnitude; 2^62 keeps to what the host's conversion
// defines. It raises NX.
func truncate(x float64, rm RM, limit float64, fl *Flags) (int64, bool) {
	if rm != RTZ || !(math.Abs(x) < limit) {
		return 0, false
	}
	i := int64(x)
	if float64(i) != x {
		*fl |= NX
	}
	return i, true
}

const (
	limit31 = 1 << 31
	limit32 = 1 << 32
	limit62 = 1 << 62
)

// F64ToI32 is fcvt.w.d.
func F64ToI32(a uint64, rm RM, fl *Flags) int32 {
	if i, ok := truncate(f64(a), rm, limit31, fl); ok {
		return int32(i)
	}
	return f64ToI32Soft(a, rm, fl)
}

// F64ToU32 is fcvt.wu.d. Numbers that truncate to -0 are in range.
func F64ToU32(a uint64, rm RM, fl *Flags) uint32 {
	if f64(a) > -1 {
		if i, ok := truncate(f64(a), rm, limit32, fl); ok {
			return uint32(i)
		}
	}
	return f64ToU32Soft(a, rm, fl)
}

// F64ToI64 is fcvt.l.d.
func F64ToI64(a uint64, rm RM, fl *Flags) int64 {
	if i, ok := truncate(f64(a), rm, limit62, fl); ok {
		return i
	}
	return f64ToI64Soft(a, rm, fl)
}

// F64ToU64 is fcvt.lu.d.
func F64ToU64(a uint64, rm RM, fl *Flags) uint64 {
	if f64(a) > -1 {
		if i, ok := truncate(f64(a), rm, limit62, fl); ok {
			return uint64(i)
		}
	}
	return f64ToU64Soft(a, rm, fl)
}

// F32ToI32 is fcvt.w.s. The float32 conversions truncate as float64.
func F32ToI32(a uint32, rm RM, fl *Flags) int32 {
	if i, ok := truncate(float64(f32(a)), rm, limit31, fl); ok {
		return int32(i)
	}
	return f32ToI32Soft(a, rm, fl)
}

// F32ToU32 is fcvt.wu.s.
func F32ToU32(a uint32, rm RM, fl *Flags) uint32 {
	if f32(a) > -1 {
		if i, ok := truncate(float64(f32(a)), rm, limit32, fl); ok {
			return uint32(i)
		}
	}
	return f32ToU32Soft(a, rm, fl)
}

// F32ToI64 is fcvt.l.s.
func F32ToI64(a uint32, rm RM, fl *Flags) int64 {
	if i, ok := truncate(float64(f32(a)), rm, limit62, fl); ok {
		return i
	}
	return f32ToI64Soft(a, rm, fl)
}

// F32ToU64 is fcvt.lu.s.
func F32ToU64(a uint32, rm RM, fl *Flags) uint64 {
	if f32(a) > -1 {
		if i, ok := truncate(float64(f32(a)), rm, limit62, fl); ok {
			return uint64(i)
		}
	}
	return f32ToU64Soft(a, rm, fl)
}

func f64ToI32Soft(a uint64, rm RM, fl *Flags) int32 {
	return int32(double.toInt(a, math.MaxInt32, 1<<31, rm, fl))
}

func f64ToU32Soft(a uint64, rm RM, fl *Flags) uint32 {
	return uint32(double.toInt(a, math.MaxUint32, 0, rm, fl))
}

func f64ToI64Soft(a uint64, rm RM, fl *Flags) int64 {
	return int64(double.toInt(a, math.MaxInt64, 1<<63, rm, fl))
}

func f64ToU64Soft(a uint64, rm RM, fl *Flags) uint64 {
	return double.toInt(a, math.MaxUint64, 0, rm, fl)
}

func f32ToI32Soft(a uint32, rm RM, fl *Flags) int32 {
	return int32(single.toInt(uint64(a), math.MaxInt32, 1<<31, rm, fl))
}

func f32ToU32Soft(a uint32, rm RM, fl *Flags) uint32 {
	return uint32(single.toInt(uint64(a), math.MaxUint32, 0, rm, fl))
}

func f32ToI64Soft(a uint32, rm RM, fl *Flags) int64 {
	return int64(single.toInt(uint64(a), math.MaxInt64, 1<<63, rm, fl))
}

func f32ToU64Soft(a uint32, rm RM, fl *Flags) uint64 {
	return single.toInt(uint64(a), math.MaxUint64, 0, rm, fl)
}

// toInt rounds to an integer, in two's complement, that is at most above and
// at least -below.
func (f *format) toInt(a, above, below uint64, rm RM, fl *Flags) uint64 {
	n := f.unpack(a)
	limit := above
	if n.neg {
		limit = below
	}
	var magnitude, rest uint64 // rest is the fraction in 2^-64
	switch {
	case n.isNaN():
		*fl |= NV
		return above
	case n.kind == zero:
		return 0
	case n.kind == infinite || n.exp > 63:
		*fl |= NV
		return withSign(n.neg, limit)
	case n.exp < 0:
		rest = shiftSticky(n.sig, uint(-1-n.exp))
	default:
		magnitude, rest = n.sig>>(63-n.exp), n.sig<<(n.exp+1)
	}
	magnitude += roundUp(n.neg, magnitude, rest, rm)
	if magnitude > limit {
		*fl |= NV
		return withSign(n.neg, limit)
	}
	*fl |= NX * Flags(nonzero(rest))
	return withSign(n.neg, magnitude)
}

// withSign is a magnitude in two's complement.
func withSign(neg bool, magnitude uint64) uint64 {
	if neg {
		return -magnitude
	}
	return magnitude
}
