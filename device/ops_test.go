package device

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// registers is what all devices have in common.
type registers interface {
	Read(now, off uint64, size int) (uint64, bool)
	Write(now, off uint64, size int, v uint64) bool
}

// op is one access of a fuzzer's program.
type op struct {
	kind byte
	skip uint64 // cycles before it
	off  uint64
	size int
	v    uint64
}

// program reads accesses from a fuzzer's bytes, 14 each: any offset, aligned
// or not, any size from 0 to 15.
func program(data []byte) (ops []op) {
	for ; len(data) >= 14; data = data[14:] {
		ops = append(ops, op{
			kind: data[0] >> 4,
			size: int(data[0] & 15),
			skip: uint64(data[1]),
			off:  uint64(binary.LittleEndian.Uint32(data[2:])),
			v:    binary.LittleEndian.Uint64(data[6:]),
		})
	}
	return ops
}

// programs returns random programs to start a fuzzer with, which most often
// access size bytes, aligned and at low offsets, and which are always the same.
func programs(size byte) (all [][]byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 24 {
		p := make([]byte, 14*200)
		for i := range p {
			p[i] = byte(rng.Uint32())
		}
		for o := p; len(o) > 0; o = o[14:] {
			if rng.IntN(8) > 0 {
				o[0] = o[0]&0xf0 | size
				o[2] &^= size - 1
				o[5] = 0
			}
		}
		all = append(all, p)
	}
	return all
}

// seeded returns a source of random numbers whose seed a failure prints.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %#x", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

func mustRead(t *testing.T, d registers, now, off uint64, size int) uint64 {
	t.Helper()
	v, ok := d.Read(now, off, size)
	if !ok {
		t.Fatalf("read of %d bytes at %#x: access fault", size, off)
	}
	return v
}

func mustWrite(t *testing.T, d registers, now, off uint64, size int, v uint64) {
	t.Helper()
	if !d.Write(now, off, size, v) {
		t.Fatalf("write of %d bytes at %#x: access fault", size, off)
	}
}

func wantRead(t *testing.T, d registers, now, off uint64, size int, want uint64) {
	t.Helper()
	if v := mustRead(t, d, now, off, size); v != want {
		t.Errorf("read of %d bytes at %#x = %#x, want %#x", size, off, v, want)
	}
}

// wantFaults expects that accesses of these sizes at off fault both ways.
func wantFaults(t *testing.T, d registers, off uint64, sizes ...int) {
	t.Helper()
	for _, size := range sizes {
		if _, ok := d.Read(0, off, size); ok {
			t.Errorf("read of %d bytes at %#x: no access fault", size, off)
		}
		if d.Write(0, off, size, 1) {
			t.Errorf("write of %d bytes at %#x: no access fault", size, off)
		}
	}
}
