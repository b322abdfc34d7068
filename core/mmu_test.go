package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/addr"
	"mcsim/event"
)

// Each test names the section of the privileged manual whose rule it checks.

// TestSATPModes: "Supervisor Address Translation and Protection (satp)
// Register". A write with an unsupported mode has no effect at all; ASIDs have
// 16 bits.
func TestSATPModes(t *testing.T) {
	for _, top := range []int{0, 8, 9, 10} {
		cfg := smallMMU()
		cfg.MaxSATP = top
		h := newMMUHart(t, cfg)
		var want uint64
		for mode := range uint64(16) {
			v := mode<<satpModeShift | 0xffff<<satpASIDShift | (1 + mode)
			h.mmu.writeSATP(v)
			if top > 0 && (mode == 0 || mode >= 8 && mode <= uint64(top)) {
				want = v
			}
			if h.mmu.satp != want {
				t.Errorf("up to mode %d: satp = %#x after writing %#x; want %#x", top, h.mmu.satp, v, want)
			}
		}
	}
}

// TestLevels: "Sv39", "Sv48", "Sv57". A cold walk reads 3, 4 or 5 entries, each
// from the table that the one before names; addresses repeat their highest bit.
func TestLevels(t *testing.T) {
	for levels := uint64(3); levels <= 5; levels++ {
		h := newMMUHart(t, smallMMU())
		va := uint64(0x0123_4567_89ab_cdef)>>(65-12-9*levels) | 1<<20
		var want []addr.PA
		for l := levels; l > 0; l-- {
			slot := addr.PA(root+(levels-l)<<12) + addr.PA(va>>(3+9*l)&511*8)
			h.mem.word[slot] = pte(root+(levels-l+1)<<12, pteV)
			want = append(want, slot)
		}
		h.mem.word[want[levels-1]] = pte(0xabcde000, rw)
		h.enter(Supervisor, satpSv39+levels-3, 1)
		h.ok(va, accLoad, 0xabcde000|va&4095)
		if len(h.mem.reads) != len(want) {
			t.Fatalf("%d levels: read %x; want %x", levels, h.mem.reads, want)
		}
		for i, pa := range want {
			if h.mem.reads[i] != pa {
				t.Errorf("%d levels: read %x; want %x", levels, h.mem.reads, want)
			}
		}
		top := uint64(1) << (12 + 9*levels - 1)
		for _, bad := range []uint64{va | 1<<63, va | top<<1, va | top, ^uint64(0) &^ top} {
			h.fault(bad, accLoad, causeLoadPage)
			h.fault(bad, accStore, causeStorePage)
			h.fault(bad, accFetch, causeFetchPage)
		}
		if len(h.mem.reads) != len(want) {
			t.Errorf("%d levels: bad addresses were walked", levels)
		}
	}
}

// TestUserPages: "Addressing and Memory Protection" (U), "Memory Privilege in
// sstatus". S-mode may touch a U page only with SUM, and never fetch from it.
func TestUserPages(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.page(0x4000, pte(0x8000_0000, rwx|pteU), 0)
	h.page(0x5000, pte(0x8000_1000, rwx), 0)
	h.enter(User, satpSv39, 0)
	h.ok(0x4000, accFetch, 0x8000_0000)
	h.fault(0x5000, accLoad, causeLoadPage)
	h.fault(0x5000, accFetch, causeFetchPage)
	h.enter(Supervisor, satpSv39, 0)
	h.fault(0x4000, accLoad, causeLoadPage)
	h.ok(0x5000, accFetch, 0x8000_1000)
	h.status(mstatusSUM)
	h.ok(0x4000, accStore, 0x8000_0000)
	h.fault(0x4000, accFetch, causeFetchPage)
	tr := h.ok(0x4000, accStore, 0x8000_0000)
	h.keepLine(0x4000, 1, true, tr.Stamp)
	h.status(0)
	if h.kept(0x4000) {
		t.Error("a line of a user page outlives SUM")
	}
	h.fault(0x4000, accStore, causeStorePage)
	h.status(mstatusSUM)
	if !h.kept(0x4000) {
		t.Error("a line that SUM allows is gone")
	}
}

