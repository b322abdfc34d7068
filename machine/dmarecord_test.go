package machine_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"mcsim/machine"
	"mcsim/record"
	"mcsim/replay"
	"mcsim/traces"
)

const (
	dmaRounds = 40
	dmaBytes  = 520 // eight lines and a bit
)

// dmaDriver is a program in machine code. Hart 0 asks the entropy device dmaRounds
// times for dmaBytes at 0x80002000, through a queue at 0x80003000, and reads them;
// meanwhile the others read them too and write to their ends, until a flag at
// 0x80004000 says that it is over.
func dmaDriver(coherent bool) []byte {
	const (
		x0, base, ram, t0, a0, ring, round, buf, last, flag = 0, 5, 6, 7, 10, 28, 29, 30, 31, 18
	)
	var code []uint32
	at := func() int { return len(code) }
	add := func(words ...uint32) { code = append(code, words...) }
	imm := func(op, funct, rd, rs1, v uint32) { add(v<<20 | rs1<<15 | funct<<12 | rd<<7 | op) }
	li := func(rd, v uint32) { // lui and addiw
		add((v+0x800)&^0xfff|rd<<7|0x37, v<<20|rd<<15|rd<<7|0x1b)
	}
	store := func(funct, rs2, rs1, off uint32) { add(off>>5<<25 | rs2<<20 | rs1<<15 | funct<<12 | off&31<<7 | 0x23) }
	load := func(funct, rd, rs1, off uint32) { imm(0x03, funct, rd, rs1, off) }
	branch := func(funct, rs1, rs2 uint32, to int) { // backwards
		off := uint32(4 * (to - at()))
		add(off>>12&1<<31 | off>>5&63<<25 | rs2<<20 | rs1<<15 | funct<<12 | off>>1&15<<8 | off>>11&1<<7 | 0x63)
	}
	inRAM := func(rd, off uint32) { // rd = ram + off
		li(rd, off)
		add(ram<<20 | rd<<15 | rd<<7 | 0x33)
	}
	reg := func(off, v uint32) { // a register of the device
		li(t0, v)
		store(2, t0, base, off)
	}
	li(base, 0x1000_1000)
	imm(0x13, 0, ram, x0, 1)
	imm(0x13, 1, ram, ram, 31) // 1 << 31
	inRAM(buf, 0x2000)
	inRAM(ring, 0x3000)
	inRAM(flag, 0x4000)
	skip := at()
	add(0) // beq a0, x0, hart0

	others := at()
	for off := uint32(0); off < dmaBytes; off += 64 {
		load(3, t0, buf, off)
	}
	store(3, t0, buf, 56)
	load(3, t0, flag, 0)
	branch(0, t0, x0, others)
	add(0x10500073, 0xffdff06f) // wfi; j .-4

	off := uint32(4 * (at() - skip))
	code[skip] = off>>12&1<<31 | off>>5&63<<25 | a0<<15 | off>>1&15<<8 | off>>11&1<<7 | 0x63
	store(3, buf, ring, 0) // the descriptor
	li(t0, dmaBytes)
	store(2, t0, ring, 8)
	li(t0, 2)
	store(2, t0, ring, 12)
	reg(0x70, 3)
	reg(0x24, 1)
	if coherent {
		reg(0x20, 1) // VIRTIO_F_VERSION_1
	} else {
		reg(0x20, 3) // and VIRTIO_F_ACCESS_PLATFORM
	}
	reg(0x70, 11)
	reg(0x38, 4)
	for _, p := range [][2]uint32{{0x80, 0x3000}, {0x90, 0x3100}, {0xa0, 0x3200}} {
		inRAM(t0, p[1])
		store(2, t0, base, p[0])
	}
	reg(0x44, 1)
	reg(0x70, 15)
	li(round, 0)
	li(last, dmaRounds)
	next := at()
	imm(0x13, 0, round, round, 1)
	store(1, round, ring, 0x102)
	clean := func(off uint32) { // cbo.flush: for a device that does not snoop
		inRAM(t0, off)
		add(0x0020200f | t0<<15)
	}
	for _, off := range []uint32{0x3000, 0x3100, 0x3200} {
		clean(off)
	}
	add(0x0ff0000f) // fence
	store(2, x0, base, 0x50)
	wait := at()
	clean(0x3200)
	load(5, t0, ring, 0x202)
	branch(1, t0, round, wait)
	for off := uint32(0); off < dmaBytes; off += 64 {
		load(3, t0, buf, off)
	}
	branch(1, round, last, next)
	store(3, round, flag, 0)
	li(base, 0x0010_0000)
	reg(0, 0x5555)
	return assemble(append(code, 0x0000006f)...)
}

