package fp

import "math/big"

// The oracle computes every operation exactly with math/big and rounds by the
// definition in IEEE 754-2008 (clauses 4 and 7). It shares no code with the
// package: slow, and as plain as could be made.

// ieee is an interchange format: precision (with the leading bit) and emax.
type ieee struct{ p, emax int }

var (
	ieee16 = ieee{11, 15}
	ieee32 = ieee{24, 127}
	ieee64 = ieee{53, 1023}
)

func (t ieee) emin() int { return 1 - t.emax }
func (t ieee) width() int {
	switch t.p {
	case 11:
		return 16
	case 24:
		return 32
	}
	return 64
}
func (t ieee) infinity(neg bool) uint64 {
	return t.withSign(neg, uint64(2*t.emax+1)<<(t.p-1))
}
func (t ieee) qnan() uint64 { return t.infinity(false) | 1<<(t.p-2) }
func (t ieee) withSign(neg bool, v uint64) uint64 {
	if neg {
		v |= 1 << (t.width() - 1)
	}
	return v
}

// datum is a decoded value; a number is (-1)^neg * m * 2^e.
type datum struct {
	nan, snan, inf, neg bool
	m                   *big.Int
	e                   int
}

func (d datum) zero() bool { return !d.nan && !d.inf && d.m.Sign() == 0 }

func (t ieee) decode(v uint64) datum {
	frac := v % (1 << (t.p - 1))
	field := int(v >> (t.p - 1) % (1 << (t.width() - t.p)))
	d := datum{neg: v>>(t.width()-1) == 1, m: new(big.Int)}
	switch {
	case field == 2*t.emax+1 && frac != 0:
		d.nan, d.snan = true, frac < 1<<(t.p-2)
	case field == 2*t.emax+1:
		d.inf = true
	case field == 0:
		d.m.SetUint64(frac)
		d.e = t.emin() - (t.p - 1)
	default:
		d.m.SetUint64(frac + 1<<(t.p-1))
		d.e = field - t.emax - (t.p - 1)
	}
	return d
}

// integral rounds |d| to a multiple of 2^q and says what the multiple is.
func integral(d datum, q int, rm RM) (n *big.Int, exact bool) {
	if d.e >= q {
		return new(big.Int).Lsh(d.m, uint(d.e-q)), true
	}
	unit := new(big.Int).Lsh(big.NewInt(1), uint(q-d.e))
	n, rem := new(big.Int).QuoRem(d.m, unit, new(big.Int))
	if rem.Sign() == 0 {
		return n, true
	}
	versusHalf := rem.Lsh(rem, 1).Cmp(unit)
	var away bool
	switch rm {
	case RNE:
		away = versusHalf > 0 || versusHalf == 0 && n.Bit(0) == 1
	case RTZ:
		away = false
	case RDN:
		away = d.neg
	case RUP:
		away = !d.neg
	case RMM:
		away = versusHalf >= 0
	}
	if away {
		n.Add(n, big.NewInt(1))
	}
	return n, false
}

// encode rounds a non-zero number to the format.
func (t ieee) encode(d datum, rm RM) (uint64, Flags) {
	top := d.m.BitLen() - 1 + d.e // floor(log2|d|)
	q := max(top, t.emin()) - (t.p - 1)
	n, exact := integral(d, q, rm)
	var fl Flags
	if !exact {
		fl |= NX
		free := top - (t.p - 1)
		wide, _ := integral(d, free, rm)
		if wide.BitLen()-1+free < t.emin() {
			fl |= UF
		}
	}
	if n.BitLen()-1+q > t.emax {
		up := rm == RNE || rm == RMM || rm == RUP && !d.neg || rm == RDN && d.neg
		if up {
			return t.infinity(d.neg), OF | NX
		}
		return t.infinity(d.neg) - 1, OF | NX
	}
	if n.BitLen() > t.p {
		n.Rsh(n, 1)
		q++
	}
	v := n.Uint64()
	if n.BitLen() == t.p {
		v += uint64(q+t.p-1+t.emax-1) << (t.p - 1)
	}
	return t.withSign(d.neg, v), fl
}

func (t ieee) nanResult(ds ...datum) (uint64, Flags) {
	for _, d := range ds {
		if d.snan {
			return t.qnan(), NV
		}
	}
	return t.qnan(), 0
}

