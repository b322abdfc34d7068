package cli

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	htmlreport "mcsim/report"
	"mcsim/stats"
	"mcsim/traces"
	"mcsim/traces/analysis"
)

// traceStatsFlags shape an analysis.
type traceStatsFlags struct {
	in      traceInput
	line    string
	page    string
	top     int
	lines   int
	virtual bool
	out     string
	json    bool
}

func newTraceStats() *cobra.Command {
	var f traceStatsFlags
	c := &cobra.Command{
		Use:   "stats TRACE",
		Short: "Analyse a trace: footprint, mix, reuse, strides, working set, sharing",
		Long: `Reads a trace once, in bounded memory, and says what its references do:

footprint     distinct lines, pages and bytes of code and of data
mix           kinds and sizes of references
reuse         reuse distances (distinct lines between two touches of a line) and
              the miss ratios of fully associative LRU caches that follow
strides       between references of one instruction, or one thread without pcs
working set   distinct lines in each part of the trace
sharing       which lines of data threads share, and how:
  private            one thread touches the line
  read-shared        several do, and nobody writes once there are two
  producer-consumer  one thread writes while it is shared, others read
  migratory          two or more write, and it moves from writer to writer
  mixed              two or more write, but most turns only read, as with locks
  false sharing      most transfers bring a thread nothing that others wrote
A transfer is a touch by a thread whose copy another's write has taken away, with
caches without bound. Addresses are physical where the trace has them.

Up to --max-lines lines all counts are exact. With more, lines are sampled
(SHARDS), and the output says at which rate.`,
		Example: `  mcsim trace stats prog.lackey.gz
  mcsim trace stats --line 128 --top 20 trace.mct
  mcsim trace stats --json trace.mct | jq .data.miss_ratio`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.in.declare(c)
	c.Flags().StringVar(&f.line, "line", "64", "bytes of a line")
	c.Flags().StringVar(&f.page, "page", "4KiB", "bytes of a page")
	c.Flags().IntVar(&f.top, "top", 10, "how many lines and pcs to list")
	c.Flags().IntVar(&f.lines, "max-lines", 1<<20, "lines of data, and of code, to keep before sampling; about 150 bytes each")
	c.Flags().BoolVar(&f.virtual, "virtual", false, "take virtual addresses where there are both")
	c.Flags().StringVar(&f.out, "out", "", "folder to write trace.json to as well, for 'mcsim report'")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return c
}

// powerOfTwo reads a size, such as 64 or 4KiB.
func powerOfTwo(flag, text string, least, most uint64) (uint64, error) {
	digits := strings.TrimRight(text, "KMiB")
	n, err := strconv.ParseUint(digits, 10, 32)
	switch text[len(digits):] {
	case "KiB", "K":
		n <<= 10
	case "MiB", "M":
		n <<= 20
	case "", "B":
	default:
		n = 0
	}
	if err != nil || n < least || n > most || n&(n-1) != 0 {
		return 0, usagef("--%s %s: want a power of two from %d to %d", flag, text, least, most)
	}
	return n, nil
}

func (f *traceStatsFlags) run(cmd *cobra.Command, path string) error {
	line, err := powerOfTwo("line", f.line, 4, 4096)
	if err != nil {
		return err
	}
	page, err := powerOfTwo("page", f.page, line, 1<<30)
	if err != nil {
		return err
	}
	if f.lines < 1024 || f.lines > 1<<26 || f.top < 0 {
		return usagef("--max-lines is from 1024 to %d, and --top not negative", 1<<26)
	}
	defer f.in.listen().close()
	t, err := f.in.open(cmd, path)
	if err != nil {
		return err
	}
	defer t.Close() //nolint:errcheck // only read
	a := analysis.New(analysis.Options{Line: line, Page: page, Lines: f.lines, Virtual: f.virtual})
	failed := pass(cmd, f.in.stop, inOrder(t), []*traces.Trace{t}, func(refs []traces.Ref) error {
		a.Add(refs)
		return nil
	})
	r := a.Result(f.top)
	err = printing(cmd, func(w io.Writer) error {
		if f.json {
			return writeJSON(w, r)
		}
		printTraceStats(w, r)
		return nil
	})
	if f.out != "" {
		err = errors.Join(err, writeAnalysis(f.out, r))
	}
	if failed != nil { // what was read until then has been printed
		return failed
	}
	return err
}

// writeAnalysis puts an analysis beside a run's results.
func writeAnalysis(dir string, r *analysis.Result) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fail(exitOutput, "%w", unwritable(err, "--out"))
	}
	f, err := os.Create(filepath.Join(dir, htmlreport.TraceFile))
	if err != nil {
		return fail(exitOutput, "%w", unwritable(err, "--out"))
	}
	if err := errors.Join(writeJSON(f, r), f.Close()); err != nil {
		return fail(exitOutput, "%w", err)
	}
	return nil
}

