package isa

// Fields of 16-bit encodings that must not be zero.
const (
	cRd      = 0x0f80 // rd, or rs1 of the jumps
	cRs2     = 0x007c
	cImm6    = 0x107c // the immediate of CI
	cImmADDI = 0x1fe0 // the immediate of c.addi4spn
)

// C: unprivileged manual, chapter "C", tables "RVC opcode map" and listings of
// the three quadrants. What is reserved there matches no row; HINTs are what they
// expand to with rd x0. c.nop is c.addi to x0.
var rowsC = []Row{
	// Quadrant 0.
	{Name: "c.addi4spn", Match: 0x0000, Mask: 0xe003, Format: FmtCADDI4SPN, Op: OpADDI, Ext: ExtZca, NonZero: cImmADDI},
	{Name: "c.fld", Match: 0x2000, Mask: 0xe003, Format: FmtCFLD, Op: OpFLD, Ext: ExtZcd},
	{Name: "c.lw", Match: 0x4000, Mask: 0xe003, Format: FmtCLW, Op: OpLW, Ext: ExtZca},
	{Name: "c.ld", Match: 0x6000, Mask: 0xe003, Format: FmtCLD, Op: OpLD, Ext: ExtZca},
	{Name: "c.fsd", Match: 0xa000, Mask: 0xe003, Format: FmtCFSD, Op: OpFSD, Ext: ExtZcd},
	{Name: "c.sw", Match: 0xc000, Mask: 0xe003, Format: FmtCSW, Op: OpSW, Ext: ExtZca},
	{Name: "c.sd", Match: 0xe000, Mask: 0xe003, Format: FmtCSD, Op: OpSD, Ext: ExtZca},

	// Quadrant 1.
	{Name: "c.addi", Match: 0x0001, Mask: 0xe003, Format: FmtCI, Op: OpADDI, Ext: ExtZca},
	{Name: "c.addiw", Match: 0x2001, Mask: 0xe003, Format: FmtCI, Op: OpADDIW, Ext: ExtZca, NonZero: cRd},
	{Name: "c.li", Match: 0x4001, Mask: 0xe003, Format: FmtCLI, Op: OpADDI, Ext: ExtZca},
	{Name: "c.addi16sp", Match: 0x6101, Mask: 0xef83, Format: FmtCADDI16SP, Op: OpADDI, Ext: ExtZca, NonZero: cImm6, Over: "c.lui"},
	{Name: "c.lui", Match: 0x6001, Mask: 0xe003, Format: FmtCLUI, Op: OpLUI, Ext: ExtZca, NonZero: cImm6},
	{Name: "c.srli", Match: 0x8001, Mask: 0xec03, Format: FmtCShift, Op: OpSRLI, Ext: ExtZca},
	{Name: "c.srai", Match: 0x8401, Mask: 0xec03, Format: FmtCShift, Op: OpSRAI, Ext: ExtZca},
	{Name: "c.andi", Match: 0x8801, Mask: 0xec03, Format: FmtCANDI, Op: OpANDI, Ext: ExtZca},
	{Name: "c.sub", Match: 0x8c01, Mask: 0xfc63, Format: FmtCA, Op: OpSUB, Ext: ExtZca},
	{Name: "c.xor", Match: 0x8c21, Mask: 0xfc63, Format: FmtCA, Op: OpXOR, Ext: ExtZca},
	{Name: "c.or", Match: 0x8c41, Mask: 0xfc63, Format: FmtCA, Op: OpOR, Ext: ExtZca},
	{Name: "c.and", Match: 0x8c61, Mask: 0xfc63, Format: FmtCA, Op: OpAND, Ext: ExtZca},
	{Name: "c.subw", Match: 0x9c01, Mask: 0xfc63, Format: FmtCA, Op: OpSUBW, Ext: ExtZca},
	{Name: "c.addw", Match: 0x9c21, Mask: 0xfc63, Format: FmtCA, Op: OpADDW, Ext: ExtZca},
	{Name: "c.j", Match: 0xa001, Mask: 0xe003, Format: FmtCJ, Op: OpJAL, Ext: ExtZca},
	{Name: "c.beqz", Match: 0xc001, Mask: 0xe003, Format: FmtCB, Op: OpBEQ, Ext: ExtZca},
	{Name: "c.bnez", Match: 0xe001, Mask: 0xe003, Format: FmtCB, Op: OpBNE, Ext: ExtZca},

	// Quadrant 2.
	{Name: "c.slli", Match: 0x0002, Mask: 0xe003, Format: FmtCSLLI, Op: OpSLLI, Ext: ExtZca},
	{Name: "c.fldsp", Match: 0x2002, Mask: 0xe003, Format: FmtCFLDSP, Op: OpFLD, Ext: ExtZcd},
	{Name: "c.lwsp", Match: 0x4002, Mask: 0xe003, Format: FmtCLWSP, Op: OpLW, Ext: ExtZca, NonZero: cRd},
	{Name: "c.ldsp", Match: 0x6002, Mask: 0xe003, Format: FmtCLDSP, Op: OpLD, Ext: ExtZca, NonZero: cRd},
	{Name: "c.jr", Match: 0x8002, Mask: 0xf07f, Format: FmtCJR, Op: OpJALR, Ext: ExtZca, NonZero: cRd},
	{Name: "c.mv", Match: 0x8002, Mask: 0xf003, Format: FmtCMV, Op: OpADD, Ext: ExtZca, NonZero: cRs2},
	{Name: "c.ebreak", Match: 0x9002, Mask: 0xffff, Format: FmtNone, Op: OpEBREAK, Ext: ExtZca},
	{Name: "c.jalr", Match: 0x9002, Mask: 0xf07f, Format: FmtCJALR, Op: OpJALR, Ext: ExtZca, NonZero: cRd},
	{Name: "c.add", Match: 0x9002, Mask: 0xf003, Format: FmtCADD, Op: OpADD, Ext: ExtZca, NonZero: cRs2},
	{Name: "c.fsdsp", Match: 0xa002, Mask: 0xe003, Format: FmtCFSDSP, Op: OpFSD, Ext: ExtZcd},
	{Name: "c.swsp", Match: 0xc002, Mask: 0xe003, Format: FmtCSWSP, Op: OpSW, Ext: ExtZca},
	{Name: "c.sdsp", Match: 0xe002, Mask: 0xe003, Format: FmtCSDSP, Op: OpSD, Ext: ExtZca},
}
