package device

import (
	"io"
	"math/bits"
)

// UARTSize is the size of the UART's registers; it decodes no more.
const UARTSize = 8

// Registers of the NS16550A by offset (PC16550D data sheet, section 8).
const (
	uartRBR = 0 // read; THR when written; DLL if DLAB
	uartIER = 1 // DLM if DLAB
	uartIIR = 2 // read; FCR when written
	uartLCR = 3
	uartMCR = 4
	uartLSR = 5
	uartMSR = 6
	uartSCR = 7
)

// Bits of the registers.
const (
	ierRDA, ierTHRE, ierRLS, ierMSI = 1, 2, 4, 8

	iirNone, iirRLS, iirRDA, iirTimeout, iirTHRE, iirMSI = 0x1, 0x6, 0x4, 0xc, 0x2, 0x0
	iirFIFO                                              = 0xc0

	fcrEnable, fcrClearRX, fcrClearTX = 1, 2, 4
	fcrKeep                           = 0xc9 // trigger level, DMA mode, enable

	lcrDLAB = 0x80

	mcrLoop, mcrKeep = 0x10, 0x1f

	lsrDR, lsrOE, lsrTHRE, lsrTEMT = 0x01, 0x02, 0x20, 0x40

	msrCTS, msrDSR, msrRI, msrDCD = 0x10, 0x20, 0x40, 0x80
	msrTERI                       = 0x04
	msrPlugged                    = msrCTS | msrDSR | msrDCD // a terminal is connected
)

const (
	uartFIFO       = 16
	uartInputLimit = 64 << 10
)

// UARTState is all that a UART remembers.
type UARTState struct {
	IER, FCR, LCR, MCR, SCR, DLL, DLM uint8

	Overrun     bool  // LSR bit 1
	MSR         uint8 // lines in bits 7:4, their changes in bits 3:0
	THREPending bool  // the transmitter asks for its interrupt
	Timeout     bool  // characters have waited for 4 character times

	RX       []byte // receive FIFO, the oldest first; at most 16, or 1 without FIFOs
	TX       []byte // transmit FIFO
	Sending  bool   // a character is in the shift register
	Shift    uint8
	SentAt   uint64 // cycle at which it is out
	LastRX   uint64 // cycle of the last character that came in or was read
	Received []byte // what the terminal typed ahead of the receive FIFO
}

// UART is an NS16550A. Whatever the terminal sends waits until the receive
// FIFO has room, so only loopback can overrun it. The baud rate, parity and
// word length are kept and have no effect: a character takes charCycles.
type UART struct {
	st         UARTState
	charCycles uint64
	out        io.Writer
	irq        Line
	driven     uint8   // the causes that irq was last driven for
	news       bool    // a character came or went since
	one        [1]byte // what out.Write gets
}

// NewUART returns a UART after reset that prints to out. It drives irq anew whenever
// anything about its interrupt changes, also where the level stays. charCycles is how
// long a character takes in the shift register; with 0 it is out at once.
func NewUART(charCycles uint64, out io.Writer, irq Line) *UART {
	// Beyond this, cycle arithmetic could overflow in a run of any length.
	charCycles = min(charCycles, 1<<40)
	return &UART{charCycles: charCycles, out: out, irq: irq, st: UARTState{MSR: msrPlugged}}
}

// Push hands over what the terminal typed and returns how much of it was
// taken; the rest is to be offered again later.
func (u *UART) Push(now uint64, p []byte) int {
	n := min(len(p), uartInputLimit-len(u.st.Received))
	u.st.Received = append(u.st.Received, p[:n]...)
	u.update(now)
	return n
}

// Take reads characters that have come in, as a driver that polls would.
func (u *UART) Take(now uint64, p []byte) (n int) {
	u.update(now)
	for n < len(p) && len(u.st.RX) > 0 {
		p[n] = u.receive(now)
		n++
		u.update(now)
	}
	return n
}

// Read takes aligned accesses of any width and gives the one register at off,
// as QEMU's does.
func (u *UART) Read(now, off uint64, size int) (uint64, bool) {
	if !uartAccess(off, size) {
		return 0, false
	}
	u.update(now)
	v := u.read(now, off)
	u.update(now)
	return uint64(v), true
}

func (u *UART) read(now, off uint64) uint8 {
	s := &u.st
	dlab := s.LCR&lcrDLAB != 0
	switch off {
	case uartRBR:
		if dlab {
			return s.DLL
		}
		return u.receive(now)
	case uartIER:
		if dlab {
			return s.DLM
		}
		return s.IER
	case uartIIR:
		v := u.iir()
		if v == iirTHRE { // section 8.6: reading it as the source resets it
			s.THREPending = false
		}
		if u.fifo() {
			v |= iirFIFO
		}
		return v
	case uartLCR:
		return s.LCR
	case uartMCR:
		return s.MCR
	case uartLSR:
		v := u.lsr()
		s.Overrun = false
		return v
	case uartMSR:
		v := s.MSR
		s.MSR &= 0xf0
		return v
	}
	return s.SCR
}

