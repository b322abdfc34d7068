package core

import "mcsim/snapshot"

// A program that jumps into nothing, or whose handler traps itself or returns to
// the instruction that traps without having mended anything, takes the same
// exception for ever. The hart counts exceptions that are alike: the same cause,
// instruction and mode, with nothing retired in between but what handlers execute.
// Where the trap value and the integer registers are the same too, nothing that
// the hart does will ever be different, and it is in a trap loop; other harts,
// devices and interrupts may still end that, which is for the machine to judge.

// Exception is a synchronous exception as it was taken.
type Exception struct {
	Cause, PC, Tval uint64
	Mode            Priv // in which it happened
}

// noCause is no exception's.
const noCause = ^uint64(0)

// trapLoop counts the exceptions in a row that are alike.
type trapLoop struct {
	limit  uint64 // where the machine is told; 0: never
	last   Exception
	before Exception  // the one before the first of them
	count  uint64     // of those with equal registers, after the first
	deep   uint64     // of those without a return in between, after the first
	x      [32]uint64 // the registers at the last one, where count is not 0
	open   uint64     // interrupts that could have been taken in between

	returned bool   // a handler has returned to the instruction since
	retired  uint64 // instructions retired by then
}

// TrapLoop is what a hart that traps over and over does.
type TrapLoop struct {
	Exception
	Before Exception // what it took before; Cause is ^0 if it took none
	Times  uint64    // in a row
	Same   bool      // with the same registers each time: a trap loop
	Vector uint64    // where its handler begins
	// Delegated says that the handler is S-mode's.
	Delegated bool
	Return    bool // the handler returns to the instruction

	// Interrupts are those, by the bits of mip, that could still be taken. Timer is
	// the cycle at which one is pending, by the hart's own timers if not before; ^0 if
	// none will be.
	Interrupts, Timer uint64
}

// SetTrapLoop has the hart tell (NoticeTraps) when it has taken n exceptions in a
// row that are alike; 0: never. It is to be called before the run.
func (h *Hart) SetTrapLoop(n uint64) {
	if h.loop.limit = n; n > 0 {
		h.loop.limit = max(n, 2) // all of one turn is seen by then
	}
}

// TrapLoop tells what the hart takes over and over. ok is false if it does nothing
// of the kind, or no longer.
func (h *Hart) TrapLoop() (t TrapLoop, ok bool) {
	l := &h.loop
	t = TrapLoop{Exception: l.last, Before: l.before, Times: max(l.count, l.deep) + 1, Same: l.count >= l.limit,
		Vector: h.csr.mtvec &^ 3, Return: l.deep == 0, Interrupts: l.open, Timer: ^uint64(0)}
	if t.Mode <= Supervisor && h.csr.medeleg>>t.Cause&1 != 0 {
		t.Vector, t.Delegated = h.csr.stvec&^3, true
	}
	if l.open&h.csr.mip != 0 {
		t.Timer = h.Clock()
	} else if l.open != 0 {
		t.Timer = min(h.nextTimer(), h.csr.counters.wake)
	}
	return t, l.limit != 0 && max(l.count, l.deep) >= l.limit
}

// countException counts the exception that raise recorded, before it is taken.
func (h *Hart) countException(pc uint64) {
	l, t := &h.loop, &h.trap
	e := Exception{t.cause, pc, t.tval, h.priv}
	if e.Cause != l.last.Cause || e.PC != l.last.PC || e.Mode != l.last.Mode || l.returned && h.instret != l.retired {
		l.before, l.last = l.last, e
		l.count, l.deep, l.open, l.returned = 0, 0, 0, false
		return
	}
	if l.deep++; l.returned {
		l.deep, l.returned = 0, false
	}
	x := (*[32]uint64)(h.x[:])
	if e.Tval == l.last.Tval && *x == l.x {
		l.count++
	} else {
		l.count, l.open = 0, 0
		l.x, l.last.Tval = *x, e.Tval
	}
}

// tellTraps tells of exceptions that are alike once they are as many as the machine
// wants to know of. It follows the last one's taking.
func (h *Hart) tellTraps() {
	if l := &h.loop; l.limit != 0 && (l.count == l.limit || l.deep == l.limit && l.count == 0) {
		h.tell(Notice{Kind: NoticeTraps})
	}
}

// countReturn takes note of a return from a handler to pc. One to anywhere but the
// instruction that trapped ends a row of exceptions, unless M-mode hands the trap on
// to S-mode's handler.
func (h *Hart) countReturn(to Priv, pc uint64) {
	l := &h.loop
	switch {
	case pc == l.last.PC:
		l.returned, l.retired = true, h.instret
		if h.executing {
			l.retired++ // mret or sret, unlike the firmware's return, retires next
		}
	case to == Supervisor && pc == h.csr.stvec&^3 && h.csr.sepc == l.last.PC:
	default:
		l.end()
	}
}

// end begins anew with the next exception.
func (l *trapLoop) end() { l.last.Cause, l.count, l.deep = noCause, 0, 0 }

func (l *trapLoop) snapshot(c *snapshot.Coder) {
	for _, e := range []*Exception{&l.last, &l.before} {
		snapshot.Uint(c, &e.Cause, &e.PC, &e.Tval)
		snapshot.Uint(c, &e.Mode)
	}
	snapshot.Uint(c, &l.count, &l.deep, &l.open, &l.retired)
	c.Words(l.x[:])
	c.Bool(&l.returned)
}
