package cli

import (
	"fmt"
	"io"
	"strings"

	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/replay"
	"mcsim/stats"
	"mcsim/traces"
)

// replayJob is one replay, and with interference those of each VM alone before.
type replayJob struct {
	base         replay.Config
	config       *configFlags
	file         string // of the configuration, or ""
	traces       *openedTraces
	terminal     *terminal
	stop         *stopper
	interference bool
	exact        *traces.Recording // to be followed exactly, or nil

	alone  int               // the VM that is replayed alone, plus 1; 0: all
	single []*stats.Snapshot // of each VM alone
}

// replayInfo says in the JSON of a replay what was replayed.
type replayInfo struct {
	VMs     []replayVM `json:"vms"`
	Regions []string   `json:"regions,omitempty"` // names of regions[i]
	Pages   string     `json:"pages"`
	Frames  string     `json:"frames"`
	Skip    uint64     `json:"skip,omitempty"`
	Warmup  uint64     `json:"warmup,omitempty"`
	Limit   uint64     `json:"limit,omitempty"`
	Count   string     `json:"count"`
	Slice   uint64     `json:"slice"`
	Exact   bool       `json:"exact,omitempty"` // a recording was followed by the machine that made it
	Alone   *int       `json:"alone,omitempty"` // only this VM ran
}

type replayVM struct {
	Name   string      `json:"name"`
	Traces []traceInfo `json:"traces"`
}

// run replays once, or each VM alone and then all. If one alone does not come to
// its end nothing can be compared, and files are written of all of them together.
func (r *replayJob) run(cfg *config.Config) (*outcome, error) {
	r.single = nil
	var failed *outcome
	for i := range r.traces.vms {
		if !r.interference || failed != nil {
			break
		}
		o, err := r.lone(cfg, i)
		if err != nil {
			return nil, err
		}
		if o.code != exitOK {
			failed = o
		}
		r.single = append(r.single, o.values)
	}
	if failed != nil {
		r.single = nil
	}
	r.alone = 0
	o, err := r.once(cfg)
	if err == nil && o.code == exitOK && failed != nil {
		o.code, o.err = failed.code, failed.err
	}
	return o, err
}

// lone replays one VM alone. It writes no files.
func (r *replayJob) lone(cfg *config.Config, i int) (*outcome, error) {
	one := *cfg
	one.Stats, one.Log.File = config.Stats{}, ""
	r.alone = i + 1
	return r.once(&one)
}

func (r *replayJob) once(cfg *config.Config) (*outcome, error) {
	if err := r.traces.ensure(); err != nil {
		return nil, err
	}
	defer r.traces.close() //nolint:errcheck // only read
	j := job{cfg: cfg, config: r.config, file: r.file, console: io.Discard, stdin: strings.NewReader(""), terminal: r.terminal, stop: r.stop, replay: r}
	return j.run()
}

// load builds the machine around the traces, and says what they are.
func (r *replayJob) load(m *machine.Machine) (string, error) {
	if r.exact != nil {
		return r.title() + ", exactly as recorded,", m.LoadRecording(r.exact)
	}
	c := r.base
	c.Alone = r.alone
	c.VMs = nil
	for i, v := range r.traces.vms {
		vm := replay.VM{Name: v.name}
		for k, t := range r.traces.open[i] {
			vm.Traces = append(vm.Traces, replay.Trace{Name: v.paths[k], Info: t.Info, Readers: t.Readers()})
		}
		c.VMs = append(c.VMs, vm)
	}
	if err := m.LoadReplay(c); err != nil {
		return "", err
	}
	return r.title(), nil
}

func (r *replayJob) title() string {
	var names []string
	for i, v := range r.traces.vms {
		if r.alone == 0 || r.alone == i+1 {
			names = append(names, strings.Join(v.paths, ","))
		}
	}
	title := strings.Join(names, " and ")
	if r.alone > 0 {
		title += ", alone,"
	}
	return title
}

