package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"mcsim/coherence"
)

func newProtocol() *cobra.Command {
	c := &cobra.Command{
		Use:   "protocol",
		Short: "Show, check and export the coherence protocols",
		Long: `A protocol is a table: for each state of a line and each event, the next state
and what is done, or why it cannot happen. The simulator runs the same table
that is shown, checked and exported here.`,
		Example: `  mcsim protocol list
  mcsim protocol show moesi
  mcsim protocol check --caches 3`,
	}
	c.AddCommand(newProtocolList(), newProtocolShow(), newProtocolCheck(), newProtocolExport())
	return c
}

func newProtocolList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the protocols",
		Example: "  mcsim protocol list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			type row struct {
				Name string `json:"name"`
				Doc  string `json:"description"`
			}
			var rows []row
			for _, name := range coherence.Names() {
				p, err := coherence.ByName(name)
				if err != nil {
					return err
				}
				rows = append(rows, row{name, p.Doc})
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), rows)
			}
			for _, r := range rows {
				fmt.Fprintf(cmd.OutOrStdout(), "%-6s %s\n", r.Name, r.Doc)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newProtocolShow() *cobra.Command {
	var markdown bool
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a protocol's table",
		Example: `  mcsim protocol show mesi
  mcsim protocol show mesif --markdown`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: coherence.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := coherence.ByName(args[0])
			if err != nil {
				return &usageError{err}
			}
			if markdown {
				return p.WriteMarkdown(cmd.OutOrStdout())
			}
			return p.WriteText(cmd.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "print Markdown")
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
	States      int      `json:"states"`
	Transitions int      `json:"transitions"`
	Depth       int      `json:"depth"`
	Violation   string   `json:"violation,omitempty"`
	Trace       []string `json:"trace,omitempty"`
}

func newProtocolCheck() *cobra.Command {
	o := coherence.Options{Caches: 3, Lines: 1, Values: 2}
	var asJSON bool
	c := &cobra.Command{
		Use:   "check [NAME]...",
		Short: "Explore all that a protocol can do on a small machine",
		Long: `Visits every state that a small machine can reach, with clean evictions silent
and announced and each kind of home node, and checks in each state that a line
has one writer or many readers, that every read gives the last write, and that
nothing gets stuck. A broken rule is shown with a shortest way to it, and the
exit code is 1.`,
		Example: `  mcsim protocol check
  mcsim protocol check mesi --caches 4
  mcsim protocol check moesi --caches 2 --lines 2 --json`,
		ValidArgs: coherence.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = coherence.Names()
			}
			all, err := explore(args, o)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				err = writeJSON(out, all)
			} else {
				fmt.Fprintf(out, "%-8s %-9s %-13s %10s %12s %6s\n", "protocol", "evictions", "home", "states", "transitions", "depth")
				for _, e := range all {
					fmt.Fprintf(out, "%-8s %-9s %-13s %10d %12d %6d\n", e.Protocol, e.Evictions, e.Home, e.States, e.Transitions, e.Depth)
					if e.Violation != "" {
						fmt.Fprintf(out, "  BROKEN: %s\n", e.Violation)
						for _, l := range e.Trace {
							fmt.Fprintf(out, "    %s\n", l)
						}
					}
				}
			}
			for _, e := range all {
				if err == nil && e.Violation != "" {
					return &exitError{code: exitDiffers}
				}
			}
			return err
		},
	}
	c.Flags().IntVar(&o.Caches, "caches", o.Caches, "private caches, 2 to 4")
	c.Flags().IntVar(&o.Lines, "lines", o.Lines, "lines, 1 or 2")
	c.Flags().IntVar(&o.Values, "values", o.Values, "different values of a line, 2 to 4")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func explore(names []string, o coherence.Options) ([]explored, error) {
	var all []explored
	for _, name := range names {
		p, err := coherence.ByName(name)
		if err != nil {
			return nil, &usageError{err}
		}
		for home := range coherence.NumHomeKinds {
			for _, silent := range []bool{true, false} {
				o.Home, o.Silent = home, silent
				r, err := coherence.Explore(p, o)
				e := explored{Protocol: p.Name, Caches: o.Caches, Lines: o.Lines, Values: o.Values, Evictions: "announced",
					Home: home.String(), States: r.States, Transitions: r.Transitions, Depth: r.Depth}
				if silent {
					e.Evictions = "silent"
				}
				var v *coherence.Violation
				if errors.As(err, &v) {
					e.Violation, e.Trace = v.Rule, v.Trace
				} else if err != nil {
					return nil, &usageError{err}
				}
				all = append(all, e)
			}
		}
	}
	return all, nil
}

func newProtocolExport() *cobra.Command {
	var murphi bool
	caches, values := 3, 2
	c := &cobra.Command{
		Use:   "export NAME --murphi",
		Short: "Write a protocol as a model for a model checker",
		Long: `Writes a Murphi model of the protocol, which rumur or CMurphi check
independently of mcsim:

  mcsim protocol export mesi --murphi > mesi.m
  rumur mesi.m -o mesi.c && cc -O2 -march=native mesi.c -o mesi -lpthread && ./mesi`,
		Example:   "  mcsim protocol export mesi --murphi > mesi.m",
		Args:      cobra.ExactArgs(1),
		ValidArgs: coherence.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !murphi {
				return usagef("say in which form: --murphi is the one there is")
			}
			p, err := coherence.ByName(args[0])
			if err != nil {
				return &usageError{err}
			}
			if caches < 2 || caches > 8 || values < 2 || values > 8 {
				return usagef("a model has 2 to 8 caches and 2 to 8 values")
			}
			return coherence.ExportMurphi(cmd.OutOrStdout(), p, caches, values)
		},
	}
	c.Flags().BoolVar(&murphi, "murphi", false, "write a Murphi model")
	c.Flags().IntVar(&caches, "caches", caches, "private caches of the model")
	c.Flags().IntVar(&values, "values", values, "different values of the line")
	return c
}
