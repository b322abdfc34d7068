package core

import (
	"unsafe"

	"mcsim/coherence"
	"mcsim/core/isa"
	"mcsim/record"
)

// opMarker is an operation beyond those of the instruction set: see notice.go.
const opMarker = isa.NumOps

// acrossLines remembers the decoding of instructions that cross a line's end, by
// their bytes; the bytes themselves are fetched each time.
type acrossLines [1024]aloneInst

// aloneInst is an instruction outside of a block, with the end of its run.
type aloneInst struct {
	before, in, end step // before is where the run loop begins, by moving on
	raw             uint32
}

// set makes a of an instruction, whose step is s.
func (a *aloneInst) set(s step, in *isa.Inst) {
	a.before, a.in, a.raw = step{after: uint16(in.Cost), n: 1}, s, in.Raw
	a.end = step{op: stepRunEnd, at: s.at + in.Size/2}
	join(unsafe.Slice(&a.in, 2))
}

// decodings remembers how instructions were decoded, by their bytes. A line that
// comes into the L1I is decoded anew, and most of its instructions have been seen.
type decodings [1 << decodingBits]isa.Inst

const decodingBits = 12

// fetchLine makes the line of pc current, through the ITLB and the L1I. It
// returns false if that raised a trap. Where another hart took the line away
// before this one could run, or where the line may not be executed whole, the
// bytes at pc are in h.singleBytes and h.singleOK is set.
func (h *Hart) fetchLine(pc uint64) (ok bool) {
	h.singleOK = false
	e := h.fetchOf(pc)
	if pc&h.lineMask == e.tag {
		h.l1i.Clock++
		*e.stamp = h.l1i.Clock
		*e.tlb = h.l1i.Clock
		if h.rec != nil {
			h.recordFetch(e, pc, h.instret, h.left)
		}
		h.fbase, h.fdec = e.tag, e.dec
		return true
	}
	return h.fetchSlow(pc)
}

// fetchBytes is how much of the line at pc a fetch reads.
func (h *Hart) fetchBytes(pc uint64) uint64 { return min(8, h.lineSize-pc&(h.lineSize-1)) }

func (h *Hart) fetchSlow(pc uint64) bool {
	h.itlbAccesses(1)
	var r *record.Record
	if h.rec != nil {
		r = h.recordSlow(record.Fetch, pc, 2, h.instret)
	}
	var t translation
	if !h.translate(pc, 2, accFetch, &t) {
		return false
	}
	if r != nil {
		recordPA(r, &t)
	}
	if h.mem.Attr(t.PA, 2) != coherence.AttrRAM {
		return h.raise(causeFetchAccess, pc)
	}
	h.tab.blocks.expect(uint64(t.PA) >> (h.shift & 63))
	size := h.fetchBytes(pc)
	a := &h.acc
	*a = coherence.Access{Op: coherence.OpFetch, Size: uint8(size), PA: t.PA, Uncached: t.Uncached}
	h.do(a)
	if a.Fault {
		return h.raise(causeFetchAccess, pc)
	}
	if slot := h.mem.Fetchable(t.PA); slot >= 0 && !t.Uncached && h.pmpWholeLine(t.PA, accFetch) {
		e := h.keepFetch(pc, slot, t.Stamp)
		h.fbase, h.fdec = e.tag, e.dec
		return true
	}
	// The line is gone already, or not to be cached, or may be executed only in
	// part: run one instruction from the bytes that were read.
	h.noFetchLine()
	h.singleOK = true
	h.singleBytes, h.singleLen = a.Result, int(size)
	return true
}

// nextInst is the slow way to the instruction at pc: not decoded yet, across the
// end of a line, or in a line that cannot be kept. It returns the step before the run
// that begins there, or nil if fetching raised a trap, which it has taken. The second
// half of an instruction may fault on its own; the trap value is then its address
// (privileged manual, mtval).
func (h *Hart) nextInst(pc uint64) *step {
	if h.dbg != nil && !h.breakAt(pc) {
		return nil
	}
	if h.dbg == nil && h.lineIs(pc) {
		if a := h.nextAcross(pc); a != nil {
			return &a.before
		}
	}
	h.singleOK = false // the line may be current without a call of fetchLine
	if !h.lineIs(pc) {
		if !h.fetchLine(pc) {
			return h.fetchTrap(pc)
		}
		if !h.fetched(pc, pc) {
			return nil
		}
	}
	if !h.singleOK {
		off := pc - h.fbase
		run := *(*uint16)(unsafe.Add(h.fdec, off))
		if run == 0 {
			run = h.enter(pc)
		}
		if run != 0 {
			return (*step)(unsafe.Add(h.fdec, run))
		}
	}
	return h.nextAlone(pc)
}

