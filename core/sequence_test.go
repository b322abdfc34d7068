package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A run of code in sequence, which follows the decoded instructions from line to
// line, does and counts what the same code does one instruction at a time: with
// instructions of both sizes, some across lines, and some at breakpoints.
func TestSequence(t *testing.T) {
	seeded(t, 30, func(t *testing.T, rnd *rand.Rand) {
		const cAddi = 0x0295 // c.addi x5, 5
		var code []uint32
		var breaks []uint64
		pc := uint64(codeAt)
		for range 100 {
			inst := uint32(cAddi)
			if rnd.IntN(2) == 0 {
				inst = opI("addi", 6, 5, int32(rnd.IntN(2000)))
			}
			if rnd.IntN(8) == 0 {
				breaks = append(breaks, pc)
			}
			code = append(code, inst)
			if pc += 2; inst != cAddi {
				pc += 2
			}
		}
		run := func(whole bool, breaks []uint64) string {
			r := newRig(t)
			r.code(codeAt, append(slices.Clone(code), opJ(0, int32(int64(codeAt)-int64(pc))))...)
			r.SetBreaks(breaks)
			const end = 1000 // several times through it
			for r.Clock() < end {
				if whole {
					r.Run(end)
				} else {
					r.step(1)
				}
			}
			return fmt.Sprintf("pc %#x x5 %d x6 %d, %d instructions, %d fetches, cycle %d",
				r.pc, r.x[5], r.x[6], r.instret, r.l1i.Clock, r.Clock())
		}
		want := run(false, nil)
		for _, b := range [][]uint64{nil, breaks} {
			if got := run(true, b); got != want {
				t.Errorf("with %d breakpoints: %s\none by one: %s", len(b), got, want)
			}
		}
	})
}
