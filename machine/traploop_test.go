package machine_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"mcsim/machine"
)

// trapLoops are programs of which every hart ends up in a trap loop, with what is
// said about it.
var trapLoops = map[string]struct {
	image []byte
	want  []string
}{
	"no handler":        {assemble(0), []string{"instruction-access-fault at pc 0x0,", "after illegal-instruction at pc 0x80000000", "mtvec is 0"}},
	"jump into nothing": {assemble(jalr(1, zero, 0)), []string{"instruction-access-fault at pc 0x0,", "mtvec is 0", "ra is 0x80000004"}},
	"jump far away":     {assemble(lui(t0, 0x7), jalr(1, t0, 0)), []string{"after instruction-access-fault at pc 0x7000", "ra is 0x80000008"}},
	"handler nowhere":   {assemble(lui(t0, 1), csrw(mtvec, t0), 0), []string{"pc 0x1000,", "mtvec is 0x1000, where nothing can be executed"}},
	"handler illegal": {assemble(auipc(t0, 0), addi(t0, t0, 16), csrw(mtvec, t0), ecall, 0),
		[]string{"illegal-instruction at pc 0x80000010", "after ecall-m at pc 0x8000000c", "the handler at 0x80000010 traps itself"}},
	"handler traps": {newProgram().handler("h").add(0).label("h").add(addi(t1, t1, 0), addi(t2, zero, 8), ld(t2, t2, 0)).image(),
		[]string{"load-access-fault", "tval 0x8,", "traps itself"}},
	"handler breaks": {newProgram().handler("h").add(0).label("h").add(ebreak).image(), []string{"breakpoint", "traps itself"}},
	"handler returns": {newProgram().handler("h").add(ld(t1, zero, 16)).label("h").add(addi(t0, t0, 1), addi(t0, t0, -1), mret).image(),
		[]string{"load-access-fault", "tval 0x10,", "returns to the instruction, and has mended nothing"}},
	"call is not skipped": {newProgram().handler("h").lower(0).add(ecall).label("h").add(mret).image(),
		[]string{"ecall-u", "it has to move mepc on"}},
	"S-mode handler nowhere": {newProgram().add(addi(t0, zero, 6), csrw(medeleg, t0)).lower(1).add(0).image(),
		[]string{"instruction-access-fault at pc 0x0", "after illegal-instruction", "stvec is 0"}},
	"S-mode handler returns": {newProgram().add(addi(t0, zero, -1), csrw(medeleg, t0)).la(t0, "h").add(csrw(stvec, t0)).lower(0).
		add(0).label("h").add(sret).image(), []string{"illegal-instruction", "returns to the instruction"}},
	// M-mode's handler passes traps on, as OpenSBI does; there is no other.
	"handed on": {newProgram().handler("h").lower(1).add(0).label("h").
		add(csrr(t0, mepc), csrw(sepc, t0), csrr(t0, stvec), csrw(mepc, t0), mret).image(), []string{"instruction-access-fault at pc 0x0"}},
}

// Programs that do nothing but trap end, also where some harts sleep, with a limit
// on instructions, which they never come to, and with every shape of time.
func TestTrapLoops(t *testing.T) {
	for name, c := range trapLoops {
		for _, j := range []job{
			{harts: 1}, {harts: 4}, {harts: 4, set: []string{"machine.quantum=1"}}, {harts: 4, set: []string{"machine.quantum=100000"}},
			{harts: 2, limits: limits{Instructions: 1e6}}, {harts: 2, set: []string{"run.fast_until=cycle:1000000000"}},
		} {
			j.image = c.image
			j.set = append(j.set, "run.trap_loop=3000")
			o := j.run(t)
			if o.Reason != "trap-loop" || o.err == nil || o.Cycles == 0 {
				t.Errorf("%s, %d harts, %v: %+v %v", name, j.harts, j.set, o.Result, o.err)
				continue
			}
			for _, want := range append(c.want, "in a trap loop") {
				if n := strings.Count(o.err.Error(), want); n != j.harts {
					t.Errorf("%s, %d harts: %q is said %d times in %v", name, j.harts, want, n, o.err)
				}
			}
		}
	}
}

