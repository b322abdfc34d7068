package core

import "mcsim/addr"

// accessKind is what an access does, as far as permissions go.
type accessKind uint8

const (
	accFetch accessKind = iota
	accLoad             // and LR
	accStore            // and SC, AMOs, cbo.zero
	accCBO              // cbo.clean, cbo.flush, cbo.inval: allowed where loads or stores are
	accHint             // prefetches: allowed where anything is, and change and raise nothing
	numKinds
)

const allKinds = 1<<numKinds - 1

// kindsOf is the set of kinds, a bit each, that a page or region allows.
func kindsOf(read, write, execute bool) (kinds uint8) {
	if execute {
		kinds |= 1<<accFetch | 1<<accHint
	}
	if read {
		kinds |= 1<<accLoad | 1<<accCBO | 1<<accHint
	}
	if write {
		kinds |= 1<<accStore | 1<<accCBO | 1<<accHint
	}
	return kinds
}

// translation is the outcome of a translation that succeeded.
type translation struct {
	PA       addr.PA
	Stamp    *uint64 // of the first-level TLB entry; of nothing where translation is off
	PageBits uint8   // log2 of the size of the range around the address with the same outcome
	Uncached bool    // Svpbmt says NC or IO
	Writable bool    // a store to the page needs no further walk
	PMP      uint8   // kinds of access that PMP is known to allow in all of the page
}

// Fields of satp, and its modes.
const (
	satpPPN       = 1<<44 - 1
	satpASIDShift = 44
	satpModeShift = 60

	satpBare = 0
	satpSv39 = 8
	satpSv57 = 10
)

// asidMask is where the ASID is in an address-space key; the VMID is above.
const asidMask = 1<<16 - 1

// regime is how the addresses of one sort of access are translated now. Fetches
// and data have one each, for mstatus.MPRV changes only the latter.
type regime struct {
	levels int8   // of the page table; 0: no translation
	spare  uint8  // high bits of an address that repeat the one below
	view   int    // of PMP
	key    uint64 // address space: ASID, VMID from bit 16 on
	root   uint64 // physical address of the root table
	perm   *[256]uint8
}

// MMUStats counts address translation of one hart. Its owner is the hart's.
type MMUStats struct {
	ITLB, DTLB, L2TLB TLBStats
	Walks             uint64 // of the page table, from wherever they began
	WalkReads         uint64 // PTEs that they read
	WalkCacheHits     uint64 // walks that began below the root
	ADUpdates         uint64 // PTEs that had A or D set in memory
	PageFaults        uint64
}

// mmu translates addresses. A first-level TLB each for fetches and data, which
// share a second level, which the walker fills.
//
//	line tables -> itlb, dtlb -> l2tlb -> walker -> walkCache, L1D
type mmu struct {
	hart  *Hart // that it is part of
	satp  uint64
	vmid  uint16 // on whose behalf the hart runs
	fetch regime
	data  regime
	pmp   pmp

	itlb, dtlb, l2 tlb
	l2Latency      int64
	walks          walkCache
	tables         tableMemory
	l2clock        uint64
	noStamp        uint64
	hinted         tlbEntry // for one prefetch
	stats          MMUStats

	// What the line tables were last filled for.
	dctx, fctx         int
	bareData, bareExec int // PMP views of ctxBare
	mxr                bool

	dsince, isince uint64 // cache clocks up to which accesses are counted
}

// initMMU builds the MMU from h.cfg, which is valid, and h.l1d and h.l1i, and
// resets it: M-mode, no translation, no PMP region.
func (h *Hart) initMMU() {
	m := &h.mmu
	*m = mmu{hart: h, tables: h, l2Latency: int64(h.cfg.L2TLB.Latency)}
	m.itlb = newTLB(h.cfg.ITLB, &m.stats.ITLB, func(e *tlbEntry) { h.dropPage(false, e.tag, 1<<e.bits) })
	m.dtlb = newTLB(h.cfg.DTLB, &m.stats.DTLB, func(e *tlbEntry) { h.dropPage(true, e.tag, 1<<e.bits) })
	m.l2 = newTLB(h.cfg.L2TLB, &m.stats.L2TLB, nil)
	m.walks.entries = make([]walkEntry, h.cfg.WalkCache)
	m.pmp.regions = min(h.cfg.PMPRegions, maxPMP)
	m.pmp.compile()
	m.data, m.bareData, m.dctx = h.regimeFor(Machine), pmpMachine, ctxBare
	m.fetch, m.bareExec, m.fctx = m.data, pmpMachine, ctxBare
	h.useContext(ctxBare, ctxBare)
}

// MMUStats is the hart's counters of address translation. They are plain words
// at a fixed place, up to date after SyncMMUStats.
func (h *Hart) MMUStats() *MMUStats { return &h.mmu.stats }

// SyncMMUStats brings the TLBs' Accesses up to date. An access of the L1D or the
// L1I under translation is an access of its TLB, so they are counted by the
// caches' clocks, which the hot path advances anyway.
func (h *Hart) SyncMMUStats() {
	m := &h.mmu
	if m.data.levels != 0 {
		m.stats.DTLB.Accesses += h.l1d.Clock - m.dsince
	}
	if m.fetch.levels != 0 {
		m.stats.ITLB.Accesses += h.l1i.Clock - m.isince
	}
	m.dsince, m.isince = h.l1d.Clock, h.l1i.Clock
}

