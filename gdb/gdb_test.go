package gdb

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// fake is a target of three threads whose memory is 256 bytes at 0x1000.
type fake struct {
	regs   [3]map[int]uint64
	memory [256]byte
	armed  []string
	killed bool
}

func newFake() *fake {
	f := &fake{}
	for i := range f.regs {
		f.regs[i] = map[int]uint64{RegPC: 0x1000 + uint64(i)}
	}
	return f
}

func (f *fake) Threads() int       { return len(f.regs) }
func (f *fake) State(t int) string { return fmt.Sprint("state of ", t) }
func (f *fake) Kill()              { f.killed = true }
func (f *fake) Description() string {
	return "<target>" + strings.Repeat("x$#}*", 2000) + "</target>"
}
func (f *fake) Monitor(c string) string { return strings.ToUpper(c) }
func (f *fake) ReadRegister(t, reg int) (uint64, bool) {
	return f.regs[t][reg], reg < RegCSR0+16
}
func (f *fake) WriteRegister(t, reg int, v uint64) bool {
	if reg >= RegCSR0 {
		return false
	}
	f.regs[t][reg] = v
	return true
}
func (f *fake) ReadMemory(_ int, va uint64, p []byte) int {
	if off := va - 0x1000; off < 256 {
		return copy(p, f.memory[off:])
	}
	return 0
}
func (f *fake) WriteMemory(_ int, va uint64, p []byte) bool {
	off := va - 0x1000
	return off < 256 && copy(f.memory[off:], p) == len(p)
}
func (f *fake) Arm(t int, breaks []uint64, watches []Watch, step, first, held bool) {
	f.armed = append(f.armed, fmt.Sprintf("%d: %x %v %v %v %v", t, breaks, watches, step, first, held))
}

// client is the debugger's end.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func dial(t testing.TB, s *Server) *client {
	t.Helper()
	conn, err := net.Dial(s.listener.Addr().Network(), s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, conn, bufio.NewReader(conn)}
}

func (c *client) send(body string) { c.conn.Write(frame(body)) }

// receive is the next packet's body, as it was framed.
func (c *client) receive() string {
	c.t.Helper()
	r := reader{in: c.in, ack: func(bool) {}, interrupt: func() {}}
	p, err := r.next()
	if err != nil {
		c.t.Fatal(err)
	}
	return string(p)
}

func (c *client) ask(body, want string) {
	c.t.Helper()
	c.send(body)
	if got := c.receive(); got != want {
		c.t.Errorf("%s: %q, want %q", body, got, want)
	}
}

func TestPackets(t *testing.T) {
	s, err := Listen(filepath.Join(t.TempDir(), "gdb.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := newFake()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Begin(context.Background(), f)
	}()
	c := dial(t, s)
	c.ask("qSupported:xmlRegisters=i386", features)
	c.ask("?", "T05thread:1;")
	c.ask("QStartNoAckMode", "OK")
	c.ask("qfThreadInfo", "m1,2,3")
	c.ask("qsThreadInfo", "l")
	c.ask("qThreadExtraInfo,2", fmt.Sprintf("%x", "state of 1"))
	c.ask("T3", "OK")
	c.ask("T4", failed)
	c.ask("Hg2", "OK")
	c.ask("p20", "0110000000000000")
	c.ask("P5=efbeadde00000000", "OK")
	if f.regs[1][5] != 0xdeadbeef {
		t.Errorf("x5 of thread 2 is %#x", f.regs[1][5])
	}
	c.ask("P41=00", failed) // a CSR
	c.ask("pffff", failed)
	c.ask("M1004,3:616263", "OK")
	c.ask("m1003,5", "0061626300")
	c.ask("X1004,4:#$}z", "OK")
	c.ask("m1004,4", "23247d7a")
	c.ask("m10f0,40", strings.Repeat("00", 16)) // as far as it goes
	c.ask("m5000,4", failed)
	c.ask("m1000,fffffff", failed)
	c.ask("Z0,1010,4", "OK")
	c.ask("Z2,1020,8", "OK")
	c.ask("Z9,1020,8", "")
	c.ask("qRcmd,"+fmt.Sprintf("%x", "stats"), fmt.Sprintf("%x", "STATS"))
	c.ask("vMustReplyEmpty", "")
	c.ask("vCont?", "vCont;c;C;s;S")
	var text strings.Builder
	for off := 0; ; {
		c.send(fmt.Sprintf("qXfer:features:read:target.xml:%x,%x", off, 0x1000))
		part := c.receive()
		text.WriteString(part[1:])
		off += len(part) - 1
		if part[0] == 'l' {
			break
		}
	}
	if text.String() != f.Description() {
		t.Errorf("the description came as %d bytes, want %d", text.Len(), len(f.Description()))
	}
	// All run; then one is stepped over a breakpoint that is taken out meanwhile: the
	// others keep it.
	c.send("vCont;c")
	<-done
	if got := strings.Join(f.armed, "; "); got != "0: [1010] [{4128 8 false true}] false false false; 1: [1010] [{4128 8 false true}] false false false; 2: [1010] [{4128 8 false true}] false false false" {
		t.Errorf("armed %s", got)
	}
	f.armed = nil
	done = make(chan struct{})
	go func() {
		defer close(done)
		s.Stopped(context.Background(), Stop{Thread: 2, Signal: SignalTrap, Watched: true, Addr: 0x1020})
	}()
	if got := c.receive(); got != "T05thread:3;watch:1020;" {
		t.Errorf("stopped: %q", got)
	}
	c.ask("z0,1010,4", "OK")
	c.ask("z2,1020,8", "OK")
	c.send("vCont;s:3")
	<-done
	if got := strings.Join(f.armed, "; "); got != "0: [1010] [] false false true; 1: [1010] [] false false true; 2: [] [] true true false" {
		t.Errorf("armed %s", got)
	}
	// An interrupt, and the end.
	c.conn.Write([]byte{3})
	for !s.Wanted() {
		<-s.bell
	}
	done = make(chan struct{})
	go func() {
		defer close(done)
		s.Interrupt(context.Background())
		s.Exited(7)
	}()
	if got := c.receive(); got != "T02thread:3;" {
		t.Errorf("interrupted: %q", got)
	}
	c.send("c")
	if got := c.receive(); got != "W07" {
		t.Errorf("at the end: %q", got)
	}
	<-done
}

// A debugger that hangs up, or detaches, leaves the run to go on, and another may come.
func TestComeAndGo(t *testing.T) {
	s, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := newFake()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Begin(context.Background(), f)
	}()
	c := dial(t, s)
	c.ask("Z0,1010,4", "OK")
	c.conn.Close()
	<-done
	if len(f.armed) != 3 || f.armed[0] != "0: [] [] false false false" {
		t.Errorf("armed %v", f.armed)
	}
	c = dial(t, s)
	for !s.Wanted() {
		<-s.bell
	}
	done = make(chan struct{})
	go func() {
		defer close(done)
		s.Interrupt(context.Background())
	}()
	c.ask("?", "T02thread:1;")
	c.send("k")
	<-done
	if !f.killed {
		t.Error("not killed")
	}
}

