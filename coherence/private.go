package coherence

import (
	"mcsim/addr"
	"mcsim/cache"
	"mcsim/hostmem"
)

// Core is a hart as its private caches see it. The calls come from the hart's
// own Do, or from the bus while the hart is parked.
type Core interface {
	DropData(slot int32)      // the L1D slot no longer holds its line
	DowngradeData(slot int32) // the L1D slot may no longer be written without Do
	DropFetch(slot int32)     // the L1I slot no longer holds its line
	FilledFetch(slot int32)   // the L1I slot holds a new line
}

type noCore struct{}

func (noCore) DropData(int32)      {}
func (noCore) DowngradeData(int32) {}
func (noCore) DropFetch(int32)     {}
func (noCore) FilledFetch(int32)   {}

// Private is one hart's caches: L1I, L1D and, if configured, an L2 that
// includes both. To the bus they are one agent. The outermost level that a line
// may be in (L2, or L1D without one) holds its protocol state; with an L2, the
// L1D's own states say:
//
//	Shared     readable; a store needs the L2's state first
//	Exclusive  as the L2's data; the L2's state permits stores
//	Modified   newer than the L2's data, whose state is Modified
//
// An L1I line is only ever Shared. Where the L1I is snooped, no line is in it
// and writable for a store that does not come to Do: a store drops the copy.
type Private struct {
	_ [64]byte // as cache.Array: harts run on different cores of the host

	Port Port
	D    CacheStats // L1D; its accesses are L1D().Clock
	I    CacheStats // L1I; its accesses are L1I().Clock
	U    CacheStats // L2
	Walk uint64     // accesses of the page-table walker, among the L1D's
	Home HomeShare  // of the home's counters

	d, i, l2 *cache.Array
	outer    *cache.Array // l2, or d without one
	inI      []bool       // without L2, per L1D slot: Modified, but the L1I has a copy too
	moves    *moveTable
	core     Core
	bus      *Bus
	id       int32
	shift    uint8
	snoopI   bool
	hit      uint64 // extra cycles of an L1 hit
	l2hit    uint64 // further cycles to the L2

	reserved uint64 // line of the LR/SC reservation, or cache.NoLine
	req      Request

	oracle     *Oracle // checks every access, if not nil
	now        uint64  // cycle of the access in progress, for it
	stale      []StaleRead
	staleCount uint64

	_ [64]byte
}

// classes of operations, by what they need.
type opClass uint8

const (
	classRead opClass = iota
	classWrite
	classFetch
	classBlock // cbo.clean, cbo.flush, cbo.inval
)

var classOf = [NumOps]opClass{
	OpLoad: classRead, OpLR: classRead, OpWalk: classRead, OpPrefetchR: classRead,
	OpStore: classWrite, OpSC: classWrite, OpCAS: classWrite, OpZero: classWrite, OpPrefetchW: classWrite,
	OpAMOSwap: classWrite, OpAMOAdd: classWrite, OpAMOXor: classWrite, OpAMOAnd: classWrite, OpAMOOr: classWrite,
	OpAMOMin: classWrite, OpAMOMax: classWrite, OpAMOMinU: classWrite, OpAMOMaxU: classWrite,
	OpFetch: classFetch, OpPrefetchI: classFetch,
	OpClean: classBlock, OpFlush: classBlock, OpInval: classBlock,
	OpLoadWords: classRead, OpStoreWords: classWrite,
}

// isAtomic says whether op is an LR, an SC or an AMO.
func isAtomic(op Op) bool { return op >= OpLR && op <= OpAMOMaxU }

func isPrefetch(op Op) bool { return op >= OpPrefetchR && op <= OpPrefetchI }

// SetCore tells who is to hear of lost lines. Before it, nobody is.
func (p *Private) SetCore(c Core) { p.core = c }

