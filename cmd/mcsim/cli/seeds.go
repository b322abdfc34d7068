package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/machine/config"
	"mcsim/stats"
)

// maxSeeds bounds --seeds.
const maxSeeds = 10000

// parseSeeds reads 1-20, 3 or 1,5,7-9. Each seed counts once.
func parseSeeds(text string) ([]uint64, error) {
	if strings.TrimSpace(text) == "" {
		return nil, usagef("--seeds is empty: write 1-20, or 1,5,9")
	}
	var out []uint64
	seen := map[uint64]bool{}
	for _, part := range strings.Split(text, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			to = from
		}
		a, errA := strconv.ParseUint(from, 10, 64)
		b, errB := strconv.ParseUint(to, 10, 64)
		switch {
		case errA != nil || errB != nil:
			return nil, usagef("--seeds %s: write 1-20, or 1,5,9", clip(text))
		case b < a:
			return nil, usagef("--seeds %s: %d is before %d", clip(text), b, a)
		case b-a >= maxSeeds || len(out)+int(b-a) >= maxSeeds:
			return nil, usagef("--seeds %s: more than %d seeds", clip(text), maxSeeds)
		}
		for i := range b - a + 1 {
			if s := a + i; !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out, nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:37] + "..."
	}
	return s
}

const seedMark = "{seed}"

func expandSeed(name string, seed uint64) string {
	return strings.ReplaceAll(name, seedMark, strconv.FormatUint(seed, 10))
}

// spread is what a set of seeds makes of one statistic.
type spread struct {
	stats.Description
	Mean   float64   `json:"mean"`
	Stddev float64   `json:"stddev"` // of the sample
	CI95   float64   `json:"ci95"`   // half the width of the mean's 95 % confidence interval
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Values []float64 `json:"values"` // in the order of the seeds
}

type seedsResult struct {
	Version    string         `json:"version"`
	Program    string         `json:"program"`
	Seeds      []uint64       `json:"seeds"`
	ExitCodes  []int          `json:"exit_codes"`
	Reasons    []string       `json:"reasons"`
	Error      string         `json:"error,omitempty"` // of the first run that went wrong
	Config     *config.Config `json:"config"`
	Statistics []*spread      `json:"statistics"`
}

// runSeeds runs the same configuration once per seed, one after another: each
// run uses the host's cores itself. The console shows the first run only.
func runSeeds(cmd *cobra.Command, f *runFlags, cfg *config.Config, stop *stopper, run func(cfg *config.Config, first bool) (*outcome, error)) error {
	seeds, err := parseSeeds(f.seeds.text)
	if err != nil {
		return err
	}
	if file := cfg.Log.File; file != "" && file != "-" && !strings.Contains(file, seedMark) && len(seeds) > 1 {
		return usagef("every seed would write the log %s anew; put {seed} into its name", file)
	}
	if file := cfg.Record.File; file != "" && !strings.Contains(file, seedMark) && len(seeds) > 1 {
		return usagef("every seed would write the recording %s anew; put {seed} into its name", file)
	}
	if file := f.saving.file; file != "" && !strings.Contains(file, seedMark) && len(seeds) > 1 {
		return usagef("every seed would write the checkpoint %s anew; put {seed} into its name", file)
	}
	if dir := cfg.Stats.Dir; dir != "" && !strings.Contains(dir, seedMark) && len(seeds) > 1 {
		return usagef("every seed would write its results to %s; put {seed} into the name", dir)
	}
	all := seedsResult{Version: Version, Config: cfg}
	summaryFile := ""
	if !strings.Contains(cfg.Stats.File, seedMark) {
		summaryFile = cfg.Stats.File // one file for the whole set
	}
	var out outputs
	defer out.discard()
	summary, err := out.create("--stats", summaryFile, 0)
	if err != nil {
		return err
	}
	var worst *outcome
	for i, seed := range seeds {
		one := *cfg
		one.Machine.Seed = seed
		if summaryFile != "" {
			one.Stats.File = ""
		}
		o, err := run(&one, i == 0)
		if err != nil {
			return err
		}
		if worst == nil || worst.code == exitOK && worst.err == nil {
			worst = o
		}
		interrupted := stop.ctx.Err() != nil
		if !interrupted || i == 0 { // half a run is no sample
			all.add(seed, o)
		}
		if interrupted {
			break
		}
	}
	all.summarize()
	return all.tell(cmd, f, summary, worst)
}

