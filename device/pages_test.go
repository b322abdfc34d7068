package device

import (
	"math/bits"
	"testing"
)

// FuzzIMSIC makes any access to pages of any arrangement: a message goes to a file
// that there is, and it is the one whose page was written (AIA, "Arrangement of the
// memory regions of multiple interrupt files").
func FuzzIMSIC(f *testing.F) {
	f.Add(uint8(4), uint8(0), uint64(0x3000), uint64(7), uint8(4))
	f.Add(uint8(3), uint8(2), uint64(0xb004), uint64(7)<<24, uint8(4))
	f.Add(uint8(64), uint8(63), ^uint64(0), uint64(1), uint8(8))
	f.Fuzz(func(t *testing.T, harts, guests uint8, off, v uint64, size uint8) {
		type message struct {
			hart, guest int
			id          uint32
		}
		var got []message
		m, err := NewIMSIC(int(harts), int(guests), func(hart, guest int, id uint32) { got = append(got, message{hart, guest, id}) })
		if err != nil {
			return
		}
		for _, at := range []uint64{off, off % m.Size(), off % m.Size() &^ 0xffb} {
			got = nil
			ok := m.Write(0, at, int(size), v)
			if value, readable := m.Read(0, at, int(size)); value != 0 || readable != ok {
				t.Errorf("%#x: reads %d, %v", at, value, readable)
			}
			if ok != (size == 4 && at%4 == 0 && at < m.Size()) {
				t.Errorf("%#x of %#x, %d bytes: taken: %v", at, m.Size(), size, ok)
			}
			// A hart's pages are as many as a power of two.
			pages := uint64(1)
			for pages < uint64(guests)+1 {
				pages *= 2
			}
			page := at / 4096
			want := message{int(page / pages), int(page % pages), uint32(v)}
			if at%4096 == 4 {
				want.id = bits.ReverseBytes32(uint32(v))
			}
			there := ok && at%4096 <= 4 && want.hart < int(harts) && want.guest <= int(guests)
			if there != (len(got) == 1) || there && got[0] != want {
				t.Errorf("%#x: %v, want %v: %v", at, got, there, want)
			}
		}
	})
}

// FuzzFinisher makes any access: only a command ends the run, and a failure is one.
func FuzzFinisher(f *testing.F) {
	f.Add(uint64(0), uint64(0x5555), uint8(4))
	f.Add(uint64(0), uint64(0x1_3333), uint8(4))
	f.Add(uint64(0), uint64(0x3333), uint8(8))
	f.Add(uint64(0x1000), uint64(0x7777), uint8(2))
	f.Fuzz(func(t *testing.T, off, v uint64, size uint8) {
		var got []Exit
		d := NewFinisher(func(_ uint64, e Exit) { got = append(got, e) })
		ok := d.Write(5, off, int(size), v)
		if _, readable := d.Read(5, off, int(size)); readable != ok || ok && off >= FinisherSize {
			t.Errorf("%#x, %d bytes: taken: %v, readable: %v", off, size, ok, readable)
		}
		cmd := v & 0xffff
		if ends := ok && off == 0 && (cmd == 0x5555 || cmd == 0x3333 || cmd == 0x7777); ends != (len(got) == 1) {
			t.Fatalf("%#x: %v", v, got)
		}
		if len(got) == 1 && (got[0].Reset != (cmd == 0x7777) || (got[0].Code != 0) != (cmd == 0x3333)) {
			t.Errorf("%#x: %+v", v, got[0])
		}
	})
}
