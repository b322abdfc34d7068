package core

import (
	"math/rand/v2"
	"testing"
)

// quiet fills the places where a rig's harts may go with no-ops.
func (r *rig) quiet() {
	r.Helper()
	var nops []uint32
	for range 128 {
		nops = append(nops, nop)
	}
	for _, at := range []uint64{codeAt, handler, supEntry} {
		r.code(at, nops...)
	}
}

// TestInterrupts offers random interrupts in random states and checks which is
// taken, to where, and what the handler finds (privileged manual, Machine
// Interrupt (mip and mie); Machine Trap Delegation; mtvec).
func TestInterrupts(t *testing.T) {
	r := newRig(t)
	r.quiet()
	seeded(t, 1000, func(t *testing.T, rnd *rand.Rand) {
		// Without interrupts, then all at once.
		r.setPriv(Machine)
		r.csr.mie, r.csr.mipSoft = 0, 0
		for _, bit := range []uint{irqMSI, irqSEI, irqMEI} {
			r.SetInterrupt(bit, false)
		}
		r.SetTimer(^uint64(0))
		r.writeMstatus(rnd.Uint64()&^uint64(mstatusMPRV), mstatusWrite)
		r.csr.mideleg = rnd.Uint64() & supInterrupts
		r.csr.mtvec, r.csr.stvec = handler|rnd.Uint64N(2), supEntry|rnd.Uint64N(2)
		pending, enabled := rnd.Uint64()&rnd.Uint64()&0xaaa, rnd.Uint64()&0xaaa
		for _, bit := range []uint{irqMSI, irqSEI, irqMEI} {
			r.SetInterrupt(bit, pending>>bit&1 != 0)
		}
		if pending>>irqMTI&1 != 0 {
			r.SetTimer(r.Clock())
		}
		r.writeMIP(pending, supInterrupts)
		if rnd.IntN(2) == 0 {
			r.writeMIP(pending&^(1<<irqSEI), supInterrupts) // the wire alone
		}
		p := []Priv{User, Supervisor, Machine}[rnd.IntN(3)]
		r.setPriv(p)
		r.csr.mie = enabled
		r.pc = codeAt

		// The rule, spelled out: M's first, then S's; each in the order MEI,
		// MSI, MTI, SEI, SSI, STI.
		status, want, toM := r.csr.mstatus, uint64(0), false
		mOn := p < Machine || status&mstatusMIE != 0
		sOn := p < Supervisor || p == Supervisor && status&mstatusSIE != 0
		for _, m := range []bool{true, false} {
			for _, i := range []uint64{11, 3, 7, 9, 1, 5} {
				ready := pending>>i&1 != 0 && enabled>>i&1 != 0
				if m == (r.csr.mideleg>>i&1 == 0) && ready && want == 0 && (m && mOn || !m && sOn) {
					want, toM = i, m
				}
			}
		}
		if r.csr.mip != pending {
			t.Fatalf("mip %#x, want %#x", r.csr.mip, pending)
		}
		before := r.instret
		r.Run(r.Clock() + 1)
		if r.instret != before+1 {
			t.Fatalf("%d instructions", r.instret-before)
		}
		base, vector, cause, epc, bad := r.csr.mtvec, Machine, r.csr.mcause, r.csr.mepc, r.csr.mtval != 0
		if want == 0 {
			if r.pc != codeAt+4 || r.priv != p {
				t.Fatalf("pending %#x enabled %#x mideleg %#x status %#x in %d: taken", pending, enabled, r.csr.mideleg, status, p)
			}
			return
		}
		if !toM {
			base, vector, cause, epc, bad = r.csr.stvec, Supervisor, r.csr.scause, r.csr.sepc, r.csr.stval != 0
		}
		pc := base &^ 3
		if base&1 != 0 {
			pc += 4 * want
		}
		if r.priv != vector || r.pc != pc+4 || cause != 1<<63|want || epc != codeAt || bad {
			t.Fatalf("pending %#x enabled %#x mideleg %#x status %#x in %d: want %d to %d at %#x; %s",
				pending, enabled, r.csr.mideleg, status, p, want, vector, pc, r.trapText())
		}
	})
}

