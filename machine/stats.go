package machine

import (
	"fmt"
	"strings"

	"mcsim/coherence"
	"mcsim/stats"
)

// register names every counter of the machine. The order here is the order of
// all outputs.
func (m *Machine) register() {
	r := &m.reg
	r.Count("sim.instructions", stats.Instructions, "instructions retired by all harts", m.instructions)
	r.Counter("sim.cycles", stats.Cycles, "simulated time at the end of the run", &m.cycles)
	r.Gauge("sim.host_seconds", stats.Seconds, "host time that the run took", func() float64 { return m.host })
	r.Gauge("sim.mips", "MIPS", "million instructions per second of host time", func() float64 {
		if m.host == 0 {
			return 0
		}
		return float64(m.instructions()-m.resumed) / m.host / 1e6
	})
	r.Counter("sim.quanta", stats.Events, "quanta that passed", &m.engine.Quanta)
	r.Counter("sim.rounds", stats.Events, "serial phases in which the bus served requests", &m.engine.Rounds)
	for i := range m.harts {
		m.registerHart(fmt.Sprintf("harts[%d].", i), i)
	}
	m.registerBus()
	if m.replay != nil {
		m.replay.Register(r)
	}
	r.Freeze()
}

func (m *Machine) registerHart(at string, i int) {
	r, h, p := &m.reg, m.harts[i], m.bus.Private(i)
	r.Count(at+"instructions", stats.Instructions, "instructions retired", h.Instret)
	r.Count(at+"cycles", stats.Cycles, "the hart's clock", h.Clock)
	r.Quotient(at+"ipc", "per cycle", "instructions per cycle, sleep included", 1, at+"instructions", at+"cycles")
	s := h.Stats()
	r.Counter(at+"exceptions", stats.Events, "exceptions taken", &s.Exceptions)
	r.Counter(at+"interrupts", stats.Events, "interrupts taken", &s.Interrupts)
	r.Counter(at+"slept", stats.Cycles, "time waited in WFI and WRS", &s.Slept)
	r.Counter(at+"stores_buffered", stats.Events, "stores that waited in the store buffer", &s.Buffered)
	r.Counter(at+"fences", stats.Events, "translation fences executed", &s.Fences)

	level := func(name string, accesses *uint64, c *coherence.CacheStats) {
		r.Counter(at+name+".accesses", stats.Events, "accesses", accesses)
		r.Counter(at+name+".misses", stats.Events, "accesses that found no line", &c.Misses)
		r.Quotient(at+name+".miss_rate", stats.Ratio, "misses per access", 1, at+name+".misses", at+name+".accesses")
		r.Counter(at+name+".evictions", stats.Events, "lines that made room for others", &c.Evictions)
		r.Counter(at+name+".writebacks", stats.Events, "dirty lines written back", &c.Writebacks)
		r.Counter(at+name+".invalidations", stats.Events, "lines taken away by other agents", &c.Invalidations)
		r.Counter(at+name+".upgrades", stats.Events, "stores that found the line without the right to write", &c.Upgrades)
		r.Counter(at+name+".snoops", stats.Events, "snoops that found the line", &c.Snoops)
	}
	level("l1i", &p.L1I().Clock, &p.I)
	level("l1d", &p.L1D().Clock, &p.D)
	if p.L2() != nil {
		level("l2", &p.U.Accesses, &p.U)
	}
	r.Counter(at+"llc.accesses", stats.Events, "reads of the LLC for this hart", &p.Home.Accesses)
	r.Counter(at+"llc.misses", stats.Events, "of them that went to memory", &p.Home.Misses)
	r.Quotient(at+"llc.miss_rate", stats.Ratio, "misses per access", 1, at+"llc.misses", at+"llc.accesses")
	t := h.MMUStats()
	for _, x := range []struct {
		name, doc        string
		accesses, misses *uint64
	}{
		{"itlb", "translations of fetched lines", &t.ITLB.Accesses, &t.ITLB.Misses},
		{"dtlb", "translations of data accesses", &t.DTLB.Accesses, &t.DTLB.Misses},
		{"l2tlb", "look-ups after a first-level miss", &t.L2TLB.Accesses, &t.L2TLB.Misses},
	} {
		r.Counter(at+x.name+".accesses", stats.Events, x.doc, x.accesses)
		r.Counter(at+x.name+".misses", stats.Events, "of them without an entry", x.misses)
	}
	r.Counter(at+"walker.walks", stats.Events, "page-table walks", &t.Walks)
	r.Counter(at+"walker.accesses", stats.Events, "loads and updates of page-table entries, through the L1D", &p.Walk)
}

func (m *Machine) registerBus() {
	r, b := &m.reg, &m.bus.Stats
	for k := range coherence.Quantum {
		r.Counter("bus.transactions."+strings.ToLower(k.String()), stats.Events, "transactions of this kind", &b.Kinds[k])
	}
	r.Counter("bus.lost_upgrades", stats.Events, "upgrades whose line was taken first, and became GetM", &b.LostUpgrades)
	r.Counter("bus.failed_sc", stats.Events, "SCs whose reservation was gone when the bus came to them", &b.FailedSC)
	r.Counter("bus.snoops", stats.Events, "snoops sent to private caches", &b.Snoops)
	r.Counter("bus.cache_to_cache", stats.Events, "lines supplied by another private cache", &b.CacheToCache)
	r.Counter("bus.data_bytes", stats.Bytes, "moved over the data bus", &b.DataBytes)
	h := m.bus.Home()
	r.Counter("llc.accesses", stats.Events, "reads of the LLC", &h.Accesses)
	r.Counter("llc.misses", stats.Events, "of them that went to memory", &h.Misses)
	r.Quotient("llc.miss_rate", stats.Ratio, "misses per access", 1, "llc.misses", "llc.accesses")
	r.Counter("llc.writebacks", stats.Events, "dirty lines written to memory", &h.Writebacks)
	r.Counter("llc.evictions", stats.Events, "lines that made room for others", &h.Evictions)
	r.Counter("filter.evictions", stats.Events, "snoop filter entries with holders that made room", &h.FilterEvictions)
	r.Counter("filter.recalled", stats.Events, "private copies invalidated for that", &h.Recalled)
	d := &m.dram.Stats
	r.Counter("dram.reads", stats.Events, "lines read", &d.Reads)
	r.Counter("dram.writes", stats.Events, "lines written", &d.Writes)
	r.Counter("dram.row_hits", stats.Events, "accesses to an open row", &d.RowHits)
	r.Counter("dram.row_misses", stats.Events, "accesses that had to open a row", &d.RowMisses)
	r.Counter("dram.refreshes", stats.Events, "refreshes of a channel", &d.Refreshes)
	m.registerVirtio()
}

// ResetStats lets the statistics begin anew.
func (m *Machine) ResetStats() {
	m.syncStats()
	m.base = m.reg.Snapshot()
	if m.replay != nil {
		m.replay.ResetThreads()
	}
}

// Snapshot is what was counted since the beginning, or ResetStats.
func (m *Machine) Snapshot() *stats.Snapshot {
	m.syncStats()
	s := m.reg.Snapshot()
	if m.base != nil {
		s = s.Since(m.base)
	}
	if m.replay != nil {
		s = s.Join(m.replay.ThreadStats())
	}
	return s
}

// syncStats brings counters up to date that are computed late.
func (m *Machine) syncStats() {
	for _, h := range m.harts {
		h.SyncMMUStats()
	}
}
