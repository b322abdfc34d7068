package traces

import (
	"io"
	"sync/atomic"

	"github.com/sourcegraph/conc"

	"mcsim/record"
)

// RecordPipe writes a file in mcsim's own format in the background: one
// goroutine encodes, another compresses and writes. Buffers go in in one order,
// and the file's bytes follow from it alone.
type RecordPipe struct {
	in     chan buffer
	chunks chan *chunk
	back   chan []record.Record // buffers to be used again
	spare  chan *chunk
	wg     conc.WaitGroup
	failed atomic.Pointer[error]
	filter *Filter
}

type buffer struct {
	stream int
	recs   []record.Record
}

// How much may wait between machine and file.
const (
	pipeBuffers = 64
	pipeChunks  = 4
)

// NewRecordPipe begins to write to w. Records that f does not want are left
// out; nil wants all.
func NewRecordPipe(w io.Writer, h *Header, f *Filter) (*RecordPipe, error) {
	p := &RecordPipe{
		in: make(chan buffer, pipeBuffers), back: make(chan []record.Record, 2*pipeBuffers),
		chunks: make(chan *chunk, pipeChunks), spare: make(chan *chunk, 2*pipeChunks), filter: f,
	}
	var out chunkWriter
	if err := out.begin(w, h); err != nil {
		return nil, err
	}
	streams := newStreams(len(h.Streams))
	p.wg.Go(func() { p.encode(streams) })
	p.wg.Go(func() { p.write(&out) })
	return p, nil
}

// Put hands a buffer over. It waits if the file cannot keep up.
func (p *RecordPipe) Put(stream int, recs []record.Record) { p.in <- buffer{stream, recs} }

// Back returns a buffer that was put and is done with, or nil.
func (p *RecordPipe) Back() []record.Record {
	select {
	case b := <-p.back:
		return b
	default:
		return nil
	}
}

// Err is why writing failed, if it did. What is put later goes nowhere.
func (p *RecordPipe) Err() error {
	if e := p.failed.Load(); e != nil {
		return *e
	}
	return nil
}

// Close writes what is left, index and trailer. It does not close what the
// pipe writes to.
func (p *RecordPipe) Close() error {
	close(p.in)
	p.wg.Wait()
	return p.Err()
}

func (p *RecordPipe) fail(err error) {
	if err != nil {
		p.failed.CompareAndSwap(nil, &err)
	}
}

func (p *RecordPipe) encode(streams []stream) {
	defer close(p.chunks)
	fresh := func() *chunk {
		select {
		case c := <-p.spare:
			return c
		default:
			return new(chunk)
		}
	}
	var kept filtered
	for b := range p.in {
		recs := b.recs
		if p.filter != nil {
			recs = kept.apply(p.filter, b.stream, recs)
		}
		for s := &streams[b.stream]; len(recs) > 0; {
			var full *chunk
			if full, recs = s.add(recs, fresh); full != nil {
				p.chunks <- full
			}
		}
		select {
		case p.back <- b.recs:
		default:
		}
	}
	for i := range streams {
		if c := streams[i].finish(); c != nil {
			p.chunks <- c
		}
	}
}

func (p *RecordPipe) write(out *chunkWriter) {
	for c := range p.chunks {
		if p.Err() != nil {
			continue // the encoder must not wait for ever
		}
		out.compress(c)
		p.fail(out.put(c))
		select {
		case p.spare <- c:
		default:
		}
	}
	if p.Err() == nil {
		p.fail(out.end())
	}
}
