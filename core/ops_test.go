package core

import (
	"testing"

	"mcsim/core/isa"
)

// TestEveryOperation executes every row of the instruction table: with all
// extensions on it does not fall to illegal instruction, with one of its own
// off it does (or is the row that it stands over).
func TestEveryOperation(t *testing.T) {
	all := newRig(t)
	all.csr.menvcfg, all.csr.senvcfg = ^uint64(0), ^uint64(0)
	without := map[isa.Extensions]*rig{}
	for _, row := range isa.Rows() {
		inst := row.Match | row.NonZero&-row.NonZero
		if row.Format == isa.FmtCLUI || row.Format == isa.FmtCADDI4SPN {
			inst |= row.NonZero
		}
		if row.Format == isa.FmtCSR || row.Format == isa.FmtCSRI {
			inst |= 0x340 << 20 // mscratch
		}
		if n := all.operationCause(row, inst); n == causeIllegal {
			t.Errorf("%s (%#x) is illegal", row.Name, inst)
		}
		if row.Ext == isa.ExtI || row.Over != "" {
			continue
		}
		off := without[row.Ext]
		if off == nil {
			off = newRig(t, withoutISA(row.Ext&-row.Ext))
			off.csr.menvcfg = ^uint64(0)
			without[row.Ext] = off
		}
		if n := off.operationCause(row, inst); n != causeIllegal || off.csr.mtval != uint64(inst) {
			t.Errorf("%s (%#x) without its extension: cause %d, value %#x", row.Name, inst, n, off.csr.mtval)
		}
	}
}

// operationCause is the exception that one instruction raises, 99 if none.
func (r *rig) operationCause(row isa.Row, inst uint32) uint64 {
	r.setPriv(Machine)
	for i := range r.x {
		r.x[i] = dataAt
	}
	r.csr.mcause = 99
	if !r.exec1(inst) && r.csr.mcause == 99 {
		r.Errorf("%s neither retired nor trapped", row.Name)
	}
	r.csr.wfi, r.wrs = false, false
	return r.csr.mcause
}

// Floating point is illegal while mstatus.FS is Off, and so are its CSRs
// (privileged manual, Extension Context Status).
func TestFloatOff(t *testing.T) {
	r := newRig(t)
	r.x[1] = dataAt
	for _, row := range isa.Rows() {
		if row.Ext&(isa.ExtF|isa.ExtD|isa.ExtZfhmin|isa.ExtZcd) == 0 {
			continue
		}
		r.writeMstatus(0, mstatusFS)
		inst := row.Match
		if row.Mask>>15&31 == 0 && !row.Compressed() {
			inst |= 1 << 15
		}
		r.traps(Machine, inst, causeIllegal, uint64(inst))
		if r.csr.mstatus&mstatusFS != 0 {
			t.Errorf("%s made FS dirty", row.Name)
		}
	}
	for csr := range uint32(3) {
		inst := opCSR("csrrs", 1, 1+csr, 0)
		r.traps(Machine, inst, causeIllegal, uint64(inst))
	}
}

// A reserved rounding mode, static or in frm, is illegal in every instruction
// that has one (unprivileged manual, F, Floating-Point Control and Status).
func TestReservedRounding(t *testing.T) {
	r := newRig(t)
	for _, row := range isa.Rows() {
		if row.Ext&(isa.ExtF|isa.ExtD|isa.ExtZfhmin) == 0 || row.Mask>>12&7 != 0 {
			continue
		}
		for rm := range uint32(8) {
			for frm := range uint8(8) {
				r.frm = frm
				inst := row.Match | rm<<12
				if rm == 5 || rm == 6 || rm == 7 && frm > 4 {
					r.traps(Machine, inst, causeIllegal, uint64(inst))
				} else {
					r.must(inst)
				}
			}
		}
	}
}
