package isa

// Zba: unprivileged manual, chapter "B".
var rowsZba = []Row{
	{Name: "sh1add", Match: 0x20002033, Mask: mFunct7, Format: FmtR, Op: OpSH1ADD, Ext: ExtZba},
	{Name: "sh2add", Match: 0x20004033, Mask: mFunct7, Format: FmtR, Op: OpSH2ADD, Ext: ExtZba},
	{Name: "sh3add", Match: 0x20006033, Mask: mFunct7, Format: FmtR, Op: OpSH3ADD, Ext: ExtZba},
	{Name: "add.uw", Match: 0x0800003b, Mask: mFunct7, Format: FmtR, Op: OpADDUW, Ext: ExtZba},
	{Name: "sh1add.uw", Match: 0x2000203b, Mask: mFunct7, Format: FmtR, Op: OpSH1ADDUW, Ext: ExtZba},
	{Name: "sh2add.uw", Match: 0x2000403b, Mask: mFunct7, Format: FmtR, Op: OpSH2ADDUW, Ext: ExtZba},
	{Name: "sh3add.uw", Match: 0x2000603b, Mask: mFunct7, Format: FmtR, Op: OpSH3ADDUW, Ext: ExtZba},
	{Name: "slli.uw", Match: 0x0800101b, Mask: mShift6, Format: FmtShift6, Op: OpSLLIUW, Ext: ExtZba},
}

// Zbb.
var rowsZbb = []Row{
	{Name: "andn", Match: 0x40007033, Mask: mFunct7, Format: FmtR, Op: OpANDN, Ext: ExtZbb},
	{Name: "orn", Match: 0x40006033, Mask: mFunct7, Format: FmtR, Op: OpORN, Ext: ExtZbb},
	{Name: "xnor", Match: 0x40004033, Mask: mFunct7, Format: FmtR, Op: OpXNOR, Ext: ExtZbb},
	{Name: "min", Match: 0x0a004033, Mask: mFunct7, Format: FmtR, Op: OpMIN, Ext: ExtZbb},
	{Name: "minu", Match: 0x0a005033, Mask: mFunct7, Format: FmtR, Op: OpMINU, Ext: ExtZbb},
	{Name: "max", Match: 0x0a006033, Mask: mFunct7, Format: FmtR, Op: OpMAX, Ext: ExtZbb},
	{Name: "maxu", Match: 0x0a007033, Mask: mFunct7, Format: FmtR, Op: OpMAXU, Ext: ExtZbb},
	{Name: "clz", Match: 0x60001013, Mask: mUnary, Format: FmtUnary, Op: OpCLZ, Ext: ExtZbb},
	{Name: "ctz", Match: 0x60101013, Mask: mUnary, Format: FmtUnary, Op: OpCTZ, Ext: ExtZbb},
	{Name: "cpop", Match: 0x60201013, Mask: mUnary, Format: FmtUnary, Op: OpCPOP, Ext: ExtZbb},
	{Name: "sext.b", Match: 0x60401013, Mask: mUnary, Format: FmtUnary, Op: OpSEXTB, Ext: ExtZbb},
	{Name: "sext.h", Match: 0x60501013, Mask: mUnary, Format: FmtUnary, Op: OpSEXTH, Ext: ExtZbb},
	{Name: "clzw", Match: 0x6000101b, Mask: mUnary, Format: FmtUnary, Op: OpCLZW, Ext: ExtZbb},
	{Name: "ctzw", Match: 0x6010101b, Mask: mUnary, Format: FmtUnary, Op: OpCTZW, Ext: ExtZbb},
	{Name: "cpopw", Match: 0x6020101b, Mask: mUnary, Format: FmtUnary, Op: OpCPOPW, Ext: ExtZbb},
	{Name: "zext.h", Match: 0x0800403b, Mask: mUnary, Format: FmtUnary, Op: OpZEXTH, Ext: ExtZbb},
	{Name: "orc.b", Match: 0x28705013, Mask: mUnary, Format: FmtUnary, Op: OpORCB, Ext: ExtZbb},
	{Name: "rev8", Match: 0x6b805013, Mask: mUnary, Format: FmtUnary, Op: OpREV8, Ext: ExtZbb},
	{Name: "rol", Match: 0x60001033, Mask: mFunct7, Format: FmtR, Op: OpROL, Ext: ExtZbb},
	{Name: "ror", Match: 0x60005033, Mask: mFunct7, Format: FmtR, Op: OpROR, Ext: ExtZbb},
	{Name: "rolw", Match: 0x6000103b, Mask: mFunct7, Format: FmtR, Op: OpROLW, Ext: ExtZbb},
	{Name: "rorw", Match: 0x6000503b, Mask: mFunct7, Format: FmtR, Op: OpRORW, Ext: ExtZbb},
	{Name: "rori", Match: 0x60005013, Mask: mShift6, Format: FmtShift6, Op: OpRORI, Ext: ExtZbb},
	{Name: "roriw", Match: 0x6000501b, Mask: mFunct7, Format: FmtShift5, Op: OpRORIW, Ext: ExtZbb},
}

// Zbs.
var rowsZbs = []Row{
	{Name: "bclr", Match: 0x48001033, Mask: mFunct7, Format: FmtR, Op: OpBCLR, Ext: ExtZbs},
	{Name: "bclri", Match: 0x48001013, Mask: mShift6, Format: FmtShift6, Op: OpBCLRI, Ext: ExtZbs},
	{Name: "bext", Match: 0x48005033, Mask: mFunct7, Format: FmtR, Op: OpBEXT, Ext: ExtZbs},
	{Name: "bexti", Match: 0x48005013, Mask: mShift6, Format: FmtShift6, Op: OpBEXTI, Ext: ExtZbs},
	{Name: "binv", Match: 0x68001033, Mask: mFunct7, Format: FmtR, Op: OpBINV, Ext: ExtZbs},
	{Name: "binvi", Match: 0x68001013, Mask: mShift6, Format: FmtShift6, Op: OpBINVI, Ext: ExtZbs},
	{Name: "bset", Match: 0x28001033, Mask: mFunct7, Format: FmtR, Op: OpBSET, Ext: ExtZbs},
	{Name: "bseti", Match: 0x28001013, Mask: mShift6, Format: FmtShift6, Op: OpBSETI, Ext: ExtZbs},
}
