package core

import (
	"slices"
	"unsafe"

	"mcsim/coherence"
	"mcsim/core/isa"
	"mcsim/record"
)

// Operations of the fetch unit, beyond those of the instruction set.
const (
	opRefetch = isa.NumOps + iota // the current line is gone
	opLineEnd                     // behind a line's last instruction: look for the line of pc
	opMarker                      // see notice.go
	opAcross                      // an instruction of 4 bytes begins at the line's end; Raw has its first 2
)

const instBytes = uint64(unsafe.Sizeof(isa.Inst{}))

// lineEnd is what stands behind decoded instructions.
var lineEnd = isa.Inst{Op: opLineEnd}

// acrossLines remembers the decoding of instructions that cross a line's end, by
// their bytes; the bytes themselves are fetched each time.
type acrossLines struct {
	raw [1024]uint32
	in  [1024]aloneInst
}

// aloneInst is a decoded instruction outside its line, with a line's end where
// execution goes on after it, by its size.
type aloneInst [3]isa.Inst

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
	e := &h.flines[pc>>(h.shift&63)&(fetchSize-1)]
	if pc&h.lineMask == e.tag {
		h.l1i.Clock++
		*e.stamp = h.l1i.Clock
		*e.tlb = h.l1i.Clock
		if h.rec != nil {
			h.recordFetch(e, pc, h.instret, h.left)
		}
		h.fbase, h.fdec, h.fbytes = e.tag, e.dec, e.bytes
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
	size := h.fetchBytes(pc)
	a := &h.acc
	*a = coherence.Access{Op: coherence.OpFetch, Size: uint8(size), PA: t.PA, Uncached: t.Uncached}
	h.do(a)
	if a.Fault {
		return h.raise(causeFetchAccess, pc)
	}
	if slot := h.mem.Fetchable(t.PA); slot >= 0 && !t.Uncached && h.pmpWholeLine(t.PA, accFetch) {
		e := h.keepFetch(pc, slot, t.Stamp)
		h.fbase, h.fdec, h.fbytes = e.tag, e.dec, e.bytes
		return true
	}
	// The line is gone already, or not to be cached, or may be executed only in
	// part: run one instruction from the bytes that were read.
	h.noFetchLine()
	h.singleOK = true
	h.singleBytes, h.singleLen = a.Result, int(size)
	return true
}

// nextInst is the slow way to the instruction at pc: not decoded yet, across
// the end of a line, or in a line that cannot be kept. It returns nil if
// fetching raised a trap, which it has taken. The second half of an instruction
// may fault on its own; the trap value is then its address (privileged manual,
// mtval).
func (h *Hart) nextInst(pc uint64) *isa.Inst {
	if h.dbg != nil && !h.breakAt(pc) {
		return nil
	}
	if h.dbg == nil && h.lineIs(pc) {
		if in := h.nextAcross(pc); in != nil {
			return in
		}
	}
	h.singleOK = false // the line may be current without a call of fetchLine
	if !h.lineIs(pc) && !h.fetchLine(pc) {
		return h.fetchTrap(pc)
	}
	if h.dbg == nil && !h.singleOK {
		if in := h.decodeRun(pc); in.Op != opAcross {
			return in
		}
	}
	return h.nextAlone(pc)
}

// nextAcross is the instruction at pc, in the current line, if it is one across
// the line's end that was seen before and both of its lines are at hand; else nil.
func (h *Hart) nextAcross(pc uint64) *isa.Inst {
	first := (*isa.Inst)(unsafe.Add(h.fdec, (pc-h.fbase)*(instBytes/2)))
	if first.Op != opAcross {
		return nil
	}
	rest := pc + 2
	e := &h.flines[rest>>(h.shift&63)&(fetchSize-1)]
	if rest&h.lineMask != e.tag {
		return nil
	}
	raw := first.Raw | uint32(*(*uint16)(e.bytes))<<16
	i := h.across.place(pc >> (h.shift & 63))
	if h.across.raw[i] != raw {
		return nil
	}
	h.fetchLine(rest)
	return &h.across.in[i][0]
}

// place is where an instruction at the end of a line is kept.
func (a *acrossLines) place(line uint64) uint64 { return line & uint64(len(a.raw)-1) }

// decodeRun decodes the current line from pc on, as far as execution is likely to
// go on in it, and returns the instruction at pc, which is opAcross if it crosses
// the line's end.
func (h *Hart) decodeRun(pc uint64) *isa.Inst {
	off := pc - h.fbase
	first := (*isa.Inst)(unsafe.Add(h.fdec, off*(instBytes/2)))
	for in := first; off < h.lineSize && in.Op == isa.OpNone; {
		raw := uint32(*(*uint16)(unsafe.Add(h.fbytes, off)))
		if raw&3 == 3 {
			if off+4 > h.lineSize {
				*in = isa.Inst{Op: opAcross, Raw: raw}
				break
			}
			raw = *(*uint32)(unsafe.Add(h.fbytes, off))
		}
		*in = *h.decode(raw)
		if in.Rd == isa.SinkReg && (in.Op == isa.OpJAL || in.Op == isa.OpJALR) {
			break
		}
		off += uint64(in.Size)
		in = (*isa.Inst)(unsafe.Add(unsafe.Pointer(in), uint64(in.Size)*(instBytes/2)))
	}
	return first
}

// nextAlone is nextInst where decodeRun does not help.
func (h *Hart) nextAlone(pc uint64) *isa.Inst {
	raw, whole := uint32(uint16(h.singleBytes)), !h.singleOK
	if whole {
		raw = uint32(*(*uint16)(unsafe.Add(h.fbytes, pc-h.fbase)))
	}
	if raw&3 == 3 {
		// PMP's grain is 4 bytes: what was allowed at pc is allowed that far.
		if h.singleOK && h.singleLen >= 4 && pc&3 == 0 {
			raw = uint32(h.singleBytes)
		} else {
			base := h.fbase
			hi, ok := h.fetchHalf(pc + 2)
			if !ok {
				return h.fetchTrap(pc)
			}
			whole = whole && h.fbase == base && !h.singleOK
			raw |= uint32(hi) << 16
		}
	}
	if whole {
		in := (*isa.Inst)(unsafe.Add(h.fdec, (pc-h.fbase)*(instBytes/2)))
		if h.dbg != nil && slices.Contains(h.dbg.breaks, pc) {
			h.dbg.scratch = h.decodeAlone(raw) // so that it comes here again
			return &h.dbg.scratch[0]
		}
		*in = *h.decode(raw)
		return in
	}
	i := h.across.place(pc >> (h.shift & 63))
	if h.across.raw[i] != raw || raw == 0 { // 0: a place not used yet, or illegal
		h.across.in[i] = h.decodeAlone(raw)
		h.across.raw[i] = raw
	}
	return &h.across.in[i][0]
}

// lineIs says whether the line of va is current.
func (h *Hart) lineIs(va uint64) bool {
	return va-h.fbase < h.lineSize && h.fdec != unsafe.Pointer(&offLine[0])
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
	return *(*uint16)(unsafe.Add(h.fbytes, va-h.fbase)), true
}

// fetchTrap takes the trap that fetching at pc raised. It costs a cycle, so
// that a handler that cannot be fetched either does not stop time.
func (h *Hart) fetchTrap(pc uint64) *isa.Inst {
	h.left--
	h.takeTrap(pc)
	return nil
}

func (h *Hart) decodeAlone(raw uint32) aloneInst {
	return aloneInst{*h.decode(raw), lineEnd, lineEnd}
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
