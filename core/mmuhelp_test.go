package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
)

// fakeTables is memory that holds page tables: words by address, absent ones 0,
// nothing at or above end.
type fakeTables struct {
	word  map[addr.PA]uint64
	end   addr.PA
	reads []addr.PA
	// race, if not nil, runs once before the next swap, as another hart would.
	race func()
}

func (f *fakeTables) loadPTE(pa addr.PA) (uint64, bool) {
	f.reads = append(f.reads, pa)
	return f.word[pa], pa < f.end
}

func (f *fakeTables) swapPTE(pa addr.PA, was, next uint64) (bool, bool) {
	if race := f.race; race != nil {
		f.race = nil
		race()
	}
	if f.word[pa] != was || pa >= f.end {
		return false, pa < f.end
	}
	f.word[pa] = next
	return true, true
}

// mmuHart is a hart with caches for its line tables to point into, an MMU, and
// page tables that a test writes by hand.
type mmuHart struct {
	*Hart
	mem *fakeTables
	t   testing.TB
}

func smallMMU() Config {
	full := func(n int) TLBConfig { return TLBConfig{Entries: n, Ways: n} }
	return Config{
		ITLB: full(4), DTLB: full(4), L2TLB: TLBConfig{Entries: 32, Ways: 4, Latency: 3},
		WalkCache: 4, MaxSATP: satpSv57, PMPRegions: 0,
	}
}

func newMMUHart(t testing.TB, cfg Config) *mmuHart {
	t.Helper()
	for _, c := range []TLBConfig{cfg.ITLB, cfg.DTLB} {
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	array := func() *cache.Array {
		a, err := cache.New(cache.Config{Size: 4096, Ways: 4, Line: 64})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	h := &Hart{cfg: cfg, l1d: array(), l1i: array(), priv: Machine, limit: 1 << 40, left: 1 << 40}
	h.dclock = &h.l1d.Clock
	h.initTables()
	h.initMMU()
	f := &fakeTables{word: map[addr.PA]uint64{}, end: 1 << 56}
	h.mmu.tables = f
	return &mmuHart{h, f, t}
}

// pte makes a PTE that points to pa.
func pte(pa, flags uint64) uint64 { return pa>>12<<ptePPNShift | flags }

const (
	rw   = pteV | pteR | pteW | pteA | pteD
	rwx  = rw | pteX
	root = 0x1000
)

// page maps one page of Sv39 at the given level (0: 4 KiB), with tables at
// fixed places, and returns the address of its PTE. Pages whose higher indices
// differ need other tables.
func (h *mmuHart) page(va, leaf uint64, level int) addr.PA {
	table := uint64(root)
	for l := 2; l > level; l-- {
		slot := addr.PA(table + va>>(12+9*l)&511*8)
		if h.mem.word[slot] == 0 {
			h.mem.word[slot] = pte(0x10_0000+uint64(len(h.mem.word))<<12, pteV)
		}
		table = h.mem.word[slot] >> ptePPNShift << 12
	}
	slot := addr.PA(table + va>>(12+9*level)&511*8)
	h.mem.word[slot] = leaf
	return slot
}

// enter goes to a privilege with satp's mode and ASID and the table at root.
func (h *mmuHart) enter(p Priv, mode, asid uint64) {
	h.priv = p
	h.mmu.writeSATP(mode<<satpModeShift | asid<<satpASIDShift | root>>12)
	h.setContext()
}

func (h *mmuHart) status(bits uint64) {
	h.csr.mstatus = bits
	h.setContext()
}

// ok translates and expects pa.
func (h *mmuHart) ok(va uint64, kind accessKind, pa uint64) translation {
	h.t.Helper()
	var t translation
	if !h.translate(va, 1, kind, &t) {
		h.t.Fatalf("kind %d at %#x: cause %d; want %#x", kind, va, h.trap.cause, pa)
	}
	if uint64(t.PA) != pa {
		h.t.Fatalf("kind %d at %#x: %#x; want %#x", kind, va, uint64(t.PA), pa)
	}
	return t
}

// fault translates and expects a cause, with the address as trap value.
func (h *mmuHart) fault(va uint64, kind accessKind, cause uint64) {
	h.t.Helper()
	var t translation
	switch {
	case h.translate(va, 1, kind, &t):
		h.t.Fatalf("kind %d at %#x: %#x; want cause %d", kind, va, uint64(t.PA), cause)
	case h.trap.cause != cause || h.trap.tval != va:
		h.t.Fatalf("kind %d at %#x: cause %d, value %#x; want cause %d", kind, va, h.trap.cause, h.trap.tval, cause)
	}
}

// seeded runs f with random sources whose seeds failures name.
func seeded(t *testing.T, rounds int, f func(t *testing.T, r *rand.Rand)) {
	t.Helper()
	if testing.Short() {
		rounds = max(1, rounds/10)
	}
	for seed := range rounds {
		f(t, rand.New(rand.NewPCG(uint64(seed), 0)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// checkLines verifies that every translated line that is kept hangs on an entry
// of the current TLB that translates it.
func (h *mmuHart) checkLines() {
	h.t.Helper()
	for _, c := range []int{ctxUser, ctxSup, ctxSupSUM} {
		if t := h.tab.data[c]; t != nil {
			for i := range t {
				if e := &t[i]; e.rtag != noTag && e.stamp != nil {
					h.checkBacked(&h.mmu.dtlb, e.rtag, e.tlb)
				}
			}
		}
		if t := h.tab.fetch[c]; t != nil {
			for i := range t {
				if e := &t[i]; e.tag != noTag && e.stamp != nil {
					h.checkBacked(&h.mmu.itlb, e.tag, e.tlb)
				}
			}
		}
	}
}

func (h *mmuHart) checkBacked(t *tlb, va uint64, stamp *uint64) {
	h.t.Helper()
	for i := range t.entries {
		if e := &t.entries[i]; &e.stamp == stamp {
			if !e.matches(va&^4095, h.mmu.satp>>satpASIDShift&asidMask) {
				h.t.Fatalf("line %#x hangs on an entry for %#x, address space %d", va, e.tag, e.key)
			}
			return
		}
	}
	h.t.Fatalf("line %#x hangs on no entry", va)
}
