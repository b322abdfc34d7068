package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"mcsim/machine"
	"mcsim/stats"
)

// terminal keeps the guest's console and mcsim's own words apart where both
// appear on one screen.
type terminal struct {
	mu       sync.Mutex
	out, err io.Writer
	quiet    bool
	isTTY    bool // standard error is one, so that a progress line is of use
	shown    bool // a progress line is on the screen
	midLine  bool // the guest has written part of a line
	raw      bool // the guest has the terminal: lines of ours end in \r\n
}

func newTerminal(out, err io.Writer, quiet bool) *terminal {
	return &terminal{out: out, err: err, quiet: quiet, isTTY: width(err) > 0}
}

// width is the number of columns of w if it is a terminal, else 0.
func width(w io.Writer) int {
	if out, ok := w.(*watched); ok {
		w = out.Writer
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// tableOptions fit a table to where it is printed: at most 120 columns of a
// terminal, and 100 elsewhere.
func tableOptions(w io.Writer, all bool) stats.TableOptions {
	columns := width(w)
	if columns == 0 {
		columns = 100
	}
	return stats.TableOptions{Width: max(60, min(columns, 120)), All: all}
}

func (t *terminal) say(format string, args ...any) {
	if t.quiet {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	t.tell(fmt.Sprintf("mcsim: "+format+"\n", args...))
}

// note prints a text of several lines, wherever the guest is in its own.
func (t *terminal) note(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell(text)
}

func (t *terminal) tell(text string) {
	if t.raw {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	fmt.Fprint(t.err, text)
}

func (t *terminal) setRaw(raw bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.raw = raw
}

func (t *terminal) erase() {
	if t.shown {
		fmt.Fprint(t.err, "\r\x1b[K")
		t.shown = false
	}
}

// console is the guest's: writing to it takes the progress line away first.
func (t *terminal) console() io.Writer { return (*consoleWriter)(t) }

type consoleWriter terminal

func (c *consoleWriter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	(*terminal)(c).erase()
	if len(p) > 0 {
		c.midLine = p[len(p)-1] != '\n'
	}
	return c.out.Write(p)
}

// progress draws at most five times a second, on a terminal only.
type progress struct {
	t                       *terminal
	maxInstructions, maxCyc uint64
	start, last             time.Time
	lastInstructions        uint64
	mips                    float64
	read                    func() (read, total int64) // bytes of the traces, in a replay
}

const drawEvery = 200 * time.Millisecond

func newProgress(t *terminal, maxInstructions, maxCycles uint64) *progress {
	now := time.Now()
	return &progress{t: t, maxInstructions: maxInstructions, maxCyc: maxCycles, start: now, last: now}
}

// update is called by the machine, as often as it likes.
func (p *progress) update(at machine.Progress) {
	if p.t.quiet || !p.t.isTTY {
		return
	}
	now := time.Now()
	since := now.Sub(p.last)
	if since < drawEvery {
		return
	}
	work := at.Instructions
	if p.read != nil {
		work = at.References
	}
	recent := float64(work-p.lastInstructions) / since.Seconds() / 1e6
	if p.mips == 0 {
		p.mips = recent
	}
	p.mips += (recent - p.mips) / 4 // smooth what people read
	p.last, p.lastInstructions = now, work

	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	if p.t.midLine || p.t.raw {
		return // do not write into the guest's line
	}
	p.t.shown = true
	fmt.Fprintf(p.t.err, "\r\x1b[K%s", p.line(at, now.Sub(p.start)))
}

func (p *progress) line(at machine.Progress, elapsed time.Duration) string {
	if p.read != nil {
		return p.replayLine(at, elapsed)
	}
	s := fmt.Sprintf("%.0f M instructions, %.0f M cycles, %.1f MIPS, %v",
		float64(at.Instructions)/1e6, float64(at.Cycles)/1e6, p.mips, elapsed.Round(time.Second))
	done := 0.0
	if p.maxInstructions > 0 {
		done = float64(at.Instructions) / float64(p.maxInstructions)
	}
	if p.maxCyc > 0 {
		done = max(done, float64(at.Cycles)/float64(p.maxCyc))
	}
	if done > 0.001 {
		left := time.Duration(float64(elapsed) * (1 - min(done, 1)) / done)
		s += fmt.Sprintf(", %.0f %% of the limit, at most %v left", 100*done, left.Round(time.Second))
	}
	return s
}

func (p *progress) replayLine(at machine.Progress, elapsed time.Duration) string {
	s := fmt.Sprintf("%.1f M references, %.0f M cycles, %.1f M references/s, %v",
		float64(at.References)/1e6, float64(at.Cycles)/1e6, p.mips, elapsed.Round(time.Second))
	if read, total := p.read(); total > 0 && read > 0 {
		done := min(1, float64(read)/float64(total))
		left := time.Duration(float64(elapsed) * (1 - done) / done)
		s += fmt.Sprintf(", %.0f %% read, at most %v left", 100*done, left.Round(time.Second))
	}
	return s
}

func (p *progress) clear() {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	p.t.erase()
	if p.t.midLine && p.t.isTTY {
		fmt.Fprintln(p.t.err) // begin our own words on a line of their own
		p.t.midLine = false
	}
}

// stopper turns the first SIGINT or SIGTERM into the end of a context. The
// second has its usual effect.
type stopper struct {
	ctx    context.Context
	cancel context.CancelFunc
	sigs   chan os.Signal
	mu     sync.Mutex
	got    os.Signal
	wish   bool // quit was called
	done   chan struct{}
}

func newStopper() *stopper {
	s := &stopper{sigs: make(chan os.Signal, 1), done: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	signal.Notify(s.sigs, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(s.done)
		sig, ok := <-s.sigs
		if !ok {
			return
		}
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		s.mu.Lock()
		s.got = sig
		s.mu.Unlock()
		s.cancel()
	}()
	return s
}

// quit ends the run as the user's wish, which is no failure.
func (s *stopper) quit() {
	s.mu.Lock()
	s.wish = true
	s.mu.Unlock()
	s.cancel()
}

// code is the exit code for the signal that came, or the user's wish to quit.
func (s *stopper) code() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wish {
		return exitOK
	}
	if s.got == syscall.SIGTERM {
		return exitTerminated
	}
	return exitInterrupted
}

func (s *stopper) close() {
	signal.Stop(s.sigs)
	close(s.sigs)
	<-s.done
	s.cancel()
}
