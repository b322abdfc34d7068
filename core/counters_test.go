package core

import "testing"

// A write of minstret takes the place of the writing instruction's increment;
// the next instruction reads what was written (privileged manual, Hardware
// Performance Monitor; Zicsr: CSR access ordering).
func TestMinstret(t *testing.T) {
	r := newRig(t)
	r.x[6] = 1000
	r.code(codeAt, opCSR("csrrw", 0, 0xb02, 6), opCSR("csrrs", 5, 0xb02, 0), opCSR("csrrs", 7, 0xc02, 0), match("ecall"))
	r.code(handler, opCSR("csrrs", 8, 0xb02, 0))
	r.pc = codeAt
	if r.step(5); r.x[5] != 1000 || r.x[7] != 1001 || r.x[8] != 1002 {
		t.Errorf("read %d, %d, after ecall %d", r.x[5], r.x[7], r.x[8])
	}
	if r.Instret() != 4 {
		t.Errorf("%d retired; ecall does not", r.Instret())
	}
}

// The firmware and a debugger write counters that run, and no instruction's increment
// is theirs to replace: they hold what was written at once, not one less, which for a
// counter that begins at 0 would wrap with the next instruction.
func TestCounterWrittenFromOutside(t *testing.T) {
	r := newRig(t)
	r.writeCSR(0x323, uint64(EventInstructions))
	for _, num := range []uint16{0xb02, 0xb03} {
		r.WriteCSR(num, 0)
		r.checkOverflow()
		if v, _ := r.ReadCSR(num); v != 0 {
			t.Errorf("%#x holds %d", num, v)
		}
		r.must(nop)
		r.checkOverflow()
		if v, _ := r.ReadCSR(num); v != 1 {
			t.Errorf("%#x holds %d after an instruction", num, v)
		}
	}
	if r.csr.mip>>irqLCOFI&1 != 0 {
		t.Error("a counter that began at 0 is taken for one that wrapped")
	}
}

// mcountinhibit stops each counter alone; what is stopped can be written
// (privileged manual, Machine Counter-Inhibit).
func TestInhibit(t *testing.T) {
	r := newRig(t)
	read := func(num uint32) uint64 { return r.readCSR(num) }
	r.writeCSR(0x320, 4)
	if a, b := read(0xb02), read(0xb02); a != b {
		t.Errorf("stopped minstret goes from %d to %d", a, b)
	}
	if a, b := read(0xb00), read(0xb00); a >= b {
		t.Errorf("mcycle goes from %d to %d", a, b)
	}
	r.writeCSR(0xb02, 77)
	if v := read(0xb02); v != 77 {
		t.Errorf("stopped minstret, written: %d", v)
	}
	r.writeCSR(0x320, 1)
	if a, b := read(0xb00), read(0xb00); a != b {
		t.Errorf("stopped mcycle goes from %d to %d", a, b)
	}
	if a, b := read(0xb02), read(0xb02); a < 77 || b != a+1 {
		t.Errorf("minstret runs again from %d to %d", a, b)
	}
	r.writeCSR(0xb00, 5)
	r.writeCSR(0x320, 0)
	if v := read(0xb00); v < 5 || v > 100 {
		t.Errorf("mcycle from 5: %d", v)
	}
}

// Each event counts what happens while it is selected.
func TestEventCounters(t *testing.T) {
	r := newRig(t)
	r.x[1] = dataAt
	for i, c := range []struct {
		event EventNumber
		cause func(n uint64)
	}{
		{EventL1DMiss, func(n uint64) { r.x[1] = dataAt + 0x1000 + n*64; r.must(opI("ld", 5, 1, 0)) }},
		{EventL1DAccess, func(uint64) { r.must(opI("ld", 5, 1, 0)) }},
		{EventException, func(uint64) { r.setPriv(Machine); r.exec1(match("ecall")) }},
		{EventBusRequest, func(n uint64) { r.x[1] = dataAt + 0x8000 + n*64; r.must(opI("ld", 5, 1, 0)) }},
		{EventL1IMiss, func(uint64) { r.must(nop) }}, // exec1 writes the line anew
	} {
		num := uint32(3 + i)
		r.writeCSR(0x320+num, uint64(c.event))
		if v := r.readCSR(0x320 + num); v != uint64(c.event) {
			t.Errorf("mhpmevent%d reads %d", num, v)
		}
		r.writeCSR(0xb00+num, 100)
		base := *r.eventSource(c.event)
		for n := range uint64(7) {
			c.cause(n)
		}
		happened := *r.eventSource(c.event) - base
		if v := r.readCounter(int(num)); v != 100+happened || happened < 7 {
			t.Errorf("event %d: counter %d after %d", c.event, v, happened)
		}
		r.writeCSR(0x320+num, 0)
		was := r.readCounter(int(num))
		c.cause(8)
		if v := r.readCounter(int(num)); v != was {
			t.Errorf("event %d: counts on with no event", c.event)
		}
	}
	r.writeCSR(0x323, 9999)
	if v := r.readCSR(0x323); v != 0 {
		t.Errorf("an event that does not exist reads %d", v)
	}
	for e := EventNone + 1; e < NumEvents; e++ {
		if r.eventSource(e) == nil && e != EventCycles { // the clock is computed
			t.Errorf("event %d has no source", e)
		}
	}
}

// The clock, mcycle and time go on with every instruction, and time with the
// divider and the offset that writing mtime sets.
func TestClockCounters(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.hart.TimeDivider = 4 })
	last := uint64(0)
	for range 50 {
		r.must(opCSR("csrrs", 5, 0xc00, 0))
		if r.x[5] <= last {
			t.Fatalf("cycle goes from %d to %d", last, r.x[5])
		}
		last = r.x[5]
		if r.must(opCSR("csrrs", 5, 0xc01, 0)); r.x[5] < last/4 || r.x[5] > r.Clock()/4 {
			t.Fatalf("time %d at cycle %d", r.x[5], r.Clock())
		}
	}
	r.SetTimeOffset(1 << 40)
	if r.must(opCSR("csrrs", 5, 0xc01, 0)); r.x[5]>>40 != 1 {
		t.Errorf("time %d after writing mtime", r.x[5])
	}
}
