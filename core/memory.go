package core

import (
	"math/bits"
	"unsafe"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/record"
)

// do carries out h.acc through the private caches, and charges the time until
// its result is there.
func (h *Hart) do(a *coherence.Access) {
	now := h.Clock()
	done := h.mem.Do(a, now)
	h.left -= int64(done - now)
}

// loadSlow reads size bytes at va where the line table did not answer. It
// returns false if that raised a trap.
func (h *Hart) loadSlow(va uint64, size uint64) (uint64, bool) {
	var r *record.Record
	if h.rec != nil {
		r = h.recordSlow(record.Load, va, size, h.instret+1)
	}
	first := h.lineSize - va&h.offMask
	if size <= first {
		return h.loadPart(va, size, r)
	}
	// Across two lines, perhaps two pages: each part faults on its own, and
	// reports its own address.
	lo, ok := h.loadPart(va, first, r)
	if !ok {
		return 0, false
	}
	hi, ok := h.loadPart(va+first, size-first, nil)
	return lo | hi<<(8*first), ok
}

// loadQuick is a load for instructions that have no line-table look-up of their
// own in the run loop.
func (h *Hart) loadQuick(va, size uint64) (uint64, bool) {
	e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]
	if va&h.mask[bits.TrailingZeros64(size)&3] != e.rtag {
		return h.loadSlow(va, size)
	}
	h.touch(e)
	if h.rec != nil {
		h.recordQuick(e, va, record.Load, size)
	}
	p := unsafe.Add(e.data, va&h.offMask)
	if size == 4 {
		return uint64(*(*uint32)(p)), true
	}
	return uint64(*(*uint16)(p)), true
}

// storeQuick is the same for stores.
func (h *Hart) storeQuick(va, size, v uint64) bool {
	e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]
	if size > 4 || va&h.mask[bits.TrailingZeros64(size)&3] != e.wtag || h.sbCount > 0 {
		return h.storeSlow(va, size, v)
	}
	h.touch(e)
	if h.rec != nil {
		h.recordQuick(e, va, record.Store, size)
	}
	p := unsafe.Add(e.data, va&h.offMask)
	switch size {
	case 4:
		*(*uint32)(p) = uint32(v)
	case 2:
		*(*uint16)(p) = uint16(v)
	default:
		*(*uint8)(p) = uint8(v)
	}
	return true
}

// loadPart reads size bytes, 1 to 8, within a line. r, if not nil, is the
// record that it is the first part of.
func (h *Hart) loadPart(va, size uint64, r *record.Record) (uint64, bool) {
	var t translation
	if !h.translate(va, int(size), accLoad, &t) {
		return 0, false
	}
	if r != nil {
		recordPA(r, &t)
	}
	if h.dbg != nil {
		h.watch(va, size, false)
	}
	switch h.mem.Attr(t.PA, size) {
	case coherence.AttrRAM:
	case coherence.AttrDevice:
		if size&(size-1) != 0 || va&(size-1) != 0 {
			return 0, h.raise(causeLoadAccess, va)
		}
		t.Uncached = true
	default:
		return 0, h.raise(causeLoadAccess, va)
	}
	a := &h.acc
	if t.Uncached {
		h.drainAll() // uses h.acc as well
		*a = coherence.Access{Op: coherence.OpLoad, Size: uint8(size), PA: t.PA, Uncached: true}
		return h.doParts(a, causeLoadAccess, va)
	}
	*a = coherence.Access{Op: coherence.OpLoad, Size: uint8(size), PA: t.PA}
	now := h.Clock()
	done := h.mem.Load(a, now)
	h.left -= int64(done - now)
	if h.sbCount > 0 && h.sbHolds(t.PA, h.lineSize) {
		return h.sbForward(t.PA, size, a.Result), true
	}
	h.keepAccessed(va, a.Slot, &t)
	return a.Result, true
}

// keepAccessed enters the line of va in the line table, if the L1D slot that an
// access was done on still has it.
func (h *Hart) keepAccessed(va uint64, slot int32, t *translation) {
	if !h.mem.ReadableAt(slot, t.PA) {
		return
	}
	allowed := h.pmpLine(t)
	if allowed>>accLoad&1 == 0 {
		return
	}
	h.keepLine(va, slot, t.Writable && allowed>>accStore&1 != 0 && h.mem.Ready(slot), t.Stamp)
}

