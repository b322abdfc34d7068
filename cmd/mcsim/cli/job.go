package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"mcsim/event"
	"mcsim/gdb"
	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/machine/log"
	"mcsim/stats"
)

// job is one run of one configuration.
type job struct {
	cfg      *config.Config
	saving   saving
	saved    int    // checkpoints so far
	gdb      string // where a debugger is waited for, or ""
	console  io.Writer
	stdin    io.Reader
	terminal *terminal
	stop     *stopper
	replay   *replayJob // what is replayed, if no program is run
}

// runInfo begins the JSON of a run: what anyone needs to repeat it, and how it
// ended. It holds nothing that differs between equal runs.
type runInfo struct {
	Version  string         `json:"version"`
	Program  string         `json:"program"`
	Seed     uint64         `json:"seed"`
	Reason   string         `json:"reason"`
	ExitCode int            `json:"exit_code"`
	Error    string         `json:"error,omitempty"`
	Replay   *replayInfo    `json:"replay,omitempty"`
	Config   *config.Config `json:"config"`
}

// outcome is a run that has ended, one way or another.
type outcome struct {
	info   runInfo
	values *stats.Snapshot
	phases []stats.Phase
	result machine.Result
	code   int   // mcsim's exit code
	err    error // to be told beside the results
}

// run builds the machine, runs it and writes the files. Its error is one that
// leaves no results.
func (j *job) run() (*outcome, error) {
	// Nothing that exists is overwritten for a run that cannot begin.
	if err := j.check(); err != nil {
		return nil, fail(exitLoad, "%w", err)
	}
	if err := distinctFiles(j.cfg, j.saving); err != nil {
		return nil, err
	}
	if err := j.saving.probe(j.cfg.Machine.Seed); err != nil {
		return nil, err
	}
	give, err := j.takeTerminal()
	if err != nil {
		return nil, err
	}
	defer give()
	events, err := openLog(j.cfg)
	if err != nil {
		return nil, err
	}
	statsFile, err := create(j.cfg.Stats.File, j.cfg.Machine.Seed, "--stats")
	if err != nil {
		return nil, err
	}
	dir, err := openOutDir(&j.cfg.Stats, j.cfg.Machine.Seed, j.replay != nil && j.replay.exact == nil)
	if err != nil {
		return nil, err
	}
	recording, recordFile, err := openRecording(j.cfg)
	if err != nil {
		return nil, err
	}
	debugger, err := j.listen()
	if err != nil {
		return nil, err
	}
	if debugger != nil {
		defer debugger.Close() //nolint:errcheck // nobody is left to tell
	}
	m, err := machine.New(j.cfg, machine.Options{
		Console: j.console, Stdin: j.stdin, Log: events, Check: j.cfg.Run.Check, Version: Version, Record: recording, Debugger: debugger,
	})
	if err != nil {
		return nil, err
	}
	program, err := j.load(m)
	if err == nil && j.saving.file != "" {
		err = m.Savable()
	}
	if err != nil {
		return nil, fail(exitLoad, "%w", errors.Join(err, m.Close()))
	}
	if recording != nil {
		recording.Program = program
	}
	if events != nil {
		events.Begin(Version, j.cfg.Machine.Seed, j.cfg)
	}
	j.terminal.say("%s on %s, %s, quantum %d, seed %d", program, plural(j.cfg.Machine.Harts, "hart"),
		j.cfg.Machine.Protocol, j.cfg.Machine.Quantum, j.cfg.Machine.Seed)

	for _, note := range m.Notes() {
		j.terminal.say("%s", note)
	}

	ctx, cancel := j.context()
	defer cancel()
	limits := machine.Limits{Instructions: j.cfg.Run.MaxInstructions, Cycles: j.cfg.Run.MaxCycles,
		CheckpointAt: j.saving.at, Checkpoint: j.save(m)}
	progress := newProgress(j.terminal, limits.Instructions, limits.Cycles)
	if j.replay != nil {
		progress.read = j.replay.traces.progress
	}
	limits.Progress = progress.update
	limits.Intervals = dir.begin(m, 0)
	res, err := m.Run(ctx, limits)
	progress.clear()
	give()
	err = errors.Join(err, m.Close())
	if recording != nil {
		if lost := recordFile.Close(); lost != nil {
			err = errors.Join(err, lost)
			res.Reason = "recording"
		}
	}

	o := &outcome{result: res, err: err}
	o.values, o.phases = m.Report()
	if res.Reason != "refused" && res.Reason != "checkpoint" {
		j.missed(m)
	}
	o.judge(ctx, j.stop)
	o.info = runInfo{Version: Version, Program: program, Seed: j.cfg.Machine.Seed, Reason: res.Reason, ExitCode: o.code, Config: j.cfg}
	if o.err != nil {
		o.info.Error = o.err.Error()
	}
	if j.replay != nil {
		j.replay.finish(o)
	}
	o.writeFiles(events, statsFile, dir)
	return o, nil
}

// listen makes the place where a debugger is waited for, if one is wanted.
func (j *job) listen() (*gdb.Server, error) {
	if j.gdb == "" {
		return nil, nil
	}
	s, err := gdb.Listen(j.gdb)
	if err == nil {
		j.terminal.say("waiting for gdb; there: target remote %s", s.Addr())
	}
	return s, err
}

// missed tells of points that the run did not come to.
func (j *job) missed(m *machine.Machine) {
	if at := j.saving.at; at.Kind != config.NoTrigger && j.saved == 0 {
		j.terminal.say("no checkpoint: the run did not come to %v", at)
	}
	if m.Fast() {
		j.terminal.say("the run did not come to %s: all of it was without timing", j.cfg.Run.FastUntil)
	}
}

