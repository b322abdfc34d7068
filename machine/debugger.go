package machine

import (
	"fmt"
	"slices"
	"strings"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/core"
	"mcsim/core/isa"
	"mcsim/gdb"
	"mcsim/stats"
)

// target is the machine as a debugger sees it. What a debugger looks at changes
// nothing: registers are copied, memory is read out of the caches without an access,
// and a hart that stops goes on in the same round.
type target Machine

// arm is where a debugger stops a hart.
type arm struct {
	breaks  []uint64
	watches []core.Watch
}

// tellDebugger tells the debugger of a notice that concerns it.
func (m *Machine) tellDebugger(hart int, n core.Notice) {
	if !m.stops(hart) {
		return
	}
	stop := gdb.Stop{Thread: hart, Signal: gdb.SignalTrap}
	if n.Kind == core.NoticeWatch {
		stop.Watched, stop.Addr = true, n.Value
	}
	m.engine.Urgent, m.engine.Held = 0, 0
	m.opts.Debugger.Stopped(m.ctx, stop)
}

// stops says whether what a hart tells is for the debugger.
func (m *Machine) stops(hart int) bool {
	if m.opts.Debugger == nil || len(m.armed) == 0 {
		return false
	}
	switch m.harts[hart].Notice().Kind {
	case core.NoticeMarker, core.NoticeTraps:
		return false
	case core.NoticeBreak:
		return slices.Contains(m.armed[hart].breaks, m.harts[hart].PC())
	}
	return true
}

func (t *target) Threads() int { return len(t.harts) }

func (t *target) State(i int) string {
	h := t.harts[i]
	where := ""
	if t.image != nil {
		if f, ok := t.image.Function(h.PC()); ok {
			where = " in " + f.Name
		}
	}
	return h.State() + where
}

func (t *target) ReadRegister(i, reg int) (uint64, bool) {
	h := t.harts[i]
	switch {
	case reg < gdb.RegPC:
		return h.X(reg), true
	case reg == gdb.RegPC:
		return h.PC(), true
	case reg < gdb.RegCSR0:
		return h.F(reg - gdb.RegF0), true
	}
	return h.ReadCSR(uint16(reg - gdb.RegCSR0))
}

// WriteRegister refuses the pc and CSRs of a hart that is in the midst of an
// instruction, which would overwrite them.
func (t *target) WriteRegister(i, reg int, v uint64) bool {
	h := t.harts[i]
	switch {
	case reg < gdb.RegPC:
		h.SetX(reg, v)
	case reg >= gdb.RegF0 && reg < gdb.RegCSR0:
		h.SetF(reg-gdb.RegF0, v)
	case !h.Between():
		return false
	case reg == gdb.RegPC:
		h.SetPC(v)
	default:
		return h.WriteCSR(uint16(reg-gdb.RegCSR0), v)
	}
	return true
}

// pieces calls f for the parts of [va, va+n) that lie in one page each, with their
// physical addresses, until f or the translation fails.
func (t *target) pieces(i int, va uint64, n int, f func(pa addr.PA, off, n int) bool) (done int) {
	read := func(pa addr.PA) (uint64, bool) {
		var b [8]byte
		if t.bus.Peek(pa, b[:]) != nil {
			return 0, false
		}
		return word(b[:]), true
	}
	for done < n {
		part := min(n-done, int(4096-(va+uint64(done))&4095))
		pa, ok := t.harts[i].Look(va+uint64(done), read)
		if !ok || t.amap.Attr(pa, uint64(part)) != coherence.AttrRAM || !f(pa, done, part) {
			break
		}
		done += part
	}
	return done
}

