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

	// TolerateClock lets time stamps run backwards within a thread. Otherwise
	// that is an error.
	TolerateClock bool

	Stdin io.Reader // what the path "-" names

	// Interrupt, once closed, ends waiting for standard input or a named pipe: what
	// was read of it is followed by ErrInterrupted. Regular files are not affected.
	Interrupt <-chan struct{}
}

// Info says what is known of a trace once it is open.
type Info struct {
	Format      string
	Compression string // names from the outside in, joined by "+"; empty for none
	Has         Fields // what its references can tell; each says what it does tell

	// Threads that the trace names before its references are read, 0 if that is
	// only seen in the references.
	Threads int
	// Devices is how many streams, the last ones, are what devices did: DMA, with no
	// hart or thread.
	Devices int
	Shards  int   // streams, each with its Reader
	Size    int64 // bytes on disk of all files, 0 if it is not known

	// Instructions: Ref.Instructions counts the instructions, so that it can
	// advance a clock. Otherwise it is 0 throughout, as in texts without fetches.
	Instructions bool

	// CycleUnit is the unit of Ref.Cycle ("cycle", "microsecond"), empty
	// without HasCycle.
	CycleUnit string

	recording *Recording // of a trace in mcsim's own format

	Notes []string // what a user should know, such as filters when it was made
}

// Physical reports whether the trace has physical addresses only.
func (i *Info) Physical() bool { return i.Has&(HasVA|HasPA) == HasPA }

// Trace is an open trace.
type Trace struct {
	Info    Info
	opts    Options
	streams []*source // open from the start
	shards  []*shard  // opened when they are read first
	readers []Reader
	archive io.Closer    // of shards
	read    atomic.Int64 // bytes on disk that were read
}

// Open opens a trace: a file, "-" for standard input, a directory of shards or
// a zip archive of shards. The format is found by content unless opts names it.
func Open(path string, opts Options) (*Trace, error) {
	if opts.Format != "" && formatNamed(opts.Format) == nil {
		return nil, fmt.Errorf("%s: no trace format %q; there are %v", path, opts.Format, Formats())
	}
	t := &Trace{opts: opts}
	if err := t.open(path); err != nil {
		if failed := t.Close(); failed != nil {
			err = errors.Join(err, failed)
		}
		return nil, err
	}
	return t, nil
}

func (t *Trace) open(path string) error {
	if path == "-" {
		if t.opts.Stdin == nil {
			return errors.New("standard input: there is none")
		}
		return t.openSingle(&file{name: "standard input", src: t.opts.Stdin})
	}
	stat, err := os.Stat(path)
	if err != nil {
		return err
	}
	if stat.IsDir() {
		return t.openDirectory(path)
	}
	f, err := openPath(path, t.opts.Interrupt)
	if err != nil {
		return err
	}
	if f.seekable == nil {
		return t.openSingle(f)
	}
	t.Info.Size = stat.Size()
	var magic [len(zipMagic)]byte
	if n, _ := f.seekable.ReadAt(magic[:], 0); isZip(magic[:n]) {
		return t.openZip(f, stat.Size())
	}
	return t.openSingle(f)
}

// openSingle opens a trace of one file, which may hold several streams.
func (t *Trace) openSingle(f *file) error {
	s, err := t.openSource(f, 0)
	t.streams = append(t.streams, s)
	if err != nil {
		return err
	}
	t.readers, err = s.start(&t.opts, &t.Info)
	t.Info.Shards = len(t.readers)
	return err
}

// Recording is the trace as what mcsim recorded, nil if it is in another format.
func (t *Trace) Recording() *Recording { return t.Info.recording }

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
	for _, s := range t.streams {
		errs = append(errs, s.close())
	}
	for _, s := range t.shards {
		errs = append(errs, s.close())
	}
	t.streams, t.shards = nil, nil
	if t.archive != nil {
		errs = append(errs, t.archive.Close())
		t.archive = nil
	}
	return errors.Join(errs...)
}
