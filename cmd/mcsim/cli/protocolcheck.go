package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"mcsim/coherence"
	"mcsim/machine/config"
)

func newProtocolCheck() *cobra.Command {
	o := coherence.Options{Caches: 3, Lines: 1, Values: 2}
	memory := "2GiB"
	var asJSON bool
	c := &cobra.Command{
		Use:   "check [NAME]...",
		Short: "Explore all that a protocol can do on a small machine",
		Long: `Visits every state that a small machine can reach, with clean evictions silent
and announced and each kind of home node, and checks in each state that a line
has one writer or many readers, that every read gives the last write, and that
nothing gets stuck. A broken rule is shown with a shortest way to it.

States that differ only in the numbering of caches, lines or values are one.
The largest machine, of 4 caches and 2 lines, has up to 13 million.

Exit codes:
  0    every protocol keeps every rule
  1    a rule is broken
  101  the states need more than --memory
  130  Ctrl-C; 143 SIGTERM
With 101 and above, what was seen until then is printed, and is no proof.`,
		Example: `  mcsim protocol check
  mcsim protocol check mesi --caches 4 --lines 2
  mcsim protocol check moesi --caches 2 --lines 2 --json`,
		ValidArgs: coherence.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = coherence.Names()
			}
			size, err := config.ParseSize(memory)
			if err != nil {
				return usagef("--memory: %w", err)
			}
			if err := o.Validate(); err != nil {
				return &usageError{err}
			}
			check, err := newCheck(args, o, int64(size))
			if err != nil {
				return &usageError{err}
			}
			stop := newStopper()
			defer stop.close()
			out := cmd.OutOrStdout()
			var lost error
			t := newTerminal(out, cmd.ErrOrStderr(), false)
			if asJSON {
				check.run(stop.ctx, t, func(*explored) {})
				lost = writeJSON(out, check.begun())
			} else {
				screen := t.console()
				_, lost = fmt.Fprintf(screen, exploredFormat, "protocol", "evictions", "home", "states", "transitions", "depth", "\n")
				check.run(stop.ctx, t, func(e *explored) {
					if err := e.write(screen); err != nil {
						lost = err
					}
				})
			}
			if lost != nil {
				return fail(exitOutput, "%w", lost)
			}
			return check.verdict(stop)
		},
	}
	c.Flags().IntVar(&o.Caches, "caches", o.Caches, "private caches, 2 to 4")
	c.Flags().IntVar(&o.Lines, "lines", o.Lines, "lines, 1 or 2")
	c.Flags().IntVar(&o.Values, "values", o.Values, "different values of a line, 2 to 4")
	c.Flags().StringVar(&memory, "memory", memory, "give a machine up when states take more")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// explored is the outcome of one exploration.
type explored struct {
	Protocol    string   `json:"protocol"`
	Caches      int      `json:"caches"`
	Lines       int      `json:"lines"`
	Values      int      `json:"values"`
	Evictions   string   `json:"evictions"`
	Home        string   `json:"home"`
	Complete    bool     `json:"complete"` // every state was seen
	States      int      `json:"states"`
	Transitions int      `json:"transitions"`
	Depth       int      `json:"depth"`
	Violation   string   `json:"violation,omitempty"`
	Trace       []string `json:"trace,omitempty"`
}

const exploredFormat = "%-8s %-9s %-13s %10v %12v %6v%s"

// write prints the row of a table, and below it the way to a broken rule.
func (e *explored) write(w io.Writer) error {
	rest := "\n"
	switch {
	case e.Violation != "":
		rest = fmt.Sprintf("\n  BROKEN: %s\n", e.Violation)
		for _, line := range e.Trace {
			rest += fmt.Sprintf("    %s\n", line)
		}
	case !e.Complete:
		rest = "  not finished\n"
	}
	_, err := fmt.Fprintf(w, exploredFormat, e.Protocol, e.Evictions, e.Home, e.States, e.Transitions, e.Depth, rest)
	return err
}
