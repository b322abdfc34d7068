package core

import (
	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/core/isa"
	"mcsim/record"
)

// slow completes the instruction at pc where the run loop does not: it executes
// it and moves pc on, or takes the trap that it raised. The hart's state is
// stored when it is called, and the instruction charged and counted.
func (h *Hart) slow(s *step) {
	if op := s.op.first(); op <= stepLBU {
		h.slowLoad(s, op)
		return
	} else if op <= stepSB {
		h.slowStore(s, op)
		return
	}
	in := h.decode(s.word)
	if in.Op >= isa.OpLRW && in.Op <= isa.OpAMOMAXUD && h.atomicQuick(in) {
		h.pc += uint64(in.Size)
		return
	}
	h.instret-- // while it executes, it has not retired: a CSR read does not see it
	h.current, h.executing = *in, true
	in = &h.current
	next := h.pc + uint64(in.Size)
	if !h.execSlow(in) {
		h.trapped()
	} else {
		h.instret++
		if in.Op != isa.OpMRET && in.Op != isa.OpSRET { // those have set it
			h.pc = next
		}
	}
	h.executing = false
	if h.dbg != nil {
		h.executed()
	}
}

// trapped takes the trap that the instruction in execution raised.
func (h *Hart) trapped() {
	h.takeTrap(h.pc)
	if h.dbg != nil {
		h.dbg.isHit = false // what was watched was not accessed
	}
}

// slowLoad is slow for integer loads, by far the most of what comes there, with stores.
// When it parks, s may be gone.
func (h *Hart) slowLoad(s *step, op stepOp) {
	va := h.x[s.rs1] + uint64(int64(s.imm))
	if h.mmu.data.levels == 0 {
		h.mem.Expect(addr.PA(va))
	}
	h.instret--
	h.executing = true
	next, rd := h.pc+uint64(s.size()), s.rd
	f := loadForms[op&7]
	v, ok := uint64(0), false
	if va&(f.size-1) == 0 && h.rec == nil {
		v, ok = h.loadPart(va, f.size, nil)
	} else {
		v, ok = h.loadUnaligned(va, f.size)
	}
	if ok {
		if f.unused != 0 {
			v = uint64(int64(v<<(f.unused&63)) >> (f.unused & 63))
		}
		h.x[rd] = v
	}
	h.slowDone(ok, next)
}

// slowStore is the same for integer stores.
func (h *Hart) slowStore(s *step, op stepOp) {
	va, size, v := h.x[s.rs1]+uint64(int64(s.imm)), uint64(8)>>(op-stepSD), h.x[s.rs2]
	h.instret--
	h.executing = true
	next := h.pc + uint64(s.size())
	h.slowDone(va&(size-1) != 0 && h.storeMisaligned(va, size, v) || h.storeSlow(va, size, v), next)
}

// slowDone ends the execution of an instruction that is no jump.
func (h *Hart) slowDone(ok bool, next uint64) {
	if ok {
		h.instret++
		h.pc = next
	} else {
		h.trapped()
	}
	h.executing = false
	if h.dbg != nil {
		h.executed()
	}
}

// execSlow executes one instruction. It returns false if that raised a trap.
func (h *Hart) execSlow(in *isa.Inst) bool {
	switch op := in.Op; {
	case op == isa.OpIllegal:
		return h.raise(causeIllegal, uint64(in.Raw))
	case op >= isa.OpBEQ && op <= isa.OpJALR:
		return h.execMisalignedJump(in)
	case op == isa.OpAUIPC:
		h.x[in.Rd] = h.pc + uint64(int64(in.Imm))
		return true
	case op < isa.OpFLD:
		h.x[in.Rd] = rareInt(op, h.x[in.Rs1], h.x[in.Rs2])
		return true
	case op <= isa.OpFSH:
		return h.execFPMem(in)
	case op <= isa.OpFCVTHD:
		return h.execFP(in)
	case op >= isa.OpLRW && op <= isa.OpAMOMAXUD:
		return h.execAtomic(in)
	}
	return h.execSpecial(in)
}

