package device

import (
	"reflect"
	"testing"
)

// pins records what the ACLINT drives.
type pins struct {
	soft   []bool
	timer  []uint64
	offset uint64
}

func newPins(harts int) *pins {
	p := &pins{soft: make([]bool, harts), timer: make([]uint64, harts)}
	for i := range p.timer {
		p.timer[i] = ^uint64(0)
	}
	return p
}

func (p *pins) SetSoftware(h int, level bool) { p.soft[h] = level }
func (p *pins) SetTimer(h int, cycle uint64)  { p.timer[h] = cycle }
func (p *pins) SetTimeOffset(offset uint64)   { p.offset = offset }
func (p *pins) mtip(h int, now uint64) bool   { return now >= p.timer[h] }

func newACLINT(t testing.TB, harts int, divider uint64) (*ACLINT, *pins) {
	t.Helper()
	p := newPins(harts)
	a, err := NewACLINT(harts, divider, p)
	if err != nil {
		t.Fatal(err)
	}
	return a, p
}

// ACLINT 1.0-rc4, "Machine-level Software Interrupt Device": only the lowest
// bit of an MSIP register is there.
func TestACLINTSoftware(t *testing.T) {
	a, p := newACLINT(t, 3, 10)
	mustWrite(t, a, 0, 8, 4, ^uint64(0))
	wantRead(t, a, 0, 8, 4, 1)
	mustWrite(t, a, 0, 0, 8, 1<<32) // harts 0 and 1 at once
	if want := []bool{false, true, true}; !reflect.DeepEqual(p.soft, want) {
		t.Errorf("MSIP lines %v, want %v", p.soft, want)
	}
	wantRead(t, a, 0, 0, 8, 1<<32)
	mustWrite(t, a, 0, 12, 4, 1) // no such hart
	wantRead(t, a, 0, 12, 4, 0)
	mustWrite(t, a, 0, 8, 4, 2)
	if p.soft[2] {
		t.Error("MSIP of hart 2 is high after a write of 2")
	}
}

// ACLINT 1.0-rc4, "Machine-level Timer Device": MTIP is high from the tick on
// at which mtime is not below mtimecmp.
func TestACLINTTimer(t *testing.T) {
	a, p := newACLINT(t, 2, 10)
	wantRead(t, a, 109, aclintMTime, 8, 10)
	mustWrite(t, a, 109, aclintMTimeCmp+8, 8, 20)
	if p.timer[1] != 200 {
		t.Errorf("timer of hart 1 at cycle %d, want 200", p.timer[1])
	}
	mustWrite(t, a, 109, aclintMTimeCmp+8, 8, 10)
	if p.timer[1] != 0 {
		t.Errorf("timer of hart 1 at cycle %d, want 0: it is due", p.timer[1])
	}
	mustWrite(t, a, 109, aclintMTimeCmp, 4, 5)
	wantRead(t, a, 109, aclintMTimeCmp, 8, 0xffffffff_00000005)
	wantRead(t, a, 109, aclintMTimeCmp+4, 4, 0xffffffff)
	if p.timer[0] != ^uint64(0) {
		t.Errorf("timer of hart 0 at cycle %d, want never: it is beyond the last cycle", p.timer[0])
	}
	mustWrite(t, a, 115, aclintMTime, 8, 1000)
	wantRead(t, a, 119, aclintMTime, 8, 1000)
	wantRead(t, a, 120, aclintMTime, 8, 1001)
	if p.offset != 1000-11 {
		t.Errorf("offset %d, want %d", p.offset, 1000-11)
	}
	wantFaults(t, a, 0, 0, 1, 2, 3, 5, 16)
	wantFaults(t, a, 2, 4)
	wantFaults(t, a, aclintMTime+4, 8)
	wantFaults(t, a, aclintEnd, 4, 8)
	wantFaults(t, a, ^uint64(3), 4)
}

