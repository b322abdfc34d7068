package core

import (
	"math/big"
	"strings"
)

// What the unprivileged manual says of each integer instruction, on unbounded
// integers and on strings of bits: slowly, and not as the hart does it. a and b
// are rs1 and rs2 (or the immediate) as unsigned 64-bit integers.

var (
	two64 = new(big.Int).Lsh(big.NewInt(1), 64)
	mask  = func(n uint) *big.Int { return new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), n), big.NewInt(1)) }
)

func unsigned(v uint64) *big.Int { return new(big.Int).SetUint64(v) }

// low is the n low bits of v, read as a two's complement number or not.
func low(v *big.Int, n uint, signed bool) *big.Int {
	r := new(big.Int).And(v, mask(n)) // big.Int's And is of infinite two's complement
	if signed && r.Bit(int(n)-1) == 1 {
		r.Sub(r, new(big.Int).Lsh(big.NewInt(1), n))
	}
	return r
}

func reg(v *big.Int) uint64 { return new(big.Int).Mod(v, two64).Uint64() }

// bitString is the n low bits of v, the lowest first.
func bitString(v uint64, n int) []bool {
	s := make([]bool, n)
	for i := range s {
		s[i] = unsigned(v).Bit(i) == 1
	}
	return s
}

func fromBits(s []bool, signed bool) uint64 {
	r := new(big.Int)
	for i, b := range s {
		if b {
			r.SetBit(r, i, 1)
		}
	}
	return reg(low(r, uint(len(s)), signed))
}

// shift moves a string up by n places (down where n is negative); places that
// nothing moves to become fill.
func shift(s []bool, n int, fill bool) []bool {
	r := make([]bool, len(s))
	for i := range r {
		r[i] = fill
		if j := i - n; j >= 0 && j < len(s) {
			r[i] = s[j]
		}
	}
	return r
}

func rotate(s []bool, n int) []bool {
	r := make([]bool, len(s))
	for i := range s {
		r[(i+n+len(s))%len(s)] = s[i]
	}
	return r
}

// count is how many bits from the given end come before the first that is set.
func count(s []bool, top bool) uint64 {
	for i := range s {
		at := i
		if top {
			at = len(s) - 1 - i
		}
		if s[at] {
			return uint64(i)
		}
	}
	return uint64(len(s))
}

// quotient is division and remainder, M chapter, "Division Operations": rounded
// to zero, -1 and the dividend by zero.
func quotient(a, b *big.Int) (q, r *big.Int) {
	if b.Sign() == 0 {
		return big.NewInt(-1), a
	}
	return new(big.Int).QuoRem(a, b, new(big.Int))
}

