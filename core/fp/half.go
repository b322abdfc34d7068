package fp

// Zfhmin stores halves and computes in the wider formats, so conversions are
// all there is.

// F16ToF32 is fcvt.s.h.
func F16ToF32(a uint16, fl *Flags) uint32 {
	if normal16(a) {
		return uint32(a)>>15<<31 | (uint32(a)&0x7fff<<13 + (127-15)<<23)
	}
	return f16ToF32Soft(a, fl)
}

// F16ToF64 is fcvt.d.h.
func F16ToF64(a uint16, fl *Flags) uint64 {
	if normal16(a) {
		return uint64(a)>>15<<63 | (uint64(a)&0x7fff<<42 + (1023-15)<<52)
	}
	return f16ToF64Soft(a, fl)
}

// F32ToF16 is fcvt.h.s. To nearest and among the halves' normals the 13 bits
// to lose are rounded in the word itself: just under half a unit, and one more
// where the last kept bit is odd, carry into it exactly when they must.
func F32ToF16(a uint32, rm RM, fl *Flags) uint16 {
	magnitude := a &^ sign32
	if rm == RNE && magnitude-min16in32 < top16in32-min16in32 {
		if a&0x1fff != 0 {
			*fl |= NX
		}
		r := (magnitude + 0xfff + magnitude>>13&1 - (127-15)<<23) >> 13
		return uint16(a>>31<<15 | r)
	}
	return f32ToF16Soft(a, rm, fl)
}

// F64ToF16 is fcvt.h.d. It rounds once: by way of F32ToF16 it would be twice.
func F64ToF16(a uint64, rm RM, fl *Flags) uint16 {
	return uint16(convert(half, double, a, rm, fl))
}

const (
	min16in32 = (127 - 14) << 23 // 2^-14, the smallest normal half
	top16in32 = (127 + 15) << 23 // 2^15; from 65520 on the next binade overflows
)

// normal16 excludes zeros, subnormals, infinities and NaNs.
func normal16(a uint16) bool { return a>>10&0x1f-1 < 0x1e }

func f16ToF32Soft(a uint16, fl *Flags) uint32 {
	return uint32(convert(single, half, uint64(a), RNE, fl))
}

func f16ToF64Soft(a uint16, fl *Flags) uint64 {
	return convert(double, half, uint64(a), RNE, fl)
}

func f32ToF16Soft(a uint32, rm RM, fl *Flags) uint16 {
	return uint16(convert(half, single, uint64(a), rm, fl))
}
