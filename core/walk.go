package core

import (
	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/event"
	"mcsim/record"
)

// Bits of a page-table entry (privileged manual, Sv39; Svnapot, Svpbmt).
const (
	pteV = 1 << 0
	pteR = 1 << 1
	pteW = 1 << 2
	pteX = 1 << 3
	pteU = 1 << 4
	pteG = 1 << 5
	pteA = 1 << 6
	pteD = 1 << 7

	ptePPNShift  = 10
	ptePPN       = 1<<44 - 1
	pteReserved  = 0x7f << 54
	ptePBMTShift = 61
	ptePBMT      = 3 << ptePBMTShift
	pteN         = 1 << 63
)

// tableMemory is where page tables are. Both methods take time, and return
// ok false where there is no memory that may hold a table.
type tableMemory interface {
	loadPTE(pa addr.PA) (pte uint64, ok bool)
	// swapPTE replaces the entry if it is still was, as one atomic access.
	swapPTE(pa addr.PA, was, next uint64) (swapped, ok bool)
}

// loadPTE implements tableMemory by a load through the L1D.
func (h *Hart) loadPTE(pa addr.PA) (uint64, bool) {
	if h.mem.Attr(pa, 8) != coherence.AttrRAM {
		return 0, false
	}
	a := &h.acc
	*a = coherence.Access{Op: coherence.OpWalk, Size: 8, PA: pa}
	if h.rec == nil {
		h.do(a)
		return a.Result, !a.Fault
	}
	r := h.recordWalk(pa)
	h.do(a)
	r.VA = a.Result
	return a.Result, !a.Fault
}

// swapPTE implements tableMemory by an atomic in the L1D.
func (h *Hart) swapPTE(pa addr.PA, was, next uint64) (bool, bool) {
	a := &h.acc
	*a = coherence.Access{Op: coherence.OpCAS, Size: 8, PA: pa, Compare: was, Value: next}
	if h.rec == nil {
		h.do(a)
		return a.OK, !a.Fault
	}
	r := h.recordWalk(pa)
	r.Flags = record.Lost
	h.do(a)
	if a.OK {
		r.Flags = record.Swap
	}
	return a.OK, !a.Fault
}

// walk looks va up in the page table of r and describes the page in p. It
// returns false if it raised a fault.
func (h *Hart) walk(r *regime, va uint64, kind accessKind, p *tlbEntry) bool {
	h.mmu.stats.Walks++
	h.SyncMMUStats()
	ok := h.walkTables(r, va, kind, p)
	// The walker's accesses of the L1D are not accesses of the DTLB.
	h.mmu.dsince = h.l1d.Clock
	return ok
}

// walkTables is the walk. Steps are those of the privileged manual, "Virtual
// Address Translation Process".
//
// With two stages, this is the VS stage, and each table address is a guest
// physical one: to be translated where ptePA is formed.
func (h *Hart) walkTables(r *regime, va uint64, kind accessKind, p *tlbEntry) bool {
	m := &h.mmu
	table, level, kmask := r.root, r.levels-1, ^uint64(0)
	if e := m.walks.find(va, r.key, r.levels); e != nil {
		m.stats.WalkCacheHits++
		table, level, kmask = e.table, e.level, e.kmask
	}
	for {
		// Step 2.
		ptePA := table + va>>(12+9*uint(level))&511*8
		if !m.pmpPTE(ptePA, accLoad) {
			return h.raise(accessFaultCause[kind], va)
		}
		m.stats.WalkReads++
		pte, ok := m.tables.loadPTE(addr.PA(ptePA))
		if !ok {
			return h.raise(accessFaultCause[kind], va)
		}
		// Step 3.
		if pte&pteV == 0 || pte&(pteR|pteW) == pteW || h.reservedPTE(pte, level) {
			return h.pageFault(va, kind)
		}
		if pte&pteG != 0 {
			kmask &^= asidMask
		}
		// Step 4.
		if pte&(pteR|pteX) == 0 {
			if level--; level < 0 {
				return h.pageFault(va, kind)
			}
			table = pte >> ptePPNShift & ptePPN << 12
			m.walks.insert(va, r.key, kmask, table, level, r.levels)
			continue
		}
		// Steps 5 to 8. Misaligned superpages are among the reserved.
		if r.perm[uint8(pte)]>>kind&1 == 0 {
			return h.pageFault(va, kind)
		}
		// Step 9.
		if done, ok := h.updateAD(ptePA, &pte, kind, va); !ok {
			return false
		} else if !done {
			continue
		}
		describe(p, pte, va, level, r.key, kmask)
		if h.ev.On(event.TLB) {
			h.emit(event.PageWalk, va, p.pa+(va-p.tag), pte, 1<<p.bits)
		}
		return true
	}
}

// pmpPTE checks an access to a PTE, which S-mode makes, whoever caused it.
func (m *mmu) pmpPTE(pa uint64, kind accessKind) bool {
	return m.pmp.open[pmpLower] || m.pmp.kinds(pa, 8, pmpLower)>>kind&1 != 0
}

// reservedPTE says whether a valid PTE has bits or encodings that are reserved.
func (h *Hart) reservedPTE(pte uint64, level int8) bool {
	if pte&pteReserved != 0 {
		return true
	}
	if pte&(pteR|pteX) == 0 {
		return pte&(pteN|ptePBMT|pteU|pteA|pteD) != 0
	}
	if pte&ptePBMT != 0 && (h.csr.menvcfg&menvcfgPBMTE == 0 || pte&ptePBMT == ptePBMT) {
		return true
	}
	ppn := pte >> ptePPNShift
	if pte&pteN != 0 { // only 64 KiB
		return level != 0 || ppn&15 != 8
	}
	return ppn&(1<<(9*uint(level))-1) != 0
}

// updateAD sets A, and D for a store, in the PTE at pa, if they are not set and
// menvcfg.ADUE says that the hart does so; else that is a page fault (Svade).
// done is false if the PTE is no longer what was read, and is to be read again.
func (h *Hart) updateAD(pa uint64, pte *uint64, kind accessKind, va uint64) (done, ok bool) {
	want := *pte | pteA
	if kind == accStore {
		want |= pteD
	}
	if want == *pte || kind == accHint {
		return true, true
	}
	if h.csr.menvcfg&menvcfgADUE == 0 {
		return false, h.pageFault(va, kind)
	}
	if !h.mmu.pmpPTE(pa, accStore) {
		return false, h.raise(accessFaultCause[kind], va)
	}
	swapped, ok := h.mmu.tables.swapPTE(addr.PA(pa), *pte, want)
	if !ok {
		return false, h.raise(accessFaultCause[kind], va)
	}
	if swapped {
		h.mmu.stats.ADUpdates++
		*pte = want
	}
	return swapped, true
}

// describe makes the TLB entry of a leaf PTE.
func describe(p *tlbEntry, pte, va uint64, level int8, key, kmask uint64) {
	size := uint8(12 + 9*level)
	pa := pte >> ptePPNShift & ptePPN << 12
	if pte&pteN != 0 {
		// Svnapot: the low bits of the page number are the virtual ones.
		size = 16
		pa &^= 1<<16 - 1
	}
	*p = tlbEntry{
		tag:   va >> size << size,
		mask:  ^uint64(0) << size,
		pa:    pa,
		key:   key,
		kmask: kmask,
		flags: uint8(pte),
		bits:  size,
		leaf:  size,
		pbmt:  uint8(pte & ptePBMT >> ptePBMTShift),
	}
	if kmask&asidMask == 0 {
		p.flags |= pteG
	}
}
