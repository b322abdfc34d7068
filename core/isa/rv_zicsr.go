package isa

// Zicsr: unprivileged manual, chapter "Zicsr".
var rowsZicsr = []Row{
	{Name: "csrrw", Match: 0x00001073, Mask: mFunct3, Format: FmtCSR, Op: OpCSRRW, Ext: ExtZicsr},
	{Name: "csrrs", Match: 0x00002073, Mask: mFunct3, Format: FmtCSR, Op: OpCSRRS, Ext: ExtZicsr},
	{Name: "csrrc", Match: 0x00003073, Mask: mFunct3, Format: FmtCSR, Op: OpCSRRC, Ext: ExtZicsr},
	{Name: "csrrwi", Match: 0x00005073, Mask: mFunct3, Format: FmtCSRI, Op: OpCSRRWI, Ext: ExtZicsr},
	{Name: "csrrsi", Match: 0x00006073, Mask: mFunct3, Format: FmtCSRI, Op: OpCSRRSI, Ext: ExtZicsr},
	{Name: "csrrci", Match: 0x00007073, Mask: mFunct3, Format: FmtCSRI, Op: OpCSRRCI, Ext: ExtZicsr},
}
