package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/core/isa"
)

const ramEnd = ramBase + ramSize

// TestExceptions has each exception's cause and trap value (privileged manual,
// table of mcause values; Machine Trap Value).
func TestExceptions(t *testing.T) {
	const hole, badC, badW = 0x4000_0000, 0x9c7d, 0xffff_ffff
	r := newRig(t)
	for _, c := range []struct {
		name  string
		p     Priv
		inst  uint32
		base  uint64 // x1
		cause uint64
		tval  uint64
	}{
		{"ecall from U", User, match("ecall"), 0, causeUserCall, 0},
		{"ecall from S", Supervisor, match("ecall"), 0, causeSupCall, 0},
		{"ecall from M", Machine, match("ecall"), 0, causeMachineCall, 0},
		{"ebreak", User, match("ebreak"), 0, causeBreakpoint, codeAt},
		{"c.ebreak", Machine, match("c.ebreak"), 0, causeBreakpoint, codeAt},
		{"illegal, 32 bits", User, badW, 0, causeIllegal, badW},
		{"illegal, 16 bits", User, badC, 0, causeIllegal, badC},
		{"zeros", User, 0, 0, causeIllegal, 0},
		{"mret in S", Supervisor, match("mret"), 0, causeIllegal, uint64(match("mret"))},
		{"sret in U", User, match("sret"), 0, causeIllegal, uint64(match("sret"))},
		{"wfi in U", User, match("wfi"), 0, causeIllegal, uint64(match("wfi"))},
		{"sfence.vma in U", User, match("sfence.vma"), 0, causeIllegal, uint64(match("sfence.vma"))},
		{"sinval.vma in U", User, match("sinval.vma"), 0, causeIllegal, uint64(match("sinval.vma"))},
		{"sfence.w.inval in U", User, match("sfence.w.inval"), 0, causeIllegal, uint64(match("sfence.w.inval"))},
		{"csr of M in S", Supervisor, opCSR("csrrw", 5, 0x340, 1), 0, causeIllegal, uint64(opCSR("csrrw", 5, 0x340, 1))},

		{"load from nothing", User, opI("ld", 5, 1, 8), hole, causeLoadAccess, hole + 8},
		{"fp load from nothing", User, opI("flw", 5, 1, 8), hole, causeLoadAccess, hole + 8},
		{"store to nothing", Machine, opS("sb", 5, 1, -1), hole, causeStoreAccess, hole - 1},
		{"lr from nothing", Machine, opR("lr.w", 5, 1, 0), hole, causeLoadAccess, hole},
		{"sc to nothing", Machine, opR("sc.w", 5, 1, 0), hole, causeStoreAccess, hole},
		{"amo to nothing", Machine, opR("amoadd.w", 5, 1, 0), hole, causeStoreAccess, hole},
		{"amo to a device", Machine, opR("amoadd.w", 5, 1, 0), deviceAt, causeStoreAccess, deviceAt},
		{"lr from a device", Machine, opR("lr.d", 5, 1, 0), deviceAt, causeLoadAccess, deviceAt},
		{"misaligned load from a device", Machine, opI("ld", 5, 1, 0), deviceAt + 4, causeLoadAccess, deviceAt + 4},
		{"misaligned store to a device", Machine, opS("sw", 5, 1, 2), deviceAt, causeStoreAccess, deviceAt + 2},
		{"cbo.zero to nothing: rs1 is the value", Machine, opR("cbo.zero", 0, 1, 4), hole + 5, causeStoreAccess, hole + 5},
		{"cbo.clean of a device", Machine, opR("cbo.clean", 0, 1, 1), deviceAt + 5, causeStoreAccess, deviceAt + 5},

		{"misaligned lr", Machine, opR("lr.d", 5, 1, 0), dataAt + 4, causeMisalignedLoad, dataAt + 4},
		{"misaligned sc", Machine, opR("sc.w", 5, 1, 0), dataAt + 2, causeMisalignedStore, dataAt + 2},
		{"misaligned amo", User, opR("amomaxu.d", 5, 1, 0), dataAt + 1, causeMisalignedStore, dataAt + 1},

		{"load over the end", Machine, opI("ld", 5, 1, 0), ramEnd - 3, causeLoadAccess, ramEnd},
		{"store over the end", Machine, opS("sh", 5, 1, 0), ramEnd - 1, causeStoreAccess, ramEnd},
		{"load over the top of addresses", Machine, opI("ld", 5, 1, 0), ^uint64(0), causeLoadAccess, ^uint64(0)},
	} {
		r.x[1], r.x[5] = c.base, 0x7777
		before := r.x
		if r.traps(c.p, c.inst, c.cause, c.tval); r.x != before {
			t.Errorf("%s: a register changed", c.name)
		}
	}
	if r.peek64(ramEnd-8) != 0 {
		t.Errorf("a store that faulted wrote %#x", r.peek64(ramEnd-8))
	}
	r.setPriv(User)
	r.pc = hole + 2
	if r.step(1); r.csr.mcause != causeFetchAccess || r.csr.mtval != hole+2 || r.csr.mepc != hole+2 {
		t.Error("fetch from nothing: ", r.trapText())
	}
}

