package core

import (
	"mcsim/core/isa"
	"mcsim/record"
)

// Firmware is M-mode software that is part of the simulator instead of the
// hart's program. A trap into M-mode does what the manual says and takes the time
// that Cost says. When that has passed, Trap does what the instructions of a
// handler would, with the methods below, and ends in MachineReturn. It runs where
// the hart runs: what it needs of other harts or of devices it does within
// Serially.
type Firmware interface {
	Cost(h *Hart) int // cycles, for the trap in mcause
	Trap(h *Hart)
}

// SetFirmware installs the firmware of a hart that has not started.
func (h *Hart) SetFirmware(f Firmware) { h.firmware = f }

// CSR reads a CSR as M-mode software would. One that is not there reads as 0.
func (h *Hart) CSR(num uint16) uint64 {
	h.lookForOverflow(num)
	v, _ := h.ReadCSR(num)
	return v
}

// SetCSR writes a CSR as M-mode software would; it does nothing to one that is
// not there or cannot be written. The hart is in M-mode.
func (h *Hart) SetCSR(num uint16, v uint64) { h.WriteCSR(num, v) }

// MachineReturn is mret: it goes to mepc in the mode of mstatus.MPP.
func (h *Hart) MachineReturn() { h.returnTo(Priv(h.csr.mstatus>>mstatusMPPShift&3), h.csr.mepc) }

// SupervisorTrap passes the trap in mcause, mepc and mtval on to S-mode, as if it
// had been delegated; it stands for MachineReturn.
func (h *Hart) SupervisorTrap() {
	c := &h.csr
	from := c.mstatus >> mstatusMPPShift & 3
	c.scause, c.sepc, c.stval = c.mcause, c.mepc, c.mtval
	s := c.mstatus &^ (mstatusSPP | mstatusSPIE | mstatusSIE | mstatusMPP)
	s |= from & 1 * mstatusSPP
	s |= c.mstatus & mstatusSIE << 4 // SPIE
	c.mstatus = s | uint64(Supervisor)<<mstatusMPPShift
	c.mepc = c.stvec &^ 3
	h.MachineReturn()
}

// Hold keeps the hart from running anything but handlers of M-mode interrupts,
// until Release. It may be called when the hart runs and in the serial phase.
func (h *Hart) Hold() { h.held = true; h.yank() }

// Release ends a Hold. The hart also has to be woken.
func (h *Hart) Release() { h.held = false }

// Held says whether the firmware holds the hart.
func (h *Hart) Held() bool { return h.held }

// Wait puts the hart to sleep until any interrupt that mie enables is pending, as
// WFI does.
func (h *Hart) Wait() {
	h.csr.wfi = h.csr.mip&h.csr.mie == 0
	h.yank()
}

// Waiting says whether the hart sleeps in a WFI, or in Wait.
func (h *Hart) Waiting() bool { return h.csr.wfi }

// Time is the time CSR.
func (h *Hart) Time() uint64 { return h.time() }

// LoadForSupervisor loads the doubleword at a virtual address as the mode in
// mstatus.MPP would, by mstatus.MPRV. The fault that it may meet is left in mcause
// and mtval, for SupervisorTrap.
func (h *Hart) LoadForSupervisor(va uint64) (v uint64, ok bool) {
	h.writeMstatus(mstatusMPRV, mstatusMPRV)
	if v, ok = h.loadSlow(va, 8); !ok {
		h.csr.mcause, h.csr.mtval = h.trap.cause, h.trap.tval
	}
	h.writeMstatus(0, mstatusMPRV)
	return v, ok
}

// Charge lets time pass, in cycles.
func (h *Hart) Charge(cycles int) { h.left -= int64(cycles) }

// Serially has act called in the serial phase, as coherence.Private.Serially
// says. The hart's own stores are visible to it.
func (h *Hart) Serially(act func(now uint64) (done uint64)) {
	if h.rec != nil {
		h.recordControl(record.Serial, 0)
	}
	h.drainAll()
	now := h.Clock()
	done := h.mem.Serially(now, act) // which may change h.left
	h.left -= int64(done - now)
}

// FenceVMA carries out sfence.vma: an address or an ASID that is not given means
// all of them.
func (h *Hart) FenceVMA(va, asid uint64, hasVA, hasASID bool) {
	h.recordFence(record.Wait)
	h.drainAll()
	h.stats.Fences++
	h.sfence(va, asid, hasVA, hasASID)
}

// FenceI carries out fence.i.
func (h *Hart) FenceI() {
	h.recordFence(record.Inst)
	h.fenceI()
}

// machineInterrupt says whether an interrupt for M-mode is to be taken.
func (h *Hart) machineInterrupt() bool {
	c := &h.csr
	return c.mip&c.mie&^c.mideleg != 0 && (h.priv < Machine || c.mstatus&mstatusMIE != 0)
}

// Allowed says whether S-mode may access the size bytes at pa, as far as PMP and
// the address map go.
func (h *Hart) Allowed(pa, size uint64, write, execute bool) bool {
	kind := accLoad
	switch {
	case write:
		kind = accStore
	case execute:
		kind = accFetch
	}
	return h.mmu.pmp.open[pmpLower] || h.mmu.pmp.kinds(pa, size, pmpLower)>>kind&1 != 0
}

// Has says whether the hart implements an extension.
func (h *Hart) Has(e isa.Extensions) bool { return h.cfg.ISA.Has(e) }

// ID is the hart's number, mhartid.
func (h *Hart) ID() int { return h.cfg.ID }