// itlbAccesses counts fetches that the line table did not answer.
func (h *Hart) itlbAccesses(n uint64) {
	if h.mmu.fetch.levels != 0 {
		h.mmu.stats.ITLB.Lookups += n
	}
}

func (m *mmu) regimeOf(kind accessKind) *regime {
	if kind == accFetch {
		return &m.fetch
	}
	return &m.data
}

// permTables holds, for S and U, SUM and MXR, which kinds of access the flags
// of a leaf PTE allow.
var permTables = func() (tables [8][256]uint8) {
	for i := range tables {
		for f := range tables[i] {
			tables[i][f] = permits(uint8(f), i&4 != 0, i&2 != 0, i&1 != 0)
		}
	}
	return tables
}()

// permits is the rule (privileged manual, "Virtual Address Translation
// Process", and the U bit under Sv32, "Addressing and Memory Protection").
func permits(flags uint8, supervisor, sum, mxr bool) uint8 {
	r, w, x := flags&pteR != 0, flags&pteW != 0, flags&pteX != 0
	r = r || mxr && x
	switch {
	case flags&pteV == 0:
		return 0
	case !supervisor && flags&pteU == 0:
		return 0
	case supervisor && flags&pteU != 0:
		if !sum {
			return 0
		}
		x = false // never, whatever SUM says
	}
	return kindsOf(r, w, x)
}

// regimeFor is how accesses of a privilege are translated now.
func (h *Hart) regimeFor(p Priv) regime {
	if p == Machine {
		return regime{view: pmpMachine}
	}
	m := &h.mmu
	mode := m.satp >> satpModeShift
	if mode == satpBare {
		return regime{view: pmpLower}
	}
	levels := int8(mode - satpSv39 + 3)
	i := 0
	if p == Supervisor {
		i |= 4
	}
	if h.csr.mstatus&mstatusSUM != 0 {
		i |= 2
	}
	if h.csr.mstatus&mstatusMXR != 0 {
		i |= 1
	}
	return regime{
		levels: levels,
		spare:  uint8(64 - 12 - 9*int(levels)),
		view:   pmpLower,
		key:    m.satp>>satpASIDShift&asidMask | uint64(m.vmid)<<16,
		root:   m.satp & satpPPN << 12,
		perm:   &permTables[i],
	}
}

// contextOf chooses the line tables for a regime.
func contextOf(r *regime, p Priv, sum bool) int {
	switch {
	case r.levels == 0:
		return ctxBare
	case p == User:
		return ctxUser
	case sum:
		return ctxSupSUM
	}
	return ctxSup
}

// setContext makes the current privilege, satp and mstatus effective. It is to
// be called after any of them changed; satp's own changes come by writeSATP.
func (h *Hart) setContext() {
	h.SyncMMUStats()
	m := &h.mmu
	status := h.csr.mstatus
	dpriv := h.setRegimes()
	// Lines that were kept readable because of MXR, or not at all for want of
	// it: rare enough to start anew.
	if mxr := status&mstatusMXR != 0; mxr != m.mxr {
		m.mxr = mxr
		h.flushTranslated()
	}
	dctx := contextOf(&m.data, dpriv, status&mstatusSUM != 0)
	fctx := contextOf(&m.fetch, h.priv, false)
	if dctx == ctxBare && m.bareData != m.data.view || fctx == ctxBare && m.bareExec != m.fetch.view {
		h.enterBare(dctx, fctx)
	}
	if dctx != m.dctx || fctx != m.fctx {
		m.dctx, m.fctx = dctx, fctx
		h.useContext(dctx, fctx)
	}
	if h.rec != nil {
		h.recordRegime()
	}
}

// setRegimes works out how fetches and data are translated now, and returns the
// privilege of the latter.
func (h *Hart) setRegimes() (dpriv Priv) {
	m := &h.mmu
	dpriv = h.priv
	if status := h.csr.mstatus; status&mstatusMPRV != 0 {
		dpriv = Priv(status >> mstatusMPPShift & 3)
	}
	if h.mem != nil {
		h.mem.SetContext(uint8(h.priv), m.vmid, 0) // bus requests say who asks
	}
	m.fetch = h.regimeFor(h.priv)
	m.data = m.fetch
	if dpriv != h.priv {
		m.data = h.regimeFor(dpriv)
	}
	return dpriv
}

// enterBare empties the tables of untranslated lines where they were filled
// under the rules of PMP for another privilege, and those forbid anything.
func (h *Hart) enterBare(dctx, fctx int) {
	m := &h.mmu
	if !m.pmp.open[pmpLower] || !m.pmp.open[pmpMachine] {
		h.flushContext(ctxBare)
	}
	if dctx == ctxBare {
		m.bareData = m.data.view
	}
	if fctx == ctxBare {
		m.bareExec = m.fetch.view
	}
}

func (h *Hart) flushTranslated() {
	h.flushContext(ctxUser)
	h.flushContext(ctxSup)
	h.flushContext(ctxSupSUM)
}

// writeSATP writes satp. A mode that is not there makes the whole write void
// (privileged manual, satp). The TLBs keep what they have.
func (m *mmu) writeSATP(v uint64) {
	h := m.hart
	mode := v >> satpModeShift
	if mode != satpBare && (mode < satpSv39 || mode > uint64(h.cfg.MaxSATP)) || h.cfg.MaxSATP == 0 || v == m.satp {
		return
	}
	m.satp = v
	h.flushTranslated()
	h.setContext()
}
