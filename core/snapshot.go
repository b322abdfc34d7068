package core

import (
	"unsafe"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/snapshot"
)

// latest bounds the cycles in a checkpoint: sums of a few never wrap around.
const latest = 1 << 60

// Snapshot saves or loads the hart, between two instructions, but for its TLBs.
// The caches are loaded before. What only saves time, as the line tables, begins
// anew. warm says that the loading machine's L1I holds what the saved one's did,
// so that the hart goes on in the line that it was in.
func (h *Hart) Snapshot(c *snapshot.Coder, warm bool) {
	c.Words(h.x[:32])
	c.Words(h.f[:32])
	snapshot.Uint(c, &h.pc, &h.limit, &h.instret)
	snapshot.Int(c, &h.left)
	snapshot.Uint(c, &h.fflags)
	snapshot.Uint(c, &h.frm)
	snapshot.Uint(c, &h.priv)
	h.csr.snapshot(c)
	c.Shape("interrupt files", len(h.files))
	for i := range h.files {
		f := &h.files[i]
		snapshot.Uint(c, &f.delivery, &f.threshold)
		c.Words(f.eip[:])
		c.Words(f.eie[:])
	}
	snapshot.Uint(c, &h.stats.Exceptions, &h.stats.Interrupts, &h.stats.Fences, &h.stats.Slept, &h.stats.Buffered)
	c.Bool(&h.wrs, &h.held, &h.serving)
	snapshot.Uint(c, &h.wrsUntil)
	h.loop.snapshot(c)
	h.mmu.snapshot(c)
	h.sb.snapshot(c)
	slot := h.fetchSlot()
	base := h.fbase
	if slot < 0 {
		base = noLine
	}
	snapshot.Int(c, &slot)
	snapshot.Uint(c, &base)
	if c.Loading() && c.Err() == nil {
		h.loaded(c)
		if warm && c.Err() == nil {
			h.resumeFetch(c, slot, base)
		}
	}
}

func (f *csrFile) snapshot(c *snapshot.Coder) {
	snapshot.Uint(c, &f.mstatus, &f.mie, &f.mip, &f.mipSoft, &f.wires, &f.medeleg, &f.mideleg,
		&f.mtvec, &f.mepc, &f.mcause, &f.mtval, &f.mscratch, &f.stvec, &f.sepc, &f.scause, &f.stval, &f.sscratch,
		&f.menvcfg, &f.senvcfg, &f.mcounteren, &f.scounteren, &f.stimecmp, &f.timerAt, &f.timeOffset, &f.miselect, &f.siselect, &f.outer)
	c.Bool(&f.wfi)
	// When somebody looks for an overflow decides when it is found.
	snapshot.Uint(c, &f.counters.inhibit, &f.counters.check, &f.counters.wake)
	for i := range f.counters.c {
		k := &f.counters.c[i]
		snapshot.Uint(c, &k.base, &k.start, &k.event, &k.seen)
		c.Bool(&k.stopped)
	}
}

func (m *mmu) snapshot(c *snapshot.Coder) {
	snapshot.Uint(c, &m.satp, &m.dsince, &m.isince)
	snapshot.Int(c, &m.dctx, &m.fctx, &m.bareData, &m.bareExec)
	c.Bool(&m.mxr)
	s := &m.stats
	for _, t := range []*TLBStats{&s.ITLB, &s.DTLB, &s.L2TLB} {
		snapshot.Uint(c, &t.Accesses, &t.Misses, &t.Evictions)
	}
	snapshot.Uint(c, &s.Walks, &s.WalkReads, &s.WalkCacheHits, &s.ADUpdates, &s.PageFaults)
	snapshot.Uints(c, m.pmp.cfg[:])
	c.Words(m.pmp.addr[:])
}

func (q *storeQueue) snapshot(c *snapshot.Coder) {
	const most = 64 // of any configuration
	n := c.Len(len(q.entry), most)
	busy := c.Len(len(q.busy), 2*most)
	if c.Loading() {
		q.entry, q.busy = make([]sbEntry, n), make([]uint64, busy)
	}
	for i := range q.entry {
		e := &q.entry[i]
		snapshot.Uint(c, &e.pa)
		snapshot.Uint(c, &e.size, &e.value)
	}
	snapshot.Uint(c, &q.next)
	c.Words(q.busy)
}

