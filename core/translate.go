package core

import (
	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/event"
)

// Causes of faults, by accessKind. accHint's is never seen.
var (
	pageFaultCause   = [numKinds]uint64{causeFetchPage, causeLoadPage, causeStorePage, causeStorePage, causeLoadPage}
	accessFaultCause = [numKinds]uint64{causeFetchAccess, causeLoadAccess, causeStoreAccess, causeStoreAccess, causeLoadAccess}
	kindOps          = [numKinds]coherence.Op{coherence.OpFetch, coherence.OpLoad, coherence.OpStore, coherence.OpClean, coherence.OpPrefetchR}
)

// translate finds the physical address of the size bytes at va, which lie in
// one page, for an access of this kind under the hart's current privilege (that
// of mstatus.MPP for data under MPRV), and charges the time. It returns false
// if it raised a fault. Whether there is memory at the address is the caller's
// to ask.
func (h *Hart) translate(va uint64, size int, kind accessKind, t *translation) bool {
	m := &h.mmu
	r, first, clock := &m.data, &m.dtlb, &h.l1d.Clock
	if kind == accFetch {
		r, first, clock = &m.fetch, &m.itlb, &h.l1i.Clock
	}
	if r.levels == 0 {
		*t = translation{PA: addr.PA(va), Stamp: &m.noStamp, PageBits: 12, Writable: true}
		if !m.pmp.open[r.view] && m.pmp.kinds(va, uint64(size), r.view)>>kind&1 == 0 {
			return h.raise(accessFaultCause[kind], va)
		}
		return true
	}
	if uint64(int64(va<<r.spare)>>r.spare) != va {
		return h.pageFault(va, kind)
	}
	if kind != accFetch {
		first.stats.Lookups++
	}
	e := first.find(va, r.key)
	if e == nil {
		if e = h.translateSlow(r, first, va, kind); e == nil {
			return false
		}
	}
	allowed := r.perm[e.flags]
	if allowed>>kind&1 == 0 {
		return h.pageFault(va, kind)
	}
	if kind == accStore && e.flags&pteD == 0 {
		if e = h.setDirty(r, va); e == nil {
			return false
		}
	}
	// The access that follows is the clock's next tick.
	e.stamp = *clock + 1
	pa := e.pa + (va - e.tag)
	if !m.pmp.open[r.view] && e.pmp>>kind&1 == 0 && !h.pmpPage(e, pa, uint64(size), kind, r.view) {
		return h.raise(accessFaultCause[kind], va)
	}
	t.PA = addr.PA(pa)
	t.Stamp = &e.stamp
	t.PageBits = e.bits
	t.Uncached = e.pbmt != 0
	t.Writable = allowed>>accStore&1 != 0 && e.flags&pteD != 0
	t.PMP = e.pmp
	return true
}

// pmpPage checks an access by PMP, and remembers what holds for the whole page.
func (h *Hart) pmpPage(e *tlbEntry, pa, size uint64, kind accessKind, view int) bool {
	e.pmp = h.mmu.pmp.kinds(e.pa, 1<<e.bits, view)
	return h.mmu.pmp.kinds(pa, size, view)>>kind&1 != 0
}

// translateSlow is translate where the first-level TLB has no answer. It
// returns the entry that it made, or nil if it raised a fault.
func (h *Hart) translateSlow(r *regime, first *tlb, va uint64, kind accessKind) *tlbEntry {
	m := &h.mmu
	first.stats.Misses++
	if len(m.l2.entries) > 0 {
		m.stats.L2TLB.Accesses++
		m.stats.L2TLB.Lookups++
		h.left -= m.l2Latency
		m.l2clock++
		if e := m.l2.find(va, r.key); e != nil {
			e.stamp = m.l2clock
			h.emitMiss(va, kind, r, true)
			return first.fill(*e, va, 0)
		}
		m.stats.L2TLB.Misses++
	}
	h.emitMiss(va, kind, r, false)
	var p tlbEntry
	if !h.walk(r, va, kind, &p) {
		return nil
	}
	if p.flags&pteA == 0 { // a hint, which sets nothing and keeps nothing
		m.hinted = p
		return &m.hinted
	}
	if len(m.l2.entries) > 0 {
		m.l2.fill(p, va, m.l2clock)
	}
	return first.fill(p, va, 0)
}

// setDirty walks for a store whose page is not known to be dirty: bits A and D
// are never taken from a TLB where memory is to be updated (privileged manual,
// "Virtual Address Translation Process"). The walk may end elsewhere than the
// entry said.
func (h *Hart) setDirty(r *regime, va uint64) *tlbEntry {
	if h.csr.menvcfg&menvcfgADUE == 0 {
		h.pageFault(va, accStore)
		return nil
	}
	var p tlbEntry
	if !h.walk(r, va, accStore, &p) {
		return nil
	}
	m := &h.mmu
	if len(m.l2.entries) > 0 {
		m.l2clock++
		m.l2.insert(p, va, m.l2clock)
	}
	return m.dtlb.insert(p, va, 0)
}

// pageFault raises the page fault of a kind of access.
func (h *Hart) pageFault(va uint64, kind accessKind) bool {
	if kind != accHint {
		h.mmu.stats.PageFaults++
		if h.ev.On(event.TLB) {
			h.emit(event.PageFault, va, uint64(kindOps[kind]), pageFaultCause[kind], 0)
		}
	}
	return h.raise(pageFaultCause[kind], va)
}

// sfence carries out SFENCE.VMA and SINVAL.VMA. An address or ASID that is not
// given (x0) means all of them.
func (h *Hart) sfence(va, asid uint64, hasVA, hasASID bool) {
	if h.rec != nil {
		h.recordSFence(va, asid, hasVA, hasASID)
	}
	m := &h.mmu
	f := fence{va: va, key: asid & asidMask, hasVA: hasVA, hasASID: hasASID}
	m.itlb.fence(&f)
	m.dtlb.fence(&f)
	m.l2.fence(&f)
	m.walks.fence(&f)
	if h.ev.On(event.TLB) {
		h.emit(event.SFence, va, f.key, b2u(!hasVA), b2u(!hasASID))
	}
}

func (h *Hart) emitMiss(va uint64, kind accessKind, r *regime, level2 bool) {
	if h.ev.On(event.TLB) {
		h.emit(event.TLBMiss, va, uint64(kindOps[kind]), r.key&asidMask, b2u(level2))
	}
}
