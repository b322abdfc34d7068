package core

import (
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
	return h.lines[va>>h.shift&(lineTableSize-1)].rtag == va&^(h.lineSize-1)
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
	event.Merge([]*event.Buffer{h.ev}, func(e *event.Event) bool {
		got = append(got, *e)
		return true
	})
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
