package fp

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

// conversion is one conversion in its two paths to a narrower or wider
// format, or to an integer.
type conversion struct {
	name       string
	from       ieee
	fast, soft func(v uint64, rm RM, fl *Flags) uint64
	oracle     func(d datum, rm RM) (uint64, Flags)
}

func power(n uint) *big.Int       { return new(big.Int).Lsh(big.NewInt(1), n) }
func less(n *big.Int) *big.Int    { return new(big.Int).Sub(n, big.NewInt(1)) }
func negated(n *big.Int) *big.Int { return new(big.Int).Neg(n) }

func integer(lo, hi *big.Int) func(datum, RM) (uint64, Flags) {
	return func(d datum, rm RM) (uint64, Flags) { return toInt(d, lo, hi, rm) }
}

var (
	oracleI32 = integer(negated(power(31)), less(power(31)))
	oracleU32 = integer(new(big.Int), less(power(32)))
	oracleI64 = integer(negated(power(63)), less(power(63)))
	oracleU64 = integer(new(big.Int), less(power(64)))
)

// from64 and from32 give conversions one shape; a signed result of 32 bits is
// sign-extended as wrap does it.
func from64[T int32 | uint32 | int64 | uint64 | uint16](f func(uint64, RM, *Flags) T) func(uint64, RM, *Flags) uint64 {
	return func(v uint64, rm RM, fl *Flags) uint64 { return uint64(f(v, rm, fl)) }
}

func from32[T int32 | uint32 | int64 | uint64 | uint16](f func(uint32, RM, *Flags) T) func(uint64, RM, *Flags) uint64 {
	return func(v uint64, rm RM, fl *Flags) uint64 { return uint64(f(uint32(v), rm, fl)) }
}

func widening32(f func(uint32, *Flags) uint64) func(uint64, RM, *Flags) uint64 {
	return func(v uint64, _ RM, fl *Flags) uint64 { return f(uint32(v), fl) }
}

var conversions = []conversion{
	{"F64ToI32", ieee64, from64(F64ToI32), from64(f64ToI32Soft), oracleI32},
	{"F64ToU32", ieee64, from64(F64ToU32), from64(f64ToU32Soft), oracleU32},
	{"F64ToI64", ieee64, from64(F64ToI64), from64(f64ToI64Soft), oracleI64},
	{"F64ToU64", ieee64, from64(F64ToU64), from64(f64ToU64Soft), oracleU64},
	{"F32ToI32", ieee32, from32(F32ToI32), from32(f32ToI32Soft), oracleI32},
	{"F32ToU32", ieee32, from32(F32ToU32), from32(f32ToU32Soft), oracleU32},
	{"F32ToI64", ieee32, from32(F32ToI64), from32(f32ToI64Soft), oracleI64},
	{"F32ToU64", ieee32, from32(F32ToU64), from32(f32ToU64Soft), oracleU64},
	{"F64ToF32", ieee64, from64(F64ToF32), from64(f64ToF32Soft), ieee32.convert},
	{"F64ToF16", ieee64, from64(F64ToF16), from64(F64ToF16), ieee16.convert},
	{"F32ToF64", ieee32, widening32(F32ToF64), widening32(f32ToF64Soft), ieee64.convert},
	{"F32ToF16", ieee32, from32(F32ToF16), from32(f32ToF16Soft), ieee16.convert},
}

func (c conversion) check(t *testing.T, v uint64) {
	t.Helper()
	d := c.from.decode(v)
	for _, rm := range modes {
		want, wantFl := c.oracle(d, rm)
		for _, before := range []Flags{0, NX, UF | OF | DZ | NV} {
			fast, soft := before, before
			if got := c.fast(v, rm, &fast); got != want || fast != before|wantFl {
				t.Fatalf("%s(%#x, %v) fast = %#x %v, want %#x %v", c.name, v, rm, got, fast, want, before|wantFl)
			}
			if got := c.soft(v, rm, &soft); got != want || soft != before|wantFl {
				t.Fatalf("%s(%#x, %v) soft = %#x %v, want %#x %v", c.name, v, rm, got, soft, want, before|wantFl)
			}
		}
	}
}

// convertible leans to numbers around the limits of the targets: integers and
// their halves up to 2^64, and the ranges of the narrower formats.
func (t ieee) convertible(i int, draw func(int) int, random func(e int) uint64) uint64 {
	switch i % 4 {
	case 0:
		return random(draw(68) - 3)
	case 1:
		return random([]int{31, 30, 32, 62, 63, 64, 0, -1}[draw(8)])
	case 2:
		return random(draw(40) - 26) // halves, with their subnormals
	}
	return random(draw(300) - 160) // singles
}

