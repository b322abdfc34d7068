package core

import (
	"math/rand/v2"
	"slices"
	"testing"

	"mcsim/addr"
)

// refCase is a machine state in the terms of the manual, for refTranslate.
type refCase struct {
	mode, ppn    uint64
	priv         Priv
	sum, mxr     bool
	adue, pbmte  bool
	word         map[addr.PA]uint64
	end          addr.PA
	va           uint64
	fetch, store bool
	cbo          bool
	pmp          func(pa uint64, write, fetch, read bool, n uint64) bool
}

type refResult struct {
	pa     uint64
	pbmt   uint64
	fault  string // "", "page" or "access"
	update addr.PA
	newPTE uint64
}

// refTranslate is the manual's algorithm ("Virtual Address Translation
// Process") written as it reads, one field at a time, with no cache.
func refTranslate(c *refCase) refResult {
	levels := map[uint64]int{8: 3, 9: 4, 10: 5}[c.mode]
	width := 12 + 9*levels
	for b := width; b < 64; b++ {
		if c.va>>b&1 != c.va>>(width-1)&1 {
			return refResult{fault: "page"}
		}
	}
	a := c.ppn * 4096
	for i := levels - 1; ; i-- {
		if i < 0 {
			return refResult{fault: "page"}
		}
		vpn := c.va >> (12 + 9*i) % 512
		slot := a + vpn*8
		if addr.PA(slot) >= c.end || !c.pmp(slot, false, false, true, 8) {
			return refResult{fault: "access"}
		}
		e := c.word[addr.PA(slot)]
		bit := func(n int) bool { return e>>n&1 == 1 }
		v, r, w, x, u, acc, dirty, n := bit(0), bit(1), bit(2), bit(3), bit(4), bit(6), bit(7), bit(63)
		ppn, pbmt := e>>10&(1<<44-1), e>>61&3
		if !v || !r && w || e>>54&0x7f != 0 {
			return refResult{fault: "page"}
		}
		if !r && !x {
			if n || pbmt != 0 || u || acc || dirty {
				return refResult{fault: "page"}
			}
			a = ppn * 4096
			continue
		}
		if pbmt == 3 || pbmt != 0 && !c.pbmte {
			return refResult{fault: "page"}
		}
		if i > 0 && ppn%(1<<(9*i)) != 0 || n && (i > 0 || ppn%16 != 8) {
			return refResult{fault: "page"}
		}
		if !refAllowed(c, r, w, x, u) {
			return refResult{fault: "page"}
		}
		res := refResult{pbmt: pbmt}
		if !acc || c.store && !dirty {
			if !c.adue {
				return refResult{fault: "page"}
			}
			if !c.pmp(slot, true, false, false, 8) {
				return refResult{fault: "access"}
			}
			e |= 1 << 6
			if c.store {
				e |= 1 << 7
			}
			res.update, res.newPTE = addr.PA(slot), e
		}
		for k := range i {
			ppn += c.va >> (12 + 9*k) % 512 << (9 * k)
		}
		if n {
			ppn = ppn&^15 | c.va>>12%16
		}
		res.pa = ppn*4096 + c.va%4096
		if !c.pmp(res.pa, c.store, c.fetch, !c.store && !c.fetch, 1) &&
			!(c.cbo && c.pmp(res.pa, true, false, false, 1)) {
			res.fault = "access" // the PTE's update stays
		}
		return res
	}
}

func refAllowed(c *refCase, r, w, x, u bool) bool {
	if c.priv == User && !u {
		return false
	}
	if c.priv == Supervisor && u && (c.fetch || !c.sum) {
		return false
	}
	if c.mxr && x {
		r = true
	}
	switch {
	case c.fetch:
		return x
	case c.store:
		return w
	case c.cbo:
		return r || w
	}
	return r
}

// randomTables fills a small memory with tables full of every kind of PTE,
// mostly sensible ones, that point at each other.
func randomTables(r *rand.Rand, f *fakeTables) {
	const tables = 12
	flags := func() uint64 {
		v := uint64(pteV | pteA | pteD)
		v |= []uint64{pteR, pteX, pteR | pteW, pteR | pteX, pteR | pteW | pteX}[r.IntN(5)]
		v |= r.Uint64() & (pteU | pteG)
		if r.IntN(4) == 0 {
			v ^= 1 << r.IntN(8)
		}
		if r.IntN(16) == 0 {
			v ^= 1 << (54 + r.IntN(10))
		}
		return v
	}
	for t := range uint64(tables) {
		for _, slot := range []uint64{0, 1, 2, 255, 256, 511} {
			e := pte((1+r.Uint64N(tables+1))<<12, pteV|r.Uint64()&pteG)
			switch r.IntN(6) {
			case 0:
				e = pte(r.Uint64()&^(1<<30-1)&lastPA, flags())
			case 1:
				e = pte(r.Uint64()&(1<<30-1)>>r.IntN(20), flags())
			case 2:
				e = pte(r.Uint64()<<16|0x8000, flags()|pteN)
			}
			f.word[addr.PA((1+t)<<12+slot*8)] = e
		}
	}
}