// A debugger that dies while the run goes on is followed by another at once, which
// need not ring twice.
func TestAnotherComes(t *testing.T) {
	s, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := newFake()
	done := make(chan struct{})
	serve := func(what func()) {
		done = make(chan struct{})
		go func() {
			defer close(done)
			what()
		}()
	}
	serve(func() { s.Begin(context.Background(), f) })
	c := dial(t, s)
	c.ask("?", "T05thread:1;")
	c.send("c")
	<-done
	<-s.bell // of the first
	c.conn.Close()
	c = dial(t, s)
	<-s.bell
	if !s.Wanted() {
		t.Fatal("nobody has come")
	}
	serve(func() { s.Interrupt(context.Background()) })
	c.ask("?", "T02thread:1;")
	c.send("D")
	<-done
}

// What was set can be taken away, however much it is.
func TestManyPoints(t *testing.T) {
	s := &Server{breaks: map[uint64]int{}, watches: map[Watch]int{}}
	n := 0
	for s.point(true, fmt.Sprintf("0,%x,4", n)) == "OK" {
		n++
	}
	if n != 1000 {
		t.Errorf("%d breakpoints were set", n)
	}
	for i := range n {
		if got := s.point(false, fmt.Sprintf("0,%x,4", i)); got != "OK" {
			t.Fatalf("breakpoint %d cannot be taken away: %s", i, got)
		}
	}
	if len(s.breaks) > 0 {
		t.Errorf("%d are left", len(s.breaks))
	}
}

// Watchpoints are set in the same order in every run: where several cover an
// access, the first is told.
func TestWatchOrder(t *testing.T) {
	f := newFake()
	s := &Server{target: f, breaks: map[uint64]int{}, watches: map[Watch]int{}}
	for _, kind := range []string{"4", "2", "3"} {
		for _, at := range []int{0x1040, 0x1000, 0x1080, 0x1020, 0x1060} {
			for _, size := range []int{8, 4} {
				if got := s.point(true, fmt.Sprintf("%s,%x,%d", kind, at, size)); got != "OK" {
					t.Fatal(got)
				}
			}
		}
	}
	s.resume([]byte("c"))
	var want []string
	for _, at := range []int{0x1000, 0x1020, 0x1040, 0x1060, 0x1080} {
		for _, size := range []int{4, 8} {
			for _, which := range []string{"false true", "true false", "true true"} { // read, write
				want = append(want, fmt.Sprintf("{%d %d %s}", at, size, which))
			}
		}
	}
	if line := "0: [] [" + strings.Join(want, " ") + "] false false false"; f.armed[0] != line {
		t.Errorf("armed %s, want %s", f.armed[0], line)
	}
}

// Whatever a debugger sends, the server answers or waits, and allocates little.
func FuzzPackets(f *testing.F) {
	for _, seed := range []string{"$g#67", "$m1000,4#8e", "+$qSupported#37\x03", "$vCont;s:1;c#00", "$X1000,4:}\x03}#00", "$$$#", "$Z0,1,2#00"} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, framed bool) {
		if framed {
			r := reader{in: bufio.NewReader(bytes.NewReader(data)), ack: func(bool) {}, interrupt: func() {}}
			for {
				if p, err := r.next(); err != nil {
					break
				} else if len(p) > maxPacket {
					t.Fatalf("a packet of %d bytes", len(p))
				}
			}
			return
		}
		here, there := net.Pipe()
		go func() { // what is answered
			b := make([]byte, 4096)
			for {
				if _, err := there.Read(b); err != nil {
					return
				}
			}
		}()
		s := &Server{target: newFake(), breaks: map[uint64]int{}, watches: map[Watch]int{},
			s: &session{conn: here, quit: make(chan struct{})}}
		for _, p := range bytes.Split(data, []byte{0}) {
			if s.s != nil {
				s.handle(string(p))
			}
		}
		here.Close()
		there.Close()
	})
}