func TestConversions(t *testing.T) {
	for _, c := range conversions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, v := range c.from.specials() {
				c.check(t, v)
			}
			// Every limit of the integers, and what lies half a unit and
			// one place to either side of it.
			for _, base := range []float64{0, 1, 1 << 31, 1 << 32, 1 << 62, 1 << 63, 1 << 64} {
				for _, off := range []float64{-2, -1.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.5} {
					for _, x := range []float64{base + off, -base + off} {
						v := b64(x)
						if c.from == ieee32 {
							v = uint64(b32(float32(x)))
						}
						for ulp := range uint64(3) {
							c.check(t, v+ulp-1)
						}
					}
				}
			}
			r := seeded(t)
			for i := range 10_000 {
				c.check(t, c.from.convertible(i, r.IntN, func(e int) uint64 { return c.from.withExp(r, e) }))
				c.check(t, c.from.any(r))
			}
		})
	}
}

// TestFromInt converts integers of every length, runs of ones, ties, limits.
func TestFromInt(t *testing.T) {
	r := seeded(t)
	values := []uint64{0, 1, math.MaxUint64, math.MaxInt64, 1 << 63, 1<<63 + 1, math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 32}
	for n := range 64 {
		for m := range n {
			values = append(values, 1<<n, 1<<n-1, 1<<n+1, 1<<n|1<<m, 1<<n|1<<m-1, 1<<n-1<<m)
		}
		for range 100 {
			values = append(values, r.Uint64()>>n, -(r.Uint64() >> n))
		}
	}
	for _, v := range values {
		checkFromInt(t, v)
	}
}

func checkFromInt(t *testing.T, v uint64) {
	t.Helper()
	type result = func(rm RM, fl *Flags) uint64
	exact := func(v uint64) result { return func(RM, *Flags) uint64 { return v } }
	signed, signed32 := big.NewInt(int64(v)), big.NewInt(int64(int32(v)))
	unsigned, unsigned32 := new(big.Int).SetUint64(v), new(big.Int).SetUint64(uint64(uint32(v)))
	for _, c := range []struct {
		name   string
		to     ieee
		n      *big.Int
		result result
	}{
		{"I32ToF64", ieee64, signed32, exact(I32ToF64(int32(v)))},
		{"U32ToF64", ieee64, unsigned32, exact(U32ToF64(uint32(v)))},
		{"I64ToF64", ieee64, signed, func(rm RM, fl *Flags) uint64 { return I64ToF64(int64(v), rm, fl) }},
		{"U64ToF64", ieee64, unsigned, func(rm RM, fl *Flags) uint64 { return U64ToF64(v, rm, fl) }},
		{"I32ToF32", ieee32, signed32, func(rm RM, fl *Flags) uint64 { return uint64(I32ToF32(int32(v), rm, fl)) }},
		{"U32ToF32", ieee32, unsigned32, func(rm RM, fl *Flags) uint64 { return uint64(U32ToF32(uint32(v), rm, fl)) }},
		{"I64ToF32", ieee32, signed, func(rm RM, fl *Flags) uint64 { return uint64(I64ToF32(int64(v), rm, fl)) }},
		{"U64ToF32", ieee32, unsigned, func(rm RM, fl *Flags) uint64 { return uint64(U64ToF32(v, rm, fl)) }},
		{"i64ToF64Soft", ieee64, signed, func(rm RM, fl *Flags) uint64 { return i64ToF64Soft(int64(v), rm, fl) }},
		{"u64ToF64Soft", ieee64, unsigned, func(rm RM, fl *Flags) uint64 { return u64ToF64Soft(v, rm, fl) }},
		{"i64ToF32Soft", ieee32, signed, func(rm RM, fl *Flags) uint64 { return uint64(i64ToF32Soft(int64(v), rm, fl)) }},
		{"u64ToF32Soft", ieee32, unsigned, func(rm RM, fl *Flags) uint64 { return uint64(u64ToF32Soft(v, rm, fl)) }},
	} {
		for _, rm := range modes {
			want, wantFl := uint64(0), Flags(0)
			if c.n.Sign() != 0 {
				want, wantFl = c.to.encode(datum{neg: c.n.Sign() < 0, m: new(big.Int).Abs(c.n)}, rm)
			}
			for _, before := range []Flags{0, NX, NV} {
				fl := before
				if got := c.result(rm, &fl); got != want || fl != before|wantFl {
					t.Fatalf("%s(%#x, %v) = %#x %v, want %#x %v", c.name, v, rm, got, fl, want, before|wantFl)
				}
			}
		}
	}
}

