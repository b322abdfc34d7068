package replay_test

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcsim/replay"
	"mcsim/traces"
)

// naiveCache is a cache as Dinero has them, without anything clever: ways that
// are filled from the first, and a list of them by age.
type naiveCache struct {
	ways   [][]uint64 // line of each way of each set
	order  [][]int    // ways of each set, the next victim first
	policy string
	seed   uint64
	fills  uint64
	line   uint64
	misses int
}

func newNaiveCache(g geometry, policy string, seed uint64) *naiveCache {
	sets := g.size / g.ways / g.line
	c := &naiveCache{policy: policy, seed: seed, line: uint64(g.line), ways: make([][]uint64, sets), order: make([][]int, sets)}
	for s := range c.ways {
		c.ways[s] = make([]uint64, g.ways)
		for w := range c.ways[s] {
			c.ways[s][w] = ^uint64(0)
			c.order[s] = append(c.order[s], w)
		}
	}
	return c
}

func (c *naiveCache) access(addr uint64) {
	line := addr / c.line
	set := line % uint64(len(c.ways))
	for w, l := range c.ways[set] {
		if l == line {
			if c.policy == "lru" {
				c.last(set, w)
			}
			return
		}
	}
	c.misses++
	w := c.order[set][0]
	// Random: the fills of a cache are numbered from 0, and the n-th takes, in a
	// full set, way floor(r * ways / 2^64), where r is output n of splitmix64
	// from the cache's seed.
	if c.policy == "random" && c.full(set) {
		hi, _ := bits.Mul64(splitmix64(c.seed+c.fills*0x9e3779b97f4a7c15), uint64(len(c.ways[set])))
		w = int(hi)
	}
	c.fills++
	c.ways[set][w] = line
	c.last(set, w)
}

func (c *naiveCache) full(set uint64) bool {
	for _, l := range c.ways[set] {
		if l == ^uint64(0) {
			return false
		}
	}
	return true
}

// last moves a way to the end of its set's order.
func (c *naiveCache) last(set uint64, way int) {
	var rest []int
	for _, w := range c.order[set] {
		if w != way {
			rest = append(rest, w)
		}
	}
	c.order[set] = append(rest, way)
}

// splitmix64 is the first output of the generator of Steele, Lea and Flood
// (OOPSLA 2014) from a state.
func splitmix64(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// dinProgram is a loop over code with calls, and data that are streamed, reused
// and chased.
func dinProgram(seed uint64, n int) string {
	rng := rand.New(rand.NewPCG(seed, 4))
	var b strings.Builder
	pc, stream, hot := uint64(0x400000), uint64(0x10000000), uint64(0x20000000)
	for range n {
		fmt.Fprintf(&b, "2 %x\n", pc)
		pc += 4
		if rng.IntN(8) == 0 {
			pc = 0x400000 + 4*rng.Uint64N(1<<uint(6+rng.IntN(8)))
		}
		switch rng.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "0 %x\n", stream)
			stream += 4
		case 1:
			fmt.Fprintf(&b, "%d %x\n", rng.IntN(2), hot+4*rng.Uint64N(1<<uint(6+rng.IntN(8))))
		case 2:
			fmt.Fprintf(&b, "%d %x a comment\n", rng.IntN(2), 0x7ff00000-4*rng.Uint64N(64))
		}
	}
	return b.String()
}

// A din trace, replayed, misses as a naive cache does: LRU, FIFO and random, in
// three geometries each, the two L1s with different ones.
func TestDinAgainstNaive(t *testing.T) {
	text := dinProgram(11, 60_000)
	path := filepath.Join(t.TempDir(), "program.din")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	shapes := []struct{ i1, d1 geometry }{
		{geometry{8 << 10, 2, 32}, geometry{16 << 10, 4, 32}},
		{geometry{4 << 10, 1, 16}, geometry{2 << 10, 8, 16}},
		{geometry{16 << 10, 8, 128}, geometry{8 << 10, 16, 128}},
	}
	const seed = 5
	for _, policy := range []string{"lru", "fifo", "random"} {
		for _, s := range shapes {
			// The caches of hart 0 have seeds of their own, by level: 0 is the
			// L1D, 1 the L1I.
			d := newNaiveCache(s.d1, policy, seed+splitmix64(0))
			i := newNaiveCache(s.i1, policy, seed+splitmix64(1))
			for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
				var label int
				var addr uint64
				if _, err := fmt.Sscanf(line, "%d %x", &label, &addr); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				if label == 2 {
					i.access(addr)
				} else {
					d.access(addr)
				}
			}
			tr, err := traces.Open(path, traces.Options{})
			if err != nil {
				t.Fatal(err)
			}
			set := []string{
				"machine.harts=1", fmt.Sprintf("machine.seed=%d", seed), "machine.store_buffer.depth=0", "machine.l2.size=0",
				"machine.evictions=announced", "machine.memory=64MiB", fmt.Sprintf("machine.l1d.line=%dB", s.d1.line),
			}
			for name, g := range map[string]geometry{"l1i": s.i1, "l1d": s.d1} {
				set = append(set, fmt.Sprintf("machine.%s.size=%d", name, g.size), fmt.Sprintf("machine.%s.ways=%d", name, g.ways),
					"machine."+name+".replacement="+policy)
			}
			_, got := play(t, settings(t, set...), replay.Config{
				VMs:   []replay.VM{{Traces: []replay.Trace{{Name: path, Info: tr.Info, Readers: tr.Readers()}}}},
				Pages: replay.PagesNone, EachFetch: true,
			})
			if err := tr.Close(); err != nil {
				t.Fatal(err)
			}
			l1d, l1i := get(t, got, "harts[0].l1d.misses"), get(t, got, "harts[0].l1i.misses")
			t.Logf("%s, L1I %v, L1D %v: %d and %d misses", policy, s.i1, s.d1, l1i, l1d)
			if int(l1d) != d.misses || int(l1i) != i.misses {
				t.Errorf("%s, L1I %v, L1D %v: %d and %d misses, the naive caches have %d and %d", policy, s.i1, s.d1, l1i, l1d, i.misses, d.misses)
			}
		}
	}
}