// TestMPRV: "Memory Privilege in mstatus Register". Data, and only data, is
// accessed as in the mode of MPP.
func TestMPRV(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.page(0x4000, pte(0x8000_0000, rwx), 0)
	h.enter(Machine, satpSv39, 0)
	h.ok(0x4000, accLoad, 0x4000)
	h.status(mstatusMPRV | uint64(Supervisor)<<mstatusMPPShift)
	h.ok(0x4000, accLoad, 0x8000_0000)
	h.ok(0x4000, accFetch, 0x4000)
	h.status(mstatusMPRV | uint64(User)<<mstatusMPPShift)
	h.fault(0x4000, accLoad, causeLoadPage)
	h.status(mstatusMPRV | uint64(Machine)<<mstatusMPPShift)
	h.ok(0x4000, accLoad, 0x4000)
}

// TestMXR: "Supervisor Memory-Management Fence Instruction". SUM and MXR take
// effect at once, for lines that are kept as well.
func TestMXR(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.page(0x4000, pte(0x8000_0000, pteV|pteX|pteA), 0)
	h.enter(Supervisor, satpSv39, 0)
	h.fault(0x4000, accLoad, causeLoadPage)
	h.status(mstatusMXR)
	tr := h.ok(0x4000, accLoad, 0x8000_0000)
	h.fault(0x4000, accStore, causeStorePage)
	h.keepLine(0x4000, 3, false, tr.Stamp)
	if !h.kept(0x4000) {
		t.Fatal("the line is not kept")
	}
	h.status(0)
	if h.kept(0x4000) {
		t.Error("the line outlives MXR")
	}
	h.fault(0x4000, accLoad, causeLoadPage)
}

// kept says whether the line table of the current data context has a line.
func (h *mmuHart) kept(va uint64) bool {
	return h.lines[va>>h.tab.shift&(lineTableSize-1)].rtag == va&^(h.tab.lineSize-1)
}

// TestSvade: "Svade". A clear A, or a clear D for a store, is a page fault.
func TestSvade(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	a := h.page(0x4000, pte(0x8000_0000, rwx&^(pteA|pteD)), 0)
	h.enter(Supervisor, satpSv39, 0)
	h.fault(0x4000, accLoad, causeLoadPage)
	h.fault(0x4000, accFetch, causeFetchPage)
	h.mem.word[a] |= pteA
	h.ok(0x4000, accLoad, 0x8000_0000)
	h.fault(0x4000, accStore, causeStorePage)
	h.mem.word[a] |= pteD
	h.fault(0x4000, accStore, causeStorePage) // still as it was cached
	h.sfence(0x4123, 0, true, false)
	h.ok(0x4000, accStore, 0x8000_0000)
}

// TestSvadu: "Svadu", and step 9 of "Virtual Address Translation Process": the
// hart sets A and D in memory, D for stores only, as soon as they are needed.
func TestSvadu(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.csr.menvcfg = menvcfgADUE
	at := h.page(0x4000, pte(0x8000_0000, rwx&^(pteA|pteD)), 0)
	h.enter(Supervisor, satpSv39, 0)
	if tr := h.ok(0x4000, accLoad, 0x8000_0000); tr.Writable {
		t.Error("a clean page needs a walk before it is written")
	}
	h.ok(0x4000, accCBO, 0x8000_0000)
	if got := h.mem.word[at]; got != pte(0x8000_0000, rwx&^pteD) {
		t.Fatalf("PTE %#x after a load", got)
	}
	if tr := h.ok(0x4000, accStore, 0x8000_0000); !tr.Writable {
		t.Error("a dirty page needs no walk")
	}
	if got := h.mem.word[at]; got != pte(0x8000_0000, rwx) {
		t.Fatalf("PTE %#x after a store", got)
	}
	walks := h.mmu.stats.Walks
	h.ok(0x4000, accStore, 0x8000_0000)
	if h.mmu.stats.Walks != walks {
		t.Error("the second store walked")
	}
	if got := h.mmu.stats.ADUpdates; got != 2 {
		t.Errorf("%d updates", got)
	}
}

