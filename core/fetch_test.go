package core

import (
	"math/rand/v2"
	"testing"
)

// An instruction across the end of a line, and of a page, runs from both.
func TestStraddlingFetch(t *testing.T) {
	for _, at := range []uint64{codeAt + 62, codeAt + 0x1000 - 2} {
		r := newRig(t)
		r.code(at, opI("addi", 1, 0, 7), opI("addi", 1, 1, 1))
		r.pc = at
		r.step(2)
		if r.x[1] != 8 || r.pc != at+8 || r.instret != 2 {
			t.Errorf("at %#x: x1=%d pc=%#x", at, r.x[1], r.pc)
		}
	}
}

// A jump that ends with its line, or crosses its end, links to the byte behind it, in
// lines of every size (unprivileged manual, JAL and JALR).
func TestLinkAtLineEnd(t *testing.T) {
	for _, line := range []uint64{16, 32, 64, 128, 256} {
		for _, c := range []struct {
			name     string
			jump     uint32
			at, size uint64 // from the line's first byte
		}{
			{"jal", opJ(1, 0x400), line - 4, 4},
			{"jalr", opI("jalr", 1, 5, 0), line - 4, 4},
			{"c.jalr", 0x9282, line - 2, 2}, // c.jalr x5
			{"jal", opJ(1, 0x400), line - 2, 4},
			{"jalr", opI("jalr", 1, 5, 0), line - 2, 4},
		} {
			r := newRig(t, func(c *rigConfig) { c.bus.L1I.Line, c.bus.L1D.Line = int(line), int(line) })
			at := codeAt + c.at
			r.code(at, c.jump)
			r.pc, r.x[5] = at, at+0x400
			r.step(1)
			if r.pc != at+0x400 || r.x[1] != at+c.size {
				t.Errorf("lines of %d bytes: %s at %#x leads to %#x and links to %#x", line, c.name, at, r.pc, r.x[1])
			}
		}
	}
}

// The second half of an instruction faults on its own: mepc is the
// instruction's address, mtval that of the part (privileged manual, mtval).
func TestFetchFaultOnSecondHalf(t *testing.T) {
	r := newRig(t)
	at := uint64(ramBase + ramSize - 2)
	r.poke(at-6, []byte{0x13, 0, 0, 0, 0x13, 0, 0x13, 0})
	r.pc = at
	r.step(1)
	if c := r.csr; c.mcause != causeFetchAccess || c.mepc != at || c.mtval != at+2 || r.instret != 0 {
		t.Error(r.trapText())
	}
}

// A page fault on the second half, in S mode, delegated or not.
func TestFetchPageFaultOnSecondHalf(t *testing.T) {
	r := newRig(t)
	r.mapPages(0x4000_0000, codeAt, pteV|pteR|pteX|pteA)
	at := uint64(0x4000_0ffe)
	r.code(codeAt+0xffe, nop)
	for _, deleg := range []uint64{0, 1 << causeFetchPage} {
		r.setPriv(Supervisor)
		r.csr.medeleg = deleg
		r.pc = at
		r.step(1)
		c := &r.csr
		if deleg == 0 && (c.mcause != causeFetchPage || c.mepc != at || c.mtval != at+2 || r.priv != Machine) ||
			deleg != 0 && (c.scause != causeFetchPage || c.sepc != at || c.stval != at+2 || r.priv != Supervisor) {
			t.Errorf("medeleg %#x: %s", deleg, r.trapText())
		}
	}
}

// mapPages makes an Sv39 table at a fixed place with one leaf for each of pas
// at va and the pages after it, and points satp to it.
func (r *rig) mapPages(va, pa, flags uint64, more ...uint64) {
	const table = ramBase + 0x20_0000
	leaf := uint64(table + 0x2000)
	r.poke64(table+va>>30&511*8, pte(table+0x1000, pteV))
	r.poke64(table+0x1000+va>>21&511*8, pte(leaf, pteV))
	r.poke64(leaf+va>>12&511*8, pte(pa, flags))
	for i, e := range more {
		r.poke64(leaf+(va>>12+uint64(i)+1)&511*8, e)
	}
	for _, h := range r.harts {
		h.mmu.writeSATP(satpSv39<<satpModeShift | table>>12)
	}
}

