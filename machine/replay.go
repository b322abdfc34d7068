package machine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/core"
	"mcsim/core/isa"
	"mcsim/device"
	"mcsim/replay"
)

// LoadReplay builds the machine around recorded references instead of a program.
// It has no devices, and its RAM begins at address 0, below that of programs, so
// that physical traces fit as they are; pages are given from RAMBase up.
func (m *Machine) LoadReplay(c replay.Config) error {
	k := &m.cfg.Machine
	m.console = device.NewOutput(io.Discard)
	size := uint64(RAMBase) + uint64(k.Memory)
	if err := m.amap.Add(coherence.Region{Name: "ram", Size: size}); err != nil {
		return fmt.Errorf("machine.memory: %w", err)
	}
	shape, err := m.coherence(&m.cfg.Machine)
	if err != nil {
		return err
	}
	if err := m.connect(shape); err != nil {
		return err
	}
	m.observe()
	var oracle *coherence.Oracle
	if !c.NoCheck {
		oracle = coherence.NewOracle(addr.PA(0), size, m.bus.Private(0).L1D().Shift())
		m.bus.SetOracle(oracle)
	}
	ext, err := isa.ParseISA(k.ISA)
	if err != nil {
		return fmt.Errorf("machine.isa: %w", err)
	}
	dec := isa.NewDecoder(ext)
	for i := range k.Harts {
		cc := coreConfig(k, ext, i)
		cc.PMPRegions = 0 // nobody sets any up
		m.harts = append(m.harts, core.New(cc, m.bus.Private(i), dec, m.bufs[i]))
	}
	m.replay, err = replay.New(c, replay.Machine{
		Harts: m.harts, Bus: m.bus, Oracle: oracle,
		Wake: func(hart int) { m.engine.Wake(hart, m.engine.Now()) },
		Warm: m.warm,
		RAM:  uint64(RAMBase), Memory: uint64(k.Memory),
		MaxSATP: satpModes[k.MMU], Clock: uint64(k.Clock), Quantum: uint64(k.Quantum), Seed: k.Seed,
	})
	if err != nil {
		return err
	}
	for i := range m.harts {
		m.engine.Add(m.replay.Agent(i), &m.bus.Private(i).Port)
	}
	m.register()
	return nil
}

// warm begins the statistics anew when the warm-up is over. As at the end of the
// run, the time is that of the hart that has come furthest.
func (m *Machine) warm() {
	quantum := m.cycles
	m.cycles = 0
	for _, h := range m.harts {
		m.cycles = max(m.cycles, h.Clock())
	}
	m.ResetStats()
	m.cycles = quantum
}

// Replay is the replay that the machine was built around, or nil.
func (m *Machine) Replay() *replay.Replay { return m.replay }

// replayEnds looks at a replay at the end of a quantum. It returns the reason if
// that ends it. A user's signal comes before an end: whoever writes to a pipe may
// have ended by it, too.
func (m *Machine) replayEnds(ctx context.Context) string {
	r := m.replay
	r.EndQuantum()
	switch {
	case r.Stale() > 0:
		return "incoherent"
	case !r.Done():
		return ""
	case r.Interrupted() || errors.Is(ctx.Err(), context.Canceled):
		return "interrupted"
	case r.Err() != nil:
		return "trace-error"
	}
	return "trace-end"
}
