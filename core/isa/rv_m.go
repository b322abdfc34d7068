package isa

// M: unprivileged manual, chapter "M".
var rowsM = []Row{
	{Name: "mul", Match: 0x02000033, Mask: mFunct7, Format: FmtR, Op: OpMUL, Ext: ExtM},
	{Name: "mulh", Match: 0x02001033, Mask: mFunct7, Format: FmtR, Op: OpMULH, Ext: ExtM},
	{Name: "mulhsu", Match: 0x02002033, Mask: mFunct7, Format: FmtR, Op: OpMULHSU, Ext: ExtM},
	{Name: "mulhu", Match: 0x02003033, Mask: mFunct7, Format: FmtR, Op: OpMULHU, Ext: ExtM},
	{Name: "div", Match: 0x02004033, Mask: mFunct7, Format: FmtR, Op: OpDIV, Ext: ExtM},
	{Name: "divu", Match: 0x02005033, Mask: mFunct7, Format: FmtR, Op: OpDIVU, Ext: ExtM},
	{Name: "rem", Match: 0x02006033, Mask: mFunct7, Format: FmtR, Op: OpREM, Ext: ExtM},
	{Name: "remu", Match: 0x02007033, Mask: mFunct7, Format: FmtR, Op: OpREMU, Ext: ExtM},
	{Name: "mulw", Match: 0x0200003b, Mask: mFunct7, Format: FmtR, Op: OpMULW, Ext: ExtM},
	{Name: "divw", Match: 0x0200403b, Mask: mFunct7, Format: FmtR, Op: OpDIVW, Ext: ExtM},
	{Name: "divuw", Match: 0x0200503b, Mask: mFunct7, Format: FmtR, Op: OpDIVUW, Ext: ExtM},
	{Name: "remw", Match: 0x0200603b, Mask: mFunct7, Format: FmtR, Op: OpREMW, Ext: ExtM},
	{Name: "remuw", Match: 0x0200703b, Mask: mFunct7, Format: FmtR, Op: OpREMUW, Ext: ExtM},
}
