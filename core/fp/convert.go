package fp

// Conversions between the formats. Widening is exact, so it takes no rounding
// mode; a NaN becomes canonical, and a signalling one is invalid.

// F64ToF32 is fcvt.s.d.
func F64ToF32(a uint64, rm RM, fl *Flags) uint32 {
	if rm == RNE {
		if r := float32(f64(a)); safe32(b32(r)) {
			if float64(r) != f64(a) {
				*fl |= NX
			}
			return b32(r)
		}
	}
	return f64ToF32Soft(a, rm, fl)
}

func f64ToF32Soft(a uint64, rm RM, fl *Flags) uint32 {
	return uint32(convert(single, double, a, rm, fl))
}

// F32ToF64 is fcvt.d.s.
func F32ToF64(a uint32, fl *Flags) uint64 {
	if !isNaN32(a) {
		return b64(float64(f32(a)))
	}
	return f32ToF64Soft(a, fl)
}

func f32ToF64Soft(a uint32, fl *Flags) uint64 {
	return convert(double, single, uint64(a), RNE, fl)
}

// convert is a value of one format in another.
func convert(to, from *format, v uint64, rm RM, fl *Flags) uint64 {
	n := from.unpack(v)
	switch {
	case n.isNaN():
		return to.nanOf(fl, n)
	case n.kind == infinite:
		return to.signed(n.neg, to.inf())
	case n.kind == zero:
		return to.signed(n.neg, 0)
	}
	return to.round(n.neg, n.exp, n.sig, rm, fl)
}