// doParts carries out an uncached access of any size from 1 to 8 as naturally
// aligned powers of two, as a bus does.
func (h *Hart) doParts(a *coherence.Access, cause, va uint64) (uint64, bool) {
	whole := *a
	var result, done uint64
	for done < uint64(whole.Size) {
		pa := uint64(whole.PA) + done
		n := uint64(8)
		for pa&(n-1) != 0 || done+n > uint64(whole.Size) {
			n /= 2
		}
		*a = whole
		a.PA, a.Size, a.Value = addr.PA(pa), uint8(n), whole.Value>>(8*done)
		h.do(a)
		if a.Fault {
			return 0, h.raise(cause, va+done)
		}
		result |= a.Result << (8 * done)
		done += n
	}
	return result, true
}

// storeSlow writes the low size bytes of v at va where the line table did not
// take them. It returns false if that raised a trap; then nothing was written.
func (h *Hart) storeSlow(va, size, v uint64) bool {
	var r *record.Record
	if h.rec != nil {
		r = h.recordSlow(record.Store, va, size, h.instret+1)
	}
	first := h.lineSize - va&h.offMask
	if size <= first {
		var t translation
		if !h.storeCheck(va, size, &t) {
			return false
		}
		if r != nil {
			recordPA(r, &t)
		}
		return h.storePart(va, size, v, &t, true)
	}
	var lo, hi translation
	if !h.storeCheck(va, first, &lo) || !h.storeCheck(va+first, size-first, &hi) {
		return false
	}
	if r != nil {
		recordPA(r, &lo)
	}
	// The second translation may have cost the first its TLB entry, which a kept
	// line would hang on.
	return h.storePart(va, first, v, &lo, false) && h.storePart(va+first, size-first, v>>(8*first), &hi, false)
}

// storeCheck translates a store and checks that there is something to write to.
func (h *Hart) storeCheck(va, size uint64, t *translation) bool {
	if !h.translate(va, int(size), accStore, t) {
		return false
	}
	if h.dbg != nil {
		h.watch(va, size, true)
	}
	switch h.mem.Attr(t.PA, size) {
	case coherence.AttrRAM:
		return true
	case coherence.AttrDevice:
		if size&(size-1) == 0 && va&(size-1) == 0 {
			t.Uncached = true
			return true
		}
	}
	return h.raise(causeStoreAccess, va)
}

// storePart writes size bytes, 1 to 8, within a line. keep says that the line
// may go to the line table.
func (h *Hart) storePart(va, size, v uint64, t *translation, keep bool) bool {
	v &= ^uint64(0) >> (64 - 8*size)
	a := &h.acc
	if t.Uncached {
		h.drainAll()
		*a = coherence.Access{Op: coherence.OpStore, Size: uint8(size), PA: t.PA, Value: v, Uncached: true}
		_, ok := h.doParts(a, causeStoreAccess, va)
		return ok
	}
	// A store that would wait for its line goes to the store buffer, and so
	// does every store behind it.
	slot := h.mem.Writable(t.PA)
	if h.cfg.StoreQueue > 0 && (h.sbCount > 0 || !h.fast && slot < 0 && !h.mem.StoreHits(t.PA)) {
		h.sbPush(t.PA, size, v)
		if keep && t.Writable && h.mmu.pmp.open[h.mmu.data.view] {
			h.sbKeep(va, t)
		}
		return true
	}
	*a = coherence.Access{Op: coherence.OpStore, Size: uint8(size), PA: t.PA, Value: v}
	now := h.Clock()
	var done uint64
	if slot >= 0 {
		done = h.mem.StoreAt(slot, a, now)
	} else {
		done = h.mem.Store(a, now)
	}
	h.left -= int64(done - now)
	// Pages that can be written and not read do not exist (privileged manual,
	// Sv39: W without R is reserved), but PMP regions may be of that kind.
	const both = 1<<accLoad | 1<<accStore
	if keep && h.mem.WritableAt(a.Slot, t.PA) && h.pmpLine(t)&both == both {
		h.keepLine(va, a.Slot, t.Writable, t.Stamp)
	}
	return true
}
