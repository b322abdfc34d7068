package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
)

// Main runs mcsim with the arguments after its name, and returns its exit
// code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &watched{Writer: stdout}
	root := newRoot(stdin, out, stderr)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if out.err != nil && (err == nil || errors.Is(err, out.err) && codeOf(err) != exitOutput) {
		err = fail(exitOutput, "%w", out.err) // whoever printed may not have looked
	}
	if err == nil {
		return exitOK
	}
	asJSON := cmd.Flags().Lookup("json") != nil && slices.Contains(args, "--json") // even if flags were wrong
	report(stderr, err, asJSON)
	if isUsage(err) && !asJSON {
		fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	}
	return codeOf(err)
}

// watched is standard output: it remembers what went wrong.
type watched struct {
	io.Writer
	err error
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
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
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newRun(), newReplay(), newConfig(), newProtocol(), newStats(), newCheckpoint(), newTrace(), newReport(), newGuest(), newVersion())
	addLibrarys(root)
	teach(root)
	return root
}

// usageError is a mistake in the arguments.
type usageError struct{ error }

func (u *usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// isUsage tells whether the arguments were wrong.
func isUsage(err error) bool {
	var u *usageError
	return errors.As(err, &u)
}

// writeJSON writes v, indented, in the way of all our JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
