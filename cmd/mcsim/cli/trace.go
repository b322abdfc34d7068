package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mcsim/machine/config"
	"mcsim/traces"
	"mcsim/traces/streams"
)

func newTrace() *cobra.Command {
	c := &cobra.Command{
		Use:   "trace",
		Short: "Look into traces of memory references, convert, cut and join them",
		Long: `A trace is a file, - for standard input, an archive, or a directory with a file
for each thread. Format and compression are found by content; --format says
which it is where that is not clear.

Formats: ` + strings.Join(traces.Formats(), ", ") + `. Those that can be written are
listed by 'mcsim trace convert --help'.`,
		Example: `  mcsim trace info prog.lackey.gz
  mcsim trace stats prog.lackey.gz
  valgrind --tool=lackey --trace-mem=yes ./prog 2>&1 | mcsim trace stats -`,
	}
	c.AddCommand(newTraceInfo(), newTraceHead(), newTraceStats(), newTraceConvert(), newTraceSlice(), newTraceMerge())
	return c
}

// traceInput is how the commands on traces open them.
type traceInput struct {
	format    string
	backwards bool
	stop      *stopper // ends waiting for a pipe, if it is not nil
}

// listen lets Ctrl-C end what is read from now on. The stopper is to be closed.
func (in *traceInput) listen() *stopper {
	in.stop = newStopper()
	return in.stop
}

func (in *traceInput) declare(c *cobra.Command) {
	c.Flags().StringVar(&in.format, "format", "", "format of the input: "+strings.Join(traces.Formats(), ", ")+"; by content if it is not given")
	c.Flags().BoolVar(&in.backwards, "tolerate-clock", false, "go on where a thread's time stamps run backwards")
}

