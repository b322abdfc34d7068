package coherence

import (
	"unsafe"

	"mcsim/addr"
	"mcsim/cache"
)

// once serves an access that leaves no copy behind: an uncached access to RAM,
// or a fetch of an L1I that is not snooped. It sees and changes what the caches
// hold, as a coherent device's access would: memory attributes that disagree
// with the caches cost time, not data.
func (b *Bus) once(r *Request, now uint64) {
	p, a := b.privs[r.Agent], r.access
	if b.Notify != nil {
		b.Notify(Note{Cycle: now, What: NoteBus, Kind: r.Kind, Agent: r.Agent, Line: r.Line, Value: b.asked})
	}
	if r.Kind == WriteOnce && b.refuses(r, now) {
		return
	}
	if r.Kind == WriteOnce || a.Op == OpLR {
		// A reserved line must not stay writable elsewhere.
		now = b.recall(r, r.Line, now)
	}
	data, done := b.peek(r, r.Line, now)
	done = b.transfer(done)
	r.Done = done
	if !a.Uncached {
		p.performFetch(a, p.fillFetch(r.Line, first(data), done))
		return
	}
	off := int(uint64(a.PA) & (1<<(b.shift&63) - 1))
	if a.Op == OpFetch || a.Op == OpLoad || a.Op == OpWalk {
		a.Result = get(data[off:], a.Size)
		return
	}
	if a.Op == OpLR {
		b.monitors |= bit(r.Agent)
	}
	size := int(a.Size)
	if a.Op == OpZero {
		off, size = 0, 1<<(b.shift&63)
	}
	var line [cache.MaxLine]byte
	copy(line[:], data)
	switch a.Op {
	case OpZero:
		clear(line[:])
	case OpStore:
		put(line[off:], a.Size, a.Value)
	default:
		p.atomic(a, line[off:])
	}
	if r.Kind == WriteOnce {
		b.wrote(r.Line, r.Agent, now)
		r.Done = b.home.write(r, b.lineAddr(r.Line)+addr.PA(off), line[off:off+size], done)
		if b.oracle != nil {
			b.oracle.wrote(r.Line, line[:], off, size, r.Agent, now)
		}
	}
}

// peek returns the newest data of a line, of which nobody's state changes, and
// when they are there.
func (b *Bus) peek(r *Request, line, now uint64) (data []byte, done uint64) {
	h := b.home
	e := h.tags.Lookup(line)
	if e >= 0 && h.owner[e] != nobody {
		m, d := b.snoop(int(h.owner[e]), line, SnoopRead, now)
		now += b.cfg.Snoop
		if m.do&SupplyData != 0 {
			return h.slice(d), now
		}
	}
	p, done, _ := h.read(r, line, e, false, false, now)
	return h.slice(p), done
}

// recall takes a line from all private caches; the home has the newest data
// afterwards.
func (b *Bus) recall(r *Request, line, now uint64) uint64 {
	h := b.home
	e := h.tags.Lookup(line)
	if e < 0 || h.sharers[e] == 0 {
		return now
	}
	dirty := h.take(e, line, now)
	now += b.cfg.Snoop
	if dirty != nil {
		h.writeBack(r, line, e, dirty, b.transfer(now))
	}
	return now
}

// device serves an access to a device.
func (b *Bus) device(r *Request, now uint64) {
	a := r.access
	if b.Notify != nil {
		b.Notify(Note{Cycle: now, What: NoteBus, Kind: r.Kind, Agent: r.Agent, Line: r.Line, Value: b.asked})
	}
	r.Done = now + b.cfg.IO
	b.time = r.Cycle
	if b.Tap != nil {
		b.Tap.Accessing(r)
	}
	g := b.Map.Find(a.PA)
	off := uint64(a.PA) - uint64(g.Base)
	var ok bool
	if b.Map.Watched(a.PA) {
		ok = b.watchedAccess(r, g.Dev, off, now)
	} else if r.Kind == WriteIO {
		ok = g.Dev.Write(r.Cycle, off, int(a.Size), a.Value)
	} else {
		a.Result, ok = g.Dev.Read(r.Cycle, off, int(a.Size))
	}
	a.Fault = !ok
	if !ok && b.Tap != nil {
		b.Tap.Refused(r)
	}
	if b.Notify != nil && ok {
		v := a.Result
		if r.Kind == WriteIO {
			v = a.Value
		}
		b.Notify(Note{Cycle: now, What: NoteDevice, Kind: r.Kind, Agent: r.Agent, PA: a.PA, Size: a.Size, Value: v})
	}
	if len(b.timed) != 0 {
		b.Reschedule()
	}
}

