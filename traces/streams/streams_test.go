package streams

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"mcsim/traces"
)

// list is a reader of references, in pieces of odd sizes, that may fail at its
// end.
type list struct {
	refs []traces.Ref
	err  error
}

func (l *list) Read(refs []traces.Ref) (int, error) {
	n := copy(refs[:min(len(refs), 7)], l.refs)
	l.refs = l.refs[n:]
	if len(l.refs) > 0 {
		return n, nil
	}
	if l.err != nil {
		return n, l.err
	}
	return n, io.EOF
}

func all(t *testing.T, r traces.Reader, size int) (out []traces.Ref, err error) {
	buf := make([]traces.Ref, size)
	for {
		n, err := r.Read(buf)
		out = append(out, buf[:n]...)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if len(out) > 1<<20 {
			t.Fatal("the stream does not end")
		}
	}
}

func TestMergeByTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var readers []traces.Reader
	var want []traces.Ref
	for stream := range uint32(5) {
		cycle := uint64(0)
		var refs []traces.Ref
		for i := range rng.Uint64N(3000) {
			cycle += rng.Uint64N(4)
			refs = append(refs, traces.Ref{Thread: stream, Cycle: cycle, VA: i, Has: traces.HasCycle})
		}
		readers = append(readers, &list{refs: refs})
		want = append(want, refs...)
	}
	slices.SortStableFunc(want, func(a, b traces.Ref) int { return int(a.Cycle) - int(b.Cycle) })
	got, err := all(t, Merge(readers, ByTime, 0), 100)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d references, %v; want %d in order of time", len(got), err, len(want))
	}
}

func TestMergeRoundRobin(t *testing.T) {
	stream := func(thread uint32, n int) traces.Reader {
		var refs []traces.Ref
		for range n {
			refs = append(refs, traces.Ref{Thread: thread})
		}
		return &list{refs: refs}
	}
	tests := []struct {
		chunk int
		want  string
	}{{1, "0120120120202"}, {2, "0011220012202"}, {100, "0000011122222"}}
	for _, tt := range tests {
		got, err := all(t, Merge([]traces.Reader{stream(0, 5), stream(1, 3), stream(2, 5)}, RoundRobin, tt.chunk), 3)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, r := range got {
			text += string(rune('0' + r.Thread))
		}
		if text != tt.want {
			t.Errorf("chunks of %d: %s, want %s", tt.chunk, text, tt.want)
		}
	}
}

func TestMergeError(t *testing.T) {
	broken := errors.New("broken")
	for _, order := range []Order{ByTime, RoundRobin} {
		got, err := all(t, Merge([]traces.Reader{
			&list{refs: make([]traces.Ref, 3), err: broken}, &list{refs: make([]traces.Ref, 3)}, &list{},
		}, order, 1), 100)
		if err != broken || len(got) < 3 {
			t.Errorf("order %d: %d references, %v", order, len(got), err)
		}
	}
}

// Where a file is cut off, one of its streams ends before the others, which are
// whole up to there.
func TestMergeCut(t *testing.T) {
	cut := &traces.CutError{File: "f"}
	for _, order := range []Order{ByTime, RoundRobin} {
		got, err := all(t, Merge([]traces.Reader{
			&list{refs: make([]traces.Ref, 3), err: cut}, &list{err: cut}, &list{refs: make([]traces.Ref, 50)},
		}, order, 1), 100)
		if err != cut || len(got) != 53 {
			t.Errorf("order %d: %d references, %v", order, len(got), err)
		}
	}
}

func TestThreads(t *testing.T) {
	var threads Threads
	refs := func(ids ...uint32) traces.Reader {
		var out []traces.Ref
		for _, id := range ids {
			out = append(out, traces.Ref{Thread: id})
		}
		return &list{refs: out}
	}
	got, _ := all(t, Merge([]traces.Reader{threads.Of(0, refs(7, 9)), threads.Of(1, refs(7, 7))}, RoundRobin, 2), 10)
	var ids []uint32
	for _, r := range got {
		ids = append(ids, r.Thread)
	}
	if !slices.Equal(ids, []uint32{0, 1, 2, 2}) {
		t.Errorf("threads %v", ids)
	}
}

func TestSlice(t *testing.T) {
	var refs []traces.Ref
	for i := range uint64(100) {
		refs = append(refs, traces.Ref{
			VA: 0x1000 + 8*i, Cycle: 10 * i, Thread: uint32(i % 2), Kind: traces.Kind(i % 3), Instructions: 1,
			Has: traces.HasVA | traces.HasCycle,
		})
	}
	count := func(keep func(i int, r traces.Ref) bool) (out []uint64) {
		for i, r := range refs {
			if keep(i, r) {
				out = append(out, r.VA)
			}
		}
		return out
	}
	tests := []struct {
		name string
		part Part
		want []uint64
	}{
		{"all", Part{Cycles: All}, count(func(int, traces.Ref) bool { return true })},
		{"count", Part{Cycles: All, Skip: 10, Limit: 5}, count(func(i int, _ traces.Ref) bool { return i >= 10 && i < 15 })},
		{"time", Part{Cycles: Range{100, 200}}, count(func(_ int, r traces.Ref) bool { return r.Cycle >= 100 && r.Cycle <= 200 })},
		{"thread", Part{Cycles: All, Threads: []Range{{1, 1}}}, count(func(i int, _ traces.Ref) bool { return i%2 == 1 })},
		{"kind", Part{Cycles: All, Kinds: []traces.Kind{traces.Store, traces.Fetch}}, count(func(i int, _ traces.Ref) bool { return i%3 != 1 })},
		{"address", Part{Cycles: All, Addresses: []Range{{0x1000, 0x1010}, {0x1100, 0x1107}}}, []uint64{0x1000, 0x1008, 0x1010, 0x1100}},
	}
	for _, tt := range tests {
		got, err := all(t, Slice(&list{refs: slices.Clone(refs)}, tt.part), 9)
		if err != nil {
			t.Fatal(err)
		}
		var addrs []uint64
		instructions := uint32(0)
		for _, r := range got {
			addrs = append(addrs, r.VA)
			instructions += r.Instructions
		}
		if !slices.Equal(addrs, tt.want) {
			t.Errorf("%s: %x, want %x", tt.name, addrs, tt.want)
		}
		// Up to the last reference of each thread that is kept, none is lost.
		if tt.name == "kind" && instructions != 100 {
			t.Errorf("%d instructions", instructions)
		}
	}
}
