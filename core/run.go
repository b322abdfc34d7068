package core

import (
	"mcsim/event"
	"mcsim/record"
)

// Run executes until the clock reaches end, or the hart waits (WFI, WRS). It
// parks on the bus in between. For a hart that sleeps, wake is the cycle at
// which its own timer would end the wait, ^0 if none does. It implements
// coherence.Runner.
func (h *Hart) Run(end uint64) (asleep bool, wake uint64) {
	if h.follow != nil {
		return h.follow.run(end)
	}
	if asleep, wake = h.run(end); h.rec != nil {
		h.recordTurn(asleep, wake)
	}
	return asleep, wake
}

func (h *Hart) run(end uint64) (asleep bool, wake uint64) {
	for !h.mem.Port.Interrupted() {
		now := h.Clock()
		h.updateTimers()
		if now >= h.csr.counters.check {
			h.checkOverflow()
		}
		if h.asleep() {
			if wake = h.wakeCycle(); wake > now {
				if h.dbg != nil {
					h.breakAhead()
				}
				if h.ev.On(event.Run) {
					h.emit(event.HartWFI, h.pc, 0, 0, 0)
				}
				return true, wake
			}
			h.wrs = false
		}
		if now >= end {
			if h.dbg != nil {
				h.breakAhead()
			}
			return false, 0
		}
		if h.serving {
			h.serving = false
			h.limit, h.left = end, int64(end-now)
			h.firmware.Trap(h)
			continue
		}
		if h.sbCount > 0 && now >= h.sb.next {
			h.limit, h.left = end, int64(end-now)
			if h.rec != nil {
				h.recordControl(record.Drain, 0)
			}
			h.drainSome(h.sbCount)
			continue
		}
		if cause, ok := h.pendingInterrupt(); ok {
			h.limit, h.left = end, int64(end-now)
			h.takeInterrupt(cause)
			continue
		}
		limit := min(end, now+pollCycles, h.nextTimer(), h.csr.counters.check)
		if h.sbCount > 0 {
			limit = min(limit, h.sb.next)
		}
		if h.dbg != nil && h.dbg.step {
			limit = now + 1
		}
		if h.ev.On(event.Inst) {
			h.execOne(now)
		} else {
			h.limit, h.left = limit, int64(limit-now)
			if h.rec != nil {
				h.execRecord()
			} else {
				h.exec()
			}
		}
		if h.dbg != nil {
			h.stepped()
		}
	}
	return false, 0
}

// pollCycles is how long a hart runs at most, if nothing else stops it, before it
// looks whether the run is interrupted: less than a millisecond of the host's.
const pollCycles = 1 << 16

// execOne executes one instruction and records it: what the run loop does where
// someone wants to see every one.
func (h *Hart) execOne(now uint64) {
	before, pc := h.instret, h.pc
	h.limit, h.left = now+1, 1
	if h.rec != nil {
		h.execRecord()
	} else {
		h.exec()
	}
	if h.instret != before {
		h.emit(event.Retire, pc, h.instret, uint64(h.priv), 0)
	}
}

// asleep says whether the hart waits, after ending a wait whose reason is over.
func (h *Hart) asleep() bool {
	if h.serving {
		return false
	}
	if h.held {
		return !h.machineInterrupt()
	}
	if h.csr.wfi {
		// WFI ends on any interrupt pending and enabled in mie, whatever the
		// global enables and delegation say (privileged manual, WFI).
		h.csr.wfi = h.csr.mip&h.csr.mie == 0
	}
	if h.wrs {
		h.wrs = h.csr.mip&h.csr.mie == 0 && h.mem.Reserved() && h.Clock() < h.wrsUntil
	}
	return h.csr.wfi || h.wrs
}

// Awaited are the interrupts, by the bits of mip, that would wake a hart that sleeps;
// all of them where a write to memory would do it too.
func (h *Hart) Awaited() uint64 {
	switch {
	case h.wrs:
		return ^uint64(0)
	case h.held:
		return h.csr.mie &^ h.csr.mideleg
	}
	return h.csr.mie
}

func (h *Hart) wakeCycle() uint64 {
	if h.held {
		return ^uint64(0)
	}
	wake := min(h.nextTimer(), h.csr.counters.wake)
	if h.wrs {
		wake = min(wake, h.wrsUntil)
	}
	return wake
}

// WakeAt moves the clock of a hart that slept on to cycle. The time passes
// without instructions.
func (h *Hart) WakeAt(cycle uint64) {
	if now := h.Clock(); cycle > now {
		h.stats.Slept += cycle - now
		h.limit, h.left = cycle, 0
		if h.ev.On(event.Run) {
			h.emit(event.HartWake, cycle-now, 0, 0, 0)
		}
	}
}
