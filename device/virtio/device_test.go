package virtio_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"mcsim/addr"
	"mcsim/device/virtio"
)

// echo is a model that writes back what it reads, for tests of what all devices
// share. It takes 1000 cycles for a chain.
type echo struct{ busy, limit int }

func (*echo) ID() uint32                    { return 0x2a }
func (*echo) Features() uint64              { return 1 }
func (*echo) Queues() int                   { return 2 }
func (*echo) ReadConfig(_ uint64, b []byte) { clear(b) }
func (*echo) WriteConfig(uint64, []byte)    {}
func (e *echo) Reset()                      { e.busy = 0 }
func (e *echo) Ready(int) bool              { return e.limit == 0 || e.busy < e.limit }

func (e *echo) Serve(_ *virtio.Device, _ *virtio.Request, now uint64) (uint64, string) {
	e.busy++
	return now + 1000, ""
}

func (e *echo) Finish(d *virtio.Device, r *virtio.Request, now uint64) (uint64, string) {
	e.busy--
	b := make([]byte, min(virtio.Length(r.Chain.Out), virtio.Length(r.Chain.In), 1<<16))
	done, ok := d.Read(now, r.Chain.Out, 0, b)
	if ok {
		done, ok = d.Write(done, r.Chain.In, 0, b)
	}
	if !ok {
		return 0, "a hole"
	}
	r.Written = uint32(len(b))
	return done, ""
}

// Specification, "MMIO Device Register Layout" and "Device Initialization".
func TestBringUp(t *testing.T) {
	d := attach(t, &echo{}, false)
	if got := d.r(rVendor); got != 0x554d4551 {
		t.Errorf("vendor %#x: xv6 takes QEMU's 0x554d4551 only", got)
	}
	if d.r(rMagic) != 0x74726976 || d.r(rVersion) != 2 || d.r(rID) != 0x2a {
		t.Errorf("magic %#x, version %d, ID %#x", d.r(rMagic), d.r(rVersion), d.r(rID))
	}
	features := uint64(0)
	for i := range uint32(3) {
		d.w(rFeaturesSel, i)
		if i < 2 {
			features |= uint64(d.r(rFeatures)) << (32 * i)
		} else if d.r(rFeatures) != 0 {
			t.Error("features beyond 63")
		}
	}
	if want := uint64(1 | 1<<fIndirect | 1<<fEventIdx | 1<<fVersion1 | 1<<fRR); features != want {
		t.Errorf("features %#x, want %#x", features, want)
	}
	d.start(8)
	q := d.qs[0]
	in := d.in(5)
	if n := q.do(d.out([]byte("hel")), d.out([]byte("lo")), in); n != 5 || string(d.bytes(in)) != "hello" {
		t.Errorf("%d bytes: %q", n, d.bytes(in))
	}
	if !d.irq || d.r(rInterrupt) != 1 {
		t.Errorf("interrupt %v, status %d, want a used buffer", d.irq, d.r(rInterrupt))
	}
	d.w(rAck, 1)
	if d.irq || d.r(rInterrupt) != 0 {
		t.Error("the interrupt stays after its acknowledgement")
	}
	d.w(rStatus, 0)
	if d.r(rStatus) != 0 || d.r(rQueueReady) != 0 {
		t.Error("a reset leaves status or queue")
	}
}

