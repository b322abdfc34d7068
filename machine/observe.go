package machine

import (
	"fmt"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/event"
	"mcsim/machine/log"
)

// reasons are the names of Result.Reason in events.
var reasons = []string{"", "exit", "reset", "max-instructions", "max-cycles", "interrupted", "stuck", "check", "bug", "trace-end", "trace-error", "incoherent",
	"stop-at", "marker", "checkpoint", "refused", "killed", "recording", "panic", "console", "trap-loop"}

func reasonNumber(name string) uint64 {
	for i, r := range reasons {
		if r == name {
			return uint64(i)
		}
	}
	return 0
}

// observe makes the event buffers that the log's filter wants, and connects the
// bus to its own.
func (m *Machine) observe() {
	harts := m.cfg.Machine.Harts
	m.bufs = make([]*event.Buffer, harts+1)
	if m.opts.Log == nil {
		return
	}
	f := m.opts.Log.Filter()
	for i := range m.bufs {
		m.bufs[i] = event.NewBuffer(f, i, 0)
	}
	m.own = m.bufs[harts]
	m.opts.Log.SetNames(log.Names{
		event.LineState: func(v uint64) string { return coherence.State(v).String() },
		event.BusOp:     func(v uint64) string { return coherence.Kind(v).String() },
		event.Agent:     agentName(harts),
		event.Reason: func(v uint64) string {
			if v < uint64(len(reasons)) {
				return reasons[v]
			}
			return ""
		},
	})
	if m.own.On(event.Coherence) || m.own.On(event.Bus) || m.own.On(event.Device) {
		m.bus.Notify = m.note
	}
	if m.own.On(event.Memory) {
		m.dram.Notify = func(line addr.PA, begun, done uint64, write, rowHit bool) {
			m.own.Emit(event.Event{Cycle: begun, Hart: -1, Kind: event.DRAMAccess,
				Arg: [4]uint64{uint64(line), number(write), number(rowHit), done}})
		}
	}
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// agentName names who has a line: a hart, or what is behind them.
func agentName(harts int) func(uint64) string {
	return func(v uint64) string {
		switch n := int32(int64(v)); {
		case n == coherence.Home:
			return "llc"
		case n == coherence.FromMemory:
			return "memory"
		case n == coherence.NoSource:
			return "none"
		case n >= int32(harts):
			return "device"
		default:
			return fmt.Sprintf("hart %d", n)
		}
	}
}

// note turns the bus's notes into events.
func (m *Machine) note(n coherence.Note) {
	pa := n.Line << m.lineShift()
	e := event.Event{Cycle: n.Cycle, Hart: int16(n.Agent)}
	if int(n.Agent) >= len(m.harts) {
		e.Hart = -1 // a device
	}
	switch n.What {
	case coherence.NoteBus:
		e.Kind, e.Arg = event.BusTransaction, [4]uint64{uint64(n.Kind), pa, n.Value}
	case coherence.NoteSnoop:
		e.Kind, e.Arg = event.SnoopChange, [4]uint64{pa, uint64(n.From), uint64(n.To), uint64(n.Source)}
	case coherence.NoteFill:
		e.Kind, e.Arg = event.Fill, [4]uint64{pa, uint64(n.To), uint64(int64(n.Source))}
	case coherence.NoteEvict:
		e.Kind, e.Arg = event.Evict, [4]uint64{pa, uint64(n.From)}
	case coherence.NoteDevice:
		e.Kind, e.Arg = event.DeviceRead, [4]uint64{uint64(n.PA), uint64(n.Size), n.Value}
		if n.Kind == coherence.WriteIO {
			e.Kind = event.DeviceWrite
		}
	case coherence.NoteWriteBack:
		e.Kind, e.Arg = event.WriteBack, [4]uint64{pa, uint64(int64(n.Source))}
	}
	m.own.Emit(e)
}

func (m *Machine) lineShift() (n uint) {
	for s := m.cfg.Machine.L1D.Line; s > 1; s >>= 1 {
		n++
	}
	return n
}
