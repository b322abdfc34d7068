package core

import (
	"mcsim/core/fp"
	"mcsim/core/isa"
)

func flagsOf(v uint64) fp.Flags { return fp.Flags(v & 31) }

// Stats are the hart's own counters, beside those of its caches and TLBs.
type Stats struct {
	Exceptions, Interrupts uint64 // traps taken
	Fences                 uint64 // sfence.vma and sinval.vma
	Slept                  uint64 // cycles waited in WFI and WRS
	Buffered               uint64 // stores that waited in the store buffer
}

// counter is one of the 32 hardware counters. It does not count: it remembers
// when its source had which value, and computes the rest when it is read.
type counter struct {
	base    uint64 // value when start was taken
	start   uint64 // source's value then
	event   uint64 // mhpmevent
	source  *uint64
	stopped bool   // by mcountinhibit or the mode
	seen    uint64 // value when somebody looked for an overflow
}

// counterFile has mcycle (0), minstret (2) and mhpmcounter3 to 31.
type counterFile struct {
	c        [32]counter
	inhibit  uint64 // mcountinhibit
	filtered uint64 // counters that stop in some mode
	check    uint64 // when one may have wrapped
	wake     uint64 // the same in WFI
}

// EventNumber selects what an mhpmcounter counts. The numbers are mcsim's own
// and stable.
type EventNumber uint64

// Events of mhpmevent.
const (
	EventNone EventNumber = iota
	EventL1DAccess
	EventL1DMiss
	EventL1DWriteback
	EventL1IAccess
	EventL1IMiss
	EventDTLBMiss
	EventITLBMiss
	EventL2TLBMiss
	EventPageWalk
	EventL2Access
	EventL2Miss
	EventBusRequest
	EventSnoop
	EventInvalidation
	EventException
	EventInterrupt
	EventSlept
	EventLLCAccess
	EventLLCMiss
	EventCycles       // as mcycle
	EventInstructions // as minstret
	NumEvents
)

// now is the present value of a counter's source.
func (h *Hart) counterNow(i int) uint64 {
	switch i {
	case 0:
		return h.Clock()
	case 2:
		return h.instret
	}
	c := &h.csr.counters.c[i]
	if c.source != nil {
		return *c.source
	}
	if EventNumber(c.event&eventNumber) == EventCycles {
		return h.Clock()
	}
	return 0
}

func (h *Hart) readCounter(i int) uint64 {
	c := &h.csr.counters.c[i]
	if c.stopped {
		return c.base
	}
	return c.base + h.counterNow(i) - c.start
}

func (h *Hart) writeCounter(i int, v uint64) {
	c := &h.csr.counters.c[i]
	c.base, c.start = v, h.counterNow(i)
	if h.executing && (i == 2 || i > 2 && EventNumber(c.event&eventNumber) == EventInstructions) {
		// The write replaces the increment of the writing instruction. The firmware's
		// and a debugger's are no instruction's.
		c.start++
	}
	c.seen = v
	h.awaitOverflow()
}

func (h *Hart) writeInhibit(v uint64) {
	f := &h.csr.counters
	v &^= 2 // time cannot be stopped
	v &= 0xffff_ffff
	f.inhibit = v
	for i := range f.c {
		h.settle(i)
	}
	h.awaitOverflow()
}

func (h *Hart) writeEvent(i int, v uint64) {
	number, flags := v, uint64(0)
	if h.cfg.ISA.Has(isa.ExtSscofpmf) {
		number, flags = v&eventNumber, v&(eventOF|eventFilters)
	}
	source := h.eventSource(EventNumber(number))
	if source == nil && EventNumber(number) != EventCycles {
		number = 0
	}
	f := &h.csr.counters
	c := &f.c[i]
	c.base = h.readCounter(i)
	c.event, c.source = number|flags, source
	c.start = h.counterNow(i)
	c.seen = c.base
	f.filtered &^= 1 << i
	if flags&eventFilters != 0 {
		f.filtered |= 1 << i
	}
	h.settle(i)
	h.awaitOverflow()
}