// watchedAccess serves an access to words that the host watches: memory, so
// that atomics work, behind the interface of a device.
func (b *Bus) watchedAccess(r *Request, d Device, off, now uint64) (ok bool) {
	a, size := r.access, int(r.access.Size)
	switch {
	case a.Op == OpStore:
		ok = d.Write(r.Cycle, off, size, a.Value)
	case !isAtomic(a.Op):
		a.Result, ok = d.Read(r.Cycle, off, size)
		return ok
	case b.refuses(r, now):
		return true
	default:
		var word [8]byte
		var v uint64
		if v, ok = d.Read(r.Cycle, off, size); !ok {
			return false
		}
		put(word[:], a.Size, v)
		b.privs[r.Agent].atomic(a, word[:])
		if a.Op == OpLR {
			b.monitors |= bit(r.Agent)
			return true
		}
		ok = d.Write(r.Cycle, off, size, get(word[:], a.Size))
	}
	b.wrote(r.Line, r.Agent, now)
	return ok
}

// block serves a cache-block management operation. The point of coherence is
// memory: the LLC is a cache like the others, because a device that does not
// snoop reads and writes behind it.
func (b *Bus) block(r *Request, now uint64) {
	if b.Notify != nil {
		b.Notify(Note{Cycle: now, What: NoteBus, Kind: r.Kind, Agent: r.Agent, Line: r.Line, Value: b.asked})
	}
	h := b.home
	e := h.tags.Lookup(r.Line)
	var dirty unsafe.Pointer
	if r.Kind == Clean {
		if e >= 0 && h.owner[e] != nobody {
			m, d := b.snoop(int(h.owner[e]), r.Line, SnoopClean, now)
			now += b.cfg.Snoop
			if m.do&WriteBackHome != 0 {
				dirty = d
				now = b.transfer(now)
			}
			if !b.moves.answers(m.next) {
				h.owner[e] = nobody
			}
		}
		r.Done = h.clean(r, r.Line, dirty, now)
		return
	}
	if e >= 0 && h.sharers[e] != 0 {
		dirty = h.take(e, r.Line, now)
		now += b.cfg.Snoop
	}
	if r.Kind == Flush {
		if dirty != nil {
			now = b.transfer(now)
		}
		now = h.clean(r, r.Line, dirty, now)
	} else {
		b.wrote(r.Line, nobody, now) // the line's value may change
	}
	h.forget(r.Line)
	if b.oracle != nil && r.Kind == Inval {
		b.revert(r.Line, r.Agent, now)
	}
	r.Done = now
}

// DMARead reads RAM for a device: the newest data, wherever they are, without
// changing who holds them. It returns when the last of them has arrived, and
// ok false, having read nothing, if part of the range is not RAM.
func (b *Bus) DMARead(agent int, pa addr.PA, buf []byte, now uint64) (done uint64, ok bool) {
	if !b.dmaRange(pa, len(buf)) {
		return now, false
	}
	if b.Tap != nil {
		b.Tap.DMA(DMARead, pa, len(buf), now)
	}
	r := Request{Kind: DMARead, Agent: int32(agent), Cycle: now}
	b.by, b.asked = r.Agent, now
	done = now
	for len(buf) > 0 {
		r.Line = uint64(pa) >> (b.shift & 63)
		off := int(uint64(pa) & (1<<(b.shift&63) - 1))
		n := min(len(buf), 1<<(b.shift&63)-off)
		if b.Notify != nil {
			b.Notify(Note{Cycle: now, What: NoteBus, Kind: DMARead, Agent: r.Agent, Line: r.Line, Value: b.asked})
		}
		b.Stats.Kinds[DMARead]++
		data, at := b.peek(&r, r.Line, b.order.Take(now)+b.cfg.Arbitration)
		copy(buf[:n], data[off:])
		done = max(done, b.transfer(at))
		buf, pa = buf[n:], pa+addr.PA(n)
	}
	return done, true
}

// DMAWrite writes RAM for a device. All private copies are invalidated.
func (b *Bus) DMAWrite(agent int, pa addr.PA, buf []byte, now uint64) (done uint64, ok bool) {
	if !b.dmaRange(pa, len(buf)) {
		return now, false
	}
	if b.Tap != nil {
		b.Tap.DMA(DMAWrite, pa, len(buf), now)
	}
	r := Request{Kind: DMAWrite, Agent: int32(agent), Cycle: now}
	b.by, b.asked = r.Agent, now
	done = now
	for len(buf) > 0 {
		r.Line = uint64(pa) >> (b.shift & 63)
		n := min(len(buf), 1<<(b.shift&63)-int(uint64(pa)&(1<<(b.shift&63)-1)))
		if b.Notify != nil {
			b.Notify(Note{Cycle: now, What: NoteBus, Kind: DMAWrite, Agent: r.Agent, Line: r.Line, Value: b.asked})
		}
		b.Stats.Kinds[DMAWrite]++
		at := b.recall(&r, r.Line, b.order.Take(now)+b.cfg.Arbitration)
		b.wrote(r.Line, nobody, at)
		done = max(done, b.home.write(&r, pa, buf[:n], b.transfer(at)))
		if b.oracle != nil {
			b.oracleWrote(pa, buf[:n], at)
		}
		if b.cfg.Check {
			b.mustCheck(r.Line)
		}
		buf, pa = buf[n:], pa+addr.PA(n)
	}
	return done, true
}

func (b *Bus) dmaRange(pa addr.PA, n int) bool {
	return n == 0 || b.Map.Attr(pa, uint64(n)) == AttrRAM
}
