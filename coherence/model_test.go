package coherence

import (
	"math/rand/v2"
	"testing"

	"mcsim/addr"
)

// naiveCalendar is a set of taken granules.
type naiveCalendar struct {
	taken map[uint64]bool
	gran  uint8
}

func (c *naiveCalendar) reserve(t, dur uint64) uint64 {
	unit := uint64(1) << c.gran
	n := (dur + unit - 1) / unit
	if n == 0 {
		return t
	}
	for g := t / unit; ; g++ {
		free := true
		for i := range n {
			free = free && !c.taken[g+i]
		}
		if !free {
			continue
		}
		for i := range n {
			c.taken[g+i] = true
		}
		return max(t, g*unit)
	}
}

func TestCalendarAgainstNaive(t *testing.T) {
	for _, longest := range []uint64{1, 4, 60, 64, 65, 130, 1000} {
		rng := rand.New(rand.NewPCG(longest, 0))
		c := NewCalendar(longest)
		naive := &naiveCalendar{map[uint64]bool{}, c.gran}
		base := uint64(0)
		for i := range 20000 {
			at := base + rng.Uint64N(3000) // out of order, within a quantum or so
			dur := rng.Uint64N(longest + 1)
			got, want := c.Reserve(at, dur), naive.reserve(at, dur)
			if got != want {
				t.Fatalf("longest %d, reservation %d: %d cycles at %d start at %d, want %d", longest, i, dur, at, got, want)
			}
			base += rng.Uint64N(3 * longest) // one third to all of the capacity
		}
	}
}

func TestCalendarForgetsThePast(t *testing.T) {
	c := NewCalendar(8)
	c.Reserve(1<<20, 8)
	for range 100 {
		if at := c.Reserve(1<<20-calendarWords*64, 8); at != 1<<20-calendarWords*64 {
			t.Fatalf("a time that fell off the ring starts at %d", at)
		}
	}
}

// naiveDRAM is the model in prose: one map for the bytes, lists of rows.
type naiveDRAM struct {
	cfg   DRAMConfig
	rows  map[[2]uint64]uint64 // channel, bank: open row
	epoch map[[2]uint64]uint64
	banks map[[2]uint64]*naiveCalendar
	chans map[uint64]*naiveCalendar
	hits  uint64
}

func (d *naiveDRAM) access(pa, now uint64) uint64 {
	line := pa / 64
	ch := line % uint64(d.cfg.Channels)
	rest := line / uint64(d.cfg.Channels) / uint64(d.cfg.RowBytes/64)
	row := rest / uint64(d.cfg.Banks)
	at := [2]uint64{ch, (rest ^ row) % uint64(d.cfg.Banks)}
	now += d.cfg.Controller / 2
	epoch := now / d.cfg.TREFI
	if in := now % d.cfg.TREFI; in < d.cfg.TRFC {
		now += d.cfg.TRFC - in
	}
	open, ok := d.rows[at]
	ok = ok && d.epoch[at] == epoch
	var prepare uint64
	switch {
	case ok && open == row:
		d.hits++
	case ok:
		prepare = d.cfg.TRP + d.cfg.TRCD
	default:
		prepare = d.cfg.TRCD
	}
	d.rows[at], d.epoch[at] = row, epoch
	if d.banks[at] == nil {
		d.banks[at] = &naiveCalendar{map[uint64]bool{}, NewCalendar(d.cfg.TRP + d.cfg.TRCD + d.cfg.TBurst).gran}
	}
	if d.chans[ch] == nil {
		d.chans[ch] = &naiveCalendar{taken: map[uint64]bool{}}
	}
	command := d.banks[at].reserve(now, prepare+d.cfg.TBurst) + prepare
	return d.chans[ch].reserve(command+d.cfg.TCL, d.cfg.TBurst) + d.cfg.TBurst + (d.cfg.Controller+1)/2
}

