package coherence

import (
	"math/bits"
	"unsafe"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/hostmem"
)

// States of an LLC slot.
const (
	llcClean = 1 // as memory
	llcDirty = 2 // newer than memory
)

const nobody = -1

// bit is a hart's bit in a mask of sharers.
func bit(hart int32) uint64 { return 1 << (uint(hart) & 63) }

// home is the point where requests for a line end: the snoop filter, which
// knows the line's holders, the LLC if there is one, and memory behind it.
//
// With an inclusive LLC the filter lies beside its slots: tags and llc are the
// same array. Otherwise the filter is an array of its own, and the LLC is
// filled by misses and by dirty write-backs and evicts without asking anyone.
// In either case a private copy has a filter entry; taking the entry away
// recalls the copy.
type home struct {
	HomeStats
	bus       *Bus
	tags      *cache.Array
	sharers   []uint64 // by slot of tags: harts that may hold the line, a superset if clean lines leave silently
	owner     []int8   // by slot of tags: the sharer that answers readers (M, E, O, F), or nobody
	moving    []uint64 // by slot of tags: until when the line is on its way to its latest holder; nil with one hart
	llc       *cache.Array
	inclusive bool
	mem       Memory
	dram      *DRAM // mem, if it is one
	banks     []Calendar
	scratch   []byte // a line read from memory past the LLC
	moved     []byte // a line on its way to memory
	arena     *hostmem.Arena
	jitter    uint64
	drawn     uint64
}

func newHome(b *Bus, mem Memory) (*home, error) {
	c := &b.cfg
	h := &home{bus: b, mem: mem, arena: new(hostmem.Arena), inclusive: c.Inclusive, jitter: c.Jitter,
		scratch: make([]byte, c.L1D.Line), moved: make([]byte, c.L1D.Line)}
	h.dram, _ = mem.(*DRAM)
	var err error
	if c.LLC.Size != 0 {
		if h.llc, err = cache.NewIn(c.LLC, h.arena); err != nil {
			return nil, err
		}
		h.banks = newCalendars(c.LLCBanks, c.LLCBusy)
	}
	h.tags = h.llc
	if !h.inclusive {
		if h.tags, err = cache.NewIn(c.filterConfig(), h.arena); err != nil {
			return nil, err
		}
	}
	h.sharers = h.arena.Words(h.tags.Slots())
	if c.Harts > 1 {
		h.moving = h.arena.Words(h.tags.Slots())
	}
	owner := h.arena.Bytes(h.tags.Slots())
	h.owner = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(owner))), len(owner))
	for i := range h.owner {
		h.owner[i] = nobody
	}
	return h, nil
}

// claim makes filter entry s, its victim, that of a line that has none. In an
// inclusive LLC it holds no data yet.
func (h *home) claim(r *Request, line uint64, s int32, now uint64) {
	if h.tags.State[s] != 0 {
		h.Evictions++
		h.free(r, s, now)
	}
	h.tags.Fill(s, line, llcClean)
	h.sharers[s], h.owner[s] = 0, nobody
	h.moves(s, 0)
}

// arrived is when a request that reached the home at cycle now can be served: a
// line that is on its way to a holder has to get there first.
func (h *home) arrived(e int32, now uint64) uint64 {
	if h.moving == nil || h.bus.fast {
		return now
	}
	return max(now, h.moving[e])
}

// moves notes that the line of entry e is with its new holder at cycle done.
func (h *home) moves(e int32, done uint64) {
	if h.moving != nil {
		h.moving[e] = done
	}
}

// free takes the line of filter entry s away from its holders, and if the LLC is
// inclusive from there. The caller fills the entry next.
func (h *home) free(r *Request, s int32, now uint64) {
	line := h.tags.Tags[s]
	if h.sharers[s] != 0 {
		h.FilterEvictions++
		h.bus.Stats.Kinds[Recall]++
	}
	dirty := h.take(s, line, now)
	if !h.inclusive {
		if dirty != nil {
			h.writeBack(r, line, -1, dirty, now)
		}
		return
	}
	if dirty == nil && h.llc.State[s] == llcDirty {
		dirty = h.llc.LineAt(s)
	}
	if h.bus.Notify != nil {
		h.bus.Notify(Note{Cycle: now, What: NoteEvict, Agent: Home, Line: line})
	}
	if dirty != nil {
		h.toMemory(r, line, dirty, now)
	}
}

