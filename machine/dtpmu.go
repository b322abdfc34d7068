package machine

import (
	"slices"

	"github.com/u-root/u-root/pkg/dt"

	"mcsim/core"
)

// pmu tells M-mode firmware which of a hart's events are SBI's (OpenSBI,
// docs/pmu_support.md): general events 3 and 4, then cache events, whose code is
// cache<<3 | operation<<1 | result. The general cache events are the last level's,
// and harts do not count loads and stores apart, so that both are reads here: as
// in the built-in firmware, whatever a machine has not got is left out.
func (b *dtBuilder) pmu() *dt.Node {
	const cache, allHPM = 0x10000, 0xffff_fff8
	type sbiEvent struct {
		sbi  uint32
		hart core.EventNumber
	}
	events := []sbiEvent{
		{3, core.EventLLCAccess}, {4, core.EventLLCMiss},
		{cache | 0<<3, core.EventL1DAccess}, {cache | 0<<3 | 1, core.EventL1DMiss},
		{cache | 1<<3, core.EventL1IAccess}, {cache | 1<<3 | 1, core.EventL1IMiss},
		{cache | 2<<3, core.EventLLCAccess}, {cache | 2<<3 | 1, core.EventLLCMiss},
		{cache | 3<<3 | 1, core.EventDTLBMiss}, {cache | 4<<3 | 1, core.EventITLBMiss},
	}
	// cycle and instret count their events alone; nothing else does. They can neither
	// interrupt nor be filtered: with Sscofpmf others count these events.
	counters := []uint32{1, 1, 1 << 0, 2, 2, 1 << 2}
	if slices.Contains(b.c.Extensions, "sscofpmf") {
		counters = nil
		events = append(events, sbiEvent{1, core.EventCycles}, sbiEvent{2, core.EventInstructions})
	}
	var selectors []uint32
	for _, e := range events {
		selectors = append(selectors, e.sbi, 0, uint32(e.hart))
		counters = append(counters, e.sbi, e.sbi, allHPM)
	}
	// Raw events: selector, mask of the bits that must be its, counters. There is a
	// row for each event that harts count, so that no other is offered.
	var raw []uint32
	for e := core.EventNone + 1; e < core.NumEvents; e++ {
		if l2 := e == core.EventL2Access || e == core.EventL2Miss; !l2 || b.c.L2.Size != 0 {
			raw = append(raw, 0, uint32(e), 0xffff_ffff, 0xffff_ffff, allHPM)
		}
	}
	return node("pmu", text("compatible", "riscv,pmu"),
		cells("riscv,event-to-mhpmevent", selectors...),
		cells("riscv,event-to-mhpmcounters", counters...),
		cells("riscv,raw-event-to-mhpmcounters", raw...))
}
