package pci

import (
	"testing"

	"mcsim/addr"
	"mcsim/device"
)

// bus is what functions do DMA to: it remembers messages.
type bus struct{ writes []write }

type write struct {
	pa   addr.PA
	data string
}

func (b *bus) ReadAt(now uint64, _ addr.PA, _ []byte) (uint64, bool) { return now, true }
func (b *bus) WriteAt(now uint64, pa addr.PA, buf []byte) (uint64, bool) {
	b.writes = append(b.writes, write{pa, string(buf)})
	return now, true
}

// scratch is a function with a register in BAR 0.
type scratch struct{ v uint64 }

func (s *scratch) ReadBAR(_ uint64, _ int, off uint64, _ int) (uint64, bool) { return s.v + off, true }
func (s *scratch) WriteBAR(_ uint64, _ int, _ uint64, _ int, v uint64) bool  { s.v = v; return true }

func rig(t *testing.T) (h *Host, f *Function, b *bus, s *scratch, wires *[Pins]bool) {
	t.Helper()
	b, s, wires = &bus{}, &scratch{}, &[Pins]bool{}
	var lines [Pins]device.Line
	for i := range lines {
		lines[i] = func(level bool) { wires[i] = level }
	}
	h = NewHost(lines)
	f = NewFunction(Identity{Vendor: 0x1234, Device: 0x5678, Class: 0x010802, Revision: 3}, s, b)
	f.AddBAR(0, 0x4000, true)
	f.AddMSIX(2, 3)
	if err := h.Add(5, f, nil); err != nil {
		t.Fatal(err)
	}
	return h, f, b, s, wires
}

func at(slot, reg uint64) uint64 { return slot<<15 | reg }

func (e ECAM) r(t *testing.T, off uint64, size int) uint64 {
	t.Helper()
	v, ok := e.Read(0, off, size)
	if !ok {
		t.Fatalf("read of %d bytes at %#x refused", size, off)
	}
	return v
}

func (e ECAM) w(t *testing.T, off uint64, size int, v uint64) {
	t.Helper()
	if !e.Write(0, off, size, v) {
		t.Fatalf("write of %d bytes at %#x refused", size, off)
	}
}

// PCI 3.0, section 6.1, and PCI Express, section 7.2.2: the header by any width;
// nobody answers with all ones.
func TestConfigurationSpace(t *testing.T) {
	h, _, _, _, _ := rig(t)
	e := ECAM{h}
	for _, c := range []struct {
		reg  uint64
		size int
		want uint64
	}{{0, 4, 0x56781234}, {2, 2, 0x5678}, {1, 1, 0x12}, {8, 4, 0x01080203}, {0xb, 1, 1}, {0xe, 1, 0}, {0x3d, 1, 1}, {0x34, 1, 0x40}} {
		if v := e.r(t, at(5, c.reg), c.size); v != c.want {
			t.Errorf("register %#x, %d bytes: %#x, want %#x", c.reg, c.size, v, c.want)
		}
	}
	for _, off := range []uint64{at(6, 0), at(5, 0) | 1<<12, 1<<20 | at(5, 0), 255<<20 | at(31, 0xffc)} {
		if v := e.r(t, off, 4); v != 0xffff_ffff {
			t.Errorf("nobody at %#x answers %#x", off, v)
		}
		e.w(t, off, 4, 1)
	}
	for _, size := range []int{2, 4, 8} {
		if _, ok := e.Read(0, at(5, 1), size); ok {
			t.Errorf("%d bytes at an odd place are read", size)
		}
	}
	e.w(t, at(5, 0), 4, 0)
	if v := e.r(t, at(5, 0), 4); v != 0x56781234 {
		t.Errorf("the identity is written: %#x", v)
	}
	// The list of capabilities ends, and each is there.
	seen := map[uint64]bool{}
	for p, n := e.r(t, at(5, 0x34), 1), 0; p != 0; p, n = e.r(t, at(5, p+1), 1), n+1 {
		if n > 10 || p&3 != 0 {
			t.Fatalf("capability %d is at %#x", n, p)
		}
		seen[e.r(t, at(5, p), 1)] = true
	}
	if !seen[CapExpress] || !seen[CapMSIX] {
		t.Errorf("capabilities %v", seen)
	}
}

