package core

import (
	"testing"

	"mcsim/addr"
)

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
	h := newMMUHart(t, smallMMU())
	h.csr.menvcfg = menvcfgADUE
	at := h.page(0x4000, pte(0x8000_0000, rw&^pteA), 0)
	h.enter(Supervisor, satpSv39, 0)
	h.mem.race = func() { h.mem.word[at] = pte(0x9000_0000, rw) }
	h.ok(0x4000, accLoad, 0x9000_0000)
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
