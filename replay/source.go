package replay

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/sourcegraph/conc"
	"github.com/sourcegraph/conc/panics"

	"mcsim/core"
	"mcsim/traces"
)

// batchRefs is how many references a source reads at a time.
const batchRefs = 4096

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

	// Of the serial phase.
	threads []*thread
	taken   int64         // batches that were handed to threads
	used    *atomic.Int64 // those of them that are used up
	ended   bool
	err     error // why it ended, if not at its end
}

// batch is what a source hands over at a time: references, and which thread
// each run of them is for.
type batch struct {
	raw  []traces.Ref
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

// start begins to read. The caller has called prime.
func (s *source) start(g *conc.WaitGroup) { g.Go(s.work) }

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

// fill reads and compiles a batch. Its size depends on the trace alone, not on
// how the reader delivers it.
func (s *source) fill(b *batch) {
	b.err = nil
	if p := panics.Try(func() { s.read(b) }); p != nil {
		b.err = errors.Join(fmt.Errorf("%s: the reader failed", s.name), p.AsError())
	}
}

func (s *source) read(b *batch) {
	if m, ok := s.reader.(slicer); ok {
		raw, err := m.Next(batchRefs)
		b.err = err
		s.compile(b, raw)
		return
	}
	if b.raw == nil {
		b.raw = make([]traces.Ref, batchRefs)
	}
	n, idle := 0, 0
	for n < batchRefs && b.err == nil {
		k, err := s.reader.Read(b.raw[n:])
		n += k
		b.err = err
		if idle++; k > 0 {
			idle = 0
		} else if err == nil && idle == 1000 {
			b.err = fmt.Errorf("%s: %w", s.name, io.ErrNoProgress)
		}
	}
	s.compile(b, b.raw[:n])
}