func (r *seedsResult) add(seed uint64, o *outcome) {
	r.Seeds = append(r.Seeds, seed)
	r.Program = o.info.Program
	r.ExitCodes = append(r.ExitCodes, o.code)
	r.Reasons = append(r.Reasons, o.result.Reason)
	if r.Statistics == nil {
		for _, v := range o.values.Values {
			r.Statistics = append(r.Statistics, &spread{Description: v.Description})
		}
	}
	for _, s := range r.Statistics {
		v, _ := o.values.Get(s.Name) // a run that ended early may not know all
		s.Values = append(s.Values, v.F)
	}
}

func (r *seedsResult) summarize() {
	for _, s := range r.Statistics {
		s.Min, s.Max = math.Inf(1), math.Inf(-1)
		var sum float64
		for _, v := range s.Values {
			sum += v
			s.Min, s.Max = min(s.Min, v), max(s.Max, v)
		}
		n := float64(len(s.Values))
		s.Mean = sum / n
		if n < 2 {
			continue
		}
		var square float64
		for _, v := range s.Values {
			square += (v - s.Mean) * (v - s.Mean)
		}
		s.Stddev = math.Sqrt(square / (n - 1))
		s.CI95 = student95(len(s.Values)-1) * s.Stddev / math.Sqrt(n)
	}
}

// student95 is the 97.5 % quantile of Student's t distribution, from its table
// up to 30 degrees of freedom, then by the expansion of Abramowitz and Stegun
// 26.7.5.
func student95(df int) float64 {
	table := [...]float64{
		12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
		2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
		2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
	}
	if df <= len(table) {
		return table[df-1]
	}
	const z = 1.959964
	n := float64(df)
	return z + (z*z*z+z)/(4*n) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*n*n)
}

func (r *seedsResult) tell(cmd *cobra.Command, f *runFlags, file io.WriteCloser, worst *outcome) error {
	w := cmd.ErrOrStderr()
	if worst.err != nil {
		r.Error = worst.err.Error()
	}
	if f.json {
		if err := writeJSON(w, r); err != nil {
			return fail(exitOutput, "%w", err)
		}
	} else if !f.quiet {
		r.table(w)
	}
	if file != nil {
		if err := errors.Join(writeJSON(file, r), file.Close()); err != nil {
			return fail(exitOutput, "%w", err)
		}
	}
	switch {
	case worst.err != nil && !f.json: // which has told it
		return &exitError{worst.code, worst.err}
	case worst.code != exitOK:
		return &exitError{code: worst.code}
	}
	return nil
}

// table lists what differs between seeds, and of the rest only sim.
func (r *seedsResult) table(w io.Writer) {
	num := func(f float64, unit string) string { return stats.Human(stats.Value{Float: true, F: f}, unit) }
	rows := [][]string{{fmt.Sprintf("%d seeds", len(r.Seeds)), "mean", "± 95 %", "min", "max", "spread"}}
	for _, s := range r.Statistics {
		if s.Min == s.Max && !strings.HasPrefix(s.Name, "sim.") {
			continue
		}
		relative := ""
		if s.Mean != 0 {
			relative = fmt.Sprintf("%.2f%%", 100*s.Stddev/s.Mean)
		}
		rows = append(rows, []string{s.Name, num(s.Mean, s.Unit), num(s.CI95, s.Unit), num(s.Min, s.Unit), num(s.Max, s.Unit), relative})
	}
	writeColumns(w, rows)
}
