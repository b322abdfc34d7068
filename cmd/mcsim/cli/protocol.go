package cli

import (
	"fmt"
	"io"

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
	var markdown, asJSON bool
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a protocol's table",
		Example: `  mcsim protocol show mesi
  mcsim protocol show mesif --markdown
  mcsim protocol show moesi --json`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: coherence.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := coherence.ByName(args[0])
			if err != nil {
				return &usageError{err}
			}
			if err := exclusive(cmd, "markdown", "json"); err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), p)
			}
			if markdown {
				return printing(cmd, p.WriteMarkdown)
			}
			return printing(cmd, p.WriteText)
		},
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "print Markdown")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: states, and for each with each event the next state and actions, or why it cannot be")
	return c
}

func newProtocolExport() *cobra.Command {
	var murphi bool
	o := coherence.Options{Caches: 3, Lines: 1, Values: 2}
	home, evictions := coherence.HomeInclusive.String(), "announced"
	c := &cobra.Command{
		Use:   "export NAME --murphi",
		Short: "Write a protocol as a model for a model checker",
		Long: `Writes a Murphi model of the protocol and the machine around it, for one line.
rumur or CMurphi check it independently of mcsim, and find as many states as
'mcsim protocol check' does:

  mcsim protocol export mesi --murphi > mesi.m
  rumur mesi.m -o mesi.c && cc -O2 -march=native mesi.c -o mesi -lpthread && ./mesi`,
		Example: `  mcsim protocol export mesi --murphi > mesi.m
  mcsim protocol export moesi --murphi --home non-inclusive --evictions silent`,
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
			if o.Caches < 2 || o.Caches > 8 || o.Values < 2 || o.Values > 8 {
				return usagef("a model has 2 to 8 caches and 2 to 8 values")
			}
			for o.Home = 0; o.Home < coherence.NumHomeKinds && o.Home.String() != home; o.Home++ {
			}
			if o.Home == coherence.NumHomeKinds {
				return usagef("--home %s: write inclusive, non-inclusive or memory", clip(home))
			}
			if o.Silent = evictions == "silent"; !o.Silent && evictions != "announced" {
				return usagef("--evictions %s: write silent or announced", clip(evictions))
			}
			return printing(cmd, func(w io.Writer) error { return coherence.ExportMurphi(w, p, o) })
		},
	}
	c.Flags().BoolVar(&murphi, "murphi", false, "write a Murphi model")
	c.Flags().IntVar(&o.Caches, "caches", o.Caches, "private caches of the model")
	c.Flags().IntVar(&o.Values, "values", o.Values, "different values of the line")
	c.Flags().StringVar(&home, "home", home, "what stands before memory: an inclusive or non-inclusive LLC, or memory alone")
	c.Flags().StringVar(&evictions, "evictions", evictions, "whether clean copies leave silent or announced")
	return c
}