// Section 6.2.5.1: software finds a BAR's size by writing ones, places it, and
// turns it on.
func TestBARs(t *testing.T) {
	h, _, _, s, _ := rig(t)
	e, w := ECAM{h}, Window{h, 0x4_0000_0000}
	e.w(t, at(5, 0x10), 4, 0xffff_ffff)
	e.w(t, at(5, 0x14), 4, 0xffff_ffff)
	if lo, hi := e.r(t, at(5, 0x10), 4), e.r(t, at(5, 0x14), 4); lo != 0xffff_c00c || hi != 0xffff_ffff {
		t.Errorf("sizing reads %#x and %#x", lo, hi)
	}
	e.w(t, at(5, 0x10), 4, 0x0000_8000)
	e.w(t, at(5, 0x14), 4, 4)
	w.Write(0, 0x8000, 8, 77)
	if v, _ := w.Read(0, 0x8000, 4); v != 0xffff_ffff || s.v != 0 {
		t.Errorf("without Memory Space Enable: %#x, register %d", v, s.v)
	}
	e.w(t, at(5, 4), 2, 2)
	w.Write(0, 0x8000, 8, 77)
	if v, ok := w.Read(0, 0x8010, 8); v != 77+0x10 || !ok {
		t.Errorf("the BAR reads %d", v)
	}
	if v, ok := w.Read(0, 0xc000, 2); v != 0xffff || !ok {
		t.Errorf("behind the BAR: %#x", v)
	}
}

// Section 6.8.2: vectors are masked after reset; what comes meanwhile is
// pending and sent when the mask goes; the wire stays low.
func TestMSIX(t *testing.T) {
	h, f, b, _, wires := rig(t)
	e, w := ECAM{h}, Window{h, 0x4000_0000}
	e.w(t, at(5, 0x18), 4, 0x4001_0000)
	capability := uint64(f.msix.at)
	if v := e.r(t, at(5, capability+2), 2); v != 2 {
		t.Errorf("message control %#x, want 3 vectors", v)
	}
	e.w(t, at(5, 4), 2, 6)
	f.SetINTx(true)
	if !wires[5%Pins] {
		t.Error("INTx is not driven")
	}
	e.w(t, at(5, capability+2), 2, 1<<15)
	if wires[5%Pins] {
		t.Error("INTx stays high with MSI-X")
	}
	w.Write(0, 0x1_0010, 8, 0x2800_1000)
	w.Write(0, 0x1_0018, 4, 42)
	f.Signal(0, 1)
	if v, _ := w.Read(0, 0x1_0800, 8); v != 2 || len(b.writes) != 0 {
		t.Errorf("masked: pending %#x, %d messages", v, len(b.writes))
	}
	w.Write(0, 0x1_001c, 4, 0)
	if v, _ := w.Read(0, 0x1_0800, 4); v != 0 || len(b.writes) != 1 || b.writes[0] != (write{0x2800_1000, "\x2a\x00\x00\x00"}) {
		t.Errorf("unmasked: pending %#x, messages %v", v, b.writes)
	}
	e.w(t, at(5, capability+2), 2, 1<<15|1<<14) // the whole function is masked
	f.Signal(0, 1)
	if len(b.writes) != 1 {
		t.Error("a masked function sends")
	}
	e.w(t, at(5, capability+2), 2, 1<<15)
	if len(b.writes) != 2 {
		t.Error("what was pending is not sent")
	}
	f.Signal(0, 3)
	f.Signal(0, -1)
	e.w(t, at(5, 4), 2, 2) // no bus master: the message is lost
	f.Signal(0, 1)
	if len(b.writes) != 2 {
		t.Error("a vector that is not, or a function that is no bus master, sends")
	}
}

// INTx wires are shared: one stays high as long as any function holds it.
func TestINTx(t *testing.T) {
	h, f, b, s, wires := rig(t)
	g := NewFunction(Identity{Vendor: 1}, s, b)
	if err := h.Add(9, g, nil); err != nil {
		t.Fatal(err)
	}
	f.SetINTx(true)
	g.SetINTx(true)
	f.SetINTx(false)
	if !wires[1] {
		t.Error("the wire falls while slot 9 holds it")
	}
	if v := (ECAM{h}).r(t, at(9, 6), 2); v&8 == 0 {
		t.Errorf("Interrupt Status is not set: %#x", v)
	}
	(ECAM{h}).w(t, at(9, 4), 2, 1<<10)
	if wires[1] {
		t.Error("Interrupt Disable has no effect")
	}
	if err := h.Add(9, f, nil); err == nil {
		t.Error("two functions in a slot")
	}
}

// FuzzHost makes any accesses: no panic.
func FuzzHost(f *testing.F) {
	f.Add([]byte{5, 0x10, 0xff, 5, 4, 7, 5, 0x80, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		h, fn, _, _, _ := rig(t)
		e, w := ECAM{h}, Window{h, 0x4000_0000}
		for ; len(ops) >= 3; ops = ops[3:] {
			size := 1 << (ops[0] & 3)
			reg := uint64(ops[1])
			if ops[0]&4 != 0 {
				w.Write(0, uint64(ops[1])<<9&^7, size, uint64(ops[2])<<24)
				w.Read(0, uint64(ops[1])<<9&^7, size)
			} else if size < 8 {
				e.Write(0, at(5, reg&^uint64(size-1)), size, uint64(ops[2])*0x0101_0101)
				e.Read(0, at(5, reg&^uint64(size-1)), size)
			}
			fn.Signal(0, int(ops[2]&3))
			fn.SetINTx(ops[2]&1 != 0)
		}
	})
}
