package device

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

type uartBench struct {
	*UART
	out    bytes.Buffer
	irq    bool
	driven int // how often
}

func newUART(charCycles uint64) *uartBench {
	b := &uartBench{}
	b.UART = NewUART(charCycles, &b.out, func(level bool) {
		b.irq = level
		b.driven++
	})
	return b
}

// The state after a reset: PC16550D, table III.
func TestUARTReset(t *testing.T) {
	u := newUART(0)
	for off, want := range []uint64{0, 0, 0x01, 0, 0, 0x60, 0xb0, 0} {
		wantRead(t, u, 0, uint64(off), 1, want)
	}
	wantFaults(t, u, 8, 1)
	wantFaults(t, u, 1, 2, 4, 8)
	wantFaults(t, u, 0, 0, 3, 16)
}

func TestUARTRegisters(t *testing.T) {
	u := newUART(0)
	for off, keeps := range map[uint64]uint64{uartIER: 0x0f, uartLCR: 0xff, uartMCR: 0x1f, uartSCR: 0xff} {
		mustWrite(t, u, 0, off, 1, 0xff)
		wantRead(t, u, 0, off, 1, keeps)
		mustWrite(t, u, 0, off, 1, 0)
	}
	mustWrite(t, u, 0, uartLCR, 1, lcrDLAB|3) // section 8.3: the divisor latch
	mustWrite(t, u, 0, 0, 1, 0x12)
	mustWrite(t, u, 0, 1, 1, 0x34)
	wantRead(t, u, 0, 0, 1, 0x12)
	wantRead(t, u, 0, 1, 1, 0x34)
	mustWrite(t, u, 0, uartLCR, 1, 3)
	wantRead(t, u, 0, uartIER, 1, 0)
	if u.out.Len() != 0 {
		t.Errorf("the divisor was printed: %q", u.out.String())
	}
	mustWrite(t, u, 0, 0, 4, 0x41) // bare-metal programs store words here
	if u.out.String() != "A" {
		t.Errorf("printed %q, want A", u.out.String())
	}
}

// Section 8.6: the THRE interrupt goes when it is read as the source, and
// comes back when the next character is out or when it is enabled anew.
func TestUARTTransmitInterrupt(t *testing.T) {
	u := newUART(100)
	mustWrite(t, u, 0, uartIER, 1, ierTHRE)
	if !u.irq {
		t.Fatal("no interrupt when enabled with an empty THR")
	}
	wantRead(t, u, 0, uartIIR, 1, iirTHRE)
	if u.irq {
		t.Fatal("interrupt outlives the reading of IIR")
	}
	mustWrite(t, u, 0, 0, 1, 'a') // goes straight into the shift register
	if !u.irq {
		t.Fatal("no interrupt though THR is empty again")
	}
	mustWrite(t, u, 10, 0, 1, 'b')
	if u.irq {
		t.Fatal("interrupt though THR is full")
	}
	wantRead(t, u, 10, uartLSR, 1, 0)
	if u.Deadline() != 100 || u.out.Len() != 0 {
		t.Fatalf("deadline %d, printed %q", u.Deadline(), u.out.String())
	}
	u.Fire(100)
	if !u.irq || u.out.String() != "a" || u.Deadline() != 200 {
		t.Fatalf("irq %v, printed %q, deadline %d", u.irq, u.out.String(), u.Deadline())
	}
	wantRead(t, u, 100, uartLSR, 1, lsrTHRE)
	wantRead(t, u, 200, uartLSR, 1, lsrTHRE|lsrTEMT)
	if u.out.String() != "ab" || u.Deadline() != NoDeadline {
		t.Fatalf("printed %q, deadline %d", u.out.String(), u.Deadline())
	}
	mustWrite(t, u, 300, uartIER, 1, 0)
	mustWrite(t, u, 300, uartIER, 1, ierTHRE)
	wantRead(t, u, 300, uartIIR, 1, iirTHRE)
}

