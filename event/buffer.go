package event

import (
	"cmp"
	"slices"
)

// Event is one thing that happened.
type Event struct {
	Cycle uint64
	Arg   [4]uint64
	Hart  int16 // -1: not on a hart
	VM    int16 // VMID; 0 is the host, and all there is without VMs
	Kind  Kind
}

// Filter says which kinds are wanted. The zero Filter wants none.
type Filter struct {
	kinds      [4]uint64 // a bit per Kind
	categories uint16    // a bit per Category with any kind wanted
}

// NewFilter wants the kinds at or above a level, of the given categories or,
// with none given, of all but Inst: who wants every instruction says so.
func NewFilter(least Level, only ...Category) Filter {
	var f Filter
	for k := range NumKinds {
		d := k.Describe()
		wanted := slices.Contains(only, d.Category) || len(only) == 0 && d.Category != Inst
		if wanted && d.Level >= least {
			f.kinds[k>>6] |= 1 << (k & 63)
			f.categories |= 1 << d.Category
		}
	}
	return f
}

// Wants tells whether events of this kind pass.
func (f *Filter) Wants(k Kind) bool { return f.kinds[k>>6]>>(k&63)&1 != 0 }

// Empty tells whether nothing passes.
func (f *Filter) Empty() bool { return f.categories == 0 }

// Buffer collects the events of one agent within a quantum.
type Buffer struct {
	filter Filter
	agent  int
	limit  int
	lost   uint64
	last   uint64 // cycle of the first lost event
	events []Event
}

// DefaultLimit bounds a buffer, in events of 48 bytes.
const DefaultLimit = 1 << 20

// NewBuffer makes a buffer for agent (a number for EventsLost), or returns nil,
// which is a buffer that wants nothing, if the filter is empty. A limit of 0
// stands for DefaultLimit.
func NewBuffer(f Filter, agent, limit int) *Buffer {
	if f.Empty() {
		return nil
	}
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Buffer{filter: f, agent: agent, limit: limit}
}

// On tells whether any kind of the category is wanted. It is the check to make
// before arguments are gathered; b may be nil.
func (b *Buffer) On(c Category) bool { return b != nil && b.filter.categories>>c&1 != 0 }

// Emit appends an event if its kind is wanted; b may be nil.
func (b *Buffer) Emit(e Event) {
	if b == nil || !b.filter.Wants(e.Kind) {
		return
	}
	if len(b.events) >= b.limit {
		if b.lost == 0 {
			b.last = e.Cycle
		}
		b.lost++
		return
	}
	b.events = append(b.events, e)
}

// Len is the number of events held.
func (b *Buffer) Len() int {
	if b == nil {
		return 0
	}
	return len(b.events)
}

// Full tells that a quarter of the room or less is left: an agent that may
// end its quantum early loses nothing if it does.
func (b *Buffer) Full() bool { return b != nil && len(b.events) >= b.limit-b.limit/4 }

// Merge hands the events of all buffers to sink, ordered by cycle, hart, and
// then place in bufs and order of emission, and empties the buffers. A buffer
// that overflowed adds an EventsLost at the first cycle that it lost. The pointer
// that sink gets is valid during the call. Where sink returns false it gets no more,
// and Merge returns how many it did not take.
func Merge(bufs []*Buffer, sink func(*Event) bool) (left int) {
	var queues []queue
	for place, b := range bufs {
		if b == nil {
			continue
		}
		b.close()
		if left += len(b.events); len(b.events) > 0 {
			queues = append(queues, queue{b.events, place})
		}
		b.events = b.events[:0]
	}
	for i := len(queues)/2 - 1; i >= 0; i-- {
		sift(queues, i)
	}
	for ; len(queues) > 0; left-- {
		q := &queues[0]
		if !sink(&q.events[0]) {
			break
		}
		if q.events = q.events[1:]; len(q.events) == 0 {
			last := len(queues) - 1
			queues[0] = queues[last]
			queues = queues[:last]
		}
		sift(queues, 0)
	}
	return left
}

// close puts a buffer's events in order. They mostly are: only what is stamped by
// another's clock is not.
func (b *Buffer) close() {
	if b.lost > 0 {
		b.events = append(b.events, Event{Cycle: b.last, Hart: -1, Kind: EventsLost, Arg: [4]uint64{b.lost, uint64(b.agent)}})
		b.lost = 0
	}
	if !slices.IsSortedFunc(b.events, compare) {
		slices.SortStableFunc(b.events, compare)
	}
}

func compare(a, b Event) int {
	return cmp.Or(cmp.Compare(a.Cycle, b.Cycle), cmp.Compare(a.Hart, b.Hart))
}

// queue is what is left of a buffer.
type queue struct {
	events []Event
	place  int // of the buffer
}

// before says whether the queue's first event comes before that of another.
func (q *queue) before(other *queue) bool {
	a, b := &q.events[0], &other.events[0]
	switch {
	case a.Cycle != b.Cycle:
		return a.Cycle < b.Cycle
	case a.Hart != b.Hart:
		return a.Hart < b.Hart
	}
	return q.place < other.place
}

// sift moves queue i of a heap down to its place.
func sift(heap []queue, i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if heap[child].before(&heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}
