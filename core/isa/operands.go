package isa

func sink(reg uint8) uint8 {
	if reg == 0 {
		return SinkReg
	}
	return reg
}

// operands fills in the operand fields of a 32-bit instruction. The fields that
// a format does not have stay 0, and Rd stays SinkReg.
func operands(in *Inst, f Format, raw uint32) {
	rd := uint8(raw >> 7 & 31)
	rs1 := uint8(raw >> 15 & 31)
	rs2 := uint8(raw >> 20 & 31)
	funct3 := uint8(raw >> 12 & 7)
	switch f {
	case FmtI, FmtLoad:
		in.Rd, in.Rs1, in.Imm = sink(rd), rs1, immI(raw)
	case FmtR:
		in.Rd, in.Rs1, in.Rs2 = sink(rd), rs1, rs2
	case FmtB:
		in.Rs1, in.Rs2, in.Imm = rs1, rs2, immB(raw)
	case FmtStore, FmtFStore:
		in.Rs1, in.Rs2, in.Imm = rs1, rs2, immS(raw)
	case FmtU:
		in.Rd, in.Imm = sink(rd), int32(raw&0xfffff000)
	case FmtJ:
		in.Rd, in.Imm = sink(rd), immJ(raw)
	case FmtShift6:
		in.Rd, in.Rs1, in.Imm = sink(rd), rs1, int32(raw>>20&63)
	case FmtShift5:
		in.Rd, in.Rs1, in.Imm = sink(rd), rs1, int32(rs2)
	case FmtUnary, FmtFToX:
		in.Rd, in.Rs1 = sink(rd), rs1
	case FmtAMO, FmtLR:
		in.Rd, in.Rs1, in.Rs2, in.RM = sink(rd), rs1, rs2, uint8(raw>>25&3)
	case FmtCSR, FmtCSRI:
		in.Rd, in.Rs1, in.Imm = sink(rd), rs1, int32(raw>>20)
	case FmtFence: // an fm of no row counts as 0
		in.Imm = int32(raw >> 20 & 0xff)
	case FmtFenceTSO:
		in.Imm = int32(raw >> 20)
	case FmtCBO:
		in.Rs1 = rs1
	case FmtPrefetch:
		in.Rs1, in.Imm = rs1, immI(raw)&^31
	case FmtSFence:
		in.Rs1, in.Rs2 = rs1, rs2
	default:
		operandsF(in, f, raw, rd, rs1, rs2, funct3)
	}
}

// operandsF does the formats of floating point that operands does not share.
func operandsF(in *Inst, f Format, raw uint32, rd, rs1, rs2, funct3 uint8) {
	switch f {
	case FmtFLoad:
		in.Rd, in.Rs1, in.Imm = rd, rs1, immI(raw)
	case FmtFR, FmtFRM:
		in.Rd, in.Rs1, in.Rs2, in.RM = rd, rs1, rs2, funct3
	case FmtFMA:
		in.Rd, in.Rs1, in.Rs2, in.RM, in.Imm = rd, rs1, rs2, funct3, int32(raw>>27)
	case FmtFUnaryRM, FmtXToF, FmtXToFRM, FmtFExact, FmtXToFExact:
		in.Rd, in.Rs1, in.RM = rd, rs1, funct3
	case FmtFCompare:
		in.Rd, in.Rs1, in.Rs2, in.RM = sink(rd), rs1, rs2, funct3
	case FmtFToXRM:
		in.Rd, in.Rs1, in.RM = sink(rd), rs1, funct3
	}
}

// The immediates, sign-extended from instruction bit 31.

func immI(raw uint32) int32 { return int32(raw) >> 20 }

func immS(raw uint32) int32 { return int32(raw)>>25<<5 | int32(raw>>7&31) }

func immB(raw uint32) int32 {
	return int32(raw)>>31<<12 | int32(raw<<4&0x800|raw>>20&0x7e0|raw>>7&0x1e)
}

func immJ(raw uint32) int32 {
	return int32(raw)>>31<<20 | int32(raw&0xff000|raw>>9&0x800|raw>>20&0x7fe)
}
