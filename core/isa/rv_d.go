package isa

// D: unprivileged manual, chapter "D".
var rowsD = []Row{
	{Name: "fld", Match: 0x00003007, Mask: mFunct3, Format: FmtFLoad, Op: OpFLD, Ext: ExtD},
	{Name: "fsd", Match: 0x00003027, Mask: mFunct3, Format: FmtFStore, Op: OpFSD, Ext: ExtD},

	{Name: "fmadd.d", Match: 0x02000043, Mask: mFMA, Format: FmtFMA, Op: OpFMADDD, Ext: ExtD},
	{Name: "fmsub.d", Match: 0x02000047, Mask: mFMA, Format: FmtFMA, Op: OpFMSUBD, Ext: ExtD},
	{Name: "fnmsub.d", Match: 0x0200004b, Mask: mFMA, Format: FmtFMA, Op: OpFNMSUBD, Ext: ExtD},
	{Name: "fnmadd.d", Match: 0x0200004f, Mask: mFMA, Format: FmtFMA, Op: OpFNMADDD, Ext: ExtD},

	{Name: "fadd.d", Match: 0x02000053, Mask: mFArith, Format: FmtFRM, Op: OpFADDD, Ext: ExtD},
	{Name: "fsub.d", Match: 0x0a000053, Mask: mFArith, Format: FmtFRM, Op: OpFSUBD, Ext: ExtD},
	{Name: "fmul.d", Match: 0x12000053, Mask: mFArith, Format: FmtFRM, Op: OpFMULD, Ext: ExtD},
	{Name: "fdiv.d", Match: 0x1a000053, Mask: mFArith, Format: FmtFRM, Op: OpFDIVD, Ext: ExtD},
	{Name: "fsqrt.d", Match: 0x5a000053, Mask: mFUnary, Format: FmtFUnaryRM, Op: OpFSQRTD, Ext: ExtD},
	{Name: "fsgnj.d", Match: 0x22000053, Mask: mFunct7, Format: FmtFR, Op: OpFSGNJD, Ext: ExtD},
	{Name: "fsgnjn.d", Match: 0x22001053, Mask: mFunct7, Format: FmtFR, Op: OpFSGNJND, Ext: ExtD},
	{Name: "fsgnjx.d", Match: 0x22002053, Mask: mFunct7, Format: FmtFR, Op: OpFSGNJXD, Ext: ExtD},
	{Name: "fmin.d", Match: 0x2a000053, Mask: mFunct7, Format: FmtFR, Op: OpFMIND, Ext: ExtD},
	{Name: "fmax.d", Match: 0x2a001053, Mask: mFunct7, Format: FmtFR, Op: OpFMAXD, Ext: ExtD},
	{Name: "feq.d", Match: 0xa2002053, Mask: mFunct7, Format: FmtFCompare, Op: OpFEQD, Ext: ExtD},
	{Name: "flt.d", Match: 0xa2001053, Mask: mFunct7, Format: FmtFCompare, Op: OpFLTD, Ext: ExtD},
	{Name: "fle.d", Match: 0xa2000053, Mask: mFunct7, Format: FmtFCompare, Op: OpFLED, Ext: ExtD},
	{Name: "fclass.d", Match: 0xe2001053, Mask: mUnary, Format: FmtFToX, Op: OpFCLASSD, Ext: ExtD},

	{Name: "fcvt.w.d", Match: 0xc2000053, Mask: mFUnary, Format: FmtFToXRM, Op: OpFCVTWD, Ext: ExtD},
	{Name: "fcvt.wu.d", Match: 0xc2100053, Mask: mFUnary, Format: FmtFToXRM, Op: OpFCVTWUD, Ext: ExtD},
	{Name: "fcvt.l.d", Match: 0xc2200053, Mask: mFUnary, Format: FmtFToXRM, Op: OpFCVTLD, Ext: ExtD},
	{Name: "fcvt.lu.d", Match: 0xc2300053, Mask: mFUnary, Format: FmtFToXRM, Op: OpFCVTLUD, Ext: ExtD},
	{Name: "fcvt.d.w", Match: 0xd2000053, Mask: mFUnary, Format: FmtXToFExact, Op: OpFCVTDW, Ext: ExtD},
	{Name: "fcvt.d.wu", Match: 0xd2100053, Mask: mFUnary, Format: FmtXToFExact, Op: OpFCVTDWU, Ext: ExtD},
	{Name: "fcvt.d.l", Match: 0xd2200053, Mask: mFUnary, Format: FmtXToFRM, Op: OpFCVTDL, Ext: ExtD},
	{Name: "fcvt.d.lu", Match: 0xd2300053, Mask: mFUnary, Format: FmtXToFRM, Op: OpFCVTDLU, Ext: ExtD},
	{Name: "fcvt.s.d", Match: 0x40100053, Mask: mFUnary, Format: FmtFUnaryRM, Op: OpFCVTSD, Ext: ExtD},
	{Name: "fcvt.d.s", Match: 0x42000053, Mask: mFUnary, Format: FmtFExact, Op: OpFCVTDS, Ext: ExtD},
	{Name: "fmv.x.d", Match: 0xe2000053, Mask: mUnary, Format: FmtFToX, Op: OpFMVXD, Ext: ExtD},
	{Name: "fmv.d.x", Match: 0xf2000053, Mask: mUnary, Format: FmtXToF, Op: OpFMVDX, Ext: ExtD},
}