// eventSource is the statistic behind an event, nil if there is none.
func (h *Hart) eventSource(e EventNumber) *uint64 {
	switch e {
	case EventException:
		return &h.stats.Exceptions
	case EventInterrupt:
		return &h.stats.Interrupts
	case EventSlept:
		return &h.stats.Slept
	case EventL1DAccess:
		return &h.l1d.Clock
	case EventL1DMiss:
		return &h.mem.D.Misses
	case EventL1DWriteback:
		return &h.mem.D.Writebacks
	case EventL1IAccess:
		return &h.l1i.Clock
	case EventL1IMiss:
		return &h.mem.I.Misses
	case EventDTLBMiss:
		return &h.mmu.stats.DTLB.Misses
	case EventITLBMiss:
		return &h.mmu.stats.ITLB.Misses
	case EventL2TLBMiss:
		return &h.mmu.stats.L2TLB.Misses
	case EventPageWalk:
		return &h.mmu.stats.Walks
	case EventL2Access:
		return &h.mem.U.Accesses
	case EventL2Miss:
		return &h.mem.U.Misses
	case EventLLCAccess:
		return &h.mem.Home.Accesses
	case EventLLCMiss:
		return &h.mem.Home.Misses
	case EventInstructions:
		return &h.instret
	case EventBusRequest:
		return h.mem.Requests()
	case EventSnoop:
		return &h.mem.Outer().Snoops
	case EventInvalidation:
		return &h.mem.Outer().Invalidations
	}
	return nil
}

// Counts says whether the hart has what an event counts: without a private L2 its
// events would stay at 0.
func (h *Hart) Counts(e EventNumber) bool {
	if e == EventL2Access || e == EventL2Miss {
		return h.mem.L2() != nil
	}
	return e > 0 && e < NumEvents
}

// counterAllowed is the check of the user-level names, which Zicntr and Zihpm
// bring (privileged manual, mcounteren and scounteren).
func counterAllowed(h *Hart, num uint16) bool {
	bit := uint64(1) << (num & 31)
	ext := isa.ExtZihpm
	if num&31 < 3 {
		ext = isa.ExtZicntr
	}
	return h.cfg.ISA.Has(ext) && (h.priv == Machine || h.csr.mcounteren&bit != 0) &&
		(h.priv != User || h.csr.scounteren&bit != 0)
}

func addCounterCSRs(t *[4096]*csrReg) {
	for i := range uint16(32) {
		if i == 1 {
			continue
		}
		read := func(h *Hart, num uint16) uint64 { return h.readCounter(int(num & 31)) }
		t[0xc00+i] = &csrReg{"counter", read, nil, counterAllowed}
		t[0xb00+i] = &csrReg{"mcounter", read,
			func(h *Hart, num uint16, v uint64) { h.writeCounter(int(num&31), v) }, nil}
		if i >= 3 {
			t[0x320+i] = &csrReg{"mhpmevent",
				func(h *Hart, num uint16) uint64 { return h.csr.counters.c[num&31].event },
				func(h *Hart, num uint16, v uint64) { h.writeEvent(int(num&31), v) }, nil}
		}
	}
	t[0xc01] = &csrReg{"time", func(h *Hart, _ uint16) uint64 { return h.time() }, nil, counterAllowed}
	t[csrScountovf] = &csrReg{"scountovf", func(h *Hart, _ uint16) uint64 { return h.scountovf() }, nil,
		func(h *Hart, _ uint16) bool { return h.cfg.ISA.Has(isa.ExtSscofpmf) }}
	t[0x320] = &csrReg{"mcountinhibit",
		func(h *Hart, _ uint16) uint64 { return h.csr.counters.inhibit },
		func(h *Hart, _ uint16, v uint64) { h.writeInhibit(v) }, nil}
}
