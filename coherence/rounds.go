package coherence

import (
	"cmp"
	"slices"
)

// This file is the rounds of an engine: who runs, what the bus serves between, and
// when a quantum ends.

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
	case e.Urgent != 0 || e.holding:
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
	e.reqs, e.naps, e.holding = e.reqs[:0], e.naps[:0], false
	again := e.ready[:0]
	for _, a := range e.ready {
		switch a.kind {
		case Quantum:
			if a.clock < e.end && !e.interrupted.Load() { // it was held since an earlier one
				again = append(again, a)
				continue
			}
			a.state = agentAtEnd
		case Sleep:
			a.state, a.wakeAt = agentAsleep, a.pending.WakeAt
			if a.wakeAt < e.end {
				e.naps = append(e.naps, a)
			}
		case served.Kind:
			again = append(again, a)
		case Notice:
			e.holding = true
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
	if e.holding {
		e.holdOver()
	}
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
		var batch, run []*agent
		for _, a := range e.ready {
			if first>>a.id&1 != 0 != urgent {
				continue
			}
			if batch = append(batch, a); a.kind != Notice { // else it was held
				run = append(run, a)
			}
		}
		if err := e.lanes[0].runBatch(run); err != nil {
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
			if a.kind == Notice && !e.holds(a) {
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

// holds says whether what an agent has to tell is held.
func (e *Engine) holds(a *agent) bool {
	return e.Held>>a.id&1 != 0 && e.Holds != nil && e.Holds(a.id)
}

// hold takes an agent whose notice is held to the quantum's end.
func (a *agent) hold(end uint64) {
	a.state, a.wakeAt = agentAtEnd, end
	a.wake()
}

// holdOver takes the agents whose notices are held to the quantum's end, if there is
// nobody else to run in it. When they go on, they come to the end that Run was given at
// once, and are run again: see settle.
func (e *Engine) holdOver() {
	for _, a := range e.ready {
		if a.kind != Notice {
			return
		}
	}
	for _, a := range e.ready {
		a.hold(e.end)
	}
	e.ready = e.ready[:0]
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
	if e.interrupted.Load() {
		e.cutShort()
	}
	e.bus.RunEvents(e.end)
	if e.stopped || e.OnQuantum != nil && !e.OnQuantum(e.end) {
		return false, nil
	}
	return e.advance()
}

// cutShort ends a quantum that was interrupted where the agent is that came the
// furthest. One in which everybody came to its end, or sleeps, is whole.
func (e *Engine) cutShort() {
	reached := e.start
	e.short = false
	for _, a := range e.agents {
		reached = max(reached, a.clock)
		if a.state == agentAtEnd && a.clock < e.end {
			e.short = true
		}
	}
	if e.short {
		e.end = min(e.end, reached)
	}
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
			e.holding = e.holding || a.kind == Notice
		}
	}
	return true, nil
}
