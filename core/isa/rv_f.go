package isa

// Masks of floating-point operations whose funct3 is a rounding mode.
const (
	mFMA    = 0x0600007f // opcode and fmt; rs3 is an operand
	mFArith = 0xfe00007f
	mFUnary = 0xfff0007f // and rs2
)

// F: unprivileged manual, chapter "F".
var rowsF = []Row{
	{Name: "flw", Match: 0x00002007, Mask: mFunct3, Format: FmtFLoad, Op: OpFLW, Ext: ExtF},
	{Name: "fsw", Match: 0x00002027, Mask: mFunct3, Format: FmtFStore, Op: OpFSW, Ext: ExtF},

	{Name: "fmadd.s", Match: 0x00000043, Mask: mFMA, Format: FmtFMA, Op: OpFMADDS, Ext: ExtF},
	{Name: "fmsub.s", Match: 0x00000047, Mask: mFMA, Format: FmtFMA, Op: OpFMSUBS, Ext: ExtF},
	{Name: "fnmsub.s", Match: 0x0000004b, Mask: mFMA, Format: FmtFMA, Op: OpFNMSUBS, Ext: ExtF},
	{Name: "fnmadd.s", Match: 0x0000004f, Mask: mFMA, Format: FmtFMA, Op: OpFNMADDS, Ext: ExtF},

	{Name: "fadd.s", Match: 0x00000053, Mask: mFArith, Format: FmtFRM, Op: OpFADDS, Ext: ExtF},
	{Name: "fsub.s", Match: 0x08000053, Mask: mFArith, Format: FmtFRM, Op: OpFSUBS, Ext: ExtF},
	{Name: "fmul.s", Match: 0x10000053, Mask: mFArith, Format: FmtFRM, Op: OpFMULS, Ext: ExtF},
	{Name: "fdiv.s", Match: 0x18000053, Mask: mFArith, Format: FmtFRM, Op: OpFDIVS, Ext: ExtF},
	{Name: "fsqrt.s", Match: 0x58000053, Mask: mFUnary, Format: FmtFUnaryRM, Op: OpFSQRTS, Ext: ExtF},
	{Name: "fsgnj.s", Match: 0x20000053, Mask: mFunct7, Format: FmtFR, Op: OpFSGNJS, Ext: ExtF},
	{Name: "fsgnjn.s", Match: 0x20001053, Mask: mFunct7, Format: FmtFR, Op: OpFSGNJNS, Ext: ExtF},
	{Name: "fsgnjx.s", Match: 0x20002053, Mask: mFunct7, Format: FmtFR, Op: OpFSGNJXS, Ext: ExtF},
	{Name: "fmin.s", Match: 0x28000053, Mask: mFunct7, Format: FmtFR, Op: OpFMINS, Ext: ExtF},
	{Name: "fmax.s", Match: 0x28001053, Mask: mFunct7, Format: FmtFR, Op: OpFMAXS, Ext: ExtF},
	{Name: "feq.s", Match: 0xa0002053, Mask: mFunct7, Format: FmtFCompare, Op: OpFEQS, Ext: ExtF},
	{Name: "flt.s", Match: 0xa0001053, Mask: mFunct7, Format: FmtFCompare, Op: OpFLTS, Ext: ExtF},
	{Name: "fle.s", Match: 0xa0000053, Mask: mFunct7, Format: FmtFCompare, Op: OpFLES, Ext: ExtF},
	{Name: "fclass.s", Match: 0xe0001053, Mask: mUnary, Format: FmtFToX, Op: OpFCLASSS, Ext: ExtF},

	{Name: "fcvt.w.s", Match: 0xc0000053, Mask: mFUnary, Format: FmtFToXRM, Op: OpFCVTWS, Ext: ExtF},
	{Name: "fcvt.wu.s", Match: 0xc0100053, Mask: mFUnary, Format: FmtFToXRM, Op: OpFCVTWUS, Ext: ExtF},
	{Name: "fcvt.l.s", Match: 0xc0200053, Mask: mFUnary, Format: FmtFToXRM, Op: OpFCVTLS, Ext: ExtF},
	{Name: "fcvt.lu.s", Match: 0xc0300053, Mask: mFUnary, Format: FmtFToXRM, Op: OpFCVTLUS, Ext: ExtF},
	{Name: "fcvt.s.w", Match: 0xd0000053, Mask: mFUnary, Format: FmtXToFRM, Op: OpFCVTSW, Ext: ExtF},
	{Name: "fcvt.s.wu", Match: 0xd0100053, Mask: mFUnary, Format: FmtXToFRM, Op: OpFCVTSWU, Ext: ExtF},
	{Name: "fcvt.s.l", Match: 0xd0200053, Mask: mFUnary, Format: FmtXToFRM, Op: OpFCVTSL, Ext: ExtF},
	{Name: "fcvt.s.lu", Match: 0xd0300053, Mask: mFUnary, Format: FmtXToFRM, Op: OpFCVTSLU, Ext: ExtF},
	{Name: "fmv.x.w", Match: 0xe0000053, Mask: mUnary, Format: FmtFToX, Op: OpFMVXW, Ext: ExtF},
	{Name: "fmv.w.x", Match: 0xf0000053, Mask: mUnary, Format: FmtXToF, Op: OpFMVWX, Ext: ExtF},
}
