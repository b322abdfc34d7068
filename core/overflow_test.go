package core

import (
	"testing"

	"mcsim/core/isa"
)

// loop is a program that loads, for ever.
func (r *rig) loop() {
	r.Helper()
	r.x[7] = dataAt
	r.code(codeAt, opI("ld", 5, 7, 0), match("jal")|0xffdff000) // jal x0, -4
	r.pc = codeAt
}

// A counter that wraps sets OF and LCOFIP, as long as OF was clear: then one more
// wrapping asks for nothing ("Count Overflow and Mode-Based Filtering").
func TestCountOverflow(t *testing.T) {
	for _, event := range []EventNumber{EventInstructions, EventCycles, EventL1DAccess} {
		r := newRig(t)
		r.writeCSR(0x323, uint64(event))
		pending := func() bool { return r.csr.mip&(1<<13) != 0 }
		r.writeCSR(0xb03, ^uint64(0)-1999)
		r.loop()
		for until := r.Clock() + 1900; r.Clock() < until; {
			r.Run(until)
		}
		if event != EventL1DAccess && pending() {
			t.Errorf("event %d: too early: the counter is at %#x", event, r.readCSR(0xb03))
		}
		for until := r.Clock() + 10_000; !pending() && r.Clock() < until; {
			r.Run(r.Clock() + 10)
		}
		if v := r.readCounter(3); !pending() || v > overflowSkid+10 {
			t.Errorf("event %d: pending is %v with the counter at %d", event, pending(), v)
		}
		if r.readCSR(0x323) != eventOF|uint64(event) || r.readCSR(0xda0) != 1<<3 {
			t.Errorf("event %d: mhpmevent3 %#x, scountovf %#x", event, r.readCSR(0x323), r.readCSR(0xda0))
		}
		r.writeCSR(0x344, 0)
		r.writeCSR(0xb03, ^uint64(0)-10)
		r.loop()
		if r.Run(r.Clock() + 1000); pending() || r.readCounter(3) > 1<<63 {
			t.Errorf("event %d: with OF set it asks again, at %d", event, r.readCounter(3))
		}
	}
}

// The interrupt is delegated, is the last of all, and ends WFI in time where cycles
// are counted.
func TestOverflowInterrupt(t *testing.T) {
	r := newRig(t)
	r.csr.mideleg = 1<<irqLCOFI | supInterrupts
	r.csr.mie = 1 << irqLCOFI
	r.writeCSR(0x323, uint64(EventCycles))
	r.writeCSR(0xb03, ^uint64(0)-4999)
	r.code(codeAt, match("wfi"), match("wfi"))
	r.code(supEntry, match("jal")) // jal x0, 0
	r.setPriv(Supervisor)
	r.csr.mstatus |= mstatusSIE
	r.pc = codeAt
	wraps := r.Clock() + 5000
	asleep, wake := r.Run(r.Clock() + 100_000)
	if !asleep || wake > wraps+10 || wake+200 < wraps {
		t.Fatalf("asleep %v until %d; the counter wraps at about %d", asleep, wake, wraps)
	}
	r.WakeAt(wake)
	if r.Run(r.Clock() + 1); r.csr.scause != causeInterrupt|13 || r.pc != supEntry {
		t.Errorf("scause %#x, pc %#x", r.csr.scause, r.pc)
	}
	ready := uint64(1<<irqLCOFI | 1<<irqSTI)
	if got := topi(ready); got>>16 != irqSTI {
		t.Errorf("interrupt %d goes before the timer's", got>>16)
	}
}

// scountovf shows S-mode what mcounteren allows; without Sscofpmf there is neither
// it nor a bit beside the event.
func TestScountovf(t *testing.T) {
	r := newRig(t)
	r.writeCSR(0x323, eventOF|uint64(EventInstructions))
	r.writeCSR(0x325, eventOF|uint64(EventInstructions))
	r.csr.mcounteren = 1 << 5
	if v := r.readCSR(0xda0); v != 1<<3|1<<5 {
		t.Errorf("M-mode reads %#x", v)
	}
	r.setPriv(Supervisor)
	if r.must(opCSR("csrrs", 5, 0xda0, 0)); r.x[5] != 1<<5 {
		t.Errorf("S-mode reads %#x", r.x[5])
	}
	r.traps(User, opCSR("csrrs", 5, 0xda0, 0), causeIllegal, uint64(opCSR("csrrs", 5, 0xda0, 0)))
	q := newRig(t, withoutISA(isa.ExtSscofpmf))
	q.traps(Machine, opCSR("csrrs", 5, 0xda0, 0), causeIllegal, uint64(opCSR("csrrs", 5, 0xda0, 0)))
	if q.writeCSR(0x323, eventOF|uint64(EventInstructions)); q.readCSR(0x323) != 0 {
		t.Errorf("mhpmevent3 is %#x", q.readCSR(0x323))
	}
}

// Counters stop in the modes that MINH, SINH and UINH name.
func TestModeFilters(t *testing.T) {
	r := newRig(t)
	filters := []uint64{0, eventUINH, eventSINH, eventMINH, eventSINH | eventMINH, eventFilters}
	for i, f := range filters {
		r.writeCSR(uint32(0x323+i), f|uint64(EventInstructions))
	}
	// M-mode enters U-mode by mret, which calls M-mode; then the same with S-mode.
	count := map[Priv]uint64{} // instructions retired in each mode
	r.code(handler, match("addi"), match("addi"), match("addi"))
	before := make([]uint64, len(filters))
	for i := range filters {
		before[i] = r.readCounter(3 + i)
	}
	at := func(p Priv, n int) {
		from := r.instret
		r.step(n)
		count[p] += r.instret - from
	}
	for _, p := range []Priv{User, Supervisor} {
		r.priv = Machine
		r.setContext()
		r.filterCounters()
		r.csr.mstatus = r.csr.mstatus&^mstatusMPP | uint64(p)<<mstatusMPPShift
		r.csr.mepc = codeAt + 64
		r.code(codeAt, match("addi"), match("mret"))
		r.code(codeAt+64, match("addi"), match("addi"), match("addi"), match("ecall"))
		r.pc = codeAt
		at(Machine, 2) // mret is M-mode's
		at(p, 4)       // the call does not retire
		at(Machine, 2)
	}
	for i, f := range filters {
		want := uint64(0)
		for p, n := range count {
			if f&filteredIn(p) == 0 {
				want += n
			}
		}
		if got := r.readCounter(3+i) - before[i]; got != want {
			t.Errorf("filters %#x: %d, want %d of %v", f, got, want, count)
		}
	}
}
