package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/replay"
	"mcsim/stats"
	"mcsim/traces"
)

func newStats() *cobra.Command {
	c := &cobra.Command{
		Use:   "stats",
		Short: "Describe, show and compare statistics",
		Long: `Statistics are what a run counted, as JSON: 'mcsim run --stats FILE' writes them.
A dotted name like harts[0].l1d.misses is the way to a value in that file.`,
		Example: `  mcsim stats describe
  mcsim run --stats a.json && mcsim stats show a.json
  mcsim stats diff a.json b.json`,
	}
	c.AddCommand(newStatsDescribe(), newStatsShow(), newStatsDiff())
	return c
}

// descriptions are those of a machine that has every part.
func descriptions() ([]stats.Description, error) {
	cfg := config.Default()
	cfg.Machine.Memory = 16 << 20
	cfg.Machine.Harts = 2
	cfg.Machine.L2.Size = 256 << 10
	m, err := machine.New(cfg, machine.Options{})
	if err != nil {
		return nil, err
	}
	// A machine knows its counters once it has a program.
	cfg.Program.Bare = builtin + "hello"
	load, err := readProgram(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := load(m); err != nil {
		return nil, err
	}
	replayed, err := replayDescriptions()
	return append(m.Stats().Describe(), replayed...), err
}

// replayDescriptions are those that only a replay has.
func replayDescriptions() (out []stats.Description, err error) {
	cfg := config.Default()
	cfg.Machine.Memory = 16 << 20
	cfg.Machine.Harts = 2
	m, err := machine.New(cfg, machine.Options{})
	if err != nil {
		return nil, err
	}
	empty := replay.Trace{Readers: []traces.Reader{replay.FromMemory([]traces.Ref{{Size: 1}})}}
	job := replayJob{base: replay.Config{
		VMs:     []replay.VM{{Traces: []replay.Trace{empty}}, {Traces: []replay.Trace{empty}}},
		Regions: []replay.Region{{}},
	}}
	if err := m.LoadReplay(job.base); err != nil {
		return nil, err
	}
	m.Replay().Start()
	m.Replay().Stop()
	all := append(m.Stats().Describe(), m.Replay().DescribeThreads()...)
	s := m.Snapshot()
	job.single = []*stats.Snapshot{s, s}
	for _, d := range append(all, job.slowdowns(s).Describe()...) {
		if hasPrefix(d.Name, []string{"replay.", "regions[", "vms[", "threads["}) {
			out = append(out, d)
		}
	}
	return out, nil
}

func newStatsDescribe() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "describe [WORD]...",
		Short: "Say what each statistic means",
		Long: `Lists all statistics with unit and meaning; with words, those whose name or
meaning has all of them. In a name, [i] stands for the number of a hart or the
like. A ratio is between 0 and 1 in JSON and in percent in tables.`,
		Example: "  mcsim stats describe\n  mcsim stats describe l1d miss",
		RunE: func(cmd *cobra.Command, words []string) error {
			all, err := descriptions()
			if err != nil {
				return err
			}
			chosen := []stats.Description{}
			for _, d := range all {
				if matches(d, words) {
					chosen = append(chosen, d)
				}
			}
			if len(chosen) == 0 {
				return usagef("no statistic has all of %q in its name or meaning; mcsim stats describe lists them", strings.Join(words, " "))
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), chosen)
			}
			rows := 0
			for _, d := range chosen {
				rows = max(rows, len(d.Name))
			}
			for _, d := range chosen {
				fmt.Fprintf(cmd.OutOrStdout(), "%-*s  %-12s  %s\n", rows, d.Name, d.Unit, d.Desc)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func matches(d stats.Description, words []string) bool {
	for _, w := range words {
		if !strings.Contains(strings.ToLower(d.Name+" "+d.Desc), strings.ToLower(w)) {
			return false
		}
	}
	return true
}

func newStatsShow() *cobra.Command {
	var all bool
	var only []string
	var phase string
	var list, asJSON bool
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Print a statistics file as a table",
		Long: `Prints what a run counted, or with --phase what it counted in a phase that the
guest marked; --phases lists those.`,
		Example: `  mcsim stats show stats.json
  mcsim stats show stats.json --only llc,dram --all
  mcsim stats show stats.json --phases
  mcsim stats show stats.json --phase sort
  mcsim stats show stats.json --only l1d --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return listPhases(cmd, args[0], asJSON)
			}
			s, err := readPhase(args[0], phase)
			if err != nil {
				return err
			}
			o := tableOptions(cmd.OutOrStdout(), all)
			o.Only = only
			if len(only) > 0 && !slices.ContainsFunc(s.Values, func(v stats.Value) bool { return hasWord(v.Name, only) }) {
				return usagef("--only %s: no statistic of %s has that in its name; mcsim stats describe lists them", strings.Join(only, ","), args[0])
			}
			return printing(cmd, func(w io.Writer) error {
				if asJSON {
					return writeValues(w, s, only)
				}
				return s.WriteTable(w, o)
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "also what is zero everywhere")
	c.Flags().StringSliceVar(&only, "only", nil, "only names with one of these in them")
	c.Flags().StringVar(&phase, "phase", "", "only the phase of this NAME, the first of them")
	c.Flags().BoolVar(&list, "phases", false, "list the phases")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: name, unit, meaning and value of each, also of what is zero")
	return c
}

// hasWord says whether a name has one of the words in it, or there are none.
func hasWord(name string, words []string) bool {
	return len(words) == 0 || slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
}

// writeValues prints the values whose names have one of the words in them, as JSON.
func writeValues(w io.Writer, s *stats.Snapshot, words []string) error {
	type row struct {
		stats.Description
		Value json.Number `json:"value"`
	}
	rows := []row{}
	for _, v := range s.Values {
		if hasWord(v.Name, words) {
			rows = append(rows, row{v.Description, json.Number(v.String())})
		}
	}
	return writeJSON(w, rows)
}

// listPhases prints a line for each phase.
func listPhases(cmd *cobra.Command, path string, asJSON bool) error {
	_, phases, err := readPhases(path)
	if err != nil {
		return err
	}
	if asJSON {
		type row struct {
			Name         string `json:"name"`
			Begin        uint64 `json:"begin"`
			End          uint64 `json:"end"`
			Instructions uint64 `json:"instructions"`
		}
		rows := []row{}
		for _, p := range phases {
			n, _ := p.Values.Get("sim.instructions")
			rows = append(rows, row{p.Name, p.Begin, p.End, n.U})
		}
		return writeJSON(cmd.OutOrStdout(), rows)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "phase\tbegins at cycle\tends at\tinstructions\t")
	for _, p := range phases {
		n, _ := p.Values.Get("sim.instructions")
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", p.Name, stats.Human(stats.Value{U: p.Begin}, ""), stats.Human(stats.Value{U: p.End}, ""), stats.Human(n, ""))
	}
	if err := w.Flush(); err != nil {
		return fail(exitOutput, "%w", err)
	}
	return nil
}

func readPhases(path string) (*stats.Snapshot, []stats.Phase, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, unreadable(err, "statistics, as --stats FILE writes them")
	}
	defer f.Close() //nolint:errcheck // only read
	s, _, phases, err := stats.ReadPhases(f)
	if err != nil {
		if e := unreadable(err, "statistics, as --stats FILE writes them"); e != err {
			return nil, nil, e // a directory, for one
		}
		return nil, nil, fmt.Errorf("%s: %w; expected statistics, as --stats FILE writes them", path, err)
	}
	return s, phases, nil
}

// readPhase reads a file, or one of its phases, and adds the units and meanings that
// this version knows.
func readPhase(path, phase string) (*stats.Snapshot, error) {
	s, phases, err := readPhases(path)
	if err != nil {
		return nil, err
	}
	if phase != "" {
		i := slices.IndexFunc(phases, func(p stats.Phase) bool { return p.Name == phase })
		if i < 0 {
			return nil, fmt.Errorf("%s: no phase %q; mcsim stats show --phases lists them", path, phase)
		}
		s = phases[i].Values
	}
	known, err := descriptions()
	if err != nil {
		return nil, err
	}
	s.Annotate(known)
	return s, nil
}

func newStatsDiff() *cobra.Command {
	var asJSON, exitCode bool
	var threshold float64
	var ignore []string
	var phase string
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two statistics files",
		Long: `Lists the values that differ. Those that depend on the host (sim.host_*,
sim.mips) are left out unless --ignore says otherwise.`,
		Example: `  mcsim stats diff a.json b.json
  mcsim stats diff a.json b.json --threshold 1
  mcsim stats diff a.json b.json --exit-code > /dev/null && echo equal`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, errA := readPhase(args[0], phase)
			b, errB := readPhase(args[1], phase)
			if err := errors.Join(errA, errB); err != nil {
				return err
			}
			var changes []stats.Change
			for _, ch := range stats.Diff(a, b) {
				if !hasPrefix(ch.Name, ignore) && !(math.Abs(ch.Percent()) < threshold) {
					changes = append(changes, ch)
				}
			}
			err := printing(cmd, func(w io.Writer) error { return writeChanges(w, changes, args, asJSON) })
			if err == nil && exitCode && len(changes) > 0 {
				return &exitError{code: exitDiffers}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&phase, "phase", "", "compare the phase of this NAME in both")
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 1 if anything is listed")
	c.Flags().Float64Var(&threshold, "threshold", 0, "leave out changes below this many percent")
	c.Flags().StringSliceVar(&ignore, "ignore", []string{"sim.host_", "sim.mips"}, "leave out names that begin so")
	return c
}

func hasPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func writeChanges(w io.Writer, changes []stats.Change, names []string, asJSON bool) error {
	if asJSON {
		type row struct {
			Name string       `json:"name"`
			A    *json.Number `json:"a"`
			B    *json.Number `json:"b"`
		}
		rows := []row{}
		for _, ch := range changes {
			r := row{Name: ch.Name}
			if ch.HasA {
				n := json.Number(ch.A.String())
				r.A = &n
			}
			if ch.HasB {
				n := json.Number(ch.B.String())
				r.B = &n
			}
			rows = append(rows, r)
		}
		return writeJSON(w, rows)
	}
	if len(changes) == 0 {
		fmt.Fprintln(w, "no difference")
		return nil
	}
	return stats.WriteDiff(w, changes, names[0], names[1])
}