func randomVA(r *rand.Rand) uint64 {
	slots := []uint64{0, 0, 1, 2, 255, 256, 511}
	var va uint64
	for i := range 5 {
		va |= slots[r.IntN(len(slots))] << (12 + 9*i)
	}
	va |= r.Uint64() % 4096
	switch r.IntN(8) {
	case 0:
		return va | r.Uint64()<<57
	case 1, 2:
		return uint64(int64(va<<7) >> 7)
	case 3, 4:
		return uint64(int64(va<<16) >> 16)
	}
	return uint64(int64(va<<25) >> 25)
}

// TestWalkAgainstReference compares translations from a cold start with the
// reference, for random tables, modes, privileges and PMP.
func TestWalkAgainstReference(t *testing.T) {
	var good uint64
	seeded(t, 60, func(t *testing.T, r *rand.Rand) {
		cfg := smallMMU()
		cfg.PMPRegions = 16 * r.IntN(2)
		h := newMMUHart(t, cfg)
		randomTables(r, h.mem)
		h.mem.end = addr.PA(1+r.Uint64N(1<<10)) << 12
		if cfg.PMPRegions > 0 {
			h.writePMPAddr(0, (2+r.Uint64N(11))<<10)
			h.writePMPAddr(1, (2+r.Uint64N(11))<<10)
			h.writePMPAddr(2, 1<<54-1)
			h.writePMPCfg(0, uint64(pmpNAPOT|pmpR|pmpW|pmpX)<<16|(pmpTOR|r.Uint64()&7)<<8|pmpNA4|r.Uint64()&7)
		}
		for range 1500 {
			good += b2u(walkOnce(t, r, h))
		}
	})
	if !testing.Short() && good < 2000 {
		t.Errorf("only %d translations succeeded", good)
	}
}

// walkOnce makes one access in a random state, with nothing cached.
func walkOnce(t *testing.T, r *rand.Rand, h *mmuHart) (done bool) {
	coin := func() bool { return r.IntN(2) == 0 }
	kind := accessKind(r.IntN(int(accHint)))
	c := &refCase{
		mode: 8 + r.Uint64N(3), ppn: 1 + r.Uint64N(12), priv: Priv(r.IntN(2)),
		sum: coin(), mxr: coin(), adue: coin(), pbmte: coin(),
		word: h.mem.word, end: h.mem.end, va: randomVA(r),
		fetch: kind == accFetch, store: kind == accStore, cbo: kind == accCBO,
		pmp: func(pa uint64, write, fetch, read bool, n uint64) bool {
			return refPMP(&h.mmu.pmp, pa, n, write, fetch, read, false)
		},
	}
	h.csr.mstatus = b2u(c.sum)*mstatusSUM | b2u(c.mxr)*mstatusMXR
	h.csr.menvcfg = b2u(c.adue)*menvcfgADUE | b2u(c.pbmte)*menvcfgPBMTE
	h.priv = c.priv
	if !c.fetch && coin() { // the same by MPRV
		h.priv = Machine
		h.csr.mstatus |= mstatusMPRV | uint64(c.priv)<<mstatusMPPShift
	}
	h.mmu.writeSATP(c.mode<<satpModeShift | r.Uint64N(3)<<satpASIDShift | c.ppn)
	h.setContext()
	h.sfence(0, 0, false, false)
	h.mem.reads = h.mem.reads[:0]

	want := refTranslate(c)
	before := h.mem.word[want.update]
	var got translation
	ok := h.translate(c.va, 1, kind, &got)
	cause := map[string]uint64{"page": pageFaultCause[kind], "access": accessFaultCause[kind]}[want.fault]
	switch {
	case ok != (want.fault == ""):
		t.Fatalf("%+v kind %d: ok %v cause %d; want %+v", *c, kind, ok, h.trap.cause, want)
	case !ok && (h.trap.cause != cause || h.trap.tval != c.va):
		t.Fatalf("cause %d value %#x; want %d, %#x", h.trap.cause, h.trap.tval, cause, c.va)
	case ok && (uint64(got.PA) != want.pa || got.Uncached != (want.pbmt != 0)):
		t.Fatalf("%+v; want %+v", got, want)
	case want.update != 0 && h.mem.word[want.update] != want.newPTE:
		t.Fatalf("PTE at %#x is %#x, was %#x; want %#x", want.update, h.mem.word[want.update], before, want.newPTE)
	}
	if want.update != 0 {
		h.mem.word[want.update] = before
	}
	return ok
}

