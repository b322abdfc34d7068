package core

import (
	"encoding/binary"

	"mcsim/addr"
	"mcsim/coherence"
)

// storeQueue is a FIFO store buffer. A store that misses waits here while the
// hart runs on; loads see it by forwarding. Stores become visible to others in
// order, each when the bus has served it: TSO, which RVWMO allows.
//
// Only stores that have to wait take a place. A place stays taken until the
// line would have arrived (busy), which is what makes a hart with many misses
// stall; the store itself is done, in bus order, when it drains.
type storeQueue struct {
	entry []sbEntry
	next  uint64   // clock at which the oldest store leaves
	busy  []uint64 // clocks at which places become free again
}

type sbEntry struct {
	pa    addr.PA
	size  uint64 // 1 to 8, or words of 8 bytes that all get the value (Driver)
	value uint64

	// If tlb is not nil, the line may go to the line table when the store is done,
	// provided that addresses still mean what they did in epoch.
	va    uint64
	tlb   *uint64
	epoch uint64
}

// sbDelay is how long a store waits at least before it asks for its line: a
// few stages between retirement and the L1D.
const sbDelay = 4

func (h *Hart) sbPush(pa addr.PA, size, v uint64) {
	h.stats.Buffered++
	q := &h.sb
	if len(q.entry) == h.cfg.StoreQueue {
		h.drainSome(1)
	}
	// Places that are taken by stores on their way stall the hart.
	for len(q.busy)+len(q.entry) >= h.cfg.StoreQueue && len(q.busy) > 0 {
		h.waitUntil(q.busy[0])
		q.busy = append(q.busy[:0], q.busy[1:]...)
	}
	if len(q.entry) == 0 {
		q.next = h.Clock() + sbDelay
		h.limitTo(q.next)
	}
	q.entry = append(q.entry, sbEntry{pa: pa, size: size, value: v})
	h.sbCount = len(q.entry)
	if slot := h.mem.Readable(pa); slot >= 0 {
		h.DropData(slot)
	}
}

// sbKeep says of the youngest waiting store, which is to va, that its line may go to
// the line table.
func (h *Hart) sbKeep(va uint64, t *translation) {
	e := &h.sb.entry[len(h.sb.entry)-1]
	e.va, e.tlb, e.epoch = va, t.Stamp, h.tab.epoch
}

// drainSome sends the oldest n stores to the cache, in order. The hart's clock
// does not wait for them.
func (h *Hart) drainSome(n int) {
	q := &h.sb
	for ; n > 0 && len(q.entry) > 0; n-- {
		e := q.entry[0]
		a := &h.acc
		*a = coherence.Access{Op: coherence.OpStore, Size: uint8(e.size), PA: e.pa, Value: e.value}
		if e.size > 8 {
			a.Op, a.Size = coherence.OpStoreWords, uint8(e.size/8)
		}
		now := h.Clock()
		done := h.mem.Store(a, now)
		if done > now {
			// Stores complete in order.
			if k := len(q.busy); k > 0 {
				done = max(done, q.busy[k-1])
			}
			q.busy = append(q.busy, done)
		}
		q.entry = append(q.entry[:0], q.entry[1:]...)
		h.sbCount = len(q.entry)
		if e.tlb != nil && e.epoch == h.tab.epoch && h.mem.WritableAt(a.Slot, e.pa) && !h.sbHolds(e.pa, h.lineSize) {
			h.keepLine(e.va, a.Slot, true, e.tlb)
		}
	}
	h.sbExpire()
	if len(q.entry) > 0 {
		q.next = h.Clock() + 1
		h.limitTo(q.next)
	}
}

// sbExpire frees the places of stores that are complete.
func (h *Hart) sbExpire() {
	q := &h.sb
	now, k := h.Clock(), 0
	for k < len(q.busy) && q.busy[k] <= now {
		k++
	}
	q.busy = append(q.busy[:0], q.busy[k:]...)
	for len(q.busy) > h.cfg.StoreQueue {
		h.waitUntil(q.busy[0])
		q.busy = append(q.busy[:0], q.busy[1:]...)
	}
}

// drainAll empties the store buffer and waits until every store is complete:
// what fences, atomics and device accesses need.
func (h *Hart) drainAll() {
	q := &h.sb
	if h.sbCount > 0 {
		h.drainSome(h.sbCount)
	}
	if k := len(q.busy); k > 0 {
		h.waitUntil(q.busy[k-1])
		q.busy = q.busy[:0]
	}
}

// waitUntil moves the clock on to cycle.
func (h *Hart) waitUntil(cycle uint64) {
	if now := h.Clock(); cycle > now {
		h.left -= int64(cycle - now)
	}
}

// limitTo ends the current stretch of execution at cycle at the latest.
func (h *Hart) limitTo(cycle uint64) {
	if cycle < h.limit {
		h.left -= int64(h.limit - cycle)
		h.limit = cycle
	}
}

// sbHolds says whether a waiting store lies in the span bytes around pa.
func (h *Hart) sbHolds(pa addr.PA, span uint64) bool {
	for i := range h.sb.entry {
		if uint64(h.sb.entry[i].pa^pa)&^(span-1) == 0 {
			return true
		}
	}
	return false
}

// sbForward lays the waiting stores over what the cache holds at pa.
func (h *Hart) sbForward(pa addr.PA, size, cached uint64) uint64 {
	var b, s [8]byte
	binary.LittleEndian.PutUint64(b[:], cached)
	for _, e := range h.sb.entry {
		binary.LittleEndian.PutUint64(s[:], e.value)
		for i := range e.size {
			if at := uint64(e.pa) + i - uint64(pa); at < size {
				b[at] = s[i&7]
			}
		}
	}
	return binary.LittleEndian.Uint64(b[:])
}
