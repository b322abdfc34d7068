package isa

// mAMO leaves aq and rl out of funct7; mLR has rs2 as well.
const (
	mAMO = 0xf800707f
	mLR  = 0xf9f0707f
)

// A: unprivileged manual, chapter "A" (Zalrsc and Zaamo).
var rowsA = []Row{
	{Name: "lr.w", Match: 0x1000202f, Mask: mLR, Format: FmtLR, Op: OpLRW, Ext: ExtA},
	{Name: "sc.w", Match: 0x1800202f, Mask: mAMO, Format: FmtAMO, Op: OpSCW, Ext: ExtA},
	{Name: "amoswap.w", Match: 0x0800202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOSWAPW, Ext: ExtA},
	{Name: "amoadd.w", Match: 0x0000202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOADDW, Ext: ExtA},
	{Name: "amoxor.w", Match: 0x2000202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOXORW, Ext: ExtA},
	{Name: "amoand.w", Match: 0x6000202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOANDW, Ext: ExtA},
	{Name: "amoor.w", Match: 0x4000202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOORW, Ext: ExtA},
	{Name: "amomin.w", Match: 0x8000202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOMINW, Ext: ExtA},
	{Name: "amomax.w", Match: 0xa000202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOMAXW, Ext: ExtA},
	{Name: "amominu.w", Match: 0xc000202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOMINUW, Ext: ExtA},
	{Name: "amomaxu.w", Match: 0xe000202f, Mask: mAMO, Format: FmtAMO, Op: OpAMOMAXUW, Ext: ExtA},
	{Name: "lr.d", Match: 0x1000302f, Mask: mLR, Format: FmtLR, Op: OpLRD, Ext: ExtA},
	{Name: "sc.d", Match: 0x1800302f, Mask: mAMO, Format: FmtAMO, Op: OpSCD, Ext: ExtA},
	{Name: "amoswap.d", Match: 0x0800302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOSWAPD, Ext: ExtA},
	{Name: "amoadd.d", Match: 0x0000302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOADDD, Ext: ExtA},
	{Name: "amoxor.d", Match: 0x2000302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOXORD, Ext: ExtA},
	{Name: "amoand.d", Match: 0x6000302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOANDD, Ext: ExtA},
	{Name: "amoor.d", Match: 0x4000302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOORD, Ext: ExtA},
	{Name: "amomin.d", Match: 0x8000302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOMIND, Ext: ExtA},
	{Name: "amomax.d", Match: 0xa000302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOMAXD, Ext: ExtA},
	{Name: "amominu.d", Match: 0xc000302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOMINUD, Ext: ExtA},
	{Name: "amomaxu.d", Match: 0xe000302f, Mask: mAMO, Format: FmtAMO, Op: OpAMOMAXUD, Ext: ExtA},
}
