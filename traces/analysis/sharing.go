package analysis

import (
	"fmt"
	"slices"
)

// Class says how threads share a line. The analysis follows each line through
// caches without bound, one for each thread, kept coherent by invalidation: a
// write takes the copies of all others away, and a thread without a copy that
// touches a line that others have written gets it by a transfer. A transfer is
// true if, before the thread loses the copy
// again, it touches a byte that others wrote and that it has not seen since;
// else it is false: the line came for nothing (Dubois, Skeppstedt, Ricciulli,
// Ramamurthy, Stenström: The Detection and Elimination of Useless Misses in
// Multiprocessors, ISCA 1993, with bytes for words). A stay is a run of touches
// by one thread; it is a writing stay if one of them writes.
type Class int

const (
	// Private: one thread touches the line.
	Private Class = iota
	// ReadShared: several threads do, and nobody writes once there are two. What
	// the first thread wrote before counts as initialization.
	ReadShared
	// FalseShared: written while shared, and more transfers are false than true.
	FalseShared
	// Migratory: written while shared by two threads or more, and most stays
	// write: the line moves from writer to writer, as what a lock protects does.
	Migratory
	// ProducerConsumer: written while shared by one thread only; others read.
	ProducerConsumer
	// Mixed: written while shared by two threads or more, and most stays only
	// read, as of a lock or a flag that others spin on.
	Mixed
	numClasses
)

var classNames = [numClasses]string{"private", "read-shared", "false sharing", "migratory", "producer-consumer", "mixed"}

func (c Class) String() string { return classNames[c] }

// MarshalText gives the name in JSON.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads it.
func (c *Class) UnmarshalText(text []byte) error {
	i := slices.Index(classNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is no class of sharing", text)
	}
	*c = Class(i)
	return nil
}

// sharer is one thread that has touched a shared line.
type sharer struct {
	thread  int32
	valid   bool // has a copy
	pending bool // the transfer of its copy has not shown to be true yet
	wrote   bool // while the line was shared
	unseen  uint64
}

// sharing is what is known of a line that two threads or more have touched.
type sharing struct {
	sharers []sharer
	owner   int    // whose writes are in recent, or -1
	recent  uint64 // granules that the owner wrote and nobody else was told
	at      int    // whose stay it is
	writing bool   // the present stay

	writes             bool // while shared
	writingStays       uint64
	readingStays       uint64
	trueMoves, noMoves uint64 // transfers, true and false
	invalidations      uint64 // copies taken away
	pc                 frequent
}

// share begins when a second thread touches a line.
func (l *line) share() *sharing {
	l.shared = &sharing{
		sharers: []sharer{{thread: l.thread, valid: true}},
		owner:   -1, at: -1,
	}
	return l.shared
}

// touch follows a touch of granules by a thread, and tells what it moved.
func (s *sharing) touch(thread int32, granules, written uint64, write bool, pc uint64, hasPC bool) (moved bool, grown bool) {
	me, grown := s.find(thread, written)
	if s.owner >= 0 && s.owner != me {
		s.publish()
	}
	p := &s.sharers[me]
	if !p.valid {
		p.valid = true
		moved = p.unseen != 0 // else nobody has written it: it comes from memory
	}
	if moved {
		p.pending = true
		s.noMoves++
		if hasPC {
			s.pc.add(pc)
		}
	}
	if p.unseen&granules != 0 {
		p.unseen &^= granules
		if p.pending {
			p.pending = false
			s.noMoves--
			s.trueMoves++
		}
	}
	if write {
		s.write(me, granules)
	}
	if s.at != me {
		s.endStay()
		s.at, s.writing = me, false
	}
	s.writing = s.writing || write
	return moved, grown
}

// find returns the thread's record; a newcomer has seen none of what was
// written.
func (s *sharing) find(thread int32, written uint64) (me int, grown bool) {
	if s.at >= 0 && s.sharers[s.at].thread == thread {
		return s.at, false
	}
	for i := range s.sharers {
		if s.sharers[i].thread == thread {
			return i, false
		}
	}
	s.sharers = append(s.sharers, sharer{thread: thread, unseen: written})
	return len(s.sharers) - 1, true
}

// publish tells the others what the owner wrote.
func (s *sharing) publish() {
	for i := range s.sharers {
		if i != s.owner {
			s.sharers[i].unseen |= s.recent
		}
	}
	s.owner, s.recent = -1, 0
}

func (s *sharing) write(me int, granules uint64) {
	if s.owner != me {
		for i := range s.sharers {
			if p := &s.sharers[i]; i != me && p.valid {
				p.valid, p.pending = false, false
				s.invalidations++
			}
		}
		s.owner = me
	}
	s.recent |= granules
	s.writes = true
	s.sharers[me].wrote = true
}

func (s *sharing) endStay() {
	switch {
	case s.at < 0:
	case s.writing:
		s.writingStays++
	default:
		s.readingStays++
	}
}

func (s *sharing) writers() int {
	n := 0
	for i := range s.sharers {
		if s.sharers[i].wrote {
			n++
		}
	}
	return n
}

// class is the line's, as it is now.
func (l *line) class() Class {
	s := l.shared
	if s == nil {
		return Private
	}
	writing, reading := s.writingStays, s.readingStays
	if s.writing {
		writing++
	} else {
		reading++
	}
	switch {
	case !s.writes:
		return ReadShared
	case s.noMoves > s.trueMoves:
		return FalseShared
	case s.writers() == 1:
		return ProducerConsumer
	case writing > reading:
		return Migratory
	}
	return Mixed
}

// frequent finds the value that makes up more than half of what was added, if
// there is one, by the counters of Misra and Gries (1982): each is too low by a
// fifth of all at most, so what it says is true, and a bare majority may be
// missed.
type frequent struct {
	values [4]uint64
	counts [4]uint32
	total  uint32
}

func (f *frequent) add(v uint64) {
	if f.total++; f.total == 1<<31 { // keep proportions
		f.total /= 2
		for i := range f.counts {
			f.counts[i] /= 2
		}
	}
	free := -1
	for i, n := range f.counts {
		if n > 0 && f.values[i] == v {
			f.counts[i]++
			return
		}
		if n == 0 {
			free = i
		}
	}
	if free >= 0 {
		f.values[free], f.counts[free] = v, 1
		return
	}
	for i := range f.counts {
		f.counts[i]--
	}
}

// most is that value.
func (f *frequent) most() (v uint64, ok bool) {
	for i, n := range f.counts {
		if 2*uint64(n) > uint64(f.total) {
			return f.values[i], true
		}
	}
	return 0, false
}
