package traces

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// idle gives its text and then nothing more, as a pipe whose writer has gone to sleep.
type idle struct {
	text  string
	empty func() // is called when all was given
}

func (p *idle) Read(b []byte) (int, error) {
	if p.text == "" {
		p.empty()
		select {}
	}
	n := copy(b, p.text)
	p.text = p.text[n:]
	return n, nil
}

// A pipe that nobody writes to any more ends by the interrupt, after all whole
// lines that came; so does the wait for a writer.
func TestInterrupt(t *testing.T) {
	stop := make(chan struct{})
	src := &idle{text: " L 1000,8\n S 2000,8\n L 30", empty: func() { close(stop) }}
	tr, err := Open("-", Options{Format: "lackey", Stdin: src, Interrupt: stop})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	refs, n := make([]Ref, 16), 0
	for err == nil {
		var k int
		k, err = tr.Readers()[0].Read(refs[n:])
		n += k
	}
	if !errors.Is(err, ErrInterrupted) || n != 2 || refs[1].VA != 0x2000 {
		t.Errorf("%d references, then %v", n, err)
	}

	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(fifo, Options{Interrupt: stop}); !errors.Is(err, ErrInterrupted) {
		t.Errorf("a named pipe without a writer: %v", err)
	}
	if f, err := os.OpenFile(fifo, os.O_WRONLY, 0); err == nil { // lets the goroutine go
		f.Close()
	}
}