// manual is the result of an instruction by its mnemonic; width 32 for those
// with a w, whose results are sign-extended.
func manual(name string, a, b uint64) uint64 {
	word := strings.HasSuffix(name, "w") && !strings.HasSuffix(name, ".uw")
	n := uint(64)
	op := strings.TrimSuffix(name, "i")
	if word {
		n = 32
		op = strings.TrimSuffix(strings.TrimSuffix(name, "w"), "i")
	}
	bit := func(f func(x, y bool) bool) uint64 {
		x, y := bitString(a, 64), bitString(b, 64)
		for i := range x {
			x[i] = f(x[i], y[i])
		}
		return fromBits(x, false)
	}
	ua, ub := unsigned(a), unsigned(b)
	sa, sb := low(ua, n, true), low(ub, n, true)
	na, nb := low(ua, n, false), low(ub, n, false)
	at := int(new(big.Int).And(ub, big.NewInt(int64(n)-1)).Int64()) // shift amount: log2(n) bits
	s := bitString(a, int(n))
	ext := func(v *big.Int) uint64 { return reg(low(v, n, true)) }
	truth := func(t bool) uint64 { return map[bool]uint64{true: 1}[t] }
	pick := func(t bool, x, y uint64) uint64 { return map[bool]uint64{true: x, false: y}[t] }
	q, r := quotient(sa, sb)
	uq, ur := quotient(na, nb)
	set := func(v bool) uint64 { x := bitString(a, 64); x[at] = v; return fromBits(x, false) }
	product := func(x, y *big.Int) uint64 { return reg(new(big.Int).Rsh(new(big.Int).Mul(x, y), 64)) }
	switch op {
	case "add":
		return ext(new(big.Int).Add(ua, ub))
	case "sub":
		return ext(new(big.Int).Sub(ua, ub))
	case "and":
		return bit(func(x, y bool) bool { return x && y })
	case "or":
		return bit(func(x, y bool) bool { return x || y })
	case "xor":
		return bit(func(x, y bool) bool { return x != y })
	case "andn":
		return bit(func(x, y bool) bool { return x && !y })
	case "orn":
		return bit(func(x, y bool) bool { return x || !y })
	case "xnor":
		return bit(func(x, y bool) bool { return x == y })
	case "sll":
		return fromBits(shift(s, at, false), word)
	case "srl":
		return fromBits(shift(s, -at, false), word)
	case "sra":
		return fromBits(shift(s, -at, s[len(s)-1]), true)
	case "rol":
		return fromBits(rotate(s, at), word)
	case "ror":
		return fromBits(rotate(s, -at), word)
	case "slt":
		return truth(sa.Cmp(sb) < 0)
	case "sltu", "sltiu":
		return truth(ua.Cmp(ub) < 0)
	case "min":
		return pick(sa.Cmp(sb) < 0, a, b)
	case "max":
		return pick(sa.Cmp(sb) < 0, b, a)
	case "minu":
		return pick(ua.Cmp(ub) < 0, a, b)
	case "maxu":
		return pick(ua.Cmp(ub) < 0, b, a)
	case "mul":
		return ext(new(big.Int).Mul(sa, sb))
	case "mulh":
		return product(sa, sb)
	case "mulhu":
		return product(ua, ub)
	case "mulhsu":
		return product(sa, ub)
	case "div":
		return ext(q)
	case "rem":
		return ext(r)
	case "divu":
		return ext(uq)
	case "remu":
		return ext(ur)
	case "add.uw":
		return reg(new(big.Int).Add(low(ua, 32, false), ub))
	case "sh1add", "sh2add", "sh3add":
		return reg(new(big.Int).Add(new(big.Int).Lsh(ua, uint(op[2]-'0')), ub))
	case "sh1add.uw", "sh2add.uw", "sh3add.uw":
		return reg(new(big.Int).Add(new(big.Int).Lsh(low(ua, 32, false), uint(op[2]-'0')), ub))
	case "slli.uw":
		return fromBits(shift(bitString(reg(low(ua, 32, false)), 64), at, false), false)
	case "clz":
		return count(s, true)
	case "ctz":
		return count(s, false)
	case "cpop":
		total := uint64(0)
		for _, x := range s {
			total += truth(x)
		}
		return total
	case "sext.b":
		return fromBits(s[:8], true)
	case "sext.h":
		return fromBits(s[:16], true)
	case "zext.h":
		return fromBits(s[:16], false)
	case "orc.b":
		for i := range s {
			s[i] = false
			for j := i / 8 * 8; j < i/8*8+8; j++ {
				s[i] = s[i] || ua.Bit(j) == 1
			}
		}
		return fromBits(s, false)
	case "rev8":
		for i := range s {
			s[i] = ua.Bit((7-i/8)*8+i%8) == 1
		}
		return fromBits(s, false)
	case "bclr":
		return set(false)
	case "bset":
		return set(true)
	case "binv":
		return set(!s[at])
	case "bext":
		return truth(s[at])
	case "czero.eqz":
		return pick(b == 0, 0, a)
	case "czero.nez":
		return pick(b == 0, a, 0)
	}
	panic("no rule for " + name)
}
