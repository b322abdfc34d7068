package machine_test

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mcsim/event"
	"mcsim/gdb"
	"mcsim/machine"
	"mcsim/machine/log"
)

// debugged runs a job with a debugger that script plays.
func debugged(t *testing.T, j job, script func(c *debugger)) *outcome {
	t.Helper()
	return waiting(t, j, func(address string) {
		conn, err := net.Dial("unix", address)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		script(&debugger{t, conn, bufio.NewReader(conn), j.program(t)})
	})
}

// waiting runs a job that waits for a debugger, which attach brings.
func waiting(t *testing.T, j job, attach func(address string)) *outcome {
	t.Helper()
	s, err := gdb.Listen(filepath.Join(t.TempDir(), "gdb.sock"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		attach(s.Addr())
	}()
	var console, events bytes.Buffer
	w := log.New(&events, log.Options{Level: event.Debug})
	m, err := machine.New(configure(t, j.settings()), machine.Options{Console: &console, Log: w, Debugger: s})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadELF(j.guest, j.program(t)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out := &outcome{m: m}
	out.Result, out.err = m.Run(ctx, machine.Limits{Cycles: 200e6})
	w.Flush()
	<-done
	if err := s.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	out.console, out.log = console.String(), events.String()
	return out
}

// debugger is the other end of a debugging session.
type debugger struct {
	t     *testing.T
	conn  net.Conn
	in    *bufio.Reader
	image []byte
}

func (d *debugger) send(body string) {
	sum := byte(0)
	for i := range len(body) {
		sum += body[i]
	}
	fmt.Fprintf(d.conn, "+$%s#%02x", body, sum)
}

func (d *debugger) receive() string {
	if _, err := d.in.ReadBytes('$'); err != nil {
		d.t.Error(err)
		return ""
	}
	body, err := d.in.ReadString('#')
	if err != nil {
		d.t.Error(err)
	}
	d.in.Discard(2)
	return strings.TrimSuffix(body, "#")
}

func (d *debugger) ask(body string) string {
	d.send(body)
	return d.receive()
}

// want is ask for an answer that is known.
func (d *debugger) want(body, answer string) {
	if got := d.ask(body); got != answer {
		d.t.Errorf("%s: %q, want %q", body, got, answer)
	}
}

func (d *debugger) symbol(name string) uint64 {
	f, err := elf.NewFile(bytes.NewReader(d.image))
	if err != nil {
		d.t.Error(err)
		return 0
	}
	list, _ := f.Symbols()
	for _, s := range list {
		if s.Name == name {
			return s.Value
		}
	}
	d.t.Errorf("no symbol %s", name)
	return 0
}

// number is a register or the bytes of memory in an answer, little-endian.
func (d *debugger) number(answer string) (v uint64) {
	b, err := hex.DecodeString(answer)
	if err != nil || len(b) > 8 {
		d.t.Errorf("no number: %q", answer)
	}
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// thread is the thread of a stop reply.
func (d *debugger) thread(reply string) string {
	_, id, _ := strings.Cut(reply, "thread:")
	id, _, ok := strings.Cut(id, ";")
	if !ok {
		d.t.Errorf("no stop: %q", reply)
	}
	return id
}

// A debugger that only looks changes nothing: it stops at breakpoints, watchpoints and
// by steps, reads registers, CSRs and memory of all harts, and cycles, statistics and
// log are as without it.
func TestLookingChangesNothing(t *testing.T) {
	for _, set := range [][]string{{"machine.quantum=1000"}, {"machine.quantum=17", "machine.l2.size=64KiB"}} {
		j := job{guest: "locks", harts: 3, words: map[string]uint64{"iterations": 3}, log: true, set: set}
		plain := j.run(t)
		plain.mustEnd(t)
		stops := 0
		watched := debugged(t, j, func(d *debugger) {
			d.want("?", "T05thread:1;")
			lock := d.symbol("spin_lock")
			d.want(fmt.Sprintf("Z0,%x,4", lock), "OK")
			d.want(fmt.Sprintf("Z1,%x,4", d.symbol("main")), "OK")
			for range 12 {
				id := d.thread(d.ask("vCont;c"))
				stops++
				d.want("Hg"+id, "OK")
				if pc := d.number(d.ask("p20")); pc != lock && pc != d.symbol("main") {
					d.t.Errorf("stopped at %#x", pc)
				}
				for _, hart := range []string{"1", "2", "3"} {
					d.want("Hg"+hart, "OK")
					d.ask("g")
					d.ask("p341") // mstatus
					sp := d.number(d.ask("p2"))
					if got := d.ask(fmt.Sprintf("m%x,100", sp)); len(got) != 0x200 && sp > 0x8000_0000 {
						d.t.Errorf("stack of thread %s: %q", hart, got)
					}
				}
				for range 3 {
					reply := d.ask("vCont;s:" + id + ";c")
					if next := d.thread(reply); next != id {
						id = next // another has come to the breakpoint
					}
				}
			}
			d.want(fmt.Sprintf("z0,%x,4", lock), "OK")
			d.want(fmt.Sprintf("z1,%x,4", d.symbol("main")), "OK")
			d.want(fmt.Sprintf("Z2,%x,8", d.symbol("left")), "OK")
			for range 5 {
				if reply := d.ask("vCont;c"); !strings.Contains(reply, "watch:") {
					d.t.Errorf("no watchpoint: %q", reply)
				}
				stops++
			}
			d.send("D")
			d.receive()
		})
		if stops != 17 {
			t.Errorf("%d stops", stops)
		}
		sameRun(t, fmt.Sprint(set), plain, watched)
	}
}

// Steps go from instruction to instruction, into and out of calls; what is written
// takes effect.
func TestStepAndWrite(t *testing.T) {
	code := []uint32{
		0x00100293, // li t0, 1
		0x00128293, // addi t0, t0, 1
		0x008000ef, // jal ra, +8
		0x0000006f, // j .
		0x00000313, // li t1, 0
		0x00008067, // ret
	}
	o := debugged(t, job{guest: "steps", image: assemble(code...), harts: 1}, func(d *debugger) {
		base := uint64(machine.RAMBase)
		pc := func(want uint64) {
			if got := d.number(d.ask("p20")); got != base+want {
				d.t.Errorf("pc is %#x, want %#x", got, base+want)
			}
		}
		pc(0)
		for _, next := range []uint64{4, 8, 16, 20, 12, 12, 12} {
			if reply := d.ask("vCont;s:1"); reply != "T05thread:1;" {
				d.t.Errorf("a step: %q", reply)
			}
			pc(next)
		}
		if v := d.number(d.ask("p5")); v != 2 {
			d.t.Errorf("t0 is %d", v)
		}
		// j . becomes li t0, 9; then back to it.
		d.want(fmt.Sprintf("M%x,4:93029000", base+12), "OK")
		d.want(fmt.Sprintf("m%x,4", base+12), "93029000")
		d.ask("vCont;s:1")
		pc(16)
		if v := d.number(d.ask("p5")); v != 9 {
			d.t.Errorf("after the write t0 is %d", v)
		}
		d.want("P20="+fmt.Sprintf("%016x", 0)[:0]+"0000008000000000", "OK")
		pc(0)
		d.want(fmt.Sprintf("Z0,%x,4", base+16), "OK")
		d.ask("vCont;c")
		pc(16)
		d.conn.Write([]byte{3}) // while it is stopped: at the next quantum's end
		if reply := d.ask("vCont;c"); !strings.HasPrefix(reply, "T0") {
			d.t.Errorf("after an interrupt: %q", reply)
		}
		d.send("k")
	})
	if o.Reason != "killed" {
		t.Errorf("ended by %q: %v", o.Reason, o.err)
	}
}

// GDB leads a thread over a breakpoint at which others wait too by taking it out, setting
// one behind the instruction and resuming that thread alone. It fails where another
// answers; so the others wait, and are told afterwards.
func TestStepOverSharedBreak(t *testing.T) {
	code := []uint32{
		0x00100293, // li t0, 1
		0x00128293, // addi t0, t0, 1
		0x00128293, // addi t0, t0, 1
		0x0000006f, // j .
	}
	for _, quantum := range []string{"1", "1000"} {
		debugged(t, job{guest: "steps", image: assemble(code...), harts: 4, set: []string{"machine.quantum=" + quantum}}, func(d *debugger) {
			const shared, behind = uint64(machine.RAMBase + 4), uint64(machine.RAMBase + 8)
			seen := map[string]bool{}
			d.want(fmt.Sprintf("Z0,%x,4", shared), "OK")
			for range 4 {
				id := d.thread(d.ask("vCont;c"))
				seen[id] = true
				d.want(fmt.Sprintf("z0,%x,4", shared), "OK")
				d.want(fmt.Sprintf("Z0,%x,4", behind), "OK")
				if reply := d.ask("vCont;c:" + id); reply != "T05thread:"+id+";" {
					d.t.Errorf("quantum %s: thread %s alone: %q", quantum, id, reply)
				}
				if pc := d.number(d.ask("p20")); pc != behind {
					d.t.Errorf("quantum %s: thread %s is at %#x", quantum, id, pc)
				}
				d.want(fmt.Sprintf("z0,%x,4", behind), "OK")
				d.want(fmt.Sprintf("Z0,%x,4", shared), "OK")
			}
			if len(seen) != 4 {
				d.t.Errorf("quantum %s: stopped were %v", quantum, seen)
			}
			d.send("k")
		})
	}
}

// misses loads from another line each time around, on each hart from its own; missing is
// where.
var misses = []uint32{
	0xf14022f3, // csrr t0, mhartid
	0x01429593, // slli a1, t0, 20
	0x00200313, // li t1, 2
	0x01e31313, // slli t1, t1, 30
	0x006585b3, // add a1, a1, t1
	0x1005b383, // ld t2, 256(a1)
	0x04058593, // addi a1, a1, 64
	0x00100013, // li x0, 1
	0xff5ff06f, // j -12
}

const missing = 20

// The same where the instruction needs the bus, at every step, and the others come to
// the breakpoint meanwhile. Nobody misses it: a hart has executed the instruction as often
// as it was led over it.
func TestStepOverSharedBreakWithMisses(t *testing.T) {
	const base = uint64(machine.RAMBase)
	const at, behind = base + missing, base + missing + 4
	for _, quantum := range []string{"1", "3", "10", "100", "1000", "1000 run.fast_until=cycle:100000000"} {
		debugged(t, job{guest: "misses", image: assemble(misses...), harts: 4, set: strings.Fields("machine.quantum=" + quantum)}, func(d *debugger) {
			led, times := map[string]uint64{}, 200
			if strings.Contains(quantum, "fast") { // where each hart has a long turn
				times = 4000
			}
			d.want(fmt.Sprintf("Z0,%x,4", at), "OK")
			for range times {
				id := d.thread(d.ask("vCont;c"))
				d.want("Hg"+id, "OK")
				if pc := d.number(d.ask("p20")); pc != at {
					d.t.Errorf("quantum %s: thread %s stopped at %#x", quantum, id, pc)
					return
				}
				d.want(fmt.Sprintf("z0,%x,4", at), "OK")
				d.want(fmt.Sprintf("Z0,%x,4", behind), "OK")
				if reply := d.ask("vCont;c:" + id); reply != "T05thread:"+id+";" {
					d.t.Errorf("quantum %s: thread %s alone: %q", quantum, id, reply)
					return
				}
				if pc := d.number(d.ask("p20")); pc != behind {
					d.t.Errorf("quantum %s: thread %s was led to %#x", quantum, id, pc)
					return
				}
				led[id]++
				d.want(fmt.Sprintf("z0,%x,4", behind), "OK")
				d.want(fmt.Sprintf("Z0,%x,4", at), "OK")
			}
			for hart := range uint64(4) {
				id := fmt.Sprint(hart + 1)
				d.want("Hg"+id, "OK")
				executed := (d.number(d.ask("pb")) - base - hart<<20) / 64
				if d.number(d.ask("p20")) == behind {
					executed++
				}
				if executed != led[id] || executed < 10 {
					d.t.Errorf("quantum %s: thread %s has executed it %d times, and was led %d times", quantum, id, executed, led[id])
				}
			}
			d.send("k")
		})
	}
}

// GDB 13 fails an assertion where another thread stops while it leads one over a
// breakpoint.
func TestGDBStepsOverSharedBreak(t *testing.T) {
	tool, err := exec.LookPath("gdb-multiarch")
	if err != nil {
		t.Skip("no gdb-multiarch")
	}
	for _, quantum := range []string{"1", "10", "1000"} {
		waiting(t, job{guest: "misses", image: assemble(misses...), harts: 4, set: []string{"machine.quantum=" + quantum}}, func(address string) {
			args := []string{"-batch", "-nx", "-ex", "set architecture riscv:rv64", "-ex", "target remote " + address,
				"-ex", fmt.Sprintf("break *%#x", machine.RAMBase+missing), "-ex", "continue"}
			for range 30 {
				args = append(args, "-ex", "stepi")
			}
			ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, tool, append(args, "-ex", "kill")...).CombinedOutput()
			if n := strings.Count(string(out), "hit Breakpoint 1"); err != nil || n < 5 || strings.Contains(string(out), "internal-error") {
				t.Errorf("quantum %s: %d stops: %v\n%s", quantum, n, err, out)
			}
		})
	}
}

// A breakpoint that is set while a hart waits for the very instruction to be fetched,
// from one line or from two, stops it there.
func TestBreakWhileFetching(t *testing.T) {
	for _, at := range []int{512, 510} { // where hart 1 goes: the second is across the end of a line
		waited := 0
		for nops := range 60 {
			code := make([]uint16, at/2)
			put := func(i int, w uint32) { code[i], code[i+1] = uint16(w), uint16(w>>16) }
			put(0, 0xf14022f3)                                             // csrr t0, mhartid
			put(2, 0x00029063|uint32(at-4)&0x1e<<7|uint32(at-4)&0x7e0<<20) // bnez t0, far
			for i := range nops {
				code[4+i] = 1
			}
			code[4+nops] = 0xa001                          // j .
			code = append(code, 0x0313, 0x0013, 0xa001, 1) // far: addi t1, t1, 1 (it was 0); j .
			words := make([]uint32, len(code)/2)
			for i := range words {
				words[i] = uint32(code[2*i]) | uint32(code[2*i+1])<<16
			}
			debugged(t, job{guest: "fetch", image: assemble(words...), harts: 2}, func(d *debugger) {
				const base = uint64(machine.RAMBase)
				far := base + uint64(at)
				d.want(fmt.Sprintf("Z0,%x,2", base+8+2*uint64(nops)), "OK")
				if id := d.thread(d.ask("vCont;c")); id != "1" {
					d.t.Errorf("%d nops: thread %s stopped", nops, id)
				}
				d.want("Hg2", "OK")
				if d.number(d.ask("p20")) == far {
					waited++
					d.want(fmt.Sprintf("z0,%x,2", base+8+2*uint64(nops)), "OK")
					d.want(fmt.Sprintf("Z0,%x,4", far), "OK")
					if reply := d.ask("vCont;c"); reply != "T05thread:2;" || d.number(d.ask("p20")) != far || d.number(d.ask("p6")) != 0 {
						d.t.Errorf("far at %d, %d nops: the breakpoint was missed: %q", at, nops, reply)
					}
					d.want(fmt.Sprintf("z0,%x,4", far), "OK")
					d.want("vCont;s:2", "T05thread:2;")
					if pc, v := d.number(d.ask("p20")), d.number(d.ask("p6")); pc != far+4 || v != 1 {
						d.t.Errorf("far at %d, %d nops: after a step pc is %#x, t1 %d", at, nops, pc, v)
					}
				}
				d.send("k")
			})
		}
		if waited == 0 {
			t.Errorf("far at %d: hart 1 never waited there", at)
		}
		t.Logf("far at %d: hart 1 waited there %d times", at, waited)
	}
}

// GDB itself, on a program with virtual memory: threads, breakpoints by symbol, CSRs,
// memory, watchpoints, steps.
func TestGDB(t *testing.T) {
	tool, err := exec.LookPath("gdb-multiarch")
	if err != nil {
		t.Skip("no gdb-multiarch")
	}
	j := job{guest: "locks", harts: 4, words: map[string]uint64{"iterations": 3}, log: true}
	plain := j.run(t)
	var output string
	o := waiting(t, j, func(address string) {
		dir := t.TempDir()
		program, commands := filepath.Join(dir, "guest.elf"), filepath.Join(dir, "commands")
		text := "target remote " + address + `
set pagination off
info threads
break main
continue
info registers pc mstatus mhartid
thread 3
info registers mhartid
delete
hbreak spin_lock
continue
stepi
stepi
x/i $pc
delete
watch *(long *)&left
continue
continue
monitor cycle
delete
continue
`
		if err := os.WriteFile(program, j.program(t), 0o644); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(commands, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, tool, "-batch", "-nx", "-x", commands, program).CombinedOutput()
		if output = string(out); err != nil {
			t.Errorf("gdb: %v\n%s", err, out)
		}
	})
	for _, want := range []string{"Thread 4 (", "Breakpoint 1, 0x", "in main ()", "mhartid        0x2", "in spin_lock ()", "Hardware watchpoint", "Old value = 0", "New value = 1", "hart 3: cycle ", "exited normally"} {
		if !strings.Contains(output, want) {
			t.Errorf("gdb did not say %q:\n%s", want, output)
		}
	}
	sameRun(t, "under gdb", plain, o)
	if strings.Contains(output, "Cannot") {
		t.Errorf("gdb complains:\n%s", output)
	}
}
