package cache

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"unsafe"

	"mcsim/snapshot"
)

// An array whose owner tells of every access by Touch, and whose sets have at most 16
// ways, keeps for LRU no stamps but the order in which a set's ways were used last: a
// word of a way in each four bits, the latest lowest. The victim is at its end, and
// need not be looked for; and the orders of a large array lie in the host's caches,
// where its stamps do not.
const (
	orderWays = 16
	nibbles   = 0x1111111111111111 // times a way: that way in each four bits
)

// keepOrder makes the array, which is empty, one that keeps orders.
func (a *Array) keepOrder() {
	a.order = a.arena.Words(a.Sets())
	first := uint64(0)
	for way := range a.ways {
		first = first<<4 | uint64(way)
	}
	for set := range a.order {
		a.order[set] = first
	}
}

// orderOf is the order of a set, which there must be.
func (a *Array) orderOf(set uint64) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.order)), set*8))
}

// touchOrder records an access to slot, which holds a line.
func (a *Array) touchOrder(slot int32) {
	set := *word(a.Tags, slot) & a.setMask
	w := a.orderOf(set)
	*w = latestFirst(*w, uint64(slot)-set*uint64(a.ways))
}

// latestFirst is an order after an access to way.
func latestFirst(order, way uint64) uint64 {
	x := order ^ way*nibbles
	at := bits.TrailingZeros64((x-nibbles)&^x&(nibbles<<3)) - 3 // the lowest nibble that is 0: its first bit
	below := uint64(1)<<(at&63) - 1
	return order&^(below<<4|15) | order&below<<4 | way
}

// last is the way at the end of a set's order.
func (a *Array) last(set uint64) int {
	return int(*a.orderOf(set) >> (4 * uint(a.ways-1) & 63) & 15)
}

// lastIn is the last way of a set's order whose bit is set in mask.
func (a *Array) lastIn(set, mask uint64) int {
	order := *a.orderOf(set)
	for i := a.ways - 1; ; i-- {
		if way := order >> (4 * i) & 15; mask>>way&1 != 0 {
			return int(way)
		}
	}
}

// checkOrder returns an error if a set's order is none.
func (a *Array) checkOrder() error {
	for set, order := range a.order {
		seen := uint64(0)
		for i := range a.ways {
			seen |= 1 << (order >> (4 * i) & 15)
		}
		if seen != AllWays>>(64-a.ways) {
			return fmt.Errorf("cache: set %d: %#x is no order of %d ways", set, order, a.ways)
		}
	}
	return nil
}

// snapshotOrder saves or loads the orders as stamps in the same order.
func (a *Array) snapshotOrder(c *snapshot.Coder) {
	stamps := make([]uint64, a.Slots())
	for set, order := range a.order {
		for i := range a.ways {
			stamps[set*a.ways+int(order>>(4*i)&15)] = a.Clock - min(a.Clock, uint64(i))
		}
	}
	c.Words(stamps)
	if !c.Loading() || c.Err() != nil {
		return
	}
	if latest := slices.Max(stamps); latest > a.Clock {
		c.Fail("stamp %d is later than clock %d", latest, a.Clock)
		return
	}
	var ways [orderWays]uint64
	for set := range a.order {
		of := stamps[set*a.ways:][:a.ways]
		for way := range of {
			ways[way] = uint64(way)
		}
		slices.SortFunc(ways[:a.ways], func(v, w uint64) int { return cmp.Or(cmp.Compare(of[v], of[w]), cmp.Compare(v, w)) })
		order := uint64(0)
		for _, way := range ways[:a.ways] {
			order = order<<4 | way
		}
		a.order[set] = order
	}
}
