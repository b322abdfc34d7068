package isa

// Zihintpause and Zawrs. Without Zihintpause a pause is a fence that orders nothing.
var rowsHints = []Row{
	{Name: "pause", Match: 0x0100000f, Mask: mAll, Format: FmtNone, Op: OpPAUSE, Ext: ExtZihintpause, Over: "fence"},
	{Name: "wrs.nto", Match: 0x00d00073, Mask: mAll, Format: FmtNone, Op: OpWRSNTO, Ext: ExtZawrs},
	{Name: "wrs.sto", Match: 0x01d00073, Mask: mAll, Format: FmtNone, Op: OpWRSSTO, Ext: ExtZawrs},
}
