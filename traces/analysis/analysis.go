package analysis

import (
	"math/bits"

	"mcsim/traces"
)

// Options shape an analysis. Zero fields take the defaults.
type Options struct {
	Line    uint64 // bytes, a power of two; 64
	Page    uint64 // bytes, a power of two; 4096
	Lines   int    // lines of data, and of code, that are kept before sampling; 1<<20
	Virtual bool   // take the virtual address where a reference has both
}

func (o *Options) fill() {
	if o.Line == 0 {
		o.Line = 64
	}
	if o.Page == 0 {
		o.Page = 4096
	}
	if o.Lines == 0 {
		o.Lines = 1 << 20
	}
}

const (
	maxThreads = 1 << 12 // more are counted as one
	maxPCs     = 1 << 16
	maxSpan    = 1 << 10 // lines of one reference; what lies beyond is not counted
	maxSizes   = 1 << 8
)

// threadStats is what one thread did.
type threadStats struct {
	id           uint32
	refs         uint64
	kinds        [traces.NumKinds]uint64
	instructions uint64
	cycle        uint64 // the last time stamp
	last         uint64 // address of the last data reference
	moved        bool   // there was one
}

// Analysis reads references and counts. It is not safe for concurrent use.
type Analysis struct {
	o         Options
	lineShift uint
	granule   uint // log2 of the bytes that one bit of a line's mask stands for

	refs       uint64
	kinds      [traces.NumKinds]uint64
	bytes      [2]uint64 // read, written
	sizes      map[uint32]uint64
	otherSizes uint64
	cut        uint64 // references longer than maxSpan lines
	has        traces.Fields
	hasAll     traces.Fields

	firstCycle, lastCycle uint64
	backwards             uint64 // time stamps less than the one before of their thread
	stamps                uint64

	data, code *lineTable
	pages      pageCounter
	strides    strides
	pcs        pcTable
	threads    []threadStats
	threadAt   map[uint32]int32
	lastThread int32
	mix        mixOverTime
}

// New returns an empty analysis. Line and page sizes must be powers of two.
func New(o Options) *Analysis {
	o.fill()
	a := &Analysis{
		o: o, lineShift: uint(bits.TrailingZeros64(o.Line)), sizes: map[uint32]uint64{},
		hasAll: ^traces.Fields(0), pcs: pcTable{limit: maxPCs, at: map[uint64]*pcStats{}}, threadAt: map[uint32]int32{},
	}
	a.granule = max(a.lineShift, 6) - 6
	a.data = newLineTable(o.Lines, a.lineShift)
	a.code = newLineTable(o.Lines, a.lineShift)
	a.pages = newPageCounter(o.Page)
	return a
}

// effect is what a kind does to the line that it names.
func effect(k traces.Kind) (reads, writes bool) {
	switch k {
	case traces.Load, traces.LR, traces.Walk, traces.DMARead:
		return true, false
	case traces.Store, traces.SC, traces.Zero, traces.DMAWrite:
		return false, true
	case traces.AMO:
		return true, true
	}
	return false, false
}

// Add counts references, in their order.
func (a *Analysis) Add(refs []traces.Ref) {
	for i := range refs {
		a.add(&refs[i])
	}
}

func (a *Analysis) add(r *traces.Ref) {
	kind := r.Kind
	if kind >= traces.NumKinds {
		return // no reader makes one
	}
	now := a.refs
	a.refs++
	a.kinds[kind]++
	a.has |= r.Has
	a.hasAll &= r.Has
	thread := a.thread(r.Thread)
	ts := &a.threads[thread]
	a.clock(r, ts)
	ts.refs++
	ts.kinds[kind]++
	ts.instructions += uint64(r.Instructions)

	reads, writes := effect(kind)
	a.mix.add(now, kind, reads, writes)
	if kind != traces.Fetch && !reads && !writes {
		return // fences, cache operations and hints move no data of the thread
	}
	a.size(r.Size)
	addr := r.PA
	if r.Has&traces.HasPA == 0 || a.o.Virtual && r.Has&traces.HasVA != 0 {
		addr = r.VA
	}
	if kind == traces.Fetch {
		a.spans(addr, r.Size, func(number, granules uint64) {
			if slot, _ := a.code.touch(number, now); slot >= 0 {
				l := &a.code.lines[slot]
				l.refs++
				l.touched |= granules
			}
			a.pages.touch(number<<a.lineShift, 0)
		})
		return
	}
	if reads {
		a.bytes[0] += uint64(r.Size)
	}
	if writes {
		a.bytes[1] += uint64(r.Size)
	}
	pc := a.stride(r, ts, addr, writes)
	a.spans(addr, r.Size, func(number, granules uint64) {
		a.touchData(number, granules, now, thread, writes, r, pc)
		a.pages.touch(number<<a.lineShift, 1)
	})
}

