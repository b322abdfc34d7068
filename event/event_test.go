package event

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"
)

// Every kind has a whole row, and no two share a name: a log is read by names.
func TestTableIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for k := range NumKinds {
		d := k.Describe()
		if d.Name == "" || d.Doc == "" || seen[d.Name] {
			t.Errorf("kind %d: row %+v", k, d)
		}
		seen[d.Name] = true
		names := map[string]bool{"level": true, "cycle": true, "hart": true, "vm": true, "event": true, "category": true}
		for _, a := range d.Args {
			if (a.Name == "") != (a.Format == None) || a.Name != "" && names[a.Name] {
				t.Errorf("%s: argument %+v", d.Name, a)
			}
			names[a.Name] = true
		}
	}
}

func TestNilBufferWantsNothing(t *testing.T) {
	var b *Buffer
	b.Emit(Event{})
	if b.On(Run) || b.Len() != 0 || b.Full() {
		t.Error("a nil buffer collects")
	}
	if NewBuffer(Filter{}, 0, 0) != nil {
		t.Error("a buffer for nothing")
	}
}

func TestFilter(t *testing.T) {
	f := NewFilter(Info, Trap)
	b := NewBuffer(f, 0, 0)
	b.Emit(Event{Kind: TrapReturn}) // debug
	b.Emit(Event{Kind: TrapTaken})
	b.Emit(Event{Kind: RunBegin}) // another category
	if b.Len() != 1 || !b.On(Trap) || b.On(Run) {
		t.Errorf("%d events", b.Len())
	}
	if all := NewFilter(Debug); all.Wants(Retire) || !all.Wants(Fill) {
		t.Error("by default everything but instructions is wanted")
	}
}

func TestMergeOrder(t *testing.T) {
	h0 := NewBuffer(NewFilter(Debug), 0, 0)
	h1 := NewBuffer(NewFilter(Debug), 1, 2)
	bus := NewBuffer(NewFilter(Debug), 2, 0)
	for _, c := range []uint64{10, 20, 20} {
		h0.Emit(Event{Cycle: c, Hart: 0, Kind: Fill, Arg: [4]uint64{1}})
	}
	for _, c := range []uint64{5, 20, 30, 31} { // the last two are lost
		h1.Emit(Event{Cycle: c, Hart: 1, Kind: Fill, Arg: [4]uint64{2}})
	}
	bus.Emit(Event{Cycle: 20, Hart: 0, Kind: BusTransaction}) // after hart 0's own
	bus.Emit(Event{Cycle: 20, Hart: -1, Kind: DRAMAccess})

	var got []string
	Merge([]*Buffer{h0, nil, h1, bus}, func(e *Event) bool {
		got = append(got, fmt.Sprintf("%d %d %s %d", e.Cycle, e.Hart, e.Kind, e.Arg[0]))
		return true
	})
	want := []string{"5 1 fill 2", "10 0 fill 1", "20 -1 dram 0", "20 0 fill 1", "20 0 fill 1", "20 0 bus 0", "20 1 fill 2", "30 -1 events-lost 2"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if h0.Len()+h1.Len()+bus.Len() != 0 {
		t.Error("Merge leaves events behind")
	}
}

// Merge is a stable sort of all that the buffers hold.
func TestMergeSorts(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 300 {
		var bufs []*Buffer
		var all []Event
		for range rng.IntN(9) {
			b := NewBuffer(NewFilter(Debug), 0, 0)
			for range rng.IntN(20) {
				e := Event{Cycle: rng.Uint64N(12), Hart: int16(rng.IntN(3)), Kind: Fill, Arg: [4]uint64{uint64(len(all))}}
				b.Emit(e)
				all = append(all, e)
			}
			bufs = append(bufs, b)
		}
		sort.SliceStable(all, func(i, j int) bool {
			return all[i].Cycle < all[j].Cycle || all[i].Cycle == all[j].Cycle && all[i].Hart < all[j].Hart
		})
		stop := rng.IntN(len(all) + 2)
		var got []Event
		left := Merge(bufs, func(e *Event) bool {
			if len(got) == stop {
				return false
			}
			got = append(got, *e)
			return true
		})
		if want := all[:min(stop, len(all))]; !slices.Equal(got, want) || left != len(all)-len(want) {
			t.Fatalf("%d left; got\n%v\nwant\n%v", left, got, want)
		}
	}
}

func TestCauseNames(t *testing.T) {
	for v, want := range map[uint64]string{2: "illegal-instruction", 1<<63 | 7: "machine-timer", 14: "14", 1<<63 | 99: "99"} {
		if got := CauseName(v); got != want {
			t.Errorf("%#x: %s", v, got)
		}
	}
}

func BenchmarkOff(b *testing.B) {
	var buf *Buffer
	for b.Loop() {
		if buf.On(Coherence) {
			buf.Emit(Event{})
		}
	}
}
