package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"mcsim/gdb"
	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/replay"
)

// job is one run of one configuration.
type job struct {
	cfg      *config.Config
	config   *configFlags // what cfg was made from
	file     string       // of the configuration, or ""
	saving   saving
	saved    int    // checkpoints so far
	gdb      string // where a debugger is waited for, or ""
	console  io.Writer
	stdin    io.Reader
	window   *machine.Window // of the terminal, if the guest has it
	terminal *terminal
	stop     *stopper
	program  loader     // once it is read
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

// build makes the machine with its program, whose name it gives.
func (j *job) build(out *outputs, debugger *gdb.Server) (m *machine.Machine, program string, err error) {
	m, err = machine.New(j.cfg, machine.Options{
		Console: j.console, Stdin: j.stdin, Window: j.window, Log: out.events, Check: j.cfg.Run.Check,
		Version: Version, Record: out.recording, Debugger: debugger,
	})
	if err != nil {
		return nil, "", err
	}
	program, err = j.load(m)
	if err == nil && j.saving.file != "" {
		err = m.Savable()
	}
	if err != nil {
		code := exitLoad
		if mistake := (*replay.ConfigError)(nil); errors.As(err, &mistake) {
			code = exitUsage
		}
		return nil, "", fail(code, "%w", errors.Join(err, m.Close()))
	}
	if out.recording != nil {
		out.recording.Program = program
	}
	if out.events != nil {
		out.events.Begin(Version, j.cfg.Machine.Seed, j.cfg)
	}
	j.terminal.say("%s on %s, %s, quantum %d, seed %d", program, plural(j.cfg.Machine.Harts, "hart"),
		j.cfg.Machine.Protocol, j.cfg.Machine.Quantum, j.cfg.Machine.Seed)
	for _, note := range m.Notes() {
		j.terminal.say("%s", note)
	}
	return m, program, nil
}

// run builds the machine, runs it and writes the files. Its error is one that
// leaves no results.
func (j *job) run() (*outcome, error) {
	out, err := j.open()
	defer out.discard() // what a run has closed stays
	if err != nil {
		return nil, err
	}
	give, err := j.takeTerminal()
	if err != nil {
		return nil, err
	}
	defer give()
	debugger, err := j.listen()
	if err != nil {
		return nil, err
	}
	if debugger != nil {
		defer debugger.Close() //nolint:errcheck // nobody is left to tell
	}
	m, program, err := j.build(out, debugger)
	if err != nil {
		return nil, err
	}
	ctx, cancel := j.context()
	defer cancel()
	o := j.execute(ctx, m, out)
	give()
	err = m.Close()
	if o.result.Reason == "refused" {
		return nil, &exitError{exitUsage, errors.Join(o.err, err)}
	}
	if out.record != nil {
		if lost := out.record.Close(); lost != nil {
			err = errors.Join(err, lost)
			o.result.Reason = "recording"
		}
	}
	o.err = errors.Join(o.err, err)
	j.conclude(ctx, o, m, program)
	o.writeFiles(out.events, out.stats, out.dir)
	return o, nil
}

// execute runs the machine to the end of the run.
func (j *job) execute(ctx context.Context, m *machine.Machine, out *outputs) *outcome {
	limits := machine.Limits{Instructions: j.cfg.Run.MaxInstructions, Cycles: j.cfg.Run.MaxCycles,
		CheckpointAt: j.saving.at, Checkpoint: j.save(m), Intervals: out.dir.begin(m, 0)}
	progress := newProgress(j.terminal, limits.Instructions, limits.Cycles)
	if j.replay != nil {
		progress.read = j.replay.traces.progress
	}
	limits.Progress = progress.update
	limits.Warn = func(text string) { j.terminal.say("%s", text) }
	res, err := m.Run(ctx, limits)
	progress.clear()
	return &outcome{result: res, err: err}
}

// conclude finds out what came of a run.
func (j *job) conclude(ctx context.Context, o *outcome, m *machine.Machine, program string) {
	o.values, o.phases = m.Report()
	if o.result.Reason != "checkpoint" {
		j.missed(m)
	}
	o.judge(ctx, j.stop)
	o.info = runInfo{Version: Version, Program: program, Seed: j.cfg.Machine.Seed, Reason: o.result.Reason, ExitCode: o.code, Config: j.cfg}
	if o.err != nil {
		o.info.Error = o.err.Error()
	}
	if j.replay != nil {
		j.replay.finish(o)
	}
}

// listen makes the place where a debugger is waited for, if one is wanted.
func (j *job) listen() (*gdb.Server, error) {
	if j.gdb == "" {
		return nil, nil
	}
	s, err := gdb.Listen(j.gdb)
	if err != nil {
		return nil, usagef("--gdb %s: %w; write :PORT of this machine, ADDRESS:PORT, or the path of a socket", clip(j.gdb), err)
	}
	j.terminal.say("waiting for gdb; there: target remote %s", s.Addr())
	return s, nil
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
	if err := checkDisks(j.cfg.Machine.Virtio.Disks); err != nil {
		return err
	}
	if j.replay != nil || j.saving.restore != "" {
		return nil // the traces are open; the checkpoint has the program
	}
	var err error
	j.program, err = readProgram(j.cfg)
	return err
}

// load builds the machine around what it runs, and names that.
func (j *job) load(m *machine.Machine) (string, error) {
	switch {
	case j.replay != nil:
		return j.replay.load(m)
	case j.saving.restore != "":
		return j.resume(m)
	}
	return j.program(m)
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
		give, j.stdin, j.window = raw.close, raw, raw.window
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
