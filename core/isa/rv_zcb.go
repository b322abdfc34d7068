package isa

// Zcb: unprivileged manual, chapter "Zc*". Each needs the extension of what it
// expands to.
var rowsZcb = []Row{
	{Name: "c.lbu", Match: 0x8000, Mask: 0xfc03, Format: FmtCLB, Op: OpLBU, Ext: ExtZcb},
	{Name: "c.lhu", Match: 0x8400, Mask: 0xfc43, Format: FmtCLH, Op: OpLHU, Ext: ExtZcb},
	{Name: "c.lh", Match: 0x8440, Mask: 0xfc43, Format: FmtCLH, Op: OpLH, Ext: ExtZcb},
	{Name: "c.sb", Match: 0x8800, Mask: 0xfc03, Format: FmtCSB, Op: OpSB, Ext: ExtZcb},
	{Name: "c.sh", Match: 0x8c00, Mask: 0xfc43, Format: FmtCSH, Op: OpSH, Ext: ExtZcb},
	{Name: "c.zext.b", Match: 0x9c61, Mask: 0xfc7f, Format: FmtCZEXTB, Op: OpANDI, Ext: ExtZcb},
	{Name: "c.sext.b", Match: 0x9c65, Mask: 0xfc7f, Format: FmtCUnary, Op: OpSEXTB, Ext: ExtZcb | ExtZbb},
	{Name: "c.zext.h", Match: 0x9c69, Mask: 0xfc7f, Format: FmtCUnary, Op: OpZEXTH, Ext: ExtZcb | ExtZbb},
	{Name: "c.sext.h", Match: 0x9c6d, Mask: 0xfc7f, Format: FmtCUnary, Op: OpSEXTH, Ext: ExtZcb | ExtZbb},
	{Name: "c.zext.w", Match: 0x9c71, Mask: 0xfc7f, Format: FmtCUnary, Op: OpADDUW, Ext: ExtZcb | ExtZba},
	{Name: "c.not", Match: 0x9c75, Mask: 0xfc7f, Format: FmtCNOT, Op: OpXORI, Ext: ExtZcb},
	{Name: "c.mul", Match: 0x9c41, Mask: 0xfc63, Format: FmtCA, Op: OpMUL, Ext: ExtZcb | ExtM},
}
