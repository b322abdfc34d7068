package machine_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"mcsim/event"
	"mcsim/machine"
	"mcsim/machine/log"
)

// cutShort runs a program in one long quantum, and interrupts it when the bus comes to a
// cycle, recorded and with every event logged.
func cutShort(t *testing.T, harts int, cycle uint64) (o *outcome, recording []byte) {
	t.Helper()
	j := job{guest: "regions"}
	var events, file bytes.Buffer
	l := log.New(&events, log.Options{Level: event.Debug, Only: []event.Category{event.Run, event.Trap, event.Coherence, event.Bus, event.Inst}})
	cfg := configure(t, []string{fmt.Sprintf("machine.harts=%d", harts), "machine.memory=16MiB", "machine.quantum=1000000"})
	m, err := machine.New(cfg, machine.Options{Console: new(bytes.Buffer), Log: l, Check: true, Record: &machine.Recording{To: &file, Version: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	o = &outcome{m: m, image: j.program(t)}
	if err := m.LoadELF(j.guest, o.image); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m.InterruptAt(cycle, cancel)
	o.Result, o.err = m.Run(ctx, machine.Limits{})
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	o.log = events.String()
	return o, file.Bytes()
}

// A run that is interrupted ends within its quantum, and all that it leaves agrees: the
// log has every instruction that was counted, and the recording leads to the same
// counts.
func TestInterruptWithinAQuantum(t *testing.T) {
	for _, c := range []struct {
		harts int
		cycle uint64
	}{{1, 1000}, {2, 1}, {2, 5000}, {4, 1}, {4, 1000}} {
		o, file := cutShort(t, c.harts, c.cycle)
		if o.err != nil || o.Reason != "interrupted" || o.Cycles < c.cycle || o.count(t, "harts[0].cycles") > 100000 {
			t.Errorf("%+v: ended by %q at cycle %d, hart 0 at %d: %v", c, o.Reason, o.Cycles, o.count(t, "harts[0].cycles"), o.err)
			continue
		}
		n := strings.Count(o.log, `"event":"retire"`)
		// One hart may have come to the end of the quantum while the others waited for it.
		if cut := strings.Contains(o.log, `"event":"log-cut"`); uint64(n) != o.Instructions && !cut || cut && o.Cycles < 1000000 {
			t.Errorf("%+v: %d instructions in the log, %d were counted", c, n, o.Instructions)
		}
		last := fmt.Sprintf(`"event":"run-end","category":"run","cycle":%d,"hart":-1,"vm":0,"reason":"interrupted","exit_code":0,"instructions":%d}`+"\n", o.Cycles, o.Instructions)
		if !strings.HasSuffix(o.log, last) {
			t.Errorf("%+v: the log ends with\n%s", c, o.log[max(0, len(o.log)-300):])
		}
		got := followed(t, file)
		if got.err != nil || got.Reason != "trace-end" || got.Cycles != o.Cycles {
			t.Errorf("%+v: the replay ended by %q at cycle %d, not %d: %v", c, got.Reason, got.Cycles, o.Cycles, got.err)
		}
		if a, b := hardwareCounts(got), hardwareCounts(o); a != b {
			t.Errorf("%+v: replay and recorded run differ in %s", c, firstDifference(a, b))
		}
		if again, _ := cutShort(t, c.harts, c.cycle); again.log != o.log {
			t.Errorf("%+v: a second run that is interrupted there differs in %s", c, firstDifference(again.log, o.log))
		}
	}
}

// Harts look up from a long quantum now and then. That changes nothing: a run that
// looks after each instruction, since each is logged, counts the same.
func TestLookingUpChangesNothing(t *testing.T) {
	j := job{guest: "lrsc", harts: 2, set: []string{"machine.quantum=1000000"}, limits: limits{Cycles: 1}}
	plain := j.run(t)
	var events bytes.Buffer
	l := log.New(&events, log.Options{Level: event.Debug, Only: []event.Category{event.Inst}, Limit: 1})
	m, err := machine.New(configure(t, []string{"machine.harts=2", "machine.memory=16MiB", "machine.quantum=1000000"}), machine.Options{Console: new(bytes.Buffer), Log: l})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadELF(j.guest, j.program(t)); err != nil {
		t.Fatal(err)
	}
	each := &outcome{m: m}
	each.Result, each.err = m.Run(t.Context(), machine.Limits{Cycles: 1})
	if plain.Cycles < 1000000 || each.Cycles != plain.Cycles || each.counts() != plain.counts() {
		t.Errorf("%+v %v, %+v %v: they differ in %s", plain.Result, plain.err, each.Result, each.err, firstDifference(plain.counts(), each.counts()))
	}
}