// take invalidates every holder's copy of filter entry s. It returns the data
// if one was dirty.
func (h *home) take(s int32, line, now uint64) (dirty unsafe.Pointer) {
	for m := h.sharers[s]; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if h.bus.privs[i].lacks(line) { // mostly: what was clean has left in silence
			h.bus.Stats.Snoops++
			continue
		}
		mv, data := h.bus.snoop(i, line, SnoopInval, now)
		if data != nil {
			h.Recalled++
		}
		if mv.do&WriteBackHome != 0 {
			dirty = data
		}
	}
	h.sharers[s], h.owner[s] = 0, nobody
	return dirty
}

// bank charges an access to the line's LLC bank and returns when it is over.
func (h *home) bank(line, now uint64) uint64 {
	if h.bus.fast {
		return now
	}
	bank := &h.banks[line&uint64(len(h.banks)-1)]
	return bank.take(now, &bank.usual) + h.bus.cfg.LLCHit
}

// touch brings what a request for line will need first into the host's caches,
// all at once instead of one after the other as it finds its way.
func (h *home) touch(line uint64) {
	row, stamps, last := h.tags.Glance(line)
	bytes := row
	if h.dram != nil {
		bytes = h.dram.glance(line)
	}
	hostmem.Warm(bytes, row, stamps, last)
}

// foresee is touch for what a request will need next, by the filter entry that line has
// or may get.
func (h *home) foresee(line uint64) {
	e := h.tags.Lookup(line)
	if e < 0 {
		e = h.tags.Victim(line)
	}
	h.expect(e)
}

// find is line's filter entry, or -1 and the entry that claim will make. It
// expects to need it.
func (h *home) find(line uint64) (e, victim int32) {
	e = h.tags.Lookup(line)
	if e >= 0 {
		h.expect(e)
		return e, -1
	}
	victim = h.tags.Victim(line)
	h.expect(victim)
	return e, victim
}

// expect warms entry e and its data: the requester's victim comes first, and takes
// long enough.
func (h *home) expect(e int32) {
	last := unsafe.Add(unsafe.Pointer(unsafe.SliceData(h.owner)), e)
	data := last
	if h.inclusive {
		data = h.llc.LineAt(e)
	}
	if h.moving != nil {
		last = unsafe.Add(unsafe.Pointer(unsafe.SliceData(h.moving)), int(e)*8)
	}
	hostmem.Warm(data, unsafe.Pointer(h.sharersOf(e)), h.tags.TagAt(e), last)
}

// entry is the filter entry for line to claim, once the requester's victim has
// left: that may have freed a better one than find chose.
func (h *home) entry(line uint64, victim int32) int32 {
	if h.inclusive {
		return victim
	}
	return h.tags.Victim(line)
}

// read returns the home's data of a line and when they are there. e is its
// filter entry, or -1, and fresh says that claim has just made it: then it is
// in no LLC, and an inclusive one has no data in its slot yet. keep says
// whether a miss fills the LLC. The data stay valid until the home is used
// again.
func (h *home) read(r *Request, line uint64, e int32, fresh, keep bool, now uint64) (data unsafe.Pointer, done uint64, from int32) {
	if h.llc == nil {
		data = first(h.scratch)
		return data, h.fromMemory(r, line, data, now), FromMemory
	}
	h.Accesses++
	share := h.bus.share(r.Agent)
	share.Accesses++
	now = h.bank(line, now)
	s := e
	switch {
	case h.inclusive && fresh:
		h.Misses++
		share.Misses++
		data = h.llc.LineAt(s)
		return data, h.fromMemory(r, line, data, now), FromMemory
	case !h.inclusive:
		if s = h.llc.Lookup(line); s >= 0 {
			h.llc.Touch(s)
		}
	}
	if s >= 0 {
		return h.llc.LineAt(s), now, Home
	}
	h.Misses++
	share.Misses++
	if !keep {
		data = first(h.scratch)
		return data, h.fromMemory(r, line, data, now), FromMemory
	}
	data = h.llc.LineAt(h.allocate(r, line, llcClean, now))
	return data, h.fromMemory(r, line, data, now), FromMemory
}

// allocate makes a slot in a non-inclusive LLC.
func (h *home) allocate(r *Request, line uint64, st uint8, now uint64) int32 {
	s := h.llc.Victim(line)
	if h.llc.State[s] != 0 {
		h.Evictions++
		if h.bus.Notify != nil {
			h.bus.Notify(Note{Cycle: now, What: NoteEvict, Agent: Home, Line: h.llc.Tags[s]})
		}
		if h.llc.State[s] == llcDirty {
			h.toMemory(r, h.llc.Tags[s], h.llc.LineAt(s), now)
		}
	}
	h.llc.Fill(s, line, st)
	return s
}

