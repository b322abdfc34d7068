package device

import "slices"

// This file is the serial side of the UART: characters on their way in and
// out, and the cycles that they take.

// transmit takes a character that was written to THR. One that finds the
// FIFO full is lost, as on the chip.
func (u *UART) transmit(now uint64, c uint8) {
	s := &u.st
	u.send(now)
	s.THREPending = false
	if len(s.TX) == u.depth() {
		return
	}
	s.TX = append(s.TX, c)
	if !s.Sending {
		u.shift(now)
		u.send(now)
	}
}

// send brings the transmitter up to now. A character follows the one before
// it without a gap, even if nobody looked in between.
func (u *UART) send(now uint64) {
	s := &u.st
	for s.Sending && now >= s.SentAt {
		s.Sending = false
		u.emit(s.SentAt, s.Shift)
		if len(s.TX) > 0 {
			u.shift(s.SentAt)
		}
	}
}

// shift starts to send the oldest character of the FIFO.
func (u *UART) shift(at uint64) {
	s := &u.st
	s.Sending, s.Shift, s.SentAt = true, s.TX[0], at+u.charCycles
	s.TX = slices.Delete(s.TX, 0, 1)
	if len(s.TX) == 0 {
		s.THREPending, u.news = true, true
	}
}

// Drain sends what is still in the transmitter, as fast as it goes: a guest that
// powers the machine off does not wait for its last characters, and a run that
// ends must not swallow them.
func (u *UART) Drain() {
	for u.st.Sending {
		u.send(u.st.SentAt)
	}
}

// emit puts out a character that was sent, or receives it in loopback.
func (u *UART) emit(at uint64, c uint8) {
	s := &u.st
	if s.MCR&mcrLoop == 0 {
		u.one[0] = c
		_, _ = u.out.Write(u.one[:]) // a guest does not notice a lost terminal
		return
	}
	if len(s.RX) == u.depth() {
		s.Overrun = true
		return
	}
	s.RX = append(s.RX, c)
	s.LastRX, u.news = at, true
}

// fill takes what the terminal typed into the FIFO, as far as there is room.
func (u *UART) fill(now uint64) {
	s := &u.st
	if s.MCR&mcrLoop != 0 { // the receiver is disconnected
		return
	}
	n := min(u.depth()-len(s.RX), len(s.Received))
	if n <= 0 {
		return
	}
	s.RX = append(s.RX, s.Received[:n]...)
	s.Received = slices.Delete(s.Received, 0, n)
	s.LastRX, u.news = now, true
}

// receive takes the oldest character from the FIFO, 0 if there is none.
func (u *UART) receive(now uint64) uint8 {
	s := &u.st
	if len(s.RX) == 0 {
		return 0
	}
	c := s.RX[0]
	s.RX = slices.Delete(s.RX, 0, 1)
	s.Timeout, s.LastRX, u.news = false, now, true
	return c
}

// timeoutAt returns the cycle at which characters that wait below the trigger
// level raise the time-out interrupt: four character times after the last one
// came or was read (section 8.11), or NoDeadline.
func (u *UART) timeoutAt() uint64 {
	if !u.fifo() || len(u.st.RX) == 0 || u.st.Timeout {
		return NoDeadline
	}
	return u.st.LastRX + 4*u.charCycles
}

// Deadline returns when the next character is out or the time-out is due.
func (u *UART) Deadline() uint64 {
	at := NoDeadline
	if u.st.IER&ierRDA != 0 {
		at = u.timeoutAt()
	}
	if u.st.Sending {
		at = min(at, u.st.SentAt)
	}
	return at
}

// Fire lets time pass up to now.
func (u *UART) Fire(now uint64) { u.update(now) }

// Listens says whether the guest wants an interrupt when something is typed.
func (u *UART) Listens() bool { return u.st.IER&ierRDA != 0 }
