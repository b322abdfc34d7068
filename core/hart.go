package core

import (
	"unsafe"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/coherence"
	"mcsim/core/fp"
	"mcsim/core/isa"
	"mcsim/event"
)

// Priv is a privilege mode, encoded as in mstatus.MPP.
type Priv uint8

const (
	User       Priv = 0
	Supervisor Priv = 1
	Machine    Priv = 3
)

// Config is what a hart is built from. All sizes are counts, all latencies cycles.
type Config struct {
	ID         int
	ISA        isa.Extensions
	StoreQueue int // store buffer depth in stores; 0: stores wait for their line

	ITLB, DTLB, L2TLB TLBConfig
	WalkCache         int // entries of the page-walk cache for upper levels; 0: none
	MaxSATP           int // highest translation mode: 0 Bare, 8 Sv39, 9 Sv48, 10 Sv57
	PMPRegions        int // 0, 16
	Svadu             bool

	// TimeDivider is cycles per tick of the time CSR.
	TimeDivider uint64
	Latency     Latency
}

// Latency is the cost of instructions that take more than one cycle.
type Latency struct {
	Mul, Div, Branch, Jump    int
	FPAdd, FPMul, FMA, FPDiv  int
	FPSqrt, FPMove, FPConvert int
	CSR, Trap, AMO            int
}

// Hart is one RISC-V hart. It is owned by the goroutine that runs it while it
// runs, and by the bus while it is parked (design: the bus's serial phase).
// Nothing in it may be touched from elsewhere at other times.
type Hart struct {
	// The hot part, together.
	x    [256]uint64 // x0..x31, SinkReg; sized so that a uint8 needs no bounds check
	f    [256]uint64
	pc   uint64
	left int64 // cycles until limit; the clock is limit - left

	limit   uint64
	fbase   uint64         // GVA of the line that is being fetched from; noLine if none
	fdec    unsafe.Pointer // its decoded instructions, one isa.Inst per halfword
	lines   *lineTable     // of the current translation context
	dclock  *uint64        // the L1D's access clock
	sbCount int            // stores waiting in the store buffer
	fflags  fp.Flags
	frm     uint8
	fpOff   bool // mstatus.FS is Off: FP instructions are illegal

	instret uint64

	cfg  Config
	port *coherence.Port
	mem  *coherence.Private
	l1d  *cache.Array
	l1i  *cache.Array
	dec  *isa.Decoder
	ev   *event.Buffer

	// Privileged state (csr.go, trap.go).
	priv Priv
	csr  csrFile
	trap trapInfo

	// Translation (mmu.go, tlb.go).
	mmu mmu

	acc coherence.Access // scratch: accesses never nest
}

// trapInfo is a trap that has been raised and not yet taken.
type trapInfo struct {
	cause uint64
	tval  uint64
	tval2 uint64 // guest physical address >> 2, for the G stage
	tinst uint64
}

// raise records a synchronous exception of the instruction in execution; the
// run loop takes it. It returns false, so that callers can return it.
func (h *Hart) raise(cause, tval uint64) bool {
	h.trap = trapInfo{cause: cause, tval: tval}
	return false
}

// Clock is the hart's time in cycles.
func (h *Hart) Clock() uint64 { return h.limit - uint64(h.left) }

// yank ends the current stretch of execution after the instruction in
// progress, so that the run loop looks at interrupts, timers and the quantum.
func (h *Hart) yank() {
	if h.left > 0 {
		h.limit -= uint64(h.left)
		h.left = 0
	}
}

var _ = addr.PA(0)