// loadForms are the bytes of each load, and the bits above them that it fills with
// its sign, if it does.
var loadForms = [8]struct {
	size   uint64
	unused uint8
}{
	stepLD: {8, 0}, stepLW: {4, 32}, stepLWU: {4, 0}, stepLH: {2, 48}, stepLHU: {2, 0}, stepLB: {1, 56}, stepLBU: {1, 0},
}

// loadUnaligned is a load that the line table did not answer, and that may cross a
// line.
func (h *Hart) loadUnaligned(va, size uint64) (uint64, bool) {
	if v, ok := h.loadMisaligned(va, size); ok {
		return v, true
	}
	return h.loadSlow(va, size)
}

// execMisalignedJump raises the exception of a jump to an address that is no
// instruction's: it is the jump that traps (unprivileged manual, JAL).
func (h *Hart) execMisalignedJump(in *isa.Inst) bool {
	if !branches(in.Op, h.x[in.Rs1], h.x[in.Rs2]) {
		return true
	}
	target := h.pc + uint64(int64(in.Imm))
	if in.Op == isa.OpJALR {
		target = (h.x[in.Rs1] + uint64(int64(in.Imm))) &^ 1
	}
	return h.raise(causeMisalignedFetch, target)
}

// branches says whether a branch or jump is taken, whose operands are a and b.
func branches(op isa.Op, a, b uint64) bool {
	switch op {
	case isa.OpBEQ:
		return a == b
	case isa.OpBNE:
		return a != b
	case isa.OpBLT:
		return int64(a) < int64(b)
	case isa.OpBGE:
		return int64(a) >= int64(b)
	case isa.OpBLTU:
		return a < b
	case isa.OpBGEU:
		return a >= b
	}
	return true
}

// execSpecial executes what touches the whole hart: fences, cache operations,
// CSRs and the privileged instructions.
func (h *Hart) execSpecial(in *isa.Inst) bool {
	switch in.Op {
	case opMarker:
		h.execMarker(in)
		return true
	case isa.OpFENCE:
		h.execFence(in)
		return true
	case isa.OpFENCEI:
		h.recordFence(record.Inst)
		h.fenceI()
		return true
	case isa.OpPREFETCHI, isa.OpPREFETCHR, isa.OpPREFETCHW:
		h.execPrefetch(in)
		return true
	case isa.OpCSRRW, isa.OpCSRRS, isa.OpCSRRC, isa.OpCSRRWI, isa.OpCSRRSI, isa.OpCSRRCI:
		h.left -= int64(h.cfg.Latency.CSR)
		return h.execCSR(in)
	case isa.OpCBOCLEAN, isa.OpCBOFLUSH, isa.OpCBOINVAL, isa.OpCBOZERO:
		return h.execCBO(in)
	case isa.OpWRSNTO, isa.OpWRSSTO:
		return h.execWRS(in)
	case isa.OpWFI, isa.OpSFENCEVMA, isa.OpSINVALVMA, isa.OpSFENCEWINVAL, isa.OpSFENCEINVALIR:
		h.recordFence(record.Wait)
		h.drainAll()
	}
	return h.execSystem(in)
}

// execFence orders this hart's accesses. Loads and stores leave in program
// order but for the store buffer, so only a fence between an earlier store and
// a later load, or one that concerns devices, has something to wait for.
func (h *Hart) execFence(in *isa.Inst) {
	const w, r, io = 1, 2, 12
	imm := uint32(in.Imm)
	succ, pred, fm := imm&15, imm>>4&15, imm>>8&15
	if fm == 8 && pred == 3 && succ == 3 { // fence.tso leaves store to load alone
		h.recordFence(0)
		return
	}
	if pred&w != 0 && succ&r != 0 || (pred|succ)&io != 0 {
		h.recordFence(record.Wait)
		h.drainAll()
		return
	}
	h.recordFence(0)
}

