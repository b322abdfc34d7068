package machine

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/creack/pty"
	"golang.org/x/term"

	"mcsim/device"
	"mcsim/device/virtio"
)

// vconsole is the virtio console and what it is connected to.
type vconsole struct {
	con   *virtio.Console
	dev   *virtio.Device
	stdio bool           // the terminal types to it, once the guest uses it
	out   *device.Output // of its own, or nil
	in    *input         // of its own, or nil
	name  string         // of its pseudo-terminal
	files []io.Closer
}

func (m *Machine) newConsole() (*virtio.Console, error) {
	c := &m.cfg.Machine
	v := &vconsole{}
	out := m.console
	var columns, rows uint16
	switch c.Virtio.Console {
	case "stdio":
		v.stdio = true
		columns, rows = m.opts.Window.size()
	case "pty":
		master, slave, err := pty.Open()
		if err != nil {
			return nil, fmt.Errorf("machine.virtio.console: %w", err)
		}
		v.files, v.name = []io.Closer{master, slave}, slave.Name()
		// The guest's driver echoes and edits; the pseudo-terminal must not.
		if _, err := term.MakeRaw(int(slave.Fd())); err != nil {
			return nil, fmt.Errorf("machine.virtio.console: %w", err)
		}
		v.out, v.in = device.NewOutput(impatient{master}), newInput(master, 0, 0)
	default:
		f, err := os.Create(c.Virtio.Console)
		if err != nil {
			return nil, fmt.Errorf("machine.virtio.console: %w", err)
		}
		v.files, v.out = []io.Closer{f}, device.NewOutput(f)
	}
	if v.out != nil {
		out = v.out
	}
	m.vconsole = v
	v.con = virtio.NewConsole(virtio.ConsoleConfig{Out: out, Latency: c.Micros(1), Columns: columns, Rows: rows})
	return v.con, nil
}

// Window is the size of the user's terminal, which may change at any time. Like
// what is typed, it is an input that no seed repeats: the guest is told at the end
// of a quantum.
type Window struct {
	now     atomic.Uint32 // columns<<16 | rows
	changed chan struct{}
}

// NewWindow returns a window of a size in characters.
func NewWindow(columns, rows uint16) *Window {
	w := &Window{changed: make(chan struct{}, 1)}
	w.now.Store(uint32(columns)<<16 | uint32(rows))
	return w
}

// Resize says that the window has another size. Any goroutine may call it.
func (w *Window) Resize(columns, rows uint16) {
	w.now.Store(uint32(columns)<<16 | uint32(rows))
	select {
	case w.changed <- struct{}{}:
	default: // that it has changed is known already
	}
}

func (w *Window) size() (columns, rows uint16) {
	if w == nil {
		return 0, 0
	}
	v := w.now.Load()
	return uint16(v >> 16), uint16(v)
}

// changes is ready when the size has changed; nil if nobody is to be told.
func (m *Machine) changes() <-chan struct{} {
	if m.opts.Window == nil || m.vconsole == nil || !m.vconsole.stdio {
		return nil
	}
	return m.opts.Window.changed
}

// resized tells the guest the size of the window, if it is another one.
func (m *Machine) resized(now uint64) bool {
	if m.changes() == nil {
		return false
	}
	v := m.vconsole
	if !v.con.Resize(m.opts.Window.size()) {
		return false
	}
	v.dev.ConfigChanged(now)
	return true
}

// impatient drops what a pseudo-terminal that nobody reads does not take.
type impatient struct{ f *os.File }

func (w impatient) Write(p []byte) (int, error) {
	c, err := w.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = c.Write(func(fd uintptr) bool {
		tryWrite(fd, p)
		return true
	})
	return len(p), err
}

// takes says whether the terminal types to the virtio console: once the guest has
// printed there, for a driver alone is no user of it.
func (v *vconsole) takes() bool {
	return v != nil && v.stdio && v.dev.Live() && v.dev.Stats.BytesRead > 0
}

// silent says whether nothing will ever be typed to the virtio console itself.
func (v *vconsole) silent() bool { return v == nil || v.in == nil }

// push types to the guest.
func (v *vconsole) push(b []byte, now uint64) int {
	n := v.con.Push(b)
	v.dev.Look(0, now)
	return n
}

// flush passes on what the guest printed to a file or pseudo-terminal.
func (v *vconsole) flush() error {
	if v == nil || v.out == nil {
		return nil
	}
	return v.out.Flush()
}

// deliver types what has come from the pseudo-terminal.
func (v *vconsole) deliver(now uint64) (some bool) {
	if v == nil || v.in == nil {
		return false
	}
	b, ok := v.in.next(context.Background(), false)
	if !ok {
		v.in = nil
		return false
	}
	if len(b) > 0 {
		v.in.took(v.push(b, now))
	}
	return len(b) > 0
}
