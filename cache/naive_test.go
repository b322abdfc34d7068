package cache

// The replacement policies as the textbooks tell them, with their own state per
// set, to compare the decisions that Array derives from stamps with.

// textbook is one set's replacement state.
type textbook interface {
	hit(way int)
	fill(way int)
	victim(mask uint64) int // of a full set; mask has a bit per allowed way
}

func newTextbook(p Policy, ways int, rng *splitmix64) textbook {
	switch p {
	case LRU:
		return &list{reorder: true}
	case FIFO:
		return &list{}
	case TreePLRU:
		return &tree{ways: ways, bit: make([]bool, ways)}
	case SRRIP:
		return &rrip{rrpv: make([]int, ways)}
	}
	return &dice{rng: rng, ways: ways}
}

// list is a queue of ways, the victim first: LRU if a hit moves a way to the
// end, else FIFO.
type list struct {
	order   []int
	reorder bool
}

func (l *list) hit(way int) {
	if l.reorder {
		l.fill(way)
	}
}

func (l *list) fill(way int) {
	for i, w := range l.order {
		if w == way {
			l.order = append(l.order[:i], l.order[i+1:]...)
			break
		}
	}
	l.order = append(l.order, way)
}

func (l *list) victim(mask uint64) int {
	for _, w := range l.order {
		if mask>>w&1 != 0 {
			return w
		}
	}
	panic("no way allowed")
}

// tree is a complete binary tree over the ways: bit[1] is the root, and the
// children of n are 2n and 2n+1. A true bit sends the victim right.
type tree struct {
	ways int
	bit  []bool
}

func (t *tree) hit(way int) {
	for n := way + t.ways; n > 1; n /= 2 {
		t.bit[n/2] = n%2 == 0 // away from the child that the access came through
	}
}

func (t *tree) fill(way int) { t.hit(way) }

func (t *tree) victim(mask uint64) int {
	n := 1
	for n < t.ways {
		right := 0
		if t.bit[n] {
			right = 1
		}
		n = 2*n + right
		if !t.allowed(n, mask) {
			n ^= 1
		}
	}
	return n - t.ways
}

func (t *tree) allowed(n int, mask uint64) bool {
	if n >= t.ways {
		return mask>>(n-t.ways)&1 != 0
	}
	return t.allowed(2*n, mask) || t.allowed(2*n+1, mask)
}

// rrip is SRRIP with hit priority and 2-bit counters.
type rrip struct{ rrpv []int }

func (r *rrip) hit(way int)  { r.rrpv[way] = 0 }
func (r *rrip) fill(way int) { r.rrpv[way] = 2 }

func (r *rrip) victim(mask uint64) int {
	for {
		for w, v := range r.rrpv {
			if mask>>w&1 != 0 && v == 3 {
				return w
			}
		}
		for w := range r.rrpv {
			if mask>>w&1 != 0 {
				r.rrpv[w]++
			}
		}
	}
}

// dice is random replacement: one draw of the generator per fill, whether the
// fill needs it or not.
type dice struct {
	rng  *splitmix64
	ways int
}

func (d *dice) hit(int)  {}
func (d *dice) fill(int) {}

func (d *dice) victim(mask uint64) int {
	var allowed []int
	for w := range d.ways {
		if mask>>w&1 != 0 {
			allowed = append(allowed, w)
		}
	}
	high := d.rng.draw >> 32 // the multiplication that maps a draw to a range, in 32 bits
	return allowed[high*uint64(len(allowed))>>32]
}

// splitmix64 is the generator as published, stepping its state.
type splitmix64 struct{ state, draw uint64 }

func (s *splitmix64) next() uint64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	s.draw = z ^ (z >> 31)
	return s.draw
}
