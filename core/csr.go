package core

import (
	"mcsim/coherence"
	"mcsim/core/isa"
)

// Fields of mstatus (privileged manual, Machine Status).
const (
	mstatusSIE      = 1 << 1
	mstatusMIE      = 1 << 3
	mstatusSPIE     = 1 << 5
	mstatusMPIE     = 1 << 7
	mstatusSPP      = 1 << 8
	mstatusMPP      = 3 << mstatusMPPShift
	mstatusMPPShift = 11
	mstatusFS       = 3 << 13
	mstatusFSDirty  = 3 << 13
	mstatusMPRV     = 1 << 17
	mstatusSUM      = 1 << 18
	mstatusMXR      = 1 << 19
	mstatusTVM      = 1 << 20
	mstatusTW       = 1 << 21
	mstatusTSR      = 1 << 22
	mstatusUXL64    = 2 << 32
	mstatusSXL64    = 2 << 34
	mstatusSD       = 1 << 63

	sstatusWrite = mstatusSIE | mstatusSPIE | mstatusSPP | mstatusFS | mstatusSUM | mstatusMXR
	mstatusWrite = sstatusWrite | mstatusMIE | mstatusMPIE | mstatusMPP | mstatusMPRV |
		mstatusTVM | mstatusTW | mstatusTSR
)

// Fields of menvcfg and senvcfg.
const (
	envcfgFIOM   = 1 << 0
	envcfgCBIE   = 3 << 4
	envcfgCBCFE  = 1 << 6
	envcfgCBZE   = 1 << 7
	menvcfgADUE  = 1 << 61
	menvcfgPBMTE = 1 << 62
	menvcfgSTCE  = 1 << 63
)

// csrFile is the hart's control and status registers, but for those that the
// MMU, the PMP and the counters keep. mip is derived: software-writable bits
// (mipSoft) and inputs (wires) combined by updateMIP.
type csrFile struct {
	mstatus, mie, mip      uint64
	mipSoft, wires         uint64
	medeleg, mideleg       uint64
	mtvec, mepc, mcause    uint64
	mtval, mscratch        uint64
	stvec, sepc, scause    uint64
	stval, sscratch        uint64
	menvcfg, senvcfg       uint64
	mcounteren, scounteren uint64
	stimecmp               uint64
	timerAt                uint64 // cycle at which MTIP becomes pending
	timeOffset             uint64 // ticks
	miselect, siselect     uint64
	outer                  uint64 // MEIP and SEIP as the machine's controller drives them
	wfi                    bool   // waiting for an interrupt
	counters               counterFile
}

// resetCSRs puts all registers in their state after reset. A hart with Svadu alone
// starts with menvcfg.ADUE set: the manual leaves its value open, the device tree
// binding of "svadu" without "svade" says that A and D are updated from the start,
// and kernels that begin in M-mode without knowing menvcfg (xv6) count on it.
func (h *Hart) resetCSRs() {
	h.priv = Machine
	h.csr = csrFile{timerAt: never, stimecmp: never, counters: counterFile{check: never, wake: never}}
	if h.cfg.ISA.Has(isa.ExtSvadu) && !h.cfg.ISA.Has(isa.ExtSvade) {
		h.csr.menvcfg = menvcfgADUE
	}
	h.fpOff = true
	for i := range h.files {
		h.files[i] = intFile{}
		if i <= FileS {
			h.files[i].delivery = deliverExternal
		}
	}
}

// execCSR executes a CSR instruction. The side effects of reading and writing
// depend on the registers named, not on the values (unprivileged manual,
// Zicsr).
func (h *Hart) execCSR(in *isa.Inst) bool {
	num := uint16(in.Imm)
	var operand uint64
	imm := in.Op >= isa.OpCSRRWI
	if imm {
		operand = uint64(in.Rs1)
	} else {
		operand = h.x[in.Rs1]
	}
	replace := in.Op == isa.OpCSRRW || in.Op == isa.OpCSRRWI
	write := replace || in.Rs1 != 0
	r := csrTable[num]
	if r == nil || Priv(num>>8&3) > h.priv || write && num>>10 == 3 || r.check != nil && !r.check(h, num) {
		return h.raise(causeIllegal, uint64(in.Raw))
	}
	h.lookForOverflow(num)
	old := r.read(h, num)
	if write {
		v := operand
		if !replace {
			base := old
			if num == csrMIP || num == csrSIP {
				// SEIP reads as wire or software bit, but only the software bit
				// takes part in read-modify-write (privileged manual, mip).
				base = old&^(1<<irqSEI) | h.csr.mipSoft&(1<<irqSEI)
			}
			v = base | operand
			if in.Op == isa.OpCSRRC || in.Op == isa.OpCSRRCI {
				v = base &^ operand
			}
		}
		r.write(h, num, v)
	}
	h.x[in.Rd] = old
	return true
}