// A clock that counts every cycle, as the hardware does, against the times
// that the device works out.
func TestACLINTAgainstCountedClock(t *testing.T) {
	rng := seeded(t)
	for range 200 {
		divider := 1 + rng.Uint64N(7)
		a, p := newACLINT(t, 2, divider)
		mtime, cmp := uint64(0), [2]uint64{^uint64(0), ^uint64(0)}
		for now := uint64(0); now < 400; now++ {
			if now > 0 && now%divider == 0 {
				mtime++
			}
			if now >= a.Deadline() {
				a.Fire(now)
			}
			if rng.IntN(20) == 0 {
				near := mtime + rng.Uint64N(20) - 5
				if h := rng.IntN(3); h < 2 {
					cmp[h] = near
					mustWrite(t, a, now, aclintMTimeCmp+8*uint64(h), 8, near)
				} else {
					mtime = []uint64{near, -rng.Uint64N(9), rng.Uint64()}[rng.IntN(3)]
					mustWrite(t, a, now, aclintMTime, 8, mtime)
				}
			}
			wantRead(t, a, now, aclintMTime, 8, mtime)
			for h := range cmp {
				if got, want := p.mtip(h, now), mtime >= cmp[h]; got != want {
					t.Fatalf("cycle %d, divider %d: MTIP of hart %d is %v; mtime %#x, mtimecmp %#x", now, divider, h, got, mtime, cmp[h])
				}
			}
			if now/divider+p.offset != mtime {
				t.Fatalf("cycle %d: time CSR %#x, mtime %#x", now, now/divider+p.offset, mtime)
			}
		}
	}
}

func TestACLINTRefuses(t *testing.T) {
	for _, harts := range []int{-1, 0, 65} {
		if _, err := NewACLINT(harts, 1, nil); err == nil {
			t.Errorf("%d harts: no error", harts)
		}
		if _, err := NewSSWI(harts, nil); err == nil {
			t.Errorf("sswi with %d harts: no error", harts)
		}
	}
	if _, err := NewACLINT(1, 0, nil); err == nil {
		t.Error("divider 0: no error")
	}
	a, _ := newACLINT(t, 2, 1)
	b, _ := newACLINT(t, 1, 1)
	if err := tryCopyState(t, a, b); err == nil {
		t.Error("state of another machine: no error")
	}
}

// ACLINT 1.0-rc4, "Supervisor-level Software Interrupt Device".
func TestSSWI(t *testing.T) {
	var got []int
	s, err := NewSSWI(3, func(h int) { got = append(got, h) })
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, 0, 8, 4, 1)
	mustWrite(t, s, 0, 4, 4, 2) // bit 0 is clear
	mustWrite(t, s, 0, 0, 8, 1<<32|1)
	mustWrite(t, s, 0, 12, 4, 1) // no such hart
	wantRead(t, s, 0, 8, 4, 0)
	if want := []int{2, 0, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("interrupts to harts %v, want %v", got, want)
	}
	wantFaults(t, s, 0, 1, 2)
	wantFaults(t, s, SSWISize, 4)
}

func FuzzACLINT(f *testing.F) {
	for _, p := range programs(4) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, p := newACLINT(t, 5, 3)
		now := uint64(0)
		for _, o := range program(data) {
			now += o.skip
			off := o.off % (ACLINTSize + 64)
			if a.Write(now, off, o.size, o.v) != wordAccessBelow(off, o.size, aclintEnd) {
				t.Fatalf("write of %d bytes at %#x", o.size, off)
			}
			if _, ok := a.Read(now, off, o.size); ok != wordAccessBelow(off, o.size, aclintEnd) {
				t.Fatalf("read of %d bytes at %#x", o.size, off)
			}
			if now >= a.Deadline() {
				a.Fire(now)
			}
			for h, cmp := range a.st.MTimeCmp {
				if p.mtip(h, now) != (a.Time(now) >= cmp) || p.soft[h] != a.st.MSIP[h] {
					t.Fatalf("cycle %d: lines of hart %d do not follow its registers", now, h)
				}
			}
		}
		b, _ := newACLINT(t, 5, 3)
		if copyState(t, a, b); !reflect.DeepEqual(a, withPins(b, p)) {
			t.Fatalf("restored differently\n%+v\n%+v", a, b)
		}
	})
}

func withPins(a *ACLINT, p *pins) *ACLINT {
	a.pins = p
	return a
}

func wordAccessBelow(off uint64, size int, end uint64) bool {
	return (size == 4 || size == 8) && off%uint64(size) == 0 && off < end
}
