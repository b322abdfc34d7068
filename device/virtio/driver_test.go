package virtio_test

import (
	"encoding/binary"
	"testing"

	"mcsim/addr"
	"mcsim/device"
	"mcsim/device/virtio"
)

const ramBase = 0x8000_0000

// memory is 4 MiB of RAM that answers in 10 cycles; everything else is a hole.
type memory struct {
	ram      []byte
	accesses int
}

func newMemory() *memory { return &memory{ram: make([]byte, 4<<20)} }

func (m *memory) at(pa addr.PA, n int) []byte {
	off := uint64(pa) - ramBase
	if off > uint64(len(m.ram)) || uint64(n) > uint64(len(m.ram))-off {
		return nil
	}
	return m.ram[off : off+uint64(n)]
}

func (m *memory) ReadAt(now uint64, pa addr.PA, buf []byte) (uint64, bool) {
	m.accesses++
	p := m.at(pa, len(buf))
	copy(buf, p)
	return now + 10, p != nil
}

func (m *memory) WriteAt(now uint64, pa addr.PA, buf []byte) (uint64, bool) {
	m.accesses++
	p := m.at(pa, len(buf))
	copy(p, buf)
	return now + 10, p != nil
}

// Registers of virtio-mmio, from the specification's "MMIO Device Register
// Layout": written anew here, so that a slip in the device's list shows.
const (
	rMagic, rVersion, rID, rVendor                  = 0x0, 0x4, 0x8, 0xc
	rFeatures, rFeaturesSel, rDriver, rDriverSel    = 0x10, 0x14, 0x20, 0x24
	rQueueSel, rQueueMax, rQueueNum, rQueueReady    = 0x30, 0x34, 0x38, 0x44
	rNotify, rInterrupt, rAck, rStatus              = 0x50, 0x60, 0x64, 0x70
	rDesc, rDriverArea, rDeviceArea, rQueueReset    = 0x80, 0x90, 0xa0, 0xc0
	rGeneration, rConfig                            = 0xfc, 0x100
	fIndirect, fEventIdx, fVersion1, fPlatform, fRR = 28, 29, 32, 33, 40
)

// driver is a guest's driver of one virtio-mmio device.
type driver struct {
	t     testing.TB
	m     *memory
	dev   *virtio.MMIO
	irq   bool
	irqs  int
	now   uint64
	heap  addr.PA
	qs    []*queue
	feats uint64
}

type queue struct {
	d                 *driver
	index, size       int
	desc, avail, used addr.PA
	free              int // next descriptor
	availIdx, seen    uint16
}

// newDriver attaches model as a device; with features it is brought up with
// those beside VERSION_1, as "Device Initialization" says, and all its queues.
func newDriver(t testing.TB, model virtio.Model, features ...int) *driver {
	d := attach(t, model, false)
	d.start(8, features...)
	return d
}

func attach(t testing.TB, model virtio.Model, platform bool) *driver {
	d := &driver{t: t, m: newMemory(), heap: ramBase + 0x1000}
	d.dev = virtio.NewMMIO(virtio.New(model, d.m, platform), func(level bool) {
		d.irq = level
		if level {
			d.irqs++
		}
	})
	return d
}

func (d *driver) r(off uint64) uint32 {
	d.t.Helper()
	v, ok := d.dev.Read(d.now, off, 4)
	if !ok {
		d.t.Fatalf("read of register %#x refused", off)
	}
	return uint32(v)
}

func (d *driver) w(off uint64, v uint32) {
	d.t.Helper()
	if !d.dev.Write(d.now, off, 4, uint64(v)) {
		d.t.Fatalf("write of register %#x refused", off)
	}
}

func (d *driver) start(size int, features ...int) {
	d.t.Helper()
	d.w(rStatus, 0)
	d.w(rStatus, 1)
	d.w(rStatus, 3)
	d.feats = 1 << fVersion1
	for _, f := range features {
		d.feats |= 1 << f
	}
	for i := range uint32(2) {
		d.w(rDriverSel, i)
		d.w(rDriver, uint32(d.feats>>(32*i)))
	}
	d.w(rStatus, 11)
	if d.r(rStatus)&8 == 0 {
		d.t.Fatal("the device does not take the features")
	}
	d.qs = nil
	for i := 0; ; i++ {
		d.w(rQueueSel, uint32(i))
		if d.r(rQueueMax) == 0 {
			break
		}
		d.qs = append(d.qs, d.newQueue(i, size))
	}
	d.w(rStatus, 15)
}

func (d *driver) alloc(n int, align addr.PA) addr.PA {
	d.heap = (d.heap + align - 1) &^ (align - 1)
	at := d.heap
	d.heap += addr.PA(n)
	return at
}

