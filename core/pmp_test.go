package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/addr"
)

// refMatch says whether region i matches the byte at pa, as the manual defines
// the modes ("Address Matching").
func refMatch(p *pmp, i int, pa uint64) bool {
	y := pa / 4
	switch p.cfg[i] >> 3 & 3 {
	case 1:
		low := uint64(0)
		if i > 0 {
			low = p.addr[i-1]
		}
		return low <= y && y < p.addr[i]
	case 2:
		return y == p.addr[i]
	case 3:
		a, ignored := p.addr[i], uint64(1)
		for k := 0; k < 54 && a>>k&1 == 1; k++ {
			ignored = ignored*2 + 1
		}
		return (y|ignored)&(1<<54-1) == (a|ignored)&(1<<54-1)
	}
	return false
}

// refPMP decides byte by byte ("Priority and Matching Logic").
func refPMP(p *pmp, pa, n uint64, write, fetch, read, machine bool) bool {
	for i := range p.regions {
		matched := uint64(0)
		for b := range n {
			if refMatch(p, i, pa+b) {
				matched++
			}
		}
		if matched == 0 {
			continue
		}
		if matched < n {
			return false
		}
		c := p.cfg[i]
		if machine && c>>7 == 0 {
			return true
		}
		return (!read || c&1 != 0) && (!write || c&2 != 0) && (!fetch || c&4 != 0)
	}
	return machine || p.regions == 0
}

// randomPMP writes registers that make borders close to each other, and some
// regions that cover everything.
func randomPMP(r *rand.Rand, h *mmuHart) {
	for i := range 16 {
		a := r.Uint64N(1 << 7)
		switch r.IntN(6) {
		case 0:
			a |= 1<<r.IntN(7) - 1
		case 1:
			a = r.Uint64() >> r.IntN(64)
		case 2:
			a = 1<<54 - 1
		case 3:
			a &^= 63
		}
		h.writePMPAddr(i, a)
	}
	for _, i := range []int{0, 2} {
		v := r.Uint64()
		if r.IntN(8) > 0 {
			v &^= 0x8080808080808080
		}
		if r.IntN(2) == 0 { // few regions
			v &= 0xff << (8 * r.IntN(8))
		}
		if r.IntN(3) == 0 {
			v |= 0x0707070707070707
		}
		h.writePMPCfg(i, v)
	}
}

func TestPMPAgainstBytes(t *testing.T) {
	var open, allowed, denied int
	seeded(t, 1000, func(t *testing.T, r *rand.Rand) {
		cfg := smallMMU()
		cfg.PMPRegions = 16
		h := newMMUHart(t, cfg)
		randomPMP(r, h)
		p := &h.mmu.pmp
		for range 60 {
			machine := r.IntN(2) == 0
			kind := accessKind(r.IntN(3))
			pa := r.Uint64N(1 << 9)
			n := uint64(1) << r.IntN(4)
			if r.IntN(8) == 0 {
				n = 1 + r.Uint64N(8)
			}
			if r.IntN(8) == 0 {
				pa = r.Uint64() >> (8 + r.IntN(40))
			}
			want := refPMP(p, pa, n, kind == accStore, kind == accFetch, kind == accLoad, machine)
			view := pmpLower
			if machine {
				view = pmpMachine
			}
			if got := p.kinds(pa, n, view)>>kind&1 != 0; got != want {
				t.Fatalf("%d bytes at %#x, kind %d, machine %v: %v; want %v", n, pa, kind, machine, got, want)
			}
			// No operation crosses a line; bare accesses take the same answer.
			if pa&63+n > 64 {
				continue
			}
			h.priv = Supervisor
			if machine {
				h.priv = Machine
			}
			h.setContext()
			var tr translation
			if got := h.translate(pa, int(n), kind, &tr); got != want {
				t.Fatalf("translate says %v for %d bytes at %#x, kind %d, machine %v; want %v", got, n, pa, kind, machine, want)
			}
			if h.pmpWholeLine(addr.PA(pa), kind) && !want {
				t.Fatalf("the line of %#x is said to be all right for kind %d, machine %v", pa, kind, machine)
			}
			if p.open[view] {
				open++
			} else if want {
				allowed++
			} else {
				denied++
			}
		}
	})
	if !testing.Short() && min(open, allowed, denied) < 1000 {
		t.Errorf("the random regions are one-sided: %d open, %d allowed, %d denied", open, allowed, denied)
	}
}

