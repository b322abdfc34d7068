package fp

import "math/bits"

// Conversions from integer. Those that are always exact take neither a mode
// nor flags. None can overflow, underflow or be invalid.

// I32ToF64 is fcvt.d.w.
func I32ToF64(v int32) uint64 { return b64(float64(v)) }

// U32ToF64 is fcvt.d.wu.
func U32ToF64(v uint32) uint64 { return b64(float64(v)) }

// I64ToF64 is fcvt.d.l.
func I64ToF64(v int64, rm RM, fl *Flags) uint64 {
	if v == int64(int32(v)) || rm == RNE && *fl&NX != 0 {
		return b64(float64(v))
	}
	return i64ToF64Soft(v, rm, fl)
}

// U64ToF64 is fcvt.d.lu.
func U64ToF64(v uint64, rm RM, fl *Flags) uint64 {
	if v == uint64(uint32(v)) || rm == RNE && *fl&NX != 0 && int64(v) >= 0 {
		return b64(float64(int64(v)))
	}
	return u64ToF64Soft(v, rm, fl)
}

// I32ToF32 is fcvt.s.w.
func I32ToF32(v int32, rm RM, fl *Flags) uint32 {
	return I64ToF32(int64(v), rm, fl)
}

// U32ToF32 is fcvt.s.wu.
func U32ToF32(v uint32, rm RM, fl *Flags) uint32 {
	return I64ToF32(int64(v), rm, fl)
}

// I64ToF32 is fcvt.s.l.
func I64ToF32(v int64, rm RM, fl *Flags) uint32 {
	if v == int64(int16(v)) || rm == RNE && *fl&NX != 0 {
		return b32(float32(v))
	}
	return i64ToF32Soft(v, rm, fl)
}

// U64ToF32 is fcvt.s.lu.
func U64ToF32(v uint64, rm RM, fl *Flags) uint32 {
	if int64(v) >= 0 {
		return I64ToF32(int64(v), rm, fl)
	}
	return u64ToF32Soft(v, rm, fl)
}

func i64ToF64Soft(v int64, rm RM, fl *Flags) uint64 {
	return double.fromInt(v < 0, magnitude(v), rm, fl)
}

func u64ToF64Soft(v uint64, rm RM, fl *Flags) uint64 {
	return double.fromInt(false, v, rm, fl)
}

func i64ToF32Soft(v int64, rm RM, fl *Flags) uint32 {
	return uint32(single.fromInt(v < 0, magnitude(v), rm, fl))
}

func u64ToF32Soft(v uint64, rm RM, fl *Flags) uint32 {
	return uint32(single.fromInt(false, v, rm, fl))
}

// magnitude is |v|, 2^63 for the least int64.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func (f *format) fromInt(neg bool, v uint64, rm RM, fl *Flags) uint64 {
	if v == 0 {
		return 0
	}
	up := bits.LeadingZeros64(v)
	return f.round(neg, 63-up, v<<up, rm, fl)
}
