package core

import (
	"fmt"
	"unsafe"

	"mcsim/cache"
	"mcsim/coherence"
	"mcsim/core/fp"
	"mcsim/core/isa"
	"mcsim/event"
	"mcsim/record"
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

	ITLB, DTLB, L2TLB TLBConfig // L2TLB.Entries 0: none
	WalkCache         int       // entries of the page-walk cache for upper levels; 0: none
	MaxSATP           int       // highest translation mode: 0 Bare, 8 Sv39, 9 Sv48, 10 Sv57
	PMPRegions        int       // 0, 16
	// InterruptFiles is how many interrupt files the hart's IMSIC has: 0 without
	// one, else machine's, supervisor's and guests'.
	InterruptFiles int

	// TimeDivider is cycles per tick of the time CSR.
	TimeDivider uint64
	Latency     Latency
}

// Latency is the cost of instructions that take more than one cycle.
type Latency struct {
	Load                      int // a load that hits the L1D
	Mul, Div, Branch, Jump    int
	FPAdd, FPMul, FMA, FPDiv  int
	FPSqrt, FPMove, FPConvert int
	CSR, Trap, AMO            int
}

// Hart is one RISC-V hart. It is owned by the goroutine that runs it while it
// runs, and by the bus while it is parked (the bus's serial phase). Nothing in
// it may be touched from elsewhere at other times.
type Hart struct {
	// What the run loop needs for most instructions, together.
	pc                uint64
	left              int64 // cycles until limit; the clock is limit - left
	limit             uint64
	fbase             uint64         // address of the line being fetched from
	fdec              unsafe.Pointer // its block: what was decoded of it
	lines             *lineTable     // of the current translation context
	flines            *fetchTable
	dclock            *uint64 // the L1D's access clock
	instret           uint64
	shift, lineSize   uint64    // of a line: log2 of its bytes, and its bytes
	offMask, lineMask uint64    // the bits of an address within a line, and the others
	mask              [4]uint64 // by log2 of the access size: the bits that a line table's tag compares
	sbCount           int       // stores waiting in the store buffer
	fflags            fp.Flags
	frm               uint8
	fpOff             bool // mstatus.FS is Off: FP instructions are illegal

	x, f       [256]uint64 // x0..x31, SinkReg; sized so that a uint8 needs no bounds check
	alignMask  uint64      // 2 without C: the address bits that a jump target must not have
	branchCost int64       // extra cycles of a taken branch
	jumpCost   int64
	tab        lineTables

	cfg  Config
	mem  *coherence.Private
	l1d  *cache.Array
	l1i  *cache.Array
	dec  *isa.Decoder
	cost [isa.NumOps + 1]uint8 // cycles of each operation
	ev   *event.Buffer

	rec      *record.Buffer // what the hart does goes here; nil: nowhere
	recorded lastRegime
	follow   *follower // does what was recorded instead of executing; nil: executes

	priv  Priv
	csr   csrFile
	files []intFile // of the IMSIC: FileM, FileS, guests'
	trap  trapInfo
	mmu   mmu
	sb    storeQueue
	stats Stats

	// Instructions that no block can hold: see nextInst.
	across      acrossLines
	alone       aloneInst
	seen        *decodings
	singleOK    bool
	singleBytes uint64
	singleLen   int

	firmware Firmware // where M-mode software runs in the simulator; nil: it runs on the hart
	serving  bool     // a trap is the firmware's to handle once its time has passed
	held     bool     // by the firmware: nothing runs but interrupts for M-mode

	cut       [256/2 + 3]step // of a run, what there is time for: see cutRun
	current   isa.Inst        // that slow executes: what is decoded in a line can be forgotten meanwhile
	executing bool            // slow has begun, and is not done
	note      notices
	fast      bool      // without timing: stores do not wait
	dbg       *debugger // nil: nobody asked

	loop trapLoop

	wrs      bool   // waiting in wrs.nto or wrs.sto
	wrsUntil uint64 // at most until this cycle

	acc coherence.Access // scratch: accesses never nest, but for the walker's (walkAcc)
}

