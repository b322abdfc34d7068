package core

import (
	"math/bits"

	"mcsim/core/isa"
	"mcsim/event"
)

// Exception causes (privileged manual, table of mcause values).
const (
	causeMisalignedFetch = 0
	causeFetchAccess     = 1
	causeIllegal         = 2
	causeBreakpoint      = 3
	causeMisalignedLoad  = 4
	causeLoadAccess      = 5
	causeMisalignedStore = 6
	causeStoreAccess     = 7
	causeUserCall        = 8
	causeSupCall         = 9
	causeMachineCall     = 11
	causeFetchPage       = 12
	causeLoadPage        = 13
	causeStorePage       = 15

	causeInterrupt = 1 << 63
)

// Interrupt numbers, bits of mip.
const (
	irqSSI = 1
	irqMSI = 3
	irqSTI = 5
	irqMTI = 7
	irqSEI = 9
	irqMEI = 11

	irqLCOFI = 13 // a counter has wrapped (Sscofpmf)
)

const supInterrupts = 1<<irqSSI | 1<<irqSTI | 1<<irqSEI

// delegable are the interrupts that can be S-mode's.
func (h *Hart) delegable() uint64 {
	if h.cfg.ISA.Has(isa.ExtSscofpmf) {
		return supInterrupts | 1<<irqLCOFI
	}
	return supInterrupts
}

// interruptOrder is the priority of interrupts for the same mode (privileged
// manual, mip and mie): external, software, timer; machine before supervisor; the
// counters' last (Sscofpmf).
var interruptOrder = [...]uint{irqMEI, irqMSI, irqMTI, irqSEI, irqSSI, irqSTI, irqLCOFI}

// takeTrap takes the exception that raise recorded, for the instruction at epc.
func (h *Hart) takeTrap(epc uint64) {
	h.stats.Exceptions++
	h.countException(epc)
	h.enterTrap(epc, h.trap.cause, h.trap.tval, h.csr.medeleg)
	h.tellTraps()
}

// takeInterrupt takes an interrupt before the instruction at h.pc.
func (h *Hart) takeInterrupt(cause uint64) {
	h.stats.Interrupts++
	h.loop.end()
	h.enterTrap(h.pc, cause|causeInterrupt, 0, h.csr.mideleg)
}

// enterTrap moves to the handler (privileged manual, Privilege and Global
// Interrupt-Enable Stack in mstatus; mtvec; medeleg).
func (h *Hart) enterTrap(epc, cause, tval, deleg uint64) {
	if h.rec != nil {
		h.recordTrap(epc, cause, tval)
	}
	c := &h.csr
	number := cause &^ causeInterrupt
	var vector uint64
	if h.priv <= Supervisor && deleg>>number&1 != 0 {
		c.scause, c.sepc, c.stval = cause, epc, tval
		s := c.mstatus &^ (mstatusSPP | mstatusSPIE | mstatusSIE)
		s |= uint64(h.priv) & 1 * mstatusSPP
		s |= c.mstatus & mstatusSIE << 4 // SPIE
		c.mstatus = s
		h.priv, vector = Supervisor, c.stvec
	} else {
		c.mcause, c.mepc, c.mtval = cause, epc, tval
		s := c.mstatus &^ (mstatusMPP | mstatusMPIE | mstatusMIE)
		s |= uint64(h.priv) << mstatusMPPShift
		s |= c.mstatus & mstatusMIE << 4 // MPIE
		c.mstatus = s
		h.priv, vector = Machine, c.mtvec
	}
	if h.csr.counters.filtered != 0 {
		h.filterCounters()
	}
	h.pc = vector &^ 3
	if vector&1 != 0 && cause&causeInterrupt != 0 {
		h.pc += 4 * number
	}
	h.left -= int64(h.cfg.Latency.Trap)
	h.setContext()
	h.checkInterrupts()
	if h.ev.On(event.Trap) {
		if cause&causeInterrupt != 0 {
			h.emit(event.Interrupt, cause, epc, uint64(h.priv), 0)
		} else {
			h.emit(event.TrapTaken, cause, epc, tval, uint64(h.priv))
		}
	}
	if h.priv == Machine && h.firmware != nil {
		h.left -= int64(h.firmware.Cost(h))
		h.serving = true
		h.yank()
	}
}