// An access across two pages faults with the address of the part in the page
// that faults; nothing of a store is written.
func TestPageCrossing(t *testing.T) {
	const va, flags = 0x4000_0000, pteV | pteR | pteW | pteX | pteA | pteD
	for _, c := range []struct {
		name          string
		first, second uint64
		inst          uint32
		cause, tval   uint64
	}{
		{"load, second page not there", flags, 0, opI("ld", 5, 1, 0), causeLoadPage, va + 4096},
		{"store, second page not there", flags, 0, opS("sd", 2, 1, 0), causeStorePage, va + 4096},
		{"store, second page read-only", flags, pte(dataAt, flags&^pteW), opS("sd", 2, 1, 0), causeStorePage, va + 4096},
		{"store, first page read-only", flags &^ pteW, pte(dataAt, flags), opS("sd", 2, 1, 0), causeStorePage, va + 4093},
		{"load, both not there", 0, 0, opI("lw", 5, 1, 0), causeLoadPage, va + 4093},
		{"load, second page has no memory", flags, pte(0x4000_0000, flags), opI("ld", 5, 1, 0), causeLoadAccess, va + 4096},
		{"store, second page has no memory", flags, pte(0x4000_0000, flags), opS("sw", 2, 1, 0), causeStoreAccess, va + 4096},
	} {
		for _, buffer := range []int{0, 4} {
			r := newRig(t, withStores(buffer))
			r.mapPages(va, dataAt+0x3000, c.first, c.second)
			r.code(codeAt, c.inst)
			// The program in memory that S reaches by another page of the table.
			r.poke64(ramBase+0x20_2000+8*8, pte(codeAt, pteV|pteX|pteA))
			r.x[1], r.x[2] = va+4093, ^uint64(0)
			r.setPriv(Supervisor)
			r.pc = va + 8*4096
			r.step(1)
			if s := &r.csr; s.mcause != c.cause || s.mtval != c.tval || s.mepc != va+8*4096 || r.instret != 0 {
				t.Errorf("%s: %s", c.name, r.trapText())
			}
			if v := r.peek64(dataAt+0x3ff8) | r.peek64(dataAt); v != 0 {
				t.Errorf("%s: wrote %#x", c.name, v)
			}
		}
	}
}

// TestDelegation raises a call in every mode and delegation, over random
// status, and checks the stack of modes and enables (privileged manual,
// Privilege and Global Interrupt-Enable Stack; Machine Trap Delegation).
func TestDelegation(t *testing.T) {
	r := newRig(t)
	r.poke64(supEntry, 0)
	seeded(t, 300, func(t *testing.T, rnd *rand.Rand) {
		p := []Priv{User, Supervisor, Machine}[rnd.IntN(3)]
		r.csr.medeleg = rnd.Uint64() & 0xb3ff
		r.csr.mtvec, r.csr.stvec = handler|rnd.Uint64N(2), supEntry|rnd.Uint64N(2) // exceptions go to the base
		r.setPriv(Machine)
		r.csr.mie = 0
		r.writeMstatus(rnd.Uint64()&^uint64(mstatusMPRV), mstatusWrite)
		old := r.csr.mstatus
		r.setPriv(p)
		r.exec1(match("ecall"))
		now := r.csr.mstatus
		bit := func(v uint64, n int) uint64 { return v >> n & 1 }
		if p < Machine && r.csr.medeleg>>(8+p)&1 != 0 {
			want := old&^0x122 | uint64(p)<<8 | bit(old, 1)<<5
			if r.priv != Supervisor || r.pc != supEntry || r.csr.sepc != codeAt || r.csr.scause != uint64(8+p) || now != want {
				t.Fatalf("from %d, medeleg %#x: %s; mstatus %#x, want %#x", p, r.csr.medeleg, r.trapText(), now, want)
			}
			return
		}
		want := old&^0x1888 | uint64(p)<<11 | bit(old, 3)<<7
		if r.priv != Machine || r.pc != handler || r.csr.mepc != codeAt || r.csr.mcause != uint64(8+p) || now != want {
			t.Fatalf("from %d, medeleg %#x: %s; mstatus %#x, want %#x", p, r.csr.medeleg, r.trapText(), now, want)
		}
	})
}