// SetContext sets on whose behalf the following requests are made.
func (p *Private) SetContext(priv uint8, vmid, domain uint16) {
	p.req.Priv, p.req.VMID, p.req.Domain = priv, vmid, domain
}

// L1D is the data cache's array.
func (p *Private) L1D() *cache.Array { return p.d }

// L1I is the instruction cache's array.
func (p *Private) L1I() *cache.Array { return p.i }

// L2 is the private second level's array, or nil.
func (p *Private) L2() *cache.Array { return p.l2 }

// Readable is the L1D slot that pa's line may be read from now, or -1.
func (p *Private) Readable(pa addr.PA) int32 { return p.d.Lookup(uint64(pa) >> (p.shift & 63)) }

// Writable is the L1D slot that pa's line may be written in now with nobody
// told, or -1.
func (p *Private) Writable(pa addr.PA) int32 {
	s := p.d.Lookup(uint64(pa) >> (p.shift & 63))
	if s >= 0 && p.ready(s) {
		return s
	}
	return -1
}

// ReadableAt says whether L1D slot s, which may be -1, is where pa's line may be
// read from now. It is for the slot of an Access that was just done.
func (p *Private) ReadableAt(s int32, pa addr.PA) bool {
	return s >= 0 && p.d.Tags[s] == uint64(pa)>>(p.shift&63)
}

// WritableAt is the same for writing with nobody told.
func (p *Private) WritableAt(s int32, pa addr.PA) bool { return p.ReadableAt(s, pa) && p.ready(s) }

// Ready says whether the line of L1D slot s, which may be read, may also be written
// with nobody told.
func (p *Private) Ready(s int32) bool { return p.ready(s) }

// Fetchable is the L1I slot that holds pa's line, or -1.
func (p *Private) Fetchable(pa addr.PA) int32 { return p.i.Lookup(uint64(pa) >> (p.shift & 63)) }

// Requests counts the hart's requests to the bus.
func (p *Private) Requests() *uint64 { return &p.Port.seq }

// StoreHits says whether a store to pa is carried out without the bus.
func (p *Private) StoreHits(pa addr.PA) bool {
	line := uint64(pa) >> (p.shift & 63)
	s := p.d.Lookup(line)
	if s >= 0 && p.ready(s) {
		return true
	}
	if p.l2 != nil {
		s = p.l2.Lookup(line)
	}
	return s >= 0 && p.moves[p.outer.State[s]][Store].do&Hit != 0
}

// Attr is what the machine has at [pa, pa+size).
func (p *Private) Attr(pa addr.PA, size uint64) Attr { return p.bus.Map.Attr(pa, size) }

// Atomics says whether LR, SC and AMOs work at pa: in memory they do, also in
// the words of it that the host watches.
func (p *Private) Atomics(pa addr.PA, size uint64) bool {
	attr := p.bus.Map.Attr(pa, size)
	return attr == AttrRAM || attr == AttrDevice && p.bus.Map.Watched(pa)
}

// Reserved says whether the hart holds a reservation.
func (p *Private) Reserved() bool { return p.reserved != cache.NoLine }

// ReserveAt reserves the line of L1D slot s, as an LR that hits it does.
func (p *Private) ReserveAt(s int32) { p.reserved = p.d.Tags[s] }

// ReservedAt says whether the line of L1D slot s is the reserved one.
func (p *Private) ReservedAt(s int32) bool { return p.reserved == p.d.Tags[s] }

// DropReservation gives the reservation up, as at a trap's return.
func (p *Private) DropReservation() { p.reserved = cache.NoLine }

func (p *Private) ready(s int32) bool { return State(p.d.State[s]) == Modified && !p.inI[s] }

// Do carries out one access that the hart makes at cycle now, and returns the
// cycle when its result is there. It parks on the bus if it must.
func (p *Private) Do(a *Access, now uint64) (done uint64) {
	a.Fault, a.OK, a.Slot = false, false, -1
	p.now = now
	if a.Uncached {
		return p.uncached(a, now)
	}
	if isPrefetch(a.Op) { // keeps nobody waiting
		p.do(a, now)
		return now + p.hit
	}
	return p.do(a, now)
}