// "Feature Bits": a driver that wants what was not offered, or not what must be
// taken, does not get FEATURES_OK, and without it no DRIVER_OK.
func TestNegotiation(t *testing.T) {
	for _, c := range []struct {
		platform bool
		want     uint64
		ok       bool
	}{
		{false, 1 << fVersion1, true},
		{false, 1<<fVersion1 | 1, true},
		{false, 0, true}, // a driver that knows 32 features only
		{true, 0, false},
		{false, 1<<fVersion1 | 2, false},
		{false, 1<<fVersion1 | 1<<fPlatform, false},
		{true, 1 << fVersion1, false},
		{true, 1<<fVersion1 | 1<<fPlatform, true},
	} {
		d := attach(t, &echo{}, c.platform)
		d.w(rStatus, 3)
		d.w(rDriverSel, 0)
		d.w(rDriver, uint32(c.want))
		d.w(rDriverSel, 1)
		d.w(rDriver, uint32(c.want>>32))
		d.w(rDriverSel, 2)
		d.w(rDriver, ^uint32(0))
		d.w(rStatus, 11)
		d.w(rStatus, 15)
		if got := d.r(rStatus); (got == 15) != c.ok || !c.ok && got != 3 {
			t.Errorf("platform %v, features %#x: status %d", c.platform, c.want, got)
		}
		if c.ok { // nothing changes any more
			d.w(rDriverSel, 1)
			d.w(rDriver, ^uint32(c.want>>32))
			if d.dev.Negotiated(fVersion1) != (c.want>>fVersion1&1 != 0) {
				t.Error("features change after FEATURES_OK")
			}
		}
	}
}

// "Indirect Descriptors", and chains that go round the table's end.
func TestChains(t *testing.T) {
	d := newDriver(t, &echo{}, fIndirect)
	q := d.qs[0]
	for i := range 50 {
		text := []byte(strings.Repeat("abc", i+1))
		in1, in2 := d.in(2), d.in(len(text)-2)
		bufs := []buf{d.out(text[:1]), d.out(text[1:]), in1, in2}
		var head uint16
		if i%2 == 0 {
			head = q.add(bufs...)
		} else {
			head = q.addIndirect(bufs...)
		}
		q.notify()
		d.run()
		if u := q.usedChains(); len(u) != 1 || u[0] != (used{head, uint32(len(text))}) {
			t.Fatalf("round %d: used %v", i, u)
		}
		if got := append(bytes.Clone(d.bytes(in1)), d.bytes(in2)...); string(got) != string(text) {
			t.Fatalf("round %d: %q", i, got)
		}
	}
}

// "Used Buffer Notification Suppression", with and without EVENT_IDX, and
// "Available Buffer Notification Suppression".
func TestSuppression(t *testing.T) {
	d := newDriver(t, &echo{})
	q := d.qs[0]
	binary.LittleEndian.PutUint16(d.m.at(q.avail, 2), 1) // VIRTQ_AVAIL_F_NO_INTERRUPT
	q.do(d.out([]byte{1}), d.in(1))
	if d.irqs != 0 {
		t.Error("an interrupt that the driver does not want")
	}
	binary.LittleEndian.PutUint16(d.m.at(q.avail, 2), 0)
	q.do(d.out([]byte{1}), d.in(1))
	if d.irqs != 1 {
		t.Error("no interrupt")
	}

	d = newDriver(t, &echo{}, fEventIdx)
	q = d.qs[0]
	for i := range 20 {
		// used_event 3: the interrupt comes with the fourth, and then not for
		// another 65536.
		binary.LittleEndian.PutUint16(d.m.at(q.avail+4+addr.PA(2*q.size), 2), 3)
		q.do(d.out([]byte{1}), d.in(1))
		d.w(rAck, 3)
		if want := min(1, (i+1)/4); d.irqs != want {
			t.Errorf("after %d buffers %d interrupts, want %d", i+1, d.irqs, want)
		}
		if e := binary.LittleEndian.Uint16(d.m.at(q.used+4+addr.PA(8*q.size), 2)); e != q.availIdx {
			t.Errorf("avail_event is %d, want %d", e, q.availIdx)
		}
	}
}

// Chains are worked on at the same time, and a model that can take no more gets
// the rest when it has room.
func TestManyInFlight(t *testing.T) {
	for _, limit := range []int{0, 1, 3} {
		d := newDriver(t, &echo{limit: limit})
		for range 4 {
			d.qs[0].add(d.out([]byte{7}), d.in(1))
		}
		d.qs[0].notify()
		d.run()
		if u := d.qs[0].usedChains(); len(u) != 4 {
			t.Errorf("limit %d: %d of 4 chains used", limit, len(u))
		}
		if limit == 0 && d.now > 2000 || limit == 1 && d.now < 4000 {
			t.Errorf("limit %d: done at cycle %d", limit, d.now)
		}
	}
}

