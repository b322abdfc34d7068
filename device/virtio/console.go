package virtio

import (
	"encoding/binary"
	"io"
	"slices"
)

// Features of consoles (specification, "Console Device", "Feature bits").
const (
	consoleSize      = 0
	consoleEmergency = 2

	consoleRX = 0
	consoleTX = 1

	consoleInput = 64 << 10 // typed and not yet taken
	consolePiece = 4096     // of what is typed, for one buffer
	consoleMost  = 1 << 20  // bytes that one buffer may print
)

// ConsoleConfig is what a console is connected to.
type ConsoleConfig struct {
	Out           io.Writer
	Columns, Rows uint16 // 0: unknown
	Latency       uint64 // cycles for a buffer
	Rate          Rate
}

// ConsoleState is all that a console remembers.
type ConsoleState struct {
	Typed         []byte
	Columns, Rows uint16
}

// Console is a console with one port.
type Console struct {
	cfg ConsoleConfig
	st  ConsoleState
	buf []byte
}

// NewConsole returns a console.
func NewConsole(cfg ConsoleConfig) *Console {
	return &Console{cfg: cfg, st: ConsoleState{Columns: cfg.Columns, Rows: cfg.Rows}, buf: make([]byte, 4096)}
}

func (*Console) ID() uint32  { return 3 }
func (*Console) Queues() int { return 2 }
func (*Console) Reset()      {}

// Features are the size, where it is known, and emergency writes.
func (c *Console) Features() uint64 {
	if c.st.Columns == 0 {
		return 1 << consoleEmergency
	}
	return 1<<consoleEmergency | 1<<consoleSize
}

// ReadConfig gives struct virtio_console_config.
func (c *Console) ReadConfig(off uint64, buf []byte) {
	var b [12]byte
	binary.LittleEndian.PutUint16(b[0:], c.st.Columns)
	binary.LittleEndian.PutUint16(b[2:], c.st.Rows)
	binary.LittleEndian.PutUint32(b[4:], 1)
	copyConfig(buf, b[:], off)
}

// WriteConfig takes emergency writes: one character, at any time.
func (c *Console) WriteConfig(off uint64, buf []byte) {
	if off == 8 {
		_, _ = c.cfg.Out.Write(buf[:1]) // device.Output keeps its errors
	}
}

// Push hands over what was typed and returns how much of it was taken. The
// caller makes the device look at queue 0.
func (c *Console) Push(p []byte) int {
	n := min(len(p), consoleInput-len(c.st.Typed))
	c.st.Typed = append(c.st.Typed, p[:n]...)
	return n
}

// Ready says that there is always room to print, and input if something was
// typed.
func (c *Console) Ready(q int) bool { return q == consoleTX || len(c.st.Typed) > 0 }

// Serve takes a buffer to print, or one for input.
func (c *Console) Serve(_ *Device, r *Request, now uint64) (uint64, string) {
	if r.Queue == consoleTX {
		n := Length(r.Chain.Out)
		if n > consoleMost {
			return 0, "a console buffer has more than 1 MiB"
		}
		return now + c.cfg.Latency + c.cfg.Rate.For(n), ""
	}
	n := min(uint64(len(c.st.Typed)), Length(r.Chain.In), consolePiece)
	r.Data = slices.Clone(c.st.Typed[:n])
	c.st.Typed = slices.Delete(c.st.Typed, 0, int(n))
	return now + c.cfg.Latency + c.cfg.Rate.For(n), ""
}

// Finish prints, or gives what was typed.
func (c *Console) Finish(d *Device, r *Request, now uint64) (done uint64, wrong string) {
	if r.Queue == consoleRX {
		r.Written = uint32(len(r.Data))
		done, ok := d.Write(now, r.Chain.In, 0, r.Data)
		return done, unless(ok, "a console buffer is no memory")
	}
	done = now
	n := Length(r.Chain.Out)
	for off := uint64(0); off < n; {
		p := c.buf[:min(uint64(len(c.buf)), n-off)]
		at, ok := d.Read(now, r.Chain.Out, off, p)
		if !ok {
			return at, "a console buffer is no memory"
		}
		_, _ = c.cfg.Out.Write(p) // device.Output keeps its errors
		off += uint64(len(p))
		done = max(done, at)
	}
	return done, ""
}

// Resize changes the size of the terminal, where it was known. If it returns true
// the caller tells the driver by ConfigChanged.
func (c *Console) Resize(columns, rows uint16) bool {
	if c.st.Columns == 0 || columns == 0 || c.st.Columns == columns && c.st.Rows == rows {
		return false
	}
	c.st.Columns, c.st.Rows = columns, rows
	return true
}