// emit records an event of this hart at its clock.
func (h *Hart) emit(kind event.Kind, a, b, c, d uint64) {
	h.ev.Emit(event.Event{Cycle: h.Clock(), Hart: int16(h.cfg.ID), Kind: kind, Arg: [4]uint64{a, b, c, d}})
}

// execSystem executes ecall, ebreak, the returns, WFI and the translation
// fences. Returns set pc themselves.
func (h *Hart) execSystem(in *isa.Inst) bool {
	c := &h.csr
	switch in.Op {
	case isa.OpECALL:
		return h.raise(causeUserCall+uint64(h.priv), 0)
	case isa.OpEBREAK:
		return h.raise(causeBreakpoint, h.pc)
	case isa.OpMRET:
		if h.priv == Machine {
			h.returnTo(Priv(c.mstatus>>mstatusMPPShift&3), c.mepc)
			return true
		}
	case isa.OpSRET:
		if h.priv == Machine || h.priv == Supervisor && c.mstatus&mstatusTSR == 0 {
			h.supReturn()
			return true
		}
	case isa.OpWFI:
		if !h.wfiTraps() {
			c.wfi = c.mip&c.mie == 0
			if c.wfi {
				h.yank()
			}
			return true
		}
	case isa.OpSFENCEVMA, isa.OpSINVALVMA:
		if h.priv == Machine || h.priv == Supervisor && c.mstatus&mstatusTVM == 0 {
			h.stats.Fences++
			h.sfence(h.x[in.Rs1], h.x[in.Rs2], in.Rs1 != 0, in.Rs2 != 0)
			return true
		}
	case isa.OpSFENCEWINVAL, isa.OpSFENCEINVALIR:
		// Ordering against the sinval.vma between them, which is immediate here.
		if h.priv >= Supervisor {
			return true
		}
	}
	return h.raise(causeIllegal, uint64(in.Raw))
}

// wfiTraps says whether waiting is not allowed here: below M with TW set, and
// in U, where S exists (privileged manual, WFI).
func (h *Hart) wfiTraps() bool {
	return h.priv == User || h.priv == Supervisor && h.csr.mstatus&mstatusTW != 0
}

// returnTo is mret (privileged manual, Trap-Return Instructions).
func (h *Hart) returnTo(to Priv, pc uint64) {
	c := &h.csr
	s := c.mstatus &^ (mstatusMIE | mstatusMPP)
	s |= c.mstatus & mstatusMPIE >> 4 // MIE
	s |= mstatusMPIE
	if to != Machine {
		s &^= mstatusMPRV
	}
	c.mstatus = s
	h.finishReturn(to, pc)
}

func (h *Hart) supReturn() {
	c := &h.csr
	to := Priv(c.mstatus & mstatusSPP / mstatusSPP)
	s := c.mstatus &^ (mstatusSIE | mstatusSPP | mstatusMPRV)
	s |= c.mstatus & mstatusSPIE >> 4 // SIE
	s |= mstatusSPIE
	c.mstatus = s
	h.finishReturn(to, c.sepc)
}

func (h *Hart) finishReturn(to Priv, pc uint64) {
	from := h.priv
	h.countReturn(to, pc)
	h.priv, h.pc = to, pc
	if h.csr.counters.filtered != 0 {
		h.filterReturn()
	}
	h.left -= int64(h.cfg.Latency.Trap)
	h.setContext()
	h.checkInterrupts()
	if h.ev.On(event.Trap) {
		h.emit(event.TrapReturn, pc, uint64(from), uint64(to), 0)
	}
}

// pendingInterrupt returns the interrupt to take now, if there is one.
func (h *Hart) pendingInterrupt() (cause uint64, ok bool) {
	c := &h.csr
	ready := c.mip & c.mie
	if ready == 0 {
		return 0, false
	}
	machine, super := h.enabled()
	take := ready & machine
	if take == 0 {
		take = ready & super
	}
	if take == 0 {
		return 0, false
	}
	for _, i := range interruptOrder {
		if take>>i&1 != 0 {
			return uint64(i), true
		}
	}
	return uint64(bits.TrailingZeros64(take)), true
}