// human is a count for people.
func human(f float64) string { return stats.Human(stats.Value{U: uint64(f + 0.5)}, "") }

func percent(part, whole float64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f%%", 100*part/whole)
}

func printTraceStats(w io.Writer, r *analysis.Result) {
	fmt.Fprintln(w, "references")
	refs := float64(r.References)
	rows := [][]string{{"  all", human(refs), ""}}
	for k := range traces.NumKinds {
		if n := float64(r.Kinds[k.String()]); n > 0 {
			rows = append(rows, []string{"  " + k.String(), human(n), percent(n, refs)})
		}
	}
	if r.Instructions > 0 {
		rows = append(rows, []string{"  instructions", human(float64(r.Instructions)), ""})
	}
	rows = append(rows, []string{"  bytes read", human(float64(r.BytesRead)), ""}, []string{"  bytes written", human(float64(r.BytesWritten)), ""})
	writeColumns(w, rows)
	var sizes []string
	for _, s := range r.Sizes {
		if s.Count*1000 >= r.References {
			sizes = append(sizes, fmt.Sprintf("%d: %s", s.Value, percent(float64(s.Count), refs)))
		}
	}
	fmt.Fprintf(w, "  sizes in bytes  %s\n", strings.Join(sizes, ", "))
	if c := r.Cycles; c != nil {
		fmt.Fprintf(w, "  time  %d to %d", c.First, c.Last)
		if c.Backwards > 0 {
			fmt.Fprintf(w, ", %d times backwards", c.Backwards)
		}
		fmt.Fprintln(w)
	}
	printFootprint(w, r)
	printReuse(w, r)
	printStrides(w, r)
	printWorkingSet(w, r)
	printSharing(w, r)
	printPCs(w, r)
}

func printFootprint(w io.Writer, r *analysis.Result) {
	fmt.Fprintf(w, "\nfootprint (%s addresses, lines of %d bytes)\n", r.Address, r.LineBytes)
	page := fmt.Sprintf("pages of %d", r.PageBytes)
	rows := [][]string{{"", "lines", "bytes touched", "bytes written", page}}
	for _, l := range []struct {
		name string
		*analysis.Lines
		pages float64
	}{{"  data", &r.Data, r.Pages.Data}, {"  code", &r.Code, r.Pages.Code}} {
		if l.Touches > 0 {
			rows = append(rows, []string{l.name, human(l.Lines.Lines), human(l.Bytes), human(l.Written), human(l.pages)})
		}
	}
	writeColumns(w, rows)
	for _, l := range []struct {
		name string
		rate float64
	}{{"data", r.Data.Rate}, {"code", r.Code.Rate}, {"pages", r.Pages.Rate}} {
		if l.rate < 1 {
			fmt.Fprintf(w, "  %s: estimated from a sample of 1 in %.0f\n", l.name, 1/l.rate)
		}
	}
}

// printReuse sums the histogram up by powers of two.
func printReuse(w io.Writer, r *analysis.Result) {
	fmt.Fprintln(w, "\nreuse distance, in lines, and what an LRU cache of so many misses")
	rows := [][]string{{"", "data", "misses", "code", "misses"}}
	last := 0
	for _, l := range []*analysis.Lines{&r.Data, &r.Code} {
		if n := len(l.Reuse); n > 0 {
			last = max(last, bits.Len64(l.Reuse[n-1].From))
		}
	}
	for k := range last + 1 {
		from, to := uint64(0), uint64(0)
		if k > 0 {
			from, to = 1<<(k-1), 1<<k-1
		}
		name := fmt.Sprintf("  %d-%d", from, to)
		if from == to {
			name = fmt.Sprintf("  %d", from)
		}
		row := []string{name}
		for _, l := range []*analysis.Lines{&r.Data, &r.Code} {
			row = append(row, reuseCells(l, from, to)...)
		}
		rows = append(rows, row)
	}
	rows = append(rows, []string{"  first touch", human(r.Data.Cold), "", human(r.Code.Cold), ""})
	writeColumns(w, rows)
}

// reuseCells counts the distances of a range, and gives the miss ratio of a
// cache of the range's first number of lines.
func reuseCells(l *analysis.Lines, from, to uint64) []string {
	n := 0.0
	for _, b := range l.Reuse {
		if b.From >= from && b.From <= to {
			n += b.Count
		}
	}
	misses := ""
	for _, p := range l.MissRatio {
		if p.Lines == from {
			misses = fmt.Sprintf("%.3f%%", 100*p.MissRatio)
		}
	}
	return []string{human(n), misses}
}

