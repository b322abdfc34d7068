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
	ends string                   // the reason that the run ends with; "" is exit
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
	if s.ends == "" {
		out.mustEnd(t)
	} else if out.Reason != s.ends {
		t.Fatalf("%+v %v", out.Result, out.err)
	}
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
		job{guest: "vm", harts: 3, set: []string{"machine.mmu=sv39", "machine.l2.size=64KiB", "machine.dtlb.replacement=fifo"}},
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

// One checkpoint, other machines: seed, quantum, jitter and log change freely; caches
// and TLBs of another shape start cold and say so, and the program still computes what
// it should; what the guest was told cannot change.
func TestRestoreElsewhere(t *testing.T) {
	s := &saving{job: job{guest: "histogram", harts: 3, words: map[string]uint64{"iterations": 300}, check: true}, at: "cycle:30000"}
	whole := s.run(t)
	for _, x := range []struct {
		set  []string
		note string // in the notes; "": none
	}{
		{[]string{"machine.seed=9", "machine.quantum=10", "machine.jitter=5"}, ""},
		{[]string{"machine.quantum=7000", "machine.core.mul=9", "log.level=warn"}, ""},
		{[]string{"machine.l1d.size=8KiB", "machine.l1d.ways=2"}, "caches start cold: machine.l1d.size is 8KiB"},
		{[]string{"machine.l2.size=128KiB"}, "caches start cold: machine.l2.size is 128KiB"},
		{[]string{"machine.protocol=MOESI", "machine.evictions=announced", "machine.llc.inclusive=false"}, "caches start cold: machine.protocol is MOESI"},
		{[]string{"machine.dtlb.entries=4", "machine.dtlb.ways=4"}, "TLBs start cold"},
		{[]string{"machine.dram.channels=1", "machine.bus.width=8"}, "bus and DRAM start idle"},
		{[]string{"machine.store_buffer.depth=1"}, "store buffers start empty"},
	} {
		r, err := restore(t, s.file.Bytes(), append(x.set, "run.check=true")...)
		if err != nil {
			t.Errorf("%v: %v", x.set, err)
			continue
		}
		notes := strings.Join(r.notes, "\n")
		if (x.note == "") != (notes == "") || !strings.Contains(notes, x.note) {
			t.Errorf("%v: notes %q, want %q", x.set, notes, x.note)
		}
		o := r.run(t)
		if bare := strings.Contains(x.note, "TLBs"); o.ExitCode != 0 || (o.Cycles == whole.Cycles) != bare || !strings.Contains(o.console, "no item lost: ok") {
			t.Errorf("%v: exit code %d after %d cycles (%d without a change)\n%s", x.set, o.ExitCode, o.Cycles, whole.Cycles, o.console)
		}
		// The program has no TLB to miss in; everything else takes another time.
		again, err := restore(t, s.file.Bytes(), append(x.set, "run.check=true")...)
		if err != nil {
			t.Fatal(err)
		}
		sameRun(t, fmt.Sprint(x.set, ", again"), o, again.run(t))
	}
	for set, want := range map[string]string{
		"machine.harts=2": "machine.harts is 2, but the checkpoint has 3", "machine.memory=32MiB": "machine.memory", "machine.isa=rv64imafdc": "machine.isa",
		"machine.l1d.line=32": "machine.l1d.line", "machine.clock=900MHz": "machine.clock", "machine.devices.rtc=false": "machine.devices.rtc", "machine.mmu=sv39": "machine.mmu",
	} {
		if _, err := restore(t, s.file.Bytes(), set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}

// A field that is not saved shows in the comparison.
func TestDifferencesAreSeen(t *testing.T) {
	s := &saving{job: job{guest: "hello", harts: 2}, at: "cycle:3000"}
	s.look = func(m *machine.Machine) {
		r, err := restore(t, s.file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(){
			"x5":     func() { r.Harts()[1].SetX(5, r.Harts()[1].X(5)+1) },
			"memory": func() { _ = r.WriteMemory(machine.RAMBase+0x100000, []byte{1}) },
			"csr":    func() { r.Harts()[0].WriteCSR(0x340, 77) },
		} {
			if d := machine.Differences(m, r.Machine); len(d) > 0 {
				t.Fatalf("%s: differs already: %v", name, d)
			}
			change()
			if d := machine.Differences(m, r.Machine); len(d) == 0 {
				t.Errorf("%s: a change is not seen", name)
			}
			if r, err = restore(t, s.file.Bytes()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.run(t)
}