// nextAcross is the instruction at pc, in the current line, if it is one across
// the line's end that was seen before and both of its lines are at hand; else nil.
func (h *Hart) nextAcross(pc uint64) *aloneInst {
	off := pc - h.fbase
	if off != h.lineSize-2 {
		return nil
	}
	half := h.half(off)
	if half&3 != 3 {
		return nil
	}
	rest := pc + 2
	e := h.fetchOf(rest)
	if rest&h.lineMask != e.tag {
		return nil
	}
	a := h.acrossAt(pc)
	if a.raw != uint32(half)|uint32(*(*uint16)(unsafe.Add(e.dec, h.lineSize)))<<16 {
		return nil
	}
	h.fetchLine(rest)
	return a
}

// acrossAt is where an instruction across the end of the line of pc is kept.
func (h *Hart) acrossAt(pc uint64) *aloneInst {
	return &h.across[pc>>(h.shift&63)&uint64(len(h.across)-1)]
}

// nextAlone is nextInst for an instruction that no block holds.
func (h *Hart) nextAlone(pc uint64) *step {
	raw, single := uint32(uint16(h.singleBytes)), h.singleOK
	if !single {
		raw = uint32(h.half(pc - h.fbase))
	}
	kept := !single
	if raw&3 == 3 {
		// PMP's grain is 4 bytes: what was allowed at pc is allowed that far.
		if single && h.singleLen >= 4 && pc&3 == 0 {
			raw = uint32(h.singleBytes)
		} else {
			hi, ok := h.fetchHalf(pc + 2)
			if !ok {
				return h.fetchTrap(pc)
			}
			if !h.fetched(pc, pc+2) {
				return nil
			}
			single = h.singleOK
			kept = kept && !single
			raw |= uint32(hi) << 16
		}
	}
	in := h.decode(raw)
	if single { // no line is current
		h.noFetchLine()
		h.fbase = pc & h.lineMask
	}
	// If the instruction crosses the end of a line, it is the second line that is
	// current, and off is -2.
	off := pc - h.fbase
	a := &h.alone
	if kept && off == ^uint64(1) {
		a = h.acrossAt(pc)
	}
	a.set(h.stepFor(in, off), in)
	return &a.before
}

// lineIs says whether the line of va is current.
func (h *Hart) lineIs(va uint64) bool {
	return va-h.fbase < h.lineSize && h.fdec != unsafe.Pointer(&noBlock)
}

// fetchHalf reads 16 bits of instructions at va, making its line current.
func (h *Hart) fetchHalf(va uint64) (uint16, bool) {
	if !h.lineIs(va) {
		if !h.fetchLine(va) {
			return 0, false
		}
		if h.singleOK {
			return uint16(h.singleBytes), true
		}
	}
	return h.half(va - h.fbase), true
}

// fetchTrap takes the trap that fetching at pc raised. It costs a cycle, so
// that a handler that cannot be fetched either does not stop time.
func (h *Hart) fetchTrap(pc uint64) *step {
	h.left--
	h.takeTrap(pc)
	return nil
}

// decode decodes one instruction, of which raw has nothing but its own bytes, and
// gives it its cost. The result is good until the next call.
func (h *Hart) decode(raw uint32) *isa.Inst {
	seen := &h.seen[raw*0x9e3779b1>>(32-decodingBits)]
	if seen.Raw == raw && seen.Op != isa.OpNone {
		return seen
	}
	in := h.dec.Decode(raw)
	in.Cost = h.cost[in.Op]
	if h.note.markers && raw&markerMask == markerBits {
		in.Op = opMarker
	}
	*seen = in
	return seen
}
