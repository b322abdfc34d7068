package cache

import (
	"fmt"
	"iter"
	"math/bits"
	"unsafe"

	"mcsim/hostmem"
)

// NoLine is the tag of a slot that holds nothing. No line has this address:
// a line address is a physical address shifted right by at least 4.
const NoLine = ^uint64(0)

// Array is a set-associative, data-holding cache array. A slot is
// set*ways+way; a line address is a physical address shifted right by Shift.
//
// Tags[slot] is NoLine exactly where State[slot] is 0. Both are the array's to
// write: beside them it keeps a byte of each tag (partial.go), in which a set of
// eight ways is one word.
type Array struct {
	// Clock is written at every access. Arrays of harts that run on different
	// cores of the host must not share a line there.
	_ [64]byte

	Tags  []uint64 // line address, or NoLine
	State []uint8  // 0 is invalid; other values belong to the owner
	Stamp []uint64 // Clock at the slot's latest access; kept when it is invalidated; nil if the array keeps orders
	Data  []byte   // slot i at i<<Shift
	Clock uint64   // ticks once per Touch and once per Fill
	Fills uint64   // Fill calls so far

	meta    []uint64 // per slot, for policies that need more than a stamp
	order   []uint64 // by set, see order.go; or nil
	partial []uint64 // a byte per way, row words per set
	used    int      // slots that hold a line
	setMask uint64
	setBits uint8
	ways    int
	row     int // words of partial per set
	shift   uint8
	line    int // bytes
	policy  Policy
	seed    uint64
	arena   *hostmem.Arena // keeps the memory

	_ [64]byte
}

// New returns an empty array, or the mistakes of cfg.
func New(cfg Config) (*Array, error) { return newArray(cfg, new(hostmem.Arena), false) }

// NewIn is New for an owner who tells of every access by Touch, and does not write
// Stamp. The memory comes from an arena, next to what is used together with the array.
func NewIn(cfg Config, arena *hostmem.Arena) (*Array, error) {
	return newArray(cfg, arena, cfg.Replacement == LRU && cfg.Ways <= orderWays)
}

func newArray(cfg Config, arena *hostmem.Arena, ordered bool) (*Array, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	slots := cfg.Size / cfg.Line
	a := &Array{
		setMask: uint64(cfg.Sets() - 1),
		setBits: uint8(bits.TrailingZeros(uint(cfg.Sets()))),
		ways:    cfg.Ways,
		row:     (cfg.Ways + 7) / 8,
		shift:   uint8(bits.TrailingZeros(uint(cfg.Line))),
		line:    cfg.Line,
		policy:  cfg.Replacement,
		seed:    cfg.Seed,
		arena:   arena,
	}
	a.Data = arena.Bytes(cfg.Size)
	a.Tags, a.State = arena.Words(slots), arena.Bytes(slots)
	if ordered {
		a.keepOrder()
	} else {
		a.Stamp = arena.Words(slots)
	}
	if cfg.Replacement == FIFO || cfg.Replacement == SRRIP {
		a.meta = make([]uint64, slots)
	}
	a.partial = arena.Words(cfg.Sets() * a.row)
	for i := range a.Tags {
		a.Tags[i] = NoLine
	}
	a.fillPartial()
	return a, nil
}

// Ways is the number of ways of a set.
func (a *Array) Ways() int { return a.ways }

// Sets is the number of sets.
func (a *Array) Sets() int { return int(a.setMask) + 1 }

// Slots is the number of slots, sets*ways.
func (a *Array) Slots() int { return len(a.Tags) }

// Shift is the base-2 logarithm of the line size in bytes.
func (a *Array) Shift() uint8 { return a.shift }

// LineBytes is the line size in bytes.
func (a *Array) LineBytes() int { return 1 << a.shift }

// SetOf is the first slot of the set that line maps to.
func (a *Array) SetOf(line uint64) int32 { return int32(line&a.setMask) * int32(a.ways) }

// Touch records an access to slot.
func (a *Array) Touch(slot int32) {
	a.Clock++
	if a.order != nil {
		a.touchOrder(slot)
		return
	}
	*word(a.Stamp, slot) = a.Clock
}

// word is a[slot], for a slot that is known to be one. A miss looks into some
// dozen places, and the checks of their bounds would be a tenth of it.
func word(a []uint64, slot int32) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(a)), int(slot)*8))
}

