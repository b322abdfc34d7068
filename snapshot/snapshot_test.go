package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"mcsim/snapshot"
)

// thing has a field of every kind.
type thing struct {
	A     uint8
	B     uint64
	C     int16
	D, E  bool
	Fixed [300]byte
	Queue []byte
	Name  string
	Words [1000]uint64
	Small [5]uint16
}

func (t *thing) Snapshot(c *snapshot.Coder) {
	snapshot.Uint(c, &t.A)
	snapshot.Uint(c, &t.B)
	snapshot.Int(c, &t.C)
	c.Bool(&t.D, &t.E)
	c.Bytes(t.Fixed[:])
	c.Buffer(&t.Queue, 1000)
	c.Text(&t.Name, 20)
	c.Words(t.Words[:])
	snapshot.Uints(c, t.Small[:])
	c.Shape("ways", 4)
}

func example() *thing {
	t := &thing{A: 200, B: math.MaxUint64, C: math.MinInt16, E: true, Queue: []byte("typed"), Name: "uart", Small: [5]uint16{0, 1, 65535}}
	for i := range t.Fixed {
		t.Fixed[i] = byte(i * 7)
	}
	for i := range t.Words {
		t.Words[i] = uint64(i) * 0x9e3779b97f4a7c15
	}
	return t
}

func body(ts ...*thing) func(*snapshot.Coder) {
	return func(c *snapshot.Coder) {
		for i, t := range ts {
			c.Section(fmt.Sprintf("thing%d", i), 3, t.Snapshot)
		}
	}
}

func saved(t testing.TB, h snapshot.Header, b func(*snapshot.Coder)) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := snapshot.Save(&out, h, b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func load(file []byte, b func(*snapshot.Coder)) (snapshot.Header, error) {
	r, err := snapshot.Open(bytes.NewReader(file))
	if err != nil {
		return snapshot.Header{}, err
	}
	return r.Header, r.Load(b)
}

func TestRoundTrip(t *testing.T) {
	h := snapshot.Header{Program: "p", Cycle: 7, Harts: 2, Config: []byte(`{"a":1}`)}
	a, b := example(), new(thing)
	b.Queue, b.A = []byte{1, 2, 3}, 9
	file := saved(t, h, body(a, b))
	x, y := new(thing), new(thing)
	got, err := load(file, body(x, y))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(h, got) || !reflect.DeepEqual(a, x) || !reflect.DeepEqual(b, y) {
		t.Errorf("loaded %+v\n%+v\n%+v", got, x, y)
	}
	if again := saved(t, h, body(a, b)); !bytes.Equal(file, again) {
		t.Error("the same state gave other bytes")
	}
}

// Every cut is refused as such, and no flipped bit gives other contents.
func TestDamage(t *testing.T) {
	file := saved(t, snapshot.Header{Program: "p", Config: []byte("{}")}, body(example()))
	for n := range file {
		if _, err := load(file[:n], body(new(thing))); err == nil {
			t.Fatalf("cut to %d of %d bytes: no error", n, len(file))
		} else if n > len(snapshot.Magic)+8 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(file), err)
		}
	}
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 0x10
		// zstd's frame has bits that mean nothing to the contents.
		x := new(thing)
		if _, err := load(bad, body(x)); err == nil && !reflect.DeepEqual(x, example()) {
			t.Fatalf("byte %d of %d flipped: no error, and other contents", i, len(file))
		}
	}
	if _, err := load(append(bytes.Clone(file), 1, 2, 3, 4), body(new(thing))); err == nil {
		t.Error("bytes after the end: no error")
	}
}

func TestRefusals(t *testing.T) {
	one := func(name string, version uint64, f func(*snapshot.Coder)) func(*snapshot.Coder) {
		return func(c *snapshot.Coder) { c.Section(name, version, f) }
	}
	word, half, flag := uint64(1<<20), uint16(0), true
	number := func(c *snapshot.Coder) { snapshot.Uint(c, &word) }
	for _, x := range []struct {
		name       string
		save, load func(*snapshot.Coder)
		want       string
	}{
		{"another section", one("uart", 1, number), one("plic", 1, number), `"uart" where "plic"`},
		{"another version", one("uart", 2, number), one("uart", 1, number), "section uart: version 2; this mcsim reads version 1"},
		{"a missing section", func(*snapshot.Coder) {}, one("uart", 1, number), `"end" where "uart"`},
		{"a section too many", one("uart", 1, number), func(*snapshot.Coder) {}, `"uart" where "end"`},
		{"another type", one("x", 1, number), one("x", 1, func(c *snapshot.Coder) { c.Bool(&flag) }), "an unsigned number where a truth value"},
		{"a number too large", one("x", 1, number), one("x", 1, func(c *snapshot.Coder) { snapshot.Uint(c, &half) }), "0x100000 is too large"},
		{"another shape", one("x", 1, func(c *snapshot.Coder) { c.Shape("l1d.ways", 4) }), one("x", 1, func(c *snapshot.Coder) { c.Shape("l1d.ways", 8) }), "l1d.ways: the checkpoint has 4, this machine 8"},
		{"another length", one("x", 1, func(c *snapshot.Coder) { c.Bytes(make([]byte, 4)) }), one("x", 1, func(c *snapshot.Coder) { c.Bytes(make([]byte, 5)) }), "4 bytes, this machine 5"},
		{"a list too long", one("x", 1, func(c *snapshot.Coder) { c.Len(5, 5) }), one("x", 1, func(c *snapshot.Coder) { c.Len(0, 4) }), "a list of 5, want at most 4"},
		{"too many fields", one("x", 1, func(c *snapshot.Coder) { number(c); number(c) }), one("x", 1, number), "longer than its fields"},
		{"too few fields", one("x", 1, number), one("x", 1, func(c *snapshot.Coder) { number(c); number(c) }), "shorter than its fields"},
	} {
		_, err := load(saved(t, snapshot.Header{Config: []byte("{}")}, x.save), x.load)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
	}
	for _, foreign := range []string{"", "x", "\x7fELF and so on, which is much longer than the magic words", "mcsim checkpoint\nx"} {
		if _, err := snapshot.Open(strings.NewReader(foreign)); err == nil {
			t.Errorf("%q: no error", foreign)
		}
	}
}

// Whatever a file holds, loading ends with an error or with what was saved.
func FuzzLoad(f *testing.F) {
	file := saved(f, snapshot.Header{Program: "p", Config: []byte("{}")}, body(example()))
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte(snapshot.Magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := new(thing)
		if _, err := load(data, body(x)); err == nil && !bytes.Equal(data, file) && len(x.Queue) > 1000 {
			t.Error("a buffer beyond its limit")
		}
	})
}

// FuzzSections has the fuzzer at the sections themselves, past compression and
// checksums of the file.
func FuzzSections(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint16(3))
	f.Fuzz(func(t *testing.T, payload []byte, queue uint16) {
		file := saved(t, snapshot.Header{Config: []byte("{}")}, func(c *snapshot.Coder) {
			c.Section("thing0", 3, func(c *snapshot.Coder) {
				for _, b := range payload {
					snapshot.Uint(c, &b)
				}
				c.Len(int(queue), 1<<16)
			})
		})
		if _, err := load(file, body(new(thing))); err == nil {
			t.Error("accepted")
		}
	})
}
