package coherence

// A chain runs the agents of rounds that lane 0 runs alone. Coming back to the lane
// after each agent would take two switches between goroutines for each request. In
// a chain, the agent that parks resumes the next one itself, and waits beneath it.
// The last one that parks ends the round, on its own stack; the next round begins
// with it, if it was served, and goes down to those that wait beneath, then up
// again:
//
//	round 1: lane -> h0 -> h1 -> h2, which serves all
//	round 2: h2, then it gives way to h1, that to h0, which serves all
//	round 3: h0 -> h1 -> h2
//
// A round of n agents takes n-1 switches. In which order agents run in a round
// changes no result.
type chain struct {
	on      bool // agents pass on to each other
	serial  bool // an agent is the bus
	settled bool // an agent has ended the last round, and has not begun another
	due     int  // agents that have not parked in this round
	at      int  // of the ready agents, those before it run, have run or wait beneath one that does
	run     func()
}

// runChain runs rounds until one is to be ended by the lane, or, if settled, the
// lane has to look what comes next.
func (e *Engine) runChain() (settled bool, err error) {
	c := &e.chain
	if c.run == nil {
		c.run = func() {
			for a := e.pick(); a != nil; a = e.pick() {
				a.next()
			}
		}
	}
	c.on, c.serial, c.settled = true, false, false
	e.setDue()
	err = e.lanes[0].try(c.run)
	c.on = false
	if err == nil && !c.settled {
		e.retired()
	}
	return c.settled, err
}

func (e *Engine) setDue() {
	for _, a := range e.ready {
		a.due = true
	}
	e.chain.due, e.chain.at = len(e.ready), 0
}

// pick is an agent to resume: one that is due and does not wait beneath another.
func (e *Engine) pick() *agent {
	c := &e.chain
	for c.at < len(e.ready) {
		a := e.ready[c.at]
		if c.at++; a.due && !a.beneath {
			return a
		}
	}
	return nil
}

// passOn parks agent a in a chain until it is due again.
func (e *Engine) passOn(a *agent) {
	c := &e.chain
	a.due = false
	c.due--
	for !a.due {
		if b := e.pick(); b != nil {
			a.beneath = true
			b.next()
			a.beneath = false
		} else if c.due > 0 || c.settled || !e.settleHere() {
			a.giveWay()
			return
		}
	}
}

// settleHere ends a round on the stack of the agent that was the last to park, and the
// quantum if nobody has anything left to do in it, and begins the next round. It returns
// false if that is for the lane to do.
func (e *Engine) settleHere() bool {
	for _, a := range e.ready {
		if a.kind == Notice {
			return false
		}
	}
	c := &e.chain
	e.retired()
	c.serial = true
	e.settle()
	ends := e.stopped || !e.nextRound()
	c.serial = false
	if ends || e.Urgent != 0 || e.holding || e.fast ||
		len(e.lanes) > 1 && len(e.ready) > 1 && e.work >= worthLanes*workScale {
		c.settled = true
		return false
	}
	e.begin()
	e.setDue()
	return true
}
