package cli

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/coherence"
	"mcsim/replay"
	"mcsim/traces"
)

// replayConfig is what the flags say of a replay, but for its VMs.
func (f *replayFlags) replayConfig() (replay.Config, error) {
	c := replay.Config{
		Slice: f.slice, SwitchCost: f.switchCost, Physical: f.physical, Free: f.ignoreTime, Scale: f.timeScale,
		Skip: f.skip, Warmup: f.warmup, Limit: f.limit, EachFetch: f.eachFetch, NoCheck: f.noCheck, Preload: f.preload,
	}
	var errs []error
	switch f.pages {
	case "4KiB":
	case "2MiB":
		c.Pages = replay.Pages2M
	case "none":
		c.Pages = replay.PagesNone
	default:
		errs = append(errs, usagef("--pages %s: write 4KiB, 2MiB or none", clip(f.pages)))
	}
	switch f.frames {
	case "first-touch":
	case "random":
		c.Frames = replay.Random
	case "identity":
		c.Frames = replay.Identity
	default:
		errs = append(errs, usagef("--frames %s: write first-touch, random or identity", clip(f.frames)))
	}
	switch f.count {
	case "instructions":
	case "references":
		c.Count = replay.References
	default:
		errs = append(errs, usagef("--count %s: write instructions or references", clip(f.count)))
	}
	if f.slice == 0 {
		errs = append(errs, usagef("--slice 0: a turn lasts a cycle at least"))
	}
	if !(f.timeScale >= 0 && f.timeScale <= math.MaxFloat64) {
		errs = append(errs, usagef("--time-scale %v: a number of cycles, above 0", f.timeScale))
	}
	var err error
	c.Map, err = parseMap(f.placement.text)
	errs = append(errs, err)
	for _, text := range f.regions {
		r, err := parseRegion(text)
		c.Regions = append(c.Regions, r)
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// parseMap reads 0=1,7=0.
func parseMap(text string) (map[uint32]int, error) {
	if text == "" {
		return nil, nil
	}
	m := map[uint32]int{}
	for _, part := range strings.Split(text, ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(part), "=")
		t, errT := strconv.ParseUint(from, 10, 32)
		h, errH := strconv.ParseUint(to, 10, 31)
		if !ok || errT != nil || errH != nil {
			return nil, usagef("--map %s: write THREAD=HART, as in 0=1,7=0", clip(part))
		}
		if _, twice := m[uint32(t)]; twice {
			return nil, usagef("--map %s: thread %d has a hart already", clip(text), t)
		}
		m[uint32(t)] = int(h)
	}
	return m, nil
}

// parseRegion reads heap=0x1000-0x1fff.
func parseRegion(text string) (replay.Region, error) {
	name, span, ok := strings.Cut(text, "=")
	lo, hi, ranged := strings.Cut(span, "-")
	first, errF := strconv.ParseUint(lo, 0, 64)
	last, errL := strconv.ParseUint(hi, 0, 64)
	if !ok || !ranged || name == "" || errF != nil || errL != nil || last < first {
		return replay.Region{}, usagef("--region %s: write NAME=FIRST-LAST, as in heap=0x1000-0x1fff", clip(text))
	}
	return replay.Region{Name: name, First: first, Last: last}, nil
}

// namedTraces are the traces of one VM.
type namedTraces struct {
	name  string
	paths []string
}

// splitVMs gives the traces their VMs: one for all, or those of --vm, which are
// named by their order.
func splitVMs(args, flags []string) (vms []namedTraces) {
	if len(flags) == 0 {
		return []namedTraces{{"all", args}}
	}
	for i, text := range flags {
		vms = append(vms, namedTraces{strconv.Itoa(i), strings.Split(text, ",")})
	}
	return vms
}

// openedTraces are the traces of a replay while they are open.
type openedTraces struct {
	cmd  *cobra.Command
	in   *traceInput
	vms  []namedTraces
	open [][]*traces.Trace // by VM; nil while closed
}

// ensure opens the traces if they are not open. What is opened stays so until
// close, for standard input can be opened once.
func (o *openedTraces) ensure() error {
	if o.open != nil {
		return nil
	}
	for _, v := range o.vms {
		var list []*traces.Trace
		for _, path := range v.paths {
			t, err := o.in.open(o.cmd, path)
			if err != nil {
				o.open = append(o.open, list)
				o.close() //nolint:errcheck // the other error is of more use
				return err
			}
			list = append(list, t)
		}
		o.open = append(o.open, list)
	}
	return nil
}

func (o *openedTraces) close() error {
	var errs []error
	for _, list := range o.open {
		for _, t := range list {
			errs = append(errs, t.Close())
		}
	}
	o.open = nil
	return errors.Join(errs...)
}

// harts is how many harts the traces ask for: one for each stream or thread that
// is known of, and as many for every VM.
func (o *openedTraces) harts() int {
	most := 1
	for _, list := range o.open {
		n := 0
		for _, t := range list {
			n += max(1, t.Info.Threads, t.Info.Shards-t.Info.Devices)
		}
		most = max(most, n)
	}
	return min(most*len(o.open), coherence.MaxHarts)
}

// progress is how many bytes were read, of how many.
func (o *openedTraces) progress() (read, total int64) {
	for _, list := range o.open {
		for _, t := range list {
			r, n := t.Progress()
			read += r
			total += n
		}
	}
	return read, total
}

// checkStdin refuses to read standard input twice.
func (o *openedTraces) checkStdin(cmd *cobra.Command, f *replayFlags) error {
	n := 0
	for _, v := range o.vms {
		for _, p := range v.paths {
			if p == "" {
				return usagef("a trace has no name")
			}
			if p == "-" {
				n++
			}
		}
	}
	switch {
	case n > 1:
		return usagef("standard input is one trace only")
	case n == 1 && (f.interference || cmd.Flags().Changed("seeds")):
		return usagef("standard input cannot be replayed twice; write the trace to a file")
	}
	return nil
}
