package coherence

import "unsafe"

// This file moves lines within one hart's caches, and in and out of them.

// settle carries out a write on a line in outermost slot o whose state permits
// stores. fresh: o was filled for this very access.
func (p *Private) settle(a *Access, line uint64, o int32, fresh bool) {
	s := o
	if p.l2 != nil {
		if s = p.d.Lookup(line); s < 0 {
			s, fresh = p.pull(line, o), true
		}
	}
	if !fresh {
		p.d.Touch(s)
	}
	if p.snoopI {
		p.dropFetch(line)
	}
	p.inI[s] = false
	if a.Op != OpPrefetchW {
		p.outer.State[o] = uint8(p.moves[p.outer.State[o]][Store].next)
		p.d.State[s] = uint8(Modified)
	}
	p.perform(a, s)
}

// pull copies the line in L2 slot o into the L1D and returns its slot there.
func (p *Private) pull(line uint64, o int32) int32 {
	s := p.d.Victim(line)
	if p.d.State[s] != 0 {
		p.D.Evictions++
		p.push(s)
		p.dropData(s)
	}
	st := Shared
	if p.moves[p.l2.State[o]][Store].do&Hit != 0 {
		st = Exclusive
	}
	p.d.Fill(s, line, uint8(st))
	p.inI[s] = false
	copyLine(p.d.LineAt(s), p.l2.LineAt(o), p.shift)
	return s
}

// push writes a Modified L1D slot to the L2 and leaves it Exclusive. The core
// still believes that it may write: tell it.
func (p *Private) push(s int32) {
	if State(p.d.State[s]) != Modified {
		return
	}
	o := p.l2.Lookup(p.d.Tags[s])
	copyLine(p.l2.LineAt(o), p.d.LineAt(s), p.shift)
	p.D.Writebacks++
	p.d.State[s] = uint8(Exclusive)
}

// upToDate is the data of L2 slot o, after what the L1D has newer.
func (p *Private) upToDate(line uint64, o int32) unsafe.Pointer {
	if s := p.d.Lookup(line); s >= 0 && State(p.d.State[s]) == Modified {
		p.push(s)
		p.core.DowngradeData(s)
	}
	return p.l2.LineAt(o)
}

// dropData empties L1D slot s.
func (p *Private) dropData(s int32) {
	p.core.DropData(s)
	p.d.Invalidate(s)
}

// dropFetch removes line from the L1I.
func (p *Private) dropFetch(line uint64) {
	if s := p.i.Lookup(line); s >= 0 {
		p.dropFetchAt(s)
	}
}

// dropFetchAt empties L1I slot s for someone else's sake.
func (p *Private) dropFetchAt(s int32) {
	p.core.DropFetch(s)
	p.i.Invalidate(s)
	p.I.Invalidations++
}

// fetchable says whether a snooped L1I has line.
func (p *Private) fetchable(line uint64) bool { return p.snoopI && p.i.Lookup(line) >= 0 }

// FenceI empties an L1I that is not snooped. One that is snooped is never
// stale.
func (p *Private) FenceI() {
	if p.snoopI {
		return
	}
	for s := range p.i.Valid() {
		p.core.DropFetch(s)
		p.i.Invalidate(s)
	}
}

// announcesFetch says whether filling line into the L1I takes a bus request,
// because the victim's leaving has to be announced.
func (p *Private) announcesFetch(line uint64) bool {
	if !p.bus.cfg.Announce || !p.snoopI || p.l2 != nil {
		return false
	}
	v := p.i.Victim(line)
	return p.i.State[v] != 0 && p.d.Lookup(p.i.Tags[v]) < 0
}

// fillFetch puts a line into the L1I and returns its slot. A Modified copy in
// the L1D must come to Do for its next store.
func (p *Private) fillFetch(line uint64, src unsafe.Pointer, now uint64) int32 {
	v := p.i.Victim(line)
	if p.i.State[v] != 0 {
		old, announce := p.i.Tags[v], p.announcesFetch(line)
		p.I.Evictions++
		p.core.DropFetch(v)
		p.i.Invalidate(v)
		if announce {
			p.bus.gone(p, old, now)
		}
	}
	p.i.Fill(v, line, uint8(Shared))
	copyLine(p.i.LineAt(v), src, p.shift)
	if p.snoopI && p.l2 == nil {
		if s := p.d.Lookup(line); s >= 0 && State(p.d.State[s]) == Modified {
			p.inI[s] = true
			p.core.DowngradeData(s)
		}
	}
	p.core.FilledFetch(v)
	return v
}

// room makes place for line in the outermost level and returns its slot, which
// holds the line from now on, but neither its data nor its final state. now is
// when a dirty victim's write-back, which waits in a buffer until the miss is on
// its way, uses the bus.
func (p *Private) room(line, now uint64) int32 {
	o := p.outer.Victim(line)
	if p.outer.State[o] != 0 {
		p.evict(o, now)
	}
	p.outer.Fill(o, line, uint8(Shared))
	return o
}