// Without the rule, a limit on cycles ends such a program, and so does cancelling.
func TestTrapLoopsByLimit(t *testing.T) {
	for name, c := range trapLoops {
		j := job{image: c.image, harts: 2, set: []string{"run.trap_loop=0"}, limits: limits{Cycles: 300_000}}
		if o := j.run(t); o.err != nil || o.Reason != "max-cycles" || o.count(t, "harts[0].exceptions") < 100 {
			t.Errorf("%s: %+v %v", name, o.Result, o.err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	j := job{image: assemble(0), set: []string{"run.trap_loop=0"}, limits: limits{Cycles: 1 << 62}}
	if o := j.runContext(t, ctx); o.err != nil || o.Reason != "interrupted" {
		t.Errorf("canceled: %+v %v", o.Result, o.err)
	}
}

// A limit on instructions is one on those that retire.
func TestInstructionsThatTrapDoNotCount(t *testing.T) {
	// Each turn traps three times and retires as many instructions and two more.
	p := newProgram().handler("h").label("again").add(0, 0, ecall, addi(s0, s0, 1)).j("again").
		label("h").add(csrr(t0, mepc), addi(t0, t0, 4), csrw(mepc, t0), mret)
	j := job{image: p.image(), set: []string{"machine.quantum=1"}, limits: limits{Instructions: 1400}}
	o := j.run(t)
	if o.Reason != "max-instructions" || o.Instructions < 1400 || o.Instructions > 1402 {
		t.Errorf("%+v %v", o.Result, o.err)
	}
	// 3 first, then turns of 14.
	if turns, n := o.m.Harts()[0].X(s0), o.count(t, "harts[0].exceptions"); turns != (o.Instructions-3)/14 || n < 3*turns || n > 3*turns+3 {
		t.Errorf("%d turns, %d exceptions", turns, n)
	}
}

// Programs that take the same exception over and over and come on all the same run
// to their end.
func TestNoTrapLoop(t *testing.T) {
	const rounds = 200
	end := powerOff()
	data := func(p *program) *program { return p.label("count").add(0, 0) }
	for name, c := range map[string]struct {
		p     *program
		harts int
	}{
		// The handler steps over the instruction; what counts is in memory, and the
		// registers are the same each time.
		"emulated": {p: data(newProgram().handler("h").label("again").add(0).
			la(t0, "count").add(ld(t1, t0, 0), addi(t1, t1, 1), sd(t1, t0, 0), addi(t2, zero, rounds), branch(4, t1, t2, 8)).j("end").
			add(addi(t1, zero, 0), addi(t0, zero, 0)).j("again").
			label("h").add(csrr(t0, mepc), addi(t0, t0, 4), csrw(mepc, t0), addi(t0, zero, 0), mret).label("end").add(end...))},
		// The handler mends the instruction and returns to it, and it is broken again.
		"mended": {p: data(newProgram().handler("h").label("again").
			la(t0, "there").add(store(2, zero, t0, 0), fenceI, addi(t0, zero, 0), addi(t1, zero, 0)).label("there").add(nop).
			la(t0, "count").add(ld(t1, t0, 0), addi(t1, t1, 1), sd(t1, t0, 0), addi(t2, zero, rounds), branch(5, t1, t2, 8)).j("again").j("end").
			label("h").la(t0, "there").add(addi(t1, zero, nop), store(2, t1, t0, 0), fenceI, addi(t0, zero, 0), addi(t1, zero, 0), mret).
			label("end").add(end...))},
		// The handler returns to the instruction, and counts in a register.
		"counted": {p: newProgram().handler("h").add(0).
			label("h").add(addi(s1, s1, 1), addi(t2, zero, rounds), branch(5, s1, t2, 8), mret).add(end...)},
		// Hart 0 is in a trap loop until hart 1 writes the instruction that it lacks.
		"mended by another": {harts: 2, p: newProgram().handler("h").add(csrr(t0, mhartid)).to("other", func(o int) uint32 { return bne(t0, zero, o) }).
			label("there").add(0).add(end...).
			label("h").add(mret).
			label("other").add(lui(t2, 100), addi(t2, t2, -1), bne(t2, zero, -4)).la(t0, "there").add(addi(t1, zero, nop), store(2, t1, t0, 0), spin)},
		// A timer's interrupt comes while the handler returns to the instruction.
		"timer": {p: newProgram().handler("h").add(lui(s0, 0x2004), addi(t0, zero, 2000), sd(t0, s0, 0), addi(t0, zero, 0x80), csrw(mie, t0)).
			lower(0).add(ecall).
			label("h").add(csrr(t1, mcauseCSR), branch(4, t1, zero, 8), mret).add(end...)},
		// Hart 0 is in a trap loop for good, and hart 1 sleeps until its timer's interrupt.
		"another's timer": {harts: 2, p: newProgram().add(csrr(t0, mhartid), bne(t0, zero, 8), 0).
			add(lui(s0, 0x2004), addi(s0, s0, 8), addi(t0, zero, 2000), sd(t0, s0, 0), addi(t0, zero, 0x80), csrw(mie, t0), wfi).add(end...)},
	} {
		for _, quantum := range []int{1, 1000, 10000} {
			j := job{image: c.p.image(), harts: c.harts, set: []string{"run.trap_loop=50", fmt.Sprint("machine.quantum=", quantum)}}
			o := j.run(t)
			if o.err != nil || o.Reason != "exit" || o.count(t, "harts[0].exceptions") < 100 {
				t.Errorf("%s, quantum %d: %+v, %d exceptions: %v", name, quantum, o.Result, o.count(t, "harts[0].exceptions"), o.err)
			}
		}
	}
}

// No guest is taken to be in a trap loop that is not, however soon it is looked for.
func TestGuestsAreInNoTrapLoop(t *testing.T) {
	for name, g := range quick {
		if endless[name] || g.long && testing.Short() {
			continue
		}
		for _, harts := range []int{max(1, g.least), 3} {
			o := job{guest: name, harts: harts, words: g.words, set: []string{"run.trap_loop=2"}}.run(t)
			if o.err != nil || o.Reason != "exit" {
				t.Errorf("%s, %d harts: %q %v", name, harts, o.Reason, o.err)
			}
		}
	}
}

// A timer that cannot interrupt a trap loop keeps no run going.
func TestTrapLoopWithTimer(t *testing.T) {
	p := newProgram().add(lui(s0, 0x2004), lui(t0, 0x10000), sd(t0, s0, 0), addi(t0, zero, 0x80), csrw(mie, t0), 0)
	if o := (job{image: p.image()}).run(t); o.Reason != "trap-loop" || o.Cycles > 1e6 {
		t.Errorf("%+v %v", o.Result, o.err)
	}
}

// A handler that traps deeper and deeper, for want of a stack, is told of and goes on.
func TestNestedTraps(t *testing.T) {
	p := newProgram().handler("h").add(0).label("h").add(addi(sp, sp, -256), sd(1, sp, 0))
	m, err := machine.New(configure(t, nil), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadELF("nested", p.image()); err != nil {
		t.Fatal(err)
	}
	var said []string
	res, err := m.Run(t.Context(), machine.Limits{Cycles: 3e6, Warn: func(text string) { said = append(said, text) }})
	if err != nil || res.Reason != "max-cycles" || len(said) != 1 || !strings.Contains(said[0], "deeper and deeper") || !strings.Contains(said[0], "store-access-fault") {
		t.Errorf("%+v %v %q", res, err, said)
	}
}

// Equal runs find the same trap loops at the same cycles, on any number of threads,
// and a run that goes on from a checkpoint within a trap loop ends as the whole one.
func TestTrapLoopsRepeat(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, j := range map[string]job{
		"guest":   {guest: "fault-loop"},
		"harts":   {image: trapLoops["handler traps"].image},
		"returns": {image: trapLoops["handler returns"].image, set: []string{"machine.quantum=100", "machine.jitter=4"}},
	} {
		j.harts, j.log = 4, true
		j.set = append(j.set, "run.trap_loop=2000")
		var outs []*outcome
		for _, threads := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(threads)
			outs = append(outs, j.run(t))
		}
		whole := outs[0]
		for _, o := range outs[1:] {
			if o.Result.Cycles != whole.Cycles || o.log != whole.log || o.counts() != whole.counts() || o.err.Error() != whole.err.Error() {
				t.Errorf("%s: %v", name, firstDifference(o.log, whole.log))
			}
		}
		told := strings.Count(whole.log, `{"level":"warn","event":"trap-loop","category":"trap"`)
		if looping := strings.Count(whole.err.Error(), "in a trap loop"); told != looping || told == 0 || !strings.Contains(whole.log, `"reason":"trap-loop"`) {
			t.Errorf("%s: the log tells of %d trap loops, and there are %d", name, told, looping)
		}
		cut := whole.Cycles - 2500 // before the quantum in which it ends
		s := saving{job: j, at: fmt.Sprint("cycle:", cut), ends: "trap-loop"}
		s.run(t)
		r, err := restore(t, s.file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.Run(context.Background(), machine.Limits{})
		if res.Reason != "trap-loop" || res.Cycles != whole.Cycles || err.Error() != whole.err.Error() {
			t.Errorf("%s: from cycle %d: %+v %v; the whole run: %+v %v", name, cut, res, err, whole.Result, whole.err)
		}
	}
}

// A recording of a run that ends in a trap loop is followed to its end.
func TestTrapLoopIsFollowed(t *testing.T) {
	for _, guest := range []string{"handler traps", "handler returns"} {
		o, file := recordJob(t, job{image: trapLoops[guest].image, harts: 2, set: []string{"run.trap_loop=2000"}}, nil)
		again := followed(t, file)
		if o.Reason != "trap-loop" || again.err != nil || again.Reason != "trace-end" || again.Cycles != o.Cycles {
			t.Errorf("%s: %+v %v, followed %+v %v", guest, o.Result, o.err, again.Result, again.err)
		}
	}
}

// Where a hart listens to the terminal, the run waits for it; at its end nobody can
// go on.
func TestTrapLoopWaitsForInput(t *testing.T) {
	// Hart 0 sleeps until a character comes by the UART's interrupt and the PLIC.
	p := newProgram().add(csrr(t0, mhartid), bne(t0, zero, 8)).j("listen").add(0).
		label("listen").handler("end").add(
		lui(s0, 0x10000), addi(t0, zero, 1), store(0, t0, s0, 1), // IER
		lui(s1, 0xc000), addi(t0, zero, 1), store(2, t0, s1, 40), // priority of source 10
		lui(t1, 2), add(s1, s1, t1), addi(t0, zero, 1<<10), store(2, t0, s1, 0), // enabled for hart 0's M-mode
		lui(t0, 1), addi(t0, t0, -0x800), csrw(mie, t0), wfi).
		label("end").add(powerOff()...)
	for text, want := range map[string]string{"": "trap-loop", "x": "exit"} {
		in, typed := io.Pipe()
		m, err := machine.New(configure(t, []string{"machine.harts=2", "run.trap_loop=1000"}), machine.Options{Stdin: in})
		if err == nil {
			err = m.LoadELF("waits", p.image())
		}
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan string, 8)
		go func() {
			<-told // it stands still
			io.WriteString(typed, text)
			typed.Close()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		res, err := m.Run(ctx, machine.Limits{Warn: func(text string) { told <- text }})
		cancel()
		if res.Reason != want || (err != nil) != (want == "trap-loop") {
			t.Errorf("typed %q: %+v %v", text, res, err)
		}
	}
}

// Random words as programs, with no limit but this rule and a distant one: most end by
// the rule, and those that do are the same on more threads.
func TestRandomTrapLoops(t *testing.T) {
	ended := 0
	for i := range 40 {
		code := randomWords(uint64(i), 32)
		j := job{image: assemble(code...), harts: 1 + i%4, set: []string{"run.trap_loop=500"}, limits: limits{Cycles: 200_000}}
		a, b := j.run(t), j.run(t)
		if a.Reason != b.Reason || a.Cycles != b.Cycles {
			t.Errorf("program %d: %+v and %+v", i, a.Result, b.Result)
		}
		if a.Reason == "trap-loop" {
			ended++
		}
	}
	if ended < 20 {
		t.Errorf("%d of 40 programs end in trap loops", ended)
	}
}
