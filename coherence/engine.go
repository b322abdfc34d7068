package coherence

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/sourcegraph/conc"
)

// Runner is what an agent of the engine runs: a hart.
type Runner interface {
	// Run executes until the clock reaches end, parking on the agent's Port in
	// between, and returns early, asleep, if there is nothing to do before the
	// cycle wake (^0: before someone wakes it).
	Run(end uint64) (asleep bool, wake uint64)
	// Clock is the agent's time in cycles.
	Clock() uint64
	// WakeAt moves the clock of an agent that slept on to cycle.
	WakeAt(cycle uint64)
	// Instret is the number of instructions executed so far: how much work the
	// agent was for the host.
	Instret() uint64
}

// Engine runs agents in parallel and the bus in series (design: parallel harts,
// one serial bus phase). Time is cut into quanta. In a round, every agent that
// has not come to the quantum's end runs until it needs the bus; then, with
// all of them parked, the bus serves their requests in the Arbiter's order.
//
// Every agent is a goroutine of its own, switched to as a coroutine by the lane
// that runs it. Lane 0 is the caller of Run and hosts the bus; each other lane
// gets a batch of agents over a channel and sends it back when they are all
// parked, which also hands over the ownership of everything they touched.
type Engine struct {
	// OnQuantum is called at the end of every quantum, with all agents parked.
	// It returns false to end the run.
	OnQuantum func(now uint64) bool
	// OnIdle is called when every agent sleeps and nothing within the machine
	// will wake one. It may wait for the world outside, and returns false if that
	// will not wake one either. Nil: nothing comes from outside.
	OnIdle func() bool
	// Woken is told of every sleep that Wake ends, if not nil.
	Woken func(id int, cycle uint64)
	// OnSkip is called when nobody runs before the cycle to. It may wait for the
	// world outside, and returns the cycle at which to look again: to, or an
	// earlier one from from on. Nil: time that nobody uses takes none.
	OnSkip func(from, to uint64) uint64
	// OnNotice is called with all agents parked when an agent has something to tell
	// (Port.Tell), in the order of clocks and numbers. The agents that told go on
	// afterwards within the same round, so that telling changes no result.
	OnNotice func(agent int)
	// Held are the agents, a bit each, whose notices are held: they stay where they are
	// while time passes, until they are not held any more. This is the one thing by which
	// telling may change a result. Holds says whether it is for the present notice of one.
	Held  uint64
	Holds func(agent int) bool
	// Urgent are the agents, a bit each, that run before the others in a round: those
	// that a debugger steps, so that the others do not move more than they have to.
	Urgent uint64
	// Limit is a cycle that the owner wants to see: time that nobody uses is not
	// skipped beyond it. 0: none.
	Limit uint64

	bus     *Bus
	arbiter Arbiter
	quantum uint64
	agents  []*agent
	ready   []*agent // run in the next round
	woken   []*agent // woken in this serial phase
	naps    []*agent // fell asleep in this round, until a cycle of this quantum
	reqs    []*Request
	told    []*agent // have something to tell
	holding bool     // an agent that is ready has a notice that was held
	start   uint64   // of this quantum
	end     uint64   // of this quantum
	direct  *agent   // the only agent still running in this quantum
	stopped bool
	short   bool  // the quantum that ended last was cut short
	over    bool  // the run has come to its end
	err     error // why
	fast    bool  // without timing: see functional.go
	resumed bool  // Run goes on from a checkpoint, at the end of a quantum
	lanes   []lane
	chain   chain
	work    uint64 // instructions per round of late, times workScale
	gov     governor

	interrupted atomic.Bool

	// Rounds counts serial phases that served something, Quanta the quanta.
	Rounds, Quanta uint64
}

// ErrAsleep is the end of a run in which every agent sleeps and nothing that
// could wake one is pending.
var ErrAsleep = errors.New("every hart waits for an interrupt, and no timer or device will raise one")

type agentState uint8