// Load is Do for a load from RAM through the caches, as the caller knows.
func (p *Private) Load(a *Access, now uint64) (done uint64) {
	p.now = now
	line := uint64(a.PA) >> (p.shift & 63)
	if s := p.d.Lookup(line); s >= 0 {
		p.d.Touch(s)
		p.perform(a, s)
		return now + p.hit
	}
	return p.miss(a, line, now+p.hit)
}

// Expect says that a load from pa is on its way, for the host to begin with what it takes
// longest for if the caches do not have it.
func (p *Private) Expect(pa addr.PA) {
	if d := p.bus.home.dram; d != nil {
		b := d.glance(uint64(pa) >> (p.shift & 63))
		hostmem.Warm(b, b, b, b)
	}
}

// Store is Do for a store to RAM through the caches, as the caller knows.
func (p *Private) Store(a *Access, now uint64) (done uint64) {
	p.now = now
	return p.write(a, uint64(a.PA)>>(p.shift&63), now+p.hit)
}

// StoreAt is Store for L1D slot s, which Writable has just given.
func (p *Private) StoreAt(s int32, a *Access, now uint64) (done uint64) {
	p.now = now
	p.d.Touch(s)
	p.perform(a, s)
	return now + p.hit
}

func (p *Private) do(a *Access, now uint64) (done uint64) {
	line := uint64(a.PA) >> (p.shift & 63)
	switch classOf[a.Op] {
	case classRead:
		if s := p.d.Lookup(line); s >= 0 {
			p.d.Touch(s)
			p.perform(a, s)
			return now + p.hit
		}
		return p.read(a, line, now+p.hit)
	case classWrite:
		return p.write(a, line, now+p.hit)
	case classFetch:
		if s := p.i.Lookup(line); s >= 0 {
			p.i.Touch(s)
			p.performFetch(a, s)
			return now + p.hit
		}
		return p.fetch(a, line, now+p.hit)
	}
	kind := Clean
	switch a.Op {
	case OpFlush:
		kind = Flush
	case OpInval:
		kind = Inval
	}
	if p.absent(a) {
		return now + p.hit
	}
	return p.call(kind, a, line, now+p.hit)
}

// read is a read that missed the L1D.
func (p *Private) read(a *Access, line, now uint64) uint64 {
	if p.absent(a) {
		return now
	}
	return p.miss(a, line, now)
}

// miss is a read of RAM that missed the L1D.
func (p *Private) miss(a *Access, line, now uint64) uint64 {
	p.D.Misses++
	if p.l2 != nil {
		now += p.l2hit
		p.U.Accesses++
		if o := p.l2.Lookup(line); o >= 0 {
			p.l2.Touch(o)
			p.perform(a, p.pull(line, o))
			return now
		}
		p.U.Misses++
	}
	return p.call(GetS, a, line, now)
}

// write is any write: stores that hit a Modified line do not come here often,
// for the core does those itself.
func (p *Private) write(a *Access, line, now uint64) uint64 {
	if a.Op == OpSC && p.reserved != line {
		p.reserved = cache.NoLine
		return now
	}
	s := p.d.Lookup(line)
	if s >= 0 && p.ready(s) {
		p.d.Touch(s)
		p.perform(a, s)
		return now
	}
	if p.absent(a) {
		return now
	}
	o := s
	if p.l2 != nil {
		o = p.l2.Lookup(line)
	}
	if s < 0 {
		p.D.Misses++
		if p.l2 != nil {
			now += p.l2hit
			p.U.Accesses++
			if o < 0 {
				p.U.Misses++
			} else {
				p.l2.Touch(o)
			}
		}
	}
	if o < 0 {
		return p.call(GetM, a, line, now)
	}
	if p.moves[p.outer.State[o]][Store].do&Hit == 0 {
		p.Outer().Upgrades++
		return p.call(Upgrade, a, line, now)
	}
	p.settle(a, line, o, false)
	return now
}

