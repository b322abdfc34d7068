package coherence

import "unsafe"

// The plain way is that of nearly all misses: a load, a store or a fetch that takes
// nothing from another hart, on a machine of the usual build that nobody watches. It does
// exactly what getS, getFetch and getM do, and in their order; the rest of what they do has
// no part in it, and is not asked for on the way. TestPlain runs both beside each
// other.

// isPlain says whether the machine's build has a plain way: no L2, and an inclusive
// LLC with DRAM right behind it.
func (b *Bus) isPlain() bool {
	h := b.home
	return b.cfg.L2.Size == 0 && h.inclusive && h.dram != nil && h.jitter == 0
}

// plainOps are the accesses that can go the plain way.
var plainOps = [NumOps]bool{
	OpLoad: true, OpWalk: true, OpLR: true, OpStore: true, OpCAS: true,
	OpAMOSwap: true, OpAMOAdd: true, OpAMOXor: true, OpAMOAnd: true, OpAMOOr: true,
	OpAMOMin: true, OpAMOMax: true, OpAMOMinU: true, OpAMOMaxU: true, OpLoadWords: true, OpStoreWords: true, OpFetch: true, OpZero: true,
}

// servePlain serves r in the plain way, and returns false, having done nothing,
// if that is not r's.
func (b *Bus) servePlain(r *Request) bool {
	if r.Kind > GetM || !b.plain || b.deadline <= r.Cycle || b.Notify != nil || b.Tap != nil || b.monitors != 0 {
		return false
	}
	a, h, line := r.access, b.home, r.Line
	if !plainOps[a.Op] {
		return false
	}
	t, me, p := h.tags, bit(r.Agent), b.privs[r.Agent]
	fetch := a.Op == OpFetch
	if fetch && (r.Kind != GetS || p.d.Lookup(line) >= 0) {
		return false
	}
	e, ev := t.Lookup(line), b.cfg.Protocol.Alone
	fresh := e < 0
	if fresh {
		e = t.Victim(line)
	} else if *h.sharersOf(e)&^me != 0 {
		if o := int32(h.owner[e]); r.Kind == GetM || o != nobody && o != r.Agent {
			return false
		}
		ev = b.cfg.Protocol.Others
	}
	h.expect(e)
	b.Stats.Kinds[r.Kind]++
	now := r.Cycle
	if !b.fast {
		now = b.order.take(now, &b.order.usual) + b.cfg.Arbitration
	}
	slot := int32(-1)
	if !fetch {
		slot = p.d.Victim(line)
		if p.d.State[slot] != 0 {
			p.evict(slot, now+b.behind)
		}
		p.d.Fill(slot, line, uint8(Shared))
	}
	if fresh {
		if t.State[e] != 0 {
			h.Evictions++
			h.free(r, e, now+b.behind)
		}
		t.Fill(e, line, llcClean)
		*h.sharersOf(e) = 0
	} else {
		t.Touch(e)
		now = h.arrived(e, now)
	}
	if a.Op == OpZero {
		b.zeroPlain(r, p, e, slot, fresh, now)
		return true
	}
	begun := now
	h.Accesses++
	p.Home.Accesses++
	if fresh {
		h.Misses++
		p.Home.Misses++
	}
	if !b.fast {
		bank := &h.banks[line&uint64(len(h.banks)-1)]
		now = bank.take(now, &bank.usual) + b.cfg.LLCHit
	}
	data := h.llc.LineAt(e)
	if fresh {
		var memory unsafe.Pointer
		memory, now = h.dram.fetch(line, now)
		copyLine(data, memory, b.shift)
		data = memory
	}
	if !fetch {
		copyLine(p.d.LineAt(slot), data, b.shift)
	}
	b.Stats.DataBytes += 1 << (b.shift & 63)
	if !b.fast {
		now = b.data.take(now, &b.data.usual) + b.beats
	}
	r.Done = now
	if fresh || r.Kind == GetM { // else the LLC's copy can be read by many at a time
		h.moves(e, now)
	}
	*h.sharersOf(e) |= me
	if fetch {
		if h.owner[e] == int8(r.Agent) || fresh { // it has dropped its own copy in silence
			h.owner[e] = nobody
		}
		p.performFetch(a, p.fillFetch(line, data, begun+b.behind))
	} else {
		b.grantPlain(r, p, ev, e, slot)
	}
	if b.cfg.Check {
		b.mustCheck(line)
	}
	return true
}

// zeroPlain ends what servePlain does for cbo.zero: the old bytes are of no use.
func (b *Bus) zeroPlain(r *Request, p *Private, e, slot int32, fresh bool, now uint64) {
	h := b.home
	h.dram.zeroed(r.Line)
	if fresh {
		clear(h.llc.LineData(e))
		h.llc.State[e] = llcDirty
	}
	*h.sharersOf(e) |= bit(r.Agent)
	r.Done = now
	h.moves(e, now)
	b.grantPlain(r, p, 0, e, slot)
	if b.cfg.Check {
		b.mustCheck(r.Line)
	}
}

// grantPlain ends what servePlain does for data: the requester has the line, in slot.
func (b *Bus) grantPlain(r *Request, p *Private, ev Event, e, slot int32) {
	h := b.home
	if r.Kind == GetM {
		h.owner[e] = int8(r.Agent)
		p.d.State[slot] = uint8(b.moves[Invalid][FillModified].next)
		p.settle(r.access, r.Line, slot, true)
		return
	}
	st := b.moves[Invalid][ev&15].next
	h.owner[e] = nobody
	if b.moves.answers(st & 7) {
		h.owner[e] = int8(r.Agent)
	}
	p.d.State[slot] = uint8(st)
	p.inI[slot] = false
	p.perform(r.access, slot)
}

func (h *home) sharersOf(e int32) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(h.sharers)), int(e)*8))
}
