package streams

import (
	"cmp"
	"container/heap"
	"errors"
	"io"

	"mcsim/traces"
)

// Order says whose reference is next.
type Order int

const (
	// ByTime takes the least time stamp, of equal ones that of the first stream.
	// A stream whose stamps run backwards is taken as it stands.
	ByTime Order = iota
	// RoundRobin takes Merge's chunk of references from each stream in turn.
	RoundRobin
)

const block = 1 << 10 // references that are read at once

// source is one stream and what was read of it.
type source struct {
	r    traces.Reader
	buf  []traces.Ref
	at   int
	n    int
	err  error // that follows buf[:n]
	rank int
}

// more makes sure that buf[at] is a reference; false at the stream's end.
func (s *source) more() bool {
	for s.at == s.n {
		if s.err != nil {
			return false
		}
		s.at = 0
		s.n, s.err = s.r.Read(s.buf)
	}
	return true
}

// Merge makes one stream of several. An error of one of them ends the merged
// stream where it is met, but for a *traces.CutError, which comes after what the
// others still have; chunk counts for RoundRobin only.
func Merge(readers []traces.Reader, order Order, chunk int) traces.Reader {
	if len(readers) == 1 {
		return readers[0]
	}
	m := &merged{order: order, chunk: max(chunk, 1)}
	for i, r := range readers {
		m.sources = append(m.sources, &source{r: r, buf: make([]traces.Ref, block), rank: i})
	}
	return m
}

type merged struct {
	order   Order
	chunk   int
	begun   bool
	sources []*source // those that have more; a heap by time, or a circle
	turn    int       // RoundRobin: whose
	taken   int       // of its chunk
	cut     error     // of a stream whose file is cut off
	err     error
}

func (m *merged) Read(refs []traces.Ref) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if !m.begun {
		m.begun = true
		for i := 0; i < len(m.sources); i++ {
			if !m.sources[i].more() {
				m.drop(i)
				i--
			}
		}
		if m.order == ByTime {
			heap.Init((*byTime)(m))
		}
	}
	for n := range refs {
		if m.err != nil || len(m.sources) == 0 {
			return n, m.end()
		}
		i := 0
		if m.order == RoundRobin {
			i = m.turn
		}
		s := m.sources[i]
		refs[n] = s.buf[s.at]
		s.at++
		more := s.more()
		switch {
		case m.order == ByTime && more:
			heap.Fix((*byTime)(m), 0)
		case m.order == ByTime:
			m.fail(s)
			heap.Pop((*byTime)(m))
		case !more:
			m.drop(i)
			m.next(0)
		default:
			if m.taken++; m.taken == m.chunk {
				m.next(1)
			}
		}
	}
	return len(refs), nil
}

func (m *merged) end() error {
	if m.err == nil {
		m.err = cmp.Or(m.cut, io.EOF)
	}
	return m.err
}

func (m *merged) fail(s *source) {
	var cut *traces.CutError
	switch {
	case s.err == io.EOF:
	case errors.As(s.err, &cut):
		m.cut = cmp.Or(m.cut, s.err)
	default:
		m.err = cmp.Or(m.err, s.err)
	}
}

func (m *merged) drop(i int) {
	m.fail(m.sources[i])
	m.sources = append(m.sources[:i], m.sources[i+1:]...)
}

func (m *merged) next(step int) {
	m.taken = 0
	m.turn += step
	if m.turn >= len(m.sources) {
		m.turn = 0
	}
}

// byTime orders the sources of a merged stream.
type byTime merged

func (h *byTime) Len() int { return len(h.sources) }
func (h *byTime) Less(i, j int) bool {
	a, b := h.sources[i], h.sources[j]
	x, y := a.buf[a.at].Cycle, b.buf[b.at].Cycle
	return x < y || x == y && a.rank < b.rank
}
func (h *byTime) Swap(i, j int) { h.sources[i], h.sources[j] = h.sources[j], h.sources[i] }
func (h *byTime) Push(x any)    { h.sources = append(h.sources, x.(*source)) }
func (h *byTime) Pop() any {
	last := h.sources[len(h.sources)-1]
	h.sources = h.sources[:len(h.sources)-1]
	return last
}

// Threads numbers the threads of several traces anew, so that those of one are
// not taken for those of another: each pair of trace and thread gets the next
// number when it is first met.
type Threads struct {
	numbers map[uint64]uint32
}

// Of returns a reader whose threads are numbered as those of the trace-th trace.
func (t *Threads) Of(trace int, r traces.Reader) traces.Reader {
	if t.numbers == nil {
		t.numbers = map[uint64]uint32{}
	}
	return &renumbered{r, t, uint64(trace) << 32}
}

type renumbered struct {
	r     traces.Reader
	t     *Threads
	trace uint64
}

func (r *renumbered) Read(refs []traces.Ref) (int, error) {
	n, err := r.r.Read(refs)
	for i := range refs[:n] {
		key := r.trace | uint64(refs[i].Thread)
		number, ok := r.t.numbers[key]
		if !ok {
			number = uint32(len(r.t.numbers))
			r.t.numbers[key] = number
		}
		refs[i].Thread = number
	}
	return n, err
}
