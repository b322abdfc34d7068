package cli

import (
	"bytes"
	"io"
	"strings"
	"syscall"
	"testing"

	"mcsim/coherence"
)

// A table with a mistake: what `protocol check` would print of it.
func TestCheckTellsABrokenRule(t *testing.T) {
	p := *coherence.MESI
	p.Table[coherence.Modified][coherence.SnoopGetS].Do &^= coherence.WriteBackHome
	c, err := newCheck([]string{"mesi"}, coherence.Options{Caches: 2, Lines: 1, Values: 2}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.all {
		e.p = &p
	}
	var out bytes.Buffer
	c.run(t.Context(), newTerminal(&out, io.Discard, false), func(e *explored) {
		if e.Violation == "" || e.Complete {
			t.Errorf("%+v", e)
		}
		e.write(&out)
	})
	for _, want := range []string{"  BROKEN: no cache answers for line 0", "    bus: serves c0\n"} {
		if strings.Count(out.String(), want) < len(c.all) {
			t.Errorf("%q is not told of each machine:\n%s", want, out.String())
		}
	}
	stop := newStopper()
	defer stop.close()
	if code := codeOf(c.verdict(stop)); code != exitDiffers {
		t.Errorf("code %d", code)
	}
}

// signalling interrupts its process once it is written to.
type signalling struct {
	bytes.Buffer
	sent bool
}

func (s *signalling) Write(b []byte) (int, error) {
	if !s.sent {
		s.sent = true
		syscall.Kill(syscall.Getpid(), syscall.SIGINT)
	}
	return s.Buffer.Write(b)
}

// Ctrl-C ends a check with what was seen until then.
func TestInterruptCheck(t *testing.T) {
	var out signalling // the table's head comes first
	var errs bytes.Buffer
	code := Main(strings.Fields("protocol check moesi mesif --caches 4 --lines 2"), strings.NewReader(""), &out, &errs)
	if code != exitInterrupted || !strings.Contains(errs.String(), "of 12 machines were explored to the end") {
		t.Errorf("code %d\n%s%s", code, out.String(), errs.String())
	}
	if strings.Contains(out.String(), "mesif") {
		t.Errorf("it went on:\n%s", out.String())
	}
}

// The outcome does not depend on how many machines are explored at a time.
func TestCheckIsRepeatable(t *testing.T) {
	var want string
	for _, workers := range []int{1, 2, 8} {
		c, err := newCheck(coherence.Names(), coherence.Options{Caches: 3, Lines: 1, Values: 2}, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		c.workers = workers
		var out bytes.Buffer
		c.run(t.Context(), newTerminal(&out, io.Discard, false), func(e *explored) { e.write(&out) })
		if want == "" {
			want = out.String()
		}
		if out.String() != want {
			t.Errorf("%d at a time:\n%s\nbut one at a time:\n%s", workers, out.String(), want)
		}
	}
}

func TestCheckNeedsMemory(t *testing.T) {
	var out, errs bytes.Buffer
	code := Main(strings.Fields("protocol check mesi --caches 3 --lines 2 --memory 64KiB"), strings.NewReader(""), &out, &errs)
	if code != exitLimit || strings.Count(out.String(), "not finished") != 6 || !strings.Contains(errs.String(), "64KiB") {
		t.Errorf("code %d\n%s%s", code, out.String(), errs.String())
	}
}