// An interrupt that an instruction enables or makes pending is taken before the
// next one, whatever the length of the stretch in progress.
func TestInterruptAtOnce(t *testing.T) {
	for name, inst := range map[string]uint32{
		"mie": opCSR("csrrw", 0, 0x304, 6), "mstatus": opCSR("csrrsi", 0, 0x300, 8), "mip": opCSR("csrrsi", 0, 0x344, 2),
		"mret": match("mret"), "mideleg": opCSR("csrrw", 0, 0x303, 0),
	} {
		r := newRig(t)
		r.quiet()
		r.code(codeAt, nop, nop, inst)
		r.x[6] = 1 << irqSSI
		r.csr.mie, r.csr.mipSoft = 1<<irqSSI, 1<<irqSSI
		r.csr.mstatus |= mstatusMIE
		next := uint64(codeAt + 12)
		switch name {
		case "mie":
			r.csr.mie = 0
		case "mip":
			r.csr.mipSoft = 0
		case "mret":
			r.csr.mstatus = r.csr.mstatus&^mstatusMIE | mstatusMPIE | mstatusMPP
			r.csr.mepc, next = codeAt+0x40, codeAt+0x40
		case "mideleg":
			r.csr.mideleg = 1 << irqSSI
		default:
			r.csr.mstatus &^= mstatusMIE
		}
		r.updateMIP()
		r.pc = codeAt
		if r.Run(200); r.csr.mcause != 1<<63|irqSSI || r.csr.mepc != next {
			t.Errorf("%s: %s", name, r.trapText())
		}
	}
}

// The timer fires at its cycle within a long stretch, and Sstc's too.
func TestTimers(t *testing.T) {
	for _, sup := range []bool{false, true} {
		r := newRig(t, func(c *rigConfig) { c.hart.TimeDivider = 10 })
		r.code(handler, opJ(0, 0))
		r.csr.mstatus |= mstatusMIE
		r.csr.mie = 1<<irqMTI | 1<<irqSTI
		cause := uint64(1<<63 | irqMTI)
		if sup {
			r.writeCSR(0x30a, menvcfgSTCE)
			r.writeCSR(0x14d, 50)
			cause = 1<<63 | irqSTI
		} else {
			r.SetTimer(500)
		}
		r.code(codeAt, opJ(0, 0))
		r.pc = codeAt
		r.Run(499)
		if r.csr.mcause != 0 || r.Clock() < 499 {
			t.Fatalf("sup %t: early, cycle %d: %s", sup, r.Clock(), r.trapText())
		}
		r.Run(502)
		if r.csr.mcause != cause {
			t.Errorf("sup %t: %s", sup, r.trapText())
		}
		// STIP follows stimecmp and cannot be written; MTIP cannot ever.
		was := r.readCSR(0x344)
		r.writeCSR(0x344, 0)
		if now := r.readCSR(0x344); now != was {
			t.Errorf("sup %t: mip %#x became %#x", sup, was, now)
		}
		if sup {
			r.writeCSR(0x14d, ^uint64(0))
			if now := r.readCSR(0x344); now != 0 {
				t.Errorf("stimecmp moved on, mip %#x", now)
			}
		}
	}
}

// SEIP reads as wire or software bit; set and clear act on the software bit
// alone (privileged manual, mip).
func TestSEIP(t *testing.T) {
	r := newRig(t)
	const seip = 1 << irqSEI
	for _, c := range []struct {
		wire, soft bool
		inst       string
		want       bool // the software bit afterwards
	}{
		{true, false, "csrrs", false}, {true, true, "csrrc", true}, {false, true, "csrrs", true}, {true, false, "csrrc", false},
	} {
		r.SetInterrupt(irqSEI, c.wire)
		r.csr.mipSoft = 0
		if c.soft {
			r.csr.mipSoft = seip
		}
		r.updateMIP()
		r.x[6] = 1 << irqSSI // another bit
		r.must(opCSR(c.inst, 5, 0x344, 6))
		if r.x[5] != seip || r.csr.mipSoft&seip != 0 != c.want {
			t.Errorf("%+v: read %#x, software bit %#x", c, r.x[5], r.csr.mipSoft)
		}
	}
}

