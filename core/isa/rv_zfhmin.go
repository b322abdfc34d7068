package isa

// Zfhmin: loads, stores, moves and conversions of half precision.
var rowsZfhmin = []Row{
	{Name: "flh", Match: 0x00001007, Mask: mFunct3, Format: FmtFLoad, Op: OpFLH, Ext: ExtZfhmin},
	{Name: "fsh", Match: 0x00001027, Mask: mFunct3, Format: FmtFStore, Op: OpFSH, Ext: ExtZfhmin},
	{Name: "fmv.x.h", Match: 0xe4000053, Mask: mUnary, Format: FmtFToX, Op: OpFMVXH, Ext: ExtZfhmin},
	{Name: "fmv.h.x", Match: 0xf4000053, Mask: mUnary, Format: FmtXToF, Op: OpFMVHX, Ext: ExtZfhmin},
	{Name: "fcvt.s.h", Match: 0x40200053, Mask: mFUnary, Format: FmtFExact, Op: OpFCVTSH, Ext: ExtZfhmin},
	{Name: "fcvt.h.s", Match: 0x44000053, Mask: mFUnary, Format: FmtFUnaryRM, Op: OpFCVTHS, Ext: ExtZfhmin},
	{Name: "fcvt.d.h", Match: 0x42200053, Mask: mFUnary, Format: FmtFExact, Op: OpFCVTDH, Ext: ExtZfhmin | ExtD},
	{Name: "fcvt.h.d", Match: 0x44100053, Mask: mFUnary, Format: FmtFUnaryRM, Op: OpFCVTHD, Ext: ExtZfhmin | ExtD},
}
