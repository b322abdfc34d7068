package machine

import (
	"errors"
	"fmt"
	"strings"

	"mcsim/coherence"
	"mcsim/event"
)

// end completes the result of a run that the engine has ended, and everything that
// listens to it. The error says what went wrong.
func (r *running) end(err error) error {
	if r.exact != nil {
		r.exact.Finish()
		r.exactE = r.exact.Err()
	}
	if err := r.rec.finish(); err != nil && r.recordE == nil {
		r.recordE = err
	}
	r.rec = nil
	r.host = now().Sub(r.start).Seconds()
	r.finish(&r.res, err)
	if d := r.opts.Debugger; d != nil {
		d.Exited(r.res.ExitCode)
	}
	if r.replay != nil && err == nil {
		err = r.replay.Err()
		if err == nil && r.res.Reason == "trace-end" {
			if err = r.replay.CheckMemory(); err != nil {
				r.res.Reason = "incoherent"
			}
		}
	}
	return r.explain(&r.res, err)
}

// finish fills in the result and hands the last events over.
func (m *Machine) finish(res *Result, err error) {
	if m.uart != nil {
		m.uart.Drain()
	}
	m.flushConsoles()
	if m.replay != nil {
		m.cycles = 0 // not the end of the quantum, but that of the last reference
		m.replay.Finish()
		res.References, res.Threads = m.replay.References(), m.replay.Threads()
	}
	if m.exact != nil {
		res.References, res.Threads = m.exact.References(), len(m.harts)
		if c := m.exact.Cut(); c != 0 {
			m.cycles = c
		}
	}
	for _, h := range m.harts {
		m.cycles = max(m.cycles, h.Clock())
	}
	m.syncStats()
	m.instret = m.instructions()
	var check *coherence.InvariantError
	switch {
	case errors.As(err, &check):
		res.Reason = "check"
	case errors.Is(err, coherence.ErrAsleep):
		res.Reason = "stuck"
	case err != nil:
		res.Reason = "bug"
	case m.exactE != nil:
		res.Reason = "trace-error"
	case m.exact != nil && res.Reason == "":
		res.Reason = "trace-end"
	case m.saveE != nil:
		res.Reason = "checkpoint"
	case m.recordE != nil:
		res.Reason = "recording"
	case m.consoleE != nil:
		res.Reason = "console"
	case m.exit != nil && m.exit.Reset:
		res.Reason = "reset"
	case m.exit != nil:
		res.Reason, res.ExitCode = "exit", m.exit.Status()
	}
	res.Cycles, res.Instructions, res.Before, res.HostSeconds = m.cycles, m.instret, m.resumed, m.host
	m.own.Emit(event.Event{Cycle: m.cycles, Hart: -1, Kind: event.RunEnd, Arg: [4]uint64{reasonNumber(res.Reason), uint64(res.ExitCode), m.instret}})
	m.endQuantum(m.cycles)
}

// explain adds to an error what helps to find its cause: the harts' state.
func (m *Machine) explain(res *Result, err error) error {
	if res.Reason == "trap-loop" {
		err = errTrapLoop
	}
	if err == nil {
		switch {
		case m.exactE != nil:
			return fmt.Errorf("following the recording: %w", m.exactE)
		case m.consoleE != nil:
			return fmt.Errorf("writing the guest's console: %w", m.consoleE)
		case m.recordE != nil:
			return fmt.Errorf("writing the recording: %w", m.recordE)
		}
		if m.saveE != nil {
			return fmt.Errorf("checkpoint: %w", m.saveE)
		}
		return nil
	}
	if m.replay != nil && res.Reason != "bug" {
		return err // it names what is wrong; the harts' state is of no interest
	}
	var b strings.Builder
	for i, h := range m.harts {
		if i == 8 {
			fmt.Fprintf(&b, "\n  and %d more harts", len(m.harts)-i)
			break
		}
		fmt.Fprintf(&b, "\n  hart %d: %s", i, (*target)(m).State(i))
		if t, ok := h.TrapLoop(); ok {
			fmt.Fprintf(&b, "\n    %s", m.describe(i, t))
		}
	}
	var p *coherence.AgentPanic
	if errors.As(err, &p) {
		fmt.Fprintf(&b, "\n%s", p.Stack)
	}
	return fmt.Errorf("%w%s", err, b.String())
}
