package virtio_test

import (
	"bytes"
	"testing"

	"mcsim/device"
	"mcsim/device/pci"
	"mcsim/device/virtio"
	"mcsim/snapshot"
)

// pciDriver finds and drives a virtio function as the specification's "Virtio
// Over PCI Bus" says.
type pciDriver struct {
	t      *testing.T
	m      *memory
	p      *virtio.PCI
	e      pci.ECAM
	w      pci.Window
	irq    bool
	caps   map[byte]uint64 // where capabilities are in configuration space
	places map[byte]uint64 // where structures are in the window
}

func newPCIDriver(t *testing.T, m virtio.Model) *pciDriver {
	d := &pciDriver{t: t, m: newMemory(), caps: map[byte]uint64{}, places: map[byte]uint64{}}
	var wires [pci.Pins]device.Line
	for i := range wires {
		wires[i] = func(level bool) { d.irq = level }
	}
	h := pci.NewHost(wires)
	d.p = virtio.NewPCI(m, d.m, false)
	if err := h.Add(1, d.p.F, d.p); err != nil {
		t.Fatal(err)
	}
	d.e, d.w = pci.ECAM{Host: h}, pci.Window{Host: h, Base: 0x4000_0000}
	d.conf(0x20, 4, 0x4000_4000)
	d.conf(0x24, 4, 0)
	d.conf(0x14, 4, 0x4000_1000)
	d.conf(4, 2, 6)
	for p := d.get(0x34, 1); p != 0; p = d.get(p+1, 1) {
		if d.get(p, 1) != 9 {
			continue
		}
		kind := byte(d.get(p+3, 1))
		d.caps[kind] = p
		d.places[kind] = 0x4000 + d.get(p+8, 4)
	}
	return d
}

func (d *pciDriver) get(reg uint64, size int) uint64 {
	v, ok := d.e.Read(0, 1<<15|reg, size)
	if !ok {
		d.t.Fatalf("configuration space: %d bytes at %#x refused", size, reg)
	}
	return v
}

func (d *pciDriver) conf(reg uint64, size int, v uint64) { d.e.Write(0, 1<<15|reg, size, v) }

func (d *pciDriver) r(kind byte, off uint64, size int) uint64 {
	v, ok := d.w.Read(0, d.places[kind]+off, size)
	if !ok {
		d.t.Fatalf("structure %d: %d bytes at %#x refused", kind, size, off)
	}
	return v
}

func (d *pciDriver) s(kind byte, off uint64, size int, v uint64) {
	d.w.Write(0, d.places[kind]+off, size, v)
}

