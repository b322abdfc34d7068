package cli

import (
	"bytes"
	"io"
	"strings"
	"syscall"
	"testing"
)

// idle gives its text and then nothing more, as a pipe whose writer has gone to sleep.
type idle struct {
	text    io.Reader
	waiting chan struct{} // closed when nothing is left to give
	wake    chan struct{}
}

func (p *idle) Read(b []byte) (int, error) {
	if n, err := p.text.Read(b); err == nil {
		return n, nil
	}
	close(p.waiting)
	<-p.wake
	return 0, io.EOF
}

// Ctrl-C ends what waits for a pipe, with what was read so far.
func TestInterruptOnIdlePipe(t *testing.T) {
	text := "I  04000000,4\n L 1ffefff0,8\nI  04000004,4\n S 1ffefff8,8\n"
	for _, c := range []struct {
		args, want string
	}{
		{"trace stats --format lackey -", "references"},
		{"trace convert --format lackey --to text -", "R 0x1ffefff0"},
		{"trace head --format lackey -", "load"},
		{"replay --harts 1 --memory 16MiB --format lackey --json -", `"reason": "interrupted"`},
	} {
		p := &idle{text: strings.NewReader(text), waiting: make(chan struct{}), wake: make(chan struct{})}
		go func() {
			<-p.waiting
			syscall.Kill(syscall.Getpid(), syscall.SIGINT)
		}()
		var out, errs bytes.Buffer
		if code := Main(strings.Fields(c.args), p, &out, &errs); code != exitInterrupted {
			t.Errorf("%s: code %d\n%s", c.args, code, errs.String())
		}
		if !strings.Contains(out.String()+errs.String(), c.want) {
			t.Errorf("%s: printed\n%s%s", c.args, out.String(), errs.String())
		}
		close(p.wake)
	}
}