// TestWarmAgainstReference compares translations out of TLBs and walk caches of
// many shapes with the reference: caching shows nowhere while tables do not
// change, but in A and D, which software does not clear here.
func TestWarmAgainstReference(t *testing.T) {
	var good, updates, hits uint64
	seeded(t, 40, func(t *testing.T, r *rand.Rand) {
		cfg := smallMMU()
		cfg.WalkCache = []int{0, 1, 16}[r.IntN(3)]
		for _, c := range []*TLBConfig{&cfg.ITLB, &cfg.DTLB, &cfg.L2TLB} {
			c.Ways = 1 << r.IntN(3)
			c.Entries = c.Ways << r.IntN(4)
			c.PageSizes = [][]uint64{nil, {1 << 12}, {1 << 12, 1 << 21}, {1 << 12, 1 << 16, 1 << 30}}[r.IntN(4)]
		}
		if r.IntN(4) == 0 {
			cfg.L2TLB.Entries = 0
		}
		h := newMMUHart(t, cfg)
		randomTables(r, h.mem)
		h.mem.end = 14 << 12
		mode := 8 + r.Uint64N(3)
		h.csr.menvcfg = menvcfgADUE | menvcfgPBMTE
		// One root per ASID. Global pages would be a lie, and so would pages
		// of 64 KiB whose 16 entries differ.
		var slots []addr.PA
		for pa, e := range h.mem.word {
			h.mem.word[pa] = e &^ (pteG | pteN)
			slots = append(slots, pa)
		}
		slices.Sort(slots)
		var pool [48]uint64
		for i := range pool {
			spare := 64 - 12 - 9*(mode-5)
			pool[i] = uint64(int64(randomVA(r)<<spare) >> spare)
		}
		for range 8000 {
			if r.IntN(20) == 0 { // software clears A or D, and says so
				if pa := slots[r.IntN(len(slots))]; h.mem.word[pa]&(pteR|pteX) != 0 {
					h.mem.word[pa] &^= uint64(r.IntN(4) << 6)
					h.sfence(0, r.Uint64N(3), false, r.IntN(2) == 0)
					h.sfence(0, 0, false, false)
				}
			}
			kind := accessKind(r.IntN(int(accHint)))
			asid := r.Uint64N(3)
			c := &refCase{
				mode: mode, ppn: 1 + asid, priv: Priv(r.IntN(2)), sum: r.IntN(2) == 0, mxr: r.IntN(4) == 0,
				adue: true, pbmte: true, word: h.mem.word, end: h.mem.end, va: randomVA(r),
				fetch: kind == accFetch, store: kind == accStore, cbo: kind == accCBO,
				pmp: func(uint64, bool, bool, bool, uint64) bool { return true },
			}
			h.csr.mstatus = b2u(c.sum)*mstatusSUM | b2u(c.mxr)*mstatusMXR
			h.priv = c.priv
			h.mmu.writeSATP(mode<<satpModeShift | asid<<satpASIDShift | c.ppn)
			h.setContext()
			c.va = pool[r.IntN(len(pool))] ^ r.Uint64N(2)<<r.IntN(30)
			want := refTranslate(c)
			var got translation
			ok := h.translate(c.va, 1, kind, &got)
			if ok != (want.fault == "") || ok && (uint64(got.PA) != want.pa || got.Uncached != (want.pbmt != 0)) {
				t.Fatalf("va %#x kind %d mode %d: %v %+v; want %+v", c.va, kind, mode, ok, got, want)
			}
			if want.update != 0 && h.mem.word[want.update] != want.newPTE {
				t.Fatalf("PTE %#x; want %#x", h.mem.word[want.update], want.newPTE)
			}
			h.mem.reads = h.mem.reads[:0]
			if ok {
				good++
			}
		}
		s := h.MMUStats()
		updates += s.ADUpdates
		hits += s.WalkCacheHits + s.L2TLB.Lookups - s.L2TLB.Misses
	})
	if !testing.Short() && min(good, updates*20, hits) < 2000 {
		t.Errorf("too little happened: %d translations, %d updates of A and D, %d hits", good, updates, hits)
	}
	t.Logf("%d translations, %d updates of A and D, %d hits", good, updates, hits)
}
