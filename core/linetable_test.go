package core

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// A naive account of what the line tables hold: by context and place in the
// table, which line of which slot. A slot is in at most one place.
type refPlace struct {
	ctx int
	idx uint64
}

type refLine struct {
	va       uint64
	slot     int32
	writable bool
}

type refTable map[refPlace]refLine

func (m refTable) keep(ctx int, va uint64, slot int32, writable bool, places uint64) {
	m.drop(slot)
	m[refPlace{ctx, va >> 6 % places}] = refLine{va &^ 63, slot, writable}
}

func (m refTable) drop(slot int32) {
	m.dropIf(func(_ refPlace, l refLine) bool { return l.slot == slot })
}

func (m refTable) dropIf(gone func(refPlace, refLine) bool) {
	for p, l := range m {
		if gone(p, l) {
			delete(m, p)
		}
	}
}

// checkTables compares every entry, and the way back from every slot, with the
// account.
func (h *Hart) checkTables(data, fetch refTable) error {
	t := &h.tab
	found := 0
	for c := range numContexts {
		if t.data[c] == nil {
			t.data[c] = t.lineTable(c)
		}
		if t.fetch[c] == nil {
			t.fetch[c] = t.fetchTable(c)
		}
		for i := range t.data[c] {
			e := &t.data[c][i]
			want, ok := data[refPlace{c, uint64(i)}]
			switch {
			case (e.rtag == noTag && e.wtag == noTag || e.stamp == nil) && !ok:
				continue
			case !ok || e.rtag != want.va || (e.wtag == want.va) != want.writable || e.wtag != want.va && e.wtag != noTag:
				return fmt.Errorf("context %d place %d: %#x, %#x; want %+v", c, i, e.rtag, e.wtag, want)
			case e.data != unsafe.Pointer(&h.l1d.Data[int(want.slot)<<6]) || e.stamp != &h.l1d.Stamp[want.slot]:
				return fmt.Errorf("context %d place %d: not slot %d", c, i, want.slot)
			}
			found++
		}
		for i := range t.fetch[c] {
			e := &t.fetch[c][i]
			want, ok := fetch[refPlace{c, uint64(i)}]
			if (e.tag == noTag || e.stamp == nil) && !ok {
				continue
			}
			if !ok || e.tag != want.va || e.dec != t.blocks.at(t.blocks.ofSlot[want.slot]) || e.stamp != &h.l1i.Stamp[want.slot] {
				return fmt.Errorf("fetch context %d place %d: %#x; want %+v", c, i, e.tag, want)
			}
			found++
		}
	}
	if found != len(data)+len(fetch) {
		return fmt.Errorf("%d entries; want %d and %d", found, len(data), len(fetch))
	}
	return nil
}

// TestLineTables does random operations on the tables and on the account.
func TestLineTables(t *testing.T) {
	h := newRig(t).Hart
	for slot := range h.l1i.Tags {
		h.l1i.Tags[slot] = uint64(slot/h.l1i.Ways() + slot%h.l1i.Ways()*h.l1i.Sets())
	}
	seeded(t, 20, func(t *testing.T, r *rand.Rand) {
		h.flushLines()
		data, fetch := refTable{}, refTable{}
		stamp := new(uint64)
		for step := range 3000 {
			slots := int32(len(h.l1d.Stamp))
			slot := r.Int32N(slots)
			va := r.Uint64N(1<<9)<<6 | r.Uint64N(64)
			if r.IntN(4) == 0 {
				va += 1 << 38
			}
			ctx, fctx := h.tab.dctx, h.tab.fctx
			switch op := r.IntN(20); op {
			case 0:
				h.useContext(r.IntN(numContexts), r.IntN(numContexts))
			case 1, 2, 3, 4, 5:
				w := r.IntN(2) == 0
				h.keepLine(va, slot, w, stamp)
				data.keep(ctx, va, slot, w, lineTableSize)
			case 6, 7, 8, 9:
				h.keepFetch(va, slot, stamp)
				fetch.keep(fctx, va, slot, false, fetchSize)
			case 10, 11:
				h.DropData(slot)
				data.drop(slot)
			case 12:
				h.DowngradeData(slot)
				for p, l := range data {
					if l.slot == slot {
						l.writable = false
						data[p] = l
					}
				}
			case 13:
				h.DropFetch(slot)
				fetch.drop(slot)
			case 14:
				h.FilledFetch(slot)
				fetch.drop(slot)
			case 15, 16, 17, 18:
				size := uint64(4096) << (9 * r.IntN(3))
				which := data
				if op&1 == 0 {
					which = fetch
				}
				h.dropPage(op&1 != 0, va, size)
				which.dropIf(func(_ refPlace, l refLine) bool { return l.va/size == va/size })
			case 19:
				if r.IntN(10) == 0 {
					c := r.IntN(numContexts)
					h.flushContext(c)
					for _, m := range []refTable{data, fetch} {
						m.dropIf(func(p refPlace, _ refLine) bool { return p.ctx == c })
					}
				}
			}
			if step%16 == 0 {
				if err := h.checkTables(data, fetch); err != nil {
					t.Fatalf("step %d: %v", step, err)
				}
			}
		}
	})
}

// A slot that is filled anew has nothing decoded but what its bytes say, and a line
// that execution is in is left when its slot is dropped.
func TestFilledFetch(t *testing.T) {
	r := newRig(t)
	r.code(codeAt, nop, nop, nop)
	r.pc = codeAt
	r.step(2)
	slot := r.mem.Fetchable(codeAt)
	b := &r.tab.blocks
	block := b.ofSlot[slot]
	entry := b.entries(block)[0]
	if entry == 0 || (*step)(unsafe.Add(b.at(block), uintptr(entry)+stepBytes)).op.first() != stepADDI || r.fbase != codeAt {
		t.Fatalf("entry %#x at %#x", entry, r.fbase)
	}
	line := r.l1i.LineData(slot)
	for _, changed := range []bool{false, true} {
		if changed {
			line[0] ^= 0x80 // another register
		}
		r.FilledFetch(slot)
		b.claim(slot, r.l1i.Tags[slot], line)
		if again := b.entries(b.ofSlot[slot])[0]; changed && again != 0 || !changed && again != entry {
			t.Errorf("changed %t: entry %#x was %#x", changed, again, entry)
		}
	}
	if r.fbase == codeAt {
		t.Error("the line is still being executed from")
	}
}
