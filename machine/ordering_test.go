package machine_test

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"testing"

	"mcsim/machine"
)

var weak = regexp.MustCompile(`(?m)^  (\d+) of (\d+) show the weak outcome`)

// The machine is TSO: stores wait in the store buffer while later loads run, so
// the SB shape shows its weak outcome, and without a store buffer it never
// does. MP, LB and IRIW never show theirs: the buffer is first in, first out,
// loads run in order, and a store is seen by all others at once. What RVWMO
// forbids makes the guest fail.
func TestMemoryOrder(t *testing.T) {
	const sb, mp, lb, iriw = 1 << 0, 1 << 3, 1 << 7, 1 << 10
	for _, depth := range []int{0, 1, 8} {
		for _, c := range []struct {
			name string
			set  []string
		}{
			{"plain", nil},
			{"quantum 20", []string{"machine.quantum=20"}},
			{"MOESI, jitter", []string{"machine.protocol=MOESI", "machine.jitter=40", "machine.quantum=50"}},
			{"tiny MSI", join(tiny(32), []string{"machine.protocol=MSI", "machine.quantum=100"})},
		} {
			for _, shape := range []struct {
				name string
				bit  uint64
			}{{"SB", sb}, {"MP", mp}, {"LB", lb}, {"IRIW", iriw}} {
				o := job{guest: "litmus", harts: 4, words: map[string]uint64{"iterations": 512, "shapes": shape.bit},
					set: append([]string{fmt.Sprintf("machine.store_buffer.depth=%d", depth)}, c.set...)}.run(t)
				o.mustEnd(t)
				m := weak.FindStringSubmatch(o.console)
				if m == nil || m[2] != "512" || o.ExitCode != 0 {
					t.Fatalf("%s, %s, depth %d:\n%s", shape.name, c.name, depth, o.console)
				}
				if may := shape.bit == sb && depth > 0; may != (m[1] != "0") {
					t.Errorf("%s, %s, depth %d: %s of %s weak", shape.name, c.name, depth, m[1], m[2])
				}
			}
		}
	}
}

// forwarding stores and loads overlapping pieces of a line that is not in the
// cache, and leaves what the loads saw in memory from a1 on.
func forwarding() []uint32 {
	code := []uint32{
		auipc(a0, 0x10), auipc(a1, 0x20), auipc(a2, 0x30), // data, results, another page
		lui(t0, 0x12345), addi(t0, t0, 0x678), slli(t1, t0, 32), add(t0, t0, t1), // 0x1234567812345678
		addi(t1, zero, -1), addi(t2, zero, 0x5a),
	}
	out := 0
	keep := func(reg uint32) { code = append(code, sd(reg, a1, out)); out += 8 }
	emit := func(w ...uint32) { code = append(code, w...) }
	emit(sd(t0, a0, 0), ld(a3, a0, 0))
	keep(a3) // the same doubleword
	emit(store(0, t2, a0, 3), ld(a3, a0, 0))
	keep(a3) // a byte over a waiting doubleword
	emit(store(1, t1, a0, 7), ld(a3, a0, 4))
	keep(a3) // half of a halfword that lies across two doublewords
	emit(load(5, a3, a0, 7))
	keep(a3) // all of it
	emit(store(2, t1, a0, 62), load(5, a3, a0, 64), load(4, a4, a0, 62))
	keep(a3) // a store across two lines
	keep(a4)
	emit(amoadd(a3, a0, t2))
	keep(a3) // an AMO drains the buffer first
	emit(sd(zero, a2, 0), sd(t0, a2, 64), fence(fenceRW, fenceRW), ld(a3, a2, 0))
	keep(a3)
	emit(lr(a3, a2), sd(t2, a2, 0), sc(a4, a2, t1), ld(a5, a2, 0))
	keep(a3)
	keep(a5)
	return append(code, powerOff()...)
}

// A hart sees its own stores in order, in every overlap, wherever they wait:
// the results are those of a machine without a store buffer.
func TestStoreForwarding(t *testing.T) {
	const results = 10
	run := func(set ...string) []uint64 {
		o := job{image: assemble(forwarding()...), harts: 1, check: true, set: set}.run(t)
		o.mustEnd(t)
		b := make([]byte, 8*results)
		if err := o.m.ReadMemory(machine.RAMBase+0x20004, b); err != nil {
			t.Fatal(err)
		}
		var list []uint64
		for ; len(b) > 0; b = b[8:] {
			list = append(list, binary.LittleEndian.Uint64(b))
		}
		return list
	}
	want := []uint64{ // by hand
		0x1234567812345678, 0x123456785a345678, 0xffff345678, 0xffff, 0xffff, 0xff,
		0xff3456785a345678, 0, 0, 0x5a,
	}
	for _, depth := range []string{"0", "1", "2", "8"} {
		for _, extra := range [][]string{nil, tiny(16), tiny(256), {"machine.quantum=1"}} {
			got := run(append([]string{"machine.store_buffer.depth=" + depth}, extra...)...)
			for i := range want {
				if got[i] != want[i] && i != 9 {
					t.Errorf("depth %s, %v: result %d is %#x, want %#x", depth, extra, i, got[i], want[i])
				}
			}
			// An own store between LR and SC may fail the SC or not.
			if got[9] != 0x5a && got[9] != ^uint64(0) {
				t.Errorf("depth %s: SC left %#x", depth, got[9])
			}
		}
	}
}

// A store to a device is made after the stores before it are done: the other
// hart that the interrupt wakes sees them.
func TestStoresBeforeDevices(t *testing.T) {
	code := []uint32{
		auipc(a0, 0x10), csrr(t0, mhartid), bne(t0, zero, 8*4),
		// Hart 0: data, then hart 1's software interrupt.
		ld(a3, a0, 64), addi(t1, zero, 77), sd(t1, a0, 0), lui(t2, 0x2000), addi(t1, zero, 1), store(2, t1, t2, 4), wfi,
		// Hart 1 (reached by the branch at word 2): wait, look, report.
		addi(t1, zero, 8), csrw(0x304, t1), wfi, ld(a3, a0, 0), sd(a3, a0, 128), fence(fenceRW, fenceRW),
	}
	code = append(code, powerOff()...)
	for _, depth := range []int{0, 1, 8} {
		o := job{image: assemble(code...), harts: 2, set: []string{fmt.Sprintf("machine.store_buffer.depth=%d", depth)}}.run(t)
		o.mustEnd(t)
		var b [8]byte
		if err := o.m.ReadMemory(machine.RAMBase+0x10000+128, b[:]); err != nil || b[0] != 77 {
			t.Errorf("depth %d: hart 1 saw %d, %v", depth, b[0], err)
		}
	}
}
