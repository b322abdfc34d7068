package virtio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"mcsim/device/virtio"
)

// disk is a disk in memory that says what was asked of it.
type disk struct {
	data    []byte
	flushes int
	err     error
}

func newDisk(sectors int) *disk { return &disk{data: make([]byte, 512*sectors)} }

func (d *disk) Sectors() uint64 { return uint64(len(d.data) / 512) }
func (d *disk) ReadSectors(s uint64, p []byte) error {
	copy(p, d.data[512*s:][:len(p)])
	return d.err
}

func (d *disk) WriteSectors(s uint64, p []byte) error {
	copy(d.data[512*s:][:len(p)], p)
	return d.err
}

func (d *disk) ZeroSectors(s, n uint64, _ bool) error {
	clear(d.data[512*s:][:512*n])
	return d.err
}
func (d *disk) Flush() error { d.flushes++; return d.err }

func header(op uint32, sector uint64) []byte {
	h := binary.LittleEndian.AppendUint32(nil, op)
	h = binary.LittleEndian.AppendUint32(h, 0)
	return binary.LittleEndian.AppendUint64(h, sector)
}

// request sends one request with data to write or room to read, and returns
// its status and what it read.
func (d *driver) request(op uint32, sector uint64, out []byte, in int) (status byte, data []byte) {
	d.t.Helper()
	bufs := []buf{d.out(header(op, sector))}
	if len(out) > 0 {
		bufs = append(bufs, d.out(out))
	}
	data1, st := d.in(max(in, 1)), d.in(1)
	if in > 0 {
		bufs = append(bufs, data1)
	}
	d.bytes(st)[0] = 0xee
	n := d.qs[0].do(append(bufs, st)...)
	if s := d.bytes(st)[0]; s == 0 && n != uint32(in)+1 {
		d.t.Errorf("operation %d: %d bytes written, want %d and the status", op, n, in)
	}
	if in == 0 {
		return d.bytes(st)[0], nil
	}
	return d.bytes(st)[0], bytes.Clone(d.bytes(data1))
}

// Random reads, writes, discards and zeroes against a slice of bytes.
func TestBlkAgainstSlice(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	back := newDisk(128)
	d := newDriver(t, virtio.NewBlk(virtio.BlkConfig{Disk: back, Latency: 50, Rate: virtio.Rate{Bytes: 2, Cycles: 1}}), 9, 13, 14)
	want := make([]byte, len(back.data))
	for range 300 {
		d.heap = ramBase + 0x10000
		n := 1 + rnd.IntN(8)
		s := rnd.IntN(128 - n)
		switch rnd.IntN(4) {
		case 0:
			p := make([]byte, 512*n)
			for i := range p {
				p[i] = byte(rnd.Uint32())
			}
			if st, _ := d.request(virtio.BlkOut, uint64(s), p, 0); st != 0 {
				t.Fatalf("write: status %d", st)
			}
			copy(want[512*s:], p)
		case 1:
			op := uint32(virtio.BlkDiscard)
			flags := uint32(0)
			if rnd.IntN(2) == 0 {
				op, flags = virtio.BlkWriteZeroes, uint32(rnd.IntN(2))
			}
			seg := binary.LittleEndian.AppendUint64(nil, uint64(s))
			seg = binary.LittleEndian.AppendUint32(seg, uint32(n))
			seg = binary.LittleEndian.AppendUint32(seg, flags)
			if st, _ := d.request(op, 0, seg, 0); st != 0 {
				t.Fatalf("operation %d: status %d", op, st)
			}
			clear(want[512*s:][:512*n])
		default:
			if st, got := d.request(virtio.BlkIn, uint64(s), nil, 512*n); st != 0 || !bytes.Equal(got, want[512*s:][:512*n]) {
				t.Fatalf("read of %d sectors at %d: status %d, or other data", n, s, st)
			}
		}
	}
	if !bytes.Equal(back.data, want) {
		t.Error("the disk differs in the end")
	}
}