// The wire is driven for whatever may need a handler, also while it is high, and not
// for what changes nothing: a pulsed gateway hears no more than that.
func TestUARTDrivesAnew(t *testing.T) {
	u := newUART(0)
	mustWrite(t, u, 0, uartIIR, 1, fcrEnable)
	for _, x := range []struct {
		what   string
		do     func()
		driven bool
	}{
		{"enabled, THR empty", func() { mustWrite(t, u, 1, uartIER, 1, ierTHRE|ierRDA) }, true},
		{"looks at LSR", func() { wantRead(t, u, 2, uartLSR, 1, lsrTHRE|lsrTEMT) }, false},
		{"a character is out at once", func() { mustWrite(t, u, 3, 0, 1, 'a') }, true},
		{"a character comes in", func() { u.Push(4, []byte("x")) }, true},
		{"another", func() { u.Push(5, []byte("y")) }, true},
		{"the first is read", func() { wantRead(t, u, 6, 0, 1, 'x') }, true},
		{"IIR is read, which resets nothing", func() { wantRead(t, u, 7, uartIIR, 1, iirFIFO|iirRDA) }, false},
		{"the last is read, THR is still empty", func() { wantRead(t, u, 8, 0, 1, 'y') }, true},
		{"time passes", func() { u.Fire(1000) }, false},
		{"IIR is read, which resets THRE", func() { wantRead(t, u, 1001, uartIIR, 1, iirFIFO|iirTHRE) }, true},
		{"and again", func() { wantRead(t, u, 1002, uartIIR, 1, iirFIFO|iirNone) }, false},
		{"a character is out, and nobody wants to know", func() {
			mustWrite(t, u, 1003, uartIER, 1, 0)
			mustWrite(t, u, 1004, 0, 1, 'b')
		}, false},
	} {
		before := u.driven
		x.do()
		if (u.driven > before) != x.driven {
			t.Errorf("%s: driven %d times", x.what, u.driven-before)
		}
	}
}

// Section 8.11: the receive FIFO interrupts at its trigger level, and below
// it after four character times.
func TestUARTReceiveInterrupt(t *testing.T) {
	u := newUART(10)
	mustWrite(t, u, 0, uartIIR, 1, fcrEnable|2<<6) // 8 characters
	mustWrite(t, u, 0, uartIER, 1, ierRDA)
	u.Push(100, []byte("1234567"))
	wantRead(t, u, 100, uartIIR, 1, iirFIFO|iirNone)
	if u.Deadline() != 140 {
		t.Fatalf("time-out at %d, want 140", u.Deadline())
	}
	u.Push(130, []byte("8"))
	wantRead(t, u, 130, uartIIR, 1, iirFIFO|iirRDA)
	wantRead(t, u, 135, 0, 1, '1')
	wantRead(t, u, 135, uartIIR, 1, iirFIFO|iirNone)
	if u.irq || u.Deadline() != 175 {
		t.Fatalf("irq %v, time-out at %d, want 175", u.irq, u.Deadline())
	}
	u.Fire(175)
	wantRead(t, u, 175, uartIIR, 1, iirFIFO|iirTimeout)
	for i := range 7 {
		wantRead(t, u, 180, uartLSR, 1, lsrDR|lsrTHRE|lsrTEMT)
		wantRead(t, u, 180, 0, 1, uint64('2'+i))
	}
	wantRead(t, u, 180, uartLSR, 1, lsrTHRE|lsrTEMT)
	wantRead(t, u, 180, 0, 1, 0)
	if u.irq || u.Deadline() != NoDeadline {
		t.Fatalf("irq %v, time-out at %d after the last character", u.irq, u.Deadline())
	}
}

// What is typed ahead waits and is never lost; the terminal is held back when
// it types too much.
func TestUARTTypedAhead(t *testing.T) {
	u := newUART(0)
	text := bytes.Repeat([]byte("0123456789"), 10)
	if n := u.Push(0, text); n != len(text) {
		t.Fatalf("took %d of %d", n, len(text))
	}
	var got []byte
	for mustRead(t, u, 0, uartLSR, 1)&lsrDR != 0 {
		got = append(got, byte(mustRead(t, u, 0, 0, 1)))
	}
	if !bytes.Equal(got, text) {
		t.Errorf("read %q", got)
	}
	if n := u.Push(0, make([]byte, 1<<20)); n > uartInputLimit {
		t.Errorf("took %d bytes", n)
	}
}

