package cache

import (
	"math/bits"
	"unsafe"
)

// A byte of each tag stands beside the others of its set, so that a look at one
// word tells for eight ways which of them can hold a line, or that none can: a
// miss compares no tag at all, most of the time. A byte says that its way is in
// use in its highest bit.
const (
	partialEmpty = 0    // the way holds no line
	partialNone  = 0x7f // there is no such way: the row's padding, which is neither empty nor in use

	lanes = 0x0101010101010101 // times a byte: that byte in each of eight
)

// zeroBytes has the highest bit of each byte of x that is 0. Of the bytes above
// the lowest such, it may also mark one that is 1.
func zeroBytes(x uint64) uint64 { return (x - lanes) &^ x & (lanes << 7) }

// partialOf is the byte of a line: of the bits above those that choose its set.
func (a *Array) partialOf(line uint64) uint8 {
	tag := line >> (a.setBits & 63)
	return uint8(tag^tag>>7) | 0x80
}

// rowOf is a set's first word of partial; the a.row-1 others follow it. line&setMask
// is always a set, so there are no bounds to check.
func (a *Array) rowOf(set uint64) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.partial)), set*uint64(a.row)*8))
}

// nextWord is the word of partial behind w.
func nextWord(w *uint64) *uint64 { return (*uint64)(unsafe.Add(unsafe.Pointer(w), 8)) }

// firstByte is where a word's lowest byte lies on this host, as an exclusive or with
// the place of each.
var firstByte = func() int {
	word := uint64(1)
	if *(*uint8)(unsafe.Pointer(&word)) == 1 {
		return 0
	}
	return 7
}()

// byteOf is the byte of a way, which there must be.
func (a *Array) byteOf(set, way int) *uint8 {
	return (*uint8)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.partial)), (set*a.row*8+way)^firstByte))
}

// fillPartial writes the bytes anew, from the tags, and counts those.
func (a *Array) fillPartial() {
	a.used = 0
	for set := range a.Sets() {
		for way := range a.row * 8 {
			b := uint8(partialNone)
			if way < a.ways {
				b = partialEmpty
				if line := a.Tags[set*a.ways+way]; line != NoLine {
					b = a.partialOf(line)
					a.used++
				}
			}
			*a.byteOf(set, way) = b
		}
	}
}

// Lookup returns the slot that holds line, or -1. It is no access: it leaves
// the replacement state alone.
func (a *Array) Lookup(line uint64) int32 {
	set := line & a.setMask
	want := uint64(a.partialOf(line)) * lanes
	w := a.rowOf(set)
	s := int32(set) * int32(a.ways)
	for left := a.row; ; left-- {
		for may := zeroBytes(*w ^ want); may != 0; may &= may - 1 {
			if at := s + int32(bits.TrailingZeros64(may)>>3); *word(a.Tags, at) == line {
				return at
			}
		}
		if left == 1 {
			return -1
		}
		w, s = nextWord(w), s+8
	}
}

// Glance is where Lookup looks first, and what says how the ways of line's set were
// used, from its first byte to its last, for hosts that can be told of it early.
func (a *Array) Glance(line uint64) (row, used, last unsafe.Pointer) {
	set := line & a.setMask
	row = unsafe.Pointer(a.rowOf(set))
	if a.order != nil {
		used = unsafe.Pointer(a.orderOf(set))
		return row, used, used
	}
	used = unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.Stamp)), int(set)*a.ways*8)
	return row, used, unsafe.Add(used, a.ways*8-8)
}

// TagAt is where slot's tag is, for the same.
func (a *Array) TagAt(slot int32) unsafe.Pointer { return unsafe.Pointer(word(a.Tags, slot)) }

// empty returns the first way of a set that holds no line, or -1.
func (a *Array) empty(set uint64) int {
	w := a.rowOf(set)
	for way := 0; ; w = nextWord(w) {
		if free := zeroBytes(*w); free != 0 {
			return way + bits.TrailingZeros64(free)>>3
		}
		if way += 8; way >= a.ways {
			return -1
		}
	}
}
