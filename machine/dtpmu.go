package machine

import (
	"github.com/u-root/u-root/pkg/dt"

	"mcsim/core"
)

// pmu tells M-mode firmware which of a hart's events are SBI's (OpenSBI,
// docs/pmu_support.md): general events 3 and 4, then cache events, whose code is
// cache<<3 | operation<<1 | result. Harts do not count loads and stores apart:
// both are reads here.
func (b *dtBuilder) pmu() *dt.Node {
	const cache, allHPM = 0x10000, 0xffff_fff8
	events := []struct {
		sbi  uint32
		hart core.EventNumber
	}{
		{3, core.EventL1DAccess}, {4, core.EventL1DMiss},
		{cache | 0<<3, core.EventL1DAccess}, {cache | 0<<3 | 1, core.EventL1DMiss},
		{cache | 1<<3, core.EventL1IAccess}, {cache | 1<<3 | 1, core.EventL1IMiss},
		{cache | 2<<3, core.EventL2Access}, {cache | 2<<3 | 1, core.EventL2Miss},
		{cache | 3<<3 | 1, core.EventDTLBMiss}, {cache | 4<<3 | 1, core.EventITLBMiss},
	}
	// cycle and instret count their events alone; nothing else does.
	counters := []uint32{1, 1, 1 << 0, 2, 2, 1 << 2}
	var selectors []uint32
	for _, e := range events {
		selectors = append(selectors, e.sbi, 0, uint32(e.hart))
		counters = append(counters, e.sbi, e.sbi, allHPM)
	}
	// Raw events: selector, mask of the bits that vary not, counters.
	raw := []uint32{0, 0, 0xffff_ffff, 0xffff_ffe0, allHPM}
	return node("pmu", text("compatible", "riscv,pmu"),
		cells("riscv,event-to-mhpmevent", selectors...),
		cells("riscv,event-to-mhpmcounters", counters...),
		cells("riscv,raw-event-to-mhpmcounters", raw...))
}