// Sections 8.8 and 8.9: in loopback the transmitter feeds the receiver and
// MCR's outputs the modem lines.
func TestUARTLoopback(t *testing.T) {
	u := newUART(0)
	mustWrite(t, u, 0, uartMCR, 1, mcrLoop|0x0a) // what Linux probes with
	if v := mustRead(t, u, 0, uartMSR, 1); v&0xf0 != msrDCD|msrCTS {
		t.Errorf("MSR %#x, want DCD and CTS", v)
	}
	wantRead(t, u, 0, uartMSR, 1, msrDCD|msrCTS) // the changes were read
	mustWrite(t, u, 0, uartMCR, 1, mcrLoop|0x04)
	wantRead(t, u, 0, uartMSR, 1, msrRI|0x09)
	mustWrite(t, u, 0, uartMCR, 1, mcrLoop|0x03)
	wantRead(t, u, 0, uartMSR, 1, msrCTS|msrDSR|0x03|msrTERI)
	mustWrite(t, u, 0, uartIIR, 1, fcrEnable)
	mustWrite(t, u, 0, uartIER, 1, ierRLS)
	for i := range uartFIFO + 1 {
		mustWrite(t, u, 0, 0, 1, uint64('a'+i))
	}
	wantRead(t, u, 0, uartIIR, 1, iirFIFO|iirRLS)
	wantRead(t, u, 0, uartLSR, 1, lsrDR|lsrOE|lsrTHRE|lsrTEMT)
	if u.irq {
		t.Error("overrun interrupt outlives the reading of LSR")
	}
	for i := range uartFIFO {
		wantRead(t, u, 0, 0, 1, uint64('a'+i))
	}
	if u.out.Len() != 0 {
		t.Errorf("printed %q in loopback", u.out.String())
	}
}

// Section 8.5: clearing and switching the FIFOs empties them.
func TestUARTFIFOControl(t *testing.T) {
	u := newUART(1000)
	mustWrite(t, u, 0, uartIIR, 1, fcrEnable)
	for range 3 {
		mustWrite(t, u, 0, 0, 1, 'x')
	}
	u.Push(0, []byte("abc"))
	mustWrite(t, u, 0, uartIIR, 1, fcrEnable|fcrClearRX|fcrClearTX)
	wantRead(t, u, 0, uartLSR, 1, lsrTHRE) // one is still in the shift register
	u.Fire(5000)
	if u.out.String() != "x" {
		t.Errorf("printed %q, want x", u.out.String())
	}
	mustWrite(t, u, 0, uartIIR, 1, 0xc0) // not programmed: bit 0 is clear
	wantRead(t, u, 0, uartIIR, 1, iirNone)
}

// A driver that empties the receive FIFO loses what is in it, 1 character or 16, and
// nothing of what the terminal has yet to send (section 8.5).
func TestUARTResetKeepsWhatWaits(t *testing.T) {
	u := newUART(0)
	var text []byte
	for c := byte(' '); c < 127; c++ {
		text = append(text, c)
	}
	u.Push(0, text)
	lost := 0
	for _, step := range []struct{ fcr, loses uint64 }{
		{0, 0},                      // nothing is switched
		{fcrEnable, 1},              // the one character of the holding register
		{fcrEnable, 0},              //
		{fcrEnable | 0xc0, 0},       // another trigger level
		{fcrEnable | fcrClearTX, 0}, // the other FIFO
		{fcrEnable | fcrClearRX, 16},
		{0, 16},
		{fcrClearRX, 1},
		{fcrEnable | fcrClearRX | fcrClearTX, 1},
	} {
		mustWrite(t, u, 0, uartIIR, 1, step.fcr)
		lost += int(step.loses)
		wantRead(t, u, 0, uartRBR, 1, uint64(text[lost]))
		lost++ // it was read
	}
	var rest []byte
	for mustRead(t, u, 0, uartLSR, 1)&lsrDR != 0 {
		rest = append(rest, byte(mustRead(t, u, 0, uartRBR, 1)))
	}
	if !bytes.Equal(rest, text[lost:]) {
		t.Errorf("then came %q, want %q", rest, text[lost:])
	}
}

