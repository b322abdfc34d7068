package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"mcsim/machine"
)

// escape is Ctrl-A, which begins a command to mcsim where everything else that is
// typed goes to the guest.
const escape = 0x01

const consoleHelp = `
Ctrl-A h  this help
Ctrl-A x  quit, with the results so far
Ctrl-A a  Ctrl-A for the guest
`

// rawConsole is the user's terminal in the guest's hands: nothing that is typed
// means anything to the host but what follows Ctrl-A.
type rawConsole struct {
	in      *os.File
	t       *terminal
	quit    func()
	escaped bool
	saved   *term.State
	once    sync.Once
	window  *machine.Window
	resizes chan os.Signal
	done    chan struct{} // closed when nobody listens to resizes any more
}

// openConsole puts standard input in raw mode, if it is a terminal; else it
// returns nil.
func openConsole(in io.Reader, t *terminal, quit func()) (*rawConsole, error) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, nil
	}
	saved, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("the terminal: %w", err)
	}
	t.setRaw(true)
	c := &rawConsole{in: f, t: t, quit: quit, saved: saved, resizes: make(chan os.Signal, 1), done: make(chan struct{})}
	c.window = machine.NewWindow(c.size())
	signal.Notify(c.resizes, unix.SIGWINCH)
	go func() {
		defer close(c.done)
		for range c.resizes {
			c.window.Resize(c.size())
		}
	}()
	return c, nil
}

// size is that of the terminal's window, 0 if it is unknown.
func (c *rawConsole) size() (columns, rows uint16) {
	w, h, err := term.GetSize(int(c.in.Fd()))
	if err != nil || w <= 0 || h <= 0 {
		return 0, 0
	}
	return uint16(min(w, 1<<16-1)), uint16(min(h, 1<<16-1))
}

// close gives the terminal back.
func (c *rawConsole) close() {
	c.once.Do(func() {
		signal.Stop(c.resizes)
		close(c.resizes)
		<-c.done
		term.Restore(int(c.in.Fd()), c.saved) //nolint:errcheck // there is nothing else to be done
		c.t.setRaw(false)
	})
}

// Read gives what the user types for the guest.
func (c *rawConsole) Read(p []byte) (int, error) {
	for {
		n, err := c.in.Read(p)
		if n = c.filter(p[:n]); n > 0 || err != nil {
			return n, err
		}
	}
}

// filter takes the commands out of what was typed, in place.
func (c *rawConsole) filter(p []byte) int {
	out := p[:0]
	for _, b := range p {
		switch {
		case !c.escaped && b == escape:
			c.escaped = true
			continue
		case !c.escaped:
			out = append(out, b)
			continue
		}
		c.escaped = false
		switch b {
		case 'x', 'X':
			c.quit()
		case 'a', 'A', escape:
			out = append(out, escape)
		default:
			c.t.note(consoleHelp)
		}
	}
	return len(out)
}