// loaded checks what was loaded, and makes what follows from it.
func (h *Hart) loaded(c *snapshot.Coder) {
	m := &h.mmu
	mode := m.satp >> satpModeShift
	switch {
	case h.priv != User && h.priv != Supervisor && h.priv != Machine:
		c.Fail("no such privilege as %d", h.priv)
	case (h.pc|h.csr.mepc|h.csr.sepc)&1 != 0:
		c.Fail("no instruction begins at one of pc %#x, mepc %#x and sepc %#x", h.pc, h.csr.mepc, h.csr.sepc)
	case mode != satpBare && (mode < satpSv39 || mode > uint64(h.cfg.MaxSATP)):
		c.Fail("satp %#x has a mode that this machine has not", m.satp)
	case h.Clock() > latest:
		c.Fail("a clock of %d cycles", h.Clock())
	case m.dctx < 0 || m.dctx >= numContexts || m.fctx < 0 || m.fctx >= numContexts:
		c.Fail("no such translation context as %d or %d", m.dctx, m.fctx)
	}
	for i := range h.sb.entry {
		e := &h.sb.entry[i]
		if e.size < 1 || e.size > 8 || h.mem.Attr(e.pa, e.size) != coherence.AttrRAM {
			c.Fail("a waiting store of %d bytes at %#x", e.size, uint64(e.pa))
		}
	}
	for _, at := range h.sb.busy {
		if at > latest {
			c.Fail("a store that ends in cycle %d", at)
		}
	}
	if c.Err() != nil {
		return
	}
	h.sbCount = len(h.sb.entry)
	h.fpOff = h.csr.mstatus&mstatusFS == 0
	for i := range h.csr.counters.c {
		k := &h.csr.counters.c[i]
		number := EventNumber(k.event & eventNumber)
		if k.source = h.eventSource(number); k.source == nil && number != EventCycles {
			k.event &^= eventNumber
		}
		if k.event&eventFilters != 0 {
			h.csr.counters.filtered |= 1 << i
		}
	}
	m.pmp.compile()
	h.setRegimes()
	h.useContext(m.dctx, m.fctx)
}

// fetchSlot is the L1I slot of the line that the hart fetches from, or -1.
func (h *Hart) fetchSlot() int {
	if h.fdec == unsafe.Pointer(&noBlock) {
		return -1
	}
	return int(h.tab.blocks.info[h.tab.blocks.index(h.fdec)].slot) - 1
}

// resumeFetch makes the line at base, in an L1I slot, current: to fetch it anew
// would be another access.
func (h *Hart) resumeFetch(c *snapshot.Coder, slot int, base uint64) {
	if slot < 0 {
		return
	}
	if slot >= h.l1i.Slots() || h.l1i.State[slot] == 0 || base&h.offMask != 0 {
		c.Fail("fetches from line %#x in slot %d", base, slot)
		return
	}
	h.fbase = base
	b := &h.tab.blocks
	h.fdec = b.at(b.claim(int32(slot), h.l1i.Tags[slot], h.l1i.LineData(int32(slot))))
	h.tab.live[h.tab.fctx] = true // a flush leaves the line
}

// DrainTo hands the stores that wait in the store buffer to write, in order,
// without time: for a hart that goes on with another store buffer or other lines.
func (h *Hart) DrainTo(write func(pa addr.PA, data []byte)) {
	var b [8]byte
	for _, e := range h.sb.entry {
		for i := range b {
			b[i] = byte(e.value >> (8 * i))
		}
		write(e.pa, b[:e.size])
	}
	h.sb, h.sbCount = storeQueue{}, 0
}

// SnapshotTLBs saves or loads the TLBs and the walk cache. It fits a hart with
// TLBs of the same shape only.
func (h *Hart) SnapshotTLBs(c *snapshot.Coder) {
	m := &h.mmu
	snapshot.Uint(c, &m.l2clock)
	m.itlb.snapshot(c)
	m.dtlb.snapshot(c)
	m.l2.snapshot(c)
	c.Shape("walk cache entries", len(m.walks.entries))
	snapshot.Uint(c, &m.walks.clock)
	for i := range m.walks.entries {
		e := &m.walks.entries[i]
		snapshot.Uint(c, &e.tag, &e.mask, &e.key, &e.kmask, &e.table, &e.used)
		snapshot.Int(c, &e.level, &e.levels)
	}
}

func (t *tlb) snapshot(c *snapshot.Coder) {
	t.prepare()
	c.Shape("TLB entries", len(t.entries))
	c.Shape("TLB ways", t.ways)
	c.Shape("TLB policy", int(t.policy))
	c.Shape("TLB page sizes", int(t.sizes))
	snapshot.Uint(c, &t.fills)
	for i := range t.entries {
		e := &t.entries[i]
		snapshot.Uint(c, &e.stamp, &e.tag, &e.mask, &e.pa, &e.key, &e.kmask, &e.order)
		snapshot.Uint(c, &e.flags, &e.bits, &e.leaf, &e.pbmt, &e.pmp)
	}
	if !c.Loading() || c.Err() != nil {
		return
	}
	t.valid, t.pieces, t.present = 0, 0, [len(pageBits)]int{}
	for i := range t.entries {
		e := &t.entries[i]
		if e.tag == invalidTag {
			continue
		}
		size := -1
		for k, b := range pageBits {
			if b == e.bits {
				size = k
			}
		}
		if size < 0 || e.mask != ^uint64(0)<<e.bits || e.tag&^e.mask != 0 {
			c.Fail("TLB entry %d is of no page size", i)
			return
		}
		t.present[size]++
		t.valid++
		t.pieces += e.piece()
	}
}
