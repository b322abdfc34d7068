package fp

import (
	"math/rand/v2"
	"testing"
)

// The steady state of a program: NX has long been set, operands are normal.
// "fresh" is the same with NX clear before each operation, "soft" without the
// host FPU.

const vector = 1024

func vectors64() (a, b [vector]uint64) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range a {
		a[i], b[i] = b64(r.Float64()+0.5), b64(r.Float64()+0.5)
	}
	return a, b
}

func vectors32() (a, b [vector]uint32) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range a {
		a[i], b[i] = b32(r.Float32()+0.5), b32(r.Float32()+0.5)
	}
	return a, b
}

var sink uint64

func bench64(b *testing.B, fast, soft func(x, y uint64, rm RM, fl *Flags) uint64) {
	xs, ys := vectors64()
	run := func(name string, f func(x, y uint64, rm RM, fl *Flags) uint64, before Flags) {
		b.Run(name, func(b *testing.B) {
			fl := before
			for i := 0; b.Loop(); i++ {
				sink = f(xs[i%vector], ys[i%vector], RNE, &fl)
				if before == 0 {
					fl = 0
				}
			}
		})
	}
	run("steady", fast, NX)
	run("fresh", fast, 0)
	run("soft", soft, NX)
}

func BenchmarkAdd64(b *testing.B) { bench64(b, Add64, add64Soft) }
func BenchmarkMul64(b *testing.B) { bench64(b, Mul64, mul64Soft) }
func BenchmarkDiv64(b *testing.B) { bench64(b, Div64, div64Soft) }

func BenchmarkSqrt64(b *testing.B) {
	bench64(b,
		func(x, _ uint64, rm RM, fl *Flags) uint64 { return Sqrt64(x, rm, fl) },
		func(x, _ uint64, rm RM, fl *Flags) uint64 { return sqrt64Soft(x, rm, fl) })
}

func BenchmarkFMA64(b *testing.B) {
	bench64(b,
		func(x, y uint64, rm RM, fl *Flags) uint64 { return FMA64(x, y, x, rm, fl) },
		func(x, y uint64, rm RM, fl *Flags) uint64 { return fma64Soft(x, y, x, rm, fl) })
}

func BenchmarkFMA32(b *testing.B) {
	xs, ys := vectors32()
	run := func(name string, f func(x, y, z uint32, rm RM, fl *Flags) uint32, before Flags) {
		b.Run(name, func(b *testing.B) {
			fl := before
			for i := 0; b.Loop(); i++ {
				sink = uint64(f(xs[i%vector], ys[i%vector], xs[i%vector], RNE, &fl))
				if before == 0 {
					fl = 0
				}
			}
		})
	}
	run("steady", FMA32, NX)
	run("fresh", FMA32, 0)
	run("soft", fma32Soft, NX)
}

// BenchmarkDot is a dot product as a guest computes it, flags starting clear.
// "integers" never sets NX.
func BenchmarkDot(b *testing.B) {
	dot := func(xs, ys *[vector]uint64) (sum uint64, fl Flags) {
		for i := range xs {
			sum = FMA64(xs[i], ys[i], sum, RNE, &fl)
		}
		return sum, fl
	}
	run := func(name string, xs, ys [vector]uint64) {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				sink, _ = dot(&xs, &ys)
				n += vector
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/element")
		})
	}
	xs, ys := vectors64()
	run("reals", xs, ys)
	for i := range xs {
		xs[i], ys[i] = I32ToF64(int32(i)), I32ToF64(int32(3*i))
	}
	run("integers", xs, ys)
}
