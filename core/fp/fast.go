package fp

import "math"

func f64(v uint64) float64 { return math.Float64frombits(v) }
func f32(v uint32) float32 { return math.Float32frombits(v) }
func b64(x float64) uint64 { return math.Float64bits(x) }
func b32(x float32) uint32 { return math.Float32bits(x) }

// The infinities, the first patterns past the finite numbers of their sign.
const (
	inf64 = 0x7ff << 52
	inf32 = 0xff << 23
)

// exp64 is the biased exponent.
func exp64(v uint64) uint64 { return v >> 52 & 0x7ff }

// safe64 says that a host result proves NX to be its only possible exception:
// finite, so no overflow, division by zero or NaN; and at least 2^(emin+1).
// One binade above the smallest normal because a result delivered as 2^emin
// may have been tiny before the subnormal rounding carried it there.
func safe64(r uint64) bool { return r>>52&0x7ff-2 < 0x7fd }

func safe32(r uint32) bool { return r>>23&0xff-2 < 0xfd }

// inner64 bounds a magnitude to where no error term of a product, quotient or
// square root of this size can underflow (they are no smaller than its 2^-106,
// and the smallest subnormal is 2^-1074), and no step of twoSum can overflow.
func inner64(v uint64) bool { return v>>52&0x7ff-110 < 0x7fe-110 }

func isNaN64(v uint64) bool { return v<<1 > inf64<<1 }
func isNaN32(v uint32) bool { return v<<1 > inf32<<1 }

// isZero64 is true of both zeros.
func isZero64(v uint64) bool { return v<<1 == 0 }

// twoSum is the rounding error of s = x+y, exactly: zero if and only if the
// sum was exact (Knuth's TwoSum; Handbook of Floating-Point Arithmetic, 4.3.2).
// Additions do not underflow; the caller keeps them from overflowing.
func twoSum(x, y, s float64) float64 {
	yy := s - x
	return (x - (s - yy)) + (y - yy)
}

// inexact raises NX if the rounding error of a host operation is not zero.
func inexact(err float64, fl *Flags) {
	if err != 0 {
		*fl |= NX
	}
}
