package virtio_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"mcsim/device"
	"mcsim/device/virtio"
)

// "Entropy Device": buffers are filled, with bytes that a seed repeats.
func TestRNG(t *testing.T) {
	draw := func(seed uint64) (all []byte) {
		d := newDriver(t, virtio.NewRNG(seed, 100, virtio.Rate{}))
		for _, n := range []int{1, 7, 64, 5000} {
			in := d.in(n)
			got := d.qs[0].do(in)
			if want := uint32(min(n, 4096)); got != want {
				t.Errorf("%d of %d bytes", got, n)
			}
			all = append(all, d.bytes(in)[:got]...)
		}
		return all
	}
	a, b, c := draw(1), draw(1), draw(2)
	if !bytes.Equal(a, b) || bytes.Equal(a, c) {
		t.Error("the seed does not decide")
	}
	count := [256]int{}
	for _, x := range a {
		count[x]++
	}
	for x, n := range count { // 4168 bytes: 16 of each expected
		if n == 0 || n > 48 {
			t.Errorf("byte %#x comes %d times", x, n)
		}
	}
	d := newDriver(t, virtio.NewRNG(1, 1, virtio.Rate{}))
	d.qs[0].add(d.out([]byte{1}))
	d.qs[0].notify()
	d.run()
	if d.r(rStatus)&64 == 0 {
		t.Error("a buffer that cannot be filled is taken")
	}
}

// "Console Device": printing, typing, size, emergency writes.
func TestConsole(t *testing.T) {
	var out bytes.Buffer
	con := virtio.NewConsole(virtio.ConsoleConfig{Out: &out, Columns: 132, Rows: 43})
	d := attach(t, con, false)
	d.dev.Write(0, rConfig+8, 4, 'E') // before any driver is there
	d.start(8, 0)
	big := bytes.Repeat([]byte("0123456789"), 1000)
	d.qs[1].do(d.out([]byte("hello ")), d.out(big))
	if got := out.String(); got != "Ehello "+string(big) {
		t.Errorf("printed %d characters", len(got))
	}
	if v, _ := d.dev.Read(0, rConfig, 4); v != 43<<16|132 {
		t.Errorf("size %#x", v)
	}
	in := d.in(4)
	d.qs[0].add(in)
	d.qs[0].notify()
	d.run()
	if len(d.qs[0].usedChains()) != 0 {
		t.Error("a buffer is used though nobody typed")
	}
	con.Push([]byte("typed"))
	d.dev.Look(0, d.now)
	d.run()
	if u := d.qs[0].usedChains(); len(u) != 1 || u[0].n != 4 || string(d.bytes(in)) != "type" {
		t.Errorf("used %v: %q", u, d.bytes(in))
	}
	if n := con.Push(make([]byte, 1<<20)); n > 64<<10 {
		t.Errorf("%d bytes wait for a guest that does not read", n)
	}
	con.Resize(80, 25)
	d.dev.ConfigChanged(d.now)
	d.run()
	if v, _ := d.dev.Read(0, rConfig, 4); v != 25<<16|80 || d.r(rGeneration) == 0 || d.r(rInterrupt)&2 == 0 {
		t.Errorf("after a resize: size %#x, generation %d", v, d.r(rGeneration))
	}
}

type wire struct{ frames [][]byte }

func (w *wire) Send(_ uint64, f []byte) { w.frames = append(w.frames, f) }

// "Network Device": the header of 12 bytes, checksums, frames that cannot be.
func TestNet(t *testing.T) {
	w := &wire{}
	card := virtio.NewNet(virtio.NetConfig{Wire: w, MAC: [6]byte{2, 0, 0, 0, 0, 1}, MTU: 1500, Rate: virtio.Rate{Bytes: 1, Cycles: 8}})
	d := newDriver(t, card, 5, 0)
	if v, _ := d.dev.Read(0, rConfig, 8); v != 0x0001_0100_0000_0002 {
		t.Errorf("MAC and status %#x", v)
	}
	head := func(flags byte, start, offset uint16) []byte {
		h := make([]byte, 12)
		h[0] = flags
		binary.LittleEndian.PutUint16(h[6:], start)
		binary.LittleEndian.PutUint16(h[8:], offset)
		return h
	}
	frame := make([]byte, 60)
	for i := range frame {
		frame[i] = byte(i * 7)
	}
	before := d.now
	d.qs[1].do(d.out(head(0, 0, 0)), d.out(frame[:20]), d.out(frame[20:]))
	if len(w.frames) != 1 || !bytes.Equal(w.frames[0], frame) || d.now-before < 60*8 {
		t.Fatalf("sent %v after %d cycles", w.frames, d.now-before)
	}
	// The sum over what begins at 34, with the sum in it, is all ones (RFC 1071).
	d.qs[1].do(d.out(append(head(1, 34, 6), frame...)))
	sum := uint32(0)
	got := w.frames[1]
	was := uint32(frame[40])<<8 | uint32(frame[41])
	for i := 34; i < 60; i += 2 {
		sum += uint32(got[i])<<8 | uint32(got[i+1])
	}
	for sum += was; sum>>16 != 0; {
		sum = sum>>16 + sum&0xffff
	}
	if sum != 0xffff {
		t.Errorf("the checksum is wrong: %#x", sum)
	}
	for name, bad := range map[string][]byte{
		"beyond the frame": append(head(1, 59, 6), frame...),
		"segmentation":     append([]byte{0, 1}, make([]byte, 70)...),
		"too short":        head(0, 0, 0),
	} {
		if d.qs[1].do(d.out(bad)); len(w.frames) != 2 {
			t.Errorf("%s: sent", name)
		}
	}
	card.Receive([]byte("a frame from far away"))
	d.dev.Look(0, d.now)
	d.run() // no buffer yet
	in := d.in(100)
	d.qs[0].add(in)
	d.qs[0].notify()
	d.run()
	if u := d.qs[0].usedChains(); len(u) != 1 || u[0].n != 12+21 || string(d.bytes(in)[12:33]) != "a frame from far away" || d.bytes(in)[10] != 1 {
		t.Errorf("received %v: %q", u, d.bytes(in))
	}
	card.Receive(make([]byte, 200))
	if n := d.qs[0].do(d.in(100)); n != 0 {
		t.Errorf("%d bytes of a frame that does not fit", n)
	}
	for range 10000 {
		card.Receive(make([]byte, 60))
	}
	if card.Stats.Dropped < 9000 {
		t.Error("frames wait without bound")
	}
	d = newDriver(t, card, 5)
	d.qs[1].add(d.out([]byte{1}))
	d.qs[1].notify()
	d.run()
	if d.r(rStatus)&64 == 0 || d.dev.Deadline() != device.NoDeadline {
		t.Error("a frame without a header is taken")
	}
}
