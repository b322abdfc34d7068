package replay

import (
	"fmt"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/core"
)

// agent replays on one hart. It implements coherence.Runner and core.OS.
type agent struct {
	id     int
	r      *Replay
	vm     *vm
	hart   *core.Hart
	driver *core.Driver
	caches *coherence.Private

	turns    turns     // the threads that have not ended
	cur      *thread   // whose turn it is
	ran      []*thread // that had a turn in the interval in progress
	space    *space    // of cur; nil for physical addresses
	turnEnd  uint64
	err      error
	still    int    // references since the clock came to stillAt
	stillAt  uint64 // cycle
	finish   uint64 // clock when it had nothing left to do
	switches uint64

	// What the serial phase is asked for.
	refill func()
	fault  func()
	other  func()
	va     uint64
	ref    core.Ref
}

func newAgent(r *Replay, id int, v *vm, h *core.Hart, p *coherence.Private) *agent {
	a := &agent{id: id, r: r, vm: v, hart: h, caches: p}
	a.driver = core.NewDriver(h, core.DriveConfig{
		OS: a, Oracle: r.oracle, EachFetch: r.cfg.EachFetch, WithRegions: len(r.cfg.Regions) > 0,
	})
	a.refill = func() { r.serve(a, func() { r.feed(a) }) }
	a.fault = func() { r.serve(a, func() { a.mapFault() }) }
	a.other = func() { r.serve(a, func() { a.doOther() }) }
	return a
}

// Clock implements coherence.Runner.
func (a *agent) Clock() uint64 { return a.hart.Clock() }

// WakeAt implements coherence.Runner.
func (a *agent) WakeAt(cycle uint64) { a.hart.WakeAt(cycle) }

// Instret implements coherence.Runner.
func (a *agent) Instret() uint64 { return a.hart.Instret() }

const forever = ^uint64(0)

// Run implements coherence.Runner.
func (a *agent) Run(end uint64) (asleep bool, wake uint64) {
	for !a.caches.Port.Interrupted() {
		now := a.Clock()
		if a.err != nil {
			return true, forever
		}
		if now >= end {
			return false, 0
		}
		t := a.choose(now)
		switch {
		case t == nil && a.turns.live == 0:
			a.leave()
			a.finish = a.Clock()
			return true, forever
		case t == nil:
			return true, end // the window is full of what others have to do
		case t.first() >= end:
			a.driver.Drain()
			return true, t.first()
		}
		if until := t.first(); until > now {
			a.driver.Drain() // nothing is left to wait in the store buffer
			if now = a.Clock(); until > now {
				a.driver.Pass(until - now)
			}
			continue
		}
		limit := end
		if a.turns.live > 1 {
			limit = min(end, a.turnEnd)
		}
		a.run(t, limit)
	}
	return false, 0
}

// run lets a thread work through the references that it has at hand.
func (a *agent) run(t *thread, limit uint64) {
	n, why := a.driver.Run(t.runs[0].refs[t.at:], limit)
	if n > 0 {
		// The last reference is still needed if it is in front of us.
		if why == core.StopOther {
			a.ref = t.runs[0].refs[t.at+n]
		}
		a.advance(t, n)
	} else if why == core.StopOther {
		a.ref = t.runs[0].refs[t.at]
	}
	a.move(n)
	switch why {
	case core.StopOther:
		a.caches.Service(a.other, a.Clock())
		a.move(1)
		a.advance(t, 1)
	case core.StopError:
		if a.err == nil {
			a.err = a.noMemory(t)
		}
	}
}

// mostAtOnce is how many references take no time at most, if they hit and the
// trace counts no instruction for them. No instruction makes as many; a trace
// that goes on so would keep the clock, and with it the other harts and every
// limit, where they are for ever.
const mostAtOnce = batchRefs

// move lets a cycle pass if n more references leave the clock where it was for
// too long.
func (a *agent) move(n int) {
	switch now := a.Clock(); {
	case now != a.stillAt:
		a.still, a.stillAt = 0, now
	case a.still+n < mostAtOnce:
		a.still += n
	default:
		a.driver.Pass(1)
	}
}

// noMemory is the error of a reference that has no memory.
func (a *agent) noMemory(t *thread) error {
	ref := &t.runs[0].refs[t.at]
	return fmt.Errorf("%s: thread %d: %w", t.src.name, t.id, a.r.noMemory(ref))
}

// noMemory says what helps where a physical address has no memory.
func (r *Replay) noMemory(ref *core.Ref) error {
	help := "a larger one: --set machine.memory=SIZE"
	what, size := ref.Op.String(), uint64(ref.Size)
	if ref.Op == core.RefOther {
		what, size = "DMA", uint64(ref.Work)
	}
	if last := ref.VA + size - 1; last >= r.ramEnd-r.memory+maxMemory {
		help = "no machine.memory reaches that far: leave such references out ('mcsim trace slice --address'), or, if the trace has virtual addresses too, do without --physical"
	}
	return fmt.Errorf("%s of %d bytes at physical address %#x: %w, which ends at %#x; %s",
		what, size, ref.VA, core.ErrNoMemory, r.ramEnd, help)
}

