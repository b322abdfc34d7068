package coherence

import "unsafe"

// The plain way is that of nearly all misses: a load or a store whose line no
// other hart has, on a machine of the usual build that nobody watches. It does
// exactly what getS and getM do, and in their order; the rest of what they do has
// no part in it, and is not asked for on the way. TestPlain runs both beside each
// other.

// isPlain says whether the machine's build has a plain way: no L2, an inclusive LLC,
// nothing announced, DRAM right behind the LLC with no jitter, lines of 64 bytes.
func (b *Bus) isPlain() bool {
	c, h := &b.cfg, b.home
	return c.L2.Size == 0 && h.llc != nil && h.inclusive && !c.Announce && c.Jitter == 0 && h.dram != nil &&
		b.shift == 6 && !c.Check
}

// servePlain serves r in the plain way, and returns false, having done nothing,
// if that is not r's.
func (b *Bus) servePlain(r *Request) bool {
	if r.Kind > GetM || !b.plain || b.deadline <= r.Cycle || b.Notify != nil || b.Tap != nil ||
		b.monitors != 0 || b.fast || b.oracle != nil {
		return false
	}
	p, a, h, line := b.privs[r.Agent], r.access, b.home, r.Line
	if !plainOps[a.Op] {
		return false
	}
	t, me := h.tags, bit(p.id)
	e := t.Lookup(line)
	fresh := e < 0
	if fresh {
		e = t.Victim(line)
	} else if *h.sharersOf(e)&^me != 0 {
		return false
	}
	h.expect(e)
	b.Stats.Kinds[r.Kind]++
	now := b.order.take(r.Cycle, &b.order.usual) + b.cfg.Arbitration
	slot := p.roomPlain(line, now+b.behind)
	share := &p.Home
	h.Accesses++
	share.Accesses++
	from := h.llc.LineAt(e)
	if fresh {
		if t.State[e] != 0 {
			h.Evictions++
			h.free(r, e, now+b.behind)
		}
		t.Fill(e, line, llcClean)
		*h.sharersOf(e) = 0
		h.Misses++
		share.Misses++
	} else {
		t.Touch(e)
		if h.moving != nil {
			now = max(now, h.moving[e])
		}
	}
	bank := &h.banks[line&uint64(len(h.banks)-1)]
	now = bank.take(now, &bank.usual) + b.cfg.LLCHit
	if fresh {
		d := h.dram
		d.Stats.Reads++
		now = d.timed(lineAddr(line, 6), now, false)
		memory := d.at(lineAddr(line, 6))
		copyLine(from, memory, 6)
		from = memory
	}
	copyLine(p.d.LineAt(slot), from, 6)
	b.Stats.DataBytes += 64
	done := b.data.take(now, &b.data.usual) + b.beats
	r.Done = done
	if h.moving != nil && (fresh || r.Kind == GetM) {
		h.moving[e] = done
	}
	*h.sharersOf(e) |= me
	if r.Kind == GetM {
		h.owner[e] = int8(p.id)
		p.d.State[slot] = uint8(b.moves[Invalid][FillModified].next)
		p.settle(a, line, slot, true)
		return true
	}
	st := b.moves[Invalid][b.cfg.Protocol.Alone].next
	h.owner[e] = nobody
	if b.moves.answers(st) {
		h.owner[e] = int8(p.id)
	}
	p.d.State[slot] = uint8(st)
	p.inI[slot] = false
	p.carryOut(a, slot)
	return true
}

// plainOps are the accesses that can go the plain way.
var plainOps = [NumOps]bool{
	OpLoad: true, OpWalk: true, OpLR: true, OpStore: true, OpCAS: true,
	OpAMOSwap: true, OpAMOAdd: true, OpAMOXor: true, OpAMOAnd: true, OpAMOOr: true,
	OpAMOMin: true, OpAMOMax: true, OpAMOMinU: true, OpAMOMaxU: true, OpLoadWords: true, OpStoreWords: true,
}

// roomPlain is room without an L2 and announcements.
func (p *Private) roomPlain(line, now uint64) int32 {
	d := p.d
	s := d.Victim(line)
	if st := State(d.State[s]); st != Invalid {
		p.D.Evictions++
		p.core.DropData(s)
		old := d.LineOf(s)
		if p.reserved == old {
			p.bus.monitors |= bit(p.id)
		}
		if p.moves[st&7][Evict].do&PutDirty != 0 {
			p.D.Writebacks++
			p.bus.putDirty(p, old, st, d.LineAt(s), now)
		}
	}
	d.Fill(s, line, uint8(Shared))
	return s
}

func (h *home) sharersOf(e int32) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(h.sharers)), int(e)*8))
}

// expect warms what will be needed of entry e and its data: the requester's victim
// comes first, and takes long enough.
func (h *home) expect(e int32) {
	owner := unsafe.Add(unsafe.Pointer(unsafe.SliceData(h.owner)), e)
	data := owner
	if h.inclusive {
		data = h.llc.LineAt(e)
	}
	warm(data, unsafe.Pointer(h.sharersOf(e)), h.tags.TagAt(e), owner)
}
