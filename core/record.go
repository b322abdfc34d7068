package core

import (
	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/record"
)

// A hart that is recorded writes down what reaches its TLBs and private caches,
// at the point where it does: line-table hits in execRecord and the quick paths,
// the rest where translation begins. The time of a record is the hart's clock
// there; what the access itself costs comes after it. Beside the references
// stands what a hart that follows the recording (follow.go) could not know:
// page-table entries that were read, when the store buffer drained, where the
// hart stopped.

// SetRecorder makes the hart write what it does to b. It is for a hart that has
// not run yet.
func (h *Hart) SetRecorder(b *record.Buffer) {
	h.rec = b
	if b != nil {
		h.recordRegime()
		h.recordPMP() // who boots may have set it up
	}
}

// lastRegime is what the last Regime and Context records said.
type lastRegime struct {
	satp, status, envcfg, context uint64
	priv                          Priv
	begun                         bool
}

// The parts of mstatus and menvcfg on which translation depends.
const (
	regimeStatus = mstatusMPRV | mstatusSUM | mstatusMXR | mstatusMPP
	regimeEnvcfg = menvcfgADUE | menvcfgPBMTE
)

// recordHit records a line-table hit of the run loop, whose locals it is given.
func (h *Hart) recordHit(e *lineEntry, va, pc, n uint64, left int64, op record.Op, size uint16) {
	r := h.rec.Next()
	r.VA, r.PA, r.PC = va, h.l1d.Tags[slotOf(h.l1d.Stamp, e.stamp)]<<(h.shift&63)|va&h.offMask, pc
	r.Cycle, r.Instret, r.Size, r.Op, r.Flags = h.limit-uint64(left), uint32(n), size, op, 0
}

// recordQuick is the same for the quick paths of slow instructions.
func (h *Hart) recordQuick(e *lineEntry, va uint64, op record.Op, size uint64) {
	h.recordHit(e, va, h.pc, h.instret+1, h.left, op, uint16(size)) // it is not counted while it executes
}

// recordFetch records that the fetch unit turned to a line that the table has.
func (h *Hart) recordFetch(e *fetchEntry, pc, n uint64, left int64) {
	r := h.rec.Next()
	r.VA, r.PA, r.PC = pc, h.l1i.Tags[slotOf(h.l1i.Stamp, e.stamp)]<<(h.shift&63)|pc&h.offMask, pc
	r.Cycle, r.Instret, r.Size, r.Op, r.Flags = h.limit-uint64(left), uint32(n), uint16(h.fetchBytes(pc)), record.Fetch, 0
}

// recordSlow records an access whose translation begins. It counts as a fault
// until recordPA says where it went.
func (h *Hart) recordSlow(op record.Op, va, size, instret uint64) *record.Record {
	r := h.rec.Next()
	*r = record.Record{
		VA: va, PC: h.pc, Cycle: h.Clock(), Instret: uint32(instret), Size: uint16(size), Op: op, Flags: record.Fault,
	}
	if op == record.Fetch {
		r.PC, r.Size = va, uint16(h.fetchBytes(va))
	}
	return r
}

func recordPA(r *record.Record, t *translation) {
	r.PA = uint64(t.PA)
	r.Flags &^= record.Fault
	if t.Uncached {
		r.Flags |= record.Uncached
	}
}

// recordWalk records an access of the page walker to the entry at pa.
func (h *Hart) recordWalk(pa addr.PA) *record.Record {
	was := *h.rec.Last()
	r := h.rec.Next()
	*r = record.Record{PA: uint64(pa), PC: was.PC, Cycle: h.Clock(), Instret: was.Instret, Size: 8, Op: record.Walk}
	return r
}

// recordFence records a fence that the run loop's slow path executes.
func (h *Hart) recordFence(flags uint8) {
	if h.rec == nil {
		return
	}
	*h.rec.Next() = record.Record{PC: h.pc, Cycle: h.Clock(), Instret: uint32(h.instret + 1), Op: record.Fence, Flags: flags}
}

// recordSFence records a translation fence.
func (h *Hart) recordSFence(va, asid uint64, hasVA, hasASID bool) {
	*h.rec.Next() = record.Record{
		VA: va, PA: record.FenceOf(uint16(asid), hasVA, hasASID), PC: h.pc,
		Cycle: h.Clock(), Instret: uint32(h.instret + 1), Op: record.Fence, Flags: record.TLB,
	}
}

// recordControl records what is no reference.
func (h *Hart) recordControl(op record.Op, va uint64) {
	*h.rec.Next() = record.Record{VA: va, Cycle: h.Clock(), Instret: uint32(h.instret), Op: op}
}

// recordTurn records that the hart stops until the engine runs it again.
func (h *Hart) recordTurn(asleep bool, wake uint64) {
	if asleep {
		h.recordControl(record.Sleep, wake)
	} else {
		h.recordControl(record.Quantum, 0)
	}
}

// recordTrap records a trap: a hart that follows only counts it.
func (h *Hart) recordTrap(epc, cause, tval uint64) {
	h.recordControl(record.Trap, cause)
	r := h.rec.Last()
	r.PC, r.PA = epc, tval
}

// RecordEnd records the hart's clock and instructions at the end of a run.
func (h *Hart) RecordEnd() {
	if h.rec != nil {
		h.recordControl(record.Final, 0)
	}
}

// recordRegime records how addresses are translated from here on, and on whose
// behalf accesses are made, if that changed.
func (h *Hart) recordRegime() {
	l, m := &h.recorded, &h.mmu
	status, envcfg := h.csr.mstatus&regimeStatus, h.csr.menvcfg&regimeEnvcfg
	context := record.ContextOf(uint8(h.priv), uint16(m.data.key&asidMask), uint16(m.data.key>>16), record.HasAll)
	if context != l.context || !l.begun {
		h.recordControl(record.Context, context)
		h.rec.Last().PA = uint64(h.cfg.ID)
	}
	if m.satp != l.satp || status != l.status || envcfg != l.envcfg || h.priv != l.priv || !l.begun {
		h.recordControl(record.Regime, m.satp)
		r := h.rec.Last()
		r.PA, r.PC, r.Size = status, envcfg, uint16(h.priv)
	}
	*l = lastRegime{m.satp, status, envcfg, context, h.priv, true}
}

// recordPMP records the registers of PMP.
func (h *Hart) recordPMP() {
	p := &h.mmu.pmp
	for i := range p.regions {
		h.recordControl(record.PMP, p.addr[i])
		r := h.rec.Last()
		r.PA, r.PC = uint64(p.cfg[i]), uint64(i)
	}
}

func recordedAtomic(op coherence.Op) record.Op {
	switch op {
	case coherence.OpLR:
		return record.LR
	case coherence.OpSC:
		return record.SC
	}
	return record.AMO
}

func recordedBlock(op coherence.Op) record.Op {
	switch op {
	case coherence.OpClean:
		return record.Clean
	case coherence.OpFlush:
		return record.Flush
	case coherence.OpInval:
		return record.Inval
	}
	return record.Zero
}

func prefetchFlags(op coherence.Op) uint8 {
	switch op {
	case coherence.OpPrefetchI:
		return record.Code
	case coherence.OpPrefetchW:
		return record.Write
	}
	return 0
}
