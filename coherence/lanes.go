package coherence

import "github.com/sourcegraph/conc/panics"

// lane runs a share of the agents on a goroutine of its own.
type lane struct {
	work, done chan []*agent
	batch      []*agent
	caught     *panics.Recovered
}

func (l *lane) init() {
	l.work, l.done = make(chan []*agent, 1), make(chan []*agent, 1)
}

// spins is how often a lane polls its channel before it blocks: several times as long
// as it takes to be woken by the scheduler.
const spins = 20000

func receive(c chan []*agent) ([]*agent, bool) {
	for range spins {
		select {
		case b, ok := <-c:
			return b, ok
		default:
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
		l.runBatch(batch)
		l.done <- batch
	}
}

func (l *lane) runBatch(batch []*agent) {
	var c panics.Catcher
	c.Try(func() {
		for _, a := range batch {
			a.pending = nil
			a.pending, _ = a.next()
		}
	})
	l.caught = c.Recovered()
}

// Handing a batch to another lane and waiting for it costs about as much as
// some hundred instructions. Rounds that are shorter than worthLanes
// instructions, as an average over about workScale rounds, are run by lane 0
// alone. This changes no result: who runs an agent never does.
const (
	worthLanes = 600
	workScale  = 16
)

// resume runs the ready agents, each lane its share of them.
func (e *Engine) resume() error {
	n := min(len(e.lanes), len(e.ready))
	if e.work < worthLanes*workScale {
		n = 1
	}
	if n <= 1 {
		e.lanes[0].runBatch(e.ready)
		return e.lanes[0].failure(e.ready)
	}
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
	own := e.ready[:share]
	e.lanes[0].runBatch(own)
	err := e.lanes[0].failure(own)
	for i := 1; i < n; i++ {
		if used>>i&1 == 0 {
			continue
		}
		batch, _ := receive(e.lanes[i].done)
		if err2 := e.lanes[i].failure(batch); err == nil {
			err = err2
		}
	}
	return err
}

func (l *lane) failure(batch []*agent) error {
	if l.caught == nil {
		return nil
	}
	p := &AgentPanic{Agent: -1, Value: l.caught.Value, Stack: l.caught.Stack}
	for _, a := range batch {
		if a.pending == nil {
			p.Agent = a.id
			break
		}
	}
	return p
}
