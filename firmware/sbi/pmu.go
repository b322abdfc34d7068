package sbi

import (
	"math/bits"

	"mcsim/core"
	"mcsim/core/isa"
)

// Counters are numbered as the CSRs from cycle (0xc00) up, so that there is no
// counter 1, which is the time; the firmware's own follow.
const (
	hwCounters  = 32
	fwCounters  = 16
	numCounters = hwCounters + fwCounters

	cycleCounter, timeCounter, instretCounter = 0, 1, 2
	firstHPM                                  = 3
)

// Firmware events that are counted (table "PMU Firmware Events").
const (
	fwIllegal            = 4
	fwSetTimer           = 5
	fwIPISent            = 6
	fwIPIReceived        = 7
	fwFenceISent         = 8
	fwFenceIReceived     = 9
	fwSFenceSent         = 10
	fwSFenceReceived     = 11
	fwSFenceASIDSent     = 12
	fwSFenceASIDReceived = 13
)

// Types of events, in bits 19:16 of an event index.
const (
	typeGeneral, typeCache, typeRaw, typeRaw2, typeFirmware = 0, 1, 2, 3, 15
)

// Flags of sbi_pmu_counter_config_matching, _start and _stop.
const (
	cfgSkipMatch, cfgClear, cfgStart, cfgAll = 1, 2, 4, 0xff
	cfgNotUser, cfgNotSupervisor, cfgNotM    = 1 << 5, 1 << 6, 1 << 7
	startInit, startSnapshot, startAll       = 1, 2, 3
	stopReset, stopSnapshot, stopAll         = 1, 2, 3
)

// Bits of mhpmevent (Sscofpmf).
const (
	eventOF                                            = 1 << 63
	eventNotM, eventNotSupervisor, eventNotUser uint64 = 1 << 62, 1 << 61, 1 << 60
)

// pmu is the counters of one hart. With Sscofpmf they ask for an interrupt of S-mode
// when they wrap, so that perf can sample, and follow filters by mode; without it
// they only count.
type pmu struct {
	events   [numCounters]uint32 // event indices, 0: none
	values   [fwCounters]uint64
	running  uint64 // firmware's counters, from bit 0
	hardware uint64 // counters that the hart has
}

// reset stops all counters but cycle and instret, which software expects to run.
func (p *pmu) reset(c *core.Hart) {
	*p = pmu{hardware: 1<<cycleCounter | 1<<instretCounter}
	if c.Has(isa.ExtZihpm) {
		p.hardware = 0xffff_ffff &^ (1 << timeCounter)
	}
	c.SetCSR(csrInhibit, 0xffff_fff8)
}

// count counts a firmware event.
func (p *pmu) count(event uint32) {
	for m := p.running; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if p.events[hwCounters+i] == typeFirmware<<16|event {
			p.values[i]++
		}
	}
}

// mapped gives the hart's event (core.EventNumber) behind an event index, or a
// counter of fixed purpose, which can neither interrupt nor be filtered: with
// Sscofpmf all are programmable. Cache references and misses in general are those of
// the last level, as perf means them (perf_event_open(2)). The L1D does not count
// loads and stores apart, so that both appear as reads.
func mapped(c *core.Hart, index uint32, data uint64) (event core.EventNumber, fixed int, ok bool) {
	const l1d, l1i, ll, dtlb, itlb = 0, 1 << 3, 2 << 3, 3 << 3, 4 << 3
	const access, miss = 0, 1 // of op READ
	fixed = -1
	switch index >> 16 {
	case typeGeneral:
		switch code := index & 0xffff; {
		case code == 1 && c.Has(isa.ExtSscofpmf):
			event = core.EventCycles
		case code == 2 && c.Has(isa.ExtSscofpmf):
			event = core.EventInstructions
		case code == 1:
			return 0, cycleCounter, data == 0
		case code == 2:
			return 0, instretCounter, data == 0
		case code == 3:
			event = core.EventLLCAccess
		case code == 4:
			event = core.EventLLCMiss
		}
		return event, fixed, event != 0 && data == 0
	case typeCache:
		event = map[uint32]core.EventNumber{
			l1d | access: core.EventL1DAccess, l1d | miss: core.EventL1DMiss,
			l1i | access: core.EventL1IAccess, l1i | miss: core.EventL1IMiss,
			ll | access: core.EventLLCAccess, ll | miss: core.EventLLCMiss,
			dtlb | miss: core.EventDTLBMiss, itlb | miss: core.EventITLBMiss,
		}[index&0xffff]
		return event, fixed, event != 0 && data == 0
	case typeRaw, typeRaw2:
		return core.EventNumber(data), fixed, index&0xffff == 0 && data > 0 && data < uint64(core.NumEvents)
	}
	return 0, fixed, false
}