// WFI sleeps until an interrupt is pending and enabled in mie, whatever the
// global enables say, and goes on behind itself (privileged manual, WFI).
func TestWFI(t *testing.T) {
	r := newRig(t)
	r.quiet()
	r.code(codeAt, match("wfi"))
	r.csr.mie = 1<<irqMSI | 1<<irqMTI
	r.SetTimer(300)
	asleep, wake := r.Run(100)
	if !asleep || wake != 300 || r.pc != codeAt+4 || r.instret != 1 {
		t.Fatalf("asleep %t until %d, pc %#x", asleep, wake, r.pc)
	}
	if r.SetInterrupt(irqSEI, true) {
		t.Error("an interrupt that mie masks would wake")
	}
	if asleep, _ = r.Run(100); !asleep {
		t.Error("woken by a masked interrupt")
	}
	if !r.SetInterrupt(irqMSI, true) {
		t.Error("MSI would not wake")
	}
	r.WakeAt(200)
	if asleep, _ = r.Run(210); asleep || r.csr.mcause != 0 || r.pc != codeAt+4+4*10 || r.stats.Slept == 0 {
		t.Errorf("after the wake: asleep %t, pc %#x, %s", asleep, r.pc, r.trapText())
	}
	// With the interrupt enabled, the handler returns behind the WFI.
	r = newRig(t)
	r.quiet()
	r.code(codeAt, match("wfi"))
	r.csr.mie = 1 << irqMTI
	r.csr.mstatus |= mstatusMIE
	r.SetTimer(300)
	r.Run(1000)
	r.WakeAt(300)
	if r.Run(301); r.csr.mcause != 1<<63|irqMTI || r.csr.mepc != codeAt+4 {
		t.Error(r.trapText())
	}
}

// WRS waits while the reservation stands (unprivileged manual, Zawrs).
func TestWRS(t *testing.T) {
	start := func(inst uint32) *rig {
		r := newRig(t, withHarts(2))
		r.quiet()
		r.code(codeAt, opR("lr.d", 5, 1, 0), inst)
		r.code(codeAt+0x100, opS("sd", 2, 1, 0))
		r.x[1], r.harts[1].x[1] = dataAt, dataAt
		r.harts[1].pc = codeAt + 0x100
		r.step(2)
		return r
	}
	nto, sto := match("wrs.nto"), match("wrs.sto")
	r := start(nto)
	if asleep, wake := r.Run(r.Clock() + 10); !asleep || wake != ^uint64(0) || r.pc != codeAt+8 {
		t.Fatalf("nto: asleep %t until %d, pc %#x", asleep, wake, r.pc)
	}
	r.harts[1].step(1)
	if asleep, _ := r.Run(r.Clock() + 10); asleep {
		t.Error("asleep after another's store")
	}
	r = start(nto)
	r.csr.mie = 1 << irqMSI
	r.SetInterrupt(irqMSI, true)
	if asleep, _ := r.Run(r.Clock() + 10); asleep {
		t.Error("asleep with an interrupt pending")
	}
	r = start(sto)
	asleep, wake := r.Run(r.Clock() + 10)
	if !asleep || wake > r.Clock()+wrsShort {
		t.Errorf("sto: asleep %t until %d", asleep, wake)
	}
	r.WakeAt(wake)
	if asleep, _ = r.Run(wake + 1); asleep {
		t.Error("sto: no timeout")
	}
	// No reservation, no wait.
	r = newRig(t)
	r.quiet()
	r.code(codeAt, nto)
	if asleep, _ := r.Run(200); asleep || r.instret < 2 {
		t.Error("waits without a reservation")
	}
	// In S under TW the wait must be bounded.
	r = start(nop)
	r.setPriv(Supervisor)
	r.csr.mstatus |= mstatusTW
	r.code(codeAt+8, nto)
	r.pc = codeAt + 8
	if asleep, wake := r.Run(r.Clock() + 20); asleep && wake == ^uint64(0) {
		t.Error("nto waits without bound under TW")
	}
}
