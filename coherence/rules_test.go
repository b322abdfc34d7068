package coherence

import (
	"fmt"
	"slices"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
)

// do is one access of a hart, at cycle 0.
func do(b *Bus, hart int, a Access) Access {
	b.Private(hart).Do(&a, 0)
	return a
}

// The privileged manual promises progress to LR/SC loops (unprivileged ISA,
// section "Eventual Success of Store-Conditional Instructions"). 64 harts
// reserve one line; of their SCs the first to be served succeeds, the others
// fail.
func TestFirstSCWins(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.Name, func(t *testing.T) {
			cfg := testConfig(64)
			cfg.Protocol, cfg.Check = p, true
			b, _ := newMachine(t, cfg, 1<<20)
			for round := range 10 {
				for h := range 64 {
					do(b, h, Access{Op: OpLR, Size: 8, PA: ramBase})
				}
				wins := 0
				for i := range 64 {
					h := (i*7 + round) % 64
					if do(b, h, Access{Op: OpSC, Size: 8, PA: ramBase, Value: uint64(round*64 + h)}).OK {
						wins++
						if i != 0 {
							t.Errorf("round %d: hart %d won as number %d", round, h, i)
						}
					}
				}
				if wins != 1 {
					t.Fatalf("round %d: %d harts won", round, wins)
				}
			}
		})
	}
}

func TestReservation(t *testing.T) {
	const x, y = ramBase, ramBase + 4096
	lr := Access{Op: OpLR, Size: 8, PA: x}
	for _, c := range []struct {
		name  string
		after func(b *Bus)
		want  bool
	}{
		{"nothing", func(*Bus) {}, true},
		{"another reads", func(b *Bus) { do(b, 1, Access{Op: OpLoad, Size: 8, PA: x}) }, true},
		{"another reserves", func(b *Bus) { do(b, 1, lr) }, true},
		{"another writes", func(b *Bus) { do(b, 1, Access{Op: OpStore, Size: 8, PA: x + 8}) }, false},
		{"another writes past the caches", func(b *Bus) { do(b, 1, Access{Op: OpStore, Size: 8, PA: x, Uncached: true}) }, false},
		{"another reads, then writes", func(b *Bus) {
			do(b, 1, Access{Op: OpLoad, Size: 8, PA: x})
			do(b, 1, Access{Op: OpStore, Size: 8, PA: x})
		}, false},
		{"a device writes", func(b *Bus) { b.DMAWrite(2, x+60, []byte{1}, 0) }, false},
		{"a device reads", func(b *Bus) { b.DMARead(2, x+60, make([]byte, 1), 0) }, true},
		{"it writes itself", func(b *Bus) { do(b, 0, Access{Op: OpStore, Size: 8, PA: x}) }, true},
		{"it reserves another line", func(b *Bus) { do(b, 0, Access{Op: OpLR, Size: 8, PA: y}) }, false},
		{"it tries another line", func(b *Bus) { do(b, 0, Access{Op: OpSC, Size: 8, PA: y}) }, false},
		{"it gives up", func(b *Bus) { b.Private(0).DropReservation() }, false},
		{"the line is evicted", evictX, true},
		{"the line is evicted, another reads and writes", func(b *Bus) {
			evictX(b)
			do(b, 1, Access{Op: OpLoad, Size: 8, PA: x}) // must not be Exclusive: the store would be silent
			do(b, 1, Access{Op: OpStore, Size: 8, PA: x})
		}, false},
		{"the line is flushed", func(b *Bus) { do(b, 1, Access{Op: OpFlush, PA: x}) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(2)
			cfg.Check = true
			b, _ := newMachine(t, cfg, 1<<20)
			do(b, 0, lr)
			c.after(b)
			if got := do(b, 0, Access{Op: OpSC, Size: 8, PA: x}).OK; got != c.want {
				t.Errorf("the SC's success is %v", got)
			}
			if do(b, 0, Access{Op: OpSC, Size: 8, PA: x}).OK {
				t.Error("a second SC succeeds")
			}
		})
	}
}

// evictX fills hart 0's set of ramBase with other lines.
func evictX(b *Bus) {
	for i := range 8 {
		do(b, 0, Access{Op: OpLoad, Size: 8, PA: ramBase + addr.PA((i+1)*4096)})
	}
	if b.Private(0).Readable(ramBase) >= 0 {
		panic("the line is still there")
	}
}

