package traces

import (
	"io"
	"sync"

	"github.com/sourcegraph/conc"
	"github.com/sourcegraph/conc/panics"
)

// ahead reads on a goroutine of its own while the parser works, by at most the
// blocks that go round between the two: what has to be decompressed, and what may
// keep its reader waiting for ever, such as a pipe.
type ahead struct {
	full  chan block
	free  chan []byte
	stop  chan struct{}
	once  sync.Once
	works conc.WaitGroup
	waits bool // for the goroutine at the end; not if nothing can end its read
	eager bool // hand over what a single read gives, rather than whole blocks

	interrupt <-chan struct{} // closed: Read waits no longer

	now  block // that the parser reads
	left []byte
}

type block struct {
	buf []byte // as allocated
	n   int
	err error
}

const aheadBlocks = 3

func newAhead(src io.Reader, blockSize int, waits bool) *ahead {
	a := &ahead{waits: waits}
	a.start(src, blockSize)
	return a
}

// newPatient reads a pipe or the like, until interrupt is closed.
func newPatient(src io.Reader, blockSize int, waits bool, interrupt <-chan struct{}) *ahead {
	a := &ahead{waits: waits, eager: true, interrupt: interrupt}
	a.start(src, blockSize)
	return a
}

func (a *ahead) start(src io.Reader, blockSize int) {
	a.full, a.free = make(chan block, aheadBlocks), make(chan []byte, aheadBlocks)
	a.stop = make(chan struct{})
	for range aheadBlocks {
		a.free <- make([]byte, blockSize)
	}
	a.works.Go(func() { a.run(src) })
}

func (a *ahead) run(src io.Reader) {
	defer close(a.full)
	for {
		var b block
		select {
		case b.buf = <-a.free:
		case <-a.stop:
			return
		}
		// A decompressor may panic on a hostile file.
		if p := panics.Try(func() { b.fill(src, a.eager) }); p != nil {
			b.err = p.AsError()
		}
		select {
		case a.full <- b:
		case <-a.stop:
			return
		}
		if b.err != nil {
			return
		}
	}
}

// fill reads until the block is full, or with eager until it is not empty.
func (b *block) fill(src io.Reader, eager bool) {
	for tries := 0; b.n < len(b.buf) && b.err == nil; tries++ {
		n, err := src.Read(b.buf[b.n:])
		b.n += n
		b.err = err
		if n > 0 {
			if eager {
				return
			}
			tries = 0
		} else if err == nil && tries == 100 {
			b.err = io.ErrNoProgress
		}
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.left) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.buf != nil {
			a.free <- a.now.buf
			a.now.buf = nil
		}
		b, err := a.wait()
		if err != nil {
			return 0, err
		}
		a.now, a.left = b, b.buf[:b.n]
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// wait returns the next block. After an interrupt it is one that is there, if any:
// nothing more is read.
func (a *ahead) wait() (block, error) {
	var b block
	open, err := false, io.ErrClosedPipe
	select {
	case b, open = <-a.full:
	case <-a.interrupt:
		a.once.Do(func() { close(a.stop) })
		err = ErrInterrupted
		select {
		case b, open = <-a.full:
		default:
		}
	}
	if !open {
		return block{}, err
	}
	return b, nil
}

// Close ends the goroutine and waits for it, unless it may be reading standard
// input, which nobody has to write to.
func (a *ahead) Close() error {
	a.once.Do(func() { close(a.stop) })
	if a.waits {
		a.works.Wait()
	}
	return nil
}
