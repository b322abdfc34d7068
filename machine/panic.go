package machine

import (
	"bytes"
	"io"

	"mcsim/snapshot"
)

// panicEnd is what Linux says last where a panic stops it for ever, with one hart
// that waits busily (kernel/panic.c). With panic=-1 it says nothing, and asks for
// a reset.
var panicEnd = []byte("---[ end Kernel panic - not syncing")

// panicWatch looks for panicEnd in what the guest prints.
type panicWatch struct {
	w     io.Writer
	tail  []byte // of what was printed, shorter than panicEnd
	found bool
	seen  bool // with the rest of its line
}

func (p *panicWatch) Write(b []byte) (int, error) {
	p.tail = append(p.tail, b...)
	if i := bytes.Index(p.tail, panicEnd); i >= 0 {
		p.found, p.tail = true, p.tail[i+len(panicEnd):]
	}
	p.seen = p.seen || p.found && bytes.IndexByte(p.tail, '\n') >= 0 // the line is whole
	p.tail = append([]byte(nil), p.tail[max(0, len(p.tail)-len(panicEnd)+1):]...)
	return p.w.Write(b)
}

// Snapshot saves or loads what was printed last, in which a panic may have begun.
func (p *panicWatch) Snapshot(c *snapshot.Coder) {
	c.Buffer(&p.tail, len(panicEnd))
	c.Bool(&p.found, &p.seen)
}

// panicked says whether the run is to end because the guest's kernel stands still. A
// debugger's user wants to look at it.
func (m *Machine) panicked() bool {
	return m.panic.seen && m.boot != nil && m.cfg.Run.PanicEnds && m.opts.Debugger == nil
}
