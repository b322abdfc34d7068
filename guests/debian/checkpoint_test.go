package debian_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"mcsim/machine"
	"mcsim/snapshot"
)

func restore(m *machine.Machine, file *bytes.Buffer) error {
	r, err := snapshot.Open(bytes.NewReader(file.Bytes()))
	if err != nil {
		return err
	}
	_, err = m.Restore(r)
	return err
}

// A boot that is saved on its way and one that goes on from there end as one that was
// never interrupted, on any number of the host's cores: console and statistics are
// the same. Another seed ends in the same self-test, and so does functional mode.
func TestBootCheckpoint(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b := boot{harts: 2, args: "quiet selftest.only=harts,shared,futex,memory", saveAt: "cycle:600000000", saved: new(bytes.Buffer)}
	whole := b.run(t)
	whole.passed(t)
	t.Logf("a checkpoint of %d bytes", b.saved.Len())
	runtime.GOMAXPROCS(2)
	b.saveAt = ""
	rest := b.run(t)
	if !strings.HasSuffix(whole.console, rest.console) {
		t.Errorf("consoles differ:\n%s\n%s", tail(whole.console), tail(rest.console))
	}
	for name, v := range whole.values {
		if rest.values[name] != v {
			t.Errorf("%s is %s, restored %s", name, v, rest.values[name])
		}
	}
	for _, set := range [][]string{{"machine.seed=5", "machine.quantum=300", "machine.llc.size=2MiB"}, {"run.fast_until=marker:never"}} {
		b.set = set
		o := b.run(t)
		o.passed(t)
		if o.values["sim.cycles"] == whole.values["sim.cycles"] {
			t.Errorf("%v: the same %s cycles", set, fmt.Sprint(o.values["sim.cycles"]))
		}
	}
}
