package analysis

// line is what is known of a line of memory.
type line struct {
	number  uint64 // address / line size
	touched uint64 // granules
	written uint64
	refs    uint64
	writes  uint64
	pos     int32  // in the stack
	thread  int32  // the only one that touched it, if shared is nil
	seen    uint32 // the last base window in which it was touched
	shared  *sharing
}

// lineTable holds the lines of one kind, of data or of code, exactly or sampled.
type lineTable struct {
	limit  int // lines, and records of their sharers, that may be kept
	shift  uint
	rate   uint // lines whose hash has that many leading zeros are kept: 1 in 2^rate
	index  map[uint64]int32
	lines  []line
	free   []int32
	stack  *stack
	reuse  histogram
	window workingSet
	extra  int // records of sharers

	// The line touched last needs no look-up.
	lastNumber uint64
	lastSlot   int32
}

func newLineTable(limit int, shift uint) *lineTable {
	return &lineTable{limit: limit, shift: shift, index: map[uint64]int32{}, stack: newStack(), lastSlot: -1}
}

// hash mixes the bits of a line's number (the finalizer of SplitMix64, Steele,
// Lea, Flood 2014). It decides who is sampled, the same in every run.
func hash(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (t *lineTable) sampled(number uint64) bool { return hash(number)>>(64-t.rate) == 0 }

// weight is what one sampled line or touch stands for.
func (t *lineTable) weight() float64 { return float64(uint64(1) << t.rate) }

// touch counts a touch of a line at a moment, and returns its slot, or -1 if the
// line is not in the sample; fresh tells the first touch.
func (t *lineTable) touch(number uint64, now uint64) (slot int32, fresh bool) {
	t.reuse.touches++
	if t.lastSlot >= 0 && t.lastNumber == number {
		t.reuse.buckets[0] += t.weight()
		slot = t.lastSlot
	} else {
		if t.rate > 0 && !t.sampled(number) {
			// The line touched last is another one now, but in the sampled
			// stream nothing lies between.
			return -1, false
		}
		var known bool
		slot, known = t.index[number]
		if !known {
			return t.enter(number, now), true
		}
		l := &t.lines[slot]
		t.reuse.buckets[bucketOf(t.stack.depth(l.pos)<<t.rate)] += t.weight()
		t.stack.remove(l.pos)
		pos := t.stack.push(slot, t.lines)
		t.lines[slot].pos = pos
		t.lastNumber, t.lastSlot = number, slot
	}
	l := &t.lines[slot]
	if base := uint32(now >> baseWindow); base != l.seen {
		t.window.first(l.seen, base, t.weight())
		l.seen = base
	}
	return slot, false
}

func (t *lineTable) enter(number, now uint64) int32 {
	if len(t.index)+t.extra >= t.limit {
		t.thin()
		if !t.sampled(number) {
			return -1
		}
	}
	var slot int32
	if n := len(t.free); n > 0 {
		slot = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		slot = int32(len(t.lines))
		t.lines = append(t.lines, line{})
	}
	t.lines[slot] = line{number: number, thread: -1, seen: uint32(now >> baseWindow)}
	t.index[number] = slot
	t.lines[slot].pos = t.stack.push(slot, t.lines)
	t.reuse.cold += t.weight()
	t.window.first(never, uint32(now>>baseWindow), t.weight())
	t.lastNumber, t.lastSlot = number, slot
	return slot
}

// thin halves the rate until half of the room is free.
func (t *lineTable) thin() {
	for len(t.index)+t.extra > t.limit/2 && t.rate < 60 {
		t.rate++
		for slot := range t.lines {
			l := &t.lines[slot]
			if l.pos < 0 || t.sampled(l.number) {
				continue
			}
			t.stack.remove(l.pos)
			delete(t.index, l.number)
			if l.shared != nil {
				t.extra -= len(l.shared.sharers)
			}
			*l = line{pos: -1}
			t.free = append(t.free, int32(slot))
		}
	}
	t.lastSlot = -1
}
