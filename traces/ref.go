// Package traces reads and writes recorded memory references. It knows formats,
// not machines: package replay drives one with what is read here, and a machine
// that records hands its references to a writer of this package.
//
//	file --open, by content--> decompress --format's reader--> []Ref --> replay, analysis, conversion
//	                                                             ^
//	machine, recording ------------------------------------------+--> writer of mcsim's own format
package traces

// Kind is what a reference does.
type Kind uint8

const (
	Fetch Kind = iota // of instructions
	Load
	Store
	LR // load reserved
	SC // store conditional
	AMO
	Fence
	Clean    // cbo.clean
	Flush    // cbo.flush
	Inval    // cbo.inval
	Zero     // cbo.zero
	Prefetch // a hint that fetches a line
	Walk     // a load by the page walker
	DMARead  // a device reads memory
	DMAWrite
	NumKinds
)

var kindNames = [NumKinds]string{
	"fetch", "load", "store", "lr", "sc", "amo", "fence", "clean", "flush", "inval", "zero",
	"prefetch", "walk", "dma-read", "dma-write",
}

// moves reports whether a kind reads and writes data. An SC and what changes
// caches count as what they do when all goes well.
func (k Kind) moves() (reads, writes bool) {
	switch k {
	case Load, LR, Walk, DMARead:
		return true, false
	case Store, SC, Zero, DMAWrite:
		return false, true
	case AMO:
		return true, true
	}
	return false, false
}

func (k Kind) String() string {
	if k < NumKinds {
		return kindNames[k]
	}
	return "unknown"
}

// Fields says which fields of a Ref its format told. The others are zero.
type Fields uint8

const (
	HasVA Fields = 1 << iota
	HasPA
	HasPC
	HasCycle
	HasMode // Mode, ASID and VMID
	HasSize // else Size is 1, so that a reference touches one line
)

// Ref is one reference of one thread.
type Ref struct {
	VA    uint64 // virtual address of the first byte
	PA    uint64 // physical address of the first byte
	PC    uint64 // of the instruction
	Cycle uint64 // time stamp, in the units of the format

	// Instructions that the thread began since its previous reference, up to and
	// including this one's: 0 for the second reference of one instruction.
	Instructions uint32
	Size         uint32 // bytes
	Thread       uint32 // who made it: a thread, a hart or a core, as the format counts them
	ASID, VMID   uint16
	Kind         Kind
	Mode         uint8 // privilege: 0 user, 1 supervisor, 3 machine
	Has          Fields
}

// address is the virtual address if there is one, else the physical.
func (r *Ref) address() uint64 {
	if r.Has&HasVA != 0 || r.Has&HasPA == 0 {
		return r.VA
	}
	return r.PA
}

// physical is the physical address if there is one, else the virtual.
func (r *Ref) physical() uint64 {
	if r.Has&HasPA != 0 {
		return r.PA
	}
	return r.VA
}

// Reader yields the references of one stream (a file, or one shard of a trace
// that has a file for each thread), in their order.
type Reader interface {
	// Read fills refs as far as it can without waiting for more than one, and
	// returns how many; io.EOF after the last. An error comes with the
	// references before it.
	Read(refs []Ref) (n int, err error)
}
