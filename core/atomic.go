package core

import (
	"unsafe"

	"mcsim/coherence"
	"mcsim/core/isa"
	"mcsim/record"
)

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
	if !uncached {
		h.keepAccessed(va, a.Slot, &t)
	}
	return true
}

// atomicQuick executes an LR, SC or AMO whose line is in the line table, with no
// store to wait for. It counts and ages as execAtomic does. It returns false,
// having done nothing, where that one has to.
func (h *Hart) atomicQuick(in *isa.Inst) bool {
	n := int(in.Op - isa.OpLRW)
	op := atomicOps[n/2]
	va := h.x[in.Rs1]
	e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]
	tag := e.wtag
	if op == coherence.OpLR {
		tag = e.rtag
	}
	if va&h.mask[2+n&1] != tag || h.sbCount > 0 || len(h.sb.busy) > 0 || h.rec != nil || h.dbg != nil {
		return false
	}
	slot := int32(-1)
	if op <= coherence.OpSC {
		slot = slotOf(h.l1d.Stamp, e.stamp)
		if op == coherence.OpSC && !h.mem.ReservedAt(slot) {
			return false
		}
	}
	h.touch(e)
	h.left -= int64(h.cfg.Latency.AMO)
	p, v := unsafe.Add(e.data, va&h.offMask), h.x[in.Rs2]
	switch {
	case op == coherence.OpSC:
		h.mem.DropReservation()
		if n&1 == 0 {
			*(*uint32)(p) = uint32(v)
		} else {
			*(*uint64)(p) = v
		}
		h.x[in.Rd] = 0
		return true
	case op == coherence.OpLR:
		h.mem.ReserveAt(slot)
	case n&1 == 0:
		w := (*uint32)(p)
		old := *w
		*w = uint32(coherence.AMO(op, 4, uint64(old), v))
		h.x[in.Rd] = uint64(int64(int32(old)))
		return true
	default:
		w := (*uint64)(p)
		old := *w
		*w = coherence.AMO(op, 8, old, v)
		h.x[in.Rd] = old
		return true
	}
	if n&1 == 0 {
		h.x[in.Rd] = uint64(int64(*(*int32)(p)))
	} else {
		h.x[in.Rd] = *(*uint64)(p)
	}
	return true
}
