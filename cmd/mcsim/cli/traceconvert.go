package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/traces"
	"mcsim/traces/streams"
)

// traceOutput is where the commands that write traces put them.
type traceOutput struct {
	file string
	to   string
}

func (o *traceOutput) declare(c *cobra.Command) {
	c.Flags().StringVarP(&o.file, "output", "o", "-", "file to write, - for standard output; .gz, .zst or .lz4 at its end compresses")
	c.Flags().StringVar(&o.to, "to", "", "format to write: "+strings.Join(writable(), ", ")+"; by the file's name, or that of the input, if it is not given")
}

// writable lists the formats that can be written.
func writable() []string {
	return slices.DeleteFunc(traces.Formats(), func(name string) bool {
		_, err := traces.Create(io.Discard, name, &traces.Info{})
		return err != nil
	})
}

// format finds the format to write.
func (o *traceOutput) format(input string) (string, error) {
	if o.to != "" {
		if !slices.Contains(writable(), o.to) {
			return "", usagef("--to %s: that cannot be written; there are %s", o.to, strings.Join(writable(), ", "))
		}
		return o.to, nil
	}
	name := o.file
	if stem, compressed := strings.CutSuffix(name, filepath.Ext(name)); compressed && traces.Compresses(filepath.Ext(name)) {
		name = stem
	}
	ext := strings.TrimPrefix(filepath.Ext(name), ".")
	if ext == "mct" {
		ext = "mcsim"
	}
	if slices.Contains(writable(), ext) {
		return ext, nil
	}
	if slices.Contains(writable(), input) {
		return input, nil
	}
	return "", usagef("%s can only be read; say by --to which format to write: %s", input, strings.Join(writable(), ", "))
}

// write passes a stream on to the output. What was read before an error is
// written all the same, and the output is complete.
func (o *traceOutput) write(cmd *cobra.Command, stop *stopper, r traces.Reader, paths []string, opened []*traces.Trace, info *traces.Info) (err error) {
	name, err := o.format(info.Format)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if o.file != "-" {
		for _, path := range paths {
			if err := apart(named{"the output", o.file}, named{"the trace", path}); err != nil {
				return err
			}
		}
		f, err := os.Create(o.file)
		if err != nil {
			return unwritable(err, "--output")
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	packed, err := traces.Compress(out, filepath.Ext(o.file))
	if err != nil {
		return err
	}
	w, err := traces.Create(packed, name, info)
	if err != nil {
		return err
	}
	written := uint64(0)
	failed := pass(cmd, stop, r, opened, func(refs []traces.Ref) error {
		written += uint64(len(refs))
		if err := w.Write(refs); err != nil {
			return fail(exitOutput, "%s: %w", o.file, err)
		}
		return nil
	})
	if err := errors.Join(w.Close(), packed.Close()); err != nil && failed == nil {
		failed = fail(exitOutput, "%s: %w", o.file, err)
	}
	if o.file != "-" {
		fmt.Fprintf(cmd.ErrOrStderr(), "mcsim: %s references in %s, as %s\n", human(float64(written)), o.file, name)
	}
	return failed
}

func newTraceConvert() *cobra.Command {
	var in traceInput
	var out traceOutput
	c := &cobra.Command{
		Use:   "convert TRACE",
		Short: "Write a trace in another format",
		Long: `Reads a trace and writes it in another format. What the format has no place for
is left out: a din file has no threads, a text no pcs. The streams of a trace
that has several are merged, by time stamps if it has them, else reference by
reference in turn.

Formats that can be written: ` + strings.Join(writable(), ", ") + `.`,
		Example: `  mcsim trace convert prog.lackey.gz -o prog.mct
  mcsim trace convert drmemtrace.app.1234.dir -o app.text.gz
  mcsim trace convert prog.mct --to text | less`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer in.listen().close()
			t, err := in.open(cmd, args[0])
			if err != nil {
				return err
			}
			defer t.Close() //nolint:errcheck // only read
			return out.write(cmd, in.stop, inOrder(t), args, []*traces.Trace{t}, &t.Info)
		},
	}
	in.declare(c)
	out.declare(c)
	return c
}

func newTraceSlice() *cobra.Command {
	var in traceInput
	var out traceOutput
	var cycles, addresses, threads string
	var kinds []string
	var part streams.Part
	c := &cobra.Command{
		Use:   "slice TRACE",
		Short: "Cut a part out of a trace: by time, number, thread, address, kind",
		Long: `Writes those references that meet all conditions. A range is written 5-9, with
both ends; 5- and -9 are open, 0x1000+4096 has a length; several are joined by
commas. --skip and --limit count the references that meet the other conditions.

Instructions of references that are left out in between are added to the next
one of the thread, so that time passes as before.`,
		Example: `  mcsim trace slice app.mct --skip 1000000 --limit 500000 -o part.mct
  mcsim trace slice app.mct --time 20000-30000 --thread 0,2-3 -o part.mct
  mcsim trace slice app.mct --address 0x80100000+4096 --kind writes --to text`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if part.Kinds, err = parseKinds(kinds); err != nil {
				return err
			}
			part.Cycles = streams.All
			for _, r := range []struct {
				flag, text string
				to         *[]streams.Range
			}{{"thread", threads, &part.Threads}, {"address", addresses, &part.Addresses}, {"time", cycles, nil}} {
				if r.text == "" {
					continue
				}
				ranges, err := parseRanges(r.flag, r.text)
				switch {
				case err != nil:
					return err
				case r.to != nil:
					*r.to = ranges
				case len(ranges) != 1:
					return usagef("--time takes one range")
				default:
					part.Cycles = ranges[0]
				}
			}
			defer in.listen().close()
			t, err := in.open(cmd, args[0])
			if err != nil {
				return err
			}
			defer t.Close() //nolint:errcheck // only read
			if cycles != "" && t.Info.Has&traces.HasCycle == 0 {
				return usagef("--time: %s has no time stamps", args[0])
			}
			return out.write(cmd, in.stop, streams.Slice(inOrder(t), part), args, []*traces.Trace{t}, &t.Info)
		},
	}
	in.declare(c)
	out.declare(c)
	c.Flags().StringVar(&cycles, "time", "", "time stamps, in the trace's unit")
	c.Flags().Uint64Var(&part.Skip, "skip", 0, "references to leave out first")
	c.Flags().Uint64Var(&part.Limit, "limit", 0, "references to write; 0 for all")
	c.Flags().StringVar(&threads, "thread", "", "threads")
	c.Flags().StringVar(&addresses, "address", "", "first bytes, virtual or physical")
	c.Flags().StringSliceVar(&kinds, "kind", nil, "kinds, as 'mcsim trace head' shows them, or reads, writes")
	return c
}

