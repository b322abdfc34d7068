package traces

// rvAccess says what kind of access a RISC-V instruction makes, as far as it
// is neither a plain load nor a plain store, and how many bytes each of its
// loads has. Sections are of the unprivileged manual.
func rvAccess(insn, xlen uint32) (kind Kind, size uint32) {
	funct3 := insn >> 12 & 7
	switch insn & 0x7f {
	case 0x03: // LOAD: lb, lh, lw, ld, and lbu, lhu, lwu (2.6, 4.3)
		return Load, 1 << (funct3 & 3)
	case 0x07: // LOAD-FP: flh, flw, fld, flq; vectors by element: 0, 5, 6, 7 (V 7.3)
		if funct3 == 0 || funct3 >= 5 {
			return Load, 1 << (funct3 & 3)
		}
		return Load, 1 << funct3
	case 0x0f: // MISC-MEM: fence, fence.i
		if funct3 < 2 && insn != rvPause {
			return Fence, 0
		}
		return Load, 1 // cache-block operations
	case 0x2f: // AMO: b, h, w, d, q by funct3 (A 13.2, Zabha)
		size = 1 << funct3
		switch insn >> 27 {
		case 2:
			return LR, size
		case 3:
			return SC, size
		}
		return AMO, size
	case 0x73: // hlv, hlvx, hsv: the width is in funct7 (H 18.3)
		return Load, 1 << (insn >> 26 & 3)
	}
	return Load, compressedLoad(insn, xlen)
}

// rvPause is a hint in the place of a fence of nothing (Zihintpause).
const rvPause = 0x0100000f

// compressedLoad is the size of a compressed instruction's load (C 26.3, Zcb
// 27.12).
func compressedLoad(insn, xlen uint32) uint32 {
	funct3 := insn >> 13 & 7
	switch insn & 3 {
	case 0:
		switch funct3 {
		case 2: // c.lw
			return 4
		case 4: // c.lbu, c.lhu, c.lh
			return 1 + insn>>10&1
		case 3: // c.ld, or c.flw of RV32
			return xlen
		}
		return 8 // c.fld
	case 2:
		switch funct3 {
		case 2: // c.lwsp
			return 4
		case 3, 5: // c.ldsp or c.flwsp of RV32; cm.pop
			return xlen
		}
		return 8 // c.fldsp
	}
	return xlen
}
