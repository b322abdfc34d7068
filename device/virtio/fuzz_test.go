package virtio_test

import (
	"encoding/binary"
	"io"
	"testing"

	"mcsim/device/virtio"
)

type nowhere struct{}

func (nowhere) Send(uint64, []byte) {}

// models are one of each device.
func models() []virtio.Model {
	return []virtio.Model{
		virtio.NewBlk(virtio.BlkConfig{Disk: newDisk(64), ID: "fuzz", Queues: 2, Latency: 10}),
		virtio.NewRNG(1, 10, virtio.Rate{}),
		virtio.NewConsole(virtio.ConsoleConfig{Out: io.Discard, Columns: 80, Rows: 25}),
		virtio.NewNet(virtio.NetConfig{Wire: nowhere{}, MTU: 1500}),
	}
}

// FuzzRegisters makes any accesses to the registers of any device, over memory
// with any content: no panic, no event that does not let time pass, a bounded
// number of accesses to memory per event.
func FuzzRegisters(f *testing.F) {
	f.Add(uint8(0), []byte{0x70, 3, 0x20, 0, 0x24, 1, 0x20, 1, 0x70, 11, 0x38, 8, 0x44, 1, 0x70, 15, 0x50, 0}, []byte{1, 2, 3})
	f.Add(uint8(1), []byte{0x70, 15, 0x44, 1, 0x50, 0, 0x70, 0}, []byte{0xff, 0xff, 0xff})
	f.Add(uint8(3), []byte{0x30, 1, 0x44, 1, 0x50, 1, 0xc0, 1}, []byte{0, 0, 1, 0, 0, 0, 2})
	f.Fuzz(func(t *testing.T, which uint8, ops, content []byte) {
		all := models()
		d := attach(t, all[int(which)%len(all)], false)
		for i := 0; i < 1<<16 && len(content) > 0; i++ {
			d.m.ram[i] = content[i%len(content)]
		}
		d.start(8, fIndirect, fEventIdx)
		// Queues that begin in what the fuzzer wrote.
		for i, q := range d.qs {
			copy(d.m.at(q.desc, 128), content)
			copy(d.m.at(q.avail+4, 16), content)
			binary.LittleEndian.PutUint16(d.m.at(q.avail+2, 2), uint16(1+i))
			q.notify()
		}
		step := func() {
			for range 64 {
				at := d.dev.Deadline()
				if at == ^uint64(0) {
					return
				}
				before := d.m.accesses
				d.now = max(d.now, at)
				d.dev.Fire(d.now)
				if d.dev.Deadline() <= d.now {
					t.Fatalf("time stands still at %d", d.now)
				}
				if n := d.m.accesses - before; n > 20000 {
					t.Fatalf("%d accesses to memory in one event", n)
				}
			}
		}
		for ; len(ops) >= 2; ops = ops[2:] {
			off, v := uint64(ops[0]&^3), uint64(ops[1])
			if ops[0]&1 != 0 {
				off += 0x100
			}
			if ops[0]&2 != 0 {
				size := 1 << (v & 3)
				d.dev.Read(d.now, off&^uint64(size-1), size)
				d.dev.Write(d.now, off&^uint64(size-1), size, v*0x0101_0101_0101)
			} else {
				d.dev.Write(d.now, off, 4, v)
			}
			step()
		}
		step()
	})
}
