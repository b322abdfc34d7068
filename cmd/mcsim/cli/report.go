package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	htmlreport "mcsim/report"
)

func newReport() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "report RUN...",
		Short: "Turn a run's results into one HTML page",
		Long: `Writes a page with the miss ratios over time, traffic by kind, slowdowns of VMs,
who shares which lines, the miss ratio by cache size, all counters and the
configuration. The page needs nothing else, and no network.

RUN is a folder that 'mcsim run --out' or 'mcsim replay --out' wrote, or files:
statistics, intervals as JSON lines, and what 'mcsim trace stats --json' printed.
A folder's trace.json, which 'mcsim trace stats --out' writes, is taken too.`,
		Example: `  mcsim run --bare prog.elf --out results --interval 10000
  mcsim report results
  mcsim trace stats --json prog.mct > trace.json && mcsim report results trace.json -o page.html`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := htmlreport.Load(args)
			if err != nil {
				return unreadable(err, "a folder that 'mcsim run --out' or 'mcsim replay --out' wrote, or one of its files")
			}
			if r.Stats != nil {
				known, err := descriptions()
				if err != nil {
					return err
				}
				r.Stats.Annotate(known)
			}
			if file == "" {
				file = "report.html"
				if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
					file = filepath.Join(args[0], file)
				}
			}
			for _, path := range args {
				if err := apart(named{"the page", file}, named{"a run's file", path}); err != nil {
					return err
				}
			}
			if err := writeReport(cmd, r, file); err != nil {
				return fail(exitOutput, "%w", err)
			}
			if file != "-" {
				fmt.Fprintf(cmd.ErrOrStderr(), "mcsim: report in %s\n", file)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&file, "output", "o", "", "page to write, - for standard output; report.html in the folder if it is not given")
	return c
}

func writeReport(cmd *cobra.Command, r *htmlreport.Run, file string) error {
	if file == "-" {
		return htmlreport.Render(cmd.OutOrStdout(), r)
	}
	f, err := os.Create(file)
	if err != nil {
		return unwritable(err, "--output")
	}
	w := bufio.NewWriter(f)
	if err := htmlreport.Render(w, r); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(w.Flush(), f.Close())
}
