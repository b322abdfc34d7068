package analysis

import (
	"cmp"
	"math/bits"
	"slices"
)

// A stride is the difference between the addresses of two data references in a
// row of one instruction (by its pc), or of one thread where the trace has no
// pcs, in bytes. Those up to maxExact either way are counted one by one, others
// by the power of two below them.
const maxExact = 4096

type strides struct {
	exact [2*maxExact + 1]uint64
	down  [64]uint64 // down[k]: -2^k and below, above -2^(k+1)
	up    [64]uint64
	total uint64
}

func (s *strides) add(d int64) {
	s.total++
	switch {
	case d >= -maxExact && d <= maxExact:
		s.exact[d+maxExact]++
	case d < 0:
		s.down[bits.Len64(uint64(-d))-1]++
	default:
		s.up[bits.Len64(uint64(d))-1]++
	}
}

// StrideBucket counts the strides from From to To, both included.
type StrideBucket struct {
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	Count uint64 `json:"count"`
}

// buckets joins exact strides to powers of two, and lists what is not empty.
func (s *strides) buckets() []StrideBucket {
	down, up := s.down, s.up
	for d := int64(1); d <= maxExact; d++ {
		down[bits.Len64(uint64(d))-1] += s.exact[maxExact-d]
		up[bits.Len64(uint64(d))-1] += s.exact[maxExact+d]
	}
	var out []StrideBucket
	for k := 63; k >= 0; k-- {
		if down[k] > 0 {
			out = append(out, StrideBucket{-1 << min(k+1, 63), -1 << k, down[k]})
			if k < 63 {
				out[len(out)-1].From++
			}
		}
	}
	if n := s.exact[maxExact]; n > 0 {
		out = append(out, StrideBucket{0, 0, n})
	}
	for k := range 63 {
		if up[k] > 0 {
			out = append(out, StrideBucket{1 << k, 1<<k - 1 + 1<<k, up[k]})
		}
	}
	return out
}

// top lists the most frequent exact strides.
func (s *strides) top(n int) []StrideBucket {
	var all []StrideBucket
	for i, c := range s.exact {
		if d := int64(i) - maxExact; c > 0 {
			all = append(all, StrideBucket{d, d, c})
		}
	}
	slices.SortFunc(all, func(a, b StrideBucket) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(max(a.From, -a.From), max(b.From, -b.From)), cmp.Compare(a.From, b.From))
	})
	return all[:min(n, len(all))]
}

// pcStats is what one instruction did.
type pcStats struct {
	reads, writes uint64
	last          uint64
	stride        frequent
	moves         uint64 // transfers between threads that it caused
}

// pcTable keeps the most frequent pcs. When it is full, the rarer half is
// dropped: a pc that is listed may lack at most `lost` references.
type pcTable struct {
	limit int
	at    map[uint64]*pcStats
	lost  uint64
}

func (t *pcTable) get(pc uint64) (p *pcStats, fresh bool) {
	if p := t.at[pc]; p != nil {
		return p, false
	}
	if len(t.at) >= t.limit {
		t.prune()
	}
	p = &pcStats{}
	t.at[pc] = p
	return p, true
}

func (t *pcTable) prune() {
	for i, pc := range t.byCount() {
		if i < t.limit/2 {
			continue
		}
		t.lost = max(t.lost, t.at[pc].reads+t.at[pc].writes)
		delete(t.at, pc)
	}
}

// byCount lists the pcs, most references first.
func (t *pcTable) byCount() []uint64 {
	pcs := make([]uint64, 0, len(t.at))
	for pc := range t.at {
		pcs = append(pcs, pc)
	}
	slices.SortFunc(pcs, func(a, b uint64) int {
		x, y := t.at[a], t.at[b]
		return cmp.Or(cmp.Compare(y.reads+y.writes, x.reads+x.writes), cmp.Compare(a, b))
	})
	return pcs
}