// sum adds x and y, which may be products too long for the format.
func (t ieee) sum(x, y datum, rm RM) (uint64, Flags) {
	if x.inf || y.inf {
		if x.inf && y.inf && x.neg != y.neg {
			return t.qnan(), NV
		}
		return t.infinity(x.inf && x.neg || y.inf && y.neg), 0
	}
	e := min(x.e, y.e)
	total := new(big.Int)
	for _, d := range []datum{x, y} {
		term := new(big.Int).Lsh(d.m, uint(d.e-e))
		if d.neg {
			term.Neg(term)
		}
		total.Add(total, term)
	}
	if total.Sign() == 0 {
		neg := x.neg
		if x.neg != y.neg {
			neg = rm == RDN
		}
		return t.withSign(neg, 0), 0
	}
	return t.encode(datum{neg: total.Sign() < 0, m: total.Abs(total), e: e}, rm)
}

func (t ieee) add(x, y datum, rm RM) (uint64, Flags) {
	if x.nan || y.nan {
		return t.nanResult(x, y)
	}
	return t.sum(x, y, rm)
}

func (t ieee) mul(x, y datum, rm RM) (uint64, Flags) {
	neg := x.neg != y.neg
	switch {
	case x.nan || y.nan:
		return t.nanResult(x, y)
	case x.inf && y.zero() || x.zero() && y.inf:
		return t.qnan(), NV
	case x.inf || y.inf:
		return t.infinity(neg), 0
	case x.zero() || y.zero():
		return t.withSign(neg, 0), 0
	}
	return t.encode(datum{neg: neg, m: new(big.Int).Mul(x.m, y.m), e: x.e + y.e}, rm)
}

func (t ieee) fma(x, y, z datum, rm RM) (uint64, Flags) {
	switch {
	case x.inf && y.zero() || x.zero() && y.inf:
		return t.qnan(), NV
	case x.nan || y.nan || z.nan:
		return t.nanResult(x, y, z)
	}
	product := datum{neg: x.neg != y.neg, inf: x.inf || y.inf, m: new(big.Int).Mul(x.m, y.m), e: x.e + y.e}
	return t.sum(product, z, rm)
}

// truncated stands for a number a little larger than m * 2^e by appending a
// one; m must be much longer than the precision.
func truncated(neg bool, m *big.Int, e int, exact bool) datum {
	m = new(big.Int).Lsh(m, 1)
	if !exact {
		m.SetBit(m, 0, 1)
	}
	return datum{neg: neg, m: m, e: e - 1}
}

func (t ieee) div(x, y datum, rm RM) (uint64, Flags) {
	neg := x.neg != y.neg
	switch {
	case x.nan || y.nan:
		return t.nanResult(x, y)
	case x.inf && y.inf || x.zero() && y.zero():
		return t.qnan(), NV
	case x.inf:
		return t.infinity(neg), 0
	case y.zero():
		return t.infinity(neg), DZ
	case x.zero() || y.inf:
		return t.withSign(neg, 0), 0
	}
	const scale = 200
	quo, rem := new(big.Int).QuoRem(new(big.Int).Lsh(x.m, scale), y.m, new(big.Int))
	return t.encode(truncated(neg, quo, x.e-y.e-scale, rem.Sign() == 0), rm)
}

func (t ieee) sqrt(x datum, rm RM) (uint64, Flags) {
	switch {
	case x.nan:
		return t.nanResult(x)
	case x.zero():
		return t.withSign(x.neg, 0), 0
	case x.neg:
		return t.qnan(), NV
	case x.inf:
		return t.infinity(false), 0
	}
	scale := 200
	if (x.e-scale)%2 != 0 {
		scale++
	}
	m := new(big.Int).Lsh(x.m, uint(scale))
	root := new(big.Int).Sqrt(m)
	exact := new(big.Int).Mul(root, root).Cmp(m) == 0
	return t.encode(truncated(false, root, (x.e-scale)/2, exact), rm)
}

func (t ieee) convert(x datum, rm RM) (uint64, Flags) {
	switch {
	case x.nan:
		return t.nanResult(x)
	case x.inf:
		return t.infinity(x.neg), 0
	case x.zero():
		return t.withSign(x.neg, 0), 0
	}
	return t.encode(x, rm)
}

// toInt is the value as an integer from lo to hi, in two's complement.
func toInt(x datum, lo, hi *big.Int, rm RM) (uint64, Flags) {
	n, exact := hi, false
	switch {
	case x.nan:
		return wrap(hi), NV
	case x.inf && x.neg:
		return wrap(lo), NV
	case x.inf:
		return wrap(hi), NV
	}
	n, exact = integral(x, 0, rm)
	if x.neg {
		n.Neg(n)
	}
	switch {
	case n.Cmp(lo) < 0:
		return wrap(lo), NV
	case n.Cmp(hi) > 0:
		return wrap(hi), NV
	case !exact:
		return wrap(n), NX
	}
	return wrap(n), 0
}

// wrap is n modulo 2^64.
func wrap(n *big.Int) uint64 {
	mod := new(big.Int).Lsh(big.NewInt(1), 64)
	return mod.Mod(n, mod).Uint64()
}