// advance takes n references off a thread's queue.
func (a *agent) advance(t *thread, n int) {
	if t.advance(n); t.empty() {
		a.turns.update(t, true)
	}
}

// choose finds the thread to run next: the present one until its time is up,
// then the others in turn. It returns nil if there is none, or all must wait.
func (a *agent) choose(now uint64) *thread {
	for {
		t := a.cur
		if t != nil && !t.empty() && (now < a.turnEnd && t.first() <= now || a.turns.live == 1) {
			return t
		}
		if len(a.turns.hungry) > 0 || a.turns.live == 0 {
			a.caches.Service(a.refill, now)
			if t != nil && !t.empty() && now < a.turnEnd {
				continue
			}
		}
		a.retire(now)
		if a.cur != nil && !a.cur.empty() {
			a.turns.put(a.cur)
		}
		next := a.turns.take(now)
		if next == nil {
			return nil
		}
		if next != a.cur {
			a.enter(next)
			now = a.Clock()
		}
		a.turnEnd = now + a.r.cfg.Slice
		if next.first() > now {
			return next
		}
	}
}

// retire lets threads go that have ended.
func (a *agent) retire(now uint64) {
	for _, t := range a.turns.gone {
		if t == a.cur {
			a.leave()
			now = a.Clock()
		}
		t.Stats.Finish = now
		a.turns.live--
	}
	a.turns.gone = a.turns.gone[:0]
}

// leave ends the present thread's turn.
func (a *agent) leave() {
	if t := a.cur; t != nil {
		a.driver.Drain()
		a.settle()
		t.version = a.driver.Version
		a.caches.DropReservation()
		a.cur = nil
		if !t.empty() { // it may have been given references while the hart waited
			a.turns.put(t)
		}
	}
}

// settle credits the present thread with what the hart counted since its turn
// began.
func (a *agent) settle() {
	if t := a.cur; t != nil {
		now := a.counted()
		t.Stats.add(&t.since, &now)
		t.span.add(&t.since, &now)
		t.since = now
	}
}

// note lists a thread among those that ran in the interval.
func (a *agent) note(t *thread) {
	if !t.listed {
		t.listed = true
		a.ran = append(a.ran, t)
	}
}

// enter begins a thread's turn.
func (a *agent) enter(t *thread) {
	if a.cur != nil {
		a.leave()
		a.switches++
		a.driver.Pass(a.r.cfg.SwitchCost)
	}
	a.cur = t
	t.since = a.counted()
	t.Stats.Turns++
	t.span.Turns++
	a.note(t)
	a.driver.Version = t.version
	a.ref = core.Ref{Op: core.RefOther, Region: otherSpace, VA: uint64(t.asid)}
	a.caches.Service(a.other, a.Clock())
}

// useSpace makes the present thread's address space the hart's.
func (a *agent) useSpace() {
	switch s := a.space; {
	case s == nil:
		a.driver.UseBare(a.vm.vmid)
	case s.pieces != nil:
		a.driver.UseSoft(a.vm.vmid)
	default:
		a.driver.UseTable(s.satp(), a.vm.vmid)
	}
}

// Fault implements core.OS.
func (a *agent) Fault(va uint64) bool {
	if a.space == nil {
		return false
	}
	a.va = va
	a.caches.Service(a.fault, a.Clock())
	return a.err == nil
}

// mapFault is Fault in the serial phase.
func (a *agent) mapFault() {
	if err := a.space.grow(a.va, a.r.maxLevels); err != nil {
		a.err = err
		return
	}
	if err := a.space.mapPage(a.va); err != nil {
		a.err = err
		return
	}
	if a.space.pieces == nil {
		a.useSpace() // the root may have moved
	}
}

// Canonical implements core.OS.
func (a *agent) Canonical(va uint64) (uint64, bool) {
	return a.vm.fold(va), true
}

// Physical implements core.OS.
func (a *agent) Physical(va uint64) (addr.PA, bool) { return a.space.find(va) }

// doOther does, in the serial phase, what a reference asks its agent for.
func (a *agent) doOther() {
	switch r := &a.ref; r.Region {
	case otherWarm:
		a.cur.warm = true
		a.turns.cold--
		a.r.checkWarm()
	case otherSpace:
		a.cur.asid = uint16(r.VA)
		if a.space, a.err = a.cur.space(); a.err == nil {
			a.useSpace()
		}
	case otherDMARead, otherDMAWrite:
		a.dma(r)
	}
}

// dma carries out an access by a device that stands among a thread's references.
func (a *agent) dma(ref *core.Ref) {
	a.driver.Version++
	ok, err := a.r.dma(ref, a.space, a.driver.Version, a.Clock())
	switch {
	case err != nil:
		a.err = err
	case !ok:
		a.err = a.noMemory(a.cur)
	default:
		a.driver.Stats.Ops[core.RefOther].Refs++
	}
}