func FuzzUART(f *testing.F) {
	for i, p := range programs(1) {
		f.Add(p, uint64(i)*7)
	}
	f.Fuzz(func(t *testing.T, data []byte, charCycles uint64) {
		u := newUART(charCycles)
		now, sent := uint64(0), 0
		for _, o := range program(data) {
			now += o.skip
			off := o.off % 10
			ok := true
			switch o.kind {
			case 0, 1:
				u.Push(now, data[:o.off%20])
			case 2:
				if now >= u.Deadline() {
					u.Fire(now)
				}
			case 3, 4, 5, 6, 7, 8:
				if ok = u.Write(now, off, o.size, o.v); ok && off == 0 {
					sent++
				}
			default:
				_, ok = u.Read(now, off, o.size)
			}
			s := &u.st
			switch {
			case len(s.RX) > u.depth() || len(s.TX) > u.depth():
				t.Fatalf("FIFOs hold %d and %d of %d", len(s.RX), len(s.TX), u.depth())
			case u.irq != (u.iir() != iirNone):
				t.Fatalf("interrupt is %v, IIR %#x", u.irq, u.iir())
			case len(s.TX) > 0 && (!s.Sending || s.THREPending):
				t.Fatal("a character waits for an idle transmitter")
			case u.out.Len() > sent:
				t.Fatal("more came out than was sent")
			case ok && s.Sending && now >= s.SentAt && o.kind > 2:
				t.Fatal("the transmitter is late")
			}
		}
		v := newUART(charCycles)
		copyState(t, u, v)
		if v.UART.driven != u.UART.driven || v.news != u.news || fmt.Sprint(v.st) != fmt.Sprint(u.st) { // nil and empty are alike
			t.Fatalf("restored differently\n%+v\n%+v", u.st, v.st)
		}
	})
}

func TestFinisher(t *testing.T) {
	for v, want := range map[uint64]*Exit{
		0x5555:        {},
		0x3333:        {Code: 1},
		0x7_3333:      {Code: 7},
		0x1_ffff_3333: {Code: 0xffff},
		0x7777:        {Reset: true},
		0:             nil,
		0x5554:        nil,
	} {
		var got *Exit
		f := NewFinisher(func(_ uint64, e Exit) { got = &e })
		mustWrite(t, f, 0, 4, 4, v)
		if got != nil {
			t.Errorf("%#x to another register: %+v", v, got)
		}
		mustWrite(t, f, 0, 0, 4, v)
		if want != nil {
			want.By = "finisher"
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%#x: %+v, want %+v", v, got, want)
		}
	}
	f := NewFinisher(nil)
	wantRead(t, f, 0, 0, 4, 0)
	wantFaults(t, f, 0, 1, 3)
	wantFaults(t, f, 2, 4)
	wantFaults(t, f, FinisherSize, 4)
}

func TestExitStatus(t *testing.T) {
	for code, want := range map[int64]int{0: 0, 1: 1, 255: 255, 256: 1, 1337: 1337 & 255, -1: 255} {
		if got := (Exit{Code: code}).Status(); got != want {
			t.Errorf("status of code %d is %d, want %d", code, got, want)
		}
	}
}

// What the guest has handed over is printed even if the run ends at once.
func TestUARTDrain(t *testing.T) {
	u := newUART(100)
	mustWrite(t, u, 0, uartIIR, 1, fcrEnable)
	for i, c := range "abc" {
		mustWrite(t, u, uint64(i), 0, 1, uint64(c))
	}
	if u.out.Len() != 0 {
		t.Fatalf("printed %q at once", u.out.String())
	}
	u.Drain()
	if u.out.String() != "abc" || u.Deadline() != NoDeadline {
		t.Errorf("printed %q, deadline %d", u.out.String(), u.Deadline())
	}
}
