package core

import (
	"math/bits"

	"mcsim/core/isa"
)

// Sscofpmf (privileged manual, "Count Overflow and Mode-Based Filtering"): counters
// 3 to 31 stop in chosen modes, and say by an interrupt that they have wrapped.
//
// A counter does not count, so nobody sees it wrap. The run loop looks when it may
// have: no event happens much more often than once a cycle, so that what is left
// until then is a number of cycles. Cycles and instructions are seen to wrap in
// time, other events overflowSkid late at most; the manual asks for no precision.

// Bits of mhpmevent.
const (
	eventOF     = 1 << 63 // the counter has wrapped; it asks for no other interrupt
	eventMINH   = 1 << 62
	eventSINH   = 1 << 61
	eventUINH   = 1 << 60
	eventNumber = 1<<56 - 1

	eventFilters = eventMINH | eventSINH | eventUINH
)

// overflowSkid is the least number of cycles between two looks at events other than
// cycles.
const overflowSkid = 50

const never = ^uint64(0)

// filteredIn is the bit of mhpmevent that stops a counter in a mode.
func filteredIn(p Priv) uint64 {
	switch p {
	case Machine:
		return eventMINH
	case Supervisor:
		return eventSINH
	}
	return eventUINH
}

// stops says whether counter i does not count now.
func (h *Hart) stops(i int) bool {
	f := &h.csr.counters
	return f.inhibit>>i&1 != 0 || f.c[i].event&filteredIn(h.priv) != 0
}

// settle stops counter i or lets it go on.
func (h *Hart) settle(i int) {
	c := &h.csr.counters.c[i]
	if stop := h.stops(i); stop != c.stopped {
		c.base = h.readCounter(i)
		c.start = h.counterNow(i)
		c.stopped = stop
	}
}

// filterCounters follows a change of mode.
func (h *Hart) filterCounters() {
	for m := h.csr.counters.filtered; m != 0; m &= m - 1 {
		h.settle(bits.TrailingZeros64(m))
	}
	h.awaitOverflow()
}

// filterReturn is filterCounters for a return from a trap, whose instruction counts in
// the mode that it comes from (Smcntrpmf, "Counter Behavior").
func (h *Hart) filterReturn() {
	if h.executing { // and has not retired
		h.instret++
		h.filterCounters()
		h.instret--
	} else { // the firmware's, which is no instruction
		h.filterCounters()
	}
}

// awaitOverflow works out when to look for the next overflow. It follows every change
// of what a counter counts.
func (h *Hart) awaitOverflow() {
	f := &h.csr.counters
	f.check, f.wake = never, never
	if !h.cfg.ISA.Has(isa.ExtSscofpmf) {
		return
	}
	now := h.Clock()
	for i := 3; i < 32; i++ {
		c := &f.c[i]
		if c.event&eventNumber == 0 || c.event&eventOF != 0 || c.stopped {
			continue
		}
		left := -h.readCounter(i) // 0 if it is at 0: 2^64, which is never
		if left == 0 || left > never>>1 {
			continue
		}
		at := now + left
		switch EventNumber(c.event & eventNumber) {
		case EventCycles:
			f.wake = min(f.wake, at) // it counts in WFI too
		case EventInstructions:
		default:
			at = now + max(left, overflowSkid)
		}
		f.check = min(f.check, at)
	}
	if f.check != never {
		h.limitTo(max(f.check, now))
	}
}

// checkOverflow finds counters that have wrapped since somebody looked.
func (h *Hart) checkOverflow() {
	f := &h.csr.counters
	for i := 3; i < 32; i++ {
		c := &f.c[i]
		v := h.readCounter(i)
		if v < c.seen && c.event&eventOF == 0 && c.event&eventNumber != 0 {
			c.event |= eventOF
			h.csr.mipSoft |= 1 << irqLCOFI
			h.updateMIP()
		}
		c.seen = v
	}
	h.awaitOverflow()
}

// csrScountovf is scountovf, which has all OF bits together.
const csrScountovf = 0xda0

// lookForOverflow is for software that reads a CSR: where it has OF bits they are up
// to date. A debugger that reads one changes nothing.
func (h *Hart) lookForOverflow(num uint16) {
	if num == csrScountovf || num >= 0x323 && num < 0x340 {
		h.checkOverflow()
	}
}

// scountovf has the OF bits of the counters that S-mode may read.
func (h *Hart) scountovf() (v uint64) {
	for i := 3; i < 32; i++ {
		v |= h.csr.counters.c[i].event >> 63 << i
	}
	if h.priv != Machine {
		v &= h.csr.mcounteren
	}
	return v
}
