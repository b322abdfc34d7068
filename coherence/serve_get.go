package coherence

import (
	"math/bits"
	"unsafe"
)

// getS serves a read: of data, or of instructions if the access is a fetch.
func (b *Bus) getS(r *Request, now uint64) {
	p, a, line := b.privs[r.Agent], r.access, r.Line
	if b.Notify != nil {
		b.Notify(Note{Cycle: now, What: NoteBus, Kind: GetS, Agent: r.Agent, Line: line, Value: b.asked})
	}
	fetch := classOf[a.Op] == classFetch
	if fetch && p.l2 == nil {
		b.getFetch(r, p, now)
		return
	}
	h := b.home
	e, victim := h.find(line)
	slot := p.room(line, now+b.behind)
	fresh := e < 0
	if fresh {
		e = h.entry(line, victim)
		h.claim(r, line, e, now+b.behind)
	}
	data, ready, from := b.gather(r, line, e, fresh, h.arrived(e, now))
	ev := b.cfg.Protocol.Alone
	if h.sharers[e]&^bit(r.Agent) != 0 {
		ev = b.cfg.Protocol.Others
	} else if b.monitors != 0 && b.watched(line, r.Agent) {
		ev = b.cfg.Protocol.Others
		b.Stats.ReservedShare++
	}
	st := b.moves[Invalid][ev].next
	if b.moves.answers(st) {
		h.owner[e] = int8(r.Agent)
	}
	b.granted(r, e, ready, st, from)
	p.outer.State[slot] = uint8(st)
	copyLine(p.outer.LineAt(slot), data, p.shift)
	switch {
	case fetch:
		p.performFetch(a, p.fillFetch(line, p.l2.LineAt(slot), now))
	case p.l2 != nil:
		p.perform(a, p.pull(line, slot))
	default:
		p.inI[slot] = false
		p.perform(a, slot)
	}
}

// granted makes the requester of a read one of the line's holders, in state st.
func (b *Bus) granted(r *Request, e int32, ready uint64, st State, from int32) {
	h := b.home
	h.sharers[e] |= bit(r.Agent)
	r.Done = b.transfer(ready)
	if from != Home { // the LLC's copy can be read by many at a time
		h.moves(e, r.Done)
	}
	if b.Notify != nil {
		b.Notify(Note{Cycle: r.Done, What: NoteFill, Agent: r.Agent, Line: r.Line, To: st, Source: from})
	}
}

// getFetch serves a read of instructions into an L1I that has no L2 behind it.
func (b *Bus) getFetch(r *Request, p *Private, now uint64) {
	a, line := r.access, r.Line
	if s := p.d.Lookup(line); s >= 0 { // its own L1D has it; the request only announces the L1I's victim
		p.performFetch(a, p.fillFetch(line, p.d.LineAt(s), now))
		r.Done = now
		return
	}
	h := b.home
	e, victim := h.find(line)
	fresh := e < 0
	if fresh {
		e = h.entry(line, victim)
		h.claim(r, line, e, now+b.behind)
	}
	now = h.arrived(e, now)
	data, ready, from := b.gather(r, line, e, fresh, now)
	b.granted(r, e, ready, Shared, from)
	p.performFetch(a, p.fillFetch(line, data, now+b.behind))
}

// gather brings the data of the line with filter entry e to the bus for a
// reader. An owner answers, else the home.
func (b *Bus) gather(r *Request, line uint64, e int32, fresh bool, now uint64) (data unsafe.Pointer, ready uint64, from int32) {
	h := b.home
	if fresh {
		return h.read(r, line, e, true, true, now)
	}
	h.tags.Touch(e)
	if o := int32(h.owner[e]); o != nobody && o != r.Agent {
		m, d := b.snoop(int(o), line, SnoopGetS, now)
		if !b.moves.answers(m.next) {
			h.owner[e] = nobody
		}
		if d == nil && !b.privs[o].fetchable(line) { // it dropped its clean copy in silence
			h.sharers[e] &^= bit(o)
		}
		now += b.cfg.Snoop
		if m.do&WriteBackHome != 0 {
			h.writeBack(r, line, e, d, now)
		}
		if m.do&SupplyData != 0 {
			b.Stats.CacheToCache++
			return d, now, o
		}
	} else if o == r.Agent { // so did the requester
		h.owner[e] = nobody
	}
	return h.read(r, line, e, false, true, now)
}

