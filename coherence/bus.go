package coherence

import (
	"fmt"
	"math/bits"
	"strconv"
	"unsafe"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/hostmem"
)

// Bus orders the requests of all agents and carries each out whole. While it
// serves, it owns everything: the private caches, the home, memory and the
// devices. It has no goroutine and can be stepped one request at a time.
type Bus struct {
	Stats BusStats
	Map   Map
	// Notify hears every step, if not nil.
	Notify func(Note)
	// Tap hears what the serial phase does beside the harts' requests, if not nil.
	Tap Tap
	// Wake is told that a sleeping hart may have reason to go on, if not nil.
	Wake func(agent int, now uint64)

	cfg      Config
	shift    uint8
	moves    *moveTable
	privs    []*Private
	home     *home
	order    *Calendar // requests and snoops
	data     *Calendar // lines
	beats    uint64    // of a line on the data bus
	behind   uint64    // how long a victim waits in its buffer
	monitors uint64    // harts whose reserved line has left their caches
	timed    []Timed
	deadline uint64 // the earliest of the timed devices
	put      Request
	time     uint64
	plain    bool                // there is a plain way: see plain.go
	fast     bool                // no timing: see functional.go
	by       int32               // whose request is served, for notes
	asked    uint64              // its cycle
	stale    map[uint64]struct{} // lines written behind the caches; kept for the checks alone
	oracle   *Oracle
	devices  HomeShare // of agents that are no harts
}

// Now is the cycle of the device access or event in progress, or of the last
// one.
func (b *Bus) Now() uint64 { return b.time }

// New returns a bus with its private caches, empty, in front of mem.
func New(cfg Config, m Map, mem Memory) (*Bus, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Bus{
		Map: m, cfg: cfg, moves: compile(cfg.Protocol),
		shift:    uint8(bits.TrailingZeros(uint(cfg.L1D.Line))),
		order:    NewCalendar(1),
		beats:    uint64((cfg.L1D.Line + cfg.BusWidth - 1) / cfg.BusWidth),
		deadline: ^uint64(0),
	}
	b.data = NewCalendar(b.beats)
	b.behind = cfg.Arbitration + cfg.LLCHit + b.beats
	var err error
	if b.home, err = newHome(b, mem); err != nil {
		return nil, fmt.Errorf("home: %w", err)
	}
	b.plain = b.isPlain()
	for i := range cfg.Harts {
		p, err := b.newPrivate(int32(i))
		if err != nil {
			return nil, err
		}
		b.privs = append(b.privs, p)
	}
	for _, g := range m.Regions() {
		if t, ok := g.Dev.(TimedDevice); ok {
			b.timed = append(b.timed, t)
		}
	}
	b.Reschedule()
	return b, nil
}

func (b *Bus) newPrivate(id int32) (*Private, error) {
	c := &b.cfg
	p := &Private{
		Port: Port{bus: b}, moves: b.moves, core: noCore{}, bus: b, id: id, shift: b.shift,
		snoopI: !c.IncoherentL1I, hit: c.L1Hit, l2hit: c.L2Hit, reserved: cache.NoLine,
	}
	own := func(cc cache.Config, level uint64) cache.Config {
		cc.Seed += splitmix64(uint64(id)<<8 | level) // harts do not draw the same victims
		return cc
	}
	var err error
	if p.d, err = cache.New(own(c.L1D, 0)); err != nil {
		return nil, err
	}
	if p.i, err = cache.New(own(c.L1I, 1)); err != nil {
		return nil, err
	}
	p.outer = p.d
	if c.L2.Size != 0 {
		if p.l2, err = cache.NewIn(own(c.L2, 2), new(hostmem.Arena)); err != nil {
			return nil, err
		}
		p.outer = p.l2
	}
	p.inI = make([]bool, p.d.Slots())
	return p, nil
}

// Harts is the number of private caches.
func (b *Bus) Harts() int { return len(b.privs) }

// Private is hart i's caches.
func (b *Bus) Private(i int) *Private { return b.privs[i] }

// Home is the counters of the home node.
func (b *Bus) Home() *HomeStats { return &b.home.HomeStats }

// LineBytes is the size of a line.
func (b *Bus) LineBytes() int { return 1 << (b.shift & 63) }

// Serve carries out one request, or a Service. It must not be Quantum, Sleep or
// Halt.
func (b *Bus) Serve(r *Request) {
	if !b.servePlain(r) {
		b.serve(r)
	}
}

// serve is Serve for every request.
func (b *Bus) serve(r *Request) {
	b.by, b.asked = r.Agent, r.Cycle
	if b.Tap != nil {
		b.Tap.Serving(r)
	}
	if b.deadline <= r.Cycle {
		b.RunEvents(r.Cycle)
	}
	if r.Kind == Service {
		r.service()
		r.Done = r.Cycle
		return
	}
	now := r.Cycle
	if !b.fast {
		now = b.order.take(now, &b.order.usual) + b.cfg.Arbitration
	}
	switch r.Kind {
	case GetS:
		b.getS(r, now)
	case GetM:
		b.getM(r, now)
	case Upgrade:
		b.upgrade(r, now)
	case ReadOnce, WriteOnce:
		b.once(r, now)
	case ReadIO, WriteIO:
		b.device(r, now)
	case Clean, Flush, Inval:
		b.block(r, now)
	case Firmware:
		b.time = r.Cycle
		r.Done = max(now, r.act(now))
		if len(b.timed) != 0 {
			b.Reschedule()
		}
	default:
		panic(fmt.Sprintf("coherence: the bus was asked to serve %v", r.Kind))
	}
	b.Stats.Kinds[r.Kind]++
	if b.fast {
		r.Done = r.Cycle
	}
	if b.cfg.Check {
		b.mustCheck(r.Line)
	}
}

