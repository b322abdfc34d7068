package isa

// Masks of the fields that select an instruction.
const (
	mOpcode = 0x0000007f // opcode alone: U and J
	mFunct3 = 0x0000707f // opcode and funct3: I, S and B
	mFunct7 = 0xfe00707f // and funct7: R, and shifts by 5 bits
	mShift6 = 0xfc00707f // shifts by 6 bits
	mUnary  = 0xfff0707f // and rs2
	mAll    = 0xffffffff
)

// RV64I: unprivileged manual, chapters "RV32I" and "RV64I".
var rowsI = []Row{
	{Name: "lui", Match: 0x00000037, Mask: mOpcode, Format: FmtU, Op: OpLUI, Ext: ExtI},
	{Name: "auipc", Match: 0x00000017, Mask: mOpcode, Format: FmtU, Op: OpAUIPC, Ext: ExtI},
	{Name: "jal", Match: 0x0000006f, Mask: mOpcode, Format: FmtJ, Op: OpJAL, Ext: ExtI},
	{Name: "jalr", Match: 0x00000067, Mask: mFunct3, Format: FmtLoad, Op: OpJALR, Ext: ExtI},

	{Name: "beq", Match: 0x00000063, Mask: mFunct3, Format: FmtB, Op: OpBEQ, Ext: ExtI},
	{Name: "bne", Match: 0x00001063, Mask: mFunct3, Format: FmtB, Op: OpBNE, Ext: ExtI},
	{Name: "blt", Match: 0x00004063, Mask: mFunct3, Format: FmtB, Op: OpBLT, Ext: ExtI},
	{Name: "bge", Match: 0x00005063, Mask: mFunct3, Format: FmtB, Op: OpBGE, Ext: ExtI},
	{Name: "bltu", Match: 0x00006063, Mask: mFunct3, Format: FmtB, Op: OpBLTU, Ext: ExtI},
	{Name: "bgeu", Match: 0x00007063, Mask: mFunct3, Format: FmtB, Op: OpBGEU, Ext: ExtI},

	{Name: "lb", Match: 0x00000003, Mask: mFunct3, Format: FmtLoad, Op: OpLB, Ext: ExtI},
	{Name: "lh", Match: 0x00001003, Mask: mFunct3, Format: FmtLoad, Op: OpLH, Ext: ExtI},
	{Name: "lw", Match: 0x00002003, Mask: mFunct3, Format: FmtLoad, Op: OpLW, Ext: ExtI},
	{Name: "ld", Match: 0x00003003, Mask: mFunct3, Format: FmtLoad, Op: OpLD, Ext: ExtI},
	{Name: "lbu", Match: 0x00004003, Mask: mFunct3, Format: FmtLoad, Op: OpLBU, Ext: ExtI},
	{Name: "lhu", Match: 0x00005003, Mask: mFunct3, Format: FmtLoad, Op: OpLHU, Ext: ExtI},
	{Name: "lwu", Match: 0x00006003, Mask: mFunct3, Format: FmtLoad, Op: OpLWU, Ext: ExtI},
	{Name: "sb", Match: 0x00000023, Mask: mFunct3, Format: FmtStore, Op: OpSB, Ext: ExtI},
	{Name: "sh", Match: 0x00001023, Mask: mFunct3, Format: FmtStore, Op: OpSH, Ext: ExtI},
	{Name: "sw", Match: 0x00002023, Mask: mFunct3, Format: FmtStore, Op: OpSW, Ext: ExtI},
	{Name: "sd", Match: 0x00003023, Mask: mFunct3, Format: FmtStore, Op: OpSD, Ext: ExtI},

	{Name: "addi", Match: 0x00000013, Mask: mFunct3, Format: FmtI, Op: OpADDI, Ext: ExtI},
	{Name: "slti", Match: 0x00002013, Mask: mFunct3, Format: FmtI, Op: OpSLTI, Ext: ExtI},
	{Name: "sltiu", Match: 0x00003013, Mask: mFunct3, Format: FmtI, Op: OpSLTIU, Ext: ExtI},
	{Name: "xori", Match: 0x00004013, Mask: mFunct3, Format: FmtI, Op: OpXORI, Ext: ExtI},
	{Name: "ori", Match: 0x00006013, Mask: mFunct3, Format: FmtI, Op: OpORI, Ext: ExtI},
	{Name: "andi", Match: 0x00007013, Mask: mFunct3, Format: FmtI, Op: OpANDI, Ext: ExtI},
	{Name: "slli", Match: 0x00001013, Mask: mShift6, Format: FmtShift6, Op: OpSLLI, Ext: ExtI},
	{Name: "srli", Match: 0x00005013, Mask: mShift6, Format: FmtShift6, Op: OpSRLI, Ext: ExtI},
	{Name: "srai", Match: 0x40005013, Mask: mShift6, Format: FmtShift6, Op: OpSRAI, Ext: ExtI},
	{Name: "addiw", Match: 0x0000001b, Mask: mFunct3, Format: FmtI, Op: OpADDIW, Ext: ExtI},
	{Name: "slliw", Match: 0x0000101b, Mask: mFunct7, Format: FmtShift5, Op: OpSLLIW, Ext: ExtI},
	{Name: "srliw", Match: 0x0000501b, Mask: mFunct7, Format: FmtShift5, Op: OpSRLIW, Ext: ExtI},
	{Name: "sraiw", Match: 0x4000501b, Mask: mFunct7, Format: FmtShift5, Op: OpSRAIW, Ext: ExtI},

	{Name: "add", Match: 0x00000033, Mask: mFunct7, Format: FmtR, Op: OpADD, Ext: ExtI},
	{Name: "sub", Match: 0x40000033, Mask: mFunct7, Format: FmtR, Op: OpSUB, Ext: ExtI},
	{Name: "sll", Match: 0x00001033, Mask: mFunct7, Format: FmtR, Op: OpSLL, Ext: ExtI},
	{Name: "slt", Match: 0x00002033, Mask: mFunct7, Format: FmtR, Op: OpSLT, Ext: ExtI},
	{Name: "sltu", Match: 0x00003033, Mask: mFunct7, Format: FmtR, Op: OpSLTU, Ext: ExtI},
	{Name: "xor", Match: 0x00004033, Mask: mFunct7, Format: FmtR, Op: OpXOR, Ext: ExtI},
	{Name: "srl", Match: 0x00005033, Mask: mFunct7, Format: FmtR, Op: OpSRL, Ext: ExtI},
	{Name: "sra", Match: 0x40005033, Mask: mFunct7, Format: FmtR, Op: OpSRA, Ext: ExtI},
	{Name: "or", Match: 0x00006033, Mask: mFunct7, Format: FmtR, Op: OpOR, Ext: ExtI},
	{Name: "and", Match: 0x00007033, Mask: mFunct7, Format: FmtR, Op: OpAND, Ext: ExtI},
	{Name: "addw", Match: 0x0000003b, Mask: mFunct7, Format: FmtR, Op: OpADDW, Ext: ExtI},
	{Name: "subw", Match: 0x4000003b, Mask: mFunct7, Format: FmtR, Op: OpSUBW, Ext: ExtI},
	{Name: "sllw", Match: 0x0000103b, Mask: mFunct7, Format: FmtR, Op: OpSLLW, Ext: ExtI},
	{Name: "srlw", Match: 0x0000503b, Mask: mFunct7, Format: FmtR, Op: OpSRLW, Ext: ExtI},
	{Name: "sraw", Match: 0x4000503b, Mask: mFunct7, Format: FmtR, Op: OpSRAW, Ext: ExtI},

	// rd, rs1 and unknown fm are reserved for finer fences: an implementation
	// ignores the former and treats the latter as fm 0.
	{Name: "fence", Match: 0x0000000f, Mask: mFunct3, Format: FmtFence, Op: OpFENCE, Ext: ExtI},
	{Name: "fence.tso", Match: 0x8330000f, Mask: 0xfff0707f, Format: FmtFenceTSO, Op: OpFENCE, Ext: ExtI, Over: "fence"},

	{Name: "ecall", Match: 0x00000073, Mask: mAll, Format: FmtNone, Op: OpECALL, Ext: ExtI},
	{Name: "ebreak", Match: 0x00100073, Mask: mAll, Format: FmtNone, Op: OpEBREAK, Ext: ExtI},
}

// Zifencei. Its other fields are reserved for finer fences and ignored.
var rowsZifencei = []Row{
	{Name: "fence.i", Match: 0x0000100f, Mask: mFunct3, Format: FmtNone, Op: OpFENCEI, Ext: ExtZifencei},
}
