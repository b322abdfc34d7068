// Package record has the form in which a hart says what it did to its memory
// system: what `mcsim run --record` writes and what an exact replay follows.
//
//	core --Record, in buffers--> machine --at a quantum's end--> traces, which encodes and writes
//	core <--Record-- replay <-- traces
//
// A hart owns its Buffer while it runs, and the machine while all are parked.
package record

// Op is what a Record tells. The first ones are references, in the order of
// traces.Kind; the others are what an exact replay needs beside them.
type Op uint8

const (
	Fetch Op = iota // of a line: once for each time that the fetch unit turns to a line
	Load
	Store
	LR
	SC
	AMO
	Fence
	Clean
	Flush
	Inval
	Zero
	Prefetch
	Walk // of the page walker, right behind the reference that it is for: PA is the entry's address, VA what was in it
	DMARead
	DMAWrite
	NumRefs
)

// The numbers are part of the file format (docs/trace-format.md): new ones go to
// the end.
const (
	Context Op = iota + 32 // what follows is made by: VA as ContextOf packs it, PA the thread
	Regime                 // translation from here on: VA satp, PA and PC what core keeps of mstatus and menvcfg
	Drain                  // the store buffer empties itself at Cycle
	Quantum                // the hart has come to a quantum's end
	Sleep                  // the hart waits: VA is when its own timer would wake it, ^0 for never
	Final                  // the hart's clock and instruction count at the end of the run
	Wake                   // a device wakes hart VA at Cycle
	Stop                   // the run ends: VA is where within a quantum, 0 where one ended whole
	PMP                    // region PC of PMP is now VA, its address register, and PA, its configuration
	Serial                 // the simulator's own firmware acts in the serial phase
	Refuse                 // a device does not accept the access
	Trap                   // an exception, or an interrupt, is taken: VA the cause as in mcause, PC and PA what mepc and mtval are
	NumOps
)

// Flags of a Record.
const (
	Fault    = 1 << 0 // it trapped, or failed, and nothing was accessed
	Uncached = 1 << 1 // past the caches: a device, or memory marked so
	Swap     = 1 << 2 // Walk: an update of the entry, and it was done
	Lost     = 1 << 3 // Walk: an update that was not done, for the entry had changed
	Code     = 1 << 2 // Prefetch: of instructions
	Write    = 1 << 3 // Prefetch: to write
	Inst     = 1 << 2 // Fence: fence.i
	TLB      = 1 << 3 // Fence: sfence.vma; VA and PA are its operands, as FenceOf packs them
	Wait     = 1 << 4 // Fence: before WFI and the like

	// Of what devices do, Instret is the number of requests that the bus had
	// begun to serve, modulo 2^32.
	End    = 1 << 2 // when the quantum ended, at cycle PC, not while a request was served
	Before = 1 << 3 // by a device's own time, before the request was served
)

// Record is one thing that a hart did.
type Record struct {
	VA, PA  uint64 // of the first byte
	PC      uint64 // of the instruction
	Cycle   uint64 // the hart's clock when it made the access
	Instret uint32 // instructions retired by then, this one with it, modulo 2^32
	Size    uint16 // bytes
	Op      Op
	Flags   uint8
}

// What is size, op and flags in one number, which tells records of one instruction
// apart.
func (r *Record) What() uint32 {
	return uint32(r.Size) | uint32(r.Op)<<16 | uint32(r.Flags)<<24
}

// SetWhat is the inverse of What.
func (r *Record) SetWhat(what uint32) {
	r.Size, r.Op, r.Flags = uint16(what), Op(what>>16), uint8(what>>24)
}

// ContextOf packs privilege, ASID, VMID and the fields that references have
// (traces.Fields) for a Context.
func ContextOf(mode uint8, asid, vmid uint16, has uint8) uint64 {
	return uint64(mode) | uint64(has)<<8 | uint64(asid)<<16 | uint64(vmid)<<32
}

// SplitContext is the inverse of ContextOf.
func SplitContext(v uint64) (mode uint8, asid, vmid uint16, has uint8) {
	return uint8(v), uint16(v >> 16), uint16(v >> 32), uint8(v >> 8)
}

// HasAll is the fields that a machine's references have: traces.HasVA to HasMode.
const HasAll = 31

// FenceOf packs the operands of a translation fence beside its address.
func FenceOf(asid uint16, hasVA, hasASID bool) uint64 {
	v := uint64(asid)
	if hasVA {
		v |= 1 << 16
	}
	if hasASID {
		v |= 1 << 17
	}
	return v
}

// SplitFence is the inverse of FenceOf.
func SplitFence(v uint64) (asid uint64, hasVA, hasASID bool) {
	return v & 0xffff, v>>16&1 != 0, v>>17&1 != 0
}