// TestDirtyIgnoresTLB: "Virtual Address Translation Process": the address-
// translation cache cannot be used in step 9. A store to a page that is cached
// clean finds what memory says now.
func TestDirtyIgnoresTLB(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.csr.menvcfg = menvcfgADUE
	at := h.page(0x4000, pte(0x8000_0000, rw&^pteD), 0)
	h.enter(Supervisor, satpSv39, 0)
	tr := h.ok(0x4000, accLoad, 0x8000_0000)
	h.keepLine(0x4000, 1, false, tr.Stamp)
	h.mem.word[at] = pte(0x9000_0000, rw&^pteD)
	h.ok(0x4000, accLoad, 0x8000_0000) // not fenced
	h.ok(0x4000, accStore, 0x9000_0000)
	if got := h.mem.word[at]; got != pte(0x9000_0000, rw) {
		t.Errorf("PTE %#x", got)
	}
	h.ok(0x4000, accLoad, 0x9000_0000)
	h.checkLines()
	if h.kept(0x4000) {
		t.Error("a line of the page's old place is kept")
	}
}

// TestLostRight: an entry that a walk refreshes with fewer rights takes the lines
// along that hang on it, also those of other modes.
func TestLostRight(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.csr.menvcfg = menvcfgADUE
	at := h.page(0x4000, pte(0x8000_0000, (rw|pteU)&^pteD), 0)
	h.enter(User, satpSv39, 0)
	tr := h.ok(0x4000, accLoad, 0x8000_0000)
	h.keepLine(0x4000, 1, false, tr.Stamp)
	h.mem.word[at] = pte(0x8000_0000, rw&^pteD)
	h.enter(Supervisor, satpSv39, 0)
	h.status(mstatusSUM)
	h.ok(0x4000, accStore, 0x8000_0000)
	h.enter(User, satpSv39, 0)
	if h.kept(0x4000) {
		t.Error("U-mode keeps a line of a page that it lost")
	}
	h.fault(0x4000, accLoad, causeLoadPage)
	// A page that is gone: the store's walk faults.
	h.mem.word[at] = pte(0x8000_0000, (rw|pteU)&^pteD)
	h.sfence(0, 0, false, false)
	h.ok(0x4000, accLoad, 0x8000_0000)
	h.mem.word[at] = 0
	h.fault(0x4000, accStore, causeStorePage)
	h.ok(0x4000, accLoad, 0x8000_0000)
}

// TestADRace: step 9. If the PTE is no longer what was read, it is read again.
func TestADRace(t *testing.T) {
	for _, now := range []uint64{0, pte(0x9000_0000, rw&^pteD), pte(0x9000_0000, pteV|pteR|pteA)} {
		h := newMMUHart(t, smallMMU())
		h.csr.menvcfg = menvcfgADUE
		at := h.page(0x4000, pte(0x8000_0000, rw&^pteD), 0)
		h.enter(Supervisor, satpSv39, 0)
		h.mem.race = func() { h.mem.word[at] = now }
		if now&pteW != 0 {
			h.ok(0x4000, accStore, 0x9000_0000)
			now |= pteD
		} else {
			h.fault(0x4000, accStore, causeStorePage)
		}
		if got := h.mem.word[at]; got != now {
			t.Errorf("PTE %#x; want %#x", got, now)
		}
	}
}

// TestTableNotInMemory: step 2. A PTE where there is no memory is an access
// fault of the original kind.
func TestTableNotInMemory(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.mem.end = 0x8000
	h.mem.word[root] = pte(0x8000, pteV)
	h.enter(Supervisor, satpSv39, 0)
	h.fault(0x4000, accLoad, causeLoadAccess)
	h.fault(0x4000, accStore, causeStoreAccess)
	h.fault(0x4000, accCBO, causeStoreAccess)
	h.fault(0x4000, accFetch, causeFetchAccess)
}