// "Virtqueue Reset" and QueueReady: what was in flight is forgotten, memory is
// left alone, and the queue can be set up anew.
func TestQueueReset(t *testing.T) {
	for _, reg := range []uint64{rQueueReset, rQueueReady, rStatus} {
		d := newDriver(t, &echo{}, fRR)
		q := d.qs[1]
		q.add(d.out([]byte{7}), d.in(1))
		q.notify()
		d.now = d.dev.Deadline()
		d.dev.Fire(d.now) // the chain is in flight
		d.w(rQueueSel, 1)
		d.w(reg, map[uint64]uint32{rQueueReset: 1}[reg])
		before := d.m.accesses
		d.run()
		if d.m.accesses != before || len(q.usedChains()) != 0 {
			t.Errorf("register %#x: the device goes on", reg)
		}
		if reg == rStatus {
			continue
		}
		if d.r(rQueueReady) != 0 || d.r(rQueueReset) != 0 {
			t.Errorf("register %#x: ready %d, reset %d", reg, d.r(rQueueReady), d.r(rQueueReset))
		}
		d.w(rQueueReset, 0)
		if in := d.in(1); reg == rQueueReset {
			q = d.newQueue(1, 4)
			if n := q.do(d.out([]byte{9}), in); n != 1 || d.bytes(in)[0] != 9 {
				t.Error("the queue does not work after its reset")
			}
		}
	}
}