func TestPCITransport(t *testing.T) {
	back := newDisk(8)
	copy(back.data, "boot sector")
	d := newPCIDriver(t, virtio.NewBlk(virtio.BlkConfig{Disk: back}))
	if id := d.get(0, 4); id != 0x1042_1af4 {
		t.Errorf("identity %#x, want vendor 1af4 and device 1040 + 2", id)
	}
	for kind := byte(1); kind <= 5; kind++ {
		if d.caps[kind] == 0 {
			t.Fatalf("no capability of type %d", kind)
		}
	}
	if d.r(4, 0, 8) != 8 {
		t.Errorf("capacity %d", d.r(4, 0, 8))
	}
	common := func(off uint64, size int, v uint64) { d.s(1, off, size, v) }
	common(0x14, 1, 0)
	common(0x14, 1, 3)
	common(0x08, 4, 1)
	common(0x0c, 4, 1) // VERSION_1
	common(0x14, 1, 11)
	if v := d.r(1, 0x14, 1); v != 11 {
		t.Fatalf("status %d", v)
	}
	if v := d.r(1, 0x12, 2); v != 1 {
		t.Errorf("%d queues", v)
	}
	common(0x16, 2, 1)
	if v := d.r(1, 0x18, 2); v != 0 {
		t.Errorf("queue 1 of 1 has size %d", v)
	}
	// Queue 0 with 4 entries, and vectors 0 and 1; 9 does not exist.
	common(0x16, 2, 0)
	common(0x18, 2, 4)
	common(0x10, 2, 9)
	if v := d.r(1, 0x10, 2); v != 0xffff {
		t.Errorf("vector 9 reads back as %#x, want none", v)
	}
	common(0x10, 2, 0)
	common(0x1a, 2, 1)
	const desc, avail, used, data = ramBase, ramBase + 0x100, ramBase + 0x200, ramBase + 0x1000
	common(0x20, 8, desc)
	common(0x28, 4, avail)
	common(0x30, 8, used)
	common(0x1c, 2, 1)
	common(0x14, 1, 15)
	// MSI-X: vector 1 goes to an address in memory, where it can be seen.
	msix := uint64(0)
	for p := d.get(0x34, 1); p != 0; p = d.get(p+1, 1) {
		if d.get(p, 1) == 0x11 {
			msix = p
		}
	}
	d.w.Write(0, 0x1010, 8, ramBase+0x3000)
	d.w.Write(0, 0x1018, 8, 0x55) // data, and unmasked
	d.conf(msix+2, 2, 1<<15)

	drv := &driver{t: t, m: d.m}
	read := func() {
		copy(d.m.at(data, 16), header(virtio.BlkIn, 0))
		drv.putDesc(desc, data, 16, 1, 1)
		drv.putDesc(desc+16, data+0x200, 512, 3, 2)
		drv.putDesc(desc+32, data+0x800, 1, 2, 0)
		idx := d.m.at(avail+2, 2)
		idx[0]++
		d.s(2, d.r(1, 0x1e, 2)*d.get(d.caps[2]+16, 4), 2, 0) // notify
		for now := d.e.Deadline(); now != device.NoDeadline; now = d.e.Deadline() {
			d.e.Fire(now)
		}
	}
	read()
	if got := d.m.at(data+0x200, 11); string(got) != "boot sector" || d.m.at(used+2, 1)[0] != 1 {
		t.Errorf("read %q, used index %d, %s", got, d.m.at(used+2, 1)[0], d.p.Broken())
	}
	if got := d.m.at(ramBase+0x3000, 1)[0]; got != 0x55 || d.irq {
		t.Errorf("message %#x, wire %v", got, d.irq)
	}
	// Without MSI-X: ISR and the wire, which reading lowers ("ISR status").
	d.conf(msix+2, 2, 0)
	read()
	if !d.irq || d.r(3, 0, 1) != 1 || d.irq || d.r(3, 0, 1) != 0 {
		t.Error("INTx and ISR do not work")
	}
	// The access capability reads the capacity.
	a := d.caps[5]
	d.conf(a+4, 1, 4)
	d.conf(a+8, 4, 0x3000)
	d.conf(a+12, 4, 4)
	if v := d.get(a+16, 4); v != 8 {
		t.Errorf("the access capability reads %d", v)
	}
	d.conf(a+12, 4, 3)
	if v := d.get(a+16, 4); v != 0 {
		t.Errorf("an access of 3 bytes reads %d", v)
	}
	// A device that is no bus master reaches no memory, and says that it needs a
	// reset.
	d.conf(4, 2, 2)
	read()
	if d.r(1, 0x14, 1)&64 == 0 {
		t.Error("a function that is no bus master goes on")
	}
	d.s(1, 0x14, 1, 0)
	if d.r(1, 0x14, 1) != 0 || d.r(1, 0x1c, 2) != 0 {
		t.Error("a reset leaves status or queue")
	}
}

// A checkpoint with requests in flight: the loaded device ends as the saved one.
func TestSnapshotInFlight(t *testing.T) {
	for _, name := range []string{"blk", "rng"} {
		model := func() virtio.Model {
			if name == "rng" {
				return virtio.NewRNG(7, 5000, virtio.Rate{})
			}
			back := newDisk(64)
			copy(back.data, noise(len(back.data)))
			return virtio.NewBlk(virtio.BlkConfig{Disk: back, Latency: 5000, Rate: virtio.Rate{Bytes: 1, Cycles: 3}})
		}
		d := newDriver(t, model())
		for i := range 2 {
			if name == "rng" {
				d.qs[0].add(d.in(100 + i))
			} else {
				d.qs[0].add(d.out(header(virtio.BlkIn, uint64(i))), d.in(512), d.in(1))
			}
		}
		d.qs[0].notify()
		for d.now < 2000 && d.dev.Deadline() < 2000 {
			d.now = d.dev.Deadline()
			d.dev.Fire(d.now)
		}
		var file bytes.Buffer
		err := snapshot.Save(&file, snapshot.Header{Config: []byte("{}")}, func(c *snapshot.Coder) { c.Section("x", 1, d.dev.Snapshot) })
		if err != nil {
			t.Fatal(err)
		}
		e := attach(t, model(), false)
		copy(e.m.ram, d.m.ram)
		e.now = d.now
		r, err := snapshot.Open(&file)
		if err == nil {
			err = r.Load(func(c *snapshot.Coder) { c.Section("x", 1, e.dev.Snapshot) })
		}
		if err != nil {
			t.Fatal(err)
		}
		d.run()
		e.run()
		if d.now != e.now || !bytes.Equal(d.m.ram, e.m.ram) || d.dev.Stats != e.dev.Stats {
			t.Errorf("%s: ends at cycle %d, loaded at %d", name, d.now, e.now)
		}
		if len(d.qs[0].usedChains()) != 2 {
			t.Errorf("%s: nothing was in flight", name)
		}
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(device.Mix(uint64(i)))
	}
	return b
}