// TestFences: "Supervisor Memory-Management Fence Instruction". What a fence
// does not name stays as stale as it was, through both levels of TLB.
func TestFences(t *testing.T) {
	const asid = 5
	for _, c := range []struct {
		name           string
		global         uint64
		va, asid       uint64
		hasVA, hasASID bool
		stale          bool
	}{
		{name: "everything"},
		{name: "everything, global", global: pteG},
		{name: "the ASID", asid: asid, hasASID: true},
		{name: "the ASID, with bits above 16", asid: asid | 1<<16, hasASID: true},
		{name: "the ASID, global", global: pteG, asid: asid, hasASID: true, stale: true},
		{name: "another ASID", asid: asid + 1, hasASID: true, stale: true},
		{name: "the page", va: 0x4fff, hasVA: true},
		{name: "the page, global", global: pteG, va: 0x4fff, hasVA: true},
		{name: "another page", va: 0x5000, hasVA: true, stale: true},
		{name: "the page, another ASID", va: 0x4000, hasVA: true, asid: 1, hasASID: true, stale: true},
		{name: "the page and ASID", va: 0x4000, hasVA: true, asid: asid, hasASID: true},
		{name: "the page and ASID, global", global: pteG, va: 0x4000, hasVA: true, asid: asid, hasASID: true, stale: true},
		{name: "no address", va: 1<<63 | 0x4000, hasVA: true, stale: true},
	} {
		h := newMMUHart(t, smallMMU())
		at := h.page(0x4000, pte(0x8000_0000, rwx|c.global), 0)
		h.enter(Supervisor, satpSv39, asid)
		tr := h.ok(0x4000, accLoad, 0x8000_0000)
		h.keepLine(0x4000, 2, true, tr.Stamp)
		h.ok(0x4000, accFetch, 0x8000_0000)
		h.mem.word[at] = pte(0x9000_0000, rwx|c.global)
		h.sfence(c.va, c.asid, c.hasVA, c.hasASID)
		want := uint64(0x9000_0000)
		if c.stale {
			want = 0x8000_0000
		}
		if h.kept(0x4000) != c.stale {
			t.Errorf("%s: the line is kept: %v", c.name, !c.stale)
		}
		t.Log(c.name)
		h.ok(0x4000, accLoad, want)
		h.ok(0x4000, accFetch, want)
		// Out of the second level, when others have taken the first's place.
		for i := range uint64(8) {
			h.page(0x10000+i<<12, pte(0xa000_0000, rwx), 0)
			h.ok(0x10000+i<<12, accLoad, 0xa000_0000)
		}
		h.ok(0x4000, accLoad, want)
		h.checkLines()
	}
}

// TestASIDs: entries of another address space are not used, global ones are,
// and a G bit above the leaf is enough ("Addressing and Memory Protection", G).
func TestASIDs(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	at := h.page(0x4000, pte(0x8000_0000, rw), 0)
	other := h.page(0x4000_0000, pte(0x8000_4000, rw), 0)
	h.mem.word[root+8] |= pteG
	h.enter(Supervisor, satpSv39, 1)
	tr := h.ok(0x4000, accLoad, 0x8000_0000)
	h.keepLine(0x4000, 2, true, tr.Stamp)
	h.ok(0x4000_0000, accLoad, 0x8000_4000)
	h.mem.word[at], h.mem.word[other] = pte(0x9000_0000, rw), pte(0x9000_4000, rw)
	h.enter(Supervisor, satpSv39, 2)
	if h.kept(0x4000) {
		t.Error("a line of another address space is kept")
	}
	h.ok(0x4000, accLoad, 0x9000_0000)
	h.ok(0x4000_0000, accLoad, 0x8000_4000)
	h.enter(Supervisor, satpSv39, 1)
	h.ok(0x4000, accLoad, 0x8000_0000)
	// Bare and back: at once, and without a fence.
	h.enter(Supervisor, satpBare, 0)
	h.ok(0x4000, accLoad, 0x4000)
	h.enter(Supervisor, satpSv39, 1)
	h.ok(0x4000, accLoad, 0x8000_0000)
}

