package core

import (
	"unsafe"

	"mcsim/cache"
	"mcsim/hostmem"
)

// A line table is a small direct-mapped table from virtual line to the bytes
// of the line in the L1D. It only saves time: a hit in it is a hit in the TLB
// and in the L1D, and is counted and aged as both, so its size changes no
// result. It must forget whatever the L1D or the TLB forgets; backRefs finds
// the one entry that a slot may have.
const (
	lineTableBits = 11
	lineTableSize = 1 << lineTableBits
	fetchBits     = 11
	fetchSize     = 1 << fetchBits

	// smallPage is the largest page whose lines are looked up one by one.
	smallPage = 64 << 10

	noLine = 0x5555_5555_5555_0000 // where no machine has memory

	noTag = ^uint64(0) // never equal to a masked address: bit 3 of those is 0
	noRef = ^uint16(0)
)

// Translation contexts: virtual addresses mean different things in each, so
// each has tables of its own. The order is known to setContext.
const (
	ctxBare = iota // M, or S and U without translation
	ctxUser
	ctxSup
	ctxSupSUM // S with mstatus.SUM
	numContexts
)

// lineEntry says where the bytes of one virtual line are. rtag and wtag are the
// line's virtual address where it may be read and written, noTag elsewhere.
type lineEntry struct {
	rtag, wtag uint64
	data       unsafe.Pointer // first byte of the line in the L1D
	stamp      *uint64        // the L1D slot's
	tlb        *uint64        // the DTLB entry's
	_          [3]uint64      // to a line of the host
}

type lineTable [lineTableSize]lineEntry

// fetchEntry is the same for the L1I: dec is the line's block.
type fetchEntry struct {
	tag   uint64
	dec   unsafe.Pointer
	stamp *uint64
	tlb   *uint64
}

type fetchTable [fetchSize]fetchEntry

// lineTables holds the tables of every context and the way back from slots.
type lineTables struct {
	data  [numContexts]*lineTable // made when a context is entered first
	fetch [numContexts]*fetchTable
	live  [numContexts]bool // data or fetch entries were added since the flush

	dctx, fctx int
	epoch      uint64   // of translations: another one whenever any of data may mean something else
	dref       []uint16 // by L1D slot: context*lineTableSize + index, or noRef
	fref       []uint16 // by L1I slot
	blocks     blocks

	arena  *hostmem.Arena // keeps memory
	memory []byte         // of blocks, then of data and fetch
}

// slotOf recovers the slot from the address of its stamp.
func slotOf(stamps []uint64, stamp *uint64) int32 {
	return int32((uintptr(unsafe.Pointer(stamp)) - uintptr(unsafe.Pointer(&stamps[0]))) >> 3)
}

func (h *Hart) initTables() {
	t := &h.tab
	h.shift = uint64(h.l1d.Shift())
	h.lineSize = 1 << h.shift
	h.offMask = h.lineSize - 1
	h.lineMask = ^h.offMask
	t.dref = make([]uint16, len(h.l1d.Stamp))
	t.fref = make([]uint16, len(h.l1i.Stamp))
	t.allocate(h.l1i)
	for i := range t.dref {
		t.dref[i] = noRef
	}
	for i := range t.fref {
		t.fref[i] = noRef
	}
	h.useContext(ctxBare, ctxBare)
	for i := range h.mask {
		h.mask[i] = ^(h.lineSize - 1) | (1<<i - 1)
	}
}

// useContext makes the tables of a context current, for data and for fetches.
func (h *Hart) useContext(data, fetch int) {
	t := &h.tab
	t.dctx, t.fctx = data, fetch
	t.epoch++
	if t.data[data] == nil {
		t.data[data] = t.lineTable(data)
	}
	if t.fetch[fetch] == nil {
		t.fetch[fetch] = t.fetchTable(fetch)
	}
	h.lines, h.flines = t.data[data], t.fetch[fetch]
	h.noFetchLine()
}

// manyBlocks is from how many blocks on a hart's memory is worth huge pages.
const manyBlocks = 512

const tableBytes = int(unsafe.Sizeof(lineTable{}) + unsafe.Sizeof(fetchTable{}))

