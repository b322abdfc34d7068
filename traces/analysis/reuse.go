package analysis

import "math/bits"

// A reuse distance (stack distance, Mattson et al. 1970) is the number of
// distinct other lines that were touched since a line's previous touch: 0 for
// two touches in a row. A fully associative LRU cache of C lines hits exactly
// the touches whose distance is less than C. A line's first touch has none.
//
// stack orders the live lines by their last touch: each has a position in time,
// and a Fenwick tree counts the positions that are taken. When the positions
// run out they are numbered anew, which costs amortized O(1).
type stack struct {
	tree []uint32 // Fenwick tree, from 1, over the taken positions
	slot []int32  // of the line at each position, or -1
	next int      // the position of the next touch
	live int
}

const firstPositions = 1 << 12

func newStack() *stack {
	s := &stack{}
	s.size(firstPositions)
	return s
}

func (s *stack) size(n int) {
	s.tree = make([]uint32, n+1)
	s.slot = make([]int32, n)
	for i := range s.slot {
		s.slot[i] = -1
	}
}

func (s *stack) add(pos int, delta uint32) {
	for i := pos + 1; i < len(s.tree); i += i & -i {
		s.tree[i] += delta
	}
}

// upTo counts the lines whose position is at most pos.
func (s *stack) upTo(pos int) int {
	n := uint32(0)
	for i := pos + 1; i > 0; i -= i & -i {
		n += s.tree[i]
	}
	return int(n)
}

// push enters a line that is not in the stack, and returns its position.
func (s *stack) push(slot int32, lines []line) int32 {
	if s.next == len(s.slot) {
		s.renumber(lines)
	}
	pos := s.next
	s.next++
	s.slot[pos] = slot
	s.add(pos, 1)
	s.live++
	return int32(pos)
}

// remove takes the line at pos out.
func (s *stack) remove(pos int32) {
	s.slot[pos] = -1
	s.add(int(pos), ^uint32(0))
	s.live--
}

// depth is the reuse distance of a touch of the line at pos.
func (s *stack) depth(pos int32) uint64 { return uint64(s.live - s.upTo(int(pos))) }

// renumber closes the gaps, and makes room for as many touches as there are
// lines, at least.
func (s *stack) renumber(lines []line) {
	old := s.slot
	n := len(old)
	if s.live > n/2 {
		n *= 2
	}
	s.size(n)
	s.next = 0
	for _, slot := range old {
		if slot < 0 {
			continue
		}
		lines[slot].pos = int32(s.next)
		s.slot[s.next] = slot
		s.next++
	}
	for i := 1; i <= s.next; i++ { // every position below next is taken
		s.tree[i]++
	}
	for i := 1; i < len(s.tree); i++ {
		if up := i + i&-i; up < len(s.tree) {
			s.tree[up] += s.tree[i]
		}
	}
}

// Distances are counted in buckets, four to an octave: 0, 1, 2, 3, 4, 5, 6, 7,
// 8-9, 10-11, 12-13, 14-15, 16-19, ... so that hits of caches of those numbers
// of lines are exact sums.
const numBuckets = 8 + 4*(61)

func bucketOf(d uint64) int {
	if d < 8 {
		return int(d)
	}
	octave := bits.Len64(d) - 1
	return 8 + 4*(octave-3) + int(d>>(octave-2))&3
}

// bucketFrom is the least distance of a bucket.
func bucketFrom(b int) uint64 {
	if b < 8 {
		return uint64(b)
	}
	octave := (b-8)/4 + 3
	return uint64(4+(b-8)%4) << (octave - 2)
}

// histogram counts distances; weights are what a sampled touch stands for.
type histogram struct {
	buckets [numBuckets]float64
	cold    float64 // first touches
	touches uint64  // all, also those that the sampling skipped
}

// Bucket counts the touches whose reuse distance is From or more, and less than
// that of the next bucket.
type Bucket struct {
	From  uint64  `json:"from"`
	Count float64 `json:"count"`
}

// Point is the share of touches that a fully associative LRU cache of a size
// misses, cold misses included.
type Point struct {
	Lines     uint64  `json:"lines"`
	Bytes     uint64  `json:"bytes"`
	MissRatio float64 `json:"miss_ratio"`
}

// result lists the buckets up to the last that is not empty, and the curve. If
// lines were sampled, the sample stands for more or fewer touches than there
// were. What is missing goes to distance 0, as in SHARDS-adj: it is that of few
// very hot lines that were not in the sample. What is too much is scaled down.
func (h *histogram) result(lineBytes uint64) ([]Bucket, []Point) {
	counts := h.buckets
	sum := h.cold
	last := -1
	for b, n := range counts {
		sum += n
		if n > 0 {
			last = b
		}
	}
	if h.touches == 0 {
		return nil, nil
	}
	scale := 1.0
	if missing := float64(h.touches) - sum; missing >= 0 {
		counts[0] += missing
	} else {
		scale = float64(h.touches) / sum
	}
	var buckets []Bucket
	var curve []Point
	misses := float64(h.touches)
	for b := 0; b <= last+1 && b < numBuckets; b++ {
		if from := bucketFrom(b); from > 0 {
			curve = append(curve, Point{from, from * lineBytes, min(1, max(0, misses/float64(h.touches)))})
		}
		if b <= last {
			buckets = append(buckets, Bucket{bucketFrom(b), scale * counts[b]})
			misses -= scale * counts[b]
		}
	}
	return buckets, curve
}
