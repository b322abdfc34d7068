package virtio

import "math/bits"

// Rate is a bandwidth: Bytes in Cycles. The zero Rate takes no time.
type Rate struct{ Bytes, Cycles uint64 }

// For is how long n bytes take, rounded up.
func (r Rate) For(n uint64) uint64 {
	if r.Bytes == 0 {
		return 0
	}
	hi, lo := bits.Mul64(n, r.Cycles)
	if hi >= r.Bytes {
		return 1 << 62
	}
	q, rem := bits.Div64(hi, lo, r.Bytes)
	if rem != 0 {
		q++
	}
	return q
}