// Where PMP allows a part of a line only, instructions run one by one: all of
// each must be allowed, and a word of zeros is illegal like anywhere.
func TestFetchAtPMPBorder(t *testing.T) {
	border := uint64(codeAt + 32)
	start := func() *rig {
		r := newRig(t)
		r.code(codeAt, nop, nop, nop, nop, nop, nop, nop, nop, nop, nop)
		r.writePMPAddr(0, border>>2)
		r.writePMPAddr(1, (border+32)>>2)
		r.writePMPCfg(0, 0x0f|0x0b<<8) // TOR: RWX below the border, RW above it
		r.setPriv(Supervisor)
		return r
	}
	r := start()
	r.pc = border - 8
	r.step(3)
	if c := r.csr; r.instret != 2 || c.mcause != causeFetchAccess || c.mepc != border || c.mtval != border {
		t.Errorf("after the border: instret %d, %s", r.instret, r.trapText())
	}
	r = start()
	r.code(border-2, nop)
	r.pc = border - 2
	r.step(1)
	if c := r.csr; r.instret != 0 || c.mcause != causeFetchAccess || c.mepc != border-2 || c.mtval != border {
		t.Errorf("across the border: instret %d, %s", r.instret, r.trapText())
	}
	r = start()
	r.poke(border-4, []byte{0, 0, 0, 0})
	r.pc = border - 4
	r.step(1)
	if c := r.csr; c.mcause != causeIllegal || c.mtval != 0 || c.mepc != border-4 {
		t.Errorf("zeros before the border: %s", r.trapText())
	}
}

// The clock never goes back, whatever a fetch that faults did on its way.
func TestClockOfFaultingFetch(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.bus.Arbitration = 20 })
	r.mapPages(0x4000_0000, codeAt, pteV|pteR|pteA)
	r.setPriv(Supervisor)
	r.pc = 0x4000_0000
	r.step(1)
	// Three reads of the table, each of another line, go over the bus.
	if walk := r.mmu.stats.WalkReads; r.csr.mcause != causeFetchPage || walk != 3 || r.Clock() < 3*20 {
		t.Errorf("%d reads of the page table in %d cycles: %s", walk, r.Clock(), r.trapText())
	}
}

// Code that the hart itself overwrites runs anew after fence.i, wherever the
// store waits (unprivileged manual, Zifencei).
func TestSelfModifyingCode(t *testing.T) {
	for _, incoherent := range []bool{false, true} {
		for _, buffer := range []int{0, 4} {
			r := newRig(t, func(c *rigConfig) { c.bus.IncoherentL1I = incoherent }, withStores(buffer))
			r.code(codeAt, opI("addi", 5, 0, 1), opS("sw", 2, 1, 0), match("fence.i"), opJ(0, -12))
			r.x[1], r.x[2] = codeAt, uint64(opI("addi", 5, 0, 2))
			r.step(5)
			if r.pc != codeAt+4 || r.x[5] != 2 {
				t.Errorf("incoherent %t, buffer %d: executed %d", incoherent, buffer, r.x[5])
			}
		}
	}
}

