package fp

// Eq64 is feq.d, a quiet comparison: only a signalling NaN is invalid.
func Eq64(a, b uint64, fl *Flags) bool {
	if isNaN64(a) || isNaN64(b) {
		double.quietNaN(a, b, fl)
		return false
	}
	return f64(a) == f64(b)
}

// Lt64 is flt.d, a signalling comparison: any NaN is invalid.
func Lt64(a, b uint64, fl *Flags) bool {
	if isNaN64(a) || isNaN64(b) {
		*fl |= NV
		return false
	}
	return f64(a) < f64(b)
}

// Le64 is fle.d, signalling as Lt64 is.
func Le64(a, b uint64, fl *Flags) bool {
	if isNaN64(a) || isNaN64(b) {
		*fl |= NV
		return false
	}
	return f64(a) <= f64(b)
}

// Min64 is fmin.d: IEEE 754-2019 minimumNumber with -0 below +0.
func Min64(a, b uint64, fl *Flags) uint64 {
	switch {
	case isNaN64(a) || isNaN64(b):
		return double.number(a, b, fl)
	case f64(a) < f64(b):
		return a
	case f64(b) < f64(a):
		return b
	}
	return a | b // equal, so they differ at most in the sign of a zero
}

// Max64 is fmax.d: IEEE 754-2019 maximumNumber with +0 above -0.
func Max64(a, b uint64, fl *Flags) uint64 {
	switch {
	case isNaN64(a) || isNaN64(b):
		return double.number(a, b, fl)
	case f64(a) > f64(b):
		return a
	case f64(b) > f64(a):
		return b
	}
	return a & b
}

// Eq32 is feq.s.
func Eq32(a, b uint32, fl *Flags) bool {
	if isNaN32(a) || isNaN32(b) {
		single.quietNaN(uint64(a), uint64(b), fl)
		return false
	}
	return f32(a) == f32(b)
}

// Lt32 is flt.s.
func Lt32(a, b uint32, fl *Flags) bool {
	if isNaN32(a) || isNaN32(b) {
		*fl |= NV
		return false
	}
	return f32(a) < f32(b)
}

// Le32 is fle.s.
func Le32(a, b uint32, fl *Flags) bool {
	if isNaN32(a) || isNaN32(b) {
		*fl |= NV
		return false
	}
	return f32(a) <= f32(b)
}

// Min32 is fmin.s.
func Min32(a, b uint32, fl *Flags) uint32 {
	switch {
	case isNaN32(a) || isNaN32(b):
		return uint32(single.number(uint64(a), uint64(b), fl))
	case f32(a) < f32(b):
		return a
	case f32(b) < f32(a):
		return b
	}
	return a | b
}

// Max32 is fmax.s.
func Max32(a, b uint32, fl *Flags) uint32 {
	switch {
	case isNaN32(a) || isNaN32(b):
		return uint32(single.number(uint64(a), uint64(b), fl))
	case f32(a) > f32(b):
		return a
	case f32(b) > f32(a):
		return b
	}
	return a & b
}

// quietNaN raises NV if a or b is a signalling NaN.
func (f *format) quietNaN(a, b uint64, fl *Flags) {
	f.nanOf(fl, f.unpack(a), f.unpack(b))
}

// number is the minimum or maximum of a pair with a NaN: the operand that is a
// number if there is one. A signalling NaN is invalid even so.
func (f *format) number(a, b uint64, fl *Flags) uint64 {
	x, y := f.unpack(a), f.unpack(b)
	nan := f.nanOf(fl, x, y)
	switch {
	case !x.isNaN():
		return a
	case !y.isNaN():
		return b
	}
	return nan
}
