package replay

import (
	"cmp"
	"container/heap"
	"slices"
)

// turns are the threads of a hart that have not ended, and finds who is next
// without looking at all of them: there may be 65,534. Threads with something to
// do wait in heaps, those without in the counts of their sources. The agent owns
// it while it runs, and the serial phase while all are parked.
type turns struct {
	live    int   // threads that have not been retired
	place   int   // order of the thread whose turn was last
	now     queue // have something to do now, behind place: in order
	next    queue // the same, up to place: when now is empty
	later   queue // by the cycle of their next reference
	hungry  []*share
	gone    []*thread // have ended, and are to be retired
	cold    int       // have neither done their warm-up nor ended
	shares  map[*source]*share
	started int // threads so far
}

// share is what a hart has of a source.
type share struct {
	src    *source
	needy  int // threads without references at hand that have not ended
	listed bool
}

// state is what a thread is to its hart's turns.
type state uint8

const (
	isNew  state = iota
	isFed        // has references at hand
	isOut        // has none, and may get some
	isOver       // has ended
)

// add takes a new thread in.
func (q *turns) add(t *thread) {
	if q.shares == nil {
		q.shares = map[*source]*share{}
	}
	if t.share = q.shares[t.src]; t.share == nil {
		t.share = &share{src: t.src}
		q.shares[t.src] = t.share
	}
	q.started++
	q.live++
	t.order = q.started
	if !t.warm {
		q.cold++
	}
}

// update follows what has become of a thread: it was given references, has used
// them up, or has ended. One whose turn it is stays out of the heaps.
func (q *turns) update(t *thread, its bool) {
	was := t.state
	switch {
	case !t.empty():
		t.state = isFed
	case t.over():
		t.state = isOver
	default:
		t.state = isOut
	}
	if was == t.state {
		return
	}
	if was == isOut {
		t.share.needy--
	}
	switch t.state {
	case isFed:
		if !its {
			q.put(t)
		}
	case isOut:
		if t.share.needy++; !t.share.listed {
			t.share.listed = true
			q.hungry = append(q.hungry, t.share)
		}
	case isOver:
		if !t.warm {
			q.cold--
		}
		q.gone = append(q.gone, t)
	}
}

// put adds a thread with references to those that wait for their turn, unless it
// is one.
func (q *turns) put(t *thread) {
	if !t.queued {
		t.queued = true
		q.later.put(t.first(), t)
	}
}

// take removes the thread whose turn is next and returns it: the first behind the
// last one that has something to do now, else the one that has something to do
// first. It is nil if none has references at hand.
func (q *turns) take(now uint64) *thread {
	for len(q.later.all) > 0 && q.later.all[0].at <= now {
		t := q.later.take()
		if t.order > q.place {
			q.now.put(0, t)
		} else {
			q.next.put(0, t)
		}
	}
	if len(q.now.all) == 0 {
		q.now, q.next = q.next, q.now
	}
	var t *thread
	switch {
	case len(q.now.all) > 0:
		t = q.now.take()
	case len(q.later.all) > 0:
		t = q.later.take()
	default:
		return nil
	}
	q.place, t.queued = t.order, false
	return t
}

// waiting says whether a thread that waits for its turn has references.
func (q *turns) waiting() bool {
	return len(q.now.all)+len(q.next.all)+len(q.later.all) > 0
}

// feed reads the sources of threads without references on, until each has some or
// its window is full.
func (q *turns) feed() {
	for i := 0; i < len(q.hungry); i++ {
		for s := q.hungry[i]; s.needy > 0 && s.src.pull(); {
		}
	}
	q.hungry = slices.DeleteFunc(q.hungry, func(s *share) bool {
		s.listed = s.needy > 0
		return !s.listed
	})
}

// queue is a heap of threads, by at and then by their order.
type queue struct {
	all     []queued
	compare uint64 // comparisons so far: how they grow with the threads is tested
}

type queued struct {
	at uint64
	t  *thread
}

func (q *queue) put(at uint64, t *thread) { heap.Push(q, queued{at, t}) }

func (q *queue) take() *thread { return heap.Pop(q).(queued).t }

// Len implements heap.Interface.
func (q *queue) Len() int { return len(q.all) }

// Less implements heap.Interface.
func (q *queue) Less(i, j int) bool {
	q.compare++
	a, b := &q.all[i], &q.all[j]
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.t.order, b.t.order)) < 0
}

// Swap implements heap.Interface.
func (q *queue) Swap(i, j int) { q.all[i], q.all[j] = q.all[j], q.all[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { q.all = append(q.all, x.(queued)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	n := len(q.all) - 1
	x := q.all[n]
	q.all[n] = queued{}
	q.all = q.all[:n]
	return x
}
