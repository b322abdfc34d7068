package machine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"mcsim/coherence"
	"mcsim/event"
	"mcsim/machine/config"
	"mcsim/stats/series"
)

// Limits end a run early. 0 is no limit.
type Limits struct {
	Instructions, Cycles uint64         // looked at when a quantum ends; an instruction that traps counts
	Progress             func(Progress) // called now and then, with all harts parked

	// CheckpointAt asks for a checkpoint at the end of the quantum that comes to this
	// point; the guest may ask for others. Checkpoint takes them, by calling
	// Machine.Checkpoint with the reason. Its error ends the run.
	CheckpointAt config.Trigger
	Checkpoint   func(reason string) error
	// Intervals records what is counted over time, if it is not nil. It is for
	// the caller to close it.
	Intervals *series.Recorder
}

// Progress is how far a run has come.
type Progress struct{ Instructions, Cycles, References uint64 }

// Result is how a run ended.
type Result struct {
	ExitCode int
	// Reason is "exit" (the guest ended it), "reset" (the guest wants the machine
	// restarted), "max-instructions", "max-cycles", "interrupted", "stuck" (nobody
	// can go on), "check" (a broken invariant), "stop-at" (the configured end),
	// "marker" (the guest's marker), "refused" (it was not begun),
	// "killed" (by the debugger), "checkpoint" or "recording" (one could not be
	// written) or "bug"; of a replay also
	// "trace-end" (all traces were replayed), "trace-error" (one could not be) or "incoherent" (a
	// load did not see the last store).
	Reason               string
	Cycles, Instructions uint64
	Before               uint64 // instructions of them before the checkpoint that the run went on from
	References           uint64 // of a replay
	Threads              int    // that its traces named
	HostSeconds          float64
}

// progressEvery is how many quanta pass between looks at the clock on the wall.
const progressEvery = 64

// Run runs the program to its end, a limit, or the end of ctx. The result is
// valid with an error too, as far as the run came.
func (m *Machine) Run(ctx context.Context, l Limits) (Result, error) {
	if m.engine == nil {
		return Result{}, errors.New("machine: no program is loaded")
	}
	if m.opts.Stdin != nil {
		m.input = newInput(m.opts.Stdin, m.taken, m.untaken)
	}
	if err := m.prepare(&l); err != nil {
		return Result{Reason: "refused"}, err
	}
	res := Result{}
	if m.recordE = m.startRecording(); m.recordE != nil {
		res.Reason = "recording"
		return res, m.explain(&res, nil)
	}
	start := now()
	m.engine.OnQuantum = func(cycle uint64) bool {
		m.endQuantum(cycle)
		if m.replay != nil {
			res.Reason = m.replayEnds(ctx)
		}
		if l.Intervals != nil && l.Intervals.Due(cycle) {
			m.syncStats()
			l.Intervals.At(cycle)
		}
		m.passed(cycle)
		m.engine.Limit = m.nextStop(l.Cycles)
		if m.due != "" && !m.save(&l) {
			return false
		}
		if d := m.opts.Debugger; d != nil && d.Wanted() {
			d.Interrupt(ctx)
		}
		switch {
		case res.Reason != "":
		case m.stopping != "":
			res.Reason = m.stopping
		case l.Instructions > 0 && m.begun() >= l.Instructions:
			res.Reason = "max-instructions"
		case l.Cycles > 0 && cycle >= l.Cycles:
			res.Reason = "max-cycles"
		case ctx.Err() != nil:
			res.Reason = "interrupted"
		}
		if l.Progress != nil && m.engine.Quanta%progressEvery == 0 {
			m.host = now().Sub(start).Seconds()
			at := Progress{Instructions: m.instructions(), Cycles: cycle}
			if m.replay != nil {
				at.References = m.replay.References()
			}
			l.Progress(at)
		}
		if m.exact != nil && !m.exact.Quantum(cycle) && res.Reason == "" {
			res.Reason = "trace-end"
		}
		if res.Reason != "" {
			m.rec.stop()
		}
		m.rec.quantum(cycle)
		return res.Reason == ""
	}
	m.engine.Limit = m.nextStop(l.Cycles)
	m.engine.OnIdle = func() bool { return m.waitForInput(ctx) }
	if m.exact != nil {
		m.engine.OnIdle = m.exact.Idle
	}
	if m.paced() {
		m.engine.OnSkip = func(from, to uint64) uint64 { return m.pace(ctx, from, to) }
	}
	begin := event.Event{Hart: -1, Kind: event.RunBegin, Arg: [4]uint64{uint64(len(m.harts)), m.cfg.Machine.Seed, uint64(m.cfg.Machine.Quantum)}}
	if m.restored {
		begin.Kind, begin.Cycle = event.RunRestored, m.cycles
	}
	m.own.Emit(begin)
	if m.replay != nil {
		m.replay.Start()
		defer m.replay.Stop()
	}
	m.ctx = ctx
	if d := m.opts.Debugger; d != nil {
		d.Begin(ctx, (*target)(m))
	}
	lanes := runtime.GOMAXPROCS(0)
	if m.opts.Protocol != nil {
		lanes = 1
	}
	err := m.engine.Run(lanes)
	if m.exact != nil {
		m.exact.Finish()
		m.exactE = m.exact.Err()
	}
	if err := m.rec.finish(); err != nil && m.recordE == nil {
		m.recordE = err
	}
	m.rec = nil
	m.host = now().Sub(start).Seconds()
	m.finish(&res, err)
	if d := m.opts.Debugger; d != nil {
		d.Exited(res.ExitCode)
	}
	if m.replay != nil && err == nil {
		err = m.replay.Err()
		if err == nil && res.Reason == "trace-end" {
			if err = m.replay.CheckMemory(); err != nil {
				res.Reason = "incoherent"
			}
		}
	}
	return res, m.explain(&res, err)
}

