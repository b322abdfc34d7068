package isa

// Zicond: conditional zero.
var rowsZicond = []Row{
	{Name: "czero.eqz", Match: 0x0e005033, Mask: mFunct7, Format: FmtR, Op: OpCZEROEQZ, Ext: ExtZicond},
	{Name: "czero.nez", Match: 0x0e007033, Mask: mFunct7, Format: FmtR, Op: OpCZERONEZ, Ext: ExtZicond},
}
