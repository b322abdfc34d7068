package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/core/isa"
)

// CSRs of the AIA.
const (
	cMiselect, cMireg, cMtopei, cMtopi = 0x350, 0x351, 0x35c, 0xfb0
	cSiselect, cSireg, cStopei, cStopi = 0x150, 0x151, 0x15c, 0xdb0
	cMvien, cMvip, cMie, cMideleg      = 0x308, 0x309, 0x304, 0x303
)

func withIMSIC(c *rigConfig) {
	c.hart.ISA |= isa.ExtSmaia | isa.ExtSsaia
	c.hart.InterruptFiles = 2
}

// file writes and reads a register of an interrupt file by its *iselect number.
func (r *rig) setFile(sel uint32, reg uint64, v uint64) {
	r.Helper()
	r.writeCSR(sel, reg)
	r.writeCSR(sel+1, v)
}

func (r *rig) file(sel uint32, reg uint64) uint64 {
	r.Helper()
	r.writeCSR(sel, reg)
	return r.readCSR(sel + 1)
}

// AIA, "Indirectly accessed interrupt-file registers": what each register holds
// (WARL), at both levels.
func TestInterruptFileRegisters(t *testing.T) {
	r := newRig(t, withIMSIC)
	for _, sel := range []uint32{cMiselect, cSiselect} {
		if v := r.file(sel, 0x70); v != 0x40000000 {
			t.Errorf("eidelivery is %#x after reset", v)
		}
		for _, v := range []uint64{0, 1, 0x40000000, 2, 0x40000001, ^uint64(0)} {
			before := r.file(sel, 0x70)
			want := v
			if v != 0 && v != 1 && v != 0x40000000 {
				want = before
			}
			if r.setFile(sel, 0x70, v); r.file(sel, 0x70) != want {
				t.Errorf("eidelivery: %#x reads back as %#x", v, r.file(sel, 0x70))
			}
		}
		r.setFile(sel, 0x72, 255)
		if v := r.file(sel, 0x72); v != 255 {
			t.Errorf("eithreshold holds %d of 255", v)
		}
		for reg := uint64(0x71); reg < 0x80; reg++ {
			if reg == 0x72 {
				continue
			}
			if r.setFile(sel, reg, ^uint64(0)); r.file(sel, reg) != 0 {
				t.Errorf("the reserved register %#x holds something", reg)
			}
		}
		for _, base := range []uint64{0x80, 0xc0} {
			for k := uint64(0); k < 64; k += 2 {
				want := ^uint64(0)
				if k == 0 {
					want--
				} else if k >= 8 {
					want = 0 // identities beyond 255
				}
				if r.setFile(sel, base+k, ^uint64(0)); r.file(sel, base+k) != want {
					t.Errorf("register %#x reads %#x, want %#x", base+k, r.file(sel, base+k), want)
				}
			}
		}
		for reg := uint64(0x30); reg < 0x40; reg += 2 { // iprio: read-only zeros
			if r.setFile(sel, reg, ^uint64(0)); r.file(sel, reg) != 0 {
				t.Errorf("iprio at %#x is written", reg)
			}
		}
		for _, reg := range []uint64{0, 0x2f, 0x31, 0x3f, 0x40, 0x6f, 0x81, 0xbf, 0xc1, 0xff, 0x100} {
			r.writeCSR(sel, reg)
			r.traps(Machine, opCSR("csrrs", 5, sel+1, 0), causeIllegal, uint64(opCSR("csrrs", 5, sel+1, 0)))
		}
	}
}

// Random messages, enables, thresholds and claims against a map of identities:
// the lowest pending and enabled one below the threshold is on top (AIA, "Top
// external interrupt CSRs").
func TestInterruptFileAgainstMap(t *testing.T) {
	seeded(t, 40, func(t *testing.T, rnd *rand.Rand) {
		r := newRig(t, withIMSIC)
		levels := []fileModel{
			{file: FileM, sel: cMiselect, topei: cMtopei, irq: irqMEI, delivery: deliverExternal, pend: map[uint32]bool{}, allow: map[uint32]bool{}},
			{file: FileS, sel: cSiselect, topei: cStopei, irq: irqSEI, delivery: deliverExternal, pend: map[uint32]bool{}, allow: map[uint32]bool{}},
		}
		for range 200 {
			l := &levels[rnd.IntN(2)]
			id := rnd.Uint32N(256)
			switch rnd.IntN(6) {
			case 0, 1:
				r.Message(l.file, id)
				if id != 0 {
					l.pend[id] = true
				}
			case 2:
				reg := 0xc0 + uint64(id/64*2)
				v := r.file(l.sel, reg) ^ 1<<(id%64)
				r.setFile(l.sel, reg, v)
				if id != 0 {
					l.allow[id] = !l.allow[id]
				}
			case 3:
				l.threshold = id
				r.setFile(l.sel, 0x72, uint64(id))
			case 4:
				l.delivery = rnd.Uint64N(2)
				r.setFile(l.sel, 0x70, l.delivery)
			case 5:
				r.writeCSR(l.topei, rnd.Uint64())
				delete(l.pend, l.top())
			}
			r.Message(l.file, 256)
			r.Message(7, 1)
			r.SetInterrupt(l.irq, rnd.IntN(2) == 0) // a wire that the file covers
			for i := range levels {
				l := &levels[i]
				want := l.top()
				if got := r.readCSR(l.topei); got != uint64(want)<<16|uint64(want) {
					t.Fatalf("level %d: topei %#x, want identity %d", i, got, want)
				}
				if got := r.csr.mip>>l.irq&1 != 0; l.delivery != deliverExternal && got != (l.delivery == 1 && want != 0) {
					t.Fatalf("level %d: pending %v with identity %d, delivery %d", i, got, want, l.delivery)
				}
			}
		}
	})
}