// save takes the checkpoint that is due. It returns false if that failed, which
// ends the run.
func (m *Machine) save(l *Limits) bool {
	reason := m.due
	m.due = ""
	if l.Checkpoint == nil {
		return true
	}
	m.savable = true
	m.saveE = l.Checkpoint(reason)
	m.savable = false
	return m.saveE == nil
}

// finish fills in the result and hands the last events over.
func (m *Machine) finish(res *Result, err error) {
	if m.uart != nil {
		m.uart.Drain()
	}
	if m.replay != nil {
		m.cycles = 0 // not the end of the quantum, but that of the last reference
		m.replay.Finish()
		res.References, res.Threads = m.replay.References(), m.replay.Threads()
	}
	if m.exact != nil {
		res.References, res.Threads = m.exact.References(), len(m.harts)
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
	case m.exit != nil && m.exit.Reset:
		res.Reason = "reset"
	case m.exit != nil:
		res.Reason, res.ExitCode = "exit", m.exit.Status()
	}
	res.Cycles, res.Instructions, res.Before, res.HostSeconds = m.cycles, m.instret, m.resumed, m.host
	m.own.Emit(event.Event{Cycle: m.cycles, Hart: -1, Kind: event.RunEnd, Arg: [4]uint64{reasonNumber(res.Reason), uint64(res.ExitCode), m.instret}})
	m.endQuantum(m.cycles)
}

// endQuantum hands on what the guest printed, typed input and events.
func (m *Machine) endQuantum(cycle uint64) {
	m.cycles = cycle
	if err := m.console.Flush(); err != nil && m.consoleE == nil {
		m.consoleE = err
		m.engine.Stop()
	}
	if err := m.rec.collect(); err != nil && m.recordE == nil {
		m.recordE = err
		m.engine.Stop()
	}
	if err := m.vconsole.flush(); err != nil && m.consoleE == nil {
		m.consoleE = err
		m.engine.Stop()
	}
	m.takeIn()
	if m.opts.Log != nil {
		m.scratch = event.Merge(m.bufs, m.scratch, m.opts.Log.Write)
	}
}

// deliver hands the guest what has come from outside, but for the terminal.
func (m *Machine) deliver(now uint64) bool {
	frames := m.net.deliver(now)
	return m.vconsole.deliver(now) || frames
}

// offerInput gives the guest what its terminal typed, as far as it takes it. It
// returns false at the end of the input.
func (m *Machine) offerInput(ctx context.Context, wait bool) bool {
	if m.input == nil {
		return false
	}
	b, ok := m.input.next(ctx, wait)
	if !ok {
		m.input = nil
		return false
	}
	if len(b) == 0 {
		return true
	}
	n := len(b)
	switch {
	case m.vconsole.takes():
		n = m.vconsole.push(b, m.cycles)
		m.bus.Reschedule()
	case m.uart != nil:
		n = m.uart.Push(m.cycles, b)
		m.bus.Reschedule()
	}
	if m.htif != nil {
		m.htif.Push(b[:n])
	}
	m.input.took(n)
	m.taken += uint64(n)
	return true
}

// wakeReserved wakes a hart that waits for its reservation to be lost.
func (m *Machine) wakeReserved(hart int, now uint64) {
	if m.rec != nil {
		m.rec.natural = true
		defer func() { m.rec.natural = false }()
	}
	m.engine.Wake(hart, max(now, m.engine.Now()))
}

// waitForInput waits for the world outside where all harts sleep and the guest
// listens to it: for the terminal it has to have asked for an interrupt when a
// character comes. It returns false if nothing will come.
func (m *Machine) waitForInput(ctx context.Context) bool {
	typed := m.input != nil && (m.vconsole.takes() || m.uart != nil && m.uart.Save().IER&1 != 0)
	if !typed && m.net == nil && m.vconsole.silent() {
		return false
	}
	if d := m.opts.Debugger; d != nil {
		var cancel context.CancelFunc
		ctx, cancel = d.Until(ctx)
		defer cancel()
	}
	if typed && m.input.file != nil {
		return m.offerInput(ctx, true) || ctx.Err() != nil
	}
	m.outside(ctx, forever) // OnQuantum sees to an end of ctx
	m.takeIn()
	return true
}

// explain adds to an error what helps to find its cause: the harts' state.
func (m *Machine) explain(res *Result, err error) error {
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
		fmt.Fprintf(&b, "\n  hart %d: %s", i, h.State())
		if m.image == nil {
			continue
		}
		if f, ok := m.image.Function(h.PC()); ok {
			fmt.Fprintf(&b, " in %s", f.Name)
		}
	}
	var p *coherence.AgentPanic
	if errors.As(err, &p) {
		fmt.Fprintf(&b, "\n%s", p.Stack)
	}
	return fmt.Errorf("%w%s", err, b.String())
}

// begun is the number of instructions that retired or trapped: a guest that does
// nothing but trap comes to its limit too.
func (m *Machine) begun() uint64 {
	n := m.instructions()
	for _, h := range m.harts {
		n += h.Stats().Exceptions
	}
	return n
}

func (m *Machine) instructions() (n uint64) {
	for _, h := range m.harts {
		n += h.Instret()
	}
	return n
}

// now reads the host's clock: for sim.host_seconds and progress alone.
func now() time.Time { return time.Now() }
