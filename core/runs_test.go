package core

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

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

// runs is how a program is run, whole or one instruction at a time.
type runs struct {
	line                              int
	buffer                            int
	compressed, incoherent, inclusive bool
	fast                              bool
	seed                              uint64
	ops                               *[256]bool // if not nil, what was decoded
}

// run returns the state at the end of every turn, by cycle. want are those of a run to
// compare with, if not nil.
func (c *runs) run(t *testing.T, code []uint32, breaks []uint64, want map[uint64]string) map[uint64]string {
	t.Helper()
	states := map[uint64]string{}
	quanta := rand.New(rand.NewPCG(c.seed, 1))
	r := newRig(t, func(rig *rigConfig) {
		rig.bus.L1I.Line, rig.bus.L1D.Line = c.line, c.line
		rig.bus.L1I.Size, rig.bus.L1I.Ways = 4*c.line, 2
		rig.bus.IncoherentL1I = c.incoherent
		if c.inclusive {
			rig.bus.Inclusive, rig.bus.LLC = true, cache.Config{Size: 64 * c.line, Ways: 4, Line: c.line}
		}
		if !c.compressed {
			rig.hart.ISA &^= isa.ExtZca | isa.ExtZcb | isa.ExtZcd
		}
		rig.hart.Latency = Latency{Load: 2, Mul: 4, Branch: 2, Jump: 1}
	}, withStores(c.buffer))
	r.code(codeAt, code...)
	r.code(handler, opI("addi", 20, 20, 1), match("fence.i"), opI("jalr", 0, 12, 0))
	for i := range uint64(256) {
		r.poke64(dataAt+8*i, quanta.Uint64())
	}
	for i := 21; i < 32; i++ {
		r.x[i] = quanta.Uint64()
	}
	r.x[10], r.x[12], r.x[13], r.x[14] = dataAt, codeAt, uint64(opI("addi", 5, 6, 77)), codeAt+2048
	for i := range r.f {
		r.f[i] = quanta.Uint64()
	}
	r.writeMstatus(mstatusFS, mstatusFS)
	r.SetFast(c.fast)
	if breaks != nil {
		r.SetBreaks(breaks)
	}
	const end = 9000
	for r.Clock() < end {
		if want != nil {
			r.Run(min(end, r.Clock()+1+quanta.Uint64N(300)))
		} else {
			r.Run(r.Clock() + 1)
			r.ForgetLines()
			r.tab.blocks.forget()
			*r.seen = decodings{}
			r.across = acrossLines{}
		}
		now := fmt.Sprintf("pc %#x %x %x, %d instructions, %d fetches, %d accesses, cycle %d, %d stored",
			r.pc, r.x[5:32], r.f, r.instret, r.l1i.Clock, r.l1d.Clock, r.Clock(), r.bus.Stats.Kinds[coherence.GetM])
		states[r.Clock()] = now
		if want != nil && want[r.Clock()] != now {
			t.Fatalf("%+v, %d breakpoints: %s\none by one: %s", *c, len(breaks), now, want[r.Clock()])
		}
	}
	if c.ops != nil {
		r.decoded(c.ops)
	}
	return states
}

// decoded notes the operations that are in blocks.
func (r *rig) decoded(ops *[256]bool) {
	b := &r.tab.blocks
	for i := range b.info {
		for k := range b.info[i].used {
			ops[(*step)(unsafe.Add(b.at(int32(i)), uintptr(b.first()+k)*stepBytes)).op] = true
		}
	}
}

// What the run loop remembers of decoded instructions and where branches led saves
// time only: code in runs does and counts what it does one instruction at a time with
// everything forgotten in between.
func TestRunsForgotten(t *testing.T) {
	seeded(t, 60, func(t *testing.T, rnd *rand.Rand) {
		c := runs{line: 16 << rnd.IntN(5), buffer: 4 * rnd.IntN(2), compressed: rnd.IntN(4) != 0, incoherent: rnd.IntN(2) == 0,
			inclusive: rnd.IntN(2) == 0, fast: rnd.IntN(3) == 0, seed: rnd.Uint64()}
		code := program(rnd, c.compressed)
		want := c.run(t, code, nil, nil)
		var breaks []uint64
		for range 10 {
			breaks = append(breaks, codeAt+rnd.Uint64N(400)&^1)
		}
		slices.Sort(breaks)
		for _, b := range [][]uint64{nil, breaks} {
			c.run(t, code, b, want)
		}
	})
}

