package cli

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/snapshot"
	"mcsim/stats"
)

// saving are the flags of run about checkpoints. They are no fields of the
// configuration: saving changes no result.
type saving struct {
	at      config.Trigger
	file    string
	restore string
	atText  textValue
}

func (s *saving) declare(c *cobra.Command) {
	s.atText.metavar = "POINT"
	c.Flags().StringVar(&s.file, "checkpoint", "", "FILE to save the machine to, at --checkpoint-at and where the guest asks for it; {seed} in its name stands for the seed")
	c.Flags().Var(&s.atText, "checkpoint-at", "when to save: cycle:N, instructions:N, symbol:NAME, symbol:0xADDRESS or marker:NAME")
	c.Flags().StringVar(&s.restore, "restore", "", "go on from the checkpoint in FILE, with its configuration; --set and the flags change it")
}

// parse reads what the flags say.
func (s *saving) parse(cmd *cobra.Command, args []string) (err error) {
	if s.at, err = config.ParseTrigger(s.atText.text); err != nil {
		return usagef("--checkpoint-at: %w", err)
	}
	if s.at.Kind != config.NoTrigger && s.file == "" {
		return usagef("--checkpoint-at needs --checkpoint FILE to save to")
	}
	if s.restore != "" && (len(args) > 0 || changed(cmd, "bare", "kernel", "initrd", "append", "bios", "preset")) {
		return usagef("--restore has program and configuration in the checkpoint; change fields with --set and flags")
	}
	return nil
}

// below are the settings under the user's for a run that goes on from a checkpoint:
// the configuration of the run that saved it, but for its limits and files.
func (s *saving) below() (in config.Input, err error) {
	f, r, err := openCheckpoint("--restore", s.restore)
	if err != nil {
		return in, err
	}
	f.Close() //nolint:errcheck // only read
	in = config.Input{File: s.restore, Data: r.Header.Config}
	for _, key := range []string{"run.max_instructions", "run.max_cycles", "run.max_seconds", "stats.interval"} {
		in.Set = append(in.Set, config.Setting{Flag: "--restore", Key: key, Value: "0"})
	}
	for _, key := range []string{"run.stop_at", "log.file", "stats.file", "stats.dir", "record.file",
		"record.harts", "record.vms", "record.kinds", "record.addresses", "record.cycles"} {
		in.Set = append(in.Set, config.Setting{Flag: "--restore", Key: key})
	}
	if !r.Header.Fast { // functional mode is over
		in.Set = append(in.Set, config.Setting{Flag: "--restore", Key: "run.fast_until"})
	}
	return in, nil
}

func openCheckpoint(flag, name string) (*os.File, *snapshot.Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fail(exitLoad, "%w", fileFault(flag, name, err))
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close() //nolint:errcheck // only read
		return nil, nil, fail(exitLoad, "%w; expected a checkpoint, as mcsim run --checkpoint FILE saves one", &fileError{flag: flag, name: name, err: syscall.EISDIR})
	}
	r, err := snapshot.Open(f)
	if err != nil {
		f.Close() //nolint:errcheck // only read
		return nil, nil, fail(exitLoad, "%s: %w", name, err)
	}
	return f, r, nil
}

// resume puts the machine of a checkpoint into m and gives the program's name.
func (j *job) resume(m *machine.Machine) (string, error) {
	f, r, err := openCheckpoint("--restore", j.saving.restore)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	notes, err := m.Restore(r)
	if err != nil {
		return "", fail(exitLoad, "%s: %w", j.saving.restore, err)
	}
	j.terminal.say("%s, restored at cycle %s from %s", r.Header.Program, stats.Human(stats.Value{U: r.Header.Cycle}, ""), j.saving.restore)
	for _, n := range notes {
		j.terminal.say("%s", n)
	}
	return r.Header.Program, nil
}

// probe finds out before the run whether a checkpoint can be written, so that a wrong
// name costs no time.
func (s *saving) probe(seed uint64) error {
	if s.file == "" {
		return nil
	}
	name := expandSeed(s.file, seed)
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		// It would be replaced, device or not.
		err = errors.New("not a regular file; a checkpoint takes the place of what is there")
		if info.IsDir() {
			err = syscall.EISDIR
		}
		return &fileError{flag: "--checkpoint", name: name, output: true, err: err}
	}
	f, err := os.Create(name + ".tmp")
	if err != nil {
		return &fileError{flag: "--checkpoint", name: name, output: true, err: err}
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// save writes a checkpoint to its file, which is whole at any time.
func (j *job) save(m *machine.Machine) func(reason string) error {
	if j.saving.file == "" {
		return nil
	}
	name := expandSeed(j.saving.file, j.cfg.Machine.Seed)
	return func(reason string) error {
		f, err := os.Create(name + ".tmp")
		if err != nil {
			return err
		}
		err = m.Checkpoint(f, reason)
		if e := f.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = os.Rename(f.Name(), name)
		}
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // the first error says more
			return err
		}
		j.saved++
		j.terminal.say("checkpoint in %s, at %s", name, reason)
		return nil
	}
}

func newCheckpoint() *cobra.Command {
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Look at checkpoints",
		Long: `A checkpoint is a whole machine in a file: 'mcsim run --checkpoint FILE
--checkpoint-at POINT' saves one, 'mcsim run --restore FILE' goes on from it.`,
		Example: `  mcsim run --checkpoint boot.ckpt --checkpoint-at cycle:1000000
  mcsim checkpoint show boot.ckpt
  mcsim run --restore boot.ckpt --seed 7`,
	}
	c.AddCommand(newCheckpointShow())
	return c
}

func newCheckpointShow() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "show FILE",
		Short:   "Say what a checkpoint is of, and when it was taken",
		Example: "  mcsim checkpoint show boot.ckpt\n  mcsim checkpoint show boot.ckpt --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, r, err := openCheckpoint("", args[0])
			if err != nil {
				return err
			}
			defer f.Close() //nolint:errcheck // only read
			h, w := r.Header, cmd.OutOrStdout()
			if asJSON {
				return writeJSON(w, h)
			}
			number := func(v uint64) string { return stats.Human(stats.Value{U: v}, "") }
			mode := "timed"
			if h.Fast {
				mode = "functional"
			}
			for _, row := range [][2]string{
				{"program", h.Program}, {"harts", fmt.Sprint(h.Harts)}, {"cycle", number(h.Cycle)}, {"instructions", number(h.Instructions)},
				{"taken at", h.Reason}, {"mode", mode}, {"mcsim", h.By},
			} {
				fmt.Fprintf(w, "%-13s %s\n", row[0], row[1])
			}
			if h.InFlight > 0 {
				fmt.Fprintf(w, "%-13s %s of virtio devices\n", "in flight", plural(h.InFlight, "request"))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the header as JSON, with the configuration")
	return c
}