// fenceI makes the stores so far visible to the fetches that follow.
func (h *Hart) fenceI() {
	h.drainAll()
	h.mem.FenceI()
	h.noFetchLine()
}

// execCBO executes the cache-block operations on the line of rs1.
func (h *Hart) execCBO(in *isa.Inst) bool {
	op, allowed := h.cboAllowed(in)
	if !allowed {
		return h.raise(causeIllegal, uint64(in.Raw))
	}
	return h.block(op, h.x[in.Rs1])
}

// block makes the access of a cache-block operation on the line of va.
func (h *Hart) block(op coherence.Op, va uint64) bool {
	var r *record.Record
	if h.rec != nil {
		r = h.recordSlow(recordedBlock(op), va, h.lineSize, h.instret+1)
	}
	line := va &^ (h.lineSize - 1)
	var t translation
	// The block's permission is that of a store; cbo.zero is one. The others
	// may also have a load's (CMO specification, access faults): a load's
	// failure is still reported as a store's.
	kind := accStore
	if op != coherence.OpZero {
		kind = accCBO
	}
	if !h.translate(line, 1, kind, &t) {
		h.trap.tval = va
		return false
	}
	if h.mem.Attr(t.PA, h.lineSize) != coherence.AttrRAM || !h.pmpWholeLine(t.PA, kind) {
		return h.raise(causeStoreAccess, va)
	}
	if r != nil {
		recordPA(r, &t)
		r.PA += va - line
	}
	if h.dbg != nil && op == coherence.OpZero {
		h.watch(line, h.lineSize, true)
	}
	h.drainAll()
	a := &h.acc
	*a = coherence.Access{Op: op, Size: 1, PA: t.PA}
	h.do(a)
	if a.Fault {
		return h.raise(causeStoreAccess, va)
	}
	return true
}

// execPrefetch asks for a line; whatever goes wrong, nothing happens.
func (h *Hart) execPrefetch(in *isa.Inst) {
	va := h.x[in.Rs1] + uint64(int64(in.Imm))
	op := coherence.OpPrefetchR
	switch in.Op {
	case isa.OpPREFETCHI:
		op = coherence.OpPrefetchI
	case isa.OpPREFETCHW:
		op = coherence.OpPrefetchW
	}
	h.prefetch(op, va)
}

// prefetch asks for the line of va.
func (h *Hart) prefetch(op coherence.Op, va uint64) {
	var r *record.Record
	if h.rec != nil {
		r = h.recordSlow(record.Prefetch, va, 1, h.instret+1)
		r.Flags |= prefetchFlags(op)
	}
	var t translation
	if !h.translate(va, 1, accHint, &t) || t.Uncached || h.mem.Attr(t.PA, 1) != coherence.AttrRAM {
		return
	}
	if r != nil {
		recordPA(r, &t)
	}
	a := &h.acc
	*a = coherence.Access{Op: op, Size: 1, PA: t.PA}
	// A prefetch does not wait for its line.
	h.mem.Do(a, h.Clock())
}

// wrsShort bounds the wait of wrs.sto, in cycles.
const wrsShort = 1000

// execWRS waits for the reservation to be lost, for an interrupt, or for a
// timeout (Zawrs). It may end early for no reason at all; software loops.
func (h *Hart) execWRS(in *isa.Inst) bool {
	h.recordFence(record.Wait)
	h.drainAll()
	if in.Op == isa.OpWRSNTO && h.wfiTraps() {
		// wrs.nto is bounded where TW says so; being bounded it need not trap.
		h.wrsUntil = h.Clock() + wrsShort
	} else if in.Op == isa.OpWRSNTO {
		h.wrsUntil = ^uint64(0)
	} else {
		h.wrsUntil = h.Clock() + wrsShort
	}
	h.wrs = h.mem.Reserved()
	if h.wrs {
		h.yank()
	}
	return true
}