// TestReturns executes mret and sret over random status (privileged manual,
// Privilege and Global Interrupt-Enable Stack: xIE takes xPIE, xPIE is set, xPP
// becomes U, MPRV is cleared below M).
func TestReturns(t *testing.T) {
	r := newRig(t)
	seeded(t, 300, func(t *testing.T, rnd *rand.Rand) {
		r.setPriv(Machine)
		r.csr.mie = 0
		r.writeMstatus(rnd.Uint64(), mstatusWrite)
		r.csr.mepc, r.csr.sepc = ramBase+rnd.Uint64N(1<<10)*2, ramBase+rnd.Uint64N(1<<10)*2
		old := r.csr.mstatus
		from := []Priv{Supervisor, Machine}[rnd.IntN(2)]
		inst, to, want, pc := match("sret"), Priv(old>>8&1), old&^0x122|old>>5&1<<1|1<<5, r.csr.sepc
		if from == Machine && rnd.IntN(2) == 0 {
			inst, to, want, pc = match("mret"), Priv(old>>11&3), old&^0x1888|old>>7&1<<3|1<<7, r.csr.mepc
		}
		if to != Machine {
			want &^= 1 << 17
		}
		if from == Supervisor && old&mstatusTSR != 0 {
			r.traps(from, inst, causeIllegal, uint64(inst))
			return
		}
		r.setPriv(from)
		if r.must(inst); r.priv != to || r.pc != pc || r.csr.mstatus != want {
			t.Fatalf("%#x from %d over %#x: to %d at %#x, mstatus %#x; want %d, %#x, %#x", inst, from, old, r.priv, r.pc, r.csr.mstatus, to, pc, want)
		}
	})
}

// TestTrapsOfVirtualization has TVM and TW (privileged manual, Virtualization
// Support in mstatus); TSR is above.
func TestTrapsOfVirtualization(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		bit  uint64
		inst uint32
	}{
		{mstatusTVM, match("sfence.vma")}, {mstatusTVM, match("sinval.vma")}, {mstatusTVM, opCSR("csrrs", 5, 0x180, 0)},
		{mstatusTVM, opCSR("csrrw", 5, 0x180, 0)}, {mstatusTW, match("wfi")},
	} {
		r.csr.mstatus |= c.bit
		r.traps(Supervisor, c.inst, causeIllegal, uint64(c.inst))
		r.setPriv(Machine)
		r.must(c.inst)
		r.csr.wfi = false
		r.csr.mstatus &^= c.bit
		r.setPriv(Supervisor)
		r.must(c.inst)
		r.csr.wfi = false
	}
	r.csr.mstatus |= mstatusTVM
	r.must(match("sfence.w.inval"))
	r.must(match("sfence.inval.ir"))
}

// TestCBOEnables tries the cache operations in every mode and setting of the
// enables (unprivileged manual, CMO, Control and Status Register Support).
func TestCBOEnables(t *testing.T) {
	r := newRig(t)
	r.x[1] = dataAt
	allowed := func(p Priv, field func(v uint64) bool) bool {
		return p == Machine || field(r.csr.menvcfg) && (p == Supervisor || field(r.csr.senvcfg))
	}
	for setting := range uint64(256) {
		r.csr.menvcfg, r.csr.senvcfg = setting&15<<4, setting>>4<<4
		for _, p := range []Priv{User, Supervisor, Machine} {
			for n, field := range map[uint32]func(uint64) bool{
				0: func(v uint64) bool { return v>>4&3 != 0 },
				1: func(v uint64) bool { return v>>6&1 != 0 },
				2: func(v uint64) bool { return v>>6&1 != 0 },
				4: func(v uint64) bool { return v>>7&1 != 0 },
			} {
				inst := match("cbo.inval") | 1<<15 | n<<20
				if allowed(p, field) {
					r.setPriv(p)
					r.must(inst)
				} else {
					r.traps(p, inst, causeIllegal, uint64(inst))
				}
			}
		}
	}
}

// cbo.inval discards, or writes back where either register says so (01).
func TestInvalAsFlush(t *testing.T) {
	for _, c := range []struct {
		p    Priv
		m, s uint64
		want uint64
	}{
		{Machine, 1, 1, 0}, {Supervisor, 3, 1, 0}, {Supervisor, 1, 3, 5}, {User, 3, 3, 0}, {User, 3, 1, 5}, {User, 1, 3, 5},
	} {
		r := newRig(t)
		r.csr.menvcfg, r.csr.senvcfg = c.m<<4, c.s<<4
		r.x[1], r.x[2] = dataAt+8, 5
		r.setPriv(c.p)
		r.must(opS("sd", 2, 1, 0))
		r.must(match("cbo.inval") | 1<<15)
		if r.must(opI("ld", 5, 1, 0)); r.x[5] != c.want {
			t.Errorf("mode %d, CBIE %d and %d: read %d, want %d", c.p, c.m, c.s, r.x[5], c.want)
		}
	}
}

// Without any extension that it needs, an instruction of S stays: the base.
func TestSinvalNeedsSvinval(t *testing.T) {
	r := newRig(t, withoutISA(isa.ExtSvinval))
	r.traps(Machine, match("sinval.vma"), causeIllegal, uint64(match("sinval.vma")))
	r.must(match("sfence.vma"))
}
