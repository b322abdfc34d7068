package cli

import (
	"errors"
	"strconv"
	"strings"

	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/traces"
)

// openRecording opens the file that the configuration wants a recording in.
func openRecording(cfg *config.Config) (*machine.Recording, *outputFile, error) {
	c := &cfg.Record
	filter, err := recordFilter(c)
	switch {
	case err != nil:
		return nil, nil, err
	case c.File == "" && filter.Any():
		return nil, nil, usagef("what is to be recorded is said, and not where: --record FILE")
	case c.File == "":
		return nil, nil, nil
	case c.File == "-":
		return nil, nil, usagef("--record -: a recording is a file")
	}
	f, err := openOutput("--record", expandSeed(c.File, cfg.Machine.Seed))
	if err != nil {
		return nil, nil, err
	}
	return &machine.Recording{To: f, Filter: filter, Version: Version}, f, nil
}

// recordFilter is what the configuration wants in a recording.
func recordFilter(c *config.Record) (*traces.Filter, error) {
	f := traces.NewFilter()
	var errs []error
	bad := func(field string, err error) {
		if err != nil {
			errs = append(errs, usagef("record.%s: %v", field, err))
		}
	}
	var err error
	if c.Harts != "" {
		f.Harts, err = parseNumbers(c.Harts, 63, "devices")
		bad("harts", err)
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
	return f, errors.Join(errs...)
}

// parseNumbers reads 0,2-3. The word, if not empty, stands for -1.
func parseNumbers(text string, most int, word string) (list []int, err error) {
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if word != "" && part == word {
			list = append(list, -1)
			continue
		}
		lo, hi, ranged := strings.Cut(part, "-")
		if !ranged {
			hi = lo
		}
		a, errA := strconv.Atoi(lo)
		b, errB := strconv.Atoi(hi)
		if errA != nil || errB != nil || a < 0 || b < a || b > most {
			return nil, usagef("%s: write numbers from 0 to %d, as in 0,2-3", clip(part), most)
		}
		for n := a; n <= b; n++ {
			list = append(list, n)
		}
	}
	return list, nil
}
