package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Main runs mcsim with the arguments after its name, and returns its exit
// code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(stdin, stdout, stderr)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitOK
	}
	asJSON := false
	if f := cmd.Flags().Lookup("json"); f != nil {
		asJSON = f.Changed
	}
	report(stderr, err, asJSON)
	if isUsage(err) && !asJSON {
		fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	}
	return codeOf(err)
}

func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "mcsim",
		Short: "Simulate RISC-V machines with coherent caches",
		Long: `mcsim runs RISC-V programs on a simulated multi-core machine whose caches hold
the data and are kept coherent by a protocol of your choice. Runs are
reproducible: the same program, configuration and seed give the same cycles,
statistics and log.

Start with 'mcsim run', which needs nothing else. Then change the machine
(--harts 8, --preset server, --set machine.protocol=MOESI), run your own
bare-metal program (--bare prog.elf), and look at what happened (--stats,
--log).`,
		Example: `  mcsim run
  mcsim run --bare prog.elf --harts 4 --set machine.l1d.size=64KiB
  mcsim config show --preset server
  mcsim protocol show mesi`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(newRun(), newReplay(), newConfig(), newProtocol(), newStats(), newCheckpoint(), newTrace(), newReport(), newGuest(), newVersion())
	refuseUnknown(root)
	for _, c := range root.Commands() {
		refuseUnknown(c)
	}
	return root
}

// usageError is a mistake in the arguments.
type usageError struct{ error }

func (u *usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// isUsage also knows the texts of cobra's own complaints, which have no type.
func isUsage(err error) bool {
	if _, ok := err.(*usageError); ok {
		return true
	}
	for _, s := range []string{"unknown command", "accepts ", "requires at least", "if any flags in the group", "required flag"} {
		if strings.HasPrefix(err.Error(), s) {
			return true
		}
	}
	return false
}

// refuseUnknown makes a command that only holds others complain about a
// subcommand that it has not, instead of printing its help.
func refuseUnknown(c *cobra.Command) {
	if !c.HasSubCommands() {
		return
	}
	c.SuggestionsMinimumDistance = 2
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "; did you mean " + near[0] + "?"
		}
		return usagef("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
	}
}

// writeJSON writes v, indented, in the way of all our JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