// TestPMPLocks: "Locking and Privilege Mode". Writes to a locked region's
// registers are ignored until reset, and to the address below a locked TOR.
func TestPMPLocks(t *testing.T) {
	cfg := smallMMU()
	cfg.PMPRegions = 16
	h := newMMUHart(t, cfg)
	h.writePMPAddr(2, 0x100)
	h.writePMPAddr(3, 0x200)
	h.writePMPCfg(0, (pmpL|pmpTOR|pmpR)<<24)
	h.writePMPAddr(3, 0x300)
	h.writePMPAddr(2, 0x300)
	h.writePMPAddr(1, 0x300)
	h.writePMPCfg(0, 0x1f1f1f1f1f)
	for i, want := range []uint64{0, 0x300, 0x100, 0x200} {
		if got := h.readPMPAddr(i); got != want {
			t.Errorf("pmpaddr%d = %#x; want %#x", i, got, want)
		}
	}
	if got := h.readPMPCfg(0); got != 0x1f891f1f1f {
		t.Errorf("pmpcfg0 = %#x", got)
	}
	// Only TOR uses the address before.
	h.writePMPAddr(9, 1)
	h.writePMPCfg(2, (pmpL|pmpNAPOT)<<8)
	h.writePMPAddr(8, 0x500)
	if got := h.readPMPAddr(8); got != 0x500 {
		t.Errorf("pmpaddr8 = %#x", got)
	}
	h.writePMPAddr(9, 2)
	if got := h.readPMPAddr(9); got != 1 {
		t.Errorf("pmpaddr9 = %#x", got)
	}
	// Locked: M-mode may read and no more; region 1 lies above it.
	h.enter(Machine, satpBare, 0)
	h.writePMPCfg(0, 0)
	h.ok(0x400, accLoad, 0x400)
	h.fault(0x400, accStore, causeStoreAccess)
	h.fault(0x7fc, accFetch, causeFetchAccess)
	h.ok(0x800, accStore, 0x800)
}

// TestPMPFields: "Physical Memory Protection CSRs". WPRI bits read as zero, the
// reserved W without R loses W, addresses have 54 bits, region 16 is not there.
func TestPMPFields(t *testing.T) {
	cfg := smallMMU()
	cfg.PMPRegions = 16
	h := newMMUHart(t, cfg)
	h.writePMPCfg(2, 0x60_7a_1b)
	if got := h.readPMPCfg(2); got != 0x00_18_1b {
		t.Errorf("pmpcfg2 = %#x", got)
	}
	h.writePMPAddr(15, ^uint64(0))
	h.writePMPAddr(16, 1)
	h.writePMPCfg(4, 0x1f)
	if a, b, c := h.readPMPAddr(15), h.readPMPAddr(16), h.readPMPCfg(4); a != 1<<54-1 || b != 0 || c != 0 {
		t.Errorf("pmpaddr15 = %#x, pmpaddr16 = %#x, pmpcfg4 = %#x", a, b, c)
	}
}

// TestPMPDefault: S and U may do nothing where no region matches, if there are
// regions at all; M-mode may do everything ("Priority and Matching Logic").
func TestPMPDefault(t *testing.T) {
	cfg := smallMMU()
	for _, regions := range []int{0, 16} {
		cfg.PMPRegions = regions
		h := newMMUHart(t, cfg)
		h.ok(0x1234, accStore, 0x1234)
		h.enter(User, satpBare, 0)
		if regions == 0 {
			h.ok(0x1234, accStore, 0x1234)
		} else {
			h.fault(0x1234, accStore, causeStoreAccess)
			h.fault(0x1234, accCBO, causeStoreAccess)
		}
	}
}

// TestPMPOnPages: a page that a region cuts is checked access by access, also
// out of the TLB, and a change of the registers is seen at once.
func TestPMPOnPages(t *testing.T) {
	cfg := smallMMU()
	cfg.PMPRegions = 16
	h := newMMUHart(t, cfg)
	h.page(0x4000, pte(0x80000000, rwx), 0)
	h.writePMPAddr(0, 0x80000800>>2)
	h.writePMPAddr(1, 1<<54-1)
	h.writePMPCfg(0, pmpNAPOT<<8|7<<8|pmpNA4)
	h.enter(Supervisor, satpSv39, 0)
	for range 2 {
		h.ok(0x47ff, accLoad, 0x800007ff)
		h.fault(0x4801, accLoad, causeLoadAccess)
		h.fault(0x4801, accStore, causeStoreAccess)
		h.fault(0x4801, accFetch, causeFetchAccess)
	}
	if h.pmpWholeLine(0x80000830, accLoad) || !h.pmpWholeLine(0x80000840, accLoad) {
		t.Error("lines of 64 bytes are judged wrongly")
	}
	h.writePMPCfg(0, pmpNAPOT<<8|7<<8)
	h.ok(0x4801, accLoad, 0x80000801)
	h.writePMPCfg(0, pmpNAPOT<<8|5<<8)
	h.ok(0x4801, accLoad, 0x80000801)
	h.fault(0x4000, accStore, causeStoreAccess)
	// A page that lies in one region, which then loses a right.
	h.writePMPAddr(0, 0x90000000>>2)
	h.writePMPCfg(0, (pmpNAPOT|7)<<8|pmpNA4)
	h.ok(0x4801, accStore, 0x80000801)
	h.writePMPCfg(0, (pmpNAPOT|5)<<8|pmpNA4)
	h.fault(0x4000, accStore, causeStoreAccess)
}