// TestSplitPages: a fence for any address of a superpage drops every piece of
// it that TLBs without superpages hold.
func TestSplitPages(t *testing.T) {
	cfg := smallMMU()
	cfg.DTLB.PageSizes = []uint64{1 << 12}
	cfg.L2TLB.PageSizes = []uint64{1 << 12, 1 << 16}
	h := newMMUHart(t, cfg)
	at := h.page(0x20_0000, pte(0x8000_0000, rw), 1)
	h.enter(Supervisor, satpSv39, 0)
	for _, off := range []uint64{0x1000, 0x2000, 0x1f_f000} {
		if tr := h.ok(0x20_0000+off, accLoad, 0x8000_0000+off); tr.PageBits != 12 {
			t.Errorf("page of 1<<%d bytes", tr.PageBits)
		}
	}
	h.mem.word[at] = pte(0x9000_0000, rw)
	h.sfence(0x20_0000+0x8_0000, 0, true, true)
	for _, off := range []uint64{0x1000, 0x2000, 0x1f_f000} {
		h.ok(0x20_0000+off, accLoad, 0x9000_0000+off)
	}
}

// TestWalkCacheFences: a fence with an address orders leaf entries only, so a
// changed pointer may stay unseen; one without an address is for all levels.
func TestWalkCacheFences(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.page(0x4000, pte(0x8000_0000, rw), 0)
	h.enter(Supervisor, satpSv39, 0)
	h.ok(0x4000, accLoad, 0x8000_0000)
	h.sfence(0x4000, 0, true, false)
	h.sfence(0, 0, true, false) // where the entries' tags are
	h.mem.reads = nil
	h.ok(0x4000, accLoad, 0x8000_0000)
	if n := len(h.mem.reads); n != 1 {
		t.Errorf("the walk read %d entries; want 1", n)
	}
	h.mem.word[root] = 0
	h.sfence(0x4000, 0, true, false)
	h.ok(0x4000, accLoad, 0x8000_0000)
	h.sfence(0, 1, false, true)
	h.sfence(0x4000, 0, true, false)
	h.ok(0x4000, accLoad, 0x8000_0000)
	h.sfence(0, 0, false, true)
	h.fault(0x4000, accLoad, causeLoadPage)
}

// TestWalkCacheModes: tables that a walk of another depth found are no help.
func TestWalkCacheModes(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.mem.word[root] = pte(0x2000, pteV)
	h.mem.word[0x2000] = pte(0x3000, pteV)
	h.mem.word[0x3000] = pte(0x4000, pteV)
	h.mem.word[0x3000+5*8] = pte(0x9000_0000, rw)
	h.mem.word[0x4000+5*8] = pte(0x8000_0000, rw)
	h.mem.word[0x4000+6*8] = pte(0x8000_1000, rw)
	h.enter(Supervisor, satpSv39+1, 0)
	h.ok(0x6000, accLoad, 0x8000_1000)
	h.enter(Supervisor, satpSv39, 0)
	h.ok(0x5000, accLoad, 0x9000_0000)
}

// TestWalkCacheLRU: the table unused for longest makes room.
func TestWalkCacheLRU(t *testing.T) {
	c := walkCache{entries: make([]walkEntry, 2)}
	for i := range uint64(2) {
		c.insert(i<<21, 0, ^uint64(0), i, 0, 3)
	}
	c.find(0, 0, 3)
	c.insert(2<<21, 0, ^uint64(0), 2, 0, 3)
	for i, want := range []bool{true, false, true} {
		if e := c.find(uint64(i)<<21+0x1000, 0, 3); (e != nil) != want || e != nil && e.table != uint64(i) {
			t.Errorf("table %d: %+v", i, e)
		}
	}
}

// TestReservedBits: "Sv39", "Svnapot", "Svpbmt": bits 54 to 60, and in pointers
// also N, PBMT, D, A and U, must be zero; so must W without R.
func TestReservedBits(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.csr.menvcfg = menvcfgPBMTE
	h.enter(Supervisor, satpSv39, 0)
	for bit := range 64 {
		pointer := bit == 4 || bit == 6 || bit == 7 || bit >= 54
		leaf := bit >= 54 && bit <= 60 || bit == 63
		for _, level := range []int{0, 1} {
			h := newMMUHart(t, smallMMU())
			h.csr.menvcfg = menvcfgPBMTE
			h.enter(Supervisor, satpSv39, 0)
			base := pte(0x8000_0000, pteV|pteR|pteA|pteD)
			want := leaf
			if level == 1 {
				h.page(0x4000, pte(0x8000_0000, pteV|pteR|pteA|pteD), 0)
				base, want = h.mem.word[h.slot(0x4000, 1)], pointer
				if bit >= 1 && bit <= 3 || bit >= 10 && bit < 54 || bit == 0 {
					continue // a leaf, or another table
				}
			} else if bit == 0 || bit == 1 || bit == 4 || bit == 6 {
				continue
			}
			h.page(0x4000, base^1<<bit, level)
			var tr translation
			if got := h.translate(0x4000, 1, accLoad, &tr); got == want {
				t.Errorf("level %d, bit %d: translated %v", level, bit, got)
			}
		}
	}
	h.page(0x4000, pte(0x8000_0000, pteV|pteW|pteX|pteA|pteD), 0)
	h.fault(0x4000, accFetch, causeFetchPage)
}

