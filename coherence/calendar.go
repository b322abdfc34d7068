package coherence

import (
	"math/bits"
	"unsafe"
)

// calendarWords is the length of a Calendar's ring. With 64 granules to a word
// it spans 16,384 granules, more than the longest sensible quantum.
const calendarWords = 256

// Calendar is the occupancy of one resource: a bus, a bank, a channel. Requests
// reach it out of order (those of a later round in a quantum may carry earlier
// stamps), so it keeps a bit per granule of time instead of one busy-until
// mark, and a late-comer with an early stamp still finds the gap that was free
// then.
//
// A granule is 1<<gran cycles. Time that fell off the ring's early end is
// forgotten: it counts as free and is not charged.
type Calendar struct {
	ring  []calendarWord // word w of time at ring[w%calendarWords<<stride]
	shift uint8          // the logarithm of the bytes from one word to the next
	gran  uint8
	usual reservation // the longest
}

// reservation is how long a resource is taken.
type reservation struct {
	granules uint64 // 0 to 16
	piece    uint64 // so many bits
	last     uint64 // where in a word it can begin at the latest
}

// calendarWord is 64 granules. One that still holds an earlier time is stale:
// it counts as empty, so that nothing has to be cleared as time goes on.
type calendarWord struct {
	time uint64 // word of time
	busy uint64
}

// NewCalendar returns an empty calendar for reservations of up to longest
// cycles. It measures in single cycles up to 16, in coarser granules beyond:
// most reservations then lie within one word.
func NewCalendar(longest uint64) *Calendar { return &newCalendars(1, longest)[0] }

// newCalendars returns n calendars. Their words of the same time lie together,
// because what is in use at any moment is all of them around the present.
func newCalendars(n int, longest uint64) []Calendar {
	stride := uint8(bits.Len(uint(n - 1)))
	ring := make([]calendarWord, calendarWords<<stride)
	cs := make([]Calendar, n)
	for i := range cs {
		c := &cs[i]
		c.ring, c.shift = ring[i:], stride+uint8(bits.TrailingZeros(uint(unsafe.Sizeof(calendarWord{}))))
		for (longest+(1<<c.gran)-1)>>c.gran > 16 {
			c.gran++
		}
		n := c.granules(longest)
		c.usual = reservation{n, 1<<n - 1, 64 - n}
	}
	return cs
}

// granules is how many of them dur cycles take.
func (c *Calendar) granules(dur uint64) uint64 { return (dur + 1<<(c.gran&63) - 1) >> (c.gran & 63) }

// lasting is a reservation of dur cycles. More than NewCalendar was told count as
// that.
func (c *Calendar) lasting(dur uint64) reservation {
	n := min(c.granules(dur), c.usual.granules)
	return reservation{n, 1<<n - 1, 64 - n}
}

// Reserve takes dur cycles in one piece, the first such at or after cycle t,
// and returns where they start. A dur longer than NewCalendar was told counts
// as the longest.
func (c *Calendar) Reserve(t, dur uint64) uint64 {
	r := c.lasting(dur)
	return c.take(t, &r)
}

// Take is Reserve for as long as NewCalendar was told.
func (c *Calendar) Take(t uint64) uint64 { return c.take(t, &c.usual) }

// take makes a reservation. As usual its granules are free, and within a word.
func (c *Calendar) take(t uint64, r *reservation) uint64 {
	g := t >> (c.gran & 63)
	w, off := g>>6, g&63
	s := c.slot(w)
	busy, piece := s.busy, r.piece<<(off&63)
	if s.time < w {
		busy = 0
	}
	if s.time > w || busy&piece != 0 || off > r.last {
		return c.search(t, g, r.granules)
	}
	s.time, s.busy = w, busy|piece
	return t
}

// search finds the first n free granules in a row from granule g on. It is rare
// enough not to be in the way of what is not.
//
//go:noinline
func (c *Calendar) search(t, g, n uint64) uint64 {
	if n == 0 {
		return t
	}
	for {
		w, off := g>>6, g&63
		lo := c.at(w)
		if lo == nil {
			return max(t, g<<c.gran)
		}
		if off+n <= 64 {
			if at := firstRun(^lo.busy>>off, n); at < 64 {
				lo.busy |= (^uint64(0) >> (64 - n)) << (off + at)
				return max(t, (g+at)<<c.gran)
			}
		}
		taken := lo.busy>>off | ^uint64(0)<<(64-off)
		hi := c.at(w + 1)
		if hi != nil {
			taken = lo.busy>>off | hi.busy<<(64-off)
			if at := firstRun(^taken, n); at < 64 {
				piece := (^uint64(0) >> (64 - n)) << at
				lo.busy |= piece << off
				hi.busy |= piece >> (64 - off)
				return max(t, (g+at)<<c.gran)
			}
		}
		// Only the free granules at the window's end can begin a longer run.
		g += 64 - uint64(bits.LeadingZeros64(taken))
	}
}

// at is word w of time, or nil if it has fallen off the ring.
func (c *Calendar) at(w uint64) *calendarWord {
	s := c.slot(w)
	if s.time != w {
		if s.time > w {
			return nil
		}
		*s = calendarWord{time: w}
	}
	return s
}

// slot is where word w of time lies, if it does. Every w has a place in the ring.
func (c *Calendar) slot(w uint64) *calendarWord {
	at := w % calendarWords << (c.shift & 63)
	return (*calendarWord)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(c.ring)), at))
}

// firstRun is the position of the first n set bits in a row, or 64.
func firstRun(free, n uint64) uint64 {
	if piece := uint64(1)<<n - 1; free&piece == piece {
		return 0
	}
	for have := uint64(1); have < n; {
		step := min(have, n-have)
		free &= free >> step
		have += step
	}
	return uint64(bits.TrailingZeros64(free))
}
