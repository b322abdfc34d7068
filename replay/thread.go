package replay

import "mcsim/coherence"

// thread is a thread of a trace, on the hart that it is mapped to.
type thread struct {
	id     uint32 // as the trace has it
	number int    // among all threads, from 0
	src    *source
	agent  *agent
	runs   []run // what it has to do
	at     int   // references of runs[0] that are done
	ended  bool  // nothing comes after runs
	warm   bool
	asid   uint16

	share  *share // of its source, on its hart
	order  int    // among the threads of its hart, from 1
	state  state
	queued bool // waits for its turn

	version uint64 // of its last store
	Stats   ThreadStats
	since   ThreadStats // the hart's when the thread's turn began
	span    ThreadStats // of the interval in progress
	listed  bool        // in ran of its agent
}

// ThreadStats counts what a thread did.
type ThreadStats struct {
	References   uint64
	Instructions uint64
	Cycles       uint64 // of its turns
	Turns        uint64
	L1DMisses    uint64
	L1IMisses    uint64
	Requests     uint64 // to the bus
	Walks        uint64
	Finish       uint64 // cycle of its end, 0 while it goes on
}

// add adds what was counted between two moments.
func (s *ThreadStats) add(from, to *ThreadStats) {
	s.References += to.References - from.References
	s.Instructions += to.Instructions - from.Instructions
	s.Cycles += to.Cycles - from.Cycles
	s.L1DMisses += to.L1DMisses - from.L1DMisses
	s.L1IMisses += to.L1IMisses - from.L1IMisses
	s.Requests += to.Requests - from.Requests
	s.Walks += to.Walks - from.Walks
}

// counted is what the hart has counted so far.
func (a *agent) counted() ThreadStats {
	h := a.driver.Hart()
	s := ThreadStats{
		Instructions: h.Instret(), Cycles: h.Clock(), L1DMisses: a.caches.D.Misses, L1IMisses: a.caches.I.Misses,
		Requests: *a.caches.Requests(), Walks: h.MMUStats().Walks,
	}
	for i := range a.driver.Stats.Ops {
		s.References += a.driver.Stats.Ops[i].Refs
	}
	return s
}

// empty says whether the thread has no references at hand.
func (t *thread) empty() bool { return len(t.runs) == 0 }

// over says whether the thread has ended.
func (t *thread) over() bool { return t.empty() && (t.ended || t.src.ended) }

// advance takes n references off the queue.
func (t *thread) advance(n int) {
	t.at += n
	if t.at == len(t.runs[0].refs) {
		t.runs[0].done()
		t.runs[0] = run{}
		t.runs = t.runs[1:]
		t.at = 0
	}
}

// update tells the thread's hart what has become of it.
func (t *thread) update() { t.agent.turns.update(t, t == t.agent.cur) }

// atHand is how many references the thread has at hand.
func (t *thread) atHand() int {
	n := -t.at
	for i := range t.runs {
		n += len(t.runs[i].refs)
	}
	return n
}

// first is the cycle before which the thread has nothing to do.
func (t *thread) first() uint64 { return t.runs[0].refs[t.at].Cycle }

// space returns the address space of the thread, nil for physical addresses.
func (t *thread) space() (*space, error) {
	if t.src.physical {
		return nil, nil
	}
	return t.src.vm.spaceOf(spaceKey{t.src.trace, t.asid})
}

// spaceOf returns an address space, and makes it if there is none yet.
func (v *vm) spaceOf(key spaceKey) (*space, error) {
	if s := v.spaces[key]; s != nil {
		return s, nil
	}
	s, err := v.newSpace()
	if err == nil {
		v.spaces[key] = s
	}
	return s, err
}

// spaceKey: the threads of a trace share an address space, or one for each ASID
// that it names.
type spaceKey struct {
	trace int
	asid  uint16
}

var _ coherence.Runner = (*agent)(nil)