// TestHalves takes every half to the wider formats and back, and every
// midpoint between halves, and the float32 next to each, to a half.
func TestHalves(t *testing.T) {
	narrow := conversions[len(conversions)-1]
	for h := range uint64(1 << 16) {
		d := ieee16.decode(h)
		var fl32, fl64 Flags
		f32, f64 := F16ToF32(uint16(h), &fl32), F16ToF64(uint16(h), &fl64)
		want32, wantFl := ieee32.convert(d, RNE)
		want64, _ := ieee64.convert(d, RNE)
		if uint64(f32) != want32 || f64 != want64 || fl32 != wantFl || fl64 != wantFl {
			t.Fatalf("%#x widens to %#x %v and %#x %v, want %#x and %#x %v", h, f32, fl32, f64, fl64, want32, want64, wantFl)
		}
		if soft := f16ToF32Soft(uint16(h), &fl32); soft != f32 {
			t.Fatalf("%#x widens to %#x, but softly to %#x", h, f32, soft)
		}
		if soft := f16ToF64Soft(uint16(h), &fl64); soft != f64 {
			t.Fatalf("%#x widens to %#x, but softly to %#x", h, f64, soft)
		}
		if d.nan || d.inf {
			continue
		}
		for _, rm := range modes {
			var fl Flags
			if a, b := F32ToF16(f32, rm, &fl), F64ToF16(f64, rm, &fl); uint64(a) != h || uint64(b) != h || fl != 0 {
				t.Fatalf("%#x comes back as %#x and %#x %v", h, a, b, fl)
			}
		}
		// A half's place is 2^13 of a normal float32's; to the subnormals
		// the oracle says what is right anyway.
		for _, v := range []uint32{f32 + 1, f32 + 0xfff, f32 + 0x1000, f32 + 0x1001, f32 + 0x1fff} {
			rm := modes[(h+uint64(v))%5]
			checkNarrow(t, narrow, uint64(v), RNE)
			checkNarrow(t, narrow, uint64(v), rm)
		}
	}
}

// checkNarrow converts one float32 to half, also by way of an exact float64.
func checkNarrow(t *testing.T, c conversion, v uint64, rm RM) {
	t.Helper()
	want, wantFl := c.oracle(c.from.decode(v), rm)
	var fast, soft, wide, none Flags
	got := [...]uint64{c.fast(v, rm, &fast), c.soft(v, rm, &soft), uint64(F64ToF16(F32ToF64(uint32(v), &none), rm, &wide))}
	if got != [...]uint64{want, want, want} || fast != wantFl || soft != wantFl || wide != wantFl {
		t.Fatalf("F32ToF16(%#x, %v) = %#x %v %v %v, want %#x %v", v, rm, got, fast, soft, wide, want, wantFl)
	}
}

// TestConversionTable is the manual's table of conversions to integer
// ("Domains of float-to-integer conversions and behavior for invalid inputs").
func TestConversionTable(t *testing.T) {
	for _, c := range []struct {
		in           float64
		i32          int32
		u32          uint32
		i64          int64
		u64          uint64
		flI32, flU32 Flags
		flI64, flU64 Flags
	}{
		{math.NaN(), math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64, NV, NV, NV, NV},
		{math.Inf(1), math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64, NV, NV, NV, NV},
		{math.Inf(-1), math.MinInt32, 0, math.MinInt64, 0, NV, NV, NV, NV},
		{-1, -1, 0, -1, 0, 0, NV, 0, NV},
		{-0.75, 0, 0, 0, 0, NX, NX, NX, NX},
		{math.Copysign(0, -1), 0, 0, 0, 0, 0, 0, 0, 0},
		{1 << 31, math.MaxInt32, 1 << 31, 1 << 31, 1 << 31, NV, 0, 0, 0},
		{1<<31 - 0.5, math.MaxInt32, 1<<31 - 1, 1<<31 - 1, 1<<31 - 1, NX, NX, NX, NX},
		{-1<<31 - 0.5, math.MinInt32, 0, -1 << 31, 0, NX, NV, NX, NV},
		{1 << 63, math.MaxInt32, math.MaxUint32, math.MaxInt64, 1 << 63, NV, NV, NV, 0},
		{1 << 64, math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64, NV, NV, NV, NV},
	} {
		var fl [4]Flags
		v := b64(c.in)
		got := fmt.Sprint(F64ToI32(v, RTZ, &fl[0]), F64ToU32(v, RTZ, &fl[1]), F64ToI64(v, RTZ, &fl[2]), F64ToU64(v, RTZ, &fl[3]), fl)
		want := fmt.Sprint(c.i32, c.u32, c.i64, c.u64, [4]Flags{c.flI32, c.flU32, c.flI64, c.flU64})
		if got != want {
			t.Errorf("%v: %s, want %s", c.in, got, want)
		}
	}
}
