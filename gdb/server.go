package gdb

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sourcegraph/conc"
)

// Server serves one debugger at a time.
type Server struct {
	listener net.Listener
	socket   string // file to remove
	wg       conc.WaitGroup
	arrivals chan *session
	asked    atomic.Bool   // a debugger wants to be heard
	bell     chan struct{} // the same, for who waits
	closed   chan struct{} // no more sessions

	s       *session // attached, or nil
	target  Target
	thread  int // that g, p, m mean
	last    Stop
	breaks  map[uint64]int // by address: how often it was set
	watches map[Watch]int
	before  []uint64 // breakpoints when everything ran last
	killed  bool
}

// session is a connection.
type session struct {
	conn    net.Conn
	packets chan []byte
	mu      sync.Mutex // of writing
	noAck   atomic.Bool
	quit    chan struct{}
}

// Listen waits for debuggers at an address: host:port, :port for the loopback
// interface, or the path of a Unix socket, which has a slash in it.
func Listen(address string) (*Server, error) {
	network, socket := "tcp", ""
	switch {
	case strings.Contains(address, "/"):
		network, socket = "unix", address
		if info, err := os.Lstat(address); err == nil && info.Mode()&os.ModeSocket != 0 {
			os.Remove(address) //nolint:errcheck // Listen tells
		}
	case strings.HasPrefix(address, ":"):
		address = "127.0.0.1" + address
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("gdb: %w", err)
	}
	s := &Server{listener: l, socket: socket, arrivals: make(chan *session, 1), bell: make(chan struct{}, 1), closed: make(chan struct{}),
		breaks: map[uint64]int{}, watches: map[Watch]int{}}
	s.wg.Go(s.accept)
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// accept takes connections, one at a time.
func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		c := &session{conn: conn, packets: make(chan []byte, 16), quit: make(chan struct{})}
		select {
		case s.arrivals <- c:
			select {
			case <-s.closed: // nobody takes it any more
				conn.Close() //nolint:errcheck // nothing was said
			default:
			}
			s.ring()
			c.read(s.ring)
		default: // one is waiting already
			conn.Close() //nolint:errcheck // nothing was said
		}
	}
}

// ring says that a debugger wants to be heard.
func (s *Server) ring() {
	s.asked.Store(true)
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// read takes packets apart until the connection ends.
func (c *session) read(interrupt func()) {
	defer close(c.packets)
	r := reader{in: bufio.NewReader(c.conn), interrupt: interrupt, ack: func(ok bool) {
		if !c.noAck.Load() {
			c.write([]byte{"-+"[b2i(ok)]})
		}
	}}
	for {
		p, err := r.next()
		if err != nil {
			return
		}
		select {
		case c.packets <- p:
		case <-c.quit:
			return
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (c *session) write(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.Write(b) //nolint:errcheck // the reader sees that the connection is gone
}

// Close ends the server. No method may be called afterwards.
func (s *Server) Close() error {
	close(s.closed)
	err := s.listener.Close()
	s.drop()
	select {
	case c := <-s.arrivals:
		c.conn.Close() //nolint:errcheck // nothing was said
		close(c.quit)
	default:
	}
	s.wg.Wait()
	if s.socket != "" {
		os.Remove(s.socket) //nolint:errcheck // Go's listener has removed it
	}
	return err
}

// drop ends the session.
func (s *Server) drop() {
	if s.s == nil {
		return
	}
	s.s.conn.Close() //nolint:errcheck // nothing is left to say
	close(s.s.quit)
	s.s = nil
	clear(s.breaks)
	clear(s.watches)
	s.before = nil
}

// Begin waits for a debugger before the run, and serves it until it says go. It
// returns early if ctx ends.
func (s *Server) Begin(ctx context.Context, t Target) {
	s.target = t
	select {
	case s.s = <-s.arrivals:
		s.asked.Store(false)
		s.last = Stop{Signal: SignalTrap}
		s.serve(ctx)
	case <-ctx.Done():
	}
}

// Wanted says whether a debugger has interrupted the run, or has come. The machine
// asks at the end of each quantum, and calls Interrupt if so.
func (s *Server) Wanted() bool { return s.asked.Load() }

// Until is a context that also ends when a debugger wants to be heard, for a machine
// that waits for something else.
func (s *Server) Until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	s.wg.Go(func() {
		select {
		case <-s.bell:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}

// Interrupt serves a debugger that Wanted told of.
func (s *Server) Interrupt(ctx context.Context) {
	s.asked.Store(false)
	stop := Stop{Thread: s.thread, Signal: SignalInterrupt}
	s.Stopped(ctx, stop)
	if s.s != nil {
		return
	}
	// Nobody was attached, or the one who was has hung up: another may have come.
	select {
	case s.s = <-s.arrivals:
		s.last = stop // it asks itself
		s.serve(ctx)
	default:
	}
}

// Stopped tells the debugger why the run has stopped, and serves it until it says
// go.
func (s *Server) Stopped(ctx context.Context, why Stop) {
	if s.s == nil {
		return
	}
	s.last, s.thread = why, why.Thread
	s.send(s.stopReply())
	s.serve(ctx)
}

// Exited tells the debugger that the run has ended, and hangs up.
func (s *Server) Exited(code int) {
	if s.s != nil && !s.killed {
		s.send(fmt.Sprintf("W%02x", code&0xff))
	}
	s.drop()
}

// serve answers packets until the run is to go on.
func (s *Server) serve(ctx context.Context) {
	for s.s != nil {
		select {
		case p, ok := <-s.s.packets:
			if !ok { // hung up: as after a detach
				s.drop()
				s.disarm()
				return
			}
			if s.handle(string(p)) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) send(body string) {
	if s.s != nil {
		s.s.write(frame(body))
	}
}

func (s *Server) stopReply() string {
	reply := fmt.Sprintf("T%02xthread:%x;", s.last.Signal, s.last.Thread+1)
	if s.last.Watched {
		reply += fmt.Sprintf("watch:%x;", s.last.Addr)
	}
	return reply
}
