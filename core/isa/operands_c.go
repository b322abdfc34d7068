package isa

const sp, ra = 2, 1

// operandsC fills in the operand fields of a 16-bit instruction as those of the
// instruction it expands to. The fields that a format does not have stay 0, and
// Rd stays SinkReg.
func operandsC(in *Inst, f Format, raw uint32) {
	rd := uint8(raw >> 7 & 31)
	rs2 := uint8(raw >> 2 & 31)
	hi := uint8(raw>>7&7) + 8 // rs1', and rd' of arithmetic
	lo := uint8(raw>>2&7) + 8 // rs2', and rd' of loads
	switch f {
	case FmtCI:
		in.Rd, in.Rs1, in.Imm = sink(rd), rd, cImm(raw)
	case FmtCLI:
		in.Rd, in.Imm = sink(rd), cImm(raw)
	case FmtCLUI:
		in.Rd, in.Imm = sink(rd), cImm(raw)<<12
	case FmtCADDI4SPN:
		in.Rd, in.Rs1, in.Imm = lo, sp, int32(raw>>7&0x30|raw>>1&0x3c0|raw>>4&4|raw>>2&8)
	case FmtCADDI16SP:
		in.Rd, in.Rs1 = sp, sp
		in.Imm = cImm(raw)>>5<<9 | int32(raw>>2&0x10|raw<<1&0x40|raw<<4&0x180|raw<<3&0x20)
	case FmtCSLLI:
		in.Rd, in.Rs1, in.Imm = sink(rd), rd, cImm(raw)&63
	case FmtCShift:
		in.Rd, in.Rs1, in.Imm = hi, hi, cImm(raw)&63
	case FmtCANDI:
		in.Rd, in.Rs1, in.Imm = hi, hi, cImm(raw)
	case FmtCA:
		in.Rd, in.Rs1, in.Rs2 = hi, hi, lo
	case FmtCMV:
		in.Rd, in.Rs2 = sink(rd), rs2
	case FmtCADD:
		in.Rd, in.Rs1, in.Rs2 = sink(rd), rd, rs2
	case FmtCJ:
		in.Imm = cImmJ(raw)
	case FmtCB:
		in.Rs1, in.Imm = hi, cImmB(raw)
	case FmtCJR:
		in.Rs1 = rd
	case FmtCJALR:
		in.Rd, in.Rs1 = ra, rd
	case FmtCUnary:
		in.Rd, in.Rs1 = hi, hi
	case FmtCZEXTB:
		in.Rd, in.Rs1, in.Imm = hi, hi, 255
	case FmtCNOT:
		in.Rd, in.Rs1, in.Imm = hi, hi, -1
	default:
		operandsCMem(in, f, raw, rd, rs2, hi, lo)
	}
}

// operandsCMem does the loads and stores.
func operandsCMem(in *Inst, f Format, raw uint32, rd, rs2, hi, lo uint8) {
	switch f {
	case FmtCLW:
		in.Rd, in.Rs1, in.Imm = lo, hi, cOffset4(raw)
	case FmtCSW:
		in.Rs2, in.Rs1, in.Imm = lo, hi, cOffset4(raw)
	case FmtCLD, FmtCFLD:
		in.Rd, in.Rs1, in.Imm = lo, hi, cOffset8(raw)
	case FmtCSD, FmtCFSD:
		in.Rs2, in.Rs1, in.Imm = lo, hi, cOffset8(raw)
	case FmtCLWSP:
		in.Rd, in.Rs1, in.Imm = rd, sp, int32(raw>>7&0x20|raw>>2&0x1c|raw<<4&0xc0)
	case FmtCLDSP, FmtCFLDSP: // c.fldsp may load f0; c.ldsp to x0 is reserved
		in.Rd, in.Rs1, in.Imm = rd, sp, int32(raw>>7&0x20|raw>>2&0x18|raw<<4&0x1c0)
	case FmtCSWSP:
		in.Rs2, in.Rs1, in.Imm = rs2, sp, int32(raw>>7&0x3c|raw>>1&0xc0)
	case FmtCSDSP, FmtCFSDSP:
		in.Rs2, in.Rs1, in.Imm = rs2, sp, int32(raw>>7&0x38|raw>>1&0x1c0)
	case FmtCLB:
		in.Rd, in.Rs1, in.Imm = lo, hi, int32(raw>>6&1|raw>>4&2)
	case FmtCSB:
		in.Rs2, in.Rs1, in.Imm = lo, hi, int32(raw>>6&1|raw>>4&2)
	case FmtCLH:
		in.Rd, in.Rs1, in.Imm = lo, hi, int32(raw>>4&2)
	case FmtCSH:
		in.Rs2, in.Rs1, in.Imm = lo, hi, int32(raw>>4&2)
	}
}

// The immediates of the C chapter's listings, sign-extended from bit 12.

func cImm(raw uint32) int32 { return int32(raw<<19)>>31<<5 | int32(raw>>2&31) }

func cImmJ(raw uint32) int32 {
	return int32(raw<<19)>>31<<11 | int32(raw>>7&0x10|raw>>1&0x300|raw<<2&0x400|
		raw>>1&0x40|raw<<1&0x80|raw>>2&0xe|raw<<3&0x20)
}

func cImmB(raw uint32) int32 {
	return int32(raw<<19)>>31<<8 | int32(raw>>7&0x18|raw<<1&0xc0|raw>>2&6|raw<<3&0x20)
}

func cOffset4(raw uint32) int32 { return int32(raw>>7&0x38 | raw>>4&4 | raw<<1&0x40) }

func cOffset8(raw uint32) int32 { return int32(raw>>7&0x38 | raw<<1&0xc0) }
