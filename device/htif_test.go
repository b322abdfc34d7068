package device

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"mcsim/addr"
)

// ram is a memory at ramBase.
type ram []byte

const ramBase = 0x80000000

var errHole = errors.New("no memory there")

func (m ram) at(pa addr.PA, n int) ([]byte, error) {
	off := uint64(pa) - ramBase
	if off > uint64(len(m)) || uint64(n) > uint64(len(m))-off {
		return nil, errHole
	}
	return m[off:][:n], nil
}

func (m ram) ReadPhys(pa addr.PA, buf []byte) error {
	b, err := m.at(pa, len(buf))
	copy(buf, b)
	return err
}

func (m ram) WritePhys(pa addr.PA, buf []byte) error {
	b, err := m.at(pa, len(buf))
	copy(b, buf)
	return err
}

// htifBench is an HTIF with tohost at ramBase+0x1000 and fromhost 0x40 above,
// as riscv-tests place them.
type htifBench struct {
	*HTIF
	ram      ram
	out, err bytes.Buffer
	exits    []Exit
	warnings []string
}

const (
	toHost   = ramBase + 0x1000
	fromHost = toHost + 0x40
)

func newHTIF(t testing.TB, line uint64) *htifBench {
	t.Helper()
	b := &htifBench{ram: make(ram, 1<<16)}
	h, err := NewHTIF(HTIFConfig{
		ToHost: toHost, FromHost: fromHost, Line: line, Poll: 100,
		Mem: b.ram, Stdout: &b.out, Stderr: &b.err,
		Exit: func(_ uint64, e Exit) { b.exits = append(b.exits, e) },
		Warn: func(_ uint64, _, what string, _ uint64) { b.warnings = append(b.warnings, what) },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.HTIF = h
	return b
}

func (b *htifBench) store(t *testing.T, now uint64, pa addr.PA, size int, v uint64) {
	t.Helper()
	w := b.window(pa)
	mustWrite(t, w, now, uint64(pa-w.Base), size, v)
}

func (b *htifBench) fromHost() uint64 { return binary.LittleEndian.Uint64(b.word(fromHost)) }

func (b *htifBench) wantExit(t *testing.T, code int64) {
	t.Helper()
	if want := []Exit{{Code: code, By: "htif"}}; !reflect.DeepEqual(b.exits, want) {
		t.Errorf("exits %+v, want %+v", b.exits, want)
	}
}

func TestHTIFExit(t *testing.T) {
	for v, code := range map[uint64]int64{1: 0, 3: 1, 1337<<1 | 1: 1337, ^uint64(0): -1} {
		b := newHTIF(t, 64)
		b.store(t, 0, toHost, 8, v)
		b.wantExit(t, code)
	}
}

// riscv-tests' p environment: sw TESTNUM to tohost, then sw zero to the upper
// half, for ever.
func TestHTIFExitByHalves(t *testing.T) {
	b := newHTIF(t, 64)
	b.store(t, 0, toHost, 4, 5<<1|1)
	if len(b.exits) != 0 {
		t.Fatal("exits on half a command")
	}
	b.store(t, 1, toHost+4, 4, 0)
	b.wantExit(t, 5)
	if b.Deadline() != 100 {
		t.Fatalf("deadline %d", b.Deadline())
	}
	b.Fire(100)
	b.wantExit(t, 5)
}

// A program that stores nothing but the lower half is understood after a poll.
func TestHTIFHalfAlone(t *testing.T) {
	b := newHTIF(t, 64)
	b.store(t, 50, toHost, 4, 1)
	b.store(t, 60, toHost, 4, 1)
	if b.Deadline() != 150 {
		t.Fatalf("deadline %d, want 150", b.Deadline())
	}
	b.Fire(149)
	if len(b.exits) != 0 {
		t.Fatal("exits early")
	}
	b.Fire(150)
	b.wantExit(t, 0)
	if b.Deadline() != NoDeadline {
		t.Fatalf("deadline %d", b.Deadline())
	}
}

func (b *htifBench) call(t *testing.T, pa addr.PA, args ...uint64) int64 {
	t.Helper()
	m, err := b.ram.at(pa, 64)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		binary.LittleEndian.PutUint64(m[8*i:], a)
	}
	b.HTIF.pieces(pa, m, func(addr.PA, []byte) error { return nil }, func(w, b []byte) { copy(w, b) })
	b.store(t, 0, toHost, 8, uint64(pa))
	if got := b.fromHost(); got != 1 {
		t.Errorf("fromhost %#x after a system call, want 1", got)
	}
	b.store(t, 0, fromHost, 8, 0)
	if err := b.HTIF.load(pa, m[:8]); err != nil {
		t.Fatal(err)
	}
	return int64(binary.LittleEndian.Uint64(m))
}

func TestHTIFSystemCalls(t *testing.T) {
	b := newHTIF(t, 64)
	const text = "hello from the guest\n"
	copy(b.ram[0x200:], text)
	last := uint64(len(b.ram))
	for _, c := range []struct {
		args []uint64
		want int64
	}{
		{[]uint64{sysWrite, 1, ramBase + 0x200, uint64(len(text))}, int64(len(text))},
		{[]uint64{sysWrite, 2, ramBase + 0x200, 5}, 5},
		{[]uint64{sysWrite, 3, ramBase + 0x200, 5}, -errBadFD},
		{[]uint64{sysWrite, 1, 0x1000, 5}, -errFault},
		{[]uint64{sysWrite, 1, ^uint64(0) - 2, 100}, -errFault},
		{[]uint64{sysWrite, 1, ramBase + 0x200, 0}, 0},
		{[]uint64{56, 1, 2, 3}, -errNoCall}, // openat
		{[]uint64{sysWrite, 2, ramBase + last - 0x1800, ^uint64(0)}, 0x1800},
	} {
		if got := b.call(t, ramBase+0x100, c.args...); got != c.want {
			t.Errorf("system call %v = %d, want %d", c.args, got, c.want)
		}
	}
	if b.out.String() != text || !strings.HasPrefix(b.err.String(), "hello") || b.err.Len() != 5+0x1800 {
		t.Errorf("printed %q and %d bytes of errors", b.out.String(), b.err.Len())
	}
	b.call(t, ramBase+0x100, sysExit, 42)
	b.wantExit(t, 42)
}

// The block of a system call may lie next to tohost, in the window or across
// its edge.
func TestHTIFCallInWindow(t *testing.T) {
	for _, pa := range []addr.PA{toHost - 0x20, toHost - 0x40, toHost + 0x80, toHost + 0xe0} {
		b := newHTIF(t, 256)
		copy(b.ram[0x300:], "ok")
		if got := b.call(t, pa, sysWrite, 1, ramBase+0x300, 2); got != 2 || b.out.String() != "ok" {
			t.Errorf("block at %#x: result %d, printed %q", pa, got, b.out.String())
		}
	}
}

func TestHTIFConsole(t *testing.T) {
	b := newHTIF(t, 64)
	for _, c := range "hi\n" {
		b.store(t, 0, toHost, 8, 1<<56|1<<48|uint64(c))
	}
	if b.out.String() != "hi\n" {
		t.Errorf("printed %q", b.out.String())
	}
	b.store(t, 0, toHost, 8, 1<<56)
	if b.fromHost() != 0 {
		t.Fatal("a reply before anyone typed")
	}
	b.Push([]byte("xy"))
	if b.fromHost() != 1<<56|0x100|'x' {
		t.Fatalf("fromhost %#x, want x", b.fromHost())
	}
	b.store(t, 0, toHost, 8, 1<<56)
	b.store(t, 0, fromHost, 4, 0) // by halves: the second is still to come
	b.store(t, 0, fromHost+4, 4, 0)
	b.Fire(b.Deadline())
	if b.fromHost() != 1<<56|0x100|'y' {
		t.Fatalf("fromhost %#x, want y", b.fromHost())
	}
}

func TestHTIFWindows(t *testing.T) {
	for _, c := range []struct{ line, windows uint64 }{{16, 2}, {64, 2}, {128, 1}, {256, 1}} {
		b := newHTIF(t, c.line)
		if n := uint64(len(b.Windows())); n != c.windows {
			t.Errorf("lines of %d bytes: %d windows, want %d", c.line, n, c.windows)
		}
	}
	b := newHTIF(t, 64)
	w := b.Windows()[0]
	mustWrite(t, w, 0, 13, 3, 0xaabbcc)
	wantRead(t, w, 0, 12, 8, 0xaabbcc00)
	wantFaults(t, w, 60, 8)
	wantFaults(t, w, 0, 0, 9, -1)
	wantFaults(t, w, 64, 1)
	wantFaults(t, w, ^uint64(0), 8)
	for _, c := range []HTIFConfig{
		{ToHost: toHost, Line: 0},
		{ToHost: toHost, Line: 48},
		{ToHost: toHost + 4, Line: 64},
		{ToHost: toHost, FromHost: fromHost + 1, Line: 64},
		{ToHost: toHost, FromHost: toHost, Line: 64},
	} {
		if _, err := NewHTIF(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// A guest that never takes its replies cannot make the simulator grow.
func TestHTIFRepliesAreBounded(t *testing.T) {
	b := newHTIF(t, 64)
	for range 1000 {
		b.store(t, 0, toHost, 8, 8) // a system call outside of memory
		b.store(t, 0, toHost, 8, 1<<56)
		b.Push([]byte("abc"))
	}
	if len(b.st.Replies) > htifReplies || len(b.warnings) == 0 {
		t.Errorf("%d replies are waiting, %d warnings", len(b.st.Replies), len(b.warnings))
	}
}

func FuzzHTIF(f *testing.F) {
	for _, p := range programs(4) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 14*64 {
			data = data[:14*64] // each command may print a megabyte
		}
		b := newHTIF(t, 128)
		copy(b.ram[0x100:], data)
		now := uint64(0)
		for _, o := range program(data) {
			now += o.skip
			w := b.Windows()[0]
			switch o.kind {
			case 0:
				b.Push(data[:o.off%20])
			case 1:
				b.Fire(now)
			case 2, 3:
				w.Read(now, o.off%140, o.size)
			case 4, 5, 6: // a command as programs give it
				w.Write(now, 0, 8, o.v&3<<56|o.v>>2&1<<48|o.v>>16&0xffff|ramBase)
			default:
				w.Write(now, o.off%140, o.size, o.v)
			}
			if len(b.st.Replies) > htifReplies || len(b.st.Received) > htifInputLimit {
				t.Fatal("queues grow without bound")
			}
			if b.Deadline() == NoDeadline && b.st.Halves != 0 {
				t.Fatal("half a command waits for ever")
			}
		}
		c := newHTIF(t, 128)
		copyState(t, b, c)
		if !reflect.DeepEqual(b.st, c.st) && fmt.Sprint(b.st) != fmt.Sprint(c.st) { // nil and empty are alike
			t.Fatalf("restored differently\n%+v\n%+v", b.st, c.st)
		}
		for i, w := range b.windows {
			if !bytes.Equal(w.Data, c.windows[i].Data) {
				t.Fatalf("window %d is restored differently", i)
			}
		}
	})
}

type brokenWriter struct{ calls int }

func (w *brokenWriter) Write([]byte) (int, error) {
	w.calls++
	return 0, errHole
}

func TestOutput(t *testing.T) {
	var sink bytes.Buffer
	o := NewOutput(&sink)
	_, _ = o.Write([]byte("abc"))
	if sink.Len() != 0 {
		t.Error("written before the flush")
	}
	_, _ = o.Write(make([]byte, outputLimit))
	if sink.Len() != outputLimit+3 {
		t.Errorf("%d bytes written at the limit", sink.Len())
	}
	w := &brokenWriter{}
	o = NewOutput(w)
	for range 3 {
		_, _ = o.Write([]byte("abc"))
		if err := o.Flush(); !errors.Is(err, errHole) {
			t.Errorf("flush: %v", err)
		}
	}
	if w.calls != 1 || len(o.buf) != 0 {
		t.Errorf("%d writes to a broken writer, %d bytes held", w.calls, len(o.buf))
	}
}
