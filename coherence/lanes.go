package coherence

import (
	"runtime"
	"time"

	"github.com/sourcegraph/conc/panics"
)

// lane runs a share of the agents on a goroutine of its own.
type lane struct {
	work, done chan []*agent
	batch      []*agent
	resume     func() // the batch; kept, for it would be an allocation in every round
	catcher    panics.Catcher
	failed     error // of the batch that was last on another lane than 0
}

func (l *lane) init() {
	l.work, l.done = make(chan []*agent, 1), make(chan []*agent, 1)
	l.resume = func() {
		for _, a := range l.batch {
			a.next()
		}
	}
}

// spins is how often a lane polls its channel before it blocks: some 15
// microseconds, longer than lanes whose harts are all busy wait for each other.
// Every yieldEvery polls it lets another goroutine run: the one that it waits for
// may be queued on the very thread that polls, where something else of this
// process has the other core.
const (
	spins      = 1000
	yieldEvery = 32
)

func receive(c chan []*agent) ([]*agent, bool) {
	for i := range spins {
		select {
		case b, ok := <-c:
			return b, ok
		default:
		}
		if i%yieldEvery == yieldEvery-1 {
			runtime.Gosched()
		}
	}
	b, ok := <-c
	return b, ok
}

func (l *lane) loop() {
	for {
		batch, ok := receive(l.work)
		if !ok {
			return
		}
		l.failed = l.runBatch(batch)
		l.done <- batch
	}
}

// runBatch resumes the agents of a batch, one after the other.
func (l *lane) runBatch(batch []*agent) error {
	l.batch = batch
	return l.try(l.resume)
}

// try runs what resumes agents. An agent that panics is its error: see Engine.body.
func (l *lane) try(resume func()) error {
	l.catcher.Try(resume)
	r := l.catcher.Recovered()
	if r == nil {
		return nil
	}
	if p, ok := r.Value.(*AgentPanic); ok {
		return p
	}
	return &AgentPanic{Agent: -1, Value: r.Value, Stack: r.Stack}
}

// Handing a batch to another lane and waiting for it costs about as much as
// some hundred instructions. Rounds that are shorter than worthLanes
// instructions, as an average over about workScale rounds, are run by lane 0
// alone; the governor decides about the others.
const (
	worthLanes = 600
	workScale  = 16
)

// governor finds out whether sharing rounds among lanes is faster, by doing it
// and looking at the clock on the wall: it is not where other programs want the
// same cores, for then a lane waits for its thread to be scheduled. This changes
// no result: who runs an agent never does.
type governor struct {
	share   bool // among all lanes
	probing bool // the other way is being tried out for a few rounds
	rounds  int  // left to measure
	warmup  int  // rounds not measured, in which the lanes wake up
	epochs  int  // left before the next probe
	backoff int  // epochs between probes
	votes   int  // probes in a row that found lane 0 alone faster
	work    uint64
	spent   time.Duration
	rate    float64 // instructions per nanosecond of the way in use
}

const (
	epochRounds  = 64
	probeRounds  = 16
	warmupRounds = 4
	minBackoff   = 8
	maxBackoff   = 1024
)

// Lanes that wait poll, which is a core's time: sharing has to be faster by some
// percent. These are how fast, compared with the way in use, the other way must be.
const (
	worthSharing = 1.10
	worthAlone   = 0.95
)

// votesToLeaveLanes is how many probes in a row must find lane 0 alone faster. A
// probe is short, and a page fault of the host in the rounds that it is compared
// with is enough to mislead it; where lanes are really slower, every probe says
// so.
const votesToLeaveLanes = 2

// count takes note of a round and decides how the next ones are run.
func (g *governor) count(instructions uint64, d time.Duration) {
	if g.warmup > 0 {
		g.warmup--
		return
	}
	g.work += instructions
	g.spent += d
	if g.rounds--; g.rounds > 0 {
		return
	}
	rate := float64(g.work) / float64(max(1, g.spent))
	g.work, g.spent, g.rounds = 0, 0, epochRounds
	switch {
	case g.probing:
		g.judge(rate)
	case g.epochs <= 0:
		g.rate = rate
		g.share, g.probing, g.rounds, g.warmup = !g.share, true, probeRounds, warmupRounds
	default:
		g.epochs--
	}
}

// judge ends a probe in which the other way had the given rate.
func (g *governor) judge(rate float64) {
	g.probing = false
	was, worth := !g.share, worthAlone
	if g.share {
		worth = worthSharing
	}
	if rate <= g.rate*worth {
		g.share, g.votes = was, 0
		g.backoff = min(max(minBackoff, 2*g.backoff), maxBackoff)
		g.epochs = g.backoff
		return
	}
	if g.votes++; was && g.votes < votesToLeaveLanes {
		g.share, g.epochs = was, 1
		return
	}
	g.votes, g.backoff, g.epochs = 0, minBackoff, minBackoff
}

// resume runs the ready agents, each lane its share of them or lane 0 all.
func (e *Engine) resume() (err error) {
	begun := time.Since(epoch) //nolint:forbidigo // for the governor, which changes no result
	if e.gov.share {
		err = e.resumeShared()
	} else {
		err = e.lanes[0].runBatch(e.ready)
	}
	e.gov.count(e.retired(), time.Since(epoch)-begun) //nolint:forbidigo // see above
	return err
}

// epoch is what the governor measures from: reading the time since then is
// cheaper than reading the time.
var epoch = time.Now() //nolint:forbidigo // for the governor, which changes no result

// retired counts the instructions that the ready agents executed in this round.
func (e *Engine) retired() (done uint64) {
	for _, a := range e.ready {
		done += a.instret - a.counted
		a.counted = a.instret
	}
	e.work += done - e.work/workScale
	return done
}

func (e *Engine) resumeShared() error {
	n := min(len(e.lanes), len(e.ready))
	share := (len(e.ready) + n - 1) / n
	used := 0
	for i := n - 1; i > 0; i-- {
		lo, hi := i*share, min((i+1)*share, len(e.ready))
		if lo >= hi {
			continue
		}
		used |= 1 << i
		e.lanes[i].batch = e.ready[lo:hi]
		e.lanes[i].work <- e.lanes[i].batch
	}
	err := e.lanes[0].runBatch(e.ready[:share])
	for i := 1; i < n; i++ {
		if used>>i&1 == 0 {
			continue
		}
		receive(e.lanes[i].done)
		if err == nil {
			err = e.lanes[i].failed
		}
	}
	return err
}