// enabled are the interrupts for M-mode and for S-mode that would be taken now, if
// they were pending.
func (h *Hart) enabled() (machine, super uint64) {
	c := &h.csr
	if h.priv < Machine || c.mstatus&mstatusMIE != 0 {
		machine = c.mie &^ c.mideleg
	}
	if h.priv < Supervisor || h.priv == Supervisor && c.mstatus&mstatusSIE != 0 {
		super = c.mie & c.mideleg
	}
	return machine, super
}

// checkInterrupts ends the current stretch of execution if an interrupt is to
// be taken. It follows every change of what pendingInterrupt reads.
func (h *Hart) checkInterrupts() {
	if h.loop.count > 0 {
		machine, super := h.enabled()
		h.loop.open |= machine | super
	}
	if _, ok := h.pendingInterrupt(); ok {
		h.yank()
	}
}

// SetInterrupt drives an interrupt input of the hart: bit 3 (MSIP), 9 (SEIP) or
// 11 (MEIP) of mip. The bus calls it in its serial phase. It returns true if
// the hart now has an interrupt that would end a WFI.
func (h *Hart) SetInterrupt(bit uint, level bool) bool {
	c := &h.csr
	wires := &c.wires
	if bit == irqSEI || bit == irqMEI {
		wires = &c.outer // an interrupt file may take their place
	}
	*wires &^= 1 << bit
	if level {
		*wires |= 1 << bit
	}
	h.updateFiles()
	h.updateMIP()
	return c.mip&c.mie != 0
}

// SetTimer sets the clock from which on MTIP is pending: the ACLINT's mtimecmp
// in cycles, ^0 for never. It returns true if the hart now has an interrupt
// that would end a WFI.
func (h *Hart) SetTimer(cycle uint64) bool {
	h.csr.timerAt = cycle
	h.updateTimers()
	h.limitTo(max(h.nextTimer(), h.Clock()))
	return h.csr.mip&h.csr.mie != 0
}

// SetTimeOffset sets what the time CSR adds to the clock's ticks, after a write
// to mtime.
func (h *Hart) SetTimeOffset(ticks uint64) {
	h.csr.timeOffset = ticks
	h.updateTimers()
	h.limitTo(max(h.nextTimer(), h.Clock()))
}

// updateMIP makes mip from its software-writable bits and its inputs.
func (h *Hart) updateMIP() {
	c := &h.csr
	mip := c.mipSoft | c.wires
	if c.menvcfg&menvcfgSTCE != 0 {
		mip = mip&^(1<<irqSTI) | c.wires&(1<<irqSTI)
	} else {
		mip = mip&^(1<<irqSTI) | c.mipSoft&(1<<irqSTI)
	}
	c.mip = mip
	h.checkInterrupts()
}

// updateTimers sets MTIP and, with Sstc, STIP from the clock.
func (h *Hart) updateTimers() {
	c, now := &h.csr, h.Clock()
	wires := c.wires &^ (1<<irqMTI | 1<<irqSTI)
	if now >= c.timerAt {
		wires |= 1 << irqMTI
	}
	if c.menvcfg&menvcfgSTCE != 0 && h.time() >= c.stimecmp {
		wires |= 1 << irqSTI
	}
	if wires != c.wires {
		c.wires = wires
		h.updateMIP()
	}
}

// time is the time CSR, in ticks.
func (h *Hart) time() uint64 { return h.Clock()/h.cfg.TimeDivider + h.csr.timeOffset }

// nextTimer is the clock at which MTIP or STIP will next become pending, ^0 if
// neither will.
func (h *Hart) nextTimer() uint64 {
	c, next := &h.csr, ^uint64(0)
	if c.wires>>irqMTI&1 == 0 {
		next = c.timerAt
	}
	if c.menvcfg&menvcfgSTCE != 0 && c.wires>>irqSTI&1 == 0 && c.stimecmp >= c.timeOffset {
		if hi, at := bits.Mul64(c.stimecmp-c.timeOffset, h.cfg.TimeDivider); hi == 0 {
			next = min(next, at)
		}
	}
	return next
}