// evict gives up the line in outermost slot o, which the caller fills next.
func (p *Private) evict(o int32, now uint64) {
	line, st := p.outer.Tags[o], State(p.outer.State[o])
	if p.l2 != nil {
		p.evictL2(line)
	} else {
		p.D.Evictions++
		p.core.DropData(o)
	}
	if p.reserved == line {
		p.bus.monitors |= bit(p.id)
	}
	do := p.moves[st&7][Evict].do
	if p.bus.Notify != nil {
		p.bus.Notify(Note{Cycle: now, What: NoteEvict, Agent: p.id, Line: line, From: st})
	}
	switch {
	case do&PutDirty != 0:
		p.Outer().Writebacks++
		p.bus.putDirty(p, line, st, p.outer.LineAt(o), now)
	case do&PutClean != 0 && p.bus.cfg.Announce && !p.fetchable(line):
		p.bus.gone(p, line, now)
	}
}

// evictL2 takes a line that the L2 gives up from the L1s.
func (p *Private) evictL2(line uint64) {
	p.U.Evictions++
	if s := p.d.Lookup(line); s >= 0 {
		p.push(s)
		p.dropData(s)
	}
	if p.snoopI {
		p.dropFetch(line)
	}
}

// lacks says that the hart has no copy of line and has not reserved it: no snoop
// changes anything.
func (p *Private) lacks(line uint64) bool {
	return p.outer.Lookup(line) < 0 && p.reserved != line && (!p.snoopI || p.i.Lookup(line) < 0)
}

// snoop applies ev to the hart's copies of line. It returns the transition of
// the protocol state and, where there was a copy, the data, which stay valid
// until the next fill.
func (p *Private) snoop(line uint64, ev Event, now uint64) (m *move, data unsafe.Pointer) {
	fetched := int32(-1) // where the L1I has a copy that has to go
	takes := ev == SnoopGetM || ev == SnoopUpgrade || ev == SnoopInval
	if takes && p.snoopI {
		fetched = p.i.Lookup(line)
	}
	o := p.outer.Lookup(line)
	if fetched >= 0 {
		p.dropFetchAt(fetched)
	}
	if takes && p.reserved == line {
		p.loseTo(ev, now)
	}
	if o < 0 {
		return &p.moves[Invalid][ev], nil
	}
	st := State(p.outer.State[o])
	m = &p.moves[st][ev]
	if m.cannot {
		panic(&InvariantError{Line: line, What: "hart " + itoa(p.id) + ": " + ev.String() + " met " + st.String()})
	}
	p.Outer().Snoops++
	data = p.outer.LineAt(o)
	s := o
	if p.l2 != nil {
		if s = p.d.Lookup(line); s >= 0 {
			p.push(s)
		}
		p.l2.State[o] = uint8(m.next)
	}
	switch {
	case m.next == Invalid:
		p.Outer().Invalidations++
		if s >= 0 {
			if p.l2 != nil {
				p.D.Invalidations++
			}
			p.dropData(s)
		}
		p.outer.Invalidate(o)
	case s >= 0 && p.l2 == nil:
		p.d.State[s] = uint8(m.next)
		if st == Modified && m.next != Modified {
			p.core.DowngradeData(s)
		}
	case s >= 0:
		if p.moves[m.next][Store].do&Hit == 0 {
			p.d.State[s] = uint8(Shared)
		}
		p.core.DowngradeData(s)
	}
	if st != m.next {
		if p.bus.Notify != nil {
			p.bus.Notify(Note{Cycle: now, What: NoteSnoop, Agent: p.id, Line: line, From: st, To: m.next, Source: p.bus.by})
		}
	}
	return m, data
}

// Outer is the counters of the outermost private level, which the bus snoops:
// the L2, or the L1D without one.
func (p *Private) Outer() *CacheStats {
	if p.l2 != nil {
		return &p.U
	}
	return &p.D
}

// copyLine copies a line of 1<<shift bytes, fast if it is of the usual size. Lines
// are passed around by their first byte: a slice for each would be three words
// and several checks.
func copyLine(dst, src unsafe.Pointer, shift uint8) {
	if shift != 6 {
		copySlow(dst, src, shift)
		return
	}
	// In pieces that the compiler moves through a register each.
	d, s := (*[4][16]byte)(dst), (*[4][16]byte)(src)
	d[0] = s[0]
	d[1] = s[1]
	d[2] = s[2]
	d[3] = s[3]
}

func copySlow(dst, src unsafe.Pointer, shift uint8) {
	n := 1 << (shift & 63)
	copy(unsafe.Slice((*byte)(dst), n), unsafe.Slice((*byte)(src), n))
}

// first is the first byte of a line, nil of none.
func first(line []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(line)) }
