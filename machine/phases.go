package machine

import (
	"mcsim/core"
	"mcsim/event"
	"mcsim/snapshot"
	"mcsim/stats"
)

// phases are the parts of a run that the guest has marked, and what was counted in
// them. Their edges are where a hart executes a marker; the other harts are then
// somewhere in the same round, so that their counts may be off by what they do in
// a quantum.
type phases struct {
	last mark     // of the latest dump or reset
	open []region // in the order in which they began
	done []stats.Phase
	lost uint64 // phases beyond the limit
}

// mark is a moment.
type mark struct {
	cycle uint64
	at    *stats.Snapshot // nil: the start of the run
}

// region is a phase that has not ended. All harts may begin and end the same
// region: it ends with the last of them.
type region struct {
	name  string
	depth int
	point bool // ends where the next point is
	mark
}

const (
	maxOpen   = 256     // regions open at a time; a guest that opens more loses them
	maxCounts = 4 << 20 // counters in all phases kept
)

// marker carries out what a hart's marker asks for.
func (m *Machine) marker(hart int, n core.Notice) {
	name, cycle := event.PackedName(n.Value), m.harts[hart].Clock()
	m.bufs[hart].Emit(event.Event{Cycle: cycle, Hart: int16(hart), Kind: event.MarkerHit,
		Arg: [4]uint64{uint64(n.Code), n.Value, m.harts[hart].PC()}})
	for i, h := range m.harts {
		if i == hart || h.Between() {
			h.SyncMMUStats()
		}
	}
	m.cycles = cycle
	p := &m.phases
	now := func() mark { return mark{cycle, m.reg.Snapshot()} }
	switch n.Code {
	case core.MarkerBegin:
		p.begin(name, false, now)
	case core.MarkerEnd:
		p.end(p.find(name), now)
	case core.MarkerPoint:
		p.end(p.find(""), now)
		p.begin(name, true, now)
	case core.MarkerReset:
		p.last = now()
		m.base = p.last.at
	case core.MarkerDump:
		at := now()
		p.keep(name, p.last, at)
		p.last = at
	case core.MarkerCheckpoint:
		m.due = "marker:" + name
	case core.MarkerStop:
		m.stopping = "marker"
	}
	for _, t := range m.triggers {
		t.marked(name)
	}
}

// find is the region of that name, or without one the one that a point began; -1
// if there is none.
func (p *phases) find(name string) int {
	for i := range p.open {
		if r := &p.open[i]; name == "" && r.point || name != "" && !r.point && r.name == name {
			return i
		}
	}
	return -1
}

func (p *phases) begin(name string, point bool, now func() mark) {
	if i := p.find(name); i >= 0 && !point {
		p.open[i].depth++
		return
	}
	if len(p.open) < maxOpen {
		p.open = append(p.open, region{name, 1, point, now()})
	}
}

func (p *phases) end(i int, now func() mark) {
	if i < 0 {
		return
	}
	r := &p.open[i]
	if r.depth--; r.depth > 0 {
		return
	}
	p.keep(r.name, r.mark, now())
	p.open = append(p.open[:i], p.open[i+1:]...)
}

func (p *phases) keep(name string, from, to mark) {
	if (len(p.done)+1)*len(to.at.Values) > maxCounts {
		p.lost++
		return
	}
	values := to.at
	if from.at != nil {
		values = to.at.Since(from.at)
	}
	p.done = append(p.done, stats.Phase{Name: name, Begin: from.cycle, End: to.cycle, Values: values})
}

// Report is what the run has counted, from the last reset on if the guest asked
// for one, and the phases that it marked. Those that have not ended end here.
func (m *Machine) Report() (*stats.Snapshot, []stats.Phase) {
	total := m.Snapshot()
	end := mark{m.cycles, m.reg.Snapshot()}
	p := m.phases
	p.done = append([]stats.Phase{}, p.done...)
	for _, r := range p.open {
		p.keep(r.name, r.mark, end)
	}
	return total, p.done
}

// snapshotPhases saves or loads the phases, and where statistics begin. Of what was
// counted, the counters are kept.
func (m *Machine) snapshotPhases(c *snapshot.Coder) {
	p, r := &m.phases, &m.reg
	counts := func(at **stats.Snapshot) {
		there := *at != nil
		c.Bool(&there)
		if !there || c.Err() != nil {
			return
		}
		list := make([]uint64, r.Counters())
		if !c.Loading() {
			list = (*at).Counts()
		}
		c.Words(list)
		if c.Loading() {
			*at = r.FromCounts(list)
		}
	}
	counts(&m.base)
	snapshot.Uint(c, &p.last.cycle, &p.lost)
	counts(&p.last.at)
	const maxName = 32
	for i := range c.Len(len(p.open), maxOpen) {
		if c.Loading() {
			p.open = append(p.open, region{})
		}
		o := &p.open[i]
		c.Text(&o.name, maxName)
		snapshot.Int(c, &o.depth)
		c.Bool(&o.point)
		snapshot.Uint(c, &o.cycle)
		if counts(&o.at); o.at == nil {
			c.Fail("a region without what was counted when it began")
			return
		}
	}
	for i := range c.Len(len(p.done), maxCounts/max(1, r.Counters())) {
		if c.Loading() {
			p.done = append(p.done, stats.Phase{})
		}
		d := &p.done[i]
		c.Text(&d.Name, maxName)
		snapshot.Uint(c, &d.Begin, &d.End)
		if counts(&d.Values); d.Values == nil {
			c.Fail("a phase without what was counted in it")
			return
		}
	}
}
