package core

import "math/bits"

// Interrupt files of a hart's IMSIC (AIA, "Incoming MSI Controller").
const (
	FileM = 0 // machine level
	FileS = 1 // supervisor level; guest n's is FileS+n

	// MaxIdentity is the highest identity of an interrupt.
	MaxIdentity = 255
)

// deliverExternal is the value of eidelivery with which the APLIC's wire takes
// the file's place. Reset chooses it, for software that knows no IMSIC.
const deliverExternal = 0x4000_0000

// intFile is an interrupt file. The hart owns it while it runs and the bus, which
// brings it messages, while the hart is parked.
type intFile struct {
	delivery, threshold uint32
	eip, eie            [(MaxIdentity + 1) / 64]uint64
}

// top is the identity of the highest priority, which is the lowest number, that
// is pending, enabled and below the threshold; 0 if none is.
func (f *intFile) top() uint32 {
	for w := range f.eip {
		if m := f.eip[w] & f.eie[w]; m != 0 {
			id := uint32(64*w + bits.TrailingZeros64(m))
			if f.threshold != 0 && id >= f.threshold {
				return 0
			}
			return id
		}
	}
	return 0
}

// topei is what mtopei and stopei read as: the identity, which is its priority
// too.
func (f *intFile) topei() uint64 { return uint64(f.top()) * 0x10001 }

// claim clears what topei says.
func (f *intFile) claim() {
	id := f.top()
	f.eip[id/64] &^= 1 << (id % 64)
}

// level is what the file drives, given the wire from outside.
func (f *intFile) level(wire bool) bool {
	switch f.delivery {
	case 1:
		return f.top() != 0
	case deliverExternal:
		return wire
	}
	return false
}

// word finds a register of the eip or eie array, by the number in *iselect. On
// RV64 only those with even numbers exist.
func (f *intFile) word(sel uint64) (w *uint64, exists bool) {
	array := &f.eip
	if sel >= 0xc0 {
		array = &f.eie
	}
	i := sel & 0x3f / 2
	if i >= uint64(len(array)) {
		return nil, sel&1 == 0
	}
	return &array[i], sel&1 == 0
}

// readFile and writeFile access a register of file i as *ireg does, sel being in
// 0x70 to 0xff.
func (h *Hart) readFile(i int, sel uint64) uint64 {
	f := &h.files[i]
	switch {
	case sel == 0x70:
		return uint64(f.delivery)
	case sel == 0x72:
		return uint64(f.threshold)
	case sel >= 0x80:
		if w, _ := f.word(sel); w != nil {
			return *w
		}
	}
	return 0
}

func (h *Hart) writeFile(i int, sel, v uint64) {
	f := &h.files[i]
	switch {
	case sel == 0x70:
		// Guest files have no wire beside them.
		if v <= 1 || v == deliverExternal && i <= FileS {
			f.delivery = uint32(v)
		}
	case sel == 0x72:
		f.threshold = uint32(v) & MaxIdentity
	case sel >= 0x80:
		if w, _ := f.word(sel); w != nil {
			*w = v
			if sel&0x3f == 0 {
				*w &^= 1 // identity 0 does not exist
			}
		}
	}
	h.updateFiles()
}

// updateFiles drives MEIP and SEIP.
func (h *Hart) updateFiles() {
	c := &h.csr
	wires := c.wires
	for i, irq := range [...]uint{FileM: irqMEI, FileS: irqSEI} {
		level := c.outer>>irq&1 != 0
		if len(h.files) > 0 {
			level = h.files[i].level(level)
		}
		wires &^= 1 << irq
		if level {
			wires |= 1 << irq
		}
	}
	if wires != c.wires {
		c.wires = wires
		h.updateMIP()
	}
}

// Message sets an identity of an interrupt file pending: what a write to its
// seteipnum register does. The bus calls it in its serial phase. It returns true
// if the hart now has an interrupt that would end a WFI. What does not exist is
// ignored.
func (h *Hart) Message(file int, id uint32) bool {
	if file < 0 || file >= len(h.files) || id == 0 || id > MaxIdentity {
		return false
	}
	h.files[file].eip[id/64] |= 1 << (id % 64)
	h.updateFiles()
	return h.csr.mip&h.csr.mie != 0
}