// fileModel is an interrupt file as a test keeps it.
type fileModel struct {
	file        int
	sel, topei  uint32
	irq         uint
	pend, allow map[uint32]bool
	threshold   uint32
	delivery    uint64
}

func (l *fileModel) top() uint32 {
	for id := uint32(1); id < 256 && (l.threshold == 0 || id < l.threshold); id++ {
		if l.pend[id] && l.allow[id] {
			return id
		}
	}
	return 0
}

// AIA, "mtopi" and "stopi": the interrupt that would be taken next, by M's and
// S's share; mvien and mvip at their least.
func TestTopInterrupt(t *testing.T) {
	r := newRig(t, withIMSIC)
	r.writeCSR(cMie, 0xaaa)
	r.writeCSR(cMideleg, 0x222)
	if r.readCSR(cMtopi) != 0 || r.readCSR(cStopi) != 0 {
		t.Error("an interrupt out of nothing")
	}
	r.writeMIP(1<<irqSSI|1<<irqSTI, supInterrupts)
	r.SetInterrupt(irqMSI, true)
	if m, s := r.readCSR(cMtopi), r.readCSR(cStopi); m != irqMSI<<16|1 || s != irqSSI<<16|1 {
		t.Errorf("mtopi %#x, stopi %#x", m, s)
	}
	r.setFile(cSiselect, 0x70, 1)
	r.setFile(cSiselect, 0xc0, 1<<9)
	if !r.Message(FileS, 9) {
		t.Error("a message does not end a WFI")
	}
	if s := r.readCSR(cStopi); s != irqSEI<<16|1 {
		t.Errorf("stopi %#x, want the external interrupt", s)
	}
	// csrrw reads and claims at once.
	r.x[6] = 0
	r.must(opCSR("csrrw", 5, cStopei, 6))
	if r.x[5] != 9<<16|9 || r.readCSR(cStopei) != 0 || r.csr.mip>>irqSEI&1 != 0 {
		t.Errorf("claimed %#x", r.x[5])
	}
	r.writeCSR(cMvien, ^uint64(0))
	if v := r.readCSR(cMvien); v != 0 {
		t.Errorf("mvien %#x", v)
	}
	r.writeCSR(cMvip, 1<<irqSEI)
	if r.readCSR(cMvip) != 1<<irqSEI || r.csr.mip>>irqSEI&1 == 0 || r.csr.mip>>irqSSI&1 != 0 {
		t.Errorf("mvip %#x, mip %#x: its bits are mip's", r.readCSR(cMvip), r.csr.mip)
	}
}

// Without an IMSIC there are no interrupt files, and the wires drive mip; without
// the extensions there are no CSRs.
func TestAIAWithoutParts(t *testing.T) {
	r := newRig(t, func(c *rigConfig) { c.hart.ISA |= isa.ExtSmaia | isa.ExtSsaia })
	for _, num := range []uint32{cMtopei, cStopei} {
		r.traps(Machine, opCSR("csrrs", 5, num, 0), causeIllegal, uint64(opCSR("csrrs", 5, num, 0)))
	}
	r.writeCSR(cMiselect, 0x70)
	r.traps(Machine, opCSR("csrrs", 5, cMireg, 0), causeIllegal, uint64(opCSR("csrrs", 5, cMireg, 0)))
	if r.SetInterrupt(irqSEI, true); r.csr.mip>>irqSEI&1 == 0 {
		t.Error("the wire does not drive SEIP")
	}
	r = newRig(t)
	for _, num := range []uint32{cMiselect, cMireg, cMtopei, cMtopi, cSiselect, cSireg, cStopei, cStopi, cMvien, cMvip} {
		r.traps(Machine, opCSR("csrrs", 5, num, 0), causeIllegal, uint64(opCSR("csrrs", 5, num, 0)))
	}
	// With eidelivery at its reset value the wire is heard past the file.
	r = newRig(t, withIMSIC)
	if r.SetInterrupt(irqSEI, true); r.csr.mip>>irqSEI&1 == 0 {
		t.Error("software that knows no IMSIC gets no interrupt from the APLIC")
	}
	r.setFile(cSiselect, 0x70, 0)
	if r.csr.mip>>irqSEI&1 != 0 {
		t.Error("the wire is heard though delivery is off")
	}
}
