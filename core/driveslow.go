package core

import (
	"mcsim/addr"
	"mcsim/coherence"
)

// slow carries out a reference that the line tables did not answer. It returns
// false if there is no memory for it.
func (d *Driver) slow(r *Ref) bool {
	d.missed = false
	if !d.access(r) {
		return false
	}
	if d.missed {
		d.Stats.Ops[r.Op].Misses++
		d.Stats.Regions[r.Region%NumRegions].Misses++
	}
	return true
}

// access is one reference, by its kind.
func (d *Driver) access(r *Ref) bool {
	h := d.h
	switch r.Op {
	case RefFence:
		h.drainAll()
		return true
	case RefClean, RefFlush, RefInval, RefZero, RefPrefetch:
		return d.block(r)
	case RefLR, RefSC, RefAMO:
		return d.atomic(r)
	case RefStore:
		d.Version++
	}
	va, size := r.VA, uint64(r.Size)
	if va&h.offMask+size > h.lineSize {
		d.Stats.Split++
	}
	for size > 0 {
		n := min(size, h.lineSize-va&h.offMask)
		if !d.part(r, va, n) {
			return false
		}
		va, size = va+n, size-n
	}
	return true
}

// part is what a fetch, load, store or walk does within one line.
func (d *Driver) part(r *Ref, va, size uint64) bool {
	h := d.h
	kind := accLoad
	switch r.Op {
	case RefFetch:
		return d.fetchPart(va, size)
	case RefStore:
		kind = accStore
	}
	var t translation
	if !d.translate(&va, size, kind, &t) {
		return false
	}
	first := t.PA &^ 7
	words := (uint64(t.PA-first) + size + 7) / 8
	if r.Op == RefStore {
		d.storePart(va, first, words, &t)
		return true
	}
	if r.Op == RefLoad {
		h.left -= int64(h.cfg.Latency.Load) - 1
	}
	a := &h.acc
	*a = coherence.Access{Op: coherence.OpLoadWords, Size: uint8(words), PA: first}
	if r.Op == RefWalk {
		a.Op, a.Size = coherence.OpWalk, 8
	}
	d.do(a)
	if h.sbCount > 0 && h.sbHolds(t.PA, h.lineSize) {
		return true
	}
	if slot := a.Slot; h.mem.ReadableAt(slot, t.PA) {
		h.keepLine(va, slot, t.Writable && h.mem.WritableAt(slot, t.PA), t.Stamp)
	}
	return true
}

// storePart writes the present version to words within one line.
func (d *Driver) storePart(va uint64, first addr.PA, words uint64, t *translation) {
	h := d.h
	slot := h.mem.Writable(t.PA)
	if h.cfg.StoreQueue > 0 && (h.sbCount > 0 || slot < 0 && !h.mem.StoreHits(t.PA)) {
		d.missed = d.missed || h.mem.Readable(t.PA) < 0 && !h.sbHolds(t.PA, h.lineSize)
		h.sbPush(first, 8*words, d.Version)
		if t.Writable {
			h.sbKeep(va, t)
		}
		return
	}
	a := &h.acc
	*a = coherence.Access{Op: coherence.OpStoreWords, Size: uint8(words), PA: first, Value: d.Version}
	if slot >= 0 {
		now := h.Clock()
		h.waitUntil(h.mem.StoreAt(slot, a, now))
	} else {
		d.do(a)
	}
	if slot := a.Slot; h.mem.WritableAt(slot, t.PA) {
		h.keepLine(va, slot, t.Writable, t.Stamp)
	}
}

// fetchPart fetches from one line.
func (d *Driver) fetchPart(va, size uint64) bool {
	h := d.h
	h.itlbAccesses(1)
	var t translation
	if !d.translate(&va, size, accFetch, &t) {
		return false
	}
	a := &h.acc
	*a = coherence.Access{Op: coherence.OpFetch, Size: uint8(min(size, 8)), PA: t.PA}
	misses := h.mem.I.Misses
	h.do(a)
	d.missed = d.missed || h.mem.I.Misses != misses
	if slot := h.mem.Fetchable(t.PA); slot >= 0 {
		e := h.keepFetch(va, slot, t.Stamp)
		h.fbase, h.fdec = e.tag, e.dec
	} else {
		h.noFetchLine()
	}
	return true
}

// atomic is LR, SC or an AMO, on the word that its first byte is in.
func (d *Driver) atomic(r *Ref) bool {
	h := d.h
	va, kind, op := r.VA, accStore, coherence.OpAMOSwap
	switch r.Op {
	case RefLR:
		kind, op = accLoad, coherence.OpLR
	case RefSC:
		op = coherence.OpSC
	}
	var t translation
	if !d.translate(&va, 1, kind, &t) {
		return false
	}
	h.drainAll()
	if op != coherence.OpLR {
		d.Version++
	}
	a := &h.acc
	*a = coherence.Access{Op: op, Size: 8, PA: t.PA &^ 7, Value: d.Version}
	d.do(a)
	h.left -= int64(h.cfg.Latency.AMO)
	return true
}

// block is a cache-block operation or a prefetch, on the line of its address.
func (d *Driver) block(r *Ref) bool {
	h := d.h
	va, kind, op := r.VA&h.lineMask, accCBO, coherence.OpClean
	switch r.Op {
	case RefFlush:
		op = coherence.OpFlush
	case RefInval:
		op = coherence.OpInval
	case RefZero:
		kind, op = accStore, coherence.OpZero
	case RefPrefetch:
		kind, op = accLoad, coherence.OpPrefetchR
	}
	var t translation
	if !d.translate(&va, 1, kind, &t) {
		return false
	}
	a := &h.acc
	*a = coherence.Access{Op: op, Size: 1, PA: t.PA}
	if r.Op == RefPrefetch {
		h.mem.Do(a, h.Clock()) // does not wait for its line
		return true
	}
	h.drainAll()
	*a = coherence.Access{Op: op, Size: 1, PA: t.PA}
	d.do(a)
	return true
}

// do carries a data access out and notes whether it missed the L1D. The walker's
// misses are not among those, being over by then.
func (d *Driver) do(a *coherence.Access) {
	misses := d.h.mem.D.Misses
	d.h.do(a)
	d.missed = d.missed || d.h.mem.D.Misses != misses
}

// translate finds the physical address of va, which is replaced where no mode
// can express it. Pages that are not there are the OS's to bring.
func (d *Driver) translate(va *uint64, size uint64, kind accessKind, t *translation) bool {
	h := d.h
	for {
		if d.soft {
			if pa, ok := d.os.Physical(*va); ok {
				*t = translation{PA: pa, Stamp: &h.mmu.noStamp, PageBits: 12, Writable: true}
				break
			}
		} else if h.translate(*va, int(size), kind, t) {
			break
		} else if r := &h.mmu.data; r.levels > 0 && uint64(int64(*va<<r.spare)>>r.spare) != *va {
			v, ok := d.os.Canonical(*va)
			if !ok {
				return false
			}
			*va = v
			if uint64(int64(v<<r.spare)>>r.spare) == v {
				continue
			}
		}
		d.Stats.Faults++
		if !d.os.Fault(*va) {
			return false
		}
	}
	return h.mem.Attr(t.PA, size) == coherence.AttrRAM
}
