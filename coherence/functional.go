package coherence

// Functional mode skips timing to be fast. The caches stay what they are: filled,
// snooped and coherent, with the protocol's states, replacement and counters; so
// they are warm when timed mode goes on. What is skipped is all that says when:
//
//   - calendars of bus, banks and DRAM, open rows and refresh, jitter: a request
//     takes no time;
//   - latencies of the caches, and the store buffer's waiting;
//   - rounds: each agent runs to the end of the quantum alone, and its requests are
//     served on its own stack as it makes them. The bus's order within a quantum is
//     then that of the agents' numbers; quanta are long.
//
// It is as reproducible as timed mode.

// SetFast switches functional mode, with quanta of that many cycles from the next
// on. It may be called before Run, in OnQuantum and in OnNotice; in the latter it
// takes effect at once, and what is left of the quantum is run in the new mode.
func (e *Engine) SetFast(on bool, quantum uint64) {
	e.fast, e.quantum = on, quantum
	e.bus.setFast(on)
}

// Fast says whether functional mode is on.
func (e *Engine) Fast() bool { return e.fast }

func (b *Bus) setFast(on bool) {
	b.fast = on
	if b.home.dram != nil {
		b.home.dram.fast = on
	}
	for _, p := range b.privs {
		p.hit, p.l2hit = b.cfg.L1Hit, b.cfg.L2Hit
		if on {
			p.hit, p.l2hit = 0, 0
		}
	}
}

// turns runs the ready agents one after the other, each to the quantum's end.
func (e *Engine) turns() error {
	e.naps = e.naps[:0]
	left := e.ready
	for len(left) > 0 && e.fast && !e.stopped {
		a := left[0]
		a.state = agentRunning
		e.setDirect(a)
		if a.kind != Notice { // else it was held
			if err := e.lanes[0].runBatch(left[:1]); err != nil {
				return err
			}
		}
		switch r := a.pending; a.kind {
		case Quantum:
			if a.clock < e.end && !e.interrupted.Load() { // it was held since an earlier one
				continue
			}
			a.state = agentAtEnd
		case Sleep:
			a.state, a.wakeAt = agentAsleep, r.WakeAt
			if a.wakeAt < e.end {
				e.naps = append(e.naps, a)
			}
		case Notice:
			if e.holds(a) {
				a.hold(e.end)
				break
			}
			if a.kind = served.Kind; e.OnNotice != nil {
				e.OnNotice(a.id)
			}
			continue
		case served.Kind:
			continue
		}
		left = left[1:]
	}
	e.setDirect(nil)
	e.ready = e.ready[:copy(e.ready, left)]
	e.admit()
	e.endNaps()
	return nil
}
