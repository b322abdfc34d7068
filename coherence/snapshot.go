package coherence

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"mcsim/cache"
	"mcsim/snapshot"
)

// Checkpoints save the bus in three parts, since a machine of another shape can
// take over some of them and not others: what was counted, what the caches hold,
// and who occupies what until when.

// latest bounds the cycles in a checkpoint: sums of a few never wrap around.
const latest = 1 << 60

// longest bounds a quantum in a checkpoint, in cycles. No limit ends a run within one.
const longest = 1 << 20

// SnapshotCounters saves or loads what was counted and numbered. It fits a
// machine of any cache shape.
func (b *Bus) SnapshotCounters(c *snapshot.Coder) {
	s, h := &b.Stats, &b.home.HomeStats
	snapshot.Uints(c, s.Kinds[:])
	snapshot.Uint(c, &s.LostUpgrades, &s.FailedSC, &s.Snoops, &s.CacheToCache, &s.DataBytes, &s.ReservedShare)
	snapshot.Uint(c, &h.Accesses, &h.Misses, &h.Writebacks, &h.Evictions, &h.FilterEvictions, &h.Recalled)
	snapshot.Uint(c, &b.home.drawn, &b.time)
	for _, p := range b.privs {
		for _, s := range []*CacheStats{&p.D, &p.I, &p.U} {
			snapshot.Uint(c, &s.Accesses, &s.Misses, &s.Evictions, &s.Writebacks, &s.Snoops, &s.Invalidations, &s.Upgrades)
		}
		// The L1s' clocks are counters that guests can read.
		snapshot.Uint(c, &p.Walk, &p.Home.Accesses, &p.Home.Misses, &p.Port.seq, &p.d.Clock, &p.i.Clock)
	}
}

// SnapshotCaches saves or loads what the private caches, the filter and the LLC
// hold. It fits a machine of the same shape and protocol only. What breaks a rule
// of coherence is refused; memory has to be loaded before.
func (b *Bus) SnapshotCaches(c *snapshot.Coder) {
	h := b.home
	for _, p := range b.privs {
		p.snapshot(c)
	}
	h.tags.Snapshot(c, llcDirty+1)
	if h.llc != nil && !h.inclusive {
		h.llc.Snapshot(c, llcDirty+1)
	}
	c.Words(h.sharers)
	for i := range h.owner {
		v := uint8(h.owner[i] + 1) // nobody is -1
		if h.tags.State[i] != 0 {
			snapshot.Uint(c, &v)
		}
		h.owner[i] = int8(v) - 1
	}
	snapshot.Uint(c, &b.monitors)
	b.snapshotStale(c)
	if c.Loading() && c.Err() == nil {
		b.checkLoaded(c)
	}
}

// snapshotStale saves or loads which lines were written behind the caches.
func (b *Bus) snapshotStale(c *snapshot.Coder) {
	const most = 1 << 26
	lines := slices.Sorted(maps.Keys(b.stale))
	n := c.Len(len(lines), most)
	for i := 0; i < n && c.Err() == nil; i++ {
		var line uint64
		if !c.Loading() {
			line = lines[i]
		}
		if snapshot.Uint(c, &line); c.Loading() {
			if b.stale == nil {
				b.stale = map[uint64]struct{}{}
			}
			b.stale[line] = struct{}{}
		}
	}
}

func (p *Private) snapshot(c *snapshot.Coder) {
	p.d.Snapshot(c, uint8(NumStates))
	p.i.Snapshot(c, uint8(NumStates))
	if p.l2 != nil {
		p.l2.Snapshot(c, uint8(NumStates))
	}
	flags := make([]byte, len(p.inI))
	for i, f := range p.inI {
		if f {
			flags[i] = 1
		}
	}
	c.Bytes(flags)
	for i := range p.inI {
		p.inI[i] = flags[i] != 0
	}
	snapshot.Uint(c, &p.reserved)
}

// checkLoaded refuses contents that the bus itself could never have left.
func (b *Bus) checkLoaded(c *snapshot.Coder) {
	harts := ^uint64(0) >> (64 - b.cfg.Harts)
	for i, m := range b.home.sharers {
		if m&^harts != 0 || int(b.home.owner[i]) >= b.cfg.Harts {
			c.Fail("filter entry %d names a hart that there is not", i)
			return
		}
	}
	if b.monitors&^harts != 0 {
		c.Fail("a reservation of a hart that there is not")
		return
	}
	for _, p := range b.privs {
		for _, s := range p.outer.State {
			if !b.cfg.Protocol.has(State(s)) {
				c.Fail("hart %d has a line in a state that %s has not", p.id, b.cfg.Protocol.Name)
				return
			}
		}
	}
	if err := b.Check(); err != nil {
		c.Fail("%w", err)
	}
}

// has says whether a line can ever be in state s.
func (p *Protocol) has(s State) bool {
	if s == Invalid {
		return true
	}
	for from := range NumStates {
		for e := range NumEvents {
			if cell := &p.Table[from][e]; from != s && !cell.Cannot() && cell.Next == s {
				return true
			}
		}
	}
	return false
}

// SnapshotTiming saves or loads the calendars, and when lines arrive. It fits a
// machine of the same shape only.
func (b *Bus) SnapshotTiming(c *snapshot.Coder) {
	b.order.snapshot(c)
	b.data.snapshot(c)
	if b.home.llc != nil {
		c.Shape("LLC banks", len(b.home.banks))
		b.home.banks[0].snapshot(c)
	}
	c.Words(b.home.moving)
	for i, at := range b.home.moving {
		if at > latest {
			c.Fail("filter entry %d: a line that arrives in cycle %d", i, at)
			return
		}
	}
}