// slot is where the PTE for va of a level is.
func (h *mmuHart) slot(va uint64, level int) addr.PA {
	table := uint64(root)
	for l := 2; l > level; l-- {
		table = h.mem.word[addr.PA(table+va>>(12+9*l)&511*8)] >> ptePPNShift << 12
	}
	return addr.PA(table + va>>(12+9*level)&511*8)
}

// TestNAPOT: "Svnapot". One entry of 64 KiB serves its 16 pages; other sizes
// and levels are reserved.
func TestNAPOT(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	for i := range uint64(16) {
		h.page(0x5_0000+i<<12, pte(0x8123_8000, rw|pteN), 0)
	}
	h.enter(Supervisor, satpSv39, 0)
	for i := range uint64(16) {
		if tr := h.ok(0x5_0000+i<<12+7, accStore, 0x8123_0000+i<<12+7); tr.PageBits != 16 {
			t.Errorf("page of 1<<%d bytes", tr.PageBits)
		}
	}
	if n := h.mmu.stats.Walks; n != 1 {
		t.Errorf("%d walks; want 1", n)
	}
	for _, ppn := range []uint64{0, 1, 2, 4, 12, 16, 9} {
		h.page(0x7_0000, pte(0x8000_0000|ppn<<12, rw|pteN), 0)
		h.fault(0x7_0000, accLoad, causeLoadPage)
	}
	h.page(0x40_0000, pte(0x8000_8000, rw|pteN), 1)
	h.fault(0x40_0000, accLoad, causeLoadPage)
	h.page(0x60_0000, pte(0x8000_8000, pteV|pteN), 1)
	h.fault(0x60_0000, accLoad, causeLoadPage)
}

// TestPBMT: "Svpbmt". NC and IO are uncached, 3 is reserved, all are without
// menvcfg.PBMTE, and in pointers.
func TestPBMT(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.enter(Supervisor, satpSv39, 0)
	for pbmt := range uint64(4) {
		for _, on := range []uint64{0, menvcfgPBMTE} {
			h.csr.menvcfg = on
			h.page(0x4000, pte(0x8000_0000, rw|pbmt<<ptePBMTShift), 0)
			h.sfence(0, 0, false, false)
			if pbmt == 3 || pbmt != 0 && on == 0 {
				h.fault(0x4000, accLoad, causeLoadPage)
			} else if tr := h.ok(0x4000, accLoad, 0x8000_0000); tr.Uncached != (pbmt != 0) {
				t.Errorf("PBMT %d: uncached %v", pbmt, tr.Uncached)
			}
		}
	}
	h.page(0x20_0000, pte(0x2000, pteV|1<<ptePBMTShift), 1)
	h.fault(0x20_0000, accLoad, causeLoadPage)
}

// TestHints: "Cache-Block Prefetch Instructions" (CMO manual): no exception, no
// change of A and D, wherever anything is permitted.
func TestHints(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.csr.menvcfg = menvcfgADUE
	at := h.page(0x4000, pte(0x8000_0000, pteV|pteX), 0)
	h.enter(Supervisor, satpSv39, 0)
	h.ok(0x4000, accHint, 0x8000_0000)
	if got := h.mem.word[at]; got&pteA != 0 {
		t.Errorf("PTE %#x", got)
	}
	var tr translation
	if h.translate(0x5000, 1, accHint, &tr) || h.mmu.stats.PageFaults != 0 {
		t.Error("a prefetch found a page, or counted a fault")
	}
	h.ok(0x4000, accFetch, 0x8000_0000)
	if got := h.mem.word[at]; got&pteA == 0 {
		t.Errorf("PTE %#x", got)
	}
}

