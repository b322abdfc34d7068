package machine_test

import (
	"bytes"
	"context"
	"testing"

	"mcsim/machine"
)

// A hart that waits in wrs.nto goes on at the cycle at which another writes the
// line that it reserved, not before.
func TestWRSWakesInTime(t *testing.T) {
	const wrsNTO = 0x00d00073
	const loops = 100 << 10
	writer := []uint32{
		lui(t1, loops>>12), addi(t1, t1, -1), bne(t1, zero, -4),
		addi(t2, zero, 1), sd(t2, s0, 0),
		ld(t2, s0, 8), beq(t2, zero, -4),
	}
	writer = append(writer, powerOff()...)
	code := append([]uint32{auipc(s0, 1), csrr(t0, mhartid), bne(t0, zero, 4+4*len(writer))}, writer...)
	code = append(code, lr(t1, s0), wrsNTO, addi(t2, zero, 1), sd(t2, s0, 8), spin)
	o := job{image: assemble(code...), harts: 2}.run(t)
	o.mustEnd(t)
	if slept, cycles := o.count(t, "harts[1].slept"), o.count(t, "harts[1].cycles"); slept < 2*loops*9/10 || cycles < 2*loops {
		t.Errorf("the waiting hart slept %d cycles and ended at %d; the store came after %d", slept, cycles, 2*loops)
	}
}

// Time that nobody uses is skipped, but not beyond a limit on cycles.
func TestIdleTimeStopsAtLimit(t *testing.T) {
	const mie = 0x304
	code := []uint32{
		lui(t0, 0x2004), addi(t1, zero, 1), slli(t1, t1, 40), sd(t1, t0, 0),
		addi(t2, zero, 128), csrw(mie, t2), wfi, spin,
	}
	j := job{image: assemble(code...), limits: limits{Cycles: 100_000}}
	if o := j.run(t); o.err != nil || o.Reason != "max-cycles" || o.Cycles > 102_000 {
		t.Errorf("%+v %v", o.Result, o.err)
	}
}

// Idle time passes at once, or as on the wall; the guest cannot tell.
func TestRealtime(t *testing.T) {
	const mie, ticks = 0x304, 200 << 12 // at 10 MHz: 82 ms
	code := append([]uint32{
		lui(t0, 0x2004), lui(t1, ticks>>12), sd(t1, t0, 0), // mtimecmp
		addi(t2, zero, 128), csrw(mie, t2), wfi,
	}, powerOff()...)
	const slept = ticks * 100 // cycles at 1 GHz
	var cycles [2]uint64
	for i, set := range [][]string{nil, {"run.realtime=true"}} {
		o := job{image: assemble(code...), set: set}.run(t)
		o.mustEnd(t)
		if cycles[i] = o.Cycles; o.Cycles < slept || o.Cycles > slept+10_000 {
			t.Errorf("%v: %d cycles", set, o.Cycles)
		}
		if i == 1 && o.HostSeconds < slept/1e9 {
			t.Errorf("%v: 82 ms passed in %.3f s", set, o.HostSeconds)
		}
	}
	if cycles[0] != cycles[1] {
		t.Errorf("%d cycles, in real time %d", cycles[0], cycles[1])
	}
}

// Input that is there already is read in step with the guest: equal runs.
func TestInputInStep(t *testing.T) {
	// Polls the UART's LSR for characters, adds them up until a newline.
	poll := []uint32{
		lui(s0, 0x10000), addi(s1, zero, 10),
		load(4, t0, s0, 5), slli(t0, t0, 63), beq(t0, zero, -8),
		load(4, t1, s0, 0), add(a0, a0, t1), bne(t1, s1, -20),
	}
	image := assemble(append(poll, powerOff()...)...)
	run := func() machine.Result {
		m, err := machine.New(configure(t, nil), machine.Options{Stdin: bytes.NewReader(append(bytes.Repeat([]byte("x"), 1000), '\n'))})
		if err == nil {
			err = m.LoadELF("poll", image)
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Run(context.Background(), machine.Limits{Cycles: 10e6})
		if err != nil || r.Reason != "exit" {
			t.Fatalf("%+v %v", r, err)
		}
		return r
	}
	a, b := run(), run()
	if a.Cycles != b.Cycles || a.Instructions != b.Instructions {
		t.Errorf("%d and %d cycles, %d and %d instructions", a.Cycles, b.Cycles, a.Instructions, b.Instructions)
	}
}

// With an L2, which the bus snoops, lines that another hart takes are counted
// there and in the L1D that lost them too.
func TestCountersWithL2(t *testing.T) {
	o := job{guest: "atomics", harts: 2, words: map[string]uint64{"iterations": 2000},
		set: []string{"machine.l2.size=256KiB", "machine.quantum=20"}}.run(t)
	o.mustEnd(t)
	for _, name := range []string{"l2.snoops", "l2.invalidations", "l1d.invalidations"} {
		if n := o.count(t, "harts[0]."+name); n == 0 {
			t.Errorf("%s is 0 on a contended line", name)
		}
	}
}
