package fp

import "testing"

// TestRules states rules of the manual and of IEEE 754 in literal patterns,
// one row each. On every row the fast and the soft path were tested against
// the oracle elsewhere; this is what keeps the oracle honest.
func TestRules(t *testing.T) {
	const (
		one, two, inf, ninf = 0x3ff0000000000000, 0x4000000000000000, 0x7ff0000000000000, 0xfff0000000000000
		nzero, largest      = 1 << 63, 0x7fefffffffffffff
		normal              = 0x0010000000000000 // 2^-1022
		below1              = 0x3fefffffffffffff // 1 - 2^-53
		snan, qnan          = 0x7ff0000000000001, 0xfff8000000000123
	)
	type row struct {
		rule   string
		do     func(fl *Flags) uint64
		want   uint64
		raises Flags
	}
	for _, c := range []row{
		{"F, NaN Generation: the result is canonical, a payload is not propagated",
			func(fl *Flags) uint64 { return Add64(qnan, one, RNE, fl) }, NaN64, 0},
		{"IEEE 7.2: an operation on a signalling NaN is invalid",
			func(fl *Flags) uint64 { return Mul64(one, snan, RNE, fl) }, NaN64, NV},
		{"IEEE 7.2: inf - inf is invalid",
			func(fl *Flags) uint64 { return Sub64(inf, inf, RNE, fl) }, NaN64, NV},
		{"IEEE 7.2: 0 * inf is invalid",
			func(fl *Flags) uint64 { return Mul64(nzero, inf, RNE, fl) }, NaN64, NV},
		{"IEEE 7.2: 0/0 is invalid, and no division by zero",
			func(fl *Flags) uint64 { return Div64(0, nzero, RNE, fl) }, NaN64, NV},
		{"IEEE 7.3: x/0 is infinity and DZ",
			func(fl *Flags) uint64 { return Div64(one, nzero, RNE, fl) }, ninf, DZ},
		{"IEEE 7.3: inf/0 is exact",
			func(fl *Flags) uint64 { return Div64(inf, nzero, RNE, fl) }, ninf, 0},
		{"IEEE 7.2: the root of a negative number is invalid",
			func(fl *Flags) uint64 { return Sqrt64(one|nzero, RNE, fl) }, NaN64, NV},
		{"IEEE 6.3: the root of -0 is -0",
			func(fl *Flags) uint64 { return Sqrt64(nzero, RNE, fl) }, nzero, 0},
		{"IEEE 6.3: x - x is +0",
			func(fl *Flags) uint64 { return Sub64(one, one, RNE, fl) }, 0, 0},
		{"IEEE 6.3: but -0 in RDN",
			func(fl *Flags) uint64 { return Sub64(one, one, RDN, fl) }, nzero, 0},
		{"IEEE 6.3: an underflowing FMA keeps the sign of the exact result",
			func(fl *Flags) uint64 { return FMA64(normal, normal|nzero, 0, RNE, fl) }, nzero, UF | NX},
		{"F, fused multiply-add: inf * 0 + qNaN is invalid",
			func(fl *Flags) uint64 { return FMA64(inf, 0, qnan, RNE, fl) }, NaN64, NV},
		{"F, fused multiply-add: one rounding keeps the 2^-104 of (1+2^-52)^2 - (1+2^-51)",
			func(fl *Flags) uint64 { return FMA64(one+1, one+1, nzero|(one+2), RNE, fl) }, 0x3970000000000000, 0},
		{"IEEE 7.4: overflow to nearest gives infinity",
			func(fl *Flags) uint64 { return Mul64(largest, two, RNE, fl) }, inf, OF | NX},
		{"IEEE 7.4: towards zero the largest number",
			func(fl *Flags) uint64 { return Mul64(largest, two, RTZ, fl) }, largest, OF | NX},
		{"IEEE 7.4: RUP does so on the negative side",
			func(fl *Flags) uint64 { return Mul64(largest|nzero, two, RUP, fl) }, largest | nzero, OF | NX},
		// (1-2^-53) * 2^-1022 is delivered as 2^-1022. With unbounded
		// exponent it is exact and below 2^-1022: tiny.
		{"F, Subnormal Arithmetic: tininess after rounding, tiny",
			func(fl *Flags) uint64 { return Mul64(normal, below1, RNE, fl) }, normal, UF | NX},
		// (1-2^-52)(1+2^-52) = 1-2^-104 rounds to 1 whatever the exponent:
		// not tiny, though the exact product is below 2^-1022.
		{"F, Subnormal Arithmetic: tininess after rounding, not tiny",
			func(fl *Flags) uint64 { return Mul64(normal+1, below1-1, RNE, fl) }, normal, NX},
		{"IEEE 7.5: an exact subnormal does not underflow",
			func(fl *Flags) uint64 { return Div64(normal, two, RNE, fl) }, normal / 2, 0},
		{"F, FMIN: a number beats a quiet NaN",
			func(fl *Flags) uint64 { return Min64(qnan, one, fl) }, one, 0},
		{"F, FMAX: a number beats a signalling NaN too, but that is invalid",
			func(fl *Flags) uint64 { return Max64(one, snan, fl) }, one, NV},
		{"F, FMIN: of two NaNs the result is canonical",
			func(fl *Flags) uint64 { return Min64(qnan, qnan, fl) }, NaN64, 0},
		{"F, FMIN: -0 is below +0",
			func(fl *Flags) uint64 { return Min64(0, nzero, fl) }, nzero, 0},
		{"F, FMAX: +0 is above -0",
			func(fl *Flags) uint64 { return Max64(nzero, 0, fl) }, 0, 0},
		{"RMM: ties go away from zero",
			func(fl *Flags) uint64 { return uint64(F64ToI64(0x3fe0000000000000, RMM, fl)) }, 1, NX},
		{"RNE: ties go to even",
			func(fl *Flags) uint64 { return uint64(F64ToI64(0x3fe0000000000000, RNE, fl)) }, 0, NX},
		{"D, FCVT.S.D: a NaN loses its sign and payload",
			func(fl *Flags) uint64 { return uint64(F64ToF32(qnan, RNE, fl)) }, uint64(NaN32), 0},
		{"Zfhmin, FCVT.H.D: 65520 is halfway to 2^16 and overflows",
			func(fl *Flags) uint64 { return uint64(F64ToF16(b64(65520), RNE, fl)) }, 0x7c00, OF | NX},
		{"Zfhmin, FCVT.H.D: rounded once; by way of a float32 it would be 0x3c00",
			func(fl *Flags) uint64 { return uint64(F64ToF16(b64(1+0x1p-11+0x1p-40), RNE, fl)) }, 0x3c01, NX},
		{"Zfhmin, FCVT.H.S: a signalling NaN is invalid",
			func(fl *Flags) uint64 { return uint64(F32ToF16(0x7f800001, RNE, fl)) }, uint64(NaN16), NV},
	} {
		var fl Flags
		if got := c.do(&fl); got != c.want || fl != c.raises {
			t.Errorf("%s: got %#x %v, want %#x %v", c.rule, got, fl, c.want, c.raises)
		}
	}
}