// TestCounts: misses at each level, and accesses by the caches' clocks.
func TestCounts(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	for i := range uint64(8) {
		h.page(i<<12, pte(0x8000_0000+i<<12, rwx), 0)
	}
	h.l1d.Clock = 100
	h.itlbAccesses(1)
	h.enter(Supervisor, satpSv39, 0)
	before := h.left
	for i := range uint64(16) {
		h.ok(i&7<<12, accLoad, 0x8000_0000+i&7<<12)
		h.l1d.Clock++
	}
	h.ok(0, accFetch, 0x8000_0000)
	h.itlbAccesses(1)
	h.l1i.Clock++
	h.enter(Machine, satpSv39, 0)
	h.l1d.Clock += 1000
	h.SyncMMUStats()
	s := h.MMUStats()
	want := MMUStats{
		ITLB:  TLBStats{Accesses: 1, Lookups: 1, Misses: 1},
		DTLB:  TLBStats{Accesses: 16, Lookups: 16, Misses: 16, Evictions: 12},
		L2TLB: TLBStats{Accesses: 17, Lookups: 17, Misses: 8},
		Walks: 8, WalkReads: 10, WalkCacheHits: 7,
	}
	if *s != want {
		t.Errorf("%+v\nwant %+v", *s, want)
	}
	if took := before - h.left; took != 17*3 {
		t.Errorf("%d cycles; want 51 of the second level", took)
	}
}

// TestSecondLevelLRU: a hit in the second level is a use there.
func TestSecondLevelLRU(t *testing.T) {
	cfg := smallMMU()
	cfg.DTLB = TLBConfig{Entries: 1, Ways: 1}
	cfg.L2TLB = TLBConfig{Entries: 2, Ways: 2, Latency: 1}
	h := newMMUHart(t, cfg)
	for i := range uint64(3) {
		h.page(i<<12, pte(0x8000_0000+i<<12, rw), 0)
	}
	h.enter(Supervisor, satpSv39, 0)
	for i, want := range []struct{ page, walks uint64 }{{0, 1}, {1, 2}, {0, 2}, {2, 3}, {0, 3}, {1, 4}} {
		h.ok(want.page<<12, accLoad, 0x8000_0000+want.page<<12)
		if got := h.mmu.stats.Walks; got != want.walks {
			t.Errorf("access %d: %d walks; want %d", i, got, want.walks)
		}
	}
}

// TestEvents: what a listener hears of a miss, a walk, a fault and a fence.
func TestEvents(t *testing.T) {
	h := newMMUHart(t, smallMMU())
	h.ev = event.NewBuffer(event.NewFilter(event.Debug, event.TLB), 0, 0)
	h.page(0x4000, pte(0x8000_0000, rw), 0)
	h.enter(Supervisor, satpSv39, 7)
	h.ok(0x4008, accLoad, 0x8000_0008)
	h.fault(0x4008, accFetch, causeFetchPage)
	h.sfence(0x4008, 7, true, true)
	want := []event.Event{
		{Kind: event.TLBMiss, Arg: [4]uint64{0x4008, uint64(kindOps[accLoad]), 7, 0}},
		{Kind: event.PageWalk, Arg: [4]uint64{0x4008, 0x8000_0008, pte(0x8000_0000, rw), 4096}},
		{Kind: event.TLBMiss, Arg: [4]uint64{0x4008, uint64(kindOps[accFetch]), 7, 1}},
		{Kind: event.PageFault, Arg: [4]uint64{0x4008, uint64(kindOps[accFetch]), causeFetchPage, 0}},
		{Kind: event.SFence, Arg: [4]uint64{0x4008, 7, 0, 0}},
	}
	var got []event.Event
	event.Merge([]*event.Buffer{h.ev}, nil, func(e *event.Event) { got = append(got, *e) })
	if len(got) != len(want) {
		t.Fatalf("%+v; want %+v", got, want)
	}
	for i := range want {
		want[i].Cycle = got[i].Cycle
		if got[i] != want[i] {
			t.Errorf("%+v; want %+v", got[i], want[i])
		}
	}
}

