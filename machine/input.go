package machine

import (
	"context"
	"io"
	"os"
)

// input brings what the terminal types to the guest, at quantum ends.
//
// A regular file is read in step with the guest, a piece whenever it has taken
// the last one, so that such a run can be repeated. A terminal or a pipe is read
// as its characters come: the one thing in a run that no seed repeats.
type input struct {
	file    io.Reader   // read in step; nil: read by a goroutine into c
	c       chan []byte // closed at the end of the input
	pending []byte      // read, and not yet taken
	first   int         // length of the first piece, if not 0: where pieces end depends on it
}

// inputPiece is how much is read at a time.
const inputPiece = 256

// newInput reads from r. A machine that goes on from a checkpoint says how much the
// guest had been given by then, and how much of a piece it had not taken.
func newInput(r io.Reader, taken uint64, untaken int) *input {
	if inStep(r) {
		in := &input{file: r, first: untaken}
		if _, err := io.CopyN(io.Discard, r, int64(taken)); err != nil {
			in.first = 0 // shorter than it was: at its end
		}
		return in
	}
	in := &input{c: make(chan []byte, 16)}
	go func() {
		defer close(in.c)
		for {
			buf := make([]byte, inputPiece)
			n, err := r.Read(buf)
			if n > 0 {
				in.c <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return in
}

// inStep says whether reading r never has to wait for anyone.
func inStep(r io.Reader) bool {
	if f, ok := r.(*os.File); ok {
		info, err := f.Stat()
		return err == nil && info.Mode().IsRegular()
	}
	_, inMemory := r.(interface{ Len() int })
	return inMemory
}

// next returns what is there to be taken, nil if nothing is. With wait set it
// waits for it; ok is false at the end of the input, or of ctx.
func (in *input) next(ctx context.Context, wait bool) (b []byte, ok bool) {
	if len(in.pending) > 0 {
		return in.pending, true
	}
	if in.file != nil {
		buf := make([]byte, inputPiece)
		if in.first > 0 {
			buf, in.first = buf[:min(in.first, inputPiece)], 0
		}
		n, _ := in.file.Read(buf)
		in.pending = buf[:n]
		return in.pending, n > 0
	}
	if wait {
		select {
		case in.pending, ok = <-in.c:
		case <-ctx.Done():
			return nil, true
		}
		return in.pending, ok
	}
	select {
	case in.pending, ok = <-in.c:
		return in.pending, ok
	default:
		return nil, true
	}
}

// took says that the guest has taken n bytes.
func (in *input) took(n int) { in.pending = in.pending[n:] }

// comes is where the next piece will come from; nil if none will, or one is
// there already, or it can be read without waiting.
func (in *input) comes() <-chan []byte {
	if in == nil || len(in.pending) > 0 {
		return nil
	}
	return in.c
}

// came keeps what comes gave, for next.
func (in *input) came(b []byte, ok bool) {
	if ok {
		in.pending = b
	} // at the end the channel stays ready, and next finds out
}

// holds says whether something was read and not yet taken.
func (in *input) holds() bool { return in != nil && len(in.pending) > 0 }

// deliver hands the guest what has come from outside, but for the terminal.
func (m *Machine) deliver(now uint64) bool {
	frames := m.net.deliver(now)
	window := m.resized(now)
	return m.vconsole.deliver(now) || frames || window
}

// offerInput gives the guest what its terminal typed, as far as it takes it. It
// returns false at the end of the input.
func (m *Machine) offerInput(ctx context.Context, wait bool) bool {
	if m.input == nil {
		return false
	}
	b, ok := m.input.next(ctx, wait)
	if !ok {
		m.input = nil
		return false
	}
	if len(b) == 0 {
		return true
	}
	n := len(b)
	switch {
	case m.vconsole.takes():
		n = m.vconsole.push(b, m.cycles)
		m.bus.Reschedule()
	case m.uart != nil:
		n = m.uart.Push(m.cycles, b)
		m.bus.Reschedule()
	}
	if m.htif != nil {
		m.htif.Push(b[:n])
	}
	m.input.took(n)
	m.taken += uint64(n)
	return true
}

// waitForInput waits for the world outside where all harts sleep and the guest
// listens to it: for the terminal it has to have asked for an interrupt when a
// character comes. It returns false if nothing will come.
func (m *Machine) waitForInput(ctx context.Context) bool {
	typed := m.input != nil && (m.vconsole.takes() || m.uart != nil && m.uart.Listens())
	if !typed && m.net == nil && m.vconsole.silent() {
		return false
	}
	if d := m.opts.Debugger; d != nil {
		var cancel context.CancelFunc
		ctx, cancel = d.Until(ctx)
		defer cancel()
	}
	if typed && m.input.file != nil {
		return m.offerInput(ctx, true) || ctx.Err() != nil
	}
	m.outside(ctx, forever) // OnQuantum sees to an end of ctx
	m.takeIn()
	return true
}
