package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/addr"
	"mcsim/coherence"
)

// flat is an OS without translation.
type flat struct{}

func (flat) Fault(uint64) bool                  { return false }
func (flat) Canonical(va uint64) (uint64, bool) { return va, true }
func (flat) Physical(va uint64) (addr.PA, bool) { return addr.PA(va), true }

// driven is a rig whose harts are driven, and checked by an oracle.
func driven(t *testing.T, harts int, change ...func(*rigConfig)) (*rig, []*Driver, *coherence.Oracle) {
	t.Helper()
	r := newRig(t, append(change, func(c *rigConfig) { c.bus.Harts, c.hart.PMPRegions = harts, 0 })...)
	o := coherence.NewOracle(ramBase, ramSize, r.l1d.Shift())
	r.bus.SetOracle(o)
	var ds []*Driver
	for i, h := range r.harts {
		d := NewDriver(h, DriveConfig{OS: flat{}, Oracle: o})
		d.UseBare(uint16(7 + i))
		d.Version = uint64(i+1) << 48
		ds = append(ds, d)
	}
	return r, ds, o
}

// Requests are made on behalf of the VM that the driver works for.
func TestDrivenRequestsCarryTheVMID(t *testing.T) {
	r, ds, _ := driven(t, 2)
	var seen []uint16
	for i := range ds {
		p := &r.bus.Private(i).Port
		p.Park = func(q *coherence.Request) {
			seen = append(seen, q.VMID)
			r.bus.Serve(q)
		}
	}
	for i, d := range ds {
		if n, why := d.Run([]Ref{{VA: dataAt + 64*uint64(i), Size: 8, Op: RefLoad, Work: 1}}, 1000); n != 1 || why != StopRefs {
			t.Fatal(n, why)
		}
	}
	if len(seen) != 2 || seen[0] != 7 || seen[1] != 8 {
		t.Errorf("VMIDs %v, want 7 and 8", seen)
	}
}

// A load behind a store that waits in the store buffer is answered by it, and
// the oracle learns of the store when it leaves.
func TestDrivenStoresWait(t *testing.T) {
	_, ds, o := driven(t, 1, func(c *rigConfig) { c.hart.StoreQueue = 8 })
	d := ds[0]
	h := d.Hart()
	word := func() uint64 { return o.Words[(dataAt-ramBase)/8] }
	if n, _ := d.Run([]Ref{{VA: dataAt + 4, Size: 24, Op: RefStore, Work: 1}}, 2); n != 1 || h.sbCount != 1 || word() != 0 {
		t.Fatalf("%d done, %d wait, the word is %#x", n, h.sbCount, word())
	}
	if v := h.sbForward(dataAt+8, 8, 0); v != 1<<48+1 {
		t.Errorf("%#x is forwarded", v)
	}
	d.Run([]Ref{{VA: dataAt + 16, Size: 8, Op: RefLoad, Work: 1}}, 500)
	d.Drain()
	for i := range uint64(4) { // bytes 4 to 27
		if got := o.Words[(dataAt-ramBase)/8+i]; got != 1<<48+1 {
			t.Errorf("word %d is %#x", i, got)
		}
	}
	if stale, n := h.mem.StaleReads(); n != 0 {
		t.Error(stale)
	}
}

// Random references of harts in turn, without any protocol mistake, are never
// stale; and they are counted as accesses of the lines that they touch.
func TestDrivenHartsAgree(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 1))
		_, ds, _ := driven(t, 3, func(c *rigConfig) {
			if seed%2 == 1 {
				c.hart.StoreQueue = 4
			}
		})
		lines := make([]uint64, len(ds))
		end := uint64(0)
		for range 3000 {
			end += 50
			i := rng.IntN(len(ds))
			r := Ref{VA: dataAt + rng.Uint64N(16<<10), Size: uint16(1 + rng.IntN(100)), Op: RefLoad + RefOp(rng.IntN(2)), Work: 1}
			lines[i] += (r.VA+uint64(r.Size)-1)/64 - r.VA/64 + 1
			if n, why := ds[i].Run([]Ref{r}, max(end, ds[i].Hart().Clock()+50)); n != 1 {
				t.Fatal(why)
			}
		}
		for i, d := range ds {
			d.Drain()
			if stale, n := d.Hart().mem.StaleReads(); n != 0 {
				t.Errorf("seed %d, hart %d: %v", seed, i, stale[0])
			}
			if n := d.Hart().l1d.Clock; n != lines[i] {
				t.Errorf("seed %d, hart %d: %d accesses, want %d", seed, i, n, lines[i])
			}
		}
	}
}