// getM serves a write to a line that the requester does not have.
func (b *Bus) getM(r *Request, now uint64) {
	p, a, line := b.privs[r.Agent], r.access, r.Line
	if b.refuses(r, now) {
		return
	}
	if b.Notify != nil {
		b.Notify(Note{Cycle: now, What: NoteBus, Kind: GetM, Agent: r.Agent, Line: line, Value: b.asked})
	}
	h := b.home
	e, victim := h.find(line)
	slot := p.room(line, now+b.behind)
	fresh := e < 0
	if fresh {
		e = h.entry(line, victim)
		h.claim(r, line, e, now+b.behind)
	} else {
		h.tags.Touch(e)
	}
	now = h.arrived(e, now)
	data, ready, from := b.takeAll(e, r, SnoopGetM, now)
	switch {
	case a.Op == OpZero: // the old bytes are of no use
		data, from = nil, NoSource
		if h.dram != nil {
			h.dram.zeroed(line)
		}
		if fresh && h.inclusive {
			clear(h.llc.LineData(e))
			h.llc.State[e] = llcDirty
		}
	case data == nil:
		data, ready, from = h.read(r, line, e, fresh, true, ready)
	}
	h.sharers[e], h.owner[e] = bit(r.Agent), int8(r.Agent)
	b.wrote(line, r.Agent, now)
	r.Done = ready
	st := b.moves[Invalid][FillModified].next
	p.outer.State[slot] = uint8(st)
	if data != nil {
		r.Done = b.transfer(ready)
		copyLine(p.outer.LineAt(slot), data, p.shift)
	}
	h.moves(e, r.Done)
	if b.Notify != nil {
		b.Notify(Note{Cycle: r.Done, What: NoteFill, Agent: r.Agent, Line: line, To: st, Source: from})
	}
	p.settle(a, line, slot, true)
}

// upgrade serves a write to a line that the requester has, or had until a
// request that was served before.
func (b *Bus) upgrade(r *Request, now uint64) {
	p, line := b.privs[r.Agent], r.Line
	slot := p.outer.Lookup(line)
	if slot < 0 {
		b.Stats.LostUpgrades++
		r.Kind = GetM
		b.getM(r, now)
		return
	}
	if b.refuses(r, now) {
		return
	}
	if b.Notify != nil {
		b.Notify(Note{Cycle: now, What: NoteBus, Kind: Upgrade, Agent: r.Agent, Line: line, Value: b.asked})
	}
	h := b.home
	e := h.tags.Lookup(line)
	h.tags.Touch(e)
	_, r.Done, _ = b.takeAll(e, r, SnoopUpgrade, h.arrived(e, now))
	h.moves(e, r.Done)
	h.sharers[e], h.owner[e] = h.sharers[e]|bit(r.Agent), int8(r.Agent)
	b.wrote(line, r.Agent, now)
	st := b.moves[p.outer.State[slot]][UpgradeAck].next
	if b.Notify != nil {
		b.Notify(Note{Cycle: r.Done, What: NoteFill, Agent: r.Agent, Line: line, To: st, Source: NoSource})
	}
	p.outer.State[slot] = uint8(st)
	p.settle(r.access, line, slot, false)
}

// refuses fails an SC whose reservation was lost while it waited for the bus.
func (b *Bus) refuses(r *Request, now uint64) bool {
	if r.access.Op != OpSC || b.privs[r.Agent].reserved == r.Line {
		return false
	}
	b.Stats.FailedSC++
	b.privs[r.Agent].d.Clock++ // it looked
	r.Done = now
	return true
}

// takeAll sends ev, after which no one but the requester has a copy, to all
// other holders. It returns the data if one supplied them.
func (b *Bus) takeAll(e int32, r *Request, ev Event, now uint64) (data unsafe.Pointer, ready uint64, from int32) {
	h, others := b.home, b.home.sharers[e]&^bit(r.Agent)
	from = NoSource
	for m := others; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		mv, d := b.snoop(i, r.Line, ev, now)
		if mv.do&SupplyData != 0 {
			b.Stats.CacheToCache++
			data, from = d, int32(i)
		}
	}
	h.sharers[e] &^= others
	if others != 0 {
		now += b.cfg.Snoop
	}
	return data, now, from
}