const (
	agentRunning agentState = iota
	agentAtEnd              // of the quantum
	agentAsleep
)

type agent struct {
	id      int
	run     Runner
	port    *Port
	state   agentState
	wakeAt  uint64
	isWoke  bool
	due     bool    // has to run in this round, or does
	beneath bool    // waits for an agent that it has resumed: see chain.go
	turn    Request // the agent's Quantum and Sleep
	next    func() (struct{}, bool)
	yield   func(struct{}) bool
	stop    func()

	_ [64]byte
	report
	_ [64]byte
}

// report is what an agent leaves for lane 0 when it parks. It is all that lane 0 looks
// at of an agent that only came to the quantum's end:
// every line of the host's caches that both lanes touch costs as much as some
// hundred instructions.
type report struct {
	pending *Request
	kind    Kind   // of pending
	clock   uint64 // of the agent
	instret uint64 // its instructions so far
	counted uint64 // those that the engine has seen
}

// leave notes with what the agent parks.
func (a *agent) leave(r *Request) {
	a.pending, a.kind = r, r.Kind
	a.clock, a.instret = a.run.Clock(), a.run.Instret()
}

// giveWay lets go on who resumed the agent, until someone resumes it again.
func (a *agent) giveWay() {
	if !a.yield(struct{}{}) {
		panic(errStop)
	}
}

// wake moves the clock of an agent that slept on to the cycle of its waking.
func (a *agent) wake() {
	a.run.WakeAt(a.wakeAt)
	a.clock = a.run.Clock()
}

// served is what an agent yields when its request was carried out already and
// it only lets others run.
var served = &Request{Kind: NumKinds}

// errStop unwinds an agent's goroutine when the run ends while it is parked.
var errStop = errors.New("coherence: run has ended")

// NewEngine makes an engine for bus with quanta of the given number of cycles.
func NewEngine(bus *Bus, quantum, seed uint64) *Engine {
	return &Engine{bus: bus, quantum: quantum, arbiter: Arbiter{Seed: seed},
		gov: governor{share: true, warmup: warmupRounds, rounds: epochRounds}}
}

// Add gives the engine an agent, which talks to the bus through port. Agents
// are numbered in the order in which they are added.
func (e *Engine) Add(r Runner, port *Port) {
	a := &agent{id: len(e.agents), run: r, port: port}
	port.interrupted = &e.interrupted
	e.agents = append(e.agents, a)
}

// body is an agent's goroutine.
func (e *Engine) body(a *agent) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *AgentPanic: // of an agent that this one had resumed
			panic(p)
		default:
			if p != any(errStop) {
				panic(e.failure(a.id, p))
			}
		}
	}()
	a.port.Park = func(r *Request) {
		a.leave(r)
		if e.chain.on {
			e.passOn(a)
		} else {
			a.giveWay()
		}
	}
	for {
		asleep, wake := a.run.Run(e.end)
		a.turn.Kind, a.turn.WakeAt = Quantum, 0
		if asleep {
			a.turn.Kind, a.turn.WakeAt = Sleep, wake
		}
		a.port.Park(&a.turn)
	}
}

// setDirect makes a, if not nil, the only agent that runs until the next round: the
// bus serves it at once, on its own stack.
func (e *Engine) setDirect(a *agent) {
	if e.direct != nil {
		e.direct.port.alone = nil
	}
	if e.direct = a; a != nil {
		a.port.alone = e
	}
}

// servedAlone follows a request that the bus served on its agent's stack. If it
// woke others, their time has come.
func (e *Engine) servedAlone(p *Port) {
	e.Rounds++
	if len(e.woken) > 0 && !e.fast || e.stopped {
		p.Park(served)
	}
}

// Wake ends the sleep of agent id at cycle, if it sleeps. It is called in the
// serial phase.
func (e *Engine) Wake(id int, cycle uint64) {
	a := e.agents[id]
	if a.state == agentAsleep && !a.isWoke {
		a.isWoke = true
		a.wakeAt = min(a.wakeAt, cycle)
		e.woken = append(e.woken, a)
		if e.Woken != nil {
			e.Woken(id, cycle)
		}
	}
}

