package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mcsim/machine"
	"mcsim/machine/log"
	"mcsim/stats"
)

// outcome is a run that has ended, one way or another.
type outcome struct {
	info   runInfo
	values *stats.Snapshot
	phases []stats.Phase
	result machine.Result
	code   int   // mcsim's exit code
	err    error // to be told beside the results
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
		if o.code == exitOK {
			o.result.Reason = "quit"
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			o.code, o.result.Reason = exitLimit, "max-seconds"
		}
	case "stop-at", "marker":
		o.code = exitOK
	case "killed":
		o.code = exitInterrupted
	case "checkpoint", "recording", "console":
		o.code = exitOutput
	case "stuck", "trap-loop":
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
		"interrupted": "interrupted", "stuck": "stuck: no hart can go on", "trap-loop": "stuck in traps: no hart can go on", "reset": "reset by the guest",
		"stop-at": "stopped at " + o.info.Config.Run.StopAt, "marker": "stopped by the guest's marker", "panic": "the guest's kernel has panicked: ended",
		"quit":       "ended by Ctrl-A x",
		"checkpoint": "ended because a checkpoint could not be written", "recording": "ended because the recording could not be written",
		"console": "ended because the guest's console could not be written",
		"killed":  "ended by the debugger",
		"check":   "a coherence invariant is broken", "bug": "ended by a bug of mcsim",
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