// finish adds to an outcome what is known of the replay.
func (r *replayJob) finish(o *outcome) {
	pages := map[replay.Pages]string{replay.Pages4K: "4KiB", replay.Pages2M: "2MiB", replay.PagesNone: "none"}
	frames := map[replay.Frames]string{replay.FirstTouch: "first-touch", replay.Random: "random", replay.Identity: "identity"}
	counts := map[replay.Count]string{replay.Instructions: "instructions", replay.References: "references"}
	info := &replayInfo{
		Pages: pages[r.base.Pages], Frames: frames[r.base.Frames], Skip: r.base.Skip, Warmup: r.base.Warmup,
		Limit: r.base.Limit, Count: counts[r.base.Count], Slice: r.base.Slice, Exact: r.exact != nil,
	}
	for i, v := range r.traces.vms {
		vm := replayVM{Name: v.name}
		for k, t := range r.traces.open[i] {
			vm.Traces = append(vm.Traces, describeTrace(v.paths[k], &t.Info))
		}
		info.VMs = append(info.VMs, vm)
	}
	for _, g := range r.base.Regions {
		info.Regions = append(info.Regions, g.Name)
	}
	if r.alone > 0 {
		n := r.alone - 1
		info.Alone = &n
	}
	o.info.Replay = info
	if n, ok := o.values.Get("replay.references"); ok && n.U == 0 && o.code == exitOK && r.base.Skip|r.base.Warmup > 0 {
		r.terminal.say("nothing was counted: no thread has more %s than --skip and --warmup leave out", info.Count)
	}
	if n := o.result.Threads; n > replay.MaxThreadStats {
		r.terminal.say("statistics by thread are of the first %s of %s threads; --out with --interval tells of all",
			stats.Human(stats.Value{U: replay.MaxThreadStats}, ""), stats.Human(stats.Value{U: uint64(n)}, ""))
	}
	if len(r.single) == len(r.traces.vms) {
		o.values = o.values.Join(r.slowdowns(o.values).Snapshot())
	}
}

// slowdowns compares each VM with itself alone.
func (r *replayJob) slowdowns(together *stats.Snapshot) *stats.Registry {
	reg := new(stats.Registry)
	for i, alone := range r.single {
		at := fmt.Sprintf("vms[%d].", i)
		value := func(s *stats.Snapshot, name string) float64 {
			v, _ := s.Get(at + name)
			return v.F
		}
		reg.Gauge(at+"slowdown", "times", "time beside the other VMs, over time alone on the same harts", func() float64 {
			return value(together, "cycles") / value(alone, "cycles")
		})
		for _, name := range []struct{ name, unit, doc string }{
			{"cycles", stats.Cycles, "time alone"},
			{"llc.accesses", stats.Events, "reads of the LLC, alone"},
			{"llc.misses", stats.Events, "of them that went to memory, alone"},
		} {
			reg.Count(at+"alone_"+strings.ReplaceAll(name.name, ".", "_"), name.unit, name.doc, func() uint64 { return uint64(value(alone, name.name)) })
		}
	}
	return reg
}

// replaySentence says how a replay ended, for people.
func (o *outcome) replaySentence() string {
	r := o.result
	how := map[string]string{
		"trace-end": "replayed", "trace-error": "stopped at an error", "incoherent": "the caches are not coherent,",
		"max-cycles": "stopped at the limit on cycles", "max-seconds": "stopped at the limit on host time",
		"max-instructions": "stopped at the limit on instructions", "interrupted": "interrupted",
		"stuck": "stuck: no hart can go on", "check": "a coherence invariant is broken", "bug": "ended by a bug of mcsim",
	}[r.Reason]
	if r.Reason != "trace-end" {
		how += " after"
	}
	rate := 0.0
	if r.HostSeconds > 0 {
		rate = float64(r.References) / r.HostSeconds / 1e6
	}
	return fmt.Sprintf("%s %s references of %s in %s cycles; %.2f s, %.1f million references/s", how,
		stats.Human(stats.Value{U: r.References}, ""), plural(r.Threads, "thread"), stats.Human(stats.Value{U: r.Cycles}, ""), r.HostSeconds, rate)
}
