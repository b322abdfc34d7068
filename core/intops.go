package core

import (
	"math"
	"math/bits"

	"mcsim/core/isa"
)

// rareInt is the integer operations that the run loop leaves out, because they
// need a call.
func rareInt(op isa.Op, a, b uint64) uint64 {
	switch op {
	case isa.OpMULH:
		return mulh(a, b)
	case isa.OpMULHSU:
		return mulhsu(a, b)
	case isa.OpCPOP:
		return uint64(bits.OnesCount64(a))
	case isa.OpCPOPW:
		return uint64(bits.OnesCount32(uint32(a)))
	}
	return divide(op, a, b)
}

// mulh is the upper half of the signed product.
func mulh(a, b uint64) uint64 {
	hi, _ := bits.Mul64(a, b)
	if int64(a) < 0 {
		hi -= b
	}
	if int64(b) < 0 {
		hi -= a
	}
	return hi
}

// mulhsu is the upper half of signed a times unsigned b.
func mulhsu(a, b uint64) uint64 {
	hi, _ := bits.Mul64(a, b)
	if int64(a) < 0 {
		hi -= b
	}
	return hi
}

// divide is the division group of M, as far as the run loop leaves it out.
func divide(op isa.Op, a, b uint64) uint64 {
	if op == isa.OpDIVW {
		return uint64(int64(int32(sdiv(int64(int32(a)), int64(int32(b))))))
	}
	return uint64(int64(int32(srem(int64(int32(a)), int64(int32(b)))))) // OpREMW
}

// Division by zero and overflow have results, not traps (unprivileged manual, M
// extension, division operations).

func udiv(a, b uint64) uint64 {
	if b == 0 {
		return math.MaxUint64
	}
	return a / b
}

func urem(a, b uint64) uint64 {
	if b == 0 {
		return a
	}
	return a % b
}

func divuw(a, b uint64) uint64 {
	if uint32(b) == 0 {
		return math.MaxUint64
	}
	return uint64(int64(int32(uint32(a) / uint32(b))))
}

func remuw(a, b uint64) uint64 {
	if uint32(b) == 0 {
		return uint64(int64(int32(a)))
	}
	return uint64(int64(int32(uint32(a) % uint32(b))))
}

// sdiv and srem have no case for the lowest dividend and -1: Go's quotient is the
// dividend then, and its remainder 0, as RISC-V's.
func sdiv(a, b int64) int64 {
	if b == 0 {
		return -1
	}
	return a / b
}

func srem(a, b int64) int64 {
	if b == 0 {
		return a
	}
	return a % b
}
