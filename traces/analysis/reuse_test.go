package analysis

import (
	"math"
	"math/rand/v2"
	"testing"

	"mcsim/traces"
)

func load(thread uint32, addr uint64) traces.Ref {
	return traces.Ref{VA: addr, Size: 8, Thread: thread, Kind: traces.Load, Has: traces.HasVA}
}

func store(thread uint32, addr uint64) traces.Ref {
	r := load(thread, addr)
	r.Kind = traces.Store
	return r
}

// walkOfLines mixes runs, loops and jumps over n lines.
func walkOfLines(seed uint64, length, n int) []uint64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]uint64, 0, length)
	for len(out) < length {
		from, run := rng.Uint64N(uint64(n)), 1+rng.IntN(40)
		for range 1 + rng.IntN(3) {
			for i := range run {
				for range 1 + rng.IntN(2) {
					out = append(out, (from+uint64(i))%uint64(n))
				}
			}
		}
	}
	return out[:length]
}

// naiveReuse looks back from every touch, O(n^2). -1 is a first touch.
func naiveReuse(lines []uint64) []int {
	out := make([]int, len(lines))
	for i := range lines {
		out[i] = -1
		between := map[uint64]bool{}
		for j := i - 1; j >= 0; j-- {
			if lines[j] == lines[i] {
				out[i] = len(between)
				break
			}
			between[lines[j]] = true
		}
	}
	return out
}

func TestReuseAgainstNaive(t *testing.T) {
	for seed := range uint64(6) {
		lines := walkOfLines(seed, 6000, 20+int(seed)*200)
		a := New(Options{})
		for _, l := range lines {
			a.Add([]traces.Ref{load(0, l*64)})
		}
		var want [numBuckets]float64
		cold := 0.0
		for _, d := range naiveReuse(lines) {
			if d < 0 {
				cold++
			} else {
				b := 0 // the last bucket that begins at or below d
				for b+1 < numBuckets && bucketFrom(b+1) <= uint64(d) {
					b++
				}
				want[b]++
			}
		}
		r := a.Result(10)
		if r.Data.Cold != cold || r.Data.Rate != 1 || r.Data.Lines != cold {
			t.Errorf("seed %d: cold %v, rate %v, lines %v; want %v, 1", seed, r.Data.Cold, r.Data.Rate, r.Data.Lines, cold)
		}
		for b, bucket := range r.Data.Reuse {
			if bucket.From != bucketFrom(b) || bucket.Count != want[b] {
				t.Errorf("seed %d: bucket %d: %v from %d, want %v", seed, b, bucket.Count, bucket.From, want[b])
			}
		}
	}
}

// lruMisses is a list that moves what is touched to its front.
func lruMisses(lines []uint64, size int) int {
	var list []uint64
	misses := 0
	for _, l := range lines {
		at := -1
		for i, x := range list {
			if x == l {
				at = i
			}
		}
		if at < 0 {
			misses++
			if len(list) == size {
				list = list[:size-1]
			}
			list = append(list, 0)
			at = len(list) - 1
		}
		copy(list[1:at+1], list[:at])
		list[0] = l
	}
	return misses
}

func TestMissRatioIsThatOfLRU(t *testing.T) {
	lines := walkOfLines(7, 20000, 300)
	a := New(Options{Line: 32})
	for _, l := range lines {
		a.Add([]traces.Ref{load(0, l*32)})
	}
	for _, p := range a.Result(1).Data.MissRatio {
		want := float64(lruMisses(lines, int(p.Lines))) / float64(len(lines))
		if math.Abs(p.MissRatio-want) > 1e-12 || p.Bytes != p.Lines*32 {
			t.Errorf("%d lines: miss ratio %v, want %v", p.Lines, p.MissRatio, want)
		}
	}
}

// Beyond the limit, a sample of lines stands for all: the curve stays close to
// the exact one, and the memory stays bounded.
func TestSampledCurve(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	exact, sampled := New(Options{}), New(Options{Lines: 1 << 11})
	const lines = 40000
	for i := range 600000 {
		addr := rng.Uint64N(lines) // uniform over all, and over an eighth of them
		if i%2 == 0 {
			addr /= 8
		}
		ref := []traces.Ref{load(0, addr*64)}
		exact.Add(ref)
		sampled.Add(ref)
		if n := len(sampled.data.index); n > 1<<11 {
			t.Fatalf("%d lines are kept", n)
		}
	}
	e, s := exact.Result(1), sampled.Result(1)
	if s.Data.Rate >= 1 || s.Data.Rate < 1.0/64 {
		t.Errorf("rate %v", s.Data.Rate)
	}
	if math.Abs(s.Data.Lines-e.Data.Lines) > 0.1*e.Data.Lines {
		t.Errorf("%v lines, exactly %v", s.Data.Lines, e.Data.Lines)
	}
	at := map[uint64]float64{}
	for _, p := range e.Data.MissRatio {
		at[p.Lines] = p.MissRatio
	}
	compared := 0
	for _, p := range s.Data.MissRatio {
		if want, ok := at[p.Lines]; ok && p.Lines >= 512 {
			compared++
			if math.Abs(p.MissRatio-want) > 0.05 {
				t.Errorf("%d lines: miss ratio %v, exactly %v", p.Lines, p.MissRatio, want)
			}
		}
	}
	if compared < 15 {
		t.Errorf("only %d points compared", compared)
	}
}

func TestWorkingSetAgainstNaive(t *testing.T) {
	for _, length := range []int{500, 5000, 700_000} {
		lines := walkOfLines(uint64(length), length, 3000)
		a := New(Options{})
		for _, l := range lines {
			a.Add([]traces.Ref{load(0, l*64)})
		}
		r := a.Result(1)
		if n := len(r.Windows); n > maxWindows || length > 1<<19 && n < maxWindows/2 {
			t.Errorf("%d references: %d windows", length, n)
		}
		for _, w := range r.Windows {
			distinct := map[uint64]bool{}
			for i := w.From; i < min(w.From+r.Window, uint64(length)); i++ {
				distinct[lines[i]] = true
			}
			if w.DataLines != float64(len(distinct)) {
				t.Fatalf("%d references: window at %d: %v lines, want %d", length, w.From, w.DataLines, len(distinct))
			}
		}
	}
}
