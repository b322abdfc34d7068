package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/traces"
)

func newTraceInfo() *cobra.Command {
	var in traceInput
	var asJSON bool
	c := &cobra.Command{
		Use:   "info TRACE...",
		Short: "Say what a trace is: format, compression, fields, threads",
		Long: `Opens traces and says what is known of them without reading on: format and
compression, which fields references have, how many streams and threads there
are, and what the trace says of its making. 'mcsim trace stats' reads it all.`,
		Example: "  mcsim trace info prog.lackey.gz\n  mcsim trace info --json drmemtrace.app.1234.dir/trace",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			infos := []traceInfo{}
			for _, path := range args {
				t, err := in.open(cmd, path)
				if err != nil {
					return err
				}
				infos = append(infos, describeTrace(path, &t.Info))
				if err := t.Close(); err != nil {
					return fail(exitLoad, "%w", err)
				}
			}
			return printing(cmd, func(w io.Writer) error {
				if asJSON {
					return writeJSON(w, infos)
				}
				for i := range infos {
					infos[i].print(w)
				}
				return nil
			})
		},
	}
	in.declare(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// traceInfo is what info prints of a trace.
type traceInfo struct {
	Path         string   `json:"path"`
	Format       string   `json:"format"`
	Compression  string   `json:"compression,omitempty"`
	Fields       []string `json:"fields"`
	Threads      int      `json:"threads,omitempty"`
	Streams      int      `json:"streams"`
	Bytes        int64    `json:"bytes,omitempty"`
	Instructions bool     `json:"instructions"`
	CycleUnit    string   `json:"cycle_unit,omitempty"`
	Notes        []string `json:"notes,omitempty"`
}

func describeTrace(path string, i *traces.Info) traceInfo {
	return traceInfo{
		Path: path, Format: i.Format, Compression: i.Compression, Fields: fieldNames(i.Has), Threads: i.Threads,
		Streams: i.Shards, Bytes: i.Size, Instructions: i.Instructions, CycleUnit: i.CycleUnit, Notes: i.Notes,
	}
}

func fieldNames(has traces.Fields) []string {
	out := []string{}
	for _, f := range []struct {
		bit  traces.Fields
		name string
	}{
		{traces.HasVA, "virtual address"}, {traces.HasPA, "physical address"}, {traces.HasPC, "pc"},
		{traces.HasCycle, "time"}, {traces.HasMode, "mode"},
	} {
		if has&f.bit != 0 {
			out = append(out, f.name)
		}
	}
	return out
}

func (i *traceInfo) print(w io.Writer) {
	what := i.Format
	if i.Compression != "" {
		what += ", " + i.Compression
	}
	fmt.Fprintf(w, "%s: %s\n", i.Path, what)
	row := func(name, value string) { fmt.Fprintf(w, "  %-13s %s\n", name, value) }
	if i.Bytes > 0 {
		row("size", human(float64(i.Bytes))+" bytes")
	}
	fields := slices.Clone(i.Fields)
	if i.Instructions {
		fields = append(fields, "instruction counts")
	}
	row("fields", strings.Join(fields, ", "))
	if i.CycleUnit != "" {
		row("unit of time", i.CycleUnit)
	}
	if i.Threads > 0 {
		row("threads", fmt.Sprint(i.Threads))
	}
	if i.Streams != 1 {
		row("streams", fmt.Sprint(i.Streams))
	}
	for _, note := range i.Notes {
		row("note", note)
	}
}

func newTraceHead() *cobra.Command {
	var in traceInput
	var asJSON bool
	var n uint64
	c := &cobra.Command{
		Use:     "head TRACE",
		Short:   "Print a trace's first references",
		Example: "  mcsim trace head prog.lackey.gz\n  mcsim trace head -n 1000 --json prog.lackey.gz",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := in.open(cmd, args[0])
			if err != nil {
				return err
			}
			defer t.Close() //nolint:errcheck // only read
			return printing(cmd, func(w io.Writer) error {
				show := printRef(w, asJSON)
				left := n
				err := pass(cmd, inOrder(t), nil, func(refs []traces.Ref) error {
					for i := range refs {
						if left == 0 {
							return errEnough
						}
						left--
						show(&refs[i])
					}
					return nil
				})
				if err == errEnough {
					return nil
				}
				return err
			})
		},
	}
	in.declare(c)
	c.Flags().Uint64VarP(&n, "count", "n", 10, "how many")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON lines")
	return c
}

// printRef returns what prints a reference, under a header.
func printRef(w io.Writer, asJSON bool) func(*traces.Ref) {
	begun := false
	return func(r *traces.Ref) {
		if asJSON {
			writeRefJSON(w, r)
			return
		}
		if !begun {
			fmt.Fprintf(w, "%7s  %-9s  %4s  %18s  %18s  %18s  %12s  %s\n", "thread", "kind", "size", "virtual", "physical", "pc", "time", "instructions")
			begun = true
		}
		field := func(bit traces.Fields, v uint64) string {
			if r.Has&bit == 0 {
				return "-"
			}
			return fmt.Sprintf("0x%x", v)
		}
		time := "-"
		if r.Has&traces.HasCycle != 0 {
			time = fmt.Sprint(r.Cycle)
		}
		fmt.Fprintf(w, "%7d  %-9s  %4d  %18s  %18s  %18s  %12s  %d\n", r.Thread, r.Kind, r.Size,
			field(traces.HasVA, r.VA), field(traces.HasPA, r.PA), field(traces.HasPC, r.PC), time, r.Instructions)
	}
}

func writeRefJSON(w io.Writer, r *traces.Ref) {
	fmt.Fprintf(w, `{"thread":%d,"kind":%q,"size":%d`, r.Thread, r.Kind, r.Size)
	if r.Has&traces.HasVA != 0 {
		fmt.Fprintf(w, `,"va":"0x%x"`, r.VA)
	}
	if r.Has&traces.HasPA != 0 {
		fmt.Fprintf(w, `,"pa":"0x%x"`, r.PA)
	}
	if r.Has&traces.HasPC != 0 {
		fmt.Fprintf(w, `,"pc":"0x%x"`, r.PC)
	}
	if r.Has&traces.HasCycle != 0 {
		fmt.Fprintf(w, `,"cycle":%d`, r.Cycle)
	}
	if r.Has&traces.HasMode != 0 {
		fmt.Fprintf(w, `,"mode":%d,"asid":%d,"vmid":%d`, r.Mode, r.ASID, r.VMID)
	}
	fmt.Fprintf(w, `,"instructions":%d}`+"\n", r.Instructions)
}