// Write takes aligned accesses of any width; the low byte is written to the
// register at off.
func (u *UART) Write(now, off uint64, size int, v uint64) bool {
	if !uartAccess(off, size) {
		return false
	}
	u.update(now)
	u.write(now, off, uint8(v))
	u.update(now)
	return true
}

func (u *UART) write(now, off uint64, v uint8) {
	s := &u.st
	dlab := s.LCR&lcrDLAB != 0
	switch off {
	case uartRBR:
		if dlab {
			s.DLL = v
			return
		}
		u.transmit(now, v)
	case uartIER:
		if dlab {
			s.DLM = v
			return
		}
		if v&^s.IER&ierTHRE != 0 && len(s.TX) == 0 {
			s.THREPending = true
		}
		s.IER = v & 0x0f
	case uartIIR:
		u.setFCR(v)
	case uartLCR:
		s.LCR = v
	case uartMCR:
		s.MCR = v & mcrKeep
		u.modem()
	case uartSCR:
		s.SCR = v
	}
}

// setFCR changes the FIFO control register (section 8.5).
func (u *UART) setFCR(v uint8) {
	s := &u.st
	toggled := (v^s.FCR)&fcrEnable != 0
	if toggled || v&fcrClearRX != 0 {
		s.RX, s.Timeout = s.RX[:0], false
	}
	if (toggled || v&fcrClearTX != 0) && len(s.TX) > 0 {
		s.TX, s.THREPending = s.TX[:0], true
	}
	if v&fcrEnable == 0 { // the other bits are programmed only along with it
		v = 0
	}
	s.FCR = v & fcrKeep
}

// modem sets the modem lines: those of the terminal, or MCR's outputs in
// loopback (sections 8.8 and 8.9).
func (u *UART) modem() {
	s := &u.st
	lines := uint8(msrPlugged)
	if m := s.MCR; m&mcrLoop != 0 {
		// RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD.
		lines = m&2<<3 | m&1<<5 | m&4<<4 | m&8<<4
	}
	changed := (lines ^ s.MSR) & 0xf0
	if lines&msrRI != 0 {
		changed &^= msrRI // TERI is the trailing edge only
	}
	s.MSR = lines | s.MSR&0x0f | changed>>4
	u.news = u.news || changed != 0
}

// update moves characters, lets time pass up to now and drives the interrupt.
func (u *UART) update(now uint64) {
	u.send(now)
	u.fill(now)
	if now >= u.timeoutAt() {
		u.st.Timeout = true
	}
	causes := u.causes()
	if causes == u.driven && !(u.news && causes != 0) {
		return
	}
	u.driven, u.news = causes, false
	u.irq(causes != 0)
}

// causes are the interrupts that are enabled and pending, that of the highest
// priority in the lowest bit (section 8.6).
func (u *UART) causes() (c uint8) {
	s := &u.st
	for i, pending := range [...]bool{
		s.IER&ierRLS != 0 && s.Overrun,
		s.IER&ierRDA != 0 && len(s.RX) >= u.trigger(),
		s.IER&ierRDA != 0 && s.Timeout,
		s.IER&ierTHRE != 0 && s.THREPending,
		s.IER&ierMSI != 0 && s.MSR&0x0f != 0,
	} {
		if pending {
			c |= 1 << i
		}
	}
	return c
}

// iir returns the pending interrupt of the highest priority.
func (u *UART) iir() uint8 {
	c := u.causes()
	if c == 0 {
		return iirNone
	}
	return [...]uint8{iirRLS, iirRDA, iirTimeout, iirTHRE, iirMSI}[bits.TrailingZeros8(c)]
}

func (u *UART) lsr() uint8 {
	v := uint8(0)
	if len(u.st.RX) > 0 {
		v |= lsrDR
	}
	if u.st.Overrun {
		v |= lsrOE
	}
	if len(u.st.TX) == 0 {
		v |= lsrTHRE
		if !u.st.Sending {
			v |= lsrTEMT
		}
	}
	return v
}

func (u *UART) fifo() bool { return u.st.FCR&fcrEnable != 0 }

// depth returns how many characters each FIFO holds.
func (u *UART) depth() int {
	if u.fifo() {
		return uartFIFO
	}
	return 1
}

// trigger returns how many received characters raise the interrupt.
func (u *UART) trigger() int {
	if u.fifo() {
		return [4]int{1, 4, 8, 14}[u.st.FCR>>6]
	}
	return 1
}

func uartAccess(off uint64, size int) bool {
	switch size {
	case 1, 2, 4, 8:
		return off < UARTSize && off%uint64(size) == 0
	}
	return false
}