func (d *driver) newQueue(i, size int) *queue {
	q := &queue{d: d, index: i, size: size,
		desc: d.alloc(16*size, 16), avail: d.alloc(6+2*size, 2), used: d.alloc(6+8*size, 4)}
	d.w(rQueueSel, uint32(i))
	d.w(rQueueNum, uint32(size))
	for reg, a := range map[uint64]addr.PA{rDesc: q.desc, rDriverArea: q.avail, rDeviceArea: q.used} {
		d.w(reg, uint32(a))
		d.w(reg+4, uint32(a>>32))
	}
	d.w(rQueueReady, 1)
	if d.r(rQueueReady) != 1 {
		d.t.Fatalf("queue %d of %d entries is not ready", i, size)
	}
	return q
}

// buf is a piece of memory for a descriptor.
type buf struct {
	at    addr.PA
	n     uint32
	write bool
}

func (d *driver) out(p []byte) buf {
	at := d.alloc(len(p), 8)
	copy(d.m.at(at, len(p)), p)
	return buf{at, uint32(len(p)), false}
}

func (d *driver) in(n int) buf { return buf{d.alloc(n, 8), uint32(n), true} }

func (d *driver) bytes(b buf) []byte { return d.m.at(b.at, int(b.n)) }

func (d *driver) putDesc(at addr.PA, a addr.PA, n uint32, flags, next uint16) {
	p := d.m.at(at, 16)
	binary.LittleEndian.PutUint64(p, uint64(a))
	binary.LittleEndian.PutUint32(p[8:], n)
	binary.LittleEndian.PutUint16(p[12:], flags)
	binary.LittleEndian.PutUint16(p[14:], next)
}

// write lays out a chain in consecutive descriptors of a table.
func (d *driver) write(table addr.PA, first, wrap int, bufs []buf) {
	for i, b := range bufs {
		flags, next := uint16(0), uint16(0)
		if b.write {
			flags |= 2
		}
		if i+1 < len(bufs) {
			flags |= 1
			next = uint16((first + i + 1) % wrap)
		}
		d.putDesc(table+addr.PA(16*((first+i)%wrap)), b.at, b.n, flags, next)
	}
}

// add makes a chain available, without telling the device.
func (q *queue) add(bufs ...buf) uint16 {
	head := uint16(q.free)
	q.d.write(q.desc, q.free, q.size, bufs)
	q.free = (q.free + len(bufs)) % q.size
	q.offer(head)
	return head
}

// addIndirect does so with a table of its own.
func (q *queue) addIndirect(bufs ...buf) uint16 {
	table := q.d.alloc(16*len(bufs), 16)
	q.d.write(table, 0, len(bufs), bufs)
	head := uint16(q.free)
	q.d.putDesc(q.desc+addr.PA(16*q.free), table, uint32(16*len(bufs)), 4, 0)
	q.free = (q.free + 1) % q.size
	q.offer(head)
	return head
}

func (q *queue) offer(head uint16) {
	binary.LittleEndian.PutUint16(q.d.m.at(q.avail+4+addr.PA(2*(int(q.availIdx)%q.size)), 2), head)
	q.availIdx++
	binary.LittleEndian.PutUint16(q.d.m.at(q.avail+2, 2), q.availIdx)
}

func (q *queue) notify() { q.d.w(rNotify, uint32(q.index)) }

// run lets time pass until the device waits for nothing; it returns the number
// of events.
func (d *driver) run() (events int) {
	d.t.Helper()
	for d.dev.Deadline() != device.NoDeadline {
		if at := d.dev.Deadline(); at > d.now {
			d.now = at
		}
		d.dev.Fire(d.now)
		if d.dev.Deadline() <= d.now {
			d.t.Fatalf("at cycle %d the device wants an event at %d: time stands still", d.now, d.dev.Deadline())
		}
		if events++; events > 1<<20 {
			d.t.Fatal("the device never comes to rest")
		}
	}
	return events
}

type used struct {
	head uint16
	n    uint32
}

// used takes what the device has made used.
func (q *queue) usedChains() (list []used) {
	idx := binary.LittleEndian.Uint16(q.d.m.at(q.used+2, 2))
	for ; q.seen != idx; q.seen++ {
		e := q.d.m.at(q.used+4+addr.PA(8*(int(q.seen)%q.size)), 8)
		list = append(list, used{uint16(binary.LittleEndian.Uint32(e)), binary.LittleEndian.Uint32(e[4:])})
	}
	return list
}

// do sends one chain and returns how many bytes the device says it wrote.
func (q *queue) do(bufs ...buf) uint32 {
	q.d.t.Helper()
	head := q.add(bufs...)
	q.notify()
	q.d.run()
	u := q.usedChains()
	if len(u) != 1 || u[0].head != head {
		q.d.t.Fatalf("chain %d is not used: %v; the device says %q", head, u, q.d.dev.Broken())
	}
	return u[0].n
}
