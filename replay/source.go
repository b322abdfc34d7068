package replay

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/sourcegraph/conc/panics"

	"mcsim/core"
	"mcsim/traces"
)

// batchRefs is how many references a source reads at a time.
const batchRefs = 4096

// aheadBatches is how many batches a source is ahead of what threads have: enough
// that neither side waits for the scheduler often.
const aheadBatches = 32

// source is one stream of a trace. Its goroutine reads and compiles; batches
// cross over to the serial phase.
type source struct {
	name  string
	index int // among the streams of its VM
	vm    *vm
	trace int // which trace of the VM it is a stream of
	full  chan *batch
	free  chan *batch
	stop  chan struct{}

	compiler
	buffer   []traces.Ref // that is read into
	first    []traces.Ref // read by prime, nil afterwards
	firstErr error
	loaded   []*batch // by preload; nil without

	// Of the serial phase.
	threads []*thread
	taken   int64         // batches that were handed to threads
	used    *atomic.Int64 // those of them that are used up
	ended   bool
	err     error // why it ended, if not at its end

	devices bool  // it is what devices do, and has no thread
	runs    []run // of devices: what they have to do
	at      int   // references of runs[0] that are done

	interrupted bool // it ended because the user had enough
}

// batch is what a source hands over at a time: references, and which thread
// each run of them is for.
type batch struct {
	refs []core.Ref
	runs []run
	left atomic.Int32 // runs that are not used up
	err  error        // io.EOF or what ended the source after these references
	src  *source
}

// run is references of one thread.
type run struct {
	refs   []core.Ref
	thread *feed
	ended  bool // the thread has reached its limit with these
	batch  *batch
}

// done gives the run's part of its batch back.
func (r *run) done() {
	if b := r.batch; b.left.Add(-1) == 0 {
		b.src.used.Add(1)
		select {
		case b.src.free <- b:
		default:
		}
	}
}

// slicer is a reader that can lend references that it has in memory.
type slicer interface {
	// Next returns up to n references, which the caller does not change, or io.EOF.
	Next(n int) ([]traces.Ref, error)
}

// work reads until the end or until stop is closed.
func (s *source) work() {
	defer close(s.full)
	for {
		var b *batch
		select {
		case b = <-s.free:
		default:
			b = &batch{src: s}
		}
		s.fill(b)
		select {
		case s.full <- b:
		case <-s.stop:
			return
		}
		if b.err != nil {
			return
		}
	}
}

// preload reads everything into memory.
func (s *source) preload() {
	for err := error(nil); err == nil; {
		b := &batch{src: s}
		s.fill(b)
		s.loaded = append(s.loaded, b)
		err = b.err
	}
}

// next is the next batch, nil after the last.
func (s *source) next() *batch {
	if s.loaded == nil {
		return <-s.full
	}
	if len(s.loaded) == 0 {
		return nil
	}
	b := s.loaded[0]
	s.loaded[0] = nil
	s.loaded = s.loaded[1:]
	return b
}

// fill reads and compiles a batch. Its size depends on the trace alone, not on
// how the reader delivers it.
func (s *source) fill(b *batch) {
	raw, err := s.first, s.firstErr
	s.first = nil
	if raw == nil {
		raw, err = s.read()
	}
	b.err = err
	if wrong := s.compile(b, raw); wrong != nil {
		b.err = fmt.Errorf("%s: %w", s.name, wrong)
	}
	b.left.Store(int32(len(b.runs)))
	if b.err == nil && s.allEnded() {
		b.err = io.EOF
	}
}

// prime reads the first batch and returns the earliest time stamp in it.
func (s *source) prime() (stamp uint64, stamped bool) {
	raw, err := s.read()
	s.first, s.firstErr = raw, err
	if s.first == nil {
		s.first = []traces.Ref{}
	}
	for i := range raw {
		if r := &raw[i]; r.Has&traces.HasCycle != 0 && (!stamped || r.Cycle < stamp) {
			stamp, stamped = r.Cycle, true
		}
	}
	return stamp, stamped
}

// read reads a batch's references into the buffer, or borrows them of a reader
// that has them in memory.
func (s *source) read() (raw []traces.Ref, err error) {
	// A reader of a hostile file may panic.
	if p := panics.Try(func() { raw, err = s.readAll() }); p != nil {
		return nil, fmt.Errorf("the reader failed: %w", p.AsError())
	}
	return raw, err
}

func (s *source) readAll() ([]traces.Ref, error) {
	if m, ok := s.reader.(slicer); ok {
		return m.Next(batchRefs)
	}
	if s.buffer == nil {
		s.buffer = make([]traces.Ref, batchRefs)
	}
	n, idle := 0, 0
	for n < batchRefs {
		k, err := s.reader.Read(s.buffer[n:])
		n += k
		if err != nil {
			return s.buffer[:n], err
		}
		if idle++; k > 0 {
			idle = 0
		} else if idle == 1000 {
			return s.buffer[:n], io.ErrNoProgress
		}
	}
	return s.buffer, nil
}
