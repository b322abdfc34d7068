package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/machine/config"
)

// runFlags are the flags of run that are no field of the configuration.
type runFlags struct {
	config  configFlags
	saving  saving
	gdb     string
	seeds   textValue
	json    bool
	quiet   bool
	noTable bool
}

func newRun() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [CONFIG.yaml | --bare PROG.elf] [flags]",
		Short: "Run a program on a simulated machine",
		Long: `Runs a program until it ends, and prints what was counted. Without arguments it
is a built-in example, on the default machine.

Every field of the configuration can be set: by flags of its own for the usual
ones, else by --set. 'mcsim config show' lists them all.

The guest's console is standard output; what mcsim says goes to standard error:
a table, or with --json one JSON object and nothing else. The first Ctrl-C ends
the run with its partial results, the second at once.

` + intervalDoc + `

` + exitHelp,
		Example: `  mcsim run
  mcsim run --bare prog.elf --harts 4 --stats stats.json
  mcsim run machine.yaml --set machine.llc.size=8MiB --set machine.protocol=moesi
  mcsim run --bare prog.elf --log events.jsonl --log-only coherence,bus --log-level debug
  mcsim run --bare prog.elf --harts 4 --record prog.mct && mcsim replay prog.mct
  mcsim run --bare prog.elf --record some.mct --record-harts 0,2-3 --record-vms 1 --record-kinds data
  mcsim run --bare prog.elf --record some.mct --record-addresses 0x80004000+4096 --record-cycles 10000-20000
  mcsim run --bare prog.elf --checkpoint mid.ckpt --checkpoint-at cycle:1000000
  mcsim run --restore mid.ckpt --seed 7 --stats seed7.json
  mcsim run --bare prog.elf --out results --interval 10000 && mcsim report results
  mcsim run --bare prog.elf --seeds 1-20 --set machine.jitter=4 --json 2> spread.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if n := len(args); n > 1 {
				return usagef("one configuration at most, not %d", n)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runCommand(cmd, args, &f) },
	}
	f.declare(c)
	return c
}

func (f *runFlags) declare(c *cobra.Command) {
	c.Flags().SortFlags = false
	f.config.field(c, "bare", "program.bare", "FILE")
	f.config.field(c, "kernel", "program.kernel", "FILE")
	f.config.field(c, "initrd", "program.initrd", "FILE")
	f.config.field(c, "append", "program.append", "TEXT")
	f.config.field(c, "bios", "program.bios", "FILE")
	f.config.list(c, "disk", "machine.virtio.disks", "IMAGE", "attach a disk, raw or qcow2; repeatable. After the file's name may come ,ro or ,overlay (writes are kept in memory; the default of qcow2 images, which are never written) or ,overlay=FILE, and ,format=raw or ,format=qcow2")
	f.config.field(c, "net", "machine.virtio.net", "NETWORK")
	f.config.field(c, "harts", "machine.harts", "N")
	f.config.field(c, "memory", "machine.memory", "SIZE")
	f.config.field(c, "seed", "machine.seed", "N")
	f.config.field(c, "quantum", "machine.quantum", "N")
	f.config.add(c)
	f.config.field(c, "max-instructions", "run.max_instructions", "N")
	f.config.field(c, "max-cycles", "run.max_cycles", "N")
	f.config.field(c, "max-seconds", "run.max_seconds", "N")
	f.config.field(c, "realtime", "run.realtime", "BOOL")
	f.config.field(c, "check", "run.check", "BOOL")
	f.config.field(c, "record", "record.file", "FILE")
	f.config.field(c, "record-harts", "record.harts", "LIST")
	f.config.field(c, "record-vms", "record.vms", "LIST")
	f.config.field(c, "record-kinds", "record.kinds", "LIST")
	f.config.field(c, "record-addresses", "record.addresses", "LIST")
	f.config.field(c, "record-cycles", "record.cycles", "FROM-TO")
	f.config.field(c, "fast-until", "run.fast_until", "POINT")
	f.config.field(c, "stop-at", "run.stop_at", "POINT")
	f.saving.declare(c)
	c.Flags().StringVar(&f.gdb, "gdb", "", "wait for a debugger at ADDRESS, :PORT of this machine or the path of a Unix socket, before the run begins")
	f.declareOutput(c)
}

// declareOutput declares the flags that say what becomes of the results.
func (f *runFlags) declareOutput(c *cobra.Command) {
	f.config.field(c, "stats", "stats.file", "FILE")
	f.config.field(c, "out", "stats.dir", "DIR")
	f.config.field(c, "interval", "stats.interval", "N")
	f.config.field(c, "log", "log.file", "FILE")
	f.config.field(c, "log-level", "log.level", "LEVEL")
	f.config.field(c, "log-only", "log.only", "LIST")
	f.seeds.metavar = "LIST"
	c.Flags().Var(&f.seeds, "seeds", "run once for each of these seeds, as in 1-20 or 1,5,9, and report mean and spread; {seed} in the name of a log or statistics file stands for the seed")
	c.Flags().BoolVar(&f.json, "json", false, "print the result as JSON on standard error, and nothing else there")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but errors")
	c.Flags().BoolVar(&f.noTable, "no-table", false, "leave the table of statistics out")
}

// outputMistakes are flags about results that do not go together.
func outputMistakes(cmd *cobra.Command) error {
	return errors.Join(exclusive(cmd, "seed", "seeds"), exclusive(cmd, "json", "quiet"))
}

func runCommand(cmd *cobra.Command, args []string, f *runFlags) error {
	if err := outputMistakes(cmd); err != nil {
		return err
	}
	if err := f.saving.parse(cmd, args); err != nil {
		return err
	}
	in := config.Input{File: first(args), Preset: f.config.preset.text}
	switch {
	case f.saving.restore != "":
		var err error
		if in, err = f.saving.below(); err != nil {
			return err
		}
	case len(args) == 0 && f.config.preset.text == "" && !changed(cmd, "bare", "kernel", "bios"):
		in.Set = example()
	}
	cfg, err := f.config.loadOver(cmd, in)
	if err != nil {
		return err
	}
	if f.json && (cfg.Log.File == "-" || cfg.Stats.File == "-") {
		return usagef("--json has standard error for itself; give log and statistics a file")
	}
	t := newTerminal(cmd.OutOrStdout(), cmd.ErrOrStderr(), f.quiet || f.json)
	stop := newStopper()
	defer stop.close()
	if f.gdb != "" && cmd.Flags().Changed("seeds") {
		return usagef("--gdb is for one run, not for --seeds")
	}
	if cmd.Flags().Changed("seeds") {
		return runSeeds(cmd, f, cfg, stop, func(cfg *config.Config, one bool) (*outcome, error) {
			j := job{cfg: cfg, config: &f.config, file: first(args), saving: f.saving, console: io.Discard, stdin: strings.NewReader(""), terminal: t, stop: stop}
			if one {
				j.console, j.stdin = t.console(), cmd.InOrStdin()
			}
			return j.run()
		})
	}
	j := job{cfg: cfg, config: &f.config, file: first(args), saving: f.saving, gdb: f.gdb, console: t.console(), stdin: cmd.InOrStdin(), terminal: t, stop: stop}
	out, err := j.run()
	if err != nil {
		return err
	}
	return out.tell(cmd, f, cfg)
}

// changed tells whether any of these flags was given.
func changed(cmd *cobra.Command, flags ...string) bool {
	for _, f := range flags {
		if cmd.Flags().Changed(f) {
			return true
		}
	}
	return false
}

// tell prints the outcome and gives the exit code.
func (o *outcome) tell(cmd *cobra.Command, f *runFlags, cfg *config.Config) error {
	w := cmd.ErrOrStderr()
	switch {
	case f.json:
		if o.err != nil { // writing the files may have added to it
			o.info.Error = o.err.Error()
		}
		if err := o.values.WriteJSON(w, o.info, o.phases...); err != nil {
			return fail(exitOutput, "%w", err)
		}
	case !f.quiet:
		if !f.noTable {
			fmt.Fprintln(w)
			if err := o.values.WriteTable(w, tableOptions(w, false)); err != nil {
				return fail(exitOutput, "%w", err)
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "mcsim: %s\n", o.sentence())
		if file := cfg.Stats.File; file != "" && file != "-" {
			fmt.Fprintf(w, "mcsim: statistics in %s\n", file)
		}
		if dir := cfg.Stats.Dir; dir != "" {
			fmt.Fprintf(w, "mcsim: results in %s\n", expandSeed(dir, cfg.Machine.Seed))
		}
		if file := cfg.Record.File; file != "" {
			fmt.Fprintf(w, "mcsim: recording in %s\n", expandSeed(file, cfg.Machine.Seed))
		}
		if file := cfg.Log.File; file != "" && file != "-" {
			fmt.Fprintf(w, "mcsim: log in %s\n", file)
		}
	}
	if o.err != nil && !f.json { // which has told it
		return &exitError{o.code, o.err}
	}
	if o.code != exitOK {
		return &exitError{code: o.code}
	}
	return nil
}