// fetch is an instruction fetch that missed the L1I.
func (p *Private) fetch(a *Access, line, now uint64) uint64 {
	if p.absent(a) {
		return now
	}
	p.I.Misses++
	if p.l2 != nil {
		now += p.l2hit
		p.U.Accesses++
		if o := p.l2.Lookup(line); o >= 0 {
			p.l2.Touch(o)
			p.performFetch(a, p.fillFetch(line, p.upToDate(line, o), now))
			return now
		}
		p.U.Misses++
		return p.call(GetS, a, line, now)
	}
	if s := p.d.Lookup(line); s >= 0 && !p.announcesFetch(line) {
		p.performFetch(a, p.fillFetch(line, p.d.LineAt(s), now))
		return now
	}
	if !p.snoopI {
		return p.call(ReadOnce, a, line, now)
	}
	return p.call(GetS, a, line, now)
}

// absent says that a's address is no RAM: a fault, but for hints.
func (p *Private) absent(a *Access) bool {
	if p.bus.Map.Attr(a.PA, 1) == AttrRAM {
		return false
	}
	a.Fault = !isPrefetch(a.Op)
	return true
}

// call sends a request to the bus, which carries a out, if it is about an access.
func (p *Private) call(kind Kind, a *Access, line, now uint64) uint64 {
	p.bus.home.touch(line)
	r := &p.req
	r.Kind, r.Agent, r.Line, r.Cycle, r.access = kind, p.id, line, now, a
	p.Port.Call(r)
	if p.Port.alone != nil && a != nil && p.d.Lookup(line-1) >= 0 {
		p.bus.home.touch(line + 1)
		p.bus.home.foresee(line + 1)
	}
	return r.Done
}

// Service has the bus call f in its serial phase, in the order of its other
// requests, and returns when that is done. It takes no simulated time.
func (p *Private) Service(f func(), now uint64) {
	p.req.service = f
	p.call(Service, nil, 0, now)
	p.req.service = nil
}

// Serially has act called in the serial phase, in the order of simulated time
// among all requests of that phase: for M-mode firmware that the simulator
// supplies, and that touches other harts or devices. act gives the cycle when the
// hart has its result, which Serially returns.
func (p *Private) Serially(now uint64, act func(now uint64) (done uint64)) uint64 {
	p.req.act = act
	done := p.call(Firmware, nil, 0, now)
	p.req.act = nil
	return done
}

// uncached is an access past the caches, to a device or to RAM.
func (p *Private) uncached(a *Access, now uint64) uint64 {
	line := uint64(a.PA) >> (p.shift & 63)
	if isPrefetch(a.Op) {
		return now
	}
	write := classOf[a.Op] == classWrite
	kind := ReadOnce
	switch attr := p.bus.Map.Attr(a.PA, max(uint64(a.Size), 1)); {
	case classOf[a.Op] == classBlock:
		if attr != AttrRAM {
			a.Fault = attr == AttrNone
			return now
		}
		a.Uncached = false
		done := p.Do(a, now)
		a.Uncached = true
		return done
	case attr == AttrNone, attr == AttrDevice && a.Op != OpLoad && a.Op != OpStore && a.Op != OpFetch &&
		!(isAtomic(a.Op) && p.bus.Map.Watched(a.PA)):
		a.Fault = true
		return now
	case a.Op == OpSC && p.reserved != line:
		p.reserved = cache.NoLine
		return now
	case attr == AttrDevice && write:
		kind = WriteIO
	case attr == AttrDevice:
		kind = ReadIO
	case write:
		kind = WriteOnce
	}
	return p.call(kind, a, line, now)
}
