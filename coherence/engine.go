package coherence

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"slices"

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
	start   uint64   // of this quantum
	end     uint64   // of this quantum
	direct  *agent   // the only agent still running in this quantum
	stopped bool
	over    bool  // the run has come to its end
	err     error // why
	fast    bool  // without timing: see functional.go
	resumed bool  // Run goes on from a checkpoint, at the end of a quantum
	lanes   []lane
	chain   chain
	work    uint64 // instructions per round of late, times workScale
	gov     governor

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

// report is what an agent leaves for lane 0 when it parks. It is all that lane 0 looks at of an agent that only came to the quantum's end:
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

// nextRound ends quanta until there is an agent to run. It returns false if the run
// is over.
func (e *Engine) nextRound() bool {
	for len(e.ready) == 0 && !e.over {
		more, err := e.nextQuantum()
		e.over, e.err = !more, err
	}
	return !e.over
}

// round lets the ready agents run until they park, and serves them.
func (e *Engine) round() error {
	if e.fast {
		return e.turns()
	}
	e.begin()
	var err error
	switch {
	case e.Urgent != 0:
		err = e.resumeUrgent()
	case min(len(e.lanes), len(e.ready)) <= 1 || e.work < worthLanes*workScale:
		var settled bool
		if settled, err = e.runChain(); settled {
			return err
		}
		if err == nil {
			err = e.hearNotices(e.ready)
		}
	default:
		if err = e.resume(); err == nil {
			err = e.hearNotices(e.ready)
		}
	}
	if err != nil || e.stopped {
		return err
	}
	e.settle()
	return nil
}

// begin begins a round.
func (e *Engine) begin() {
	e.setDirect(nil)
	for _, a := range e.ready {
		a.state = agentRunning
	}
	if len(e.ready) == 1 {
		e.setDirect(e.ready[0])
	}
}

// settle ends a round: it serves the agents that are parked with a request, and
// finds out who runs in the next round.
func (e *Engine) settle() {
	e.reqs, e.naps = e.reqs[:0], e.naps[:0]
	again := e.ready[:0]
	for _, a := range e.ready {
		switch a.kind {
		case Quantum:
			a.state = agentAtEnd
		case Sleep:
			a.state, a.wakeAt = agentAsleep, a.pending.WakeAt
			if a.wakeAt < e.end {
				e.naps = append(e.naps, a)
			}
		case served.Kind:
			again = append(again, a)
		default:
			e.reqs = append(e.reqs, a.pending)
			again = append(again, a)
		}
	}
	e.ready = again
	if len(e.reqs) > 0 {
		e.Rounds++
		e.arbiter.Sort(e.reqs)
		for _, r := range e.reqs {
			e.bus.home.foresee(r.Line)
		}
		for _, r := range e.reqs {
			e.bus.Serve(r)
		}
	}
	e.admit()
	e.endNaps()
}

// endNaps puts sleepers whose own time comes within the quantum back to work:
// they run on in it; else they would fall behind the others by more with every
// nap.
func (e *Engine) endNaps() {
	for _, a := range e.naps {
		if a.state == agentAsleep {
			a.wake()
			a.state = agentRunning
			e.ready = append(e.ready, a)
		}
	}
}

// resumeUrgent runs the urgent agents first, and hears what they have to tell
// before the others move.
func (e *Engine) resumeUrgent() error {
	first := e.Urgent
	for _, urgent := range []bool{true, false} {
		var batch []*agent
		for _, a := range e.ready {
			if first>>a.id&1 != 0 == urgent {
				batch = append(batch, a)
			}
		}
		if err := e.lanes[0].runBatch(batch); err != nil {
			return err
		}
		if err := e.hearNotices(batch); err != nil || e.stopped {
			return err
		}
	}
	e.retired()
	return nil
}

// hearNotices lets the owner hear what agents of a batch have to tell, until all of
// them are parked for another reason. Where the owner, when it has heard one, makes that
// one urgent, the others wait where they are for what it has to tell next.
func (e *Engine) hearNotices(batch []*agent) error {
	var heard uint64
	for {
		e.told = e.told[:0]
		for _, a := range batch {
			if a.kind == Notice {
				e.told = append(e.told, a)
			}
		}
		if len(e.told) == 0 {
			return nil
		}
		slices.SortStableFunc(e.told, func(a, b *agent) int {
			return cmp.Or(cmp.Compare(e.Urgent>>b.id&1, e.Urgent>>a.id&1), cmp.Compare(a.run.Clock(), b.run.Clock()), cmp.Compare(a.id, b.id))
		})
		for _, a := range e.told {
			if heard>>a.id&1 == 0 && e.OnNotice != nil && !e.stopped {
				e.OnNotice(a.id)
			}
			heard |= 1 << a.id
			if e.Urgent&heard != 0 {
				break
			}
		}
		if e.stopped {
			return nil
		}
		if first := e.Urgent & heard; first != 0 {
			e.told = slices.DeleteFunc(e.told, func(a *agent) bool { return first>>a.id&1 == 0 })
			heard &^= first
		} else {
			heard = 0
		}
		if err := e.lanes[0].runBatch(e.told); err != nil {
			return err
		}
	}
}

// admit puts the agents that were woken back to work, in the order of their
// numbers, so that who woke them does not matter.
func (e *Engine) admit() {
	if len(e.woken) == 0 {
		return
	}
	e.woken = e.woken[:0]
	for _, a := range e.agents {
		if a.isWoke {
			a.isWoke = false
			a.wake()
			a.state = agentRunning
			e.ready = append(e.ready, a)
		}
	}
}

// nextQuantum ends the quantum: devices act, the owner looks on, time moves on.
func (e *Engine) nextQuantum() (more bool, err error) {
	e.Quanta++
	e.bus.RunEvents(e.end)
	if e.stopped || e.OnQuantum != nil && !e.OnQuantum(e.end) {
		return false, nil
	}
	return e.advance()
}

// advance moves time to the next quantum in which anything happens.
func (e *Engine) advance() (more bool, err error) {
	e.admit()
	next := e.bus.NextEvent()
	awake := len(e.ready) > 0
	for _, a := range e.agents {
		switch a.state {
		case agentAtEnd:
			awake = true
		case agentAsleep:
			next = min(next, a.wakeAt)
		}
	}
	if !awake {
		if e.Never(next) {
			if e.OnIdle == nil || !e.OnIdle() {
				return false, ErrAsleep
			}
			e.admit()
			return true, nil // another look, in the same quantum
		}
		if e.Limit != 0 {
			next = min(next, e.Limit)
		}
		if e.OnSkip != nil && next > e.end {
			next = min(e.OnSkip(e.end, next), e.bus.NextEvent())
			e.admit()
		}
		e.end = max(e.end, next/e.quantum*e.quantum)
	}
	e.start = e.end
	e.end += e.quantum
	for _, a := range e.agents {
		switch {
		case a.state == agentAsleep && a.wakeAt < e.end:
			a.wake()
			e.ready = append(e.ready, a)
		case a.state == agentAtEnd && a.clock < e.end:
			e.ready = append(e.ready, a)
		}
	}
	return true, nil
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