// TestBareLines: lines kept by M-mode do not open to S-mode what PMP forbids
// it, in Bare as elsewhere ("Physical Memory Protection and Paging").
func TestBareLines(t *testing.T) {
	cfg := smallMMU()
	cfg.PMPRegions = 16
	h := newMMUHart(t, cfg)
	h.writePMPAddr(0, 0x8000_0000>>2|0xff)
	h.writePMPCfg(0, pmpNAPOT)
	keep := func() {
		tr := h.ok(0x8000_0040, accLoad, 0x8000_0040)
		h.keepLine(0x8000_0040, 0, true, tr.Stamp)
	}
	keep()
	h.enter(Supervisor, satpBare, 0)
	if h.kept(0x8000_0040) {
		t.Error("S-mode inherits a line of M-mode")
	}
	h.fault(0x8000_0040, accLoad, causeLoadAccess)
	h.enter(Machine, satpBare, 0)
	keep()
	h.status(mstatusMPRV | uint64(Supervisor)<<mstatusMPPShift)
	if h.kept(0x8000_0040) {
		t.Error("MPRV inherits a line of M-mode")
	}
	h.status(0)
	keep()
	h.writePMPCfg(0, pmpNAPOT|pmpL)
	if h.kept(0x8000_0040) {
		t.Error("a line outlives a new PMP region")
	}
}

// TestLinesFollowTLB: whatever happens, a kept line hangs on an entry of the
// TLB that translates it, in the address space that is current.
func TestLinesFollowTLB(t *testing.T) {
	seeded(t, 30, func(t *testing.T, r *rand.Rand) {
		cfg := smallMMU()
		cfg.DTLB.PageSizes = [][]uint64{nil, {1 << 12}}[r.IntN(2)]
		h := newMMUHart(t, cfg)
		h.csr.menvcfg = menvcfgADUE
		randomTables(r, h.mem)
		h.mem.end = 14 << 12
		var pool [12]uint64
		for i := range pool {
			pool[i] = uint64(int64(randomVA(r)<<25) >> 25)
		}
		for range 1500 {
			va := pool[r.IntN(len(pool))]
			switch r.IntN(12) {
			case 0:
				h.sfence(va, r.Uint64N(3), r.IntN(2) == 0, r.IntN(2) == 0)
			case 1:
				h.enter(Priv(r.IntN(2)), satpSv39, r.Uint64N(3))
			case 2:
				h.status(r.Uint64() & (mstatusSUM | mstatusMXR))
			}
			kind := accessKind(r.IntN(3))
			slot := int32(r.IntN(h.l1d.Slots()))
			var tr translation
			if h.mmu.data.levels == 0 || !h.translate(va, 1, kind, &tr) {
				continue
			}
			if kind == accFetch {
				h.keepFetch(va, slot, tr.Stamp)
			} else {
				h.keepLine(va, slot, tr.Writable, tr.Stamp)
			}
			h.checkLines()
		}
	})
}

func BenchmarkTranslate(b *testing.B) {
	for _, c := range []struct {
		name  string
		pages uint64
	}{{"hit", 1}, {"hit-16-pages", 16}, {"second-level", 128}, {"walk", 4096}} {
		b.Run(c.name, func(b *testing.B) {
			cfg := smallMMU()
			cfg.DTLB = TLBConfig{Entries: 32, Ways: 32}
			cfg.L2TLB = TLBConfig{Entries: 1024, Ways: 8, Latency: 3}
			cfg.WalkCache = 16
			h := newMMUHart(b, cfg)
			for i := range c.pages {
				h.page(i<<12, pte(0x8000_0000+i<<12, rw), 0)
			}
			h.enter(Supervisor, satpSv39, 0)
			var tr translation
			for i := uint64(0); b.Loop(); i++ {
				h.l1d.Clock++
				h.mem.reads = h.mem.reads[:0]
				h.translate(i%c.pages<<12, 8, accLoad, &tr)
			}
		})
	}
}

func BenchmarkSetContext(b *testing.B) {
	h := newMMUHart(b, smallMMU())
	h.enter(Supervisor, satpSv39, 0)
	for b.Loop() {
		h.priv ^= Supervisor
		h.setContext()
	}
}
