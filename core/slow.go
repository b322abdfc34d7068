package core

import (
	"mcsim/coherence"
	"mcsim/core/isa"
	"mcsim/record"
)

// slow completes the instruction at pc where the run loop does not: it executes
// it and moves pc on, or takes the trap that it raised. The hart's state is
// stored when it is called, and the instruction charged and counted.
func (h *Hart) slow(s *step) {
	h.instret-- // while it executes, it has not retired: a CSR read does not see it
	h.current, h.executing = *h.decode(s.raw), true
	in := &h.current
	next := h.pc + uint64(in.Size)
	if !h.execSlow(in) {
		h.takeTrap(h.pc)
		if h.dbg != nil {
			h.dbg.isHit = false // what was watched was not accessed
		}
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

// execSlow executes one instruction. It returns false if that raised a trap.
func (h *Hart) execSlow(in *isa.Inst) bool {
	switch op := in.Op; {
	case op == isa.OpIllegal:
		return h.raise(causeIllegal, uint64(in.Raw))
	case op >= isa.OpLD && op <= isa.OpLBU:
		return h.execLoad(in)
	case op >= isa.OpSD && op <= isa.OpSB:
		va, size, v := h.x[in.Rs1]+uint64(int64(in.Imm)), storeSize(op), h.x[in.Rs2]
		return h.storeMisaligned(va, size, v) || h.storeQuick(va, size, v)
	case op >= isa.OpBEQ && op <= isa.OpJALR:
		return h.execMisalignedJump(in)
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

// execLoad is a load that the line table did not answer.
func (h *Hart) execLoad(in *isa.Inst) bool {
	size, signed := uint64(8), true
	switch in.Op {
	case isa.OpLW:
		size = 4
	case isa.OpLWU:
		size, signed = 4, false
	case isa.OpLH:
		size = 2
	case isa.OpLHU:
		size, signed = 2, false
	case isa.OpLB:
		size = 1
	case isa.OpLBU:
		size, signed = 1, false
	}
	va := h.x[in.Rs1] + uint64(int64(in.Imm))
	v, ok := h.loadMisaligned(va, size)
	if !ok {
		if v, ok = h.loadSlow(va, size); !ok {
			return false
		}
	}
	if signed {
		up := 64 - 8*size
		v = uint64(int64(v<<up) >> up)
	}
	h.x[in.Rd] = v
	return true
}

func storeSize(op isa.Op) uint64 { return 8 >> (op - isa.OpSD) }

// execMisalignedJump raises the exception of a jump to an address that is no
// instruction's: it is the jump that traps (unprivileged manual, JAL).
func (h *Hart) execMisalignedJump(in *isa.Inst) bool {
	target := h.pc + uint64(int64(in.Imm))
	if in.Op == isa.OpJALR {
		target = (h.x[in.Rs1] + uint64(int64(in.Imm))) &^ 1
	}
	return h.raise(causeMisalignedFetch, target)
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

// atomicOps gives the memory operation of each pair (word, doubleword) of
// atomics after lr and sc, in the order of isa's operations.
var atomicOps = [...]coherence.Op{
	coherence.OpLR, coherence.OpSC, coherence.OpAMOSwap, coherence.OpAMOAdd,
	coherence.OpAMOXor, coherence.OpAMOAnd, coherence.OpAMOOr, coherence.OpAMOMin,
	coherence.OpAMOMax, coherence.OpAMOMinU, coherence.OpAMOMaxU,
}

// execAtomic executes LR, SC and the AMOs. They drain the store buffer first,
// which gives more order than any aq or rl asks for.
func (h *Hart) execAtomic(in *isa.Inst) bool {
	n := int(in.Op - isa.OpLRW)
	op := atomicOps[n/2]
	size := uint64(4 + 4*(n&1))
	va := h.x[in.Rs1]
	kind, misaligned, access := accStore, uint64(causeMisalignedStore), uint64(causeStoreAccess)
	if op == coherence.OpLR {
		kind, misaligned, access = accLoad, causeMisalignedLoad, causeLoadAccess
	}
	if va&(size-1) != 0 {
		return h.raise(misaligned, va)
	}
	v := h.x[in.Rs2]
	if size == 4 {
		v = uint64(uint32(v))
	}
	if !h.atomic(op, va, size, v, kind, access) {
		return false
	}
	switch a := &h.acc; {
	case op == coherence.OpSC:
		h.x[in.Rd] = b2u(!a.OK)
	case size == 4:
		h.x[in.Rd] = uint64(int64(int32(a.Result)))
	default:
		h.x[in.Rd] = a.Result
	}
	return true
}

// atomic makes the access of an LR, SC or AMO; h.acc has its outcome. It returns
// false if it raised a trap, that of access where there is nothing to access.
func (h *Hart) atomic(op coherence.Op, va, size, v uint64, kind accessKind, access uint64) bool {
	var r *record.Record
	if h.rec != nil {
		r = h.recordSlow(recordedAtomic(op), va, size, h.instret+1)
	}
	var t translation
	if !h.translate(va, int(size), kind, &t) {
		return false
	}
	if h.dbg != nil {
		h.watch(va, size, op != coherence.OpLR)
	}
	if !h.mem.Atomics(t.PA, size) {
		return h.raise(access, va)
	}
	if r != nil {
		recordPA(r, &t)
	}
	h.drainAll()
	a := &h.acc
	uncached := t.Uncached || h.mem.Attr(t.PA, size) == coherence.AttrDevice
	*a = coherence.Access{Op: op, Size: uint8(size), PA: t.PA, Value: v, Uncached: uncached}
	h.do(a)
	h.left -= int64(h.cfg.Latency.AMO)
	if a.Fault {
		return h.raise(access, va)
	}
	return true
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