// mustCheck ends the run if line breaks an invariant.
func (b *Bus) mustCheck(line uint64) {
	if err := b.CheckLine(line); err != nil {
		panic(err)
	}
}

// share is where what the home does for an agent is counted.
func (b *Bus) share(agent int32) *HomeShare {
	if int(agent) < len(b.privs) {
		return &b.privs[agent].Home
	}
	return &b.devices
}

// snoop sends one hart a snoop.
func (b *Bus) snoop(hart int, line uint64, ev Event, now uint64) (*move, unsafe.Pointer) {
	b.Stats.Snoops++
	return b.privs[hart].snoop(line, ev, now)
}

// transfer charges a line on the data bus and returns when it has arrived.
func (b *Bus) transfer(now uint64) uint64 {
	b.Stats.DataBytes += 1 << (b.shift & 63)
	if b.fast {
		return now
	}
	return b.data.take(now, &b.data.usual) + b.beats
}

// RunEvents fires the timed devices whose deadline is at or before now, in the
// order of their deadlines, ties in the order of the map.
func (b *Bus) RunEvents(now uint64) {
	for b.deadline <= now {
		for _, d := range b.timed {
			if d.Deadline() == b.deadline {
				b.time = b.deadline
				d.Fire(b.deadline)
				break
			}
		}
		b.Reschedule()
	}
}

// AddTimed adds what acts on its own without being at an address. Of equal deadlines
// the devices' come first. It is called before the engine runs.
func (b *Bus) AddTimed(t Timed) {
	b.timed = append(b.timed, t)
	b.Reschedule()
}

// NextEvent is the earliest deadline of a timed device, ^0 if none has one.
func (b *Bus) NextEvent() uint64 { return b.deadline }

// Reschedule must be called when a device's deadline changed other than by a
// Write or Fire through the bus.
func (b *Bus) Reschedule() {
	b.deadline = ^uint64(0)
	for _, d := range b.timed {
		b.deadline = min(b.deadline, d.Deadline())
	}
}

// putDirty is a dirty line on its way from a hart to the home.
func (b *Bus) putDirty(p *Private, line uint64, st State, data unsafe.Pointer, now uint64) {
	kind := PutM
	if st == Owned {
		kind = PutO
	}
	r, e := b.leave(p, kind, line, p.fetchable(line), now)
	b.home.writeBack(r, line, e, data, b.transfer(now))
}

// gone tells the home that a hart's clean copy is gone.
func (b *Bus) gone(p *Private, line, now uint64) { b.leave(p, PutS, line, false, now) }

// leave takes a hart off a line's holders, unless its L1I has kept a copy. It
// returns the line's filter entry, or -1.
func (b *Bus) leave(p *Private, kind Kind, line uint64, kept bool, now uint64) (r *Request, e int32) {
	b.Stats.Kinds[kind]++
	if !b.fast {
		b.order.take(now, &b.order.usual)
	}
	if b.Notify != nil {
		b.Notify(Note{Cycle: now, What: NoteBus, Kind: kind, Agent: p.id, Line: line, Value: b.asked})
	}
	if e = b.home.tags.Lookup(line); e >= 0 {
		if !kept {
			b.home.sharers[e] &^= bit(p.id)
		}
		if b.home.owner[e] == int8(p.id) {
			b.home.owner[e] = nobody
		}
		if !b.home.inclusive && b.home.sharers[e] == 0 {
			b.home.tags.Invalidate(e) // else a line that is in use may be recalled for want of an entry
		}
	}
	r = &b.put
	r.Kind, r.Agent, r.Line, r.Cycle = kind, p.id, line, now
	r.Priv, r.VMID, r.Domain = p.req.Priv, p.req.VMID, p.req.Domain
	return r, e
}

// loseTo says that the hart's reserved line is taken out of its caches. If no
// one has written it, the bus watches it from now on.
func (p *Private) loseTo(ev Event, now uint64) {
	if ev == SnoopInval {
		p.bus.monitors |= bit(p.id)
		return
	}
	p.loseReservation(now)
}

func (p *Private) loseReservation(now uint64) {
	p.reserved = cache.NoLine
	if p.bus.Wake != nil {
		p.bus.Wake(int(p.id), now)
	}
}

// wrote tells the reservations that the bus watches of a write to line by agent
// by, or by a device (nobody).
func (b *Bus) wrote(line uint64, by int32, now uint64) {
	for m := b.monitors; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		p := b.privs[i]
		if p.reserved == line && int32(i) != by {
			p.loseReservation(now)
		}
		if p.reserved == cache.NoLine {
			b.monitors &^= 1 << i
		}
	}
}

// watched says whether an agent other than by has reserved line without having
// it in its caches: then nobody may get it Exclusive, for a silent store would
// not end the reservation.
func (b *Bus) watched(line uint64, by int32) bool {
	for m := b.monitors &^ bit(by); m != 0; m &= m - 1 {
		if b.privs[bits.TrailingZeros64(m)].reserved == line {
			return true
		}
	}
	return false
}

func (b *Bus) lineAddr(line uint64) addr.PA { return lineAddr(line, b.shift) }

func itoa(i int32) string { return strconv.Itoa(int(i)) }
