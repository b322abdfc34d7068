package core

import (
	"math/bits"

	"mcsim/addr"
	"mcsim/cache"
)

// Bits of a PMP configuration byte (privileged manual, "Physical Memory
// Protection CSRs").
const (
	pmpR = 1 << 0
	pmpW = 1 << 1
	pmpX = 1 << 2
	pmpA = 3 << 3
	pmpL = 1 << 7

	pmpTOR   = 1 << 3
	pmpNA4   = 2 << 3
	pmpNAPOT = 3 << 3

	maxPMP      = 16
	pmpAddrMask = 1<<54 - 1
	lastPA      = 1<<56 - 1
)

// pmp is the physical memory protection of a hart: the registers, and what
// follows from them. The grain is 4 bytes.
type pmp struct {
	regions int // implemented: 0 or 16
	cfg     [maxPMP]uint8
	addr    [maxPMP]uint64

	active [maxPMP]pmpRegion // of the regions that match anything, by priority
	n      int
	// open[v] says that view v forbids nothing, whatever the access: the common
	// case, which must cost nothing.
	open [numPMPViews]bool
}

// Whose accesses are checked. M-mode is bound by locked regions only.
const (
	pmpLower = iota // S and U, and what is done on their behalf
	pmpMachine
	numPMPViews
)

// pmpRegion is a region of first to last, both inclusive.
type pmpRegion struct {
	first, last uint64
	kinds       [numPMPViews]uint8 // a bit per accessKind that is allowed
}

// compile works out the active regions after the registers changed.
func (p *pmp) compile() {
	p.n = 0
	for i := range p.regions {
		first, last, ok := p.bounds(i)
		if !ok {
			continue
		}
		r := pmpRegion{first: first, last: last}
		r.kinds[pmpLower] = pmpKinds(p.cfg[i])
		r.kinds[pmpMachine] = allKinds
		if p.cfg[i]&pmpL != 0 {
			r.kinds[pmpMachine] = r.kinds[pmpLower]
		}
		p.active[p.n] = r
		p.n++
	}
	p.open[pmpMachine] = p.isOpen(pmpMachine)
	p.open[pmpLower] = p.isOpen(pmpLower)
}

// isOpen says whether no access of view v can fail. An access that lies partly
// in a region fails whatever the region allows, so borders count, except where
// no access crosses: the memory path splits at lines.
func (p *pmp) isOpen(v int) bool {
	for _, r := range p.active[:p.n] {
		if r.kinds[v] != allKinds || r.first%cache.MaxLine != 0 || (r.last+1)%cache.MaxLine != 0 {
			return false
		}
		if r.first == 0 && r.last >= lastPA {
			return true // what comes after matches nothing
		}
	}
	return p.byDefault(v) == allKinds
}

// byDefault is what view v may do where no region matches.
func (p *pmp) byDefault(v int) uint8 {
	if v == pmpMachine || p.regions == 0 {
		return allKinds
	}
	return 0
}

// bounds is the range of region i, which may be empty or switched off.
func (p *pmp) bounds(i int) (first, last uint64, ok bool) {
	a := p.addr[i]
	switch p.cfg[i] & pmpA {
	case pmpTOR:
		if i > 0 {
			first = p.addr[i-1] << 2
		}
		return first, a<<2 - 1, first < a<<2
	case pmpNA4:
		return a << 2, a<<2 + 3, true
	case pmpNAPOT:
		ones := bits.TrailingZeros64(^a)
		first = a >> ones << ones << 2
		return first, first + 8<<ones - 1, true
	}
	return 0, 0, false
}

// pmpKinds turns permission bits into a bit per accessKind.
func pmpKinds(cfg uint8) uint8 {
	return kindsOf(cfg&pmpR != 0, cfg&pmpW != 0, cfg&pmpX != 0)
}

// kinds returns what view v may do in all of [pa, pa+size). The first region
// that matches any byte decides, and must match every byte.
func (p *pmp) kinds(pa, size uint64, v int) uint8 {
	end := pa + size - 1
	for i := range p.active[:p.n] {
		if r := &p.active[i]; end >= r.first && pa <= r.last {
			if pa >= r.first && end <= r.last {
				return r.kinds[v]
			}
			return 0
		}
	}
	return p.byDefault(v)
}

// pmpWholeLine says whether the data or fetch context may make accesses of this
// kind anywhere in the line of pa, so that the line can be kept.
func (h *Hart) pmpWholeLine(pa addr.PA, kind accessKind) bool {
	v := h.mmu.regimeOf(kind).view
	if h.mmu.pmp.open[v] {
		return true
	}
	size := uint64(1) << h.l1d.Shift()
	return h.mmu.pmp.kinds(uint64(pa)&^(size-1), size, v)>>kind&1 != 0
}

// pmpLine is the kinds of access that PMP allows data accesses anywhere in the line
// of t.
func (h *Hart) pmpLine(t *translation) uint8 {
	const both = 1<<accLoad | 1<<accStore
	p, v := &h.mmu.pmp, h.mmu.data.view
	switch {
	case p.open[v]:
		return both
	case t.PMP&both == both:
		return t.PMP
	}
	return p.kinds(uint64(t.PA)&h.lineMask, h.lineSize, v)
}

// readPMPCfg reads pmpcfg<i>, i even: eight regions, from region 4*i.
func (h *Hart) readPMPCfg(i int) (v uint64) {
	p := &h.mmu.pmp
	for k := 7; k >= 0; k-- {
		v <<= 8
		if r := 4*i + k; r < p.regions {
			v |= uint64(p.cfg[r])
		}
	}
	return v
}

// writePMPCfg writes pmpcfg<i>, i even. Locked regions keep their values; W
// without R, which is reserved, loses W.
func (h *Hart) writePMPCfg(i int, v uint64) {
	p := &h.mmu.pmp
	for k := range 8 {
		r := 4*i + k
		if r >= p.regions || p.cfg[r]&pmpL != 0 {
			continue
		}
		c := uint8(v>>(8*k)) & (pmpL | pmpA | pmpX | pmpW | pmpR)
		if c&pmpR == 0 {
			c &^= pmpW
		}
		p.cfg[r] = c
	}
	h.pmpChanged()
}

// readPMPAddr reads pmpaddr<i>.
func (h *Hart) readPMPAddr(i int) uint64 {
	if i >= h.mmu.pmp.regions {
		return 0
	}
	return h.mmu.pmp.addr[i]
}

// writePMPAddr writes pmpaddr<i>, unless the region is locked, or is the bottom
// of a locked region.
func (h *Hart) writePMPAddr(i int, v uint64) {
	p := &h.mmu.pmp
	if i >= p.regions || p.cfg[i]&pmpL != 0 {
		return
	}
	if i+1 < p.regions && p.cfg[i+1]&(pmpL|pmpA) == pmpL|pmpTOR {
		return
	}
	p.addr[i] = v & pmpAddrMask
	h.pmpChanged()
}

// pmpChanged makes a change of PMP registers effective at once; the manual
// would allow to wait for SFENCE.VMA ("Physical Memory Protection and Paging").
func (h *Hart) pmpChanged() {
	if h.rec != nil {
		h.recordPMP()
	}
	m := &h.mmu
	m.pmp.compile()
	m.itlb.forgetPMP()
	m.dtlb.forgetPMP()
	h.flushLines()
}

func (t *tlb) forgetPMP() {
	if t.valid == 0 {
		return
	}
	for i := range t.entries {
		t.entries[i].pmp = 0
	}
}