// allocate makes the memory of blocks and tables, outside of the collector's heap: it is
// large, little of it is used if the hart does little, and it is in use all the time if
// the hart does much. What is in it points to what the hart has anyway.
func (t *lineTables) allocate(i *cache.Array) {
	n := (t.blocks.shape(i) + 63) &^ 63
	t.arena = new(hostmem.Arena)
	t.memory = t.arena.Sparse((n + numContexts*tableBytes + hostmem.PageBytes - 1) &^ (hostmem.PageBytes - 1))
	t.blocks.init(i, t.memory[:n:n])
}

// gather puts it into huge pages, of which the host's processor remembers more.
func (t *lineTables) gather() { t.arena.Gather(t.memory) }

// lineTable and fetchTable leave the host's memory of a table alone until it is
// used: a tag of 0, which is that of an entry without a stamp too, is looked for at
// the first place only.
func (t *lineTables) lineTable(context int) *lineTable {
	l := (*lineTable)(unsafe.Pointer(&t.memory[len(t.blocks.mem)+context*tableBytes]))
	l[0].rtag, l[0].wtag = noTag, noTag
	return l
}

func (t *lineTables) fetchTable(context int) *fetchTable {
	f := (*fetchTable)(unsafe.Pointer(&t.memory[len(t.blocks.mem)+context*tableBytes+int(unsafe.Sizeof(lineTable{}))]))
	f[0].tag = noTag
	return f
}

// flushLines forgets every entry of the translated contexts and of ctxBare.
func (h *Hart) flushLines() {
	for c := range numContexts {
		h.flushContext(c)
	}
}

// ForgetLines empties the line tables, as if they had no entries yet. Nothing
// that the hart does or counts may depend on it: tests call it at odd moments.
func (h *Hart) ForgetLines() {
	base, dec := h.fbase, h.fdec
	h.flushLines()
	h.fbase, h.fdec = base, dec
	h.tab.live[h.tab.fctx] = true // the line being fetched from
}

// flushContext goes by the slots that have an entry, which are fewer than the
// tables have places.
func (h *Hart) flushContext(c int) {
	t := &h.tab
	t.epoch++
	if !t.live[c] {
		return
	}
	t.live[c] = false
	for slot, r := range t.dref {
		if r != noRef && int(r>>lineTableBits) == c {
			h.DropData(int32(slot))
		}
	}
	for slot, r := range t.fref {
		if r != noRef && int(r>>fetchBits) == c {
			t.fetch[c][r&(fetchSize-1)].tag = noTag
			t.fref[slot] = noRef
		}
	}
	h.noFetchLine()
}

// keepLine enters the line of va, held by an L1D slot, in the current table.
func (h *Hart) keepLine(va uint64, slot int32, writable bool, tlb *uint64) {
	if h.dbg != nil && h.watchesLine(va) {
		return
	}
	t := &h.tab
	t.live[t.dctx&(numContexts-1)] = true
	idx := va >> (h.shift & 63) & (lineTableSize - 1)
	ref := uint16(t.dctx<<lineTableBits) | uint16(idx)
	e := &h.lines[idx]
	stamp := &h.l1d.Stamp[slot] // there is a slot of that number, and so a reference
	if e.stamp != stamp && e.stamp != nil && e.rtag != noTag {
		*t.refOf(slotOf(h.l1d.Stamp, e.stamp)) = noRef
	}
	r := t.refOf(slot)
	if old := *r; old != noRef && old != ref {
		o := &t.data[old>>lineTableBits][old&(lineTableSize-1)]
		o.rtag, o.wtag = noTag, noTag
	}
	*r = ref
	tag := va & h.lineMask
	e.rtag = tag
	if !writable {
		tag = noTag
	}
	e.wtag = tag
	e.data, e.stamp, e.tlb = h.l1d.LineAt(slot), stamp, tlb
}

// refOf is dref of an L1D slot that is known to be one.
func (t *lineTables) refOf(slot int32) *uint16 {
	return (*uint16)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(t.dref)), int(slot)*2))
}

