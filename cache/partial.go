package cache

import (
	"encoding/binary"
	"math/bits"
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

// fillPartial writes the bytes anew, from the tags.
func (a *Array) fillPartial() {
	for set := range a.Sets() {
		for way := range a.row {
			p := uint8(partialNone)
			if way < a.ways {
				p = partialEmpty
				if line := a.Tags[set*a.ways+way]; line != NoLine {
					p = a.partialOf(line)
				}
			}
			a.partial[set*a.row+way] = p
		}
	}
}

// Lookup returns the slot that holds line, or -1. It is no access: it leaves
// the replacement state alone.
func (a *Array) Lookup(line uint64) int32 {
	set := int(line & a.setMask)
	want := uint64(a.partialOf(line)) * lanes
	row, base := set*a.row, set*a.ways
	for i := 0; i < a.row; i += 8 {
		x := binary.LittleEndian.Uint64(a.partial[row+i:])
		for may := zeroBytes(x ^ want); may != 0; may &= may - 1 {
			if s := base + i + bits.TrailingZeros64(may)>>3; a.Tags[s] == line {
				return int32(s)
			}
		}
	}
	return -1
}

// empty returns the first slot of a set that holds no line, or -1.
func (a *Array) empty(set int) int32 {
	row := set * a.row
	for i := 0; i < a.row; i += 8 {
		if free := zeroBytes(binary.LittleEndian.Uint64(a.partial[row+i:])); free != 0 {
			return int32(set*a.ways + i + bits.TrailingZeros64(free)>>3)
		}
	}
	return -1
}
