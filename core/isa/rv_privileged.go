package isa

const mSFence = 0xfe007fff // all but rs1 and rs2

// The privileged manual's instructions, chapters "Machine-Level ISA",
// "Supervisor-Level ISA" and "Svinval".
var rowsPrivileged = []Row{
	{Name: "sret", Match: 0x10200073, Mask: mAll, Format: FmtNone, Op: OpSRET, Ext: ExtI},
	{Name: "mret", Match: 0x30200073, Mask: mAll, Format: FmtNone, Op: OpMRET, Ext: ExtI},
	{Name: "wfi", Match: 0x10500073, Mask: mAll, Format: FmtNone, Op: OpWFI, Ext: ExtI},
	{Name: "sfence.vma", Match: 0x12000073, Mask: mSFence, Format: FmtSFence, Op: OpSFENCEVMA, Ext: ExtI},
	{Name: "sinval.vma", Match: 0x16000073, Mask: mSFence, Format: FmtSFence, Op: OpSINVALVMA, Ext: ExtSvinval},
	{Name: "sfence.w.inval", Match: 0x18000073, Mask: mAll, Format: FmtNone, Op: OpSFENCEWINVAL, Ext: ExtSvinval},
	{Name: "sfence.inval.ir", Match: 0x18100073, Mask: mAll, Format: FmtNone, Op: OpSFENCEINVALIR, Ext: ExtSvinval},
}