// Where devices write memory that harts read and write, coherently or past the
// caches, a recording is the same on any number of the host's processors, holds
// every access of the device, and an exact replay counts the same.
func TestExactReplayOfDMA(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, set := range [][]string{
		{"machine.virtio.coherent=true"}, {"machine.virtio.coherent=true", "machine.quantum=50", "machine.protocol=MOESI", "machine.jitter=7"},
		{"machine.virtio.coherent=false"}, {"machine.virtio.coherent=false", "machine.llc.inclusive=true"},
	} {
		for _, harts := range []int{1, 3} {
			j := job{image: dmaDriver(set[0] == "machine.virtio.coherent=true"), harts: harts, check: true, set: append([]string{"machine.virtio.rng=true", "machine.memory=16MiB"}, set...)}
			var first []byte
			for _, procs := range []int{1, 2, 8} {
				runtime.GOMAXPROCS(procs)
				want, file := recordJob(t, j, nil)
				want.mustEnd(t)
				if first == nil {
					first = file
					hasEveryDMA(t, want, file)
				}
				if !bytes.Equal(file, first) {
					t.Errorf("%v, %d harts, GOMAXPROCS %d: another recording", set, harts, procs)
				}
				got := followed(t, file)
				if a, b := hardwareCounts(got), hardwareCounts(want); got.err != nil || a != b {
					t.Errorf("%v, %d harts, GOMAXPROCS %d: %v, %s", set, harts, procs, got.err, firstDifference(a, b))
				}
			}
		}
	}
}

// hasEveryDMA compares the devices' stream with what the bus counted.
func hasEveryDMA(t *testing.T, o *outcome, file []byte) {
	t.Helper()
	all := allRecords(t, openFile(t, file))
	lines := map[string]uint64{}
	buffers := 0
	for _, r := range all[len(all)-1] {
		if r.Op != record.DMARead && r.Op != record.DMAWrite {
			continue
		}
		name := map[bool]string{false: "dmaread", true: "dmawrite"}[r.Op == record.DMAWrite]
		if r.Flags&record.Uncached != 0 {
			name = map[bool]string{false: "memoryread", true: "memorywrite"}[r.Op == record.DMAWrite]
		}
		lines[name] += (r.PA+r.VA-1)/64 - r.PA/64 + 1
		if r.Op == record.DMAWrite && r.PA == 0x8000_2000 && r.VA == dmaBytes {
			buffers++
		}
	}
	if buffers != dmaRounds {
		t.Errorf("the device filled the buffer %d times in the recording, want %d", buffers, dmaRounds)
	}
	for _, name := range []string{"dmaread", "dmawrite", "memoryread", "memorywrite"} {
		if n := o.count(t, "bus.transactions."+name); n != lines[name] {
			t.Errorf("%s: %d lines in the recording, the bus counted %d", name, lines[name], n)
		}
	}
}

// As references, on another machine, the same recording is replayed with its DMA:
// every load is checked against what device and harts wrote last, and the result is
// the same on any number of the host's processors.
func TestReplayOfDMA(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	j := job{image: dmaDriver(true), harts: 3, set: []string{"machine.virtio.rng=true", "machine.memory=16MiB"}}
	o, file := recordJob(t, j, nil)
	o.mustEnd(t)
	path := filepath.Join(t.TempDir(), "dma.mct")
	if err := os.WriteFile(path, file, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, physical := range []bool{false, true} {
		first := ""
		for _, procs := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(procs)
			tr, err := traces.Open(path, traces.Options{})
			if err != nil {
				t.Fatal(err)
			}
			m, err := machine.New(configure(t, []string{"machine.harts=3", "machine.l1d.size=4KiB", "machine.quantum=200"}), machine.Options{Check: true})
			if err != nil {
				t.Fatal(err)
			}
			c := replay.Config{VMs: []replay.VM{{Traces: []replay.Trace{{Name: path, Info: tr.Info, Readers: tr.Readers()}}}}, Physical: physical}
			if err := m.LoadReplay(c); err != nil {
				t.Fatal(err)
			}
			res, err := m.Run(context.Background(), machine.Limits{})
			if err != nil || res.Reason != "trace-end" {
				t.Fatalf("ended by %q: %v", res.Reason, err)
			}
			s := m.Snapshot()
			text := fmt.Sprint(values(s))
			if first == "" {
				first = text
				for _, name := range []string{"bus.transactions.dmaread", "bus.transactions.dmawrite"} {
					// Page tables are written past the caches, too.
					if v, _ := s.Get(name); physical && v.U != o.count(t, name) {
						t.Errorf("%s: %d, in the recorded run %d", name, v.U, o.count(t, name))
					}
				}
				// The device takes the buffer from the harts, as often as it fills it.
				if v, _ := s.Get("harts[1].l1d.invalidations"); v.U < dmaRounds {
					t.Errorf("%d lines of hart 1 were taken away", v.U)
				}
			}
			if text != first {
				t.Errorf("physical %v: other counts with GOMAXPROCS %d", physical, procs)
			}
			if err := tr.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
