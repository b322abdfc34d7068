package fp

import (
	"math/big"
	"testing"
)

// compare orders two numbers; ±0 are equal.
func compare(x, y datum) int {
	rank := func(d datum) int { // of the infinities
		switch {
		case d.inf && d.neg:
			return -1
		case d.inf:
			return 1
		}
		return 0
	}
	if rank(x) != rank(y) || x.inf {
		return rank(x) - rank(y)
	}
	e := min(x.e, y.e)
	value := func(d datum) *big.Int {
		n := new(big.Int).Lsh(d.m, uint(d.e-e))
		if d.neg {
			n.Neg(n)
		}
		return n
	}
	return value(x).Cmp(value(y))
}

// minNumber is fmin by its definition; of equal numbers the negative is less.
func (t ieee) minNumber(a, b uint64, sign int) (uint64, Flags) {
	x, y := t.decode(a), t.decode(b)
	var fl Flags
	if x.snan || y.snan {
		fl = NV
	}
	switch {
	case x.nan && y.nan:
		return t.qnan(), fl
	case x.nan:
		return b, fl
	case y.nan:
		return a, fl
	}
	order := compare(x, y)
	if order == 0 && x.neg != y.neg {
		order = 1
		if x.neg {
			order = -1
		}
	}
	if order*sign <= 0 {
		return a, 0
	}
	return b, 0
}

func checkCompare(t *testing.T, f ieee, a, b uint64) {
	t.Helper()
	x, y := f.decode(a), f.decode(b)
	var order int
	var quiet, signal Flags
	if x.nan || y.nan {
		order, signal = 2, NV
		if x.snan || y.snan {
			quiet = NV
		}
	} else {
		order = compare(x, y)
	}
	relation := func(name string, got bool, fl Flags, want bool, wantFl Flags) {
		t.Helper()
		if got != want || fl != wantFl {
			t.Fatalf("%s%d(%#x, %#x) = %v %v, want %v %v", name, f.width(), a, b, got, fl, want, wantFl)
		}
	}
	var eq, lt, le, lo, hi Flags
	wantLo, loFl := f.minNumber(a, b, 1)
	wantHi, hiFl := f.minNumber(a, b, -1)
	var gotLo, gotHi uint64
	if f == ieee64 {
		relation("Eq", Eq64(a, b, &eq), eq, order == 0, quiet)
		relation("Lt", Lt64(a, b, &lt), lt, order < 0, signal)
		relation("Le", Le64(a, b, &le), le, order <= 0, signal)
		gotLo, gotHi = Min64(a, b, &lo), Max64(a, b, &hi)
	} else {
		a, b := uint32(a), uint32(b)
		relation("Eq", Eq32(a, b, &eq), eq, order == 0, quiet)
		relation("Lt", Lt32(a, b, &lt), lt, order < 0, signal)
		relation("Le", Le32(a, b, &le), le, order <= 0, signal)
		gotLo, gotHi = uint64(Min32(a, b, &lo)), uint64(Max32(a, b, &hi))
	}
	if gotLo != wantLo || lo != loFl || gotHi != wantHi || hi != hiFl {
		t.Fatalf("Min, Max%d(%#x, %#x) = %#x %v, %#x %v, want %#x %v, %#x %v",
			f.width(), a, b, gotLo, lo, gotHi, hi, wantLo, loFl, wantHi, hiFl)
	}
}

func TestCompare(t *testing.T) {
	r := seeded(t)
	for _, f := range []ieee{ieee32, ieee64} {
		for _, a := range f.specials() {
			for _, b := range f.specials() {
				checkCompare(t, f, a, b)
			}
		}
		for range 50_000 {
			a, b := f.pair(r)
			checkCompare(t, f, a, b)
			checkCompare(t, f, a, a^uint64(r.IntN(3)))
		}
	}
}

// TestClass is the manual's table "Format of result of FCLASS instruction".
func TestClass(t *testing.T) {
	for bit, c := range []struct {
		v32 [2]uint32 // first and last pattern of the class
		v64 [2]uint64
	}{
		{[2]uint32{0xff800000, 0xff800000}, [2]uint64{0xfff0000000000000, 0xfff0000000000000}},
		{[2]uint32{0x80800000, 0xff7fffff}, [2]uint64{0x8010000000000000, 0xffefffffffffffff}},
		{[2]uint32{0x80000001, 0x807fffff}, [2]uint64{0x8000000000000001, 0x800fffffffffffff}},
		{[2]uint32{0x80000000, 0x80000000}, [2]uint64{0x8000000000000000, 0x8000000000000000}},
		{[2]uint32{0, 0}, [2]uint64{0, 0}},
		{[2]uint32{1, 0x007fffff}, [2]uint64{1, 0x000fffffffffffff}},
		{[2]uint32{0x00800000, 0x7f7fffff}, [2]uint64{0x0010000000000000, 0x7fefffffffffffff}},
		{[2]uint32{0x7f800000, 0x7f800000}, [2]uint64{0x7ff0000000000000, 0x7ff0000000000000}},
		{[2]uint32{0x7f800001, 0xffbfffff}, [2]uint64{0x7ff0000000000001, 0xfff7ffffffffffff}},
		{[2]uint32{0x7fc00000, 0xffffffff}, [2]uint64{0x7ff8000000000000, 0xffffffffffffffff}},
	} {
		for _, v := range c.v32 {
			if got := Class32(v); got != 1<<bit {
				t.Errorf("Class32(%#x) = %#x, want bit %d", v, got, bit)
			}
		}
		for _, v := range c.v64 {
			if got := Class64(v); got != 1<<bit {
				t.Errorf("Class64(%#x) = %#x, want bit %d", v, got, bit)
			}
		}
	}
}

func TestSign(t *testing.T) {
	// A signalling NaN with a payload stays what it is.
	const nan32, nan64 = 0xff800001, 0xfff0000000000001
	for _, c := range []struct{ got, want uint64 }{
		{SgnJ64(nan64, 1), 0x7ff0000000000001}, {SgnJ64(1, nan64), 1<<63 | 1},
		{SgnJN64(nan64, 1), nan64}, {SgnJN64(1, nan64), 1},
		{SgnJX64(nan64, nan64), 0x7ff0000000000001}, {SgnJX64(nan64, 1), nan64}, {SgnJX64(1, nan64), 1<<63 | 1},
		{uint64(SgnJ32(nan32, 1)), 0x7f800001}, {uint64(SgnJ32(1, nan32)), 1<<31 | 1},
		{uint64(SgnJN32(nan32, 1)), nan32}, {uint64(SgnJN32(1, nan32)), 1},
		{uint64(SgnJX32(nan32, nan32)), 0x7f800001}, {uint64(SgnJX32(nan32, 1)), nan32}, {uint64(SgnJX32(1, nan32)), 1<<31 | 1},
		{Neg64(nan64), 0x7ff0000000000001}, {uint64(Neg32(nan32)), 0x7f800001},
	} {
		if c.got != c.want {
			t.Errorf("%#x, want %#x", c.got, c.want)
		}
	}
}
