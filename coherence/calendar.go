package coherence

import "math/bits"

// calendarWords is the length of a Calendar's ring. With 64 granules to a word
// it spans 65,536 granules, several times the longest sensible quantum.
const calendarWords = 1024

// Calendar is the occupancy of one resource: a bus, a bank, a channel. Requests
// reach it out of order (those of a later round in a quantum may carry earlier
// stamps), so it keeps a bit per granule of time instead of one busy-until
// mark, and a late-comer with an early stamp still finds the gap that was free
// then.
//
// A granule is 1<<gran cycles. Time that fell off the ring's early end is
// forgotten: it counts as free and is not charged.
type Calendar struct {
	busy [calendarWords]uint64 // word w of time at busy[w%calendarWords]
	head uint64                // the last word of time on the ring
	gran uint8
}

// NewCalendar returns an empty calendar for reservations of up to longest
// cycles. It measures in single cycles up to 64, in coarser granules beyond.
func NewCalendar(longest uint64) *Calendar {
	c := &Calendar{head: calendarWords - 1}
	for (longest+(1<<c.gran)-1)>>c.gran > 64 {
		c.gran++
	}
	return c
}

// Reserve takes dur cycles in one piece, the first such at or after cycle t,
// and returns where they start. A dur longer than NewCalendar was told counts
// as the longest.
func (c *Calendar) Reserve(t, dur uint64) uint64 {
	n := (dur + (1 << c.gran) - 1) >> c.gran
	if n == 0 {
		return t
	}
	n = min(n, 64)
	for g := t >> c.gran; ; {
		w, off := g>>6, g&63
		if w >= c.head {
			c.advance(w + 1)
		} else if w+calendarWords <= c.head {
			return t
		}
		lo, hi := &c.busy[w%calendarWords], &c.busy[(w+1)%calendarWords]
		taken := *lo>>off | *hi<<(64-off)
		if at := firstRun(^taken, n); at < 64 {
			piece := (^uint64(0) >> (64 - n)) << at
			*lo |= piece << off
			*hi |= piece >> (64 - off)
			return max(t, (g+at)<<c.gran)
		}
		// Only the free granules at the window's end can begin a longer run.
		g += 64 - uint64(bits.LeadingZeros64(taken))
	}
}

// advance moves the ring on until word w is its last.
func (c *Calendar) advance(w uint64) {
	first := c.head + 1
	if w-c.head > calendarWords {
		first = w - calendarWords + 1
	}
	for i := first; i <= w; i++ {
		c.busy[i%calendarWords] = 0
	}
	c.head = w
}

// firstRun is the position of the first n set bits in a row, or 64.
func firstRun(free, n uint64) uint64 {
	for have := uint64(1); have < n; {
		step := min(have, n-have)
		free &= free >> step
		have += step
	}
	return uint64(bits.TrailingZeros64(free))
}
