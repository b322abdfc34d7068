package core

import (
	"math/rand/v2"
	"slices"
	"testing"
)

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

// TestFenceFinds: looking in the sets of an address only drops what looking at every
// entry does.
func TestFenceFinds(t *testing.T) {
	seeded(t, 50, func(t *testing.T, r *rand.Rand) {
		sizes := [][]uint64{nil, {1 << 12}, {1 << 12, 2 << 20}}[r.IntN(3)]
		tlb := newTLB(TLBConfig{Entries: 32, Ways: []int{2, 4, 32}[r.IntN(3)], PageSizes: sizes}, new(TLBStats), nil)
		tlb.prepare()
		for range 2000 {
			va := r.Uint64N(6)<<21 | r.Uint64N(4)<<12
			key := r.Uint64N(3)
			if r.IntN(3) != 0 {
				p := tlbEntry{leaf: []uint8{12, 12, 16, 21, 30}[r.IntN(5)], key: key, kmask: ^uint64(0)}
				if r.IntN(4) == 0 {
					p.kmask &^= asidMask
				}
				p.bits, p.mask = p.leaf, ^uint64(0)<<p.leaf
				p.tag = va & p.mask
				tlb.insert(p, va, 0)
				continue
			}
			f := fence{va: va, key: key, hasVA: r.IntN(4) != 0, hasASID: r.IntN(2) == 0}
			var keeps, has []uint64
			for i, e := range tlb.entries {
				if e.tag != invalidTag && !f.covers(e.tag, e.leaf, e.key, e.kmask) {
					keeps = append(keeps, uint64(i))
				}
			}
			n := tlb.valid
			n -= tlb.fence(&f)
			for i, e := range tlb.entries {
				if e.tag != invalidTag {
					has = append(has, uint64(i))
				}
			}
			if !slices.Equal(keeps, has) || n != len(has) || tlb.valid != n {
				t.Fatalf("%+v: entries %d, %d counted, want %d", f, has, n, keeps)
			}
		}
		pieces := 0
		for i := range tlb.entries {
			pieces += tlb.entries[i].piece()
		}
		if tlb.pieces != pieces {
			t.Errorf("%d pieces counted, there are %d", tlb.pieces, pieces)
		}
	})
}