// keepFetch enters the line of va, held by an L1I slot, in the current table.
func (h *Hart) keepFetch(va uint64, slot int32, tlb *uint64) *fetchEntry {
	t := &h.tab
	t.live[t.fctx] = true
	idx := va >> h.shift & (fetchSize - 1)
	ref := uint16(t.fctx<<fetchBits) | uint16(idx)
	e := &h.flines[idx]
	if e.stamp != nil && e.tag != noTag {
		t.fref[slotOf(h.l1i.Stamp, e.stamp)] = noRef
	}
	if old := t.fref[slot]; old != noRef && old != ref {
		t.fetch[old>>fetchBits][old&(fetchSize-1)].tag = noTag
	}
	t.fref[slot] = ref
	e.tag = va &^ (h.lineSize - 1)
	before := t.blocks.used
	e.dec = t.blocks.at(t.blocks.claim(slot, h.l1i.Tags[slot], h.l1i.LineData(slot)))
	if t.blocks.used != before && t.blocks.used == manyBlocks {
		t.gather()
	}
	e.stamp = &h.l1i.Stamp[slot]
	e.tlb = tlb
	return e
}

// DropData implements coherence.Core.
func (h *Hart) DropData(slot int32) {
	if r := h.tab.refOf(slot); *r != noRef {
		e := &h.tab.data[*r>>lineTableBits&(numContexts-1)][*r&(lineTableSize-1)]
		e.rtag, e.wtag = noTag, noTag
		*r = noRef
	}
}

// DowngradeData implements coherence.Core.
func (h *Hart) DowngradeData(slot int32) {
	if r := h.tab.dref[slot]; r != noRef {
		h.tab.data[r>>lineTableBits][r&(lineTableSize-1)].wtag = noTag
	}
}

// DropFetch implements coherence.Core.
func (h *Hart) DropFetch(slot int32) {
	t := &h.tab
	if r := t.fref[slot]; r != noRef {
		t.fetch[r>>fetchBits][r&(fetchSize-1)].tag = noTag
		t.fref[slot] = noRef
	}
	if i := t.blocks.ofSlot[slot]; i >= 0 && h.fdec == t.blocks.at(i) {
		h.noFetchLine()
	}
}

// FilledFetch implements coherence.Core.
func (h *Hart) FilledFetch(slot int32) {
	h.DropFetch(slot)
	h.tab.blocks.release(slot)
}

// dropPage forgets the lines of one context-independent page, because the TLB
// that backs them lost it. size is a power of two in bytes.
func (h *Hart) dropPage(dtlb bool, va, size uint64) {
	t := &h.tab
	if !dtlb {
		h.dropFetchPage(va, size)
		return
	}
	t.epoch++
	drop := func(e *lineEntry) {
		if e.stamp != nil && e.rtag != noTag && (e.rtag^va)&^(size-1) == 0 {
			t.dref[slotOf(h.l1d.Stamp, e.stamp)] = noRef
			e.rtag, e.wtag = noTag, noTag
		}
	}
	if size > smallPage { // most of its lines are not in the cache
		for _, r := range t.dref {
			if r != noRef {
				drop(&t.data[r>>lineTableBits][r&(lineTableSize-1)])
			}
		}
		return
	}
	first := va &^ (size - 1) >> h.shift
	for c := range numContexts {
		for i := uint64(0); t.live[c] && i < size>>h.shift; i++ {
			drop(&t.data[c][(first+i)&(lineTableSize-1)])
		}
	}
}

// dropFetchPage is dropPage for fetches.
func (h *Hart) dropFetchPage(va, size uint64) {
	t := &h.tab
	for slot, r := range t.fref {
		if r == noRef {
			continue
		}
		if e := &t.fetch[r>>fetchBits][r&(fetchSize-1)]; (e.tag^va)&^(size-1) == 0 {
			e.tag = noTag
			t.fref[slot] = noRef
		}
	}
	h.noFetchLine()
}

// noBlock is what the fetch unit has where it has no line: nothing is decoded there.
var noBlock [256 / 2]uint32

// noFetchLine makes the next instruction fetch its line anew. A guest that jumps to
// noLine finds noBlock.
func (h *Hart) noFetchLine() {
	h.fbase = noLine
	h.fdec = unsafe.Pointer(&noBlock)
}
