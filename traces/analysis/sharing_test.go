package analysis

import (
	"math/rand/v2"
	"testing"

	"mcsim/traces"
)

// Programs whose sharing is known by construction, on one line at 0x1000.
func TestClasses(t *testing.T) {
	const x = 0x1000
	repeat := func(n int, round func(i int) []traces.Ref) (out []traces.Ref) {
		for i := range n {
			out = append(out, round(i)...)
		}
		return out
	}
	amo := func(thread uint32, addr uint64) traces.Ref {
		return traces.Ref{PA: addr, Size: 8, Thread: thread, Kind: traces.AMO, Has: traces.HasPA}
	}
	tests := []struct {
		name       string
		refs       []traces.Ref
		class      Class
		true_, not uint64
		invalid    uint64
	}{
		{"one thread", repeat(9, func(int) []traces.Ref { return []traces.Ref{store(3, x), load(3, x+8)} }), Private, 0, 0, 0},
		{
			"initialized, then read by all",
			append([]traces.Ref{store(0, x), store(0, x+8)}, repeat(9, func(int) []traces.Ref {
				return []traces.Ref{load(1, x), load(2, x+8), load(0, x)}
			})...),
			ReadShared, 2, 0, 0,
		},
		{
			// Each transfer but the first brings the counter that the other changed.
			"atomic counter", append([]traces.Ref{amo(0, x)}, repeat(10, func(int) []traces.Ref { return []traces.Ref{amo(1, x), amo(0, x)} })...),
			Migratory, 20, 0, 20,
		},
		{
			"data under a lock", append([]traces.Ref{store(0, x)}, repeat(10, func(int) []traces.Ref {
				return []traces.Ref{load(1, x), store(1, x), load(0, x), store(0, x)}
			})...),
			Migratory, 20, 0, 20,
		},
		{
			// Read by 1 and 2, written by 0: the write takes both copies away.
			"one writes, two read", append([]traces.Ref{store(0, x)}, repeat(10, func(int) []traces.Ref {
				return []traces.Ref{load(1, x), load(2, x), store(0, x)}
			})...),
			ProducerConsumer, 20, 0, 20,
		},
		{
			// Thread 0 zeroes both counters; that first transfer is true.
			"two counters in a line", append([]traces.Ref{store(0, x), store(0, x+8)}, repeat(10, func(int) []traces.Ref {
				return []traces.Ref{load(1, x+8), store(1, x+8), load(0, x), store(0, x)}
			})...),
			FalseShared, 1, 19, 20,
		},
		{
			"one writes beside what another reads", append([]traces.Ref{load(1, x+32)}, repeat(10, func(int) []traces.Ref {
				return []traces.Ref{store(0, x), load(1, x+32)}
			})...),
			FalseShared, 0, 10, 10,
		},
		{
			// A lock: two take it in turn, and three look at it meanwhile.
			"flag that others spin on", append([]traces.Ref{store(0, x)}, repeat(10, func(i int) []traces.Ref {
				return []traces.Ref{load(1, x), load(2, x), load(3, x), load(4, x), store(uint32(i%2), x)}
			})...),
			Mixed, 0, 0, 0,
		},
		{
			"many writers, one reader each time", append([]traces.Ref{store(0, x)}, repeat(5, func(i int) []traces.Ref {
				return []traces.Ref{load(1, x), store(1, x), load(2, x), store(2, x), load(0, x), store(0, x)}
			})...),
			Migratory, 15, 0, 15,
		},
	}
	for _, tt := range tests {
		a := New(Options{})
		a.Add(tt.refs)
		r := a.Result(5)
		for _, c := range r.Sharing {
			if want := c.Class == tt.class; (c.Lines == 1) != want {
				t.Errorf("%s: %v lines are %v", tt.name, c.Lines, c.Class)
			}
		}
		if tt.class == Private || tt.class == Mixed {
			continue
		}
		l := r.SharedLines[0]
		if l.TrueTransfers != tt.true_ || l.FalseTransfers != tt.not || l.Invalidations != tt.invalid {
			t.Errorf("%s: %d true and %d false transfers, %d invalidations; want %d, %d, %d",
				tt.name, l.TrueTransfers, l.FalseTransfers, l.Invalidations, tt.true_, tt.not, tt.invalid)
		}
	}
}

// naiveCopies keeps every thread's view of every byte, without any masks.
type naiveCopies struct {
	version map[uint64]int         // of each byte, by writes
	saw     map[[2]uint64]int      // thread, byte: the version that it saw
	has     map[uint64]map[int]int // line, thread: 1 a transfer that was of no use yet, 2 of use, 3 its first copy
	wrote   map[uint64]map[int]bool
	useful  int
	useless int
	taken   int
}

func (n *naiveCopies) byOther(line uint64, thread int) bool {
	for t := range n.wrote[line] {
		if t != thread {
			return true
		}
	}
	return false
}

func (n *naiveCopies) access(thread int, addr uint64, size int, write bool) {
	line := addr / 64
	if n.has[line] == nil {
		n.has[line], n.wrote[line] = map[int]int{}, map[int]bool{}
	}
	if n.has[line][thread] == 0 {
		n.has[line][thread] = 3
		if n.byOther(line, thread) {
			n.has[line][thread] = 1
			n.useless++
		}
	}
	for b := addr; b < addr+uint64(size); b++ {
		key := [2]uint64{uint64(thread), b}
		if n.version[b] != n.saw[key] && n.has[line][thread] == 1 {
			n.has[line][thread] = 2
			n.useless--
			n.useful++
		}
		n.saw[key] = n.version[b]
	}
	if !write {
		return
	}
	n.wrote[line][thread] = true
	for b := addr; b < addr+uint64(size); b++ {
		n.version[b]++
		n.saw[[2]uint64{uint64(thread), b}] = n.version[b]
	}
	for other := range n.has[line] {
		if other != thread {
			delete(n.has[line], other)
			n.taken++
		}
	}
}

func TestTransfersAgainstNaive(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 9))
		naive := naiveCopies{version: map[uint64]int{}, saw: map[[2]uint64]int{}, has: map[uint64]map[int]int{}, wrote: map[uint64]map[int]bool{}}
		a := New(Options{})
		threads := 2 + rng.IntN(5)
		for range 4000 {
			thread := rng.IntN(threads)
			addr := 64*rng.Uint64N(8) + 8*rng.Uint64N(8)
			if rng.IntN(3) == 0 { // mostly its own words
				addr = addr&^63 + 8*uint64(thread)
			}
			r := load(uint32(thread), addr)
			r.Size = uint32(1 + rng.IntN(8))
			if rng.IntN(4) == 0 {
				r.Kind = traces.Store
			}
			a.Add([]traces.Ref{r})
			naive.access(thread, addr, int(r.Size), r.Kind == traces.Store)
		}
		useful, useless, taken := 0.0, 0.0, 0.0
		for _, c := range a.Result(1).Sharing {
			useful += c.TrueTransfers
			useless += c.FalseTransfers
			taken += c.Invalidations
		}
		if int(useful) != naive.useful || int(useless) != naive.useless || int(taken) != naive.taken {
			t.Errorf("seed %d: %v true, %v false, %v taken; want %d, %d, %d", seed, useful, useless, taken, naive.useful, naive.useless, naive.taken)
		}
	}
}
