package device

import "mcsim/snapshot"

// What the devices drive (interrupt inputs, timers) is in the state of those
// whom they drive, which a checkpoint has as well: loading drives nothing anew.

// Snapshot saves or loads the ACLINT.
func (a *ACLINT) Snapshot(c *snapshot.Coder) {
	snapshot.Uint(c, &a.st.Offset, &a.wrap)
	c.Shape("harts", len(a.st.MSIP))
	for i := range a.st.MSIP {
		c.Bool(&a.st.MSIP[i])
	}
	c.Words(a.st.MTimeCmp)
}

// Snapshot saves or loads the PLIC. Sources that this PLIC lacks lose their bits.
func (p *PLIC) Snapshot(c *snapshot.Coder) {
	s := &p.st
	c.Shape("contexts", len(s.Contexts))
	snapshot.Uints(c, s.Priority[:])
	snapshot.Uints(c, s.Level[:])
	snapshot.Uints(c, s.Pending[:])
	snapshot.Uints(c, s.InService[:])
	snapshot.Uints(c, s.Heard[:])
	for i := range s.Contexts {
		k := &s.Contexts[i]
		snapshot.Uints(c, k.Enable[:])
		snapshot.Uint(c, &k.Threshold)
		c.Bool(&p.wires[i])
	}
	if !c.Loading() {
		return
	}
	for w, m := range p.mask {
		s.Level[w] &= m
		s.Pending[w] &= m
		s.InService[w] &= m
		s.Heard[w] &= p.pulsed[w]
		for i := range s.Contexts {
			s.Contexts[i].Enable[w] &= m
		}
	}
}

// Snapshot saves or loads the UART.
func (u *UART) Snapshot(c *snapshot.Coder) {
	s := &u.st
	snapshot.Uint(c, &s.IER, &s.FCR, &s.LCR, &s.MCR, &s.SCR, &s.DLL, &s.DLM, &s.MSR, &s.Shift)
	c.Bool(&s.Overrun, &s.THREPending, &s.Timeout, &s.Sending, &u.news)
	snapshot.Uint(c, &u.driven)
	snapshot.Uint(c, &s.SentAt, &s.LastRX)
	c.Buffer(&s.RX, uartFIFO)
	c.Buffer(&s.TX, uartFIFO)
	c.Buffer(&s.Received, uartInputLimit)
}

// Snapshot saves or loads the clock.
func (r *RTC) Snapshot(c *snapshot.Coder) {
	s := &r.st
	snapshot.Uint(c, &s.Offset, &s.Alarm)
	snapshot.Uint(c, &s.High, &s.AlarmHigh)
	c.Bool(&s.Armed, &s.Enabled, &s.Pending, &r.level)
}

// Snapshot does nothing: the finisher holds no state.
func (f *Finisher) Snapshot(*snapshot.Coder) {}

// Snapshot saves or loads the HTIF with its windows.
func (h *HTIF) Snapshot(c *snapshot.Coder) {
	s := &h.st
	c.Shape("windows", len(h.windows))
	for _, w := range h.windows {
		c.Bytes(w.Data)
	}
	snapshot.Uint(c, &s.Halves)
	snapshot.Uint(c, &s.Due)
	snapshot.Uint(c, &s.Reads)
	c.Buffer(&s.Received, htifInputLimit)
	n := c.Len(len(s.Replies), htifReplies)
	if c.Loading() {
		s.Replies = make([]uint64, n)
	}
	c.Words(s.Replies)
}
