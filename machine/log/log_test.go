package log

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"mcsim/event"
)

func TestLines(t *testing.T) {
	var b strings.Builder
	l := New(&b, Options{Level: event.Info, Only: []event.Category{event.Trap, event.Run}})
	l.SetNames(Names{event.Reason: func(v uint64) string { return []string{"none", "exit"}[v] }})
	l.Begin("v0", 7, struct {
		Harts int `json:"harts"`
	}{2})
	l.Write(&event.Event{Cycle: 9, Hart: 1, Kind: event.TrapTaken, Arg: [4]uint64{11, 0x80000000, 0, 3}})
	l.Write(&event.Event{Cycle: 9, Hart: 1, Kind: event.Fill})
	l.Write(&event.Event{Cycle: 10, Hart: -1, Kind: event.RunEnd, Arg: [4]uint64{1, ^uint64(0), 5}})
	if b.Len() != 0 {
		t.Error("not buffered")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"level":"info","event":"config","category":"run","cycle":0,"hart":-1,"vm":0,"version":"v0","seed":7,"config":{"harts":2}}
{"level":"info","event":"trap","category":"trap","cycle":9,"hart":1,"vm":0,"cause":"ecall-m","pc":"0x80000000","tval":"0x0","to":"M"}
{"level":"info","event":"run-end","category":"run","cycle":10,"hart":-1,"vm":0,"reason":"exit","exit_code":-1,"instructions":5}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// Whatever the numbers are, each kind gives one line of JSON.
func FuzzWrite(f *testing.F) {
	f.Add(uint8(0), uint64(1), int16(0), uint64(2), uint64(3))
	f.Fuzz(func(t *testing.T, kind uint8, cycle uint64, hart int16, a, b uint64) {
		var out strings.Builder
		l := New(&out, Options{Only: []event.Category{event.Run, event.Trap, event.Inst, event.Coherence}})
		k := event.Kind(kind) % event.NumKinds
		l.Write(&event.Event{Cycle: cycle, Hart: hart, Kind: k, Arg: [4]uint64{a, b, a, b}})
		l.Flush()
		if f := l.Filter(); !f.Wants(k) {
			return
		}
		var line struct{ Cycle uint64 }
		if err := json.Unmarshal([]byte(out.String()), &line); err != nil || line.Cycle != cycle {
			t.Errorf("%v: %s", err, out.String())
		}
	})
}

// A guest that traps for ever must not fill the disk.
func TestLimit(t *testing.T) {
	var b strings.Builder
	l := New(&b, Options{Limit: 500})
	for c := range uint64(100) {
		l.Write(&event.Event{Cycle: c, Kind: event.RunBegin})
	}
	l.Close()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if last := lines[len(lines)-1]; b.Len() > 1000 || !strings.Contains(last, `"event":"log-full"`) || strings.Count(b.String(), "log-full") != 1 {
		t.Errorf("%d bytes, last %s", b.Len(), last)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestErrorIsKept(t *testing.T) {
	l := New(full{}, Options{})
	l.Write(&event.Event{Kind: event.RunBegin})
	if err := l.Close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Error(err)
	}
}

func BenchmarkWrite(b *testing.B) {
	l := New(io.Discard, Options{})
	e := event.Event{Cycle: 123456, Kind: event.SnoopChange, Arg: [4]uint64{0x80001000, 1, 2, 3}}
	b.ReportAllocs()
	for b.Loop() {
		l.Write(&e)
	}
}

// A log that was cut says so, whatever it was asked for, but where it was full already.
func TestCut(t *testing.T) {
	for limit, want := range map[uint64]int{0: 1, 1: 0} {
		var b strings.Builder
		l := New(&b, Options{Only: []event.Category{event.Inst}, Limit: limit})
		l.Write(&event.Event{Cycle: 6, Kind: event.Retire})
		l.Cut(7, 8)
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		line := `{"level":"warn","event":"log-cut","category":"run","cycle":7,"hart":-1,"vm":0,"count":8}` + "\n"
		if strings.Count(b.String(), line) != want {
			t.Errorf("limit %d:\n%s", limit, b.String())
		}
	}
}