// New builds a hart on its private caches, reset to start at pc in M mode with
// a0 = hart id and a1 = arg. ev may be nil.
func New(cfg Config, mem *coherence.Private, dec *isa.Decoder, ev *event.Buffer) *Hart {
	h := &Hart{seen: new(decodings), cfg: cfg, mem: mem, l1d: mem.L1D(), l1i: mem.L1I(), dec: dec, ev: ev}
	h.dclock = &h.l1d.Clock
	h.setCosts()
	if !cfg.ISA.Has(isa.ExtZca) {
		h.alignMask = 2
	}
	h.initTables()
	h.files = make([]intFile, cfg.InterruptFiles)
	h.resetCSRs()
	h.initMMU()
	h.loop.end()
	mem.SetCore(h)
	return h
}

// Start puts the hart at its entry point: a0 = hart id, a1 = arg.
func (h *Hart) Start(pc, arg uint64) {
	h.pc = pc
	h.x[10], h.x[11] = uint64(h.cfg.ID), arg
}

// Instret is the number of instructions retired.
func (h *Hart) Instret() uint64 { return h.instret }

// PC is the address of the next instruction.
func (h *Hart) PC() uint64 { return h.pc }

// X returns integer register i, 0 to 31.
func (h *Hart) X(i int) uint64 { return h.x[i&31] }

// F returns floating-point register i, 0 to 31, as bits.
func (h *Hart) F(i int) uint64 { return h.f[i&31] }

// Priv is the current privilege mode.
func (h *Hart) Priv() Priv { return h.priv }

// Stats are the hart's counters.
func (h *Hart) Stats() *Stats { return &h.stats }

// State describes the hart in a line, for messages about a run that failed.
func (h *Hart) State() string {
	doing := "running"
	switch {
	case h.held:
		doing = "held by the firmware"
	case h.csr.wfi:
		doing = "in wfi"
	case h.wrs:
		doing = "in wrs"
	}
	return fmt.Sprintf("cycle %d, %d instructions, pc %#x in mode %d, %s, mip %#x mie %#x mcause %#x mepc %#x",
		h.Clock(), h.instret, h.pc, h.priv, doing, h.csr.mip, h.csr.mie, h.csr.mcause, h.csr.mepc)
}

// setCosts fills in how many cycles each operation takes.
func (h *Hart) setCosts() {
	l := &h.cfg.Latency
	for i := range h.cost {
		h.cost[i] = 1
	}
	set := func(cycles int, first, last isa.Op) {
		for op := first; op <= last; op++ {
			h.cost[op] = uint8(max(1, min(cycles, 255)))
		}
	}
	set(l.Load, isa.OpLD, isa.OpLBU)
	for _, op := range []isa.Op{isa.OpFLD, isa.OpFLW, isa.OpFLH} {
		set(l.Load, op, op)
	}
	set(l.Mul, isa.OpMUL, isa.OpMULHSU)
	set(l.Div, isa.OpDIV, isa.OpREMUW)
	set(l.FPMove, isa.OpFMVXD, isa.OpFMVHX)
	for _, base := range []struct{ add, mul, fma, fmaEnd, div, sqrt, sgn, class, cvt, cvtEnd isa.Op }{
		{isa.OpFADDD, isa.OpFMULD, isa.OpFMADDD, isa.OpFNMADDD, isa.OpFDIVD, isa.OpFSQRTD, isa.OpFSGNJD, isa.OpFCLASSD, isa.OpFCVTWD, isa.OpFCVTDS},
		{isa.OpFADDS, isa.OpFMULS, isa.OpFMADDS, isa.OpFNMADDS, isa.OpFDIVS, isa.OpFSQRTS, isa.OpFSGNJS, isa.OpFCLASSS, isa.OpFCVTWS, isa.OpFCVTHD},
	} {
		set(l.FPAdd, base.add, base.add+1)
		set(l.FPMul, base.mul, base.mul)
		set(l.FMA, base.fma, base.fmaEnd)
		set(l.FPDiv, base.div, base.div)
		set(l.FPSqrt, base.sqrt, base.sqrt)
		set(l.FPMove, base.sgn, base.class)
		set(l.FPConvert, base.cvt, base.cvtEnd)
	}
	h.branchCost, h.jumpCost = int64(l.Branch), int64(l.Jump)
}

// trapInfo is a trap that has been raised and not yet taken.
type trapInfo struct {
	cause uint64
	tval  uint64
	tval2 uint64 //nolint:unused // guest physical address >> 2, for the G stage of the H extension
	tinst uint64 //nolint:unused // the same
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