func printStrides(w io.Writer, r *analysis.Result) {
	total := 0.0
	for _, b := range r.Strides {
		total += float64(b.Count)
	}
	if total == 0 {
		return
	}
	fmt.Fprintf(w, "\nstrides of data references by %s, in bytes\n", r.StridesBy)
	rows := [][]string{}
	rest := 0.0
	for _, b := range r.Strides {
		if float64(b.Count) < total/200 {
			rest += float64(b.Count)
			continue
		}
		name := fmt.Sprintf("  %d to %d", b.From, b.To)
		if b.From == b.To {
			name = fmt.Sprintf("  %d", b.From)
		}
		rows = append(rows, []string{name, human(float64(b.Count)), percent(float64(b.Count), total)})
	}
	rows = append(rows, []string{"  others", human(rest), percent(rest, total)})
	writeColumns(w, rows)
	var top []string
	for _, b := range r.TopStrides {
		if float64(b.Count) >= total/100 {
			top = append(top, fmt.Sprintf("%+d: %s", b.From, percent(float64(b.Count), total)))
		}
	}
	if len(top) > 0 {
		fmt.Fprintf(w, "  most frequent  %s\n", strings.Join(top, ", "))
	}
}

const workingSetRows = 16

// printWorkingSet lists a few of the windows, evenly spaced.
func printWorkingSet(w io.Writer, r *analysis.Result) {
	fmt.Fprintf(w, "\nworking set, in lines, in windows of %s references\n", human(float64(r.Window)))
	rows := [][]string{{"  from", "data", "code", "reads", "writes", "fetches"}}
	step := max(1, (len(r.Windows)+workingSetRows-1)/workingSetRows)
	for i := 0; i < len(r.Windows); i += step {
		p := r.Windows[i]
		rows = append(rows, []string{"  " + human(float64(p.From)), human(p.DataLines), human(p.CodeLines),
			human(float64(p.Reads)), human(float64(p.Writes)), human(float64(p.Fetches))})
	}
	writeColumns(w, rows)
	if step > 1 {
		fmt.Fprintf(w, "  one in %d of %d windows; --json has all\n", step, len(r.Windows))
	}
}

func printSharing(w io.Writer, r *analysis.Result) {
	if len(r.Threads) < 2 {
		return
	}
	fmt.Fprintln(w, "\nthreads")
	rows := [][]string{{"", "references", "instructions", "fetches", "reads", "writes"}}
	for i, t := range r.Threads {
		if i == 16 && len(r.Threads) > 17 {
			fmt.Fprintf(w, "  (the first 16 of %d; --json has all)\n", len(r.Threads))
			break
		}
		rows = append(rows, []string{"  " + strconv.Itoa(int(t.Thread)), human(float64(t.References)), human(float64(t.Instructions)),
			human(float64(t.Fetches)), human(float64(t.Reads)), human(float64(t.Writes))})
	}
	writeColumns(w, rows)
	fmt.Fprintln(w, "\nsharing of data lines")
	rows = [][]string{{"", "lines", "references", "writes", "transfers", "of them false", "invalidations"}}
	for _, c := range r.Sharing {
		if c.Lines > 0 {
			rows = append(rows, []string{"  " + c.Class.String(), human(c.Lines), human(c.References), human(c.Writes),
				human(c.TrueTransfers + c.FalseTransfers), human(c.FalseTransfers), human(c.Invalidations)})
		}
	}
	writeColumns(w, rows)
	if len(r.SharedLines) == 0 {
		return
	}
	fmt.Fprintln(w, "\nlines with most transfers")
	rows = [][]string{{"", "class", "threads", "writers", "references", "writes", "transfers", "false", "pc"}}
	for _, l := range r.SharedLines {
		rows = append(rows, []string{"  " + l.Address, l.Class.String(), strconv.Itoa(l.Threads), strconv.Itoa(l.Writers), human(float64(l.References)),
			human(float64(l.Writes)), human(float64(l.TrueTransfers + l.FalseTransfers)), human(float64(l.FalseTransfers)), l.PC})
	}
	writeColumns(w, rows)
}

func printPCs(w io.Writer, r *analysis.Result) {
	if len(r.PCs) == 0 {
		return
	}
	fmt.Fprintln(w, "\npcs with most data references")
	rows := [][]string{{"", "reads", "writes", "stride", "transfers"}}
	for _, p := range r.PCs {
		stride := "-"
		if p.Stride != nil {
			stride = fmt.Sprint(*p.Stride)
		}
		rows = append(rows, []string{"  " + p.PC, human(float64(p.Reads)), human(float64(p.Writes)), stride, human(p.Transfers)})
	}
	writeColumns(w, rows)
	if r.PCsLost > 0 {
		fmt.Fprintf(w, "  each may lack %s references: there were more pcs than are kept\n", human(float64(r.PCsLost)))
	}
}
