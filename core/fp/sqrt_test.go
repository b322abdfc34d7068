package fp

import (
	"math"
	"math/big"
	"testing"
)

// TestSqrt128 wants every bit of the root: through Sqrt64 its lowest ones are
// almost never seen. Squares and their neighbours are where the floor is easy
// to miss.
func TestSqrt128(t *testing.T) {
	check := func(n *big.Int) {
		t.Helper()
		if n.BitLen() < 127 || n.BitLen() > 128 {
			return
		}
		want := new(big.Int).Sqrt(n)
		square := new(big.Int).Mul(want, want).Cmp(n) == 0
		lo := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
		hi := new(big.Int).Rsh(n, 64).Uint64()
		if root, exact := sqrt128(hi, lo); root != want.Uint64() || exact != square {
			t.Fatalf("sqrt128(%#x, %#x) = %#x %v, want %#x %v", hi, lo, root, exact, want, square)
		}
	}
	r := seeded(t)
	roots := []uint64{1 << 63, 1<<63 + 1, math.MaxUint64, math.MaxUint64 - 1, math.MaxUint64 - 1<<13}
	for range 50_000 {
		roots = append(roots, 1<<63|r.Uint64()<<r.IntN(64))
	}
	for _, root := range roots {
		n := new(big.Int).SetUint64(root)
		n.Mul(n, n)
		for _, off := range []int64{-1, 0, 1, r.Int64()} {
			check(new(big.Int).Add(n, big.NewInt(off)))
		}
	}
	check(less(power(128)))
}
