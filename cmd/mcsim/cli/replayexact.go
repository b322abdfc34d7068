package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/traces"
)

// inexact are the flags that say how references are replayed: an exact replay
// has no use for them.
var inexact = []string{
	"no-exact", "map", "slice", "switch-cost", "pages", "frames", "physical", "ignore-time", "time-scale",
	"skip", "warmup", "limit", "count", "region", "each-fetch", "interference", "seeds",
}

// machine is the configuration to replay on, and the recording if it is to be
// followed exactly. A recording's own machine is what the flags change, unless
// a file or a preset describes another.
func (f *replayFlags) machine(cmd *cobra.Command, o *openedTraces) (*config.Config, *traces.Recording, error) {
	rec := o.recording()
	if rec == nil {
		cfg, err := f.config.load(cmd, f.file, config.Setting{Flag: "the traces", Key: "machine.harts", Value: fmt.Sprint(o.harts())})
		return cfg, nil, err
	}
	in := config.Input{File: f.file, Preset: f.config.preset.text}
	if in.File == "" && in.Preset == "" {
		in.File, in.Data = "the recording's configuration", machine.RecordedMachine(rec)
	}
	cfg, err := f.config.loadOver(cmd, in)
	if err != nil {
		return nil, nil, err
	}
	was, err := machine.ExactConfig(rec)
	if err != nil {
		return nil, nil, err
	}
	if changed(cmd, inexact...) {
		return cfg, nil, nil
	}
	if f.notExact = whyNotExact(rec, cfg, was); f.notExact != "" {
		rec = nil
	}
	return cfg, rec, nil
}

// whyNotExact is why a recording is not followed exactly by a machine; was is the
// one that made it. It is "" if it is.
func whyNotExact(rec *traces.Recording, cfg, was *config.Config) string {
	switch h := &rec.Header; {
	case rec.Cut() != nil:
		return "it is cut off"
	case !h.Exact:
		return cmp.Or(h.Inexact, "it is not complete")
	case h.Version != Version:
		return fmt.Sprintf("version %s of mcsim made it, and this is %s", h.Version, Version)
	case was == nil || !machine.SameMachine(cfg, was):
		return "another machine made it"
	}
	return ""
}

// recording is the trace if it is one alone, and a machine's recording.
func (o *openedTraces) recording() *traces.Recording {
	if len(o.open) != 1 || len(o.open[0]) != 1 {
		return nil
	}
	rec := o.open[0][0].Recording()
	if rec == nil || rec.Header.Config == nil {
		return nil
	}
	return rec
}