// writeBack takes a dirty line from a private cache. e is its filter entry, or -1.
func (h *home) writeBack(r *Request, line uint64, e int32, data unsafe.Pointer, now uint64) {
	if h.llc == nil {
		h.store(r, line, data, now)
		return
	}
	s := e
	if !h.inclusive {
		if s = h.llc.Lookup(line); s < 0 {
			s = h.allocate(r, line, llcDirty, now)
		}
	} else if s < 0 { // the LLC has just given the line up
		h.store(r, line, data, now)
		return
	}
	h.bank(line, now)
	h.llc.State[s] = llcDirty
	copyLine(h.llc.LineAt(s), data, h.bus.shift)
	if h.bus.Notify != nil {
		h.bus.Notify(Note{Cycle: now, What: NoteWriteBack, Agent: r.Agent, Line: line, Source: Home})
	}
}

// toMemory writes an LLC line to memory.
func (h *home) toMemory(r *Request, line uint64, data unsafe.Pointer, now uint64) {
	h.Writebacks++
	h.store(r, line, data, now)
}

func (h *home) store(r *Request, line uint64, data unsafe.Pointer, now uint64) uint64 {
	if h.bus.Notify != nil {
		h.bus.Notify(Note{Cycle: now, What: NoteWriteBack, Agent: r.Agent, Line: line, Source: FromMemory})
	}
	pa := lineAddr(line, h.bus.shift)
	if h.dram != nil {
		return h.dram.write(pa, data, now)
	}
	return h.mem.WriteLine(r, pa, h.slice(data), now)
}

func (h *home) fromMemory(r *Request, line uint64, dst unsafe.Pointer, now uint64) uint64 {
	pa := lineAddr(line, h.bus.shift)
	if h.dram != nil {
		now = h.dram.read(pa, dst, now)
	} else {
		now = h.mem.ReadLine(r, pa, h.slice(dst), now)
	}
	if h.jitter != 0 && !h.bus.fast {
		h.drawn++
		now += splitmix64(h.bus.cfg.Seed^splitmix64(h.drawn)) % (h.jitter + 1)
	}
	return now
}

// slice is the line that begins at p.
func (h *home) slice(p unsafe.Pointer) []byte {
	return unsafe.Slice((*byte)(p), 1<<(h.bus.shift&63))
}

// clean makes memory as new as the LLC and data, a private cache's dirty copy
// if not nil.
func (h *home) clean(r *Request, line uint64, data unsafe.Pointer, now uint64) uint64 {
	if h.llc != nil {
		if s := h.llc.Lookup(line); s >= 0 {
			if data != nil {
				copyLine(h.llc.LineAt(s), data, h.bus.shift)
			} else if h.llc.State[s] == llcDirty {
				data = h.llc.LineAt(s)
				h.Writebacks++
			}
			h.llc.State[s] = llcClean
		}
	}
	if data == nil {
		return now
	}
	return h.store(r, line, data, now)
}

// forget removes a line that no private cache holds from the filter and the
// LLC, without writing it back.
func (h *home) forget(line uint64) {
	if s := h.tags.Lookup(line); s >= 0 {
		h.tags.Invalidate(s)
	}
	if h.llc != nil && !h.inclusive {
		if s := h.llc.Lookup(line); s >= 0 {
			h.llc.Invalidate(s)
		}
	}
}

// write changes a part of a line that no private cache holds: in the LLC if it
// is there, else in memory.
func (h *home) write(r *Request, pa addr.PA, src []byte, now uint64) uint64 {
	line := uint64(pa) >> (h.bus.shift & 63)
	off := int(uint64(pa) & (1<<(h.bus.shift&63) - 1))
	if h.llc != nil {
		if s := h.llc.Lookup(line); s >= 0 {
			h.llc.State[s] = llcDirty
			copy(h.llc.LineData(s)[off:], src)
			return h.bank(line, now)
		}
	}
	if len(src) < len(h.moved) {
		now = h.mem.ReadLine(r, lineAddr(line, h.bus.shift), h.moved, now)
	}
	copy(h.moved[off:], src)
	return h.store(r, line, first(h.moved), now)
}

// LLCLines is the number of lines of [from, to) that the LLC holds.
func (b *Bus) LLCLines(from, to uint64) (n int) {
	if b.home.llc == nil {
		return 0
	}
	for _, t := range b.home.llc.Tags {
		if pa := t << b.shift; t != cache.NoLine && pa >= from && pa < to {
			n++
		}
	}
	return n
}