func newTraceMerge() *cobra.Command {
	var in traceInput
	var out traceOutput
	var by string
	var chunk int
	var keep bool
	c := &cobra.Command{
		Use:   "merge TRACE TRACE...",
		Short: "Join traces into one: by time stamps, or in turn",
		Long: `Joins traces into one. With --by time the reference with the least time stamp is
next, of equal ones that of the trace named first; with --by turn, --chunk
references of each trace in turn. Without --by it is time if all have stamps.

Threads are numbered anew, in the order in which they appear, so that those of
one trace are not taken for those of another; --keep-threads leaves them.`,
		Example: `  mcsim trace merge a.mct b.mct -o both.mct
  mcsim trace merge a.lackey.gz b.lackey.gz --by turn --chunk 100 -o both.text`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if by != "" && by != "time" && by != "turn" || chunk < 1 {
				return usagef("--by is time or turn, and --chunk at least 1")
			}
			defer in.listen().close()
			var opened []*traces.Trace
			defer func() {
				for _, t := range opened {
					t.Close() //nolint:errcheck // only read
				}
			}()
			for _, path := range args {
				t, err := in.open(cmd, path)
				if err != nil {
					return err
				}
				opened = append(opened, t)
			}
			r, info, err := mergeTraces(args, opened, by, chunk, keep)
			if err != nil {
				return err
			}
			return out.write(cmd, in.stop, r, args, opened, info)
		},
	}
	in.declare(c)
	out.declare(c)
	c.Flags().StringVar(&by, "by", "", "whose reference is next: time or turn")
	c.Flags().IntVar(&chunk, "chunk", 1, "references in a turn")
	c.Flags().BoolVar(&keep, "keep-threads", false, "leave the threads' numbers as they are")
	return c
}

// mergeTraces joins open traces. The info of the whole has what all have.
func mergeTraces(paths []string, opened []*traces.Trace, by string, chunk int, keep bool) (traces.Reader, *traces.Info, error) {
	info := opened[0].Info
	for i, t := range opened {
		info.Has &= t.Info.Has
		info.Instructions = info.Instructions && t.Info.Instructions
		if by == "time" && t.Info.Has&traces.HasCycle == 0 {
			return nil, nil, usagef("--by time: %s has no time stamps", paths[i])
		}
		if t.Info.CycleUnit != info.CycleUnit && by != "turn" && (by == "time" || info.Has&traces.HasCycle != 0) {
			return nil, nil, usagef("%s counts %ss, %s %ss: there is no order by time; join them --by turn", paths[0], info.CycleUnit, paths[i], t.Info.CycleUnit)
		}
	}
	info.Threads, info.Devices, info.Shards, info.Size, info.Notes = 0, 0, 1, 0, nil
	order := streams.RoundRobin
	if by == "time" || by == "" && info.Has&traces.HasCycle != 0 {
		order = streams.ByTime
	}
	var threads streams.Threads
	var readers []traces.Reader
	for i, t := range opened {
		r := inOrder(t)
		if !keep {
			r = threads.Of(i, r)
		}
		readers = append(readers, r)
	}
	return streams.Merge(readers, order, chunk), &info, nil
}
