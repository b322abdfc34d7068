package core

import "unsafe"

// What the loop needs of lines, which are of 64 bytes there.
const (
	lineShift = 6
	lineSize  = 1 << lineShift
	lineOff   = lineSize - 1
	lineMask  = ^uint64(lineOff)

	// Which bits of an access's address the line table compares, by its size.
	aligned1 = lineMask
	aligned2 = lineMask | 1
	aligned4 = lineMask | 3
	aligned8 = lineMask | 7

	sevens = 0x7f7f_7f7f_7f7f_7f7f // seven bits of each byte
)

//go:generate go run ./mkexec

// exec runs instructions until the clock reaches the limit.
func (h *Hart) exec() {
	if h.lineSize == lineSize {
		h.exec64()
	} else {
		h.execAny()
	}
}

// touch counts a line-table hit as what it is: an access to the L1D and to the
// DTLB, for their statistics and their replacement.
func (h *Hart) touch(e *lineEntry) {
	c := *h.dclock + 1
	*h.dclock = c
	*e.stamp = c
	*e.tlb = c
}

// xreg is integer register r of those at x: without the checks of an index, and of x
// against nil.
func xreg(x unsafe.Pointer, r uint8) *uint64 { return (*uint64)(unsafe.Add(x, uintptr(r)*8)) }

// lineOf64 is lineOf where lines have 64 bytes.
func (h *Hart) lineOf64(va uint64) *lineEntry {
	// An entry is as large as a line.
	return (*lineEntry)(unsafe.Add(unsafe.Pointer(h.lines), va&((lineTableSize-1)<<lineShift)))
}

// fetchOf64 is the place of va in the table of the L1I's lines, where lines have 64
// bytes.
func (h *Hart) fetchOf64(va uint64) *fetchEntry {
	// An entry is half as large as a line.
	return (*fetchEntry)(unsafe.Add(unsafe.Pointer(h.flines), va>>1&((fetchSize-1)<<(lineShift-1))))
}

// fetchOf is the place of va in the table of the L1I's lines.
func (h *Hart) fetchOf(va uint64) *fetchEntry { return &h.flines[va>>(h.shift&63)&(fetchSize-1)] }

// lineOf is the place of va in the line table.
func (h *Hart) lineOf(va uint64) *lineEntry {
	return (*lineEntry)(unsafe.Add(unsafe.Pointer(h.lines), va>>(h.shift&63)&(lineTableSize-1)*uint64(unsafe.Sizeof(lineEntry{}))))
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
