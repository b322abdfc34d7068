package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mcsim/coherence"
	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/traces"
)

// openRecording opens the file that the configuration wants a recording in.
func (out *outputs) openRecording(cfg *config.Config) (*machine.Recording, *outputFile, error) {
	if cfg.Record.File == "" {
		return nil, nil, nil
	}
	filter, mistakes := recordFilter(cfg)
	if len(mistakes) > 0 {
		return nil, nil, usagef("%s: %w", mistakes[0].Field, mistakes[0].Err)
	}
	f, err := openOutput("--record", expandSeed(cfg.Record.File, cfg.Machine.Seed))
	if err != nil {
		return nil, nil, err
	}
	out.files = append(out.files, f)
	return &machine.Recording{To: f, Filter: filter, Version: Version}, f, nil
}

// checkRecord finds the mistakes in what is to be recorded.
func checkRecord(cfg *config.Config) []config.Mistake {
	_, mistakes := recordFilter(cfg)
	return mistakes
}

// recordFilter is what the configuration wants in a recording.
func recordFilter(cfg *config.Config) (*traces.Filter, []config.Mistake) {
	c := &cfg.Record
	f := traces.NewFilter()
	var mistakes []config.Mistake
	bad := func(field string, err error, with ...string) {
		if err != nil {
			mistakes = append(mistakes, config.Mistake{Field: "record." + field, With: with, Err: err})
		}
	}
	var err error
	if c.Harts != "" {
		f.Harts, err = parseNumbers(c.Harts, coherence.MaxHarts-1, "devices")
		bad("harts", err)
		if n := slices.Max(append(f.Harts, -1)); n >= cfg.Machine.Harts {
			bad("harts", fmt.Errorf("there is no hart %d; harts are numbered from 0 to %d", n, cfg.Machine.Harts-1), "machine.harts")
		}
	}
	if c.VMs != "" {
		vms, err := parseNumbers(c.VMs, 1<<14-1, "")
		bad("vms", err)
		for _, v := range vms {
			f.VMIDs = append(f.VMIDs, uint16(v))
		}
	}
	f.Kinds, err = traces.ParseKinds(c.Kinds)
	bad("kinds", err)
	for _, text := range c.Addresses {
		r, err := traces.ParseRange(text)
		bad("addresses", err)
		f.Ranges = append(f.Ranges, r)
	}
	if c.Cycles != "" {
		f.From, f.To, err = traces.ParseWindow(c.Cycles)
		bad("cycles", err)
	}
	switch {
	case c.File == "-":
		bad("file", errors.New("a recording is a file, not standard output; name one, as in run.mct"))
	case c.File == "" && f.Any() && len(mistakes) == 0:
		bad("file", errors.New("what is to be recorded is said, and not where; give --record FILE"), filterFields(c)...)
	}
	return f, mistakes
}

// filterFields are the conditions that a configuration sets.
func filterFields(c *config.Record) (fields []string) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"harts", c.Harts != ""}, {"vms", c.VMs != ""}, {"kinds", len(c.Kinds) > 0},
		{"addresses", len(c.Addresses) > 0}, {"cycles", c.Cycles != ""},
	} {
		if f.set {
			fields = append(fields, "record."+f.name)
		}
	}
	return fields
}

// parseNumbers reads 0,2-3: each number once, in the order in which they come. The
// word, if not empty, stands for -1.
func parseNumbers(text string, most int, word string) (list []int, err error) {
	seen := make([]bool, most+2)
	add := func(n int) {
		if !seen[n+1] {
			seen[n+1] = true
			list = append(list, n)
		}
	}
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if word != "" && part == word {
			add(-1)
			continue
		}
		lo, hi, ranged := strings.Cut(part, "-")
		if !ranged {
			hi = lo
		}
		a, errA := strconv.ParseUint(lo, 10, 16)
		b, errB := strconv.ParseUint(hi, 10, 16)
		if errA != nil || errB != nil || b < a || b > uint64(most) {
			return nil, fmt.Errorf("%q is no list of numbers; write some from 0 to %d, as in 0,2-3", clip(part), most)
		}
		for n := a; n <= b; n++ {
			add(int(n))
		}
	}
	return list, nil
}
