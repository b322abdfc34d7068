package isa

import (
	"math/bits"
	"testing"
)

// No encoding has two rows, unless one of them says that it stands over the other.
func TestRowsDoNotOverlap(t *testing.T) {
	rows := Rows()
	for i, a := range rows {
		if a.Match&^a.Mask != 0 {
			t.Errorf("%s: match %#x outside of mask %#x", a.Name, a.Match, a.Mask)
		}
		for _, b := range rows[i+1:] {
			if a.Compressed() != b.Compressed() || !overlap(a, b) {
				continue
			}
			if a.Over != b.Name || a.Mask|b.Mask != a.Mask || a.Mask == b.Mask {
				t.Errorf("%s and %s overlap", a.Name, b.Name)
			}
		}
	}
}

func overlap(a, b Row) bool {
	if !a.Compressed() {
		return (a.Match^b.Match)&a.Mask&b.Mask == 0
	}
	for raw := range uint32(1 << 16) {
		if a.matches(raw) && b.matches(raw) {
			return true
		}
	}
	return false
}

func TestRowsAreComplete(t *testing.T) {
	names, specials := map[string]bool{}, 0
	base := [NumOps]int{}
	for _, r := range Rows() {
		if names[r.Name] {
			t.Errorf("two rows named %s", r.Name)
		}
		names[r.Name] = true
		if r.Over != "" {
			specials++
		}
		if !r.Compressed() {
			base[r.Op]++
		}
		if (r.Format >= firstCompressed) != r.Compressed() && r.Format != FmtNone {
			t.Errorf("%s: format %d is for the other length", r.Name, r.Format)
		}
		if r.Ext == 0 || bits.Len64(uint64(r.Ext&^AllExtensions)) != 0 {
			t.Errorf("%s: extensions %#x", r.Name, uint64(r.Ext))
		}
	}
	for op := OpNone; op < NumOps; op++ {
		switch {
		case op <= OpIllegal && base[op] != 0:
			t.Errorf("%v has a row", op)
		case op > OpIllegal && base[op] == 0:
			t.Errorf("operation %d has no row", op)
		case base[op] > 1 && op != OpFENCE: // fence and fence.tso
			t.Errorf("%v has %d rows", op, base[op])
		}
		if op.String() == "" {
			t.Errorf("operation %d has no name", op)
		}
	}
	for _, r := range Rows() {
		if r.Over != "" && !names[r.Over] {
			t.Errorf("%s stands over %q, which is no row", r.Name, r.Over)
		}
	}
	t.Logf("%d rows, %d of them special cases, %d operations", len(Rows()), specials, NumOps-OpIllegal-1)
}

// matches is the definition that Row's comment gives.
func (r *Row) matches(raw uint32) bool {
	return raw&r.Mask == r.Match && (r.NonZero == 0 || raw&r.NonZero != 0)
}
