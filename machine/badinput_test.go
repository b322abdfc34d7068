package machine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mcsim/coherence"
	"mcsim/guests"
	"mcsim/machine"
)

// Harts that sleep with nothing to wake them are told from a run that ended.
func TestAsleep(t *testing.T) {
	mie, mtimecmp := 0x304, uint32(0x2004)
	for name, j := range map[string]job{
		"fault-wfi": {guest: "fault-wfi", harts: 4},
		"wfi":       {image: assemble(wfi, spin), harts: 1},
		// The timer would fire after the end of the 64-bit clock.
		"far timer": {harts: 1, set: []string{"machine.timebase=1GHz"}, image: assemble(
			addi(t0, zero, 0x80), csrw(mie, t0), lui(t1, mtimecmp), addi(t2, zero, -3), sd(t2, t1, 0), wfi, spin)},
	} {
		o := j.run(t)
		if o.Reason != "stuck" || !errors.Is(o.err, coherence.ErrAsleep) || !strings.Contains(o.err.Error(), "in wfi") || o.Instructions == 0 {
			t.Errorf("%s: %q %v", name, o.Reason, o.err)
		}
	}
}

// A timer in the far future costs no host time.
func TestLongSleep(t *testing.T) {
	code := []uint32{addi(t0, zero, 0x80), csrw(0x304, t0), lui(t1, 0x2004), addi(t2, zero, 1), slli(t2, t2, 44), sd(t2, t1, 0), wfi}
	o := job{image: assemble(append(code, powerOff()...)...), harts: 1, limits: limits{Cycles: 1 << 62}}.run(t)
	if o.Reason != "exit" || o.Cycles < 100<<44 || o.HostSeconds > 5 {
		t.Errorf("%+v %v", o.Result, o.err)
	}
}

// Limits and cancellation leave partial results.
func TestLimits(t *testing.T) {
	endless := job{image: assemble(addi(t0, t0, 1), jalr(0, a5, 0), spin), harts: 3}
	endless.image = assemble(spin)
	endless.limits = limits{Instructions: 12345}
	if o := endless.run(t); o.err != nil || o.Reason != "max-instructions" || o.Instructions < 12345 || o.Instructions > 12345+3*1000 {
		t.Errorf("%+v %v", o.Result, o.err)
	}
	endless.limits = limits{Cycles: 5000}
	if o := endless.run(t); o.err != nil || o.Reason != "max-cycles" || o.Cycles < 5000 || o.Cycles > 6100 {
		t.Errorf("%+v %v", o.Result, o.err)
	}
	endless.limits = limits{Cycles: 1 << 62}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if o := endless.runContext(t, ctx); o.err != nil || o.Reason != "interrupted" || o.Instructions == 0 {
		t.Errorf("%+v %v", o.Result, o.err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if o := endless.runContext(t, ctx); o.err != nil || o.Reason != "interrupted" {
		t.Errorf("canceled before: %+v %v", o.Result, o.err)
	}
}

// failing is a console that breaks after some bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestConsoleFails(t *testing.T) {
	im, err := guests.Get("hello")
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{0, 5, 25} {
		m, err := machine.New(configure(t, []string{"machine.harts=4"}), machine.Options{Console: &failing{left}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.LoadELF("hello", im); err != nil {
			t.Fatal(err)
		}
		res, err := m.Run(t.Context(), machine.Limits{Cycles: 100e6})
		if !errors.Is(err, io.ErrClosedPipe) || !strings.Contains(err.Error(), "console") || res.Cycles == 0 || res.Reason != "console" {
			t.Errorf("%d bytes: %+v %v", left, res, err)
		}
	}
}

// What cannot be loaded is refused with the program's name, and the machine
// does not run.
func TestRefusedPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		image []byte
		want  string
	}{
		"too large":    {image(uint64(machine.RAMBase), []byte{0x6f, 0, 0, 0}, 17<<20), "memory"},
		"huge":         {image(uint64(machine.RAMBase), []byte{0x6f, 0, 0, 0}, 1<<50), "memory"},
		"below memory": {image(0x1000, []byte{0x6f, 0, 0, 0}, 4), "memory"},
		"empty":        {nil, "empty"},
		"cut off":      {guests.Default()[:1000], "cut off"},
	} {
		m, err := machine.New(configure(t, []string{"machine.memory=16MiB"}), machine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.LoadELF("bad.elf", c.image); err == nil || !strings.Contains(err.Error(), "bad.elf") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := m.Run(t.Context(), machine.Limits{}); err == nil {
			t.Errorf("%s: ran", name)
		}
	}
}

// randomWords are n words that are mostly 32-bit instructions of the common opcodes.
func randomWords(seed uint64, n int) []uint32 {
	rnd := rand.New(rand.NewPCG(seed, 0))
	code := make([]uint32, n)
	for k := range code {
		code[k] = rnd.Uint32()
		if k%3 != 0 {
			code[k] = code[k]&^0x7f | []uint32{0x03, 0x13, 0x23, 0x33, 0x63, 0x2f, 0x73, 0x0f, 0x53, 0x07, 0x27, 0x6f, 0x67, 0x17, 0x37}[rnd.IntN(15)]
		}
	}
	return code
}

// Random words as programs: whatever they do, the run ends at its limit or by
// itself, without a bug of ours.
func TestRandomPrograms(t *testing.T) {
	for i := range 60 {
		j := job{guest: fmt.Sprint("random ", i), image: assemble(randomWords(uint64(i), 64)...), harts: 1 + i%3, set: variants[i%len(variants)].set,
			check: true, limits: limits{Cycles: 20_000}}
		if o := j.run(t); o.err != nil && o.Reason != "stuck" {
			t.Errorf("program %d: %q %v", i, o.Reason, o.err)
		}
	}
}
