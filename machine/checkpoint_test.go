package machine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"mcsim/event"
	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/machine/log"
	"mcsim/snapshot"
)

// saving is a run that takes a checkpoint.
type saving struct {
	job
	at   string                   // a trigger
	look func(m *machine.Machine) // at the machine when it is saved
	file bytes.Buffer
}

// settings are the settings of a job's machine.
func (j job) settings() []string {
	return append([]string{fmt.Sprintf("machine.harts=%d", max(1, j.harts)), "machine.memory=16MiB"}, j.set...)
}

// run runs to the end, and saves on the way.
func (s *saving) run(t *testing.T) *outcome {
	t.Helper()
	at, err := config.ParseTrigger(s.at)
	if err != nil {
		t.Fatal(err)
	}
	var console, events bytes.Buffer
	w := log.New(&events, log.Options{Level: event.Debug})
	m, err := machine.New(configure(t, s.settings()), machine.Options{Console: &console, Log: w, Check: s.check})
	if err != nil {
		t.Fatal(err)
	}
	out := &outcome{m: m}
	if err := m.LoadELF(s.guest, s.program(t)); err != nil {
		t.Fatal(err)
	}
	l := machine.Limits{Cycles: 200e6, CheckpointAt: at, Checkpoint: func(reason string) error {
		s.file.Reset()
		err := m.Checkpoint(&s.file, reason)
		if s.look != nil {
			s.look(m)
		}
		return err
	}}
	out.Result, out.err = m.Run(context.Background(), l)
	out.mustEnd(t)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	out.console, out.log = console.String(), events.String()
	return out
}

// restoring is a machine that goes on from a checkpoint.
type restoring struct {
	*machine.Machine
	header          snapshot.Header
	notes           []string
	console, events bytes.Buffer
	w               *log.Writer
}

func restore(t *testing.T, file []byte, set ...string) (*restoring, error) {
	t.Helper()
	f, err := snapshot.Open(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	in := config.Input{File: "checkpoint", Data: f.Header.Config}
	for _, s := range set {
		setting, err := config.ParseSetting(s)
		if err != nil {
			t.Fatal(err)
		}
		in.Set = append(in.Set, setting)
	}
	cfg, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	r := &restoring{header: f.Header}
	r.w = log.New(&r.events, log.Options{Level: event.Debug})
	if r.Machine, err = machine.New(cfg, machine.Options{Console: &r.console, Log: r.w, Check: cfg.Run.Check}); err != nil {
		t.Fatal(err)
	}
	r.notes, err = r.Restore(f)
	return r, err
}

func (r *restoring) run(t *testing.T) *outcome {
	t.Helper()
	out := &outcome{m: r.Machine}
	out.Result, out.err = r.Run(context.Background(), machine.Limits{Cycles: 400e6})
	out.mustEnd(t)
	if err := r.w.Flush(); err != nil {
		t.Fatal(err)
	}
	out.console, out.log = r.console.String(), r.events.String()
	return out
}

// rest is what a log has behind the line that says that the run was restored.
func rest(t *testing.T, events string) string {
	t.Helper()
	first, rest, _ := strings.Cut(events, "\n")
	if !strings.Contains(first, `"run-restored"`) {
		t.Fatalf("the log begins with %q", first)
	}
	return rest
}

// cuts are jobs that are saved and restored at points of their run.
var cuts = func() (list []job) {
	list = append(list, repeated...)
	list = append(list,
		job{guest: "hello", harts: 2},
		job{guest: "barrier", harts: 3, words: map[string]uint64{"iterations": 10}, set: []string{"machine.l2.size=64KiB", "machine.evictions=announced", "machine.protocol=MOESI"}},
		job{guest: "atomics", harts: 4, words: map[string]uint64{"iterations": 100}, set: []string{"machine.llc.inclusive=false", "machine.protocol=MSI", "machine.l1d.replacement=srrip"}},
		job{guest: "stream", harts: 1, words: map[string]uint64{"iterations": 1}, set: []string{"machine.store_buffer.depth=0", "machine.dram.policy=closed"}},
		job{guest: "pingpong", harts: 2, words: map[string]uint64{"iterations": 100}, set: []string{"machine.l1i.coherent=false", "machine.jitter=9"}},
		job{guest: "vm", harts: 3, set: []string{"machine.mmu=sv57", "machine.l2.size=64KiB", "machine.dtlb.replacement=fifo"}},
		job{guest: "fault-misalign", harts: 2},
	)
	return list
}()

// Run to the end; or save on the way, restore, and run to the end: console,
// statistics and log are the same, and so is every field of the machine when it is
// saved and when it is restored.
func TestCheckpointIsExact(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i, j := range cuts {
		j.log = true
		whole := j.run(t)
		whole.mustEnd(t)
		for k, part := range []uint64{1, 12, 37, 70} {
			if !*full && k != i%4 && k != (i+1)%4 {
				continue
			}
			runtime.GOMAXPROCS(1 + (i+k)%2)
			at := fmt.Sprintf("cycle:%d", whole.Cycles*part/100)
			name := fmt.Sprintf("%s, %d harts, %v, saved at %s", j.guest, j.harts, j.set, at)
			var restored *restoring
			s := &saving{job: j, at: at}
			s.look = func(m *machine.Machine) {
				var err error
				if restored, err = restore(t, s.file.Bytes()); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if d := machine.Differences(m, restored.Machine); len(d) > 0 {
					t.Fatalf("%s: the restored machine differs:\n%s", name, strings.Join(d, "\n"))
				}
			}
			saved := s.run(t)
			sameRun(t, name+", goes on", whole, saved)
			if restored == nil {
				t.Fatalf("%s: it was not saved", name)
			}
			runtime.GOMAXPROCS(2 - (i+k)%2)
			o := restored.run(t)
			o.log = whole.log[:restored.header.LogBytes] + rest(t, o.log)
			if !strings.HasSuffix(whole.console, o.console) {
				t.Errorf("%s: the console ends with %q, want a part of %q", name, o.console, whole.console)
			}
			o.console = whole.console
			sameRun(t, name+", restored", whole, o)
		}
	}
}

// A damaged file ends in an error that says what is wrong.
func TestCheckpointDamage(t *testing.T) {
	s := &saving{job: job{guest: "hello", harts: 2}, at: "cycle:3000"}
	s.run(t)
	file := s.file.Bytes()
	if _, err := restore(t, file); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(file); n += 1 + len(file)/97 {
		if _, err := restore(t, file[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes: restored", n, len(file))
		} else if n > 100 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(file), err)
		}
	}
}
