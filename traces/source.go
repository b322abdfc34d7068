package traces

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
)

// file is a source of bytes as it lies on disk or in an archive.
type file struct {
	name     string
	src      io.Reader
	closer   io.Closer // may be nil
	seekable *os.File  // src itself if it is a regular file
	packed   string    // how the archive that it lies in compressed it
}

// openPath opens a file on disk.
func openPath(path string, interrupt <-chan struct{}) (*file, error) {
	f, err := openWaiting(path, interrupt)
	if err != nil {
		return nil, err
	}
	opened := &file{name: path, src: f, closer: f}
	if stat, err := f.Stat(); err == nil && stat.Mode().IsRegular() {
		opened.seekable = f
	}
	return opened, nil
}

// openWaiting opens a file. A named pipe is waited for until someone writes to it.
func openWaiting(path string, interrupt <-chan struct{}) (*os.File, error) {
	if stat, err := os.Stat(path); err != nil || stat.Mode()&os.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	type result struct {
		f   *os.File
		err error
	}
	done := make(chan result, 1)
	go func() { // nothing ends it but a writer
		f, err := os.Open(path)
		done <- result{f, err}
	}()
	select {
	case r := <-done:
		return r.f, r.err
	case <-interrupt:
		return nil, &Error{File: path, Err: ErrInterrupted}
	}
}

// source is an open file with its layers of compression taken off.
type source struct {
	in          *input
	format      *format
	compression string
	closers     []io.Closer // from the outside in
}

// What all streams of a trace together may use for buffers and windows.
const (
	bufferBudget = 256 << 20
	windowBudget = 1 << 30
	minWindow    = 8 << 20   // what zstd and xz use by default
	maxWindow    = 128 << 20 // zstd --long, xz -9
)

// openSource opens a file that is shard number n, and finds its format. What it
// returns is to be closed even with an error.
func (t *Trace) openSource(f *file, n uint32) (*source, error) {
	streams := max(len(t.shards), 1)
	window := min(max(windowBudget/streams, minWindow), maxWindow)
	size := min(max(bufferBudget/(4*streams), minBuffer), maxBuffer)

	s := &source{}
	pipe, piped := f.closer.(*os.File)
	if piped = piped && f.seekable == nil; piped {
		// To close a named pipe ends a read of it.
		defer func() { s.closers = append(s.closers, pipe) }()
	} else if f.closer != nil {
		s.closers = append(s.closers, f.closer)
	}
	var src io.Reader = &counted{r: f.src, n: &t.read}
	if f.packed != "" {
		src = f.src // counted inside the archive
	}
	if (piped || f.closer == nil && f.packed == "") && t.opts.Interrupt != nil {
		patient := newPatient(src, minBuffer, piped, t.opts.Interrupt)
		s.closers = append(s.closers, patient)
		src = patient
	}
	src, names, closers, err := decompress(src, window)
	s.closers = append(s.closers, closers...)
	if f.packed != "" {
		names = append([]string{f.packed}, names...)
	}
	s.compression = strings.Join(names, "+")
	if err != nil {
		return s, &Error{File: f.name, Err: err}
	}
	if len(names) > 0 {
		ahead := newAhead(src, size, f.closer != nil)
		s.closers = append(s.closers, ahead)
		src = ahead
	}
	s.in = newInput(src, f.name, size)
	s.in.shard = n
	if len(names) == 0 {
		s.in.file, s.in.read = f.seekable, &t.read
	}
	return s, s.detect(&t.opts)
}

func (s *source) detect(opts *Options) error {
	head, whole, err := s.in.peek(sniffBytes)
	if err != nil {
		return err
	}
	if s.format = formatNamed(opts.Format); s.format == nil {
		s.format, err = detect(s.in.name, head, whole)
	}
	return err
}

// start begins to read, and completes info.
func (s *source) start(opts *Options, info *Info) ([]Reader, error) {
	info.Format, info.Compression, info.Has = s.format.name, s.compression, s.format.has
	return s.format.open(s.in, opts, info)
}

// close closes everything, from the inside out.
func (s *source) close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i].Close())
	}
	s.closers = nil
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