// Instructions in a row that have an operation for all do what each does.
func TestGrams(t *testing.T) {
	var ops [256]bool
	seeded(t, 12, func(t *testing.T, rnd *rand.Rand) {
		c := runs{line: 64, buffer: 4 * rnd.IntN(2), inclusive: rnd.IntN(2) == 0, fast: rnd.IntN(2) == 0, seed: rnd.Uint64(), ops: &ops}
		code := gramsOnce(rnd)
		c.run(t, code, nil, c.run(t, code, nil, nil))
	})
	if testing.Short() { // few programs have few of them
		return
	}
	for op, gram := range grams() {
		if !ops[op] && !elsewhere(gram) {
			t.Errorf("no program has operation %d, of %d", op, gram)
		}
	}
}

// grams are the operations that stand for several, and what they stand for.
func grams() map[stepOp][]stepOp {
	all := map[stepOp][]stepOp{}
	for op := range numSteps {
		all[op] = []stepOp{op}
	}
	all[stepLDRow], all[stepSDRow] = []stepOp{stepLD, stepLD}, []stepOp{stepSD, stepSD}
	for more := true; more; {
		more = false
		for a := range gramOf {
			for b, op := range gramOf[a] {
				if op != 0 && all[op] == nil && all[stepOp(a)] != nil {
					all[op] = slices.Concat(all[stepOp(a)], all[stepOp(b)])
					more = true
				}
			}
		}
	}
	maps.DeleteFunc(all, func(op stepOp, gram []stepOp) bool { return len(gram) == 1 })
	return all
}

// elsewhere says that a gram comes about by more than its instructions: compressed ones
// before it.
func elsewhere(gram []stepOp) bool { return gram[len(gram)-1] == stepNotKept }

// gramsOnce is code with all of them in some order, which goes on for ever.
func gramsOnce(rnd *rand.Rand) (code []uint32) {
	all := grams()
	order := slices.Sorted(maps.Keys(all))
	rnd.Shuffle(len(order), func(i, k int) { order[i], order[k] = order[k], order[i] })
	for _, op := range order {
		gram := all[op]
		if elsewhere(gram) {
			continue
		}
		at := 16 - len(gram) // in its line
		if gram[len(gram)-1] == stepRunEnd {
			at++
			gram = gram[:len(gram)-1]
		} else if len(code)%16 <= at {
			at = len(code) % 16
		} else {
			at = 0
		}
		for len(code)%16 != at {
			code = append(code, nop)
		}
		for _, op := range gram {
			code = append(code, encode(rnd, op, len(code)))
		}
		if rnd.IntN(2) == 0 { // values that are not 0, and then none of a gram
			code = append(code, opI("ld", anyReg(rnd), 10, 1024+8*rnd.Int32N(100)), opR("sh1add", anyReg(rnd), anyReg(rnd), anyReg(rnd)))
		}
	}
	if len(code) > 1000 {
		panic("x14 does not reach all of it")
	}
	return append(code, opJ(0, int32(-4*len(code))))
}

// anyReg is a register that has no part in where the code goes on.
func anyReg(rnd *rand.Rand) uint32 {
	return []uint32{5, 6, 7, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}[rnd.IntN(14)]
}

// encode is an instruction with operation op, at word i of the code: a branch or a jump
// goes to the next one or to the one behind that.
func encode(rnd *rand.Rand, op stepOp, i int) uint32 {
	reg := func() uint32 { return anyReg(rnd) }
	imm, at := rnd.Int32N(4096)-2048, rnd.Int32N(1024)
	if rnd.IntN(4) != 0 {
		at &^= 7
	}
	over := 4 + 4*rnd.Int32N(2)
	var o isa.Op
	for k := range stepOf {
		if stepOf[k] == op && (op != stepLD || isa.Op(k) == isa.OpLD) {
			o = isa.Op(k)
		}
	}
	for _, row := range isa.Rows() {
		if row.Op != o || row.Compressed() {
			continue
		}
		switch row.Format {
		case isa.FmtR:
			return opR(row.Name, reg(), reg(), reg())
		case isa.FmtI:
			return opI(row.Name, reg(), reg(), imm)
		case isa.FmtLoad:
			if op == stepJALR {
				return opI(row.Name, 1, 14, int32(4*i)+over-2048)
			}
			return opI(row.Name, reg(), 10, at)
		case isa.FmtNone:
			return row.Match
		case isa.FmtFLoad:
			return opI(row.Name, reg(), 10, at)
		case isa.FmtFMA:
			return opR(row.Name, reg(), reg(), reg()) | reg()<<27
		case isa.FmtStore, isa.FmtFStore:
			return opS(row.Name, reg(), 10, at)
		case isa.FmtB:
			return opB(row.Name, reg(), reg(), over)
		case isa.FmtU:
			return row.Match | reg()<<7 | rnd.Uint32()<<12
		case isa.FmtJ:
			return opJ(reg(), over)
		case isa.FmtShift5, isa.FmtShift6:
			return row.Match | reg()<<7 | reg()<<15 | rnd.Uint32N(32)<<20
		}
	}
	panic(fmt.Sprint("no instruction for ", op))
}