// touchData counts a touch of a line of data.
func (a *Analysis) touchData(number, granules, now uint64, thread int32, writes bool, r *traces.Ref, pc *pcStats) {
	slot, fresh := a.data.touch(number, now)
	if slot < 0 {
		return
	}
	l := &a.data.lines[slot]
	if fresh {
		l.thread = thread
	}
	s := l.shared
	if s == nil && l.thread != thread {
		s = l.share()
		a.data.extra++
	}
	if s != nil {
		moved, grown := s.touch(thread, granules, l.written, writes, r.PC, pc != nil)
		if moved && pc != nil {
			pc.moves += uint64(1) << a.data.rate
		}
		if grown {
			a.data.extra++
		}
	}
	l.refs++
	l.touched |= granules
	if writes {
		l.writes++
		l.written |= granules
	}
}

// spans calls f for each line that a reference touches, with its granules.
func (a *Analysis) spans(addr uint64, size uint32, f func(number, granules uint64)) {
	left := uint64(max(size, 1))
	if left > maxSpan<<a.lineShift {
		left = maxSpan << a.lineShift
		a.cut++
	}
	for left > 0 {
		off := addr & (a.o.Line - 1)
		n := min(left, a.o.Line-off)
		from, to := off>>a.granule, (off+n-1)>>a.granule
		f(addr>>a.lineShift, (^uint64(0)<<from)&(^uint64(0)>>(63-to)))
		addr += n // may wrap, as addresses do
		left -= n
	}
}

func (a *Analysis) stride(r *traces.Ref, ts *threadStats, addr uint64, writes bool) *pcStats {
	if r.Has&traces.HasPC == 0 {
		if ts.moved {
			a.strides.add(int64(addr - ts.last))
		}
		ts.last, ts.moved = addr, true
		return nil
	}
	p, fresh := a.pcs.get(r.PC)
	if !fresh {
		d := int64(addr - p.last)
		a.strides.add(d)
		p.stride.add(uint64(d))
	}
	p.last = addr
	if writes {
		p.writes++
	} else {
		p.reads++
	}
	return p
}

func (a *Analysis) size(size uint32) {
	if _, ok := a.sizes[size]; !ok && len(a.sizes) >= maxSizes {
		a.otherSizes++
		return
	}
	a.sizes[size]++
}

func (a *Analysis) clock(r *traces.Ref, ts *threadStats) {
	if r.Has&traces.HasCycle == 0 {
		return
	}
	if a.stamps == 0 {
		a.firstCycle = r.Cycle
	}
	a.stamps++
	if r.Cycle < ts.cycle {
		a.backwards++
	}
	ts.cycle = r.Cycle
	a.firstCycle = min(a.firstCycle, r.Cycle)
	a.lastCycle = max(a.lastCycle, r.Cycle)
}

// thread gives a thread its place in the tables.
func (a *Analysis) thread(id uint32) int32 {
	if len(a.threads) > 0 && a.threads[a.lastThread].id == id {
		return a.lastThread
	}
	at, ok := a.threadAt[id]
	if ok {
		a.lastThread = at
		return at
	}
	if len(a.threads) >= maxThreads {
		return maxThreads - 1
	}
	at = int32(len(a.threads))
	a.threads = append(a.threads, threadStats{id: id})
	a.threadAt[id] = at
	return at
}
