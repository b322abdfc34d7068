package machine

import (
	"context"
	"math"
	"time"
)

// forever is a wait without an end of its own.
const forever = time.Duration(math.MaxInt64)

// paced says whether time that nobody uses passes as on the wall: by choice, or
// because there is a network, whose other end lives in that time. Otherwise it
// is skipped.
func (m *Machine) paced() bool { return m.cfg.Run.Realtime || m.net != nil }

// Idle time is waited for in pieces. A piece that takes longer than it should by more
// than stall does so because this process did not run, stopped by a signal or for want
// of a core; then the network in it did not run either, and what the guest waits for
// could not come. So no more of such a piece counts: a guest's timeouts of seconds do
// not pass while nobody could have answered.
const (
	piece = 10 * time.Millisecond
	stall = 20 * time.Millisecond
)

// pace waits as long as it takes from cycle from to cycle to, or until something
// comes from outside, and returns the cycle that it has become.
func (m *Machine) pace(ctx context.Context, from, to uint64) uint64 {
	hz := float64(m.cfg.Machine.Clock)
	wait := forever
	if s := float64(to-from) / hz * 1e9; s < float64(forever) {
		wait = time.Duration(s)
	}
	if d := m.opts.Debugger; d != nil {
		var cancel context.CancelFunc
		ctx, cancel = d.Until(ctx)
		defer cancel()
	}
	passed := time.Duration(0)
	for came := false; !came && passed < wait; {
		start := now()
		came = m.outside(ctx, min(piece, wait-passed))
		passed += min(now().Sub(start), piece+stall)
	}
	if passed < wait {
		to = min(to, from+uint64(passed.Seconds()*hz))
	}
	m.cycles = to
	m.takeIn()
	return to
}

// outside waits until something comes from outside; it returns false when the
// time is over first. What has come is left for takeIn.
func (m *Machine) outside(ctx context.Context, wait time.Duration) bool {
	if m.waiting() {
		return true
	}
	var timer <-chan time.Time
	if wait != forever {
		t := time.NewTimer(wait) //nolint:forbidigo // --realtime waits for the host's clock
		defer t.Stop()
		timer = t.C
	}
	var frames <-chan []byte
	if m.net != nil {
		frames = m.net.user.Arrived()
	}
	var pty *input
	if m.vconsole != nil {
		pty = m.vconsole.in
	}
	// Which of several ready cases is taken changes nothing: what comes from
	// outside has no order.
	select {
	case <-timer:
		return false
	case f := <-frames:
		m.net.came = append(m.net.came, f)
	case b, ok := <-m.input.comes():
		m.input.came(b, ok)
	case b, ok := <-pty.comes():
		pty.came(b, ok)
	case <-m.changes(): // deliver looks at the size itself
	case <-ctx.Done():
	}
	return true
}

// waiting says whether something has come already.
func (m *Machine) waiting() bool {
	return m.net != nil && len(m.net.came) > 0 ||
		m.vconsole != nil && m.vconsole.in.holds() || m.input.holds()
}

// takeIn hands the guest what has come from outside.
func (m *Machine) takeIn() {
	m.offerInput(context.Background(), false)
	if m.deliver(m.cycles) {
		m.bus.Reschedule()
	}
}
