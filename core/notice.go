package core

import (
	"mcsim/coherence"
	"mcsim/core/isa"
)

// opMarker is the instruction slti x0, rs1, imm where markers matter. It computes
// nothing: with x0 as its destination it is a hint, and of those that are
// "designated for custom use" (unprivileged manual, "HINT Instructions"), so that
// a program with markers runs anywhere. imm says what is asked for, and rs1 has
// its argument. guests/runtime/mcsim.h is the same for C.
const (
	markerBits = 0x2013 // slti with rd = x0
	markerMask = 0x7fff
)

// MarkerCode is what a marker asks for: the immediate of its instruction.
type MarkerCode int32

// Codes of markers. Others are hints that mean nothing here.
const (
	MarkerPoint      MarkerCode = 0x6d0 // something worth a name
	MarkerBegin      MarkerCode = 0x6d1 // a region begins
	MarkerEnd        MarkerCode = 0x6d2 // it ends
	MarkerReset      MarkerCode = 0x6d3 // statistics begin at zero
	MarkerDump       MarkerCode = 0x6d4 // statistics up to here
	MarkerCheckpoint MarkerCode = 0x6d5
	MarkerStop       MarkerCode = 0x6d6
)

// NoticeKind is what a hart has to tell the machine.
type NoticeKind uint8

const (
	NoticeMarker NoticeKind = iota // a marker is executed
	NoticeBreak                    // the instruction at a breakpoint comes next
	NoticeStep                     // the instruction to be stepped is done
	NoticeWatch                    // a watched address was accessed
	NoticeTraps                    // an exception was taken over and over: see TrapLoop
)

// Notice is what a hart tells. While the machine hears it, all harts are parked,
// and the teller's registers are those before the instruction (marker, break) or
// after it (step, watch, traps).
type Notice struct {
	Kind  NoticeKind
	Code  MarkerCode
	Value uint64 // of a marker: rs1; of a watch: the address
	Write bool   // of a watch
}

// notices is a hart's line to the machine.
type notices struct {
	markers bool // slti x0 is a marker
	last    Notice
	req     coherence.Request
}

// SetMarkers says whether markers are told. It is to be called before the run.
func (h *Hart) SetMarkers(on bool) { h.note.markers = on }

// SetFast switches the hart's part of functional mode (coherence.Engine.SetFast):
// stores that miss do not go to the store buffer.
func (h *Hart) SetFast(on bool) { h.fast = on }

// Notice is what the hart told last.
func (h *Hart) Notice() Notice { return h.note.last }

// tell parks the hart until the machine has heard it.
func (h *Hart) tell(n Notice) {
	h.note.last = n
	h.mem.Port.Tell(&h.note.req)
}

// execMarker tells a marker that means something.
func (h *Hart) execMarker(in *isa.Inst) {
	if code := MarkerCode(in.Imm); code >= MarkerPoint && code <= MarkerStop {
		h.tell(Notice{Kind: NoticeMarker, Code: code, Value: h.x[in.Rs1]})
	}
}
