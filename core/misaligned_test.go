package core

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMisalignedCounts runs the same accesses on two machines, one of which has its
// line tables emptied before each, so that it goes the slow way: values, clocks
// and all that replacement goes by must agree. Lines are few enough to be evicted,
// and pages too.
func TestMisalignedCounts(t *testing.T) {
	names := []string{"ld", "lw", "lwu", "lh", "lhu", "sd", "sw", "sh"}
	for _, buffer := range []int{0, 4} {
		seeded(t, 15, func(t *testing.T, rnd *rand.Rand) {
			noPMP := func(c *rigConfig) { c.hart.PMPRegions = 0 } // S may do everything
			fast := rnd.IntN(3) == 0
			machines := []*rig{newRig(t, withStores(buffer), noPMP), newRig(t, withStores(buffer), noPMP)}
			for _, r := range machines {
				for i, n := range names {
					if n[0] == 'l' {
						r.code(codeAt+uint64(4*i), opI(n, 5, 1, 0))
					} else {
						r.code(codeAt+uint64(4*i), opS(n, 2, 1, 0))
					}
				}
				r.identityPages()
				r.SetFast(fast)
			}
			for step := range 3000 {
				i, v := rnd.IntN(len(names)), rnd.Uint64()
				va := dataAt + rnd.Uint64N(12)<<12 + rnd.Uint64N(128)
				if rnd.IntN(2) == 0 {
					va = dataAt + 4096 - 64 + rnd.Uint64N(120)
				}
				for _, r := range machines {
					r.x[1], r.x[2], r.pc = va, v, codeAt+uint64(4*i)
				}
				machines[1].ForgetLines()
				for _, r := range machines {
					r.step(1)
				}
				a, b := machines[0], machines[1]
				if a.x[5] != b.x[5] || a.Clock() != b.Clock() || !slices.Equal(a.l1d.Stamp, b.l1d.Stamp) ||
					!slices.Equal(stampsOf(&a.mmu.dtlb), stampsOf(&b.mmu.dtlb)) {
					t.Fatalf("buffer %d, step %d: %s at %#x differs by the line table", buffer, step, names[i], va)
				}
			}
		})
	}
}

func stampsOf(t *tlb) (stamps []uint64) {
	for i := range t.entries {
		stamps = append(stamps, t.entries[i].stamp)
	}
	return stamps
}

// identityPages puts the rig in S-mode, under a page table that maps the pages of
// code and data to themselves.
func (r *rig) identityPages() {
	const root, mid, leaf = ramBase + 0x20_0000, ramBase + 0x20_1000, ramBase + 0x20_2000
	r.poke64(root+ramBase>>30*8, mid>>12<<ptePPNShift|pteV)
	r.poke64(mid, leaf>>12<<ptePPNShift|pteV)
	for i := range uint64(512) {
		r.poke64(leaf+8*i, (ramBase>>12+i)<<ptePPNShift|pteV|pteR|pteW|pteX|pteA|pteD)
	}
	r.priv = Supervisor
	r.mmu.writeSATP(satpSv39<<satpModeShift | root>>12)
}
