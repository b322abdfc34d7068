package isa

const (
	mCBO      = 0xfff07fff // all but rs1
	mPrefetch = 0x01f07fff // all but rs1 and the upper immediate
)

// Zicbom, Zicboz and Zicbop: unprivileged manual, chapter "CMO". Without Zicbop
// a prefetch is the ori to x0 over which it stands.
var rowsZicbo = []Row{
	{Name: "cbo.inval", Match: 0x0000200f, Mask: mCBO, Format: FmtCBO, Op: OpCBOINVAL, Ext: ExtZicbom},
	{Name: "cbo.clean", Match: 0x0010200f, Mask: mCBO, Format: FmtCBO, Op: OpCBOCLEAN, Ext: ExtZicbom},
	{Name: "cbo.flush", Match: 0x0020200f, Mask: mCBO, Format: FmtCBO, Op: OpCBOFLUSH, Ext: ExtZicbom},
	{Name: "cbo.zero", Match: 0x0040200f, Mask: mCBO, Format: FmtCBO, Op: OpCBOZERO, Ext: ExtZicboz},
	{Name: "prefetch.i", Match: 0x00006013, Mask: mPrefetch, Format: FmtPrefetch, Op: OpPREFETCHI, Ext: ExtZicbop, Over: "ori"},
	{Name: "prefetch.r", Match: 0x00106013, Mask: mPrefetch, Format: FmtPrefetch, Op: OpPREFETCHR, Ext: ExtZicbop, Over: "ori"},
	{Name: "prefetch.w", Match: 0x00306013, Mask: mPrefetch, Format: FmtPrefetch, Op: OpPREFETCHW, Ext: ExtZicbop, Over: "ori"},
}