// A hart that sleeps in wrs.nto is told when its reserved line is written.
func TestReservationLostWakes(t *testing.T) {
	b, _ := newMachine(t, testConfig(2), 1<<20)
	var woken []int
	b.Wake = func(agent int, _ uint64) { woken = append(woken, agent) }
	do(b, 0, Access{Op: OpLR, Size: 8, PA: ramBase})
	do(b, 1, Access{Op: OpLoad, Size: 8, PA: ramBase})
	if woken != nil {
		t.Fatal("a read ended the reservation")
	}
	do(b, 1, Access{Op: OpStore, Size: 8, PA: ramBase})
	do(b, 1, Access{Op: OpStore, Size: 8, PA: ramBase})
	if !slices.Equal(woken, []int{0}) || b.Private(0).Reserved() {
		t.Errorf("woken %v", woken)
	}
}

// CMO extension: clean and flush bring memory up to date for a device that does
// not snoop; inval lets the hart see what such a device wrote.
func TestCacheBlockOperations(t *testing.T) {
	for _, l2 := range []int{0, 128 << 10} {
		cfg := testConfig(2)
		cfg.Check = true
		if l2 != 0 {
			cfg.L2 = cache.Config{Size: l2, Ways: 8, Line: 64}
		}
		b, d := newMachine(t, cfg, 1<<20)
		word := d.Bytes(ramBase, 8)
		for i, op := range []Op{OpClean, OpFlush} {
			v := uint64(100 + i)
			do(b, 0, Access{Op: OpStore, Size: 8, PA: ramBase, Value: v})
			if get(word, 8) == v {
				t.Fatal("memory has the store's value before it was cleaned")
			}
			do(b, 1, Access{Op: op, PA: ramBase + 3})
			if get(word, 8) != v {
				t.Errorf("op %d: memory has %d, want %d", op, get(word, 8), v)
			}
			if cached := b.Private(0).Readable(ramBase) >= 0; cached != (op == OpClean) {
				t.Errorf("op %d: the line is cached: %v", op, cached)
			}
		}
		do(b, 0, Access{Op: OpLoad, Size: 8, PA: ramBase})
		put(word, 8, 7) // a device behind the caches
		b.cfg.Check = false
		if v := do(b, 0, Access{Op: OpLoad, Size: 8, PA: ramBase}).Result; v == 7 {
			t.Error("the cached copy followed memory")
		}
		do(b, 0, Access{Op: OpInval, PA: ramBase})
		if v := do(b, 0, Access{Op: OpLoad, Size: 8, PA: ramBase}).Result; v != 7 {
			t.Errorf("after cbo.inval the hart reads %d, want 7", v)
		}
	}
}

func TestDevices(t *testing.T) {
	var m Map
	dev := &testDevice{deadline: ^uint64(0)}
	m.Add(Region{Name: "ram", Base: ramBase, Size: 1 << 20})
	m.Add(Region{Name: "dev", Base: 0x1000, Size: 0x1000, Dev: dev})
	d, _ := NewDRAM(testDRAM(), 64, &m)
	b, err := New(testConfig(1), m, d)
	if err != nil {
		t.Fatal(err)
	}
	fault := func(a Access, want bool) {
		t.Helper()
		if got := do(b, 0, a); got.Fault != want {
			t.Errorf("op %d, %d bytes at %#x, uncached %v: fault %v", a.Op, a.Size, uint64(a.PA), a.Uncached, got.Fault)
		}
	}
	fault(Access{Op: OpStore, Size: 8, PA: 0x1000, Value: 42, Uncached: true}, false)
	if v := do(b, 0, Access{Op: OpLoad, Size: 8, PA: 0x1000, Uncached: true}).Result; v != 42 {
		t.Errorf("read %d", v)
	}
	fault(Access{Op: OpLoad, Size: 4, PA: 0x1000, Uncached: true}, true)   // the device has no such register
	fault(Access{Op: OpLoad, Size: 8, PA: 0x1000}, true)                   // cached
	fault(Access{Op: OpAMOAdd, Size: 8, PA: 0x1000, Uncached: true}, true) // no atomics on I/O
	fault(Access{Op: OpLR, Size: 8, PA: 0x1000, Uncached: true}, true)     //
	fault(Access{Op: OpPrefetchR, Size: 8, PA: 0x1000}, false)             // hints never fault
	fault(Access{Op: OpFlush, PA: 0x1000, Uncached: true}, false)          // nothing to flush
	fault(Access{Op: OpLoad, Size: 8, PA: 0x4000_0000}, true)              // a hole
	fault(Access{Op: OpStore, Size: 8, PA: 0x4000_0000, Uncached: true}, true)
	fault(Access{Op: OpZero, PA: 0x4000_0000}, true)
	fault(Access{Op: OpClean, PA: 0x4000_0000}, true)
	if _, ok := b.DMAWrite(1, ramBase-4, make([]byte, 8), 0); ok {
		t.Error("DMA into a hole succeeds")
	}

	// A deadline set by a store fires before the next request that is later.
	fault(Access{Op: OpStore, Size: 8, PA: 0x1008, Value: 500, Uncached: true}, false)
	if b.NextEvent() != 500 {
		t.Errorf("next event at %d", b.NextEvent())
	}
	load(b.Private(0), ramBase, 499)
	if len(dev.fired) != 0 {
		t.Error("fired early")
	}
	load(b.Private(0), ramBase+64, 700)
	if !slices.Equal(dev.fired, []uint64{500}) || b.NextEvent() != ^uint64(0) {
		t.Errorf("fired at %v, next %d", dev.fired, b.NextEvent())
	}
}

