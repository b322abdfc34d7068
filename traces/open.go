package traces

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// Options for opening a trace.
type Options struct {
	Format string // its name; empty: by content

	// TolerateClock lets time stamps run backwards within a stream. Otherwise
	// that is an error.
	TolerateClock bool

	Stdin io.Reader // what the path "-" names
}

// Info says what is known of a trace once it is open.
type Info struct {
	Format      string
	Compression string // names from the outside in, joined by "+"; empty for none
	Has         Fields // what its references can tell; each says what it does tell

	// Threads that the trace names before its references are read, 0 if that is
	// only seen in the references.
	Threads int
	Shards  int   // streams, each with its Reader
	Size    int64 // bytes on disk of all files, 0 if it is not known

	// Instructions: Ref.Instructions counts the instructions, so that it can
	// advance a clock. Otherwise it is 0 throughout, as in texts without fetches.
	Instructions bool

	// CycleUnit is the unit of Ref.Cycle ("cycle", "microsecond"), empty
	// without HasCycle.
	CycleUnit string

	Notes []string // what a user should know, such as filters when it was made
}

// Physical reports whether the trace has physical addresses only.
func (i *Info) Physical() bool { return i.Has&(HasVA|HasPA) == HasPA }

// Trace is an open trace.
type Trace struct {
	Info    Info
	readers []Reader
	closers []io.Closer
	read    atomic.Int64 // bytes on disk that were read
}

// Open opens a trace: a file, "-" for standard input, a directory of shards or
// an archive. The format is found by content unless opts names it.
func Open(path string, opts Options) (*Trace, error) {
	t := &Trace{}
	if opts.Format != "" && formatNamed(opts.Format) == nil {
		return nil, fmt.Errorf("%s: no trace format %q; there are %v", path, opts.Format, Formats())
	}
	if err := t.open(path, &opts); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Trace) open(path string, opts *Options) error {
	if path == "-" {
		if opts.Stdin == nil {
			return errors.New("standard input: there is none")
		}
		return t.openFile(&counted{r: opts.Stdin, n: &t.read}, "standard input", opts)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	t.closers = append(t.closers, file)
	if stat, err := file.Stat(); err == nil && stat.Mode().IsRegular() {
		t.Info.Size = stat.Size()
	}
	return t.openFile(&counted{r: file, n: &t.read}, path, opts)
}

func (t *Trace) openFile(src io.Reader, name string, opts *Options) error {
	in := newInput(src, name)
	head, whole, err := in.peek(sniffBytes)
	if err != nil {
		return err
	}
	f := formatNamed(opts.Format)
	if f == nil {
		if f, err = detect(name, head, whole); err != nil {
			return err
		}
	}
	t.Info.Format, t.Info.Has = f.name, f.has
	t.readers, err = f.open(in, opts, &t.Info)
	t.Info.Shards = len(t.readers)
	return err
}

// Readers has one reader for each stream: several for a trace with a file for
// each thread, else one whose references say their thread. Each may be used
// from a goroutine of its own.
func (t *Trace) Readers() []Reader { return t.readers }

// Progress returns how many bytes on disk were read so far, of how many (0 if
// that is not known). It may be called from any goroutine.
func (t *Trace) Progress() (read, total int64) { return t.read.Load(), t.Info.Size }

// Close closes the files and ends what decompresses. No reader may be in use.
func (t *Trace) Close() error {
	var errs []error
	for i := len(t.closers) - 1; i >= 0; i-- {
		errs = append(errs, t.closers[i].Close())
	}
	t.closers = nil
	return errors.Join(errs...)
}

// counted counts what is read, for Progress.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