// Fill puts line into slot with a state other than 0; what was there before is
// gone. The data is the caller's to write. The fill is the access that missed: do
// not Touch as well, for SRRIP tells a line that was used again by its later
// stamps.
func (a *Array) Fill(slot int32, line uint64, state uint8) {
	set := int(line & a.setMask)
	way := int(slot) - set*a.ways
	if state == 0 || uint(way) >= uint(a.ways) { // then slot is one
		a.badFill(slot, line, state)
	}
	*a.byteOf(set, way) = a.partialOf(line)
	clock := a.Clock + 1
	a.Clock = clock
	a.Fills++
	tag := word(a.Tags, slot)
	if *tag == NoLine {
		a.used++
	}
	*tag = line
	a.State[slot] = state
	if a.order != nil {
		w := a.orderOf(uint64(set))
		*w = latestFirst(*w, uint64(way))
		return
	}
	*word(a.Stamp, slot) = clock
	if a.meta != nil {
		a.fillMeta(slot)
	}
}

//go:noinline
func (a *Array) fillMeta(slot int32) {
	switch a.policy {
	case FIFO:
		a.meta[slot] = a.Clock
	case SRRIP:
		a.meta[slot] = a.Clock<<2 | srripInsert
	}
}

//go:noinline
func (a *Array) badFill(slot int32, line uint64, state uint8) {
	panic(fmt.Sprintf("cache: Fill(slot %d, line %#x, state %d) in an array of %d sets and %d ways",
		slot, line, state, a.Sets(), a.ways))
}

// Invalidate empties slot. Its data and stamp stay as they are: the bits of a
// PLRU tree do not move when a line leaves.
func (a *Array) Invalidate(slot int32) {
	line := a.Tags[slot]
	if line == NoLine {
		return
	}
	set := int(line & a.setMask)
	*a.byteOf(set, int(slot)-set*a.ways) = partialEmpty
	a.Tags[slot] = NoLine
	a.State[slot] = 0
	a.used--
}

// LineData is the data of slot, one line long, shared with the array.
func (a *Array) LineData(slot int32) []byte {
	_ = a.State[slot] // all slots have their line in Data
	at := unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.Data)), int(slot)<<(a.shift&63))
	return unsafe.Slice((*byte)(at), a.line)
}

// LineAt is the first byte of slot's data, for a slot that is known to be one.
func (a *Array) LineAt(slot int32) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.Data)), int(slot)<<(a.shift&63))
}

// LineOf is the address of the line in slot, or NoLine.
func (a *Array) LineOf(slot int32) uint64 { return a.Tags[slot] }

// Valid yields the slots that hold a line, in ascending order. The loop's body
// may invalidate the slot it is given.
func (a *Array) Valid() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i, t := range a.Tags {
			if t != NoLine && !yield(int32(i)) {
				return
			}
		}
	}
}

// Check returns the first broken invariant of the array, for runs that ask for
// runtime checks: tags and states agree, every line is in its set and only
// once, no stamp is from the future.
func (a *Array) Check() error {
	used := 0
	for i, t := range a.Tags {
		slot := int32(i)
		if t != NoLine {
			used++
		}
		switch {
		case t != NoLine && t&a.setMask != uint64(i/a.ways):
			return fmt.Errorf("cache: slot %d: line %#x is not of set %d", slot, t, i/a.ways)
		case (t == NoLine) != (a.State[i] == 0):
			return fmt.Errorf("cache: slot %d: tag %#x with state %d", slot, t, a.State[i])
		case a.order == nil && a.Stamp[i] > a.Clock:
			return fmt.Errorf("cache: slot %d: stamp %d is later than clock %d", slot, a.Stamp[i], a.Clock)
		case (t == NoLine) != (*a.byteOf(i/a.ways, i%a.ways) == partialEmpty):
			return fmt.Errorf("cache: slot %d: tag %#x with partial tag %#x", slot, t, *a.byteOf(i/a.ways, i%a.ways))
		case t != NoLine && a.Lookup(t) != slot:
			return fmt.Errorf("cache: slot %d: line %#x is found in slot %d", slot, t, a.Lookup(t))
		}
	}
	if used != a.used {
		return fmt.Errorf("cache: %d slots hold a line, not %d", used, a.used)
	}
	return a.checkOrder()
}
