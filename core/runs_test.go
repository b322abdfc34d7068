package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"mcsim/cache"
	"mcsim/coherence"
	"mcsim/core/isa"
)

// program is random code of several lines at codeAt, with compressed instructions or without:
// branches and jumps to any of its instructions, or into them where that traps, loads and stores,
// aligned or not, and stores of instructions over others, with and without fence.i behind them. It
// goes on for ever.
func program(rnd *rand.Rand, compressed bool) []uint32 {
	const n = 150
	size := func(in uint32) int32 {
		if in&3 == 3 {
			return 4
		}
		return 2
	}
	code := make([]uint32, n)
	at := make([]int32, n+1)
	wide := make([]bool, n)
	for i := range code {
		wide[i] = !compressed || rnd.IntN(2) == 0
		at[i+1] = at[i] + 2
		if wide[i] {
			at[i+1] += 2
		}
	}
	reg := func() uint32 { return 5 + rnd.Uint32N(5) }
	for i := range code {
		to := at[rnd.IntN(n)] - at[i]
		if !compressed && rnd.IntN(20) == 0 {
			to += 2
		}
		if !wide[i] {
			code[i] = 1 | reg()<<7 | rnd.Uint32N(31)<<2&^(1<<12) | 1<<2 // c.addi
			continue
		}
		switch rnd.IntN(14) {
		case 0, 1, 2:
			code[i] = opB([]string{"beq", "bne", "blt", "bgeu", "bltu", "bge"}[rnd.IntN(6)], reg(), reg(), to)
		case 3:
			code[i] = opJ(rnd.Uint32N(2), to)
		case 4:
			code[i] = opI("jalr", 1, 12, at[rnd.IntN(n)]) // x12 is codeAt
		case 5, 6:
			code[i] = opI([]string{"ld", "lw", "lbu", "lhu"}[rnd.IntN(4)], reg(), 10, int32(rnd.IntN(1024))) // x10 is dataAt
		case 7, 8:
			code[i] = opS([]string{"sd", "sw", "sb", "sh"}[rnd.IntN(4)], reg(), 10, int32(rnd.IntN(1024)))
		case 9:
			// one wide instruction over another: x13 is an addi
			if k := rnd.IntN(n); wide[k] && at[k]%4 == 0 {
				code[i] = opS("sw", 13, 12, at[k])
				break
			}
			code[i] = match("fence.i")
		case 10:
			code[i] = match("auipc") | reg()<<7 | rnd.Uint32N(4)<<12
		case 11:
			code[i] = opR("mul", reg(), reg(), reg())
		case 12:
			code[i] = opI("addi", 13, 13, 1<<7) // another register of the addi that is stored
		default:
			code[i] = opI("addi", reg(), reg(), int32(rnd.IntN(4000))-2000)
		}
	}
	for i := range code {
		if size(code[i]) != at[i+1]-at[i] {
			panic("size")
		}
	}
	return append(code, opJ(0, -at[n]))
}

// What the run loop remembers of decoded instructions and where branches led saves
// time only: code in runs does and counts what it does one instruction at a time with
// everything forgotten in between.
func TestRunsForgotten(t *testing.T) {
	seeded(t, 40, func(t *testing.T, rnd *rand.Rand) {
		compressed := rnd.IntN(4) != 0
		code := program(rnd, compressed)
		line := 16 << rnd.IntN(5)
		buffer := 4 * rnd.IntN(2)
		incoherent := rnd.IntN(2) == 0
		inclusive := rnd.IntN(2) == 0
		seed := rnd.Uint64()
		run := func(whole bool, breaks []uint64) string {
			quanta := rand.New(rand.NewPCG(seed, 1))
			r := newRig(t, func(c *rigConfig) {
				c.bus.L1I.Line, c.bus.L1D.Line = line, line
				c.bus.L1I.Size, c.bus.L1I.Ways = 4*line, 2
				c.bus.IncoherentL1I = incoherent
				if inclusive {
					c.bus.Inclusive, c.bus.LLC = true, cache.Config{Size: 64 * line, Ways: 4, Line: line}
				}
				if !compressed {
					c.hart.ISA &^= isa.ExtZca | isa.ExtZcb | isa.ExtZcd
				}
				c.hart.Latency = Latency{Load: 2, Mul: 4, Branch: 2, Jump: 1}
			}, withStores(buffer))
			r.code(codeAt, code...)
			r.code(handler, opI("addi", 20, 20, 1), match("fence.i"), opI("jalr", 0, 12, 0))
			r.x[10], r.x[12], r.x[13] = dataAt, codeAt, uint64(opI("addi", 5, 6, 77))
			if breaks != nil {
				r.SetBreaks(breaks)
			}
			const end = 6000
			for r.Clock() < end {
				if whole {
					r.Run(min(end, r.Clock()+1+quanta.Uint64N(300)))
				} else {
					r.Run(r.Clock() + 1)
					r.ForgetLines()
					r.tab.blocks.forget()
					*r.seen = decodings{}
					r.across = acrossLines{}
				}
			}
			return fmt.Sprintf("pc %#x %x, %d instructions, %d fetches, %d accesses, cycle %d, %d stored",
				r.pc, r.x[5:21], r.instret, r.l1i.Clock, r.l1d.Clock, r.Clock(), r.bus.Stats.Kinds[coherence.GetM])
		}
		want := run(false, nil)
		var breaks []uint64
		for range 10 {
			breaks = append(breaks, codeAt+rnd.Uint64N(400)&^1)
		}
		slices.Sort(breaks)
		for _, b := range [][]uint64{nil, breaks} {
			if got := run(true, b); got != want {
				t.Errorf("lines of %d, compressed %t, buffer %d, incoherent %t, inclusive %t, %d breakpoints: %s\none by one: %s", line, compressed, buffer, incoherent, inclusive, len(b), got, want)
			}
		}
	})
}
