package machine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"mcsim/guests"
	"mcsim/machine"
	"mcsim/traces"
)

// recordJob runs a job and returns what it counted and its recording.
func recordJob(t testing.TB, j job, filter *traces.Filter) (*outcome, []byte) {
	t.Helper()
	var file bytes.Buffer
	j.record = &machine.Recording{To: &file, Filter: filter, Version: "test", Program: j.guest}
	return j.run(t), file.Bytes()
}

// follow makes a machine with the recording's configuration follow it.
func follow(t testing.TB, file []byte) *outcome {
	t.Helper()
	rec, err := traces.OpenRecording(bytes.NewReader(file), int64(len(file)), "recording")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := machine.ExactConfig(rec)
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine.New(cfg, machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadRecording(rec); err != nil {
		t.Fatal(err)
	}
	out := &outcome{m: m}
	out.Result, out.err = m.Run(context.Background(), machine.Limits{})
	return out
}

// followed is follow of a recording that is as it was made: its references are those
// that a reader finds.
func followed(t testing.TB, file []byte) *outcome {
	out := follow(t, file)
	if len(file) < 256<<10 && out.err == nil {
		if n := references(t, openFile(t, file)); out.References != n {
			t.Errorf("%d references were followed, and the recording has %d", out.References, n)
		}
	}
	return out
}

// references is how many a reader of the recording finds in it.
func references(t testing.TB, rec *traces.Recording) (n uint64) {
	t.Helper()
	refs := make([]traces.Ref, 4096)
	for i := range rec.Header.Streams {
		for r := rec.Refs(i); ; {
			k, err := r.Read(refs)
			n += uint64(k)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}

// ofHost are the statistics that a replay does not have in common with the run that
// was recorded. Devices, which a replay does without, count nothing there and have
// no names; everything else is compared.
var ofHost = regexp.MustCompile(`^(?:sim\.(?:host_seconds|mips)|virtio.*) `)

func hardwareCounts(o *outcome) string {
	var b strings.Builder
	for _, v := range values(o.m.Stats().Snapshot()) {
		if !ofHost.MatchString(v) {
			fmt.Fprintln(&b, v)
		}
	}
	return b.String()
}

// A recording that is replayed on the machine that made it counts the same, in
// every cache, TLB, walker, on the bus and in memory, and takes the same cycles.
func TestExactReplay(t *testing.T) {
	for _, name := range guests.Names() {
		if endless[name] {
			continue
		}
		q := quick[name]
		t.Run(name, func(t *testing.T) {
			if race && q.long {
				t.Skip("too long for the race detector")
			}
			t.Parallel()
			for _, harts := range []int{4, 1} {
				every := 1
				switch {
				case harts < q.least || q.long && harts < 4:
					continue
				case name == guests.DefaultName || name == "matmul":
					every = len(variants)
				case q.long:
					every = 5
				case race || harts < 4:
					every = 6
				}
				for i, v := range variants {
					if (i+harts+len(name))%every != 0 {
						continue
					}
					j := job{guest: name, harts: harts, words: q.words, set: v.set}
					want, file := recordJob(t, j, nil)
					if want.Reason != "exit" {
						t.Fatalf("%d harts, %s: ended by %q: %v", harts, v.name, want.Reason, want.err)
					}
					got := followed(t, file)
					if got.err != nil || got.Reason != "trace-end" {
						t.Errorf("%d harts, %s: the replay ended by %q: %v", harts, v.name, got.Reason, got.err)
						continue
					}
					a, b := hardwareCounts(got), hardwareCounts(want)
					if a != b {
						t.Errorf("%d harts, %s: replay and recorded run differ in %s", harts, v.name, firstDifference(a, b))
					}
				}
			}
		})
	}
}
