package coherence

import "mcsim/addr"

// Op is what a hart asks its memory system to do within one line.
type Op uint8

const (
	OpLoad  Op = iota // read Size bytes into Result
	OpStore           // write the low Size bytes of Value
	OpFetch           // read Size bytes of instructions into Result, through the L1I
	OpLR              // load and reserve the line
	OpSC              // store if the reservation holds; OK says whether it did
	OpAMOSwap
	OpAMOAdd
	OpAMOXor
	OpAMOAnd
	OpAMOOr
	OpAMOMin
	OpAMOMax
	OpAMOMinU
	OpAMOMaxU
	OpCAS       // write Value if memory equals Compare (page-table A/D update); OK says whether it did
	OpWalk      // a load by the page-table walker; through the L1D, counted apart
	OpClean     // cbo.clean
	OpFlush     // cbo.flush
	OpInval     // cbo.inval
	OpZero      // cbo.zero
	OpPrefetchR // prefetch.r; a hint, never faults
	OpPrefetchW
	OpPrefetchI
	OpLoadWords  // read Size whole words of 8 bytes from an aligned PA; Result is the first
	OpStoreWords // write Value to each of Size whole words of 8 bytes from an aligned PA
	NumOps
)

// Access is one memory access of a hart. It lies within one line: the core
// splits what crosses. An access that needs the bus is carried out by the bus
// in its serial phase, at the moment that the line arrives, so that the hart
// has its result even if the next request in the same phase takes the line
// away again.
type Access struct {
	Op       Op
	Size     uint8 // bytes: 1, 2, 4, 8; OpFetch: any up to 8; words of OpLoadWords and OpStoreWords
	Uncached bool  // to a device, or a cacheable address marked NC or IO: past the caches
	PA       addr.PA
	Value    uint64 // store data or AMO operand, not extended
	Compare  uint64 // OpCAS

	Result uint64 // zero-extended old value of Size bytes
	OK     bool   // OpSC and OpCAS: the write happened
	Fault  bool   // a device or a hole in the map refused the access
	// Slot is the L1D (OpFetch: L1I) slot that held the line when the access
	// was done, or -1. It may be gone by the time that the hart runs again:
	// ask Private.Readable, Writable or Fetchable before keeping it.
	Slot int32
}

// span is the number of bytes that the access is about.
func (a *Access) span() int {
	if a.Op >= OpLoadWords {
		return 8 * int(a.Size)
	}
	return int(a.Size)
}