// valid says whether counter i is there.
func (p *pmu) valid(i uint64) bool {
	return i < hwCounters && p.hardware>>i&1 != 0 || i >= hwCounters && i < numCounters
}

// set turns base and mask into a mask of counters, all of them valid.
func (p *pmu) set(base, mask uint64) (counters uint64, ok bool) {
	if base >= numCounters {
		return 0, false
	}
	counters = mask << base
	if counters>>base != mask {
		return 0, false
	}
	for m := counters; m != 0; m &= m - 1 {
		if !p.valid(uint64(bits.TrailingZeros64(m))) {
			return 0, false
		}
	}
	return counters, true
}

func (p *pmu) runs(c *core.Hart, i int) bool {
	if i >= hwCounters {
		return p.running>>(i-hwCounters)&1 != 0
	}
	return c.CSR(csrInhibit)>>i&1 == 0
}

func (p *pmu) run(c *core.Hart, i int, on bool) {
	if i >= hwCounters {
		p.running = p.running&^(1<<(i-hwCounters)) | b2u(on)<<(i-hwCounters)
		return
	}
	if on && i >= firstHPM && c.Has(isa.ExtSscofpmf) {
		c.SetCSR(csrMhpmevent+uint16(i), c.CSR(csrMhpmevent+uint16(i))&^eventOF)
	}
	c.SetCSR(csrInhibit, c.CSR(csrInhibit)&^(1<<i)|b2u(!on)<<i)
}

func (p *pmu) setValue(c *core.Hart, i int, v uint64) {
	if i >= hwCounters {
		p.values[i-hwCounters] = v
		return
	}
	c.SetCSR(csrMcycle+uint16(i), v)
}

// pmuCall is the PMU extension, without snapshots (sbi_pmu_snapshot_set_shmem, which
// is optional): with them Linux 6.12 does not start a counter again that has
// wrapped, for it names another one (pmu_sbi_start_ovf_ctrs_snapshot passes its loop
// variable as the base). OpenSBI has none either.
func (f *Firmware) pmuCall(h *hart, fid uint64, a *[6]uint64) result {
	p := &h.pmu
	switch fid {
	case 0:
		return gives(numCounters)
	case 1:
		switch i := a[0]; {
		case !p.valid(i):
			return fails(errInvalidParam)
		case i >= hwCounters:
			return gives(1 << 63)
		default:
			return gives(63<<12 | 0xc00 + i)
		}
	case 2:
		return p.match(h.core, a[0], a[1], a[2], a[3], a[4])
	case 3:
		return f.startCounters(h, a[0], a[1], a[2], a[3])
	case 4:
		return f.stopCounters(h, a[0], a[1], a[2])
	case 5, 6:
		if a[0] < hwCounters || a[0] >= numCounters {
			return fails(errInvalidParam)
		}
		if fid == 6 {
			return gives(0)
		}
		return gives(p.values[a[0]-hwCounters])
	}
	return fails(errNotSupported)
}