func (h *Hart) readMstatus() uint64 {
	v := h.csr.mstatus | mstatusUXL64 | mstatusSXL64
	if v&mstatusFS == mstatusFS {
		v |= mstatusSD
	}
	return v
}

func (h *Hart) writeMstatus(v, mask uint64) {
	c := &h.csr
	old := c.mstatus
	s := old&^mask | v&mask
	if s>>mstatusMPPShift&3 == 2 { // no such mode: WARL keeps what was there
		s = s&^mstatusMPP | old&mstatusMPP
	}
	if !h.cfg.ISA.Has(isa.ExtF) {
		s &^= mstatusFS
	}
	c.mstatus = s
	h.fpOff = s&mstatusFS == 0
	if (old^s)&(mstatusMPRV|mstatusMXR|mstatusSUM|mstatusMPP) != 0 {
		h.setContext()
	}
	h.checkInterrupts()
}

// writeMIP sets the bits of mip that software may write.
func (h *Hart) writeMIP(v, mask uint64) {
	if h.csr.menvcfg&menvcfgSTCE != 0 {
		mask &^= 1 << irqSTI
	}
	h.csr.mipSoft = h.csr.mipSoft&^mask | v&mask
	h.updateMIP()
}

func (h *Hart) writeEnvcfg(reg *uint64, v, mask uint64) {
	if v&envcfgCBIE == 2<<4 { // reserved
		v = v&^envcfgCBIE | *reg&envcfgCBIE
	}
	*reg = v & mask
}

// writeMenvcfg may switch Sstc, Svadu and Svpbmt for the modes below.
func (h *Hart) writeMenvcfg(v uint64) {
	mask := uint64(envcfgFIOM)
	has := h.cfg.ISA.Has
	if has(isa.ExtZicbom) {
		mask |= envcfgCBIE | envcfgCBCFE
	}
	if has(isa.ExtZicboz) {
		mask |= envcfgCBZE
	}
	if has(isa.ExtSvadu) {
		mask |= menvcfgADUE
	}
	if has(isa.ExtSvpbmt) {
		mask |= menvcfgPBMTE
	}
	if has(isa.ExtSstc) {
		mask |= menvcfgSTCE
	}
	h.writeEnvcfg(&h.csr.menvcfg, v, mask)
	h.updateTimers()
	h.updateMIP()
	h.limitTo(max(h.nextTimer(), h.Clock()))
	h.flushLines()
	if h.rec != nil {
		h.recordRegime()
	}
}

// cboAllowed says which cache operation in is here, after menvcfg and senvcfg,
// and whether it is allowed (CMO specification, envcfg).
func (h *Hart) cboAllowed(in *isa.Inst) (op coherence.Op, ok bool) {
	m, s := h.csr.menvcfg, h.csr.senvcfg
	enabled := func(mask uint64) bool {
		return (h.priv == Machine || m&mask != 0) && (h.priv != User || s&mask != 0)
	}
	switch in.Op {
	case isa.OpCBOZERO:
		return coherence.OpZero, enabled(envcfgCBZE)
	case isa.OpCBOCLEAN:
		return coherence.OpClean, enabled(envcfgCBCFE)
	case isa.OpCBOFLUSH:
		return coherence.OpFlush, enabled(envcfgCBCFE)
	}
	// cbo.inval may be turned into a flush: 01 in either register does that.
	op = coherence.OpInval
	if h.priv != Machine && m&envcfgCBIE == 1<<4 || h.priv == User && s&envcfgCBIE == 1<<4 {
		op = coherence.OpFlush
	}
	return op, enabled(envcfgCBIE)
}
