package core

import "unsafe"

// Misaligned accesses, which the run loop leaves to slow, where their line or
// lines are in the line table. They count and age what loadSlow and storeSlow
// would. Linux measures the speed of such accesses for some milliseconds on every
// hart.

// misaligned finds the entry of the line of va and, where size bytes from there
// cross its end, that of the next line.
func (h *Hart) misaligned(va, size uint64) (e, next *lineEntry) {
	e = &h.lines[va>>(h.shift&63)&(lineTableSize-1)]
	if va&h.offMask+size > h.lineSize {
		next = &h.lines[(va+size)>>(h.shift&63)&(lineTableSize-1)]
	}
	return e, next
}

// loadMisaligned reads size bytes, 2 to 8, at va. ok is false, and nothing is
// done, if the line table has not all of them.
func (h *Hart) loadMisaligned(va, size uint64) (v uint64, ok bool) {
	e, next := h.misaligned(va, size)
	if va&h.lineMask != e.rtag || h.rec != nil {
		return 0, false
	}
	off := va & h.offMask
	if next == nil {
		h.touch(e)
		return readBytes(unsafe.Add(e.data, off), size), true
	}
	if (va+size)&h.lineMask != next.rtag {
		return 0, false
	}
	h.touch(e)
	h.touch(next)
	n := h.lineSize - off // bytes in the first line; its last 8 are read
	lo := *(*uint64)(unsafe.Add(e.data, h.lineSize-8)) >> (64 - 8*n)
	hi := *(*uint64)(next.data) & (1<<(8*(size-n)) - 1)
	return lo | hi<<(8*n), true
}

// storeMisaligned writes the low size bytes of v, 2 to 8, at va. It returns false,
// and does nothing, if the line table has not all of them.
func (h *Hart) storeMisaligned(va, size, v uint64) bool {
	e, next := h.misaligned(va, size)
	if va&h.lineMask != e.wtag || h.sbCount > 0 || h.rec != nil {
		return false
	}
	off := va & h.offMask
	if next == nil {
		h.touch(e)
		writeBytes(unsafe.Add(e.data, off), size, v)
		return true
	}
	if (va+size)&h.lineMask != next.wtag {
		return false
	}
	// Both pages are looked up before anything is written.
	c := *h.dclock + 2
	*h.dclock = c
	*e.stamp, *next.stamp = c-1, c
	*e.tlb, *next.tlb = c-1, c-1
	n := h.lineSize - off
	p := (*uint64)(unsafe.Add(e.data, h.lineSize-8))
	*p = *p<<(8*n)>>(8*n) | v<<(64-8*n)
	q, keep := (*uint64)(next.data), ^uint64(0)<<(8*(size-n))
	*q = *q&keep | v>>(8*n)&^keep
	return true
}

// readBytes reads size bytes, a power of two up to 8, at p.
func readBytes(p unsafe.Pointer, size uint64) uint64 {
	switch size {
	case 8:
		return *(*uint64)(p)
	case 4:
		return uint64(*(*uint32)(p))
	case 2:
		return uint64(*(*uint16)(p))
	}
	return uint64(*(*uint8)(p))
}

func writeBytes(p unsafe.Pointer, size, v uint64) {
	switch size {
	case 8:
		*(*uint64)(p) = v
	case 4:
		*(*uint32)(p) = uint32(v)
	case 2:
		*(*uint16)(p) = uint16(v)
	default:
		*(*uint8)(p) = uint8(v)
	}
}