// A fence.i-less program sees stale instructions where the L1I is not snooped,
// and new ones where it is.
func TestStaleInstructions(t *testing.T) {
	for _, l2 := range []int{0, 128 << 10} {
		for _, incoherent := range []bool{false, true} {
			t.Run(fmt.Sprintf("L2=%d,incoherent=%v", l2, incoherent), func(t *testing.T) {
				cfg := testConfig(2)
				cfg.IncoherentL1I, cfg.Check = incoherent, true
				if l2 != 0 {
					cfg.L2 = cache.Config{Size: l2, Ways: 8, Line: 64}
				}
				b, _ := newMachine(t, cfg, 1<<20)
				fetch := Access{Op: OpFetch, Size: 4, PA: ramBase}
				for _, writer := range []int{0, 1} {
					do(b, 0, Access{Op: OpStore, Size: 4, PA: ramBase, Value: 1})
					b.Private(0).FenceI()
					do(b, 0, fetch)
					do(b, writer, Access{Op: OpStore, Size: 4, PA: ramBase, Value: 2})
					want := uint64(2)
					if incoherent {
						want = 1
					}
					if v := do(b, 0, fetch).Result; v != want {
						t.Errorf("hart %d wrote, fetched %d, want %d", writer, v, want)
					}
					b.Private(0).FenceI()
					if v := do(b, 0, fetch).Result; v != 2 {
						t.Errorf("hart %d wrote, fetched %d after fence.i", writer, v)
					}
				}
			})
		}
	}
}

func TestArbiter(t *testing.T) {
	var rs []*Request
	for agent := range int32(8) {
		for seq := range uint64(2) {
			rs = append(rs, &Request{Agent: agent, Seq: seq, Cycle: 10})
		}
	}
	rs = append(rs, &Request{Agent: 9, Cycle: 9})
	order := func(seed uint64, rounds int) (all []string) {
		a := Arbiter{Seed: seed}
		for range rounds {
			slices.Reverse(rs) // whatever order they came in
			a.Sort(rs)
			s := ""
			for i, r := range rs {
				s += fmt.Sprint(r.Agent)
				if i > 0 && rs[i-1].Agent == r.Agent && rs[i-1].Seq > r.Seq {
					t.Error("an agent's own requests are out of order")
				}
			}
			if s[0] != '9' {
				t.Errorf("the earliest request is not first: %s", s)
			}
			all = append(all, s)
		}
		return all
	}
	one, again, two := order(1, 4), order(1, 4), order(2, 4)
	if !slices.Equal(one, again) {
		t.Error("the same seed gives another order")
	}
	if slices.Equal(one, two) || one[0] == one[1] && one[1] == one[2] {
		t.Errorf("ties do not change with the seed and the round: %v, %v", one, two)
	}
}

func TestConfigMistakes(t *testing.T) {
	cfg := testConfig(65)
	cfg.Protocol = nil
	cfg.L1D.Ways = 7
	cfg.L1I.Line = 32
	cfg.BusWidth = 0
	cfg.LLC = cache.Config{}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	if n := len(err.(interface{ Unwrap() []error }).Unwrap()); n != 6 {
		t.Errorf("%d mistakes: %v", n, err)
	}
}
