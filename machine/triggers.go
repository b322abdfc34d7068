package machine

import (
	"fmt"
	"strconv"
	"strings"

	"mcsim/core"
	"mcsim/event"
	"mcsim/machine/config"
)

// trigger is a point of the run that someone waits for. It acts once.
type trigger struct {
	config.Trigger
	at   uint64 // of a symbol
	act  func()
	stop bool // idle time is not skipped beyond it
	gone bool
}

func (t *trigger) fire() {
	if !t.gone {
		t.gone = true
		t.act()
	}
}

func (t *trigger) marked(name string) {
	if t.Kind == config.AtMarker && t.Name == name {
		t.fire()
	}
}

// await adds a trigger, if t is one.
func (m *Machine) await(t config.Trigger, act func()) error {
	if t.Kind == config.NoTrigger {
		return nil
	}
	w := &trigger{Trigger: t, act: act}
	if t.Kind == config.AtSymbol {
		var err error
		if w.at, err = m.addressOf(t.Name); err != nil {
			return err
		}
		m.breaks = append(m.breaks, w.at)
	}
	if t.Kind == config.AtMarker && !m.cfg.Run.Markers {
		return fmt.Errorf("%v: run.markers is off", t)
	}
	m.triggers = append(m.triggers, w)
	return nil
}

// addressOf is the address that the program gives a symbol, or a number in hex.
func (m *Machine) addressOf(name string) (uint64, error) {
	if hex, ok := strings.CutPrefix(name, "0x"); ok {
		v, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			return 0, fmt.Errorf("symbol:%s: not an address", name)
		}
		return v, nil
	}
	s, ok := m.image.Symbol(name)
	if !ok {
		return 0, fmt.Errorf("symbol:%s: %s has no such symbol; give its address, as in symbol:0x80000000", name, m.image.Name)
	}
	return s.Value, nil
}

// prepare sets up what the run waits for.
func (m *Machine) prepare(l *Limits) error {
	c := &m.cfg.Run
	m.engine.OnNotice, m.engine.Holds = m.notice, m.stops
	m.watchTraps()
	fast, err := config.ParseTrigger(c.FastUntil)
	if err != nil {
		return err
	}
	stop, err := config.ParseTrigger(c.StopAt)
	if err != nil {
		return err
	}
	if err := m.await(fast, m.slow); err != nil {
		return fmt.Errorf("run.fast_until: %w", err)
	}
	if err := m.await(stop, func() { m.stopping = "stop-at" }); err != nil {
		return fmt.Errorf("run.stop_at: %w", err)
	}
	for _, t := range m.triggers {
		t.stop = true
	}
	if err := m.await(l.CheckpointAt, func() { m.due = l.CheckpointAt.String() }); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if fast.Kind != config.NoTrigger {
		m.engine.SetFast(true, max(fastQuantum, uint64(m.cfg.Machine.Quantum)))
		for _, h := range m.harts {
			h.SetFast(true)
		}
	}
	for _, h := range m.harts {
		if len(m.breaks) > 0 {
			h.SetBreaks(m.breaks)
		}
	}
	return nil
}

// fastQuantum is how many cycles a hart runs on in functional mode before the
// others have their turn. Longer would save little, and have harts wait in vain for
// what another is about to do.
const fastQuantum = 3000

// Fast says whether functional mode is on.
func (m *Machine) Fast() bool { return m.engine.Fast() }

// slow ends functional mode.
func (m *Machine) slow() {
	m.engine.SetFast(false, uint64(m.cfg.Machine.Quantum))
	for _, h := range m.harts {
		h.SetFast(false)
	}
	m.own.Emit(event.Event{Cycle: m.bus.Now(), Hart: -1, Kind: event.RunTimed, Arg: [4]uint64{m.instructions()}})
}

// notice hears what a hart has to tell, with all harts parked.
func (m *Machine) notice(hart int) {
	n := m.harts[hart].Notice()
	switch n.Kind {
	case core.NoticeMarker:
		m.marker(hart, n)
	case core.NoticeTraps:
		m.traps(hart)
	case core.NoticeBreak:
		pc := m.harts[hart].PC()
		for _, t := range m.triggers {
			if t.Kind == config.AtSymbol && t.at == pc {
				t.fire()
			}
		}
	}
	m.tellDebugger(hart, n)
}

// passed looks at the triggers on time when a quantum has ended.
func (m *Machine) passed(cycle uint64) {
	for _, t := range m.triggers {
		switch t.Kind {
		case config.AtCycle:
			if cycle >= t.N {
				t.fire()
			}
		case config.AtInstructions:
			if !t.gone && m.instructions() >= t.N {
				t.fire()
			}
		}
	}
}

// nextStop is the earliest cycle that a trigger waits for, 0 for none: time that
// nobody uses is not skipped beyond it. For a checkpoint it is, since taking one
// must not change the run.
func (m *Machine) nextStop(limit uint64) uint64 {
	for _, t := range m.triggers {
		if t.Kind == config.AtCycle && t.stop && !t.gone && (limit == 0 || t.N < limit) {
			limit = t.N
		}
	}
	return limit
}
