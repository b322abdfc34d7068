package sbi

import "mcsim/snapshot"

// Snapshot saves or loads what the firmware knows of its harts. Their own state,
// and so where each is in it, is the harts'.
func (f *Firmware) Snapshot(c *snapshot.Coder) {
	c.Shape("harts", len(f.harts))
	for _, h := range f.harts {
		snapshot.Uint(c, &h.state)
		c.Bool(&h.ipi, &h.start)
		snapshot.Uint(c, &h.entry, &h.arg)
		snapshot.Int(c, &h.acks)
		n := c.Len(len(h.fences), maxFences)
		if c.Loading() {
			h.fences = make([]fence, n)
		}
		for i := range h.fences {
			m := &h.fences[i]
			snapshot.Int(c, &m.from)
			c.Bool(&m.fetch, &m.hasASID)
			snapshot.Uint(c, &m.start, &m.pages, &m.asid)
			if m.from < 0 || m.from >= len(f.harts) {
				c.Fail("a fence asked for by hart %d", m.from)
				return
			}
		}
		h.pmu.state(c)
	}
}

// maxFences bounds the fences that wait for one hart: one from each other, which
// waits for it.
const maxFences = 2 * MaxHarts

func (p *pmu) state(c *snapshot.Coder) {
	snapshot.Uints(c, p.events[:])
	c.Words(p.values[:])
	snapshot.Uint(c, &p.running, &p.hardware)
}
