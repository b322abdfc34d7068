package fp

// Sign injection moves bits: it raises nothing and leaves NaNs as they are.

const (
	sign64 = 1 << 63
	sign32 = 1 << 31
)

// SgnJ64 is fsgnj.d: a with b's sign.
func SgnJ64(a, b uint64) uint64 { return a&^sign64 | b&sign64 }

// SgnJN64 is fsgnjn.d: a with the opposite of b's sign.
func SgnJN64(a, b uint64) uint64 { return a&^sign64 | ^b&sign64 }

// SgnJX64 is fsgnjx.d: a, negated if b is negative.
func SgnJX64(a, b uint64) uint64 { return a ^ b&sign64 }

// SgnJ32 is fsgnj.s.
func SgnJ32(a, b uint32) uint32 { return a&^sign32 | b&sign32 }

// SgnJN32 is fsgnjn.s.
func SgnJN32(a, b uint32) uint32 { return a&^sign32 | ^b&sign32 }

// SgnJX32 is fsgnjx.s.
func SgnJX32(a, b uint32) uint32 { return a ^ b&sign32 }

// Neg64 flips the sign: what fmsub, fnmsub and fnmadd do to FMA64's operands.
func Neg64(a uint64) uint64 { return a ^ sign64 }

// Neg32 flips the sign.
func Neg32(a uint32) uint32 { return a ^ sign32 }

// Classes of fclass, one bit each (manual, "Floating-Point Classify").
const (
	ClassNegInf = 1 << iota
	ClassNegNormal
	ClassNegSubnormal
	ClassNegZero
	ClassPosZero
	ClassPosSubnormal
	ClassPosNormal
	ClassPosInf
	ClassSignallingNaN
	ClassQuietNaN
)

// Class64 is fclass.d.
func Class64(a uint64) uint64 { return double.class(a) }

// Class32 is fclass.s.
func Class32(a uint32) uint64 { return single.class(uint64(a)) }

func (f *format) class(v uint64) uint64 {
	n := f.unpack(v)
	negative, positive := uint64(ClassNegNormal), uint64(ClassPosNormal)
	switch {
	case n.kind == signalling:
		return ClassSignallingNaN
	case n.kind == quiet:
		return ClassQuietNaN
	case n.kind == infinite:
		negative, positive = ClassNegInf, ClassPosInf
	case n.kind == zero:
		negative, positive = ClassNegZero, ClassPosZero
	case n.exp < f.emin():
		negative, positive = ClassNegSubnormal, ClassPosSubnormal
	}
	if n.neg {
		return negative
	}
	return positive
}