func (in *traceInput) open(cmd *cobra.Command, path string) (*traces.Trace, error) {
	if known := traces.Formats(); in.format != "" && !slices.Contains(known, in.format) {
		hint := "there are " + strings.Join(known, ", ")
		if near := config.Nearest(in.format, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		return nil, usagef("--format %s: no such format; %s", clip(in.format), hint)
	}
	o := traces.Options{Format: in.format, TolerateClock: in.backwards, Stdin: cmd.InOrStdin()}
	if in.stop != nil {
		o.Interrupt = in.stop.ctx.Done()
	}
	t, err := traces.Open(path, o)
	if in.stop != nil && in.stop.ctx.Err() != nil && err != nil {
		return nil, fail(in.stop.code(), "%w", err)
	}
	if err != nil {
		return nil, fail(exitLoad, "%w", unreadable(err, "a trace: a file, an archive, a folder of shards, or - for standard input"))
	}
	return t, nil
}

// printing gives f standard output behind a buffer, and is its error, or else what
// went wrong in writing.
func printing(cmd *cobra.Command, f func(w io.Writer) error) error {
	w := bufio.NewWriter(cmd.OutOrStdout())
	err := f(w)
	if lost := w.Flush(); lost != nil && (err == nil || errors.Is(err, lost)) {
		err = fail(exitOutput, "%w", lost)
	}
	return err
}

// inOrder is a trace as one stream: by time stamps where it has them, else with
// a reference of each of its streams in turn.
func inOrder(t *traces.Trace) traces.Reader {
	order := streams.RoundRobin
	if t.Info.Has&traces.HasCycle != 0 {
		order = streams.ByTime
	}
	return streams.Merge(t.Readers(), order, 1)
}

// pass reads a stream to its end, in pieces, and hands them to take. It returns
// early when the user interrupts, with an error that says so; also at an end that
// comes with it, for Ctrl-C ends whoever writes to a pipe as well.
func pass(cmd *cobra.Command, stop *stopper, r traces.Reader, opened []*traces.Trace, take func([]traces.Ref) error) error {
	p := newTraceProgress(cmd.ErrOrStderr(), opened)
	defer p.clear()
	refs := make([]traces.Ref, 4<<10)
	for {
		n, err := r.Read(refs)
		if n > 0 {
			if err := take(refs[:n]); err != nil {
				return err
			}
			p.update(n)
		}
		switch {
		case stop.ctx.Err() != nil:
			return fail(stop.code(), "interrupted after %d references", p.refs)
		case err == io.EOF:
			return nil
		case err != nil:
			return fail(exitTrace, "%w", err)
		}
	}
}

var errEnough = errors.New("enough was read")

// traceProgress draws how far a trace was read, on a terminal only.
type traceProgress struct {
	t           *terminal
	opened      []*traces.Trace
	refs        uint64
	start, last time.Time
}

func newTraceProgress(w io.Writer, opened []*traces.Trace) *traceProgress {
	now := time.Now()
	return &traceProgress{t: newTerminal(io.Discard, w, false), opened: opened, start: now, last: now}
}

func (p *traceProgress) update(n int) {
	p.refs += uint64(n)
	if !p.t.isTTY {
		return
	}
	now := time.Now()
	if now.Sub(p.last) < drawEvery {
		return
	}
	p.last = now
	elapsed := now.Sub(p.start)
	line := fmt.Sprintf("%.1f M references, %.1f M/s, %v", float64(p.refs)/1e6, float64(p.refs)/1e6/elapsed.Seconds(), elapsed.Round(time.Second))
	var read, total int64
	for _, t := range p.opened {
		r, of := t.Progress()
		read, total = read+r, total+of
	}
	if total > 0 && read > 0 {
		done := min(1, float64(read)/float64(total))
		left := time.Duration(float64(elapsed) * (1 - done) / done)
		line += fmt.Sprintf(", %.0f %%, %v left", 100*done, left.Round(time.Second))
	}
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	p.t.shown = true
	fmt.Fprintf(p.t.err, "\r\x1b[K%s", line)
}

func (p *traceProgress) clear() {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	p.t.erase()
}

// parseRanges reads 3, 3-7 or 3,5-9, in decimal or with 0x; an open end as in
// 5- or -5 is a limit of the numbers. sized allows START+LENGTH.
func parseRanges(flag, text string) ([]streams.Range, error) {
	var out []streams.Range
	for _, piece := range strings.Split(text, ",") {
		r, err := parseRange(piece)
		if err != nil {
			return nil, usagef("--%s %s: %q is no range; write 5, 0x1000-0x1fff, 0x1000+4096, 5- or -5", flag, clip(text), clip(piece))
		}
		out = append(out, r)
	}
	return out, nil
}

func parseRange(text string) (streams.Range, error) {
	number := func(s string, empty uint64) (uint64, error) {
		if s == "" {
			return empty, nil
		}
		return strconv.ParseUint(s, 0, 64)
	}
	if start, length, ok := strings.Cut(text, "+"); ok {
		from, err1 := strconv.ParseUint(start, 0, 64)
		n, err2 := strconv.ParseUint(length, 0, 64)
		if err := errors.Join(err1, err2); err != nil || n == 0 || from+n-1 < from {
			return streams.Range{}, errors.Join(err, errors.New("no range"))
		}
		return streams.Range{From: from, To: from + n - 1}, nil
	}
	first, last, ok := strings.Cut(text, "-")
	if !ok {
		x, err := strconv.ParseUint(text, 0, 64)
		return streams.Range{From: x, To: x}, err
	}
	from, err1 := number(first, 0)
	to, err2 := number(last, streams.All.To)
	if from > to || text == "-" {
		return streams.Range{}, errors.New("no range")
	}
	return streams.Range{From: from, To: to}, errors.Join(err1, err2)
}

// parseKinds reads names of kinds, and the groups reads and writes.
func parseKinds(names []string) ([]traces.Kind, error) {
	var out []traces.Kind
	for _, name := range names {
		known := false
		for k := range traces.NumKinds {
			if k.String() == name || kindGroup(k) == name {
				out = append(out, k)
				known = true
			}
		}
		if !known {
			var all []string
			for k := range traces.NumKinds {
				all = append(all, k.String())
			}
			return nil, usagef("--kind %s: there is no such kind; there are reads, writes, %s", name, strings.Join(all, ", "))
		}
	}
	return out, nil
}

func kindGroup(k traces.Kind) string {
	switch k {
	case traces.Load, traces.LR, traces.DMARead:
		return "reads"
	case traces.Store, traces.SC, traces.AMO, traces.DMAWrite:
		return "writes"
	}
	return ""
}