// Another hart's store to code: a snooped L1I sees it at once, an incoherent one
// after fence.i.
func TestModifiedWithoutFence(t *testing.T) {
	for _, snooped := range []bool{true, false} {
		r := newRig(t, withHarts(2), func(c *rigConfig) { c.bus.IncoherentL1I = !snooped })
		other := r.harts[1]
		r.code(codeAt, opI("addi", 5, 0, 1))
		r.code(codeAt+0x100, opS("sw", 2, 1, 0))
		r.pc = codeAt
		r.step(1)
		other.x[1], other.x[2] = codeAt, uint64(opI("addi", 5, 0, 2))
		other.pc = codeAt + 0x100
		other.step(1)
		want := uint64(1)
		if snooped {
			want = 2
		}
		r.pc = codeAt
		r.step(1)
		if r.x[5] != want {
			t.Errorf("snooped %t: executed %d, want %d", snooped, r.x[5], want)
		}
		r.code(codeAt+0x200, match("fence.i"))
		r.pc = codeAt + 0x200
		r.step(1)
		r.pc = codeAt
		r.step(1)
		if r.x[5] != 2 {
			t.Errorf("snooped %t: after fence.i %d", snooped, r.x[5])
		}
	}
}

// Two harts run code that a third line of it overwrites all the time, in a
// random order of steps; each sees, at every step, what memory holds.
func TestStolenCodeLines(t *testing.T) {
	seeded(t, 20, func(t *testing.T, rnd *rand.Rand) {
		r := newRig(t, withHarts(2))
		const lines = 3
		value := [lines * 16]uint64{}
		put := func(i int, v uint64) {
			value[i] = v
			h := r.harts[rnd.IntN(2)]
			h.pc = codeAt + 0x2000
			h.x[1], h.x[2] = codeAt+uint64(4*i), uint64(opI("addi", 5, 0, int32(v)))
			h.step(1)
		}
		r.code(codeAt+0x2000, opS("sw", 2, 1, 0))
		for i := range value {
			put(i, uint64(i))
		}
		for range 2000 {
			i := rnd.IntN(len(value))
			if rnd.IntN(3) == 0 {
				put(i, rnd.Uint64N(2000))
				continue
			}
			h := r.harts[rnd.IntN(2)]
			h.pc = codeAt + uint64(4*i)
			if h.step(1); h.x[5] != value[i] {
				t.Fatalf("hart %d at %d: %d, want %d", h.cfg.ID, i, h.x[5], value[i])
			}
		}
	})
}

// Code in pages that Svpbmt makes uncached runs, and nothing of it is kept.
func TestUncachedFetch(t *testing.T) {
	for pbmt := range uint64(3) {
		r := newRig(t)
		r.csr.menvcfg = menvcfgPBMTE
		r.setPriv(Machine)
		const va = 0x4000_0000
		r.mapPages(va, codeAt, pbmt<<61|pteV|pteR|pteX|pteA)
		r.code(codeAt, opI("addi", 5, 0, 1), 0x4285 /* c.li x5, 1 */, opI("addi", 5, 5, 2), opJ(0, -10))
		r.setPriv(Supervisor)
		r.pc = va
		if r.step(5); r.pc != va+4 || r.x[5] != 1 || r.instret != 5 {
			t.Errorf("PBMT %d: pc %#x, x5 %d: %s", pbmt, r.pc, r.x[5], r.trapText())
		}
		if kept := r.mem.Fetchable(codeAt) >= 0; kept != (pbmt == 0) {
			t.Errorf("PBMT %d: in the L1I %t", pbmt, kept)
		}
	}
}

// AUIPC counts from its own address, wherever in a line it is (unprivileged manual,
// AUIPC).
func TestAUIPC(t *testing.T) {
	for _, at := range []uint64{codeAt, codeAt + 2, codeAt + 60, codeAt + 62} {
		for _, imm := range []int32{0, 1, -1, 0x7ffff, -0x80000} {
			r := newRig(t)
			r.code(at, match("auipc")|uint32(imm)<<12|5<<7)
			r.pc = at
			for range 2 { // the second time it is known
				r.pc, r.x[5] = at, 0
				r.step(1)
				if want := at + uint64(int64(imm)<<12); r.x[5] != want {
					t.Errorf("at %#x, %d: %#x, want %#x", at, imm, r.x[5], want)
				}
			}
		}
	}
}