func word(b []byte) (v uint64) {
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// ReadMemory gives what the hart would load: its own waiting stores lie over what the
// caches have.
func (t *target) ReadMemory(i int, va uint64, p []byte) int {
	return t.pieces(i, va, len(p), func(pa addr.PA, off, n int) bool {
		if t.bus.Peek(pa, p[off:off+n]) != nil {
			return false
		}
		t.harts[i].WaitingStores(func(at addr.PA, size uint64, v *uint64) {
			for k := range size {
				if d := uint64(at) + k - uint64(pa); d < uint64(n) {
					p[off+int(d)] = byte(*v >> (8 * k))
				}
			}
		})
		return true
	})
}

// WriteMemory writes every copy, and the stores on their way to it.
func (t *target) WriteMemory(i int, va uint64, p []byte) bool {
	return t.pieces(i, va, len(p), func(pa addr.PA, off, n int) bool {
		for _, h := range t.harts {
			h.WaitingStores(func(at addr.PA, size uint64, v *uint64) {
				for k := range size {
					if d := uint64(at) + k - uint64(pa); d < uint64(n) {
						*v = *v&^(0xff<<(8*k)) | uint64(p[off+int(d)])<<(8*k)
					}
				}
			})
		}
		return t.bus.Poke(pa, p[off:off+n]) == nil
	}) == len(p)
}

// Arm implements gdb.Target. Forgetting what a hart has decoded takes time, so it is
// done only where something changes.
func (t *target) Arm(i int, breaks []uint64, watches []gdb.Watch, step, first, held bool) {
	if t.armed == nil {
		t.armed = make([]arm, len(t.harts))
	}
	h, a := t.harts[i], &t.armed[i]
	if !slices.Equal(a.breaks, breaks) {
		a.breaks = slices.Clone(breaks)
		h.SetBreaks(append(slices.Clone(t.breaks), breaks...))
	}
	list := make([]core.Watch, 0, len(watches))
	for _, w := range watches {
		list = append(list, core.Watch(w))
	}
	if !slices.Equal(a.watches, list) {
		a.watches = list
		h.SetWatches(list)
	}
	h.SetStep(step)
	bit := uint64(1) << i
	t.engine.Urgent &^= bit
	t.engine.Held &^= bit
	if first {
		t.engine.Urgent |= bit
	}
	if held {
		t.engine.Held |= bit
	}
}

func (t *target) Kill() { t.stopping = "killed" }

// Description is the target's XML: registers as GDB's RISC-V features name them.
func (t *target) Description() string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>riscv:rv64</architecture>`)
	b.WriteString(`<feature name="org.gnu.gdb.riscv.cpu">`)
	for i, name := range intNames {
		kind := "int"
		switch name {
		case "ra":
			kind = "code_ptr"
		case "sp", "gp", "tp", "fp":
			kind = "data_ptr"
		}
		fmt.Fprintf(&b, `<reg name="%s" bitsize="64" regnum="%d" type="%s"/>`, name, i, kind)
	}
	fmt.Fprintf(&b, `<reg name="pc" bitsize="64" regnum="%d" type="code_ptr"/></feature>`, gdb.RegPC)
	csr := func(num uint16, name string) {
		fmt.Fprintf(&b, `<reg name="%s" bitsize="64" regnum="%d" group="csr"/>`, name, gdb.RegCSR0+int(num))
	}
	h := t.harts[0]
	if _, ok := h.ReadCSR(1); ok {
		b.WriteString(`<feature name="org.gnu.gdb.riscv.fpu">`)
		for i, name := range floatNames {
			fmt.Fprintf(&b, `<reg name="%s" bitsize="64" regnum="%d" type="ieee_double"/>`, name, gdb.RegF0+i)
		}
		csr(1, "fflags")
		csr(2, "frm")
		csr(3, "fcsr")
		b.WriteString(`</feature>`)
	}
	b.WriteString(`<feature name="org.gnu.gdb.riscv.csr">`)
	for num := uint16(4); num < 4096; num++ {
		if _, ok := h.ReadCSR(num); ok {
			csr(num, isa.CSRName(num))
		}
	}
	b.WriteString(`</feature></target>`)
	return b.String()
}

var intNames = strings.Fields("zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6")

var floatNames = strings.Fields("ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11")

// Monitor implements gdb.Target.
func (t *target) Monitor(command string) string {
	words := strings.Fields(command)
	if len(words) == 0 {
		words = []string{"help"}
	}
	switch words[0] {
	case "cycle":
		var b strings.Builder
		for i, h := range t.harts {
			fmt.Fprintf(&b, "hart %d: cycle %d, %d instructions\n", i, h.Clock(), h.Instret())
		}
		return b.String()
	case "stats":
		var b strings.Builder
		for _, v := range t.reg.Snapshot().Values {
			if v.F != 0 && (len(words) == 1 || strings.Contains(v.Name, words[1])) {
				fmt.Fprintf(&b, "%s %s\n", v.Name, stats.Human(v, ""))
			}
		}
		return b.String()
	}
	return "cycle         where each hart is in time\nstats [WORD]  what was counted so far\n"
}
