package fp

import "math/bits"

// format describes an IEEE 754 interchange format.
type format struct {
	frac uint // bits of the fraction field; the precision is one more
	bias int  // also the largest exponent; the smallest is 1-bias
	sign uint // position of the sign bit
}

var (
	half   = &format{frac: 10, bias: 15, sign: 15}
	single = &format{frac: 23, bias: 127, sign: 31}
	double = &format{frac: 52, bias: 1023, sign: 63}
)

// emin is the exponent of the smallest normal number.
func (f *format) emin() int { return 1 - f.bias }

// inf is +infinity; as a mask it selects the exponent field.
func (f *format) inf() uint64 { return 1<<f.sign - 1<<f.frac }

// nan is the canonical NaN.
func (f *format) nan() uint64 { return f.inf() | 1<<(f.frac-1) }

// signed gives a magnitude its sign.
func (f *format) signed(neg bool, magnitude uint64) uint64 {
	if neg {
		return magnitude | 1<<f.sign
	}
	return magnitude
}

type kind uint8

const (
	zero kind = iota
	finite
	infinite
	quiet
	signalling
)

// number is an unpacked value. A finite one is sig * 2^(exp-63) with the top
// bit of sig set, so subnormals need no further care: every format's
// significand, 53 bits at most, leaves at least 11 low bits for rounding.
type number struct {
	sig  uint64
	exp  int
	kind kind
	neg  bool
}

func (n number) isNaN() bool { return n.kind >= quiet }

func (f *format) unpack(v uint64) number {
	n := number{neg: v>>f.sign&1 != 0}
	frac := v & (1<<f.frac - 1)
	switch biased := int(v & f.inf() >> f.frac); {
	case biased == 2*f.bias+1 && frac == 0:
		n.kind = infinite
	case biased == 2*f.bias+1 && frac>>(f.frac-1) != 0:
		n.kind = quiet
	case biased == 2*f.bias+1:
		n.kind = signalling
	case biased == 0 && frac == 0:
		n.kind = zero
	case biased == 0: // subnormal: frac * 2^(emin-f.frac)
		up := bits.LeadingZeros64(frac)
		n.kind, n.sig, n.exp = finite, frac<<up, f.emin()-int(f.frac)+63-up
	default:
		n.kind, n.sig, n.exp = finite, 1<<63|frac<<(63-f.frac), biased-f.bias
	}
	return n
}

// nanOf is the result of an operation with a NaN operand: always the canonical
// NaN, and invalid if any operand signals.
func (f *format) nanOf(fl *Flags, operands ...number) uint64 {
	for _, n := range operands {
		if n.kind == signalling {
			*fl |= NV
		}
	}
	return f.nan()
}

// invalid is the result of an operation with no defined value.
func (f *format) invalid(fl *Flags) uint64 {
	*fl |= NV
	return f.nan()
}
