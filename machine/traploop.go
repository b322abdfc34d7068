package machine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mcsim/core"
	"mcsim/event"
	"mcsim/stats"
)

// errTrapLoop is the end of a run in which nobody can go on, and some are not asleep.
var errTrapLoop = errors.New("every hart sleeps or takes the same exception for ever, and no timer or device will change that")

// traps hears that a hart has taken the same exception over and over.
func (m *Machine) traps(hart int) {
	h := m.harts[hart]
	t, _ := h.TrapLoop()
	m.bufs[hart].Emit(event.Event{Cycle: h.Clock(), Hart: int16(hart), Kind: event.TrapLoop,
		Arg: [4]uint64{t.Cause, t.PC, t.Tval, t.Times}})
	m.loops = append(m.loops, hart)
}

// watchTraps has the harts tell of trap loops, and finds those that a checkpoint has.
func (m *Machine) watchTraps() {
	m.told = make([]bool, len(m.harts))
	for i, h := range m.harts {
		h.SetTrapLoop(m.cfg.Run.TrapLoop)
		if _, ok := h.TrapLoop(); ok {
			m.loops = append(m.loops, i)
		}
	}
}

// interrupts that come from outside of the machine: those of devices, in mip.
const external = 1<<9 | 1<<11 | 1<<12

// trapped says whether the run is over because every hart is in a trap loop or
// asleep, and nothing will change that: no timer of a hart that it could still be
// interrupted by, no device at work, and nobody outside, who is waited for.
func (m *Machine) trapped(ctx context.Context, warn func(string)) bool {
	loops := m.loops[:0]
	for _, i := range m.loops {
		if _, ok := m.harts[i].TrapLoop(); ok {
			loops = append(loops, i)
		}
	}
	if m.loops = loops; len(loops) == 0 {
		return false
	}
	still, awaited := m.standstill()
	listens := awaited&external != 0
	if still && !listens && m.opts.Debugger == nil {
		return true
	}
	for _, i := range loops {
		if t, _ := m.harts[i].TrapLoop(); !m.told[i] && warn != nil {
			m.told[i] = true
			warn(fmt.Sprintf("hart %d: %s", i, m.describe(i, t)))
		}
	}
	return still && m.opts.Debugger == nil && !m.waitForInput(ctx)
}

// standstill says whether nothing within the machine will ever go on, and which
// interrupts, bits of mip, could still reach a hart.
func (m *Machine) standstill() (still bool, awaited uint64) {
	next := m.bus.NextEvent()
	for i, h := range m.harts {
		if t, ok := h.TrapLoop(); ok && t.Same {
			next, awaited = min(next, t.Timer), awaited|t.Interrupts
			continue
		}
		until, asleep := m.engine.Asleep(i)
		if !asleep {
			return false, 0
		}
		next, awaited = min(next, until), awaited|h.Awaited()
	}
	return m.engine.Never(next), awaited
}

// describe says what a hart takes over and over, and the likely reason.
func (m *Machine) describe(hart int, t core.TrapLoop) string {
	var b strings.Builder
	how := "in a trap loop"
	if !t.Same {
		how = "trapping in its trap handler, deeper and deeper"
	}
	fmt.Fprintf(&b, "%s: %s, %s times", how, m.exception(t.Exception), stats.Human(stats.Value{U: t.Times}, ""))
	if t.Before.Cause != ^uint64(0) {
		fmt.Fprintf(&b, ", after %s", m.exception(t.Before))
	}
	fmt.Fprintf(&b, "; %s", m.likely(hart, t))
	return b.String()
}

// exception names an exception, with its trap value where that says more.
func (m *Machine) exception(e core.Exception) string {
	text := fmt.Sprintf("%s at pc %s", event.CauseName(e.Cause), m.where(e.PC))
	if e.Tval != e.PC && (e.Cause < causeUserCall || e.Cause > causeMachineCall) {
		text += fmt.Sprintf(", tval %#x", e.Tval)
	}
	return text
}

// Causes of exceptions (privileged manual, table of mcause values).
const (
	causeFetchAccess = 1
	causeBreakpoint  = 3
	causeUserCall    = 8
	causeMachineCall = 11
	causeFetchPage   = 12
)

// likely is the reason that a trap loop most likely has.
func (m *Machine) likely(hart int, t core.TrapLoop) string {
	const ra, sp = 1, 2
	h, handler := m.harts[hart], m.where(t.Vector)
	tvec, epc := "mtvec", "mepc"
	if t.Delegated {
		tvec, epc = "stvec", "sepc"
	}
	fetches := func(cause uint64) bool { return cause == causeFetchAccess || cause == causeFetchPage }
	switch {
	case fetches(t.Cause) && t.PC == t.Vector:
		text := fmt.Sprintf("%s is %#x, where nothing can be executed", tvec, t.Vector)
		if t.Vector == 0 {
			text = tvec + " is 0: the program has set no trap handler"
		}
		if t.Before.Cause == ^uint64(0) || fetches(t.Before.Cause) { // it has jumped there
			text += "; ra is " + m.where(h.X(ra))
		}
		return text
	case !t.Same:
		return fmt.Sprintf("the handler at %s traps before it returns; sp is %#x", handler, h.X(sp))
	case !t.Return:
		return fmt.Sprintf("the handler at %s traps itself; sp is %#x", handler, h.X(sp))
	case t.Cause == causeBreakpoint || t.Cause >= causeUserCall && t.Cause <= causeMachineCall:
		return fmt.Sprintf("the handler at %s returns to the instruction itself: it has to move %s on", handler, epc)
	}
	return fmt.Sprintf("the handler at %s returns to the instruction, and has mended nothing", handler)
}

// where is an address, with the function that the program has there.
func (m *Machine) where(pc uint64) string {
	if m.image != nil {
		if f, ok := m.image.Function(pc); ok {
			return fmt.Sprintf("%#x in %s", pc, f.Name)
		}
	}
	return fmt.Sprintf("%#x", pc)
}