// snapshot saves or loads all calendars that were made together.
func (cal *Calendar) snapshot(c *snapshot.Coder) {
	c.Shape("granules", int(cal.gran))
	words := make([]uint64, 2*len(cal.ring))
	for i, w := range cal.ring {
		words[2*i], words[2*i+1] = w.time, w.busy
	}
	c.Words(words)
	for i := range cal.ring {
		cal.ring[i] = calendarWord{words[2*i], words[2*i+1]}
	}
}

// SnapshotTiming saves or loads open rows and who occupies the DRAM. It fits a
// DRAM of the same shape only.
func (d *DRAM) SnapshotTiming(c *snapshot.Coder) {
	c.Shape("channels", d.cfg.Channels)
	c.Shape("banks", d.cfg.Banks)
	d.channels[0].data.snapshot(c)
	d.channels[0].banks[0].busy.snapshot(c)
	for i := range d.channels {
		ch := &d.channels[i]
		snapshot.Uint(c, &ch.epoch)
		for j := range ch.banks {
			k := &ch.banks[j]
			snapshot.Uint(c, &k.row, &k.epoch, &k.act)
			if k.act > latest {
				c.Fail("channel %d, bank %d: a row opened in cycle %d", i, j, k.act)
				return
			}
		}
	}
}

// SnapshotCounters saves or loads what was counted.
func (d *DRAM) SnapshotCounters(c *snapshot.Coder) {
	s := &d.Stats
	snapshot.Uint(c, &s.Reads, &s.Writes, &s.RowHits, &s.RowMisses, &s.Refreshes)
}

const pageBytes = 4096

var zeroPage [pageBytes]byte

// SnapshotMemory saves or loads the bytes of memory; pages of zeros are left out.
// It loads into memory that nobody has written yet.
func (d *DRAM) SnapshotMemory(c *snapshot.Coder) {
	for _, r := range d.others {
		c.Shape(fmt.Sprintf("KiB of memory at %#x", r.base), len(r.bytes)>>10)
		if c.Loading() {
			r.load(c)
		} else {
			r.save(c)
		}
	}
}

func (r *ramBytes) save(c *snapshot.Coder) {
	for at := 0; at < len(r.bytes); at += pageBytes {
		page := r.bytes[at : at+pageBytes]
		if !bytes.Equal(page, zeroPage[:]) {
			n := uint64(at/pageBytes + 1)
			snapshot.Uint(c, &n)
			c.Bytes(page)
		}
	}
	end := uint64(0)
	snapshot.Uint(c, &end)
}

func (r *ramBytes) load(c *snapshot.Coder) {
	for last := uint64(0); c.Err() == nil; {
		var n uint64
		snapshot.Uint(c, &n)
		if n == 0 {
			return
		}
		if n <= last || n > uint64(len(r.bytes)/pageBytes) {
			c.Fail("page %d after page %d, of %d", n, last, len(r.bytes)/pageBytes)
			return
		}
		last = n
		c.Bytes(r.bytes[(n-1)*pageBytes:][:pageBytes])
	}
}

// WriteBack makes memory as new as the caches, without time: for a machine that
// goes on with other caches. The bus is not to be used afterwards.
func (b *Bus) WriteBack(d *DRAM) {
	put := func(a *cache.Array, s int32) {
		copy(d.Bytes(lineAddr(a.Tags[s], b.shift), 1<<b.shift), a.LineData(s))
	}
	if l := b.home.llc; l != nil {
		for s := range l.Valid() {
			if l.State[s] == llcDirty {
				put(l, s)
			}
		}
	}
	for _, p := range b.privs {
		for s := range p.outer.Valid() {
			if b.cfg.Protocol.States[p.outer.State[s]].Dirty {
				put(p.outer, s)
			}
		}
		if p.l2 == nil {
			continue
		}
		for s := range p.d.Valid() {
			if State(p.d.State[s]) == Modified {
				put(p.d, s)
			}
		}
	}
}

// Snapshot saves or loads where the run stands. It is to be called when a quantum
// has ended, as in OnQuantum; the engine that loads it has not run yet, and its
// Run goes on from there; its agents are loaded before. Seed and quantum are the loading engine's own.
func (e *Engine) Snapshot(c *snapshot.Coder) {
	c.Shape("harts", len(e.agents))
	snapshot.Uint(c, &e.start, &e.end, &e.Rounds, &e.Quanta, &e.arbiter.round)
	if e.end > latest {
		c.Fail("cycle %d is beyond what can be simulated", e.end)
	}
	if c.Loading() && e.end-e.start > longest {
		c.Fail("a quantum from cycle %d to %d, which is longer than any", e.start, e.end)
	}
	for _, a := range e.agents {
		snapshot.Uint(c, &a.state)
		snapshot.Uint(c, &a.wakeAt)
		c.Bool(&a.isWoke)
		if c.Err() != nil {
			return
		}
		if a.state != agentAtEnd && a.state != agentAsleep {
			c.Fail("hart %d is in state %d, neither at the quantum's end nor asleep", a.id, a.state)
			return
		}
		if c.Loading() {
			a.clock = a.run.Clock()
			if a.isWoke {
				e.woken = append(e.woken, a)
			}
			e.checkTime(c, a)
		}
	}
	if c.Loading() {
		e.resumed = true
	}
}

// checkTime refuses an agent that would be behind the quantum that follows.
func (e *Engine) checkTime(c *snapshot.Coder, a *agent) {
	from, due := a.clock, e.end
	if a.state == agentAsleep {
		from, due = max(a.clock, a.wakeAt), e.start // one that was woken goes on within the quantum
	}
	if from < due {
		c.Fail("hart %d goes on at cycle %d, before the quantum from %d to %d", a.id, from, e.start, e.end)
	}
}