// check finds out early what cannot be run.
func (j *job) check() error {
	if j.replay != nil || j.saving.restore != "" {
		return nil // the traces are open; the checkpoint has the program
	}
	return checkProgram(j.cfg)
}

// load builds the machine around what it runs, and names that.
func (j *job) load(m *machine.Machine) (string, error) {
	switch {
	case j.replay != nil:
		return j.replay.load(m)
	case j.saving.restore != "":
		return j.resume(m)
	}
	return load(m, j.cfg)
}

// takeTerminal gives a system that is booted the user's terminal, if there is one.
// What it returns gives it back.
func (j *job) takeTerminal() (give func(), err error) {
	give = func() {}
	if !j.cfg.Program.Boots() {
		return give, nil
	}
	raw, err := openConsole(j.stdin, j.terminal, j.stop.quit)
	if err == nil && raw != nil {
		give, j.stdin = raw.close, raw
	}
	return give, err
}

// context ends with a signal or after the configured host time.
func (j *job) context() (context.Context, context.CancelFunc) {
	if s := j.cfg.Run.MaxSeconds; s > 0 {
		return context.WithTimeout(j.stop.ctx, time.Duration(s)*time.Second)
	}
	return context.WithCancel(j.stop.ctx)
}

// judge finds the exit code. A machine's error is a bug of ours unless it says
// otherwise by the reason.
func (o *outcome) judge(ctx context.Context, stop *stopper) {
	switch o.result.Reason {
	case "exit":
		o.code = o.result.ExitCode & 0xff
		if o.err != nil {
			o.code = exitInternal
		}
	case "max-instructions", "max-cycles":
		o.code = exitLimit
	case "interrupted":
		o.code = stop.code()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			o.code, o.result.Reason = exitLimit, "max-seconds"
		}
	case "stop-at", "marker":
		o.code = exitOK
	case "refused":
		o.code = exitUsage
	case "killed":
		o.code = exitInterrupted
	case "checkpoint", "recording":
		o.code = exitOutput
	case "stuck":
		o.code = exitStuck
	case "check", "incoherent":
		o.code = exitCheck
	case "trace-end":
		o.code = exitOK
	case "trace-error":
		o.code = exitTrace
	case "", "bug":
		o.code = exitInternal
	default:
		o.code = exitNoCode
	}
}

// sentence says how the run ended, for people.
func (o *outcome) sentence() string {
	r := o.result
	if o.info.Replay != nil {
		return o.replaySentence()
	}
	mips := 0.0
	if r.HostSeconds > 0 {
		mips = float64(r.Instructions-r.Before) / r.HostSeconds / 1e6
	}
	how := map[string]string{
		"exit": fmt.Sprintf("exit code %d", r.ExitCode), "max-instructions": "stopped at the limit on instructions",
		"max-cycles": "stopped at the limit on cycles", "max-seconds": "stopped at the limit on host time",
		"interrupted": "interrupted", "stuck": "stuck: no hart can go on", "reset": "reset by the guest",
		"stop-at": "stopped at " + o.info.Config.Run.StopAt, "marker": "stopped by the guest's marker",
		"checkpoint": "ended because a checkpoint could not be written", "recording": "ended because the recording could not be written",
		"refused": "not started", "killed": "ended by the debugger",
		"check": "a coherence invariant is broken", "bug": "ended by a bug of mcsim",
	}[r.Reason]
	if how == "" {
		how = "ended by " + r.Reason
	}
	return fmt.Sprintf("%s after %s instructions in %s cycles; %.2f s, %.1f MIPS", how,
		stats.Human(stats.Value{U: r.Instructions}, ""), stats.Human(stats.Value{U: r.Cycles}, ""), r.HostSeconds, mips)
}

// writeFiles finishes log and statistics. What cannot be written changes the
// exit code of a run that went well, and is told in any case.
func (o *outcome) writeFiles(events *log.Writer, statsFile io.WriteCloser, dir *outDir) {
	errs := []error{dir.close(o.values, o.info, o.result.Cycles)}
	if events != nil {
		errs = append(errs, events.Close())
	}
	if statsFile != nil {
		errs = append(errs, o.values.WriteJSON(statsFile, o.info, o.phases...), statsFile.Close())
	}
	if err := errors.Join(errs...); err != nil {
		if o.err == nil && (o.code == exitOK || o.result.Reason == "exit") {
			o.code = exitOutput
		}
		o.err = errors.Join(o.err, err)
	}
}

// openLog opens the event log, if the configuration wants one.
func openLog(cfg *config.Config) (*log.Writer, error) {
	w, err := create(cfg.Log.File, cfg.Machine.Seed, "--log")
	if w == nil || err != nil {
		return nil, err
	}
	level, _ := event.ParseLevel(cfg.Log.Level)
	o := log.Options{Level: level, Limit: uint64(cfg.Log.Limit)}
	for _, name := range cfg.Log.Only {
		c, ok := event.ParseCategory(name)
		if !ok {
			return nil, fail(exitInternal, "config and event disagree on the category %q", name)
		}
		o.Only = append(o.Only, c)
	}
	return log.New(w, o), nil
}

// create opens an output file before the run, so that a wrong name costs no
// time; flag is what names it. It returns nil for "", and standard error for -.
func create(name string, seed uint64, flag string) (io.WriteCloser, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return keepOpen{os.Stderr}, nil
	}
	f, err := os.Create(expandSeed(name, seed))
	if err != nil {
		return nil, unwritable(err, flag)
	}
	return f, nil
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