// match is sbi_pmu_counter_config_matching. Filters by mode are hints: counters that
// have none do not follow them.
func (p *pmu) match(c *core.Hart, base, mask, flags, index, data uint64) result {
	counters, ok := p.set(base, mask)
	if !ok || flags&^cfgAll != 0 || index>>20 != 0 || counters == 0 {
		return fails(errInvalidParam)
	}
	var i int
	if flags&cfgSkipMatch != 0 {
		i = bits.TrailingZeros64(counters)
		if p.events[i] == 0 {
			return fails(errInvalidParam) // nothing was configured that could be kept
		}
	} else if i = p.find(c, counters, flags, uint32(index), data); i < 0 {
		return fails(errNotSupported)
	}
	if flags&cfgClear != 0 {
		p.setValue(c, i, 0)
	}
	if flags&cfgStart != 0 {
		p.run(c, i, true)
	}
	return gives(uint64(i))
}

// find configures a counter of a set for an event, and returns -1 if none can
// count it.
func (p *pmu) find(c *core.Hart, counters, flags uint64, index uint32, data uint64) int {
	event, fixed, ok := mapped(c, index, data)
	lo, hi := firstHPM, hwCounters
	if index>>16 == typeFirmware {
		code := index & 0xffff
		ok = code >= fwIllegal && code <= fwSFenceASIDReceived && data == 0
		lo, hi = hwCounters, numCounters
	} else if fixed >= 0 {
		lo, hi = fixed, fixed+1
	} else {
		ok = ok && c.Counts(event)
	}
	if !ok {
		return -1
	}
	for i := lo; i < hi; i++ {
		// A fixed counter that runs since the reset is nobody's yet.
		if counters>>i&1 == 0 || p.events[i] != 0 || fixed < 0 && p.runs(c, i) {
			continue
		}
		p.events[i] = index
		if fixed < 0 && i < hwCounters {
			c.SetCSR(csrMhpmevent+uint16(i), uint64(event)|filters(c, flags))
		}
		return i
	}
	return -1
}

// filters are the bits of mhpmevent for flags. A counter that does not run yet has OF
// set, and cannot interrupt.
func filters(c *core.Hart, flags uint64) (v uint64) {
	if !c.Has(isa.ExtSscofpmf) {
		return 0
	}
	v = eventOF
	for flag, bit := range map[uint64]uint64{cfgNotUser: eventNotUser, cfgNotSupervisor: eventNotSupervisor, cfgNotM: eventNotM} {
		if flags&flag != 0 {
			v |= bit
		}
	}
	return v
}

func (f *Firmware) startCounters(h *hart, base, mask, flags, value uint64) (r result) {
	p, c := &h.pmu, h.core
	counters, ok := p.set(base, mask)
	if !ok || flags&^startAll != 0 || flags&startAll == startAll {
		return fails(errInvalidParam)
	}
	if flags&startSnapshot != 0 {
		return fails(errNoShmem)
	}
	for m := counters; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if p.runs(c, i) {
			r = fails(errStarted)
			continue
		}
		if flags&startInit != 0 {
			p.setValue(c, i, value)
		}
		p.run(c, i, true)
	}
	return r
}

func (f *Firmware) stopCounters(h *hart, base, mask, flags uint64) (r result) {
	p, c := &h.pmu, h.core
	counters, ok := p.set(base, mask)
	if !ok || flags&^stopAll != 0 {
		return fails(errInvalidParam)
	}
	if flags&stopSnapshot != 0 {
		return fails(errNoShmem)
	}
	for m := counters; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if !p.runs(c, i) {
			r = fails(errStopped)
		}
		p.run(c, i, false)
	}
	if flags&stopReset != 0 {
		for m := counters; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			p.events[i] = 0
			if i >= firstHPM && i < hwCounters {
				c.SetCSR(csrMhpmevent+uint16(i), 0)
			}
		}
	}
	return r
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
