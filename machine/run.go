package machine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"mcsim/event"
	"mcsim/machine/config"
	"mcsim/stats/series"
)

// Limits end a run early. 0 is no limit.
type Limits struct {
	Instructions, Cycles uint64         // looked at when a quantum ends
	Progress             func(Progress) // called now and then, with all harts parked
	Warn                 func(string)   // called with what a user should look at while the run goes on

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
	// can go on), "trap-loop" (the same, and not all sleep), "check" (a broken invariant), "stop-at" (the configured end),
	// "marker" (the guest's marker), "panic" (the guest's kernel stands still), "refused" (it was not begun),
	// "killed" (by the debugger), "checkpoint", "recording" or "console" (it could not be
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

// running is a run under way.
type running struct {
	*Machine
	ctx    context.Context
	limits *Limits
	start  time.Time
	res    Result
}

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
	r := &running{Machine: m, ctx: ctx, limits: &l, start: now()}
	if m.recordE = m.startRecording(); m.recordE != nil {
		r.res.Reason = "recording"
		return r.res, m.explain(&r.res, nil)
	}
	r.hook()
	r.begin()
	if m.replay != nil {
		m.replay.Start()
		defer m.replay.Stop()
	}
	if d := m.opts.Debugger; d != nil {
		d.Begin(ctx, (*target)(m))
	}
	defer context.AfterFunc(ctx, m.engine.Interrupt)()
	lanes := runtime.GOMAXPROCS(0)
	if m.opts.Protocol != nil {
		lanes = 1
	}
	err := m.engine.Run(lanes)
	r.warn()
	err = r.end(err)
	return r.res, err
}

// hook has the engine call the run where a quantum ends, where all harts sleep, and
// where time is skipped.
func (r *running) hook() {
	e := r.engine
	e.OnQuantum = r.quantum
	e.Limit = r.nextStop(r.limits.Cycles)
	e.OnIdle = func() bool { return r.waitForInput(r.ctx) }
	if r.exact != nil {
		e.OnIdle = r.exact.Idle
	}
	if r.paced() {
		e.OnSkip = func(from, to uint64) uint64 { return r.pace(r.ctx, from, to) }
	}
	r.Machine.ctx = r.ctx
}

// begin tells the log that the run begins, or goes on.
func (r *running) begin() {
	e := event.Event{Hart: -1, Kind: event.RunBegin, Arg: [4]uint64{uint64(len(r.harts)), r.cfg.Machine.Seed, uint64(r.cfg.Machine.Quantum)}}
	if r.restored {
		e.Kind, e.Cycle = event.RunRestored, r.cycles
	}
	r.own.Emit(e)
}

// quantum does what is to be done where a quantum has ended, with all harts parked.
// It returns false to end the run.
func (r *running) quantum(cycle uint64) bool {
	r.endQuantum(cycle)
	if r.replay != nil {
		r.res.Reason = r.replayEnds(r.ctx)
	}
	if i := r.limits.Intervals; i != nil && i.Due(cycle) {
		r.syncStats()
		i.At(cycle)
	}
	r.warn()
	r.passed(cycle)
	r.engine.Limit = r.nextStop(r.limits.Cycles)
	if r.due != "" && !r.save(r.limits) {
		return false
	}
	if d := r.opts.Debugger; d != nil && d.Wanted() {
		d.Interrupt(r.ctx)
	}
	if r.res.Reason == "" {
		r.res.Reason = r.over(cycle)
	}
	if r.limits.Progress != nil && r.engine.Quanta%progressEvery == 0 {
		r.progress(cycle)
	}
	if r.exact != nil && !r.engine.Short() && !r.exact.Quantum(cycle) && r.res.Reason == "" {
		r.res.Reason = "trace-end"
	}
	if r.res.Reason != "" {
		r.rec.stop(cycle)
	}
	r.rec.quantum(cycle)
	return r.res.Reason == ""
}

// warn tells the user what devices have warned of.
func (r *running) warn() {
	for _, text := range r.warnings {
		if r.limits.Warn != nil {
			r.limits.Warn(text)
		}
	}
	r.warnings = nil
}

// over is the reason to end the run after a quantum that its configuration, its
// limits or its user have; "" is none.
func (r *running) over(cycle uint64) string {
	l := r.limits
	switch {
	case r.stopping != "":
		return r.stopping
	case r.panicked():
		return "panic"
	case l.Instructions > 0 && r.instructions() >= l.Instructions:
		return "max-instructions"
	case l.Cycles > 0 && cycle >= l.Cycles:
		return "max-cycles"
	case r.ctx.Err() != nil:
		return "interrupted"
	case len(r.loops) > 0 && r.trapped(r.ctx, l.Warn):
		return "trap-loop"
	}
	return ""
}

// progress tells how far the run has come.
func (r *running) progress(cycle uint64) {
	r.host = now().Sub(r.start).Seconds()
	at := Progress{Instructions: r.instructions(), Cycles: cycle}
	if r.replay != nil {
		at.References = r.replay.References()
	}
	r.limits.Progress(at)
}

// save takes the checkpoint that is due. It returns false if that failed, which
// ends the run.
func (m *Machine) save(l *Limits) bool {
	reason := m.due
	m.due = ""
	if l.Checkpoint == nil {
		return true
	}
	if m.engine.Short() { // what goes on from here would be another run
		m.warnings = append(m.warnings, fmt.Sprintf("no checkpoint for %s: the run was interrupted before the quantum's end", reason))
		return true
	}
	m.savable = true
	m.saveE = l.Checkpoint(reason)
	m.savable = false
	return m.saveE == nil
}

// endQuantum hands on what the guest printed, typed input and events.
func (m *Machine) endQuantum(cycle uint64) {
	m.cycles = cycle
	m.flushConsoles()
	if err := m.rec.collect(); err != nil && m.recordE == nil {
		m.recordE = err
		m.engine.Stop()
	}
	m.takeIn()
	if m.opts.Log != nil {
		m.logEvents()
	}
}

// mostLate is how many events are still logged when the run is interrupted: a tenth
// of a second's. A long quantum can have many millions.
const mostLate = 1 << 17

// logEvents hands on what happened in the quantum.
func (m *Machine) logEvents() {
	late, ends := 0, uint64(0)
	left := event.Merge(m.bufs, func(e *event.Event) bool {
		if m.engine.Interrupted() {
			if late++; late > mostLate {
				ends = e.Cycle
				return false
			}
		}
		m.opts.Log.Write(e)
		return true
	})
	if left > 0 {
		m.opts.Log.Cut(ends, left)
		m.warnings = append(m.warnings, fmt.Sprintf("the log ends at cycle %d: the run was interrupted before the last %d events were written", ends, left))
	}
}

// flushConsoles writes out what the guest printed.
func (m *Machine) flushConsoles() {
	if err := errors.Join(m.console.Flush(), m.vconsole.flush()); err != nil && m.consoleE == nil {
		m.consoleE = err
		m.engine.Stop()
	}
}

// wakeReserved wakes a hart that waits for its reservation to be lost.
func (m *Machine) wakeReserved(hart int, now uint64) {
	if m.rec != nil {
		m.rec.natural = true
		defer func() { m.rec.natural = false }()
	}
	m.engine.Wake(hart, max(now, m.engine.Now()))
}

func (m *Machine) instructions() (n uint64) {
	for _, h := range m.harts {
		n += h.Instret()
	}
	return n
}

// now reads the host's clock, for what says that it is the host's: sim.host_seconds
// and the like, progress, --realtime, and an epoch that is wanted so.
func now() time.Time { return time.Now() } //nolint:forbidigo // see above
