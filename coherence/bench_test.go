package coherence

import (
	"math/rand/v2"
	"testing"

	"mcsim/addr"
)

// chase builds one cycle through all lines of size bytes.
func chase(d *DRAM, size uint64) {
	n := int(size / 64)
	perm := rand.New(rand.NewPCG(1, 2)).Perm(n)
	for i, at := range perm {
		put(d.Bytes(ramBase+addr.PA(at*64), 8), 8, uint64(ramBase+perm[(i+1)%n]*64))
	}
}

func BenchmarkChase(b *testing.B) {
	for _, c := range []struct {
		name string
		size uint64
		llc  int
	}{{"8MiB_LLC1MiB", 8 << 20, 1 << 20}, {"8MiB_LLC16MiB", 8 << 20, 16 << 20}, {"512KiB_LLC1MiB", 512 << 10, 1 << 20}, {"16KiB", 16 << 10, 1 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			cfg := testConfig(1)
			cfg.LLC.Size = c.llc
			bus, d := newMachine(b, cfg, 64<<20)
			chase(d, c.size)
			p := bus.Private(0)
			a := Access{Op: OpLoad, Size: 8, PA: ramBase}
			now := uint64(0)
			for range c.size / 64 {
				now = p.Do(&a, now)
				a.PA = addr.PA(a.Result)
			}
			start := now
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				now = p.Do(&a, now)
				a.PA = addr.PA(a.Result)
			}
			b.ReportMetric(float64(now-start)/float64(b.N), "cycles/op")
		})
	}
}

func BenchmarkStream(b *testing.B) {
	bus, _ := newMachine(b, testConfig(1), 64<<20)
	p := bus.Private(0)
	now := uint64(0)
	b.ReportAllocs()
	for i := range b.N {
		pa := addr.PA(ramBase + i*64&(32<<20-1))
		var v uint64
		v, now = load(p, pa, now)
		now = store(p, pa+(32<<20), v, now)
	}
}

func BenchmarkPingPong(b *testing.B) {
	bus, _ := newMachine(b, testConfig(2), 1<<20)
	now := [2]uint64{}
	b.ReportAllocs()
	for i := range b.N {
		a := Access{Op: OpAMOAdd, Size: 8, PA: ramBase, Value: 1}
		now[i&1] = bus.Private(i&1).Do(&a, now[i&1])
	}
}