// "Block Device", "Device Operation": statuses of what cannot be done, the
// identity, and where the status byte is, however the request is framed.
func TestBlkRequests(t *testing.T) {
	back := newDisk(16)
	cfg := virtio.BlkConfig{Disk: back, ID: "disk-0", FailReads: []virtio.SectorRange{{First: 4, N: 2}}, FailWrites: []virtio.SectorRange{{First: 9, N: 1}}}
	d := newDriver(t, virtio.NewBlk(cfg), 9)
	seg := func(s uint64, n, flags uint32) []byte {
		p := binary.LittleEndian.AppendUint64(nil, s)
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(p, n), flags)
	}
	for _, c := range []struct {
		name   string
		op     uint32
		sector uint64
		out    []byte
		in     int
		want   byte
	}{
		{"read", virtio.BlkIn, 15, nil, 512, 0},
		{"read beyond", virtio.BlkIn, 15, nil, 1024, 1},
		{"read far beyond", virtio.BlkIn, ^uint64(0), nil, 512, 1},
		{"read half a sector", virtio.BlkIn, 0, nil, 256, 1},
		{"read of a bad sector", virtio.BlkIn, 3, nil, 1024, 1},
		{"read beside it", virtio.BlkIn, 6, nil, 512, 0},
		{"write to what cannot be read", virtio.BlkOut, 4, make([]byte, 512), 0, 0},
		{"write to a bad sector", virtio.BlkOut, 8, make([]byte, 1024), 0, 1},
		{"write beyond", virtio.BlkOut, 16, make([]byte, 512), 0, 1},
		{"flush", virtio.BlkFlush, 0, nil, 0, 0},
		{"identity", virtio.BlkGetID, 0, nil, 20, 0},
		{"unknown", 77, 0, nil, 0, 2},
		{"secure erase, not offered", 14, 0, seg(0, 1, 0), 0, 2},
		{"discard with unmap", virtio.BlkDiscard, 0, seg(0, 1, 1), 0, 2},
		{"zeroes with an unknown flag", virtio.BlkWriteZeroes, 0, seg(0, 1, 4), 0, 2},
		{"discard beyond", virtio.BlkDiscard, 0, seg(15, 2, 0), 0, 1},
		{"half a discard", virtio.BlkDiscard, 0, seg(0, 1, 0)[:8], 0, 1},
	} {
		if st, _ := d.request(c.op, c.sector, c.out, c.in); st != c.want {
			t.Errorf("%s: status %d, want %d", c.name, st, c.want)
		}
	}
	if _, id := d.request(virtio.BlkGetID, 0, nil, 20); string(bytes.TrimRight(id, "\x00")) != "disk-0" {
		t.Errorf("identity %q", id)
	}
	// One byte a descriptor: header in two, data and status together.
	copy(back.data[512:], "framing")
	h := header(virtio.BlkIn, 1)
	in := d.in(513)
	d.qs[0].do(d.out(h[:3]), d.out(h[3:]), in)
	if got := d.bytes(in); string(got[:7]) != "framing" || got[512] != 0 {
		t.Error("a request in other pieces is not understood")
	}
	back.err = errors.New("the host's disk is full")
	if st, _ := d.request(virtio.BlkOut, 0, make([]byte, 512), 0); st != 1 {
		t.Errorf("the host's error gives status %d", st)
	}
}

// hole is an endless disk of zeroes.
type hole struct{ *disk }

func (hole) Sectors() uint64                  { return 1 << 40 }
func (hole) ReadSectors(uint64, []byte) error { return nil }