func TestDRAMAgainstNaive(t *testing.T) {
	var m Map
	if err := m.Add(Region{Name: "ram", Base: ramBase, Size: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	cfg := testDRAM()
	d, err := NewDRAM(cfg, 64, &m)
	if err != nil {
		t.Fatal(err)
	}
	naive := &naiveDRAM{cfg: cfg, rows: map[[2]uint64]uint64{}, epoch: map[[2]uint64]uint64{},
		banks: map[[2]uint64]*naiveCalendar{}, chans: map[uint64]*naiveCalendar{}}
	rng := rand.New(rand.NewPCG(7, 7))
	values := map[uint64]byte{}
	var base, pa, accesses uint64
	buf := make([]byte, 64)
	for i := range 20000 {
		switch rng.IntN(3) {
		case 0:
			pa = rng.Uint64N(64<<20/64) * 64
		default:
			pa = (pa + 64) % (64 << 20)
		}
		at := base + rng.Uint64N(500)
		base += rng.Uint64N(60)
		var got uint64
		if rng.IntN(2) == 0 {
			values[pa] = byte(i)
			for j := range buf {
				buf[j] = byte(i)
			}
			got = d.WriteLine(nil, ramBase+addr.PA(pa), buf, at)
		} else {
			got = d.ReadLine(nil, ramBase+addr.PA(pa), buf, at)
			if buf[0] != values[pa] || buf[63] != values[pa] {
				t.Fatalf("access %d: read %d, want %d", i, buf[0], values[pa])
			}
		}
		accesses++
		if want := naive.access(ramBase+pa, at); got != want {
			t.Fatalf("access %d to %#x at %d: done at %d, want %d", i, pa, at, got, want)
		}
	}
	if s := d.Stats; s.RowHits != naive.hits || s.RowHits+s.RowMisses != accesses || s.Reads+s.Writes != accesses {
		t.Fatalf("%+v; want %d row hits of %d accesses", s, naive.hits, accesses)
	}
}

func TestMap(t *testing.T) {
	var m Map
	dev := &testDevice{}
	for _, g := range []Region{
		{Name: "ram", Base: ramBase, Size: 1 << 20},
		{Name: "uart", Base: 0x1000_0000, Size: 0x100, Dev: dev},
		{Name: "low", Base: 0x1000, Size: 0x1000},
		{Name: "top", Base: ^addr.PA(0) - 0xfff, Size: 0x1000, Dev: dev},
	} {
		if err := m.Add(g); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range []Region{
		{Name: "none", Base: 0x5000},
		{Name: "wraps", Base: ^addr.PA(0) - 10, Size: 100, Dev: dev},
		{Name: "over", Base: 0x1000_00ff, Size: 1, Dev: dev},
		{Name: "under", Base: 0x0fff_ffff, Size: 2, Dev: dev},
		{Name: "around", Base: 0x7fff_f000, Size: 4 << 20},
		{Name: "ragged", Base: 0x9000_0010, Size: 4096},
	} {
		if m.Add(g) == nil {
			t.Errorf("region %s was accepted", g.Name)
		}
	}
	for _, c := range []struct {
		pa   addr.PA
		size uint64
		want Attr
	}{
		{ramBase, 8, AttrRAM}, {ramBase + 1<<20 - 8, 8, AttrRAM}, {ramBase + 1<<20 - 7, 8, AttrNone}, {ramBase - 1, 1, AttrNone},
		{0x1000_0000, 1, AttrDevice}, {0x1000_00fc, 8, AttrNone}, {0x1ff8, 8, AttrRAM}, {0, 1, AttrNone},
		{^addr.PA(0), 1, AttrDevice}, {^addr.PA(0), 2, AttrNone}, {ramBase, ^uint64(0), AttrNone},
	} {
		if got := m.Attr(c.pa, c.size); got != c.want {
			t.Errorf("Attr(%#x, %d) = %d, want %d", uint64(c.pa), c.size, got, c.want)
		}
	}
}

// testDevice has one 8-byte register and may have a deadline.
type testDevice struct {
	value, deadline uint64
	fired           []uint64
}

func (d *testDevice) Read(_, off uint64, size int) (uint64, bool) {
	return d.value, off == 0 && size == 8
}

func (d *testDevice) Write(_, off uint64, size int, v uint64) bool {
	if off == 8 {
		d.deadline = v
		return true
	}
	d.value = v
	return off == 0 && size == 8
}

func (d *testDevice) Deadline() uint64 { return d.deadline }
func (d *testDevice) Fire(now uint64) {
	d.fired = append(d.fired, now)
	d.deadline = ^uint64(0)
}
