package device

import (
	"fmt"
	"reflect"
	"testing"
)

// aplicRig is two domains with two harts.
type aplicRig struct {
	t           *testing.T
	root, child *APLIC
	wires       [2][2]bool // by level (0 machine), hart
	sent        []string
}

func newAPLICRig(t *testing.T, msi bool) *aplicRig {
	t.Helper()
	r := &aplicRig{t: t}
	domain := func(level int, child *APLIC) *APLIC {
		cfg := APLICConfig{Sources: 40, Harts: 2, Child: child, Root: level == 0, Guests: 3,
			Notify: func(hart int, v bool) { r.wires[level][hart] = v }}
		if msi {
			cfg.Send = func(hart, guest int, id uint32) {
				r.sent = append(r.sent, fmt.Sprintf("%c%d.%d:%d", "MS"[level], hart, guest, id))
			}
		}
		a, err := NewAPLIC(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	r.child = domain(1, nil)
	r.root = domain(0, r.child)
	return r
}

func (r *aplicRig) w(a *APLIC, off uint64, v uint32) {
	r.t.Helper()
	if !a.Write(0, off, 4, uint64(v)) {
		r.t.Fatalf("write at %#x refused", off)
	}
}

func (r *aplicRig) r(a *APLIC, off uint64) uint32 {
	r.t.Helper()
	v, ok := a.Read(0, off, 4)
	if !ok {
		r.t.Fatalf("read at %#x refused", off)
	}
	return uint32(v)
}

// source delegates source i to the child and makes it active there.
func (r *aplicRig) source(i uint64, mode, target uint32) {
	r.t.Helper()
	r.w(r.root, 4*i, 1<<10)
	r.w(r.child, 4*i, mode)
	r.w(r.child, 0x3000+4*i, target)
	r.w(r.child, 0x1edc, uint32(i))
}

// AIA, "Source configurations" and domains: a source is in one domain, and
// inactive ones are read-only zeros.
func TestAPLICDelegation(t *testing.T) {
	r := newAPLICRig(t, false)
	r.w(r.child, 4*5, 6)
	if v := r.r(r.child, 4*5); v != 0 {
		t.Errorf("the child configures a source that it was not given: %#x", v)
	}
	r.w(r.root, 0x3000+4*5, 7)
	r.w(r.root, 0x1edc, 5)
	if r.r(r.root, 0x3000+4*5) != 0 || r.r(r.root, 0x1e00) != 0 {
		t.Error("target or enable bit of an inactive source are written")
	}
	r.source(5, 6, 7)
	if a, b := r.r(r.root, 4*5), r.r(r.child, 4*5); a != 1<<10 || b != 6 {
		t.Errorf("sourcecfg %#x and %#x", a, b)
	}
	r.w(r.child, 4*5, 1<<10)
	if v := r.r(r.child, 4*5); v != 0 {
		t.Errorf("a domain without a child delegates: %#x", v)
	}
	for _, mode := range []uint32{2, 3} {
		if r.w(r.child, 4*5, mode); r.r(r.child, 4*5) != 0 {
			t.Errorf("the reserved mode %d is taken", mode)
		}
	}
	r.source(5, 6, 7)
	r.w(r.root, 4*5, 4)
	if v := r.r(r.child, 4*5); v != 0 {
		t.Errorf("the child keeps a source that was taken back: %#x", v)
	}
	for _, i := range []uint64{0, 41, 1023} {
		if i > 0 {
			r.w(r.root, 4*i, 6)
		}
		r.w(r.root, 0x1cdc, uint32(i))
		if i > 0 && r.r(r.root, 4*i) != 0 {
			t.Errorf("source %d exists", i)
		}
	}
	if v := r.r(r.root, 0); v != 0x80000000 {
		t.Errorf("domaincfg %#x after reset", v)
	}
	if r.w(r.root, 0, 0xffff_ffff); r.r(r.root, 0) != 0x80000100 {
		t.Errorf("domaincfg %#x: without IMSICs there is no MSI mode", r.r(r.root, 0))
	}
}

// AIA, "Precise effects on interrupt-pending bits", row by row: what wire, setip
// and clrip do in each mode of source and domain.
func TestAPLICPending(t *testing.T) {
	const up, down, set, clr = "wire up", "wire down", "setipnum", "clripnum"
	for _, c := range []struct {
		mode uint32
		msi  bool
		do   []string
		want []bool // pending after each
	}{
		{1, false, []string{up, set, down, clr}, []bool{false, true, true, false}}, // Detached
		{4, false, []string{up, clr, down, up}, []bool{true, false, false, true}},  // Edge1
		{4, true, []string{set, clr, up, down}, []bool{true, false, true, true}},
		{5, false, []string{up, down, clr, up, down}, []bool{false, true, false, false, true}}, // Edge0
		{6, false, []string{set, up, clr, down}, []bool{false, true, true, false}},             // Level1: a copy
		{6, true, []string{set, up, clr, set, down, set}, []bool{false, true, false, true, false, false}},
		{7, false, []string{up, down, clr, up}, []bool{false, true, true, false}}, // Level0
		{7, true, []string{up, down, clr, set, up}, []bool{false, true, false, true, false}},
	} {
		r := newAPLICRig(t, true)
		if c.msi {
			r.w(r.child, 0, 1<<2) // not IE: nothing is sent
		}
		r.source(9, c.mode, 0)
		if c.mode == 7 || c.mode == 5 {
			r.root.SetLevel(9, true)
			r.w(r.child, 0x1ddc, 9)
			r.root.SetLevel(9, false)
			r.root.SetLevel(9, true)
			r.w(r.child, 0x1ddc, 9)
		}
		for i, what := range c.do {
			switch what {
			case up, down:
				r.root.SetLevel(9, what == up)
			case set:
				r.w(r.child, 0x1c00, 1<<9)
			case clr:
				r.w(r.child, 0x1ddc, 9)
			}
			if got := r.r(r.child, 0x1c00)>>9&1 != 0; got != c.want[i] {
				t.Errorf("mode %d, msi %v, step %d of %v: pending %v", c.mode, c.msi, i, c.do, got)
			}
		}
	}
}

// AIA, "Interrupt delivery directly by the APLIC".
func TestAPLICDirect(t *testing.T) {
	r := newAPLICRig(t, false)
	c := r.child
	const idc = 0x4000 + 32 // hart 1's
	r.source(3, 6, 1<<18|20)
	r.source(7, 4, 1<<18|10)
	r.source(8, 4, 1<<18) // priority 0 becomes 1
	r.source(9, 4, 5<<18) // nobody's
	r.root.SetLevel(3, true)
	r.root.SetLevel(7, true)
	r.root.SetLevel(9, true)
	if v := r.r(c, idc+0x18); v != 7<<16|10 {
		t.Errorf("topi %#x, want source 7 of priority 10", v)
	}
	if r.wires[1][1] {
		t.Error("delivered without idelivery and IE")
	}
	r.w(c, idc, 1)
	r.w(c, 0, 1<<8)
	if !r.wires[1][1] || r.wires[1][0] || r.wires[0][1] {
		t.Errorf("wires %v", r.wires)
	}
	r.root.SetLevel(8, true)
	if v := r.r(c, 0x3000+4*8); v != 1<<18|1 {
		t.Errorf("target of priority 0 reads %#x", v)
	}
	var got []uint32
	for range 4 {
		got = append(got, r.r(c, idc+0x1c))
	}
	// A level-sensitive source stays, for a claim does not clear it.
	if want := []uint32{8<<16 | 1, 7<<16 | 10, 3<<16 | 20, 3<<16 | 20}; !reflect.DeepEqual(got, want) {
		t.Errorf("claims %#x, want %#x", got, want)
	}
	r.w(c, idc+8, 20) // ithreshold: 20 and above are masked
	if r.wires[1][1] || r.r(c, idc+0x18) != 0 {
		t.Error("the threshold has no effect")
	}
	r.w(c, idc+4, 1)
	if !r.wires[1][1] {
		t.Error("iforce has no effect")
	}
	if r.r(c, idc+0x1c) != 0 || r.wires[1][1] || r.r(c, idc+4) != 0 {
		t.Error("a spurious claim does not clear iforce")
	}
	r.w(c, idc+8, 0)
	r.root.SetLevel(3, false)
	if r.wires[1][1] {
		t.Error("the wire stays high")
	}
}

// AIA, "Interrupt forwarding by MSIs".
func TestAPLICMessages(t *testing.T) {
	r := newAPLICRig(t, true)
	r.w(r.child, 0, 1<<8|1<<2)
	r.source(3, 6, 1<<18|2<<12|30)
	r.source(4, 4, 0<<18|9<<12|31) // there is no guest file 9
	r.source(5, 4, 9<<18|32)       // nor a hart 9
	for _, i := range []int{3, 4, 5} {
		r.root.SetLevel(i, true)
	}
	if want := []string{"S1.2:30", "S0.0:31"}; !reflect.DeepEqual(r.sent, want) {
		t.Errorf("sent %v, want %v", r.sent, want)
	}
	if r.r(r.child, 0x1c00) != 0 {
		t.Error("pending bits stay after the message")
	}
	// "Special consideration for level-sensitive interrupt sources".
	r.sent = nil
	r.w(r.child, 0x2000, 3)
	r.root.SetLevel(3, false)
	r.w(r.child, 0x2000, 3)
	r.root.SetLevel(3, true)
	if want := []string{"S1.2:30", "S1.2:30"}; !reflect.DeepEqual(r.sent, want) {
		t.Errorf("sent %v, want %v", r.sent, want)
	}
	r.sent = nil
	r.w(r.child, 0, 1<<2)
	r.w(r.child, 0x3000, 1<<18|3<<12|77) // genmsi, also without IE
	if want := []string{"S1.0:77"}; !reflect.DeepEqual(r.sent, want) || r.r(r.child, 0x3000) != 0 {
		t.Errorf("genmsi sent %v", r.sent)
	}
	if r.r(r.root, 0x1bc4) != 1<<31 || r.r(r.root, 0x1bc0) != 0 || r.r(r.child, 0x1bc4) != 0 {
		t.Error("message addresses are not locked")
	}
}

// AIA, "Memory region for an interrupt file" and its arrangement.
func TestIMSICPages(t *testing.T) {
	var got []string
	m, err := NewIMSIC(3, 2, func(hart, guest int, id uint32) { got = append(got, fmt.Sprintf("%d.%d:%d", hart, guest, id)) })
	if err != nil {
		t.Fatal(err)
	}
	if m.Size() != 4*4*4096 || m.GuestBits() != 2 {
		t.Errorf("%#x bytes, %d guest bits", m.Size(), m.GuestBits())
	}
	for _, w := range []struct{ off, v uint64 }{
		{0, 1}, {4, 0x0200_0000}, {0x2000, 3}, {0x3000, 4}, {0x8000, 5}, {0xc000, 6}, {8, 7}, {0xffc, 8},
	} {
		if !m.Write(0, w.off, 4, w.v) {
			t.Errorf("write at %#x refused", w.off)
		}
	}
	if want := []string{"0.0:1", "0.0:2", "0.2:3", "2.0:5"}; !reflect.DeepEqual(got, want) {
		t.Errorf("messages %v, want %v", got, want)
	}
	for _, a := range []struct {
		off  uint64
		size int
	}{{0, 1}, {0, 8}, {2, 4}, {m.Size(), 4}} {
		if m.Write(0, a.off, a.size, 1) {
			t.Errorf("%d bytes at %#x are taken", a.size, a.off)
		}
	}
	if v, ok := m.Read(0, 0, 4); v != 0 || !ok {
		t.Error("pages read as zero")
	}
}

// FuzzAPLIC makes any accesses in both domains; the state stays what the manual
// allows.
func FuzzAPLIC(f *testing.F) {
	f.Add([]byte{0, 0, 1, 3, 1, 0, 6, 7, 0, 1, 9, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		r := newAPLICRig(t, len(ops)&1 != 0)
		domains := [2]*APLIC{r.root, r.child}
		for ; len(ops) >= 4; ops = ops[4:] {
			a := domains[ops[0]&1]
			off := uint64(ops[0]>>1&7)<<12 | uint64(ops[1])<<4&0xfff | uint64(ops[1]&3)<<2
			if ops[0]&0x80 != 0 {
				r.root.SetLevel(int(ops[1]), ops[2]&1 != 0)
			} else if off < APLICSize {
				a.Write(0, off, 4, uint64(ops[2])|uint64(ops[3])<<8|uint64(ops[3])<<18)
				a.Read(0, off, 4)
			}
			r.sent = nil
			for k, a := range domains {
				for i := range a.st.Sources {
					s := &a.st.Sources[i]
					if !s.active() && (s.Pending || s.Enabled || s.Target != 0) {
						t.Fatalf("domain %d: inactive source %d is %+v", k, i, *s)
					}
					if s.level() && s.Pending && !s.input() || s.level() && !a.msi() && s.Pending != s.input() {
						t.Fatalf("domain %d: level-sensitive source %d is %+v", k, i, *s)
					}
					if s.active() && k == 1 && r.root.st.Sources[i].Config != 1<<10 {
						t.Fatalf("source %d is active in both domains", i)
					}
				}
			}
		}
	})
}