// A driver that has not negotiated SIZE_MAX and SEG_MAX may ask for a file in one
// piece; what would hold up the run for seconds is an error.
func TestBlkLargeRequests(t *testing.T) {
	back := newDisk(24 << 11)
	for i := range back.data {
		back.data[i] = byte(i >> 9 * 7)
	}
	d := newDriver(t, virtio.NewBlk(virtio.BlkConfig{Disk: back}))
	d.m.ram = append(d.m.ram, make([]byte, 32<<20)...)
	if st, got := d.request(virtio.BlkIn, 0, nil, len(back.data)); st != 0 || !bytes.Equal(got, back.data) {
		t.Errorf("24 MiB at once: status %d, or other data", st)
	}
	d = newDriver(t, virtio.NewBlk(virtio.BlkConfig{Disk: hole{newDisk(0)}}), fIndirect)
	data, st := d.in(1<<20), d.in(1)
	for mib, want := range map[int]byte{256: 0, 257: 1} {
		bufs := []buf{d.out(header(virtio.BlkIn, 0))}
		for range mib {
			bufs = append(bufs, data)
		}
		d.qs[0].addIndirect(append(bufs, st)...)
		d.qs[0].notify()
		d.run()
		if got := d.bytes(st)[0]; got != want {
			t.Errorf("%d MiB at once: status %d, want %d", mib, got, want)
		}
	}
}

// Requests without header or status stop the device.
func TestBlkBroken(t *testing.T) {
	for name, bufs := range map[string]func(d *driver) []buf{
		"no status": func(d *driver) []buf { return []buf{d.out(header(0, 0))} },
		"no header": func(d *driver) []buf { return []buf{d.out([]byte{1, 2}), d.in(1)} },
		"nothing":   func(d *driver) []buf { return []buf{{ramBase, 0, false}} },
	} {
		d := newDriver(t, virtio.NewBlk(virtio.BlkConfig{Disk: newDisk(4)}))
		d.qs[0].add(bufs(d)...)
		d.qs[0].notify()
		d.run()
		if d.r(rStatus)&64 == 0 {
			t.Errorf("%s: status %#x", name, d.r(rStatus))
		}
	}
}

// The read-only feature, and write-through where the driver does not know of
// flushes ("Block Device", "Device Initialization").
func TestBlkModes(t *testing.T) {
	back := newDisk(4)
	d := newDriver(t, virtio.NewBlk(virtio.BlkConfig{Disk: back, ReadOnly: true}), 5)
	if st, _ := d.request(virtio.BlkOut, 0, bytes.Repeat([]byte{1}, 512), 0); st != 1 || back.data[0] != 0 {
		t.Errorf("a write to a read-only disk: status %d", st)
	}
	d = newDriver(t, virtio.NewBlk(virtio.BlkConfig{Disk: back}))
	d.request(virtio.BlkOut, 0, make([]byte, 512), 0)
	if back.flushes != 1 {
		t.Error("without VIRTIO_BLK_F_FLUSH a write must be stable when it is done")
	}
	d = newDriver(t, virtio.NewBlk(virtio.BlkConfig{Disk: back}), 9, 11)
	d.request(virtio.BlkOut, 0, make([]byte, 512), 0)
	if back.flushes != 1 {
		t.Error("in writeback mode a write flushes")
	}
	d.dev.Write(d.now, rConfig+32, 1, 0) // writeback off
	d.request(virtio.BlkOut, 0, make([]byte, 512), 0)
	if back.flushes != 2 {
		t.Error("in writethrough mode a write does not flush")
	}
	if v, _ := d.dev.Read(0, rConfig, 8); v != 4 {
		t.Errorf("capacity %d", v)
	}
}

// Time: latency and bandwidth, requests sharing the latter.
func TestBlkTime(t *testing.T) {
	cfg := virtio.BlkConfig{Disk: newDisk(64), Latency: 5000, Rate: virtio.Rate{Bytes: 1, Cycles: 2}}
	d := newDriver(t, virtio.NewBlk(cfg))
	for range 2 {
		d.qs[0].add(d.out(header(0, 0)), d.in(8192), d.in(1))
	}
	d.qs[0].notify()
	d.run()
	if least, most := uint64(5000+2*8192*2), uint64(5000+2*8192*2+1000); d.now < least || d.now > most {
		t.Errorf("two reads of 8 KiB end at cycle %d, want %d to %d", d.now, least, most)
	}
}
