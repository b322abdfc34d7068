package isa

import (
	"slices"
	"sync"
)

// Row describes one instruction: an encoding e is the instruction where
// e&Mask == Match and, if NonZero is not 0, e&NonZero != 0. Compressed rows
// have 16-bit encodings and the Op of the instruction they expand to.
type Row struct {
	Name    string
	Match   uint32
	Mask    uint32
	Format  Format
	Op      Op
	Ext     Extensions // all of them are needed
	NonZero uint32     // the field that must not be zero, where the manual says so
	Over    string     // the row of which this one is a special case that goes first
}

// Compressed reports whether the row describes a 16-bit encoding.
func (r *Row) Compressed() bool { return r.Match&3 != 3 }

// Rows are all instructions, special cases before the rows they stand over.
// The slice is shared: callers only read it.
var Rows = sync.OnceValue(func() []Row {
	rows := slices.Concat(rowsI, rowsZifencei, rowsZicsr, rowsM, rowsA, rowsF, rowsD, rowsZfhmin,
		rowsZba, rowsZbb, rowsZbs, rowsZicond, rowsZicbo, rowsHints, rowsPrivileged, rowsC, rowsZcb)
	slices.SortStableFunc(rows, func(a, b Row) int {
		switch {
		case a.Over != "" && b.Over == "":
			return -1
		case a.Over == "" && b.Over != "":
			return 1
		}
		return 0
	})
	return rows
})

var opNames = sync.OnceValue(func() *[NumOps]string {
	names := &[NumOps]string{OpNone: "none", OpIllegal: "illegal"}
	for _, r := range Rows() {
		if !r.Compressed() && (r.Over == "" || names[r.Op] == "") {
			names[r.Op] = r.Name
		}
	}
	return names
})

// String is the mnemonic of the 32-bit form.
func (op Op) String() string {
	if op >= NumOps {
		return "invalid"
	}
	return opNames()[op]
}
