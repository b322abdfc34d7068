package machine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"mcsim/machine"
	"mcsim/record"
	"mcsim/traces"
)

func openFile(t testing.TB, file []byte) *traces.Recording {
	t.Helper()
	rec, err := traces.OpenRecording(bytes.NewReader(file), int64(len(file)), "recording")
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func allRecords(t testing.TB, rec *traces.Recording) (all [][]record.Record) {
	t.Helper()
	for i := range rec.Header.Streams {
		var list []record.Record
		r := rec.Records(i)
		buf := make([]record.Record, 999)
		for {
			n, err := r.Read(buf)
			list = append(list, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, list)
	}
	return all
}

// A recording changes nothing that the run counts or prints, and its bytes do
// not depend on the host's processors.
func TestRecordingIsRepeatable(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, seed := range []int{1, 2} {
		j := job{guest: "locks", harts: 4, words: map[string]uint64{"iterations": 60}, set: []string{fmt.Sprintf("machine.seed=%d", seed), "machine.jitter=9"}}
		plain := j.run(t)
		var first []byte
		for _, procs := range []int{1, 2, 4} {
			runtime.GOMAXPROCS(procs)
			o, file := recordJob(t, j, nil)
			if o.counts() != plain.counts() || o.console != plain.console {
				t.Fatalf("seed %d, GOMAXPROCS %d: recording changed the run: %s", seed, procs, firstDifference(o.counts(), plain.counts()))
			}
			if first == nil {
				first = file
			}
			if !bytes.Equal(file, first) {
				t.Fatalf("seed %d: other bytes with GOMAXPROCS %d", seed, procs)
			}
			if got := followed(t, file); got.err != nil || hardwareCounts(got) != hardwareCounts(plain) {
				t.Fatalf("seed %d, GOMAXPROCS %d: %v, %s", seed, procs, got.err, firstDifference(hardwareCounts(got), hardwareCounts(plain)))
			}
		}
	}
}

// The accesses of a recording are those that the caches and the walker counted.
func TestRecordingHasEveryAccess(t *testing.T) {
	want, file := recordJob(t, job{guest: "vm", harts: 2, set: []string{"machine.store_buffer.depth=0"}}, nil)
	want.mustEnd(t)
	for hart, recs := range allRecords(t, openFile(t, file))[:2] {
		var fetches, walks uint64
		for _, r := range recs {
			switch {
			case r.Op == record.Fetch && r.Flags == 0:
				fetches++
			case r.Op == record.Walk:
				walks++
			}
		}
		name := func(s string) string { return fmt.Sprintf("harts[%d].%s", hart, s) }
		if n := want.count(t, name("l1i.accesses")); n != fetches {
			t.Errorf("hart %d: %d fetches in the recording, %d accesses of the L1I", hart, fetches, n)
		}
		if n := want.count(t, name("walker.accesses")); n > walks {
			t.Errorf("hart %d: %d accesses by the walker in the recording, %d counted", hart, walks, n)
		}
	}
}

// Every filter leaves the references that it says, and no others: compared with
// the whole recording.
func TestRecordFilters(t *testing.T) {
	j := job{guest: "histogram", harts: 2, words: map[string]uint64{"iterations": 300}}
	_, whole := recordJob(t, j, nil)
	all := allRecords(t, openFile(t, whole))
	for name, c := range map[string]struct {
		set  func(f *traces.Filter)
		want func(hart int, r *record.Record) bool
	}{
		"harts": {func(f *traces.Filter) { f.Harts = []int{1} }, func(h int, _ *record.Record) bool { return h == 1 }},
		// Without the hypervisor extension all is of VMID 0; traces/filter_test.go has others.
		"no vm":  {func(f *traces.Filter) { f.VMIDs = []uint16{3} }, func(int, *record.Record) bool { return false }},
		"vms":    {func(f *traces.Filter) { f.VMIDs = []uint16{0, 3} }, func(int, *record.Record) bool { return true }},
		"kinds":  {func(f *traces.Filter) { f.Kinds = []traces.Kind{traces.AMO} }, func(_ int, r *record.Record) bool { return r.Op == record.AMO }},
		"cycles": {func(f *traces.Filter) { f.From, f.To = 1000, 9000 }, func(_ int, r *record.Record) bool { return r.Cycle >= 1000 && r.Cycle <= 9000 }},
		"ranges": {func(f *traces.Filter) { f.Ranges = []traces.Range{{First: 0x8000_0000, Last: 0x8000_01ff}} },
			func(_ int, r *record.Record) bool { return r.PA < 0x8000_0200 && r.PA+uint64(r.Size) > 0x8000_0000 }},
	} {
		f := traces.NewFilter()
		c.set(f)
		_, file := recordJob(t, j, f)
		rec := openFile(t, file)
		if rec.Header.Exact || len(rec.Header.Filters) == 0 {
			t.Errorf("%s: the header does not tell of the filter", name)
		}
		for hart, got := range allRecords(t, rec) {
			var want []record.Record
			for _, r := range all[hart] {
				if r.Op < record.NumRefs && r.Flags&record.Fault == 0 && c.want(hart, &r) {
					want = append(want, r)
				}
			}
			k := 0
			for _, r := range got {
				if r.Op == record.Context {
					continue
				}
				if k == len(want) || r != want[k] {
					t.Fatalf("%s: hart %d: reference %d is %+v", name, hart, k, r)
				}
				k++
			}
			if k != len(want) {
				t.Errorf("%s: hart %d: %d references, want %d", name, hart, k, len(want))
			}
		}
	}
}

// fullDisk is a disk with room for so many bytes.
type fullDisk struct{ left int }

var errFull = errors.New("no space left on device")

func (f *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	f.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// A disk that is full ends the run, with what was counted until then.
func TestRecordingToAFullDisk(t *testing.T) {
	j := job{guest: "matmul", harts: 1}
	for _, room := range []int{0, 10_000, 100_000} {
		j.record = &machine.Recording{To: &fullDisk{room}, Version: "test"}
		o := j.run(t)
		if !errors.Is(o.err, errFull) {
			t.Errorf("room for %d bytes: ended by %q: %v", room, o.Reason, o.err)
		}
		if room > 10_000 && (o.Instructions == 0 || o.Instructions > 20_000_000) {
			t.Errorf("room for %d bytes: %d instructions", room, o.Instructions)
		}
	}
}

// A damaged or foreign recording is followed as far as it goes, and then an
// error says where they part.
func TestFollowingAnotherRecording(t *testing.T) {
	_, file := recordJob(t, job{guest: "locks", harts: 2, words: map[string]uint64{"iterations": 20}}, nil)
	rec := openFile(t, file)
	all := allRecords(t, rec)
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range 60 {
		var b bytes.Buffer
		w, err := traces.NewRecordWriter(&b, &rec.Header)
		if err != nil {
			t.Fatal(err)
		}
		hart, at := rng.IntN(3), 0
		for s, recs := range all {
			recs = append([]record.Record{}, recs...)
			if s == hart {
				at = rng.IntN(len(recs))
				switch r := &recs[at]; i % 6 {
				case 0:
					r.VA ^= 1 << rng.IntN(64)
				case 1:
					r.Op = record.Op(rng.IntN(int(record.NumOps) + 3))
				case 2:
					r.Cycle -= uint64(rng.IntN(1000))
				case 3:
					*r = record.Record{VA: rng.Uint64(), PA: rng.Uint64(), PC: rng.Uint64(), Cycle: r.Cycle, Size: uint16(rng.Uint32()), Op: record.Regime}
				case 4:
					recs = recs[:at]
				case 5:
					r.Size, r.Op = uint16(rng.Uint32()), record.DMAWrite
					r.VA = rng.Uint64()
				}
			}
			if err := w.WriteRecords(s, recs); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		o := follow(t, b.Bytes())
		if o.err != nil && (o.Reason == "bug" || strings.Contains(o.err.Error(), "internal error")) {
			t.Fatalf("seed %d, change %d of record %d of stream %d: %q: %v", seed, i%6, at, hart, o.Reason, o.err)
		}
	}
}
