package machine_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"mcsim/machine"
)

// Every hart of 64 increments one word 20 times in a constrained LR/SC loop, and
// the last to arrive powers the machine off: SCs succeed often enough under
// every protocol, also where the line is evicted by everything else
// (unprivileged manual, "Eventual Success of Store-Conditional Instructions").
func TestConstrainedLoopsMakeProgress(t *testing.T) {
	const harts, times = 64, 20
	code := []uint32{
		lui(a1, 0x80010), slli(a1, a1, 32), // clear the upper half: lui sign-extends
		iType(0x13, 5, a1, a1, 32), // srli
		addi(a2, zero, times),
		// loop:
		lr(a3, a1),
		addi(a3, a3, 1),
		sc(a4, a1, a3),
		bne(a4, zero, -12),
		addi(a2, a2, -1),
		bne(a2, zero, -20),
		// All done?
		addi(a4, zero, harts*times/2),
		slli(a4, a4, 1),
		beq(a3, a4, 8),
		wfi,
	}
	code = append(code, powerOff()...)
	direct := []string{
		"machine.l1d.size=256", "machine.l1d.ways=1", "machine.l1i.size=256", "machine.l1i.ways=1",
		"machine.llc.size=256", "machine.llc.ways=1", "machine.llc.banks=1", "machine.store_buffer.depth=0",
	}
	for _, protocol := range []string{"MSI", "MESI", "MOESI", "MESIF"} {
		for _, c := range []struct {
			name string
			set  []string
		}{
			{"default", nil},
			{"direct-mapped", direct},
			{"direct-mapped, quantum 10", join(direct, []string{"machine.quantum=10"})},
			{"not inclusive", []string{"machine.llc.inclusive=false", "machine.evictions=announced"}},
			{"L2", join(direct, []string{"machine.l2.size=512", "machine.l2.ways=1", "machine.llc.size=512"})},
		} {
			j := job{guest: "lrsc64", image: assemble(code...), harts: harts,
				set: append(c.set, "machine.protocol="+protocol), limits: limits{Cycles: 3e6}}
			o := j.run(t)
			what := fmt.Sprintf("%s, %s", protocol, c.name)
			var b [8]byte
			if err := o.m.ReadMemory(machine.RAMBase+0x10000, b[:]); err != nil {
				t.Fatal(err)
			}
			if n := binary.LittleEndian.Uint64(b[:]); o.Reason != "exit" || n != harts*times {
				t.Errorf("%s: %q after %d cycles, %d of %d increments: %v", what, o.Reason, o.Cycles, n, harts*times, o.err)
			}
			// An increment takes a few line transfers, not more.
			if perIncrement := o.Cycles / (harts * times); perIncrement > 1500 {
				t.Errorf("%s: %d cycles per increment", what, perIncrement)
			}
			t.Logf("%s: %d cycles, %d SCs failed", what, o.Cycles, o.count(t, "bus.failed_sc"))
		}
	}
}