// What a hostile driver may do: the device stops with DEVICE_NEEDS_RESET and a
// configuration interrupt, touches nothing any more, and works after a reset.
func TestHostileDrivers(t *testing.T) {
	hole := addr.PA(0x1000)
	for name, attack := range map[string]func(d *driver, q *queue){
		"a loop": func(d *driver, q *queue) {
			d.putDesc(q.desc, ramBase, 1, 1, 1)
			d.putDesc(q.desc+16, ramBase, 1, 1, 0)
			q.offer(0)
		},
		"a self-loop":             func(d *driver, q *queue) { d.putDesc(q.desc, ramBase, 1, 1, 0); q.offer(0) },
		"a head beyond the queue": func(_ *driver, q *queue) { q.offer(8) },
		"a next beyond the queue": func(d *driver, q *queue) { d.putDesc(q.desc, ramBase, 1, 1, 8); q.offer(0) },
		"an index that jumps":     func(d *driver, q *queue) { q.availIdx = 100; q.offer(0) },
		"a chain again and again": func(d *driver, q *queue) {
			for range 3 {
				q.add(d.out([]byte{1}), d.in(1))
			}
			for q.notify(); d.r(rStatus)&64 == 0 && d.now < 900; d.dev.Fire(d.now) { // before the first is done
				q.offer(0)
				q.notify()
				d.now = d.dev.Deadline()
			}
		},
		"read after write":            func(d *driver, q *queue) { q.add(d.in(1), d.out([]byte{1})) },
		"a buffer in a hole":          func(_ *driver, q *queue) { q.add(buf{hole, 1, false}, buf{hole, 1, true}) },
		"a buffer that wraps around":  func(d *driver, q *queue) { q.add(buf{^addr.PA(0) - 1, 8, false}, d.in(8)) },
		"a buffer that leaves memory": func(d *driver, q *queue) { q.add(buf{ramBase + 4<<20 - 4, 8, false}, d.in(8)) },
		"5 GiB": func(d *driver, q *queue) {
			q.add(buf{ramBase, 1 << 31, false}, buf{ramBase, 1 << 31, false}, buf{ramBase, 1 << 30, true})
		},
		"an indirect table in a hole":   func(d *driver, q *queue) { d.putDesc(q.desc, hole, 16, 4, 0); q.offer(0) },
		"an indirect table of 17 bytes": func(d *driver, q *queue) { d.putDesc(q.desc, ramBase, 17, 4, 0); q.offer(0) },
		"an empty indirect table":       func(d *driver, q *queue) { d.putDesc(q.desc, ramBase, 0, 4, 0); q.offer(0) },
		"a huge indirect table":         func(d *driver, q *queue) { d.putDesc(q.desc, ramBase, 1<<31, 4, 0); q.offer(0) },
		"indirect and next":             func(d *driver, q *queue) { d.putDesc(q.desc, ramBase, 16, 5, 1); q.offer(0) },
		"an indirect table in its table": func(d *driver, q *queue) {
			q.addIndirect(buf{ramBase, 16, false})
			d.putDesc(d.heap-16, ramBase, 16, 4, 0)
		},
		"an indirect loop": func(d *driver, q *queue) {
			q.addIndirect(d.out([]byte{1}), d.out([]byte{1}))
			d.putDesc(d.heap-16, ramBase, 1, 1, 0)
		},
		"an indirect next beyond": func(d *driver, q *queue) { q.addIndirect(d.out([]byte{1})); d.putDesc(d.heap-16, ramBase, 1, 1, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t, &echo{}, fIndirect)
			attack(d, d.qs[0])
			d.qs[0].notify()
			if n := d.run(); n > 100 {
				t.Errorf("%d events", n)
			}
			if d.r(rStatus)&64 == 0 || d.dev.Broken() == "" || d.r(rInterrupt)&2 == 0 {
				t.Errorf("status %#x, interrupts %#x, %q", d.r(rStatus), d.r(rInterrupt), d.dev.Broken())
			}
			before := d.m.accesses
			d.qs[1].add(d.out([]byte{1}), d.in(1))
			d.qs[1].notify()
			d.run()
			if d.m.accesses != before {
				t.Error("a device that needs a reset goes on")
			}
			d.start(8)
			in := d.in(1)
			if d.qs[0].do(d.out([]byte{5}), in); d.bytes(in)[0] != 5 {
				t.Error("it does not work after a reset")
			}
		})
	}
	for name, place := range map[string]uint64{"desc": rDesc, "avail": rDriverArea, "used": rDeviceArea} {
		d := attach(t, &echo{}, false)
		d.start(8)
		d.w(rQueueSel, 0)
		d.w(rQueueReady, 0)
		d.w(place, 0xffff_fff0)
		d.w(place+4, 0xffff_ffff)
		d.w(rQueueReady, 1)
		d.qs[0].add(d.out([]byte{1}), d.in(1))
		d.qs[0].notify()
		d.run()
		if d.r(rStatus)&64 == 0 {
			t.Errorf("%s in a hole: status %#x", name, d.r(rStatus))
		}
	}
}

// Sizes and alignments that "Split Virtqueues" does not allow are not taken into
// use, and a queue in use does not move.
func TestQueuesThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		size, desc, driver, device uint32
		ok                         bool
	}{
		{256, 0x8000_0000, 0x8000_1002, 0x8000_2004, true},
		{1, 0x8000_0000, 0x8000_1002, 0x8000_2004, true},
		{0, 0x8000_0000, 0x8000_1000, 0x8000_2000, false},
		{3, 0x8000_0000, 0x8000_1000, 0x8000_2000, false},
		{512, 0x8000_0000, 0x8000_1000, 0x8000_2000, false},
		{65536, 0x8000_0000, 0x8000_1000, 0x8000_2000, false},
		{8, 0x8000_0008, 0x8000_1000, 0x8000_2000, false},
		{8, 0x8000_0000, 0x8000_1001, 0x8000_2000, false},
		{8, 0x8000_0000, 0x8000_1000, 0x8000_2002, false},
	} {
		d := attach(t, &echo{}, false)
		d.w(rQueueNum, c.size)
		d.w(rDesc, c.desc)
		d.w(rDriverArea, c.driver)
		d.w(rDeviceArea, c.device)
		d.w(rQueueReady, 1)
		if got := d.r(rQueueReady) == 1; got != c.ok {
			t.Errorf("%+v: ready %v", c, got)
		}
	}
}