// Asleep says whether agent id sleeps, and until which cycle if nobody wakes it.
func (e *Engine) Asleep(id int) (until uint64, asleep bool) {
	a := e.agents[id]
	return a.wakeAt, a.state == agentAsleep && !a.isWoke
}

// Never says whether a cycle will never come: its quantum is beyond the clock's end.
func (e *Engine) Never(cycle uint64) bool { return cycle >= ^uint64(0)-e.quantum }

// Stop ends the run after the serial phase in progress.
func (e *Engine) Stop() { e.stopped = true }

// Interrupt makes the quantum in progress end early, for a run that is to be over
// soon: every agent comes to its end where it next asks its port, between two
// instructions, so that nothing is left half done. Where that is depends on the host.
// It may be called from any goroutine, and holds for the quanta that follow.
func (e *Engine) Interrupt() { e.interrupted.Store(true) }

// Interrupted says whether there was an Interrupt.
func (e *Engine) Interrupted() bool { return e.interrupted.Load() }

// Short says whether an agent did not come to the end of the quantum that ended last,
// for it was cut short by Interrupt.
func (e *Engine) Short() bool { return e.short }

// Quantum is the length of a quantum in cycles.
func (e *Engine) Quantum() uint64 { return e.quantum }

// Now is the start of the present quantum: no agent that runs is behind it.
func (e *Engine) Now() uint64 { return e.start }

// Run runs until Stop, until OnQuantum returns false, or until everybody
// sleeps for good (ErrAsleep). A panic in an agent ends the run as an error
// with the agent's number and stack.
func (e *Engine) Run(lanes int) (err error) {
	// More lanes than cores would poll in each other's time.
	lanes = max(1, min(lanes, runtime.GOMAXPROCS(0), runtime.NumCPU(), len(e.agents)))
	for _, a := range e.agents {
		// Not before: a coroutine that nobody runs would hold the machine for ever.
		a.next, a.stop = iter.Pull(func(yield func(struct{}) bool) {
			a.yield = yield
			e.body(a)
		})
	}
	e.lanes = make([]lane, lanes)
	e.lanes[0].init()
	var wg conc.WaitGroup
	for i := 1; i < lanes; i++ {
		e.lanes[i].init()
		wg.Go(e.lanes[i].loop)
	}
	defer func() {
		if p := recover(); p != nil {
			err = e.failure(-1, p)
		}
		e.setDirect(nil)
		for i := 1; i < lanes; i++ {
			close(e.lanes[i].work)
		}
		wg.Wait()
		for _, a := range e.agents {
			a.stop()
			a.port.Park = nil
		}
	}()
	if e.resumed {
		if more, err := e.advance(); !more {
			return err
		}
	} else {
		e.end = e.quantum
		e.ready = append(e.ready[:0], e.agents...)
	}
	e.over, e.err = false, nil
	for e.nextRound() {
		if err := e.round(); err != nil || e.stopped {
			return err
		}
	}
	return e.err
}

// AgentPanic is a bug of the simulator that showed in an agent, or in the
// serial phase.
type AgentPanic struct {
	Agent int // -1: the serial phase
	Value any
	Stack []byte
}

// failure is the panic p of an agent, or of the serial phase if that was what it did,
// for the function that recovered it.
func (e *Engine) failure(agent int, p any) *AgentPanic {
	if e.chain.serial {
		agent = -1
	}
	return &AgentPanic{Agent: agent, Value: p, Stack: debug.Stack()}
}

func (p *AgentPanic) Error() string {
	if p.Agent < 0 {
		return fmt.Sprintf("internal error: %v", p.Value)
	}
	return fmt.Sprintf("internal error in hart %d: %v", p.Agent, p.Value)
}

func (p *AgentPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
