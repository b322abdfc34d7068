package replay_test

import (
	"context"
	"encoding/binary"
	"testing"

	"mcsim/machine"
	"mcsim/replay"
	"mcsim/traces"
)

// FuzzReplay replays whatever references there may be: it ends, by itself or with
// an error, and loads see what was stored.
func FuzzReplay(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"), uint16(0))
	f.Add([]byte{1, 8, 0, 0, 0, 0, 0, 0x10, 1, 1, 2, 8, 0, 0, 0, 0, 0, 0x10, 1, 1, 3, 8, 1, 0, 0, 0, 0, 0x10, 1, 1}, uint16(7))
	f.Add([]byte{2, 255, 255, 255, 255, 255, 255, 255, 200, 9, 13, 8, 0x80, 0, 0, 0, 0, 0, 3, 2, 14, 8, 0x80, 0, 0, 0, 0, 0, 3, 2, 1, 64, 0, 0, 0, 0, 0, 0, 3, 4}, uint16(1<<3|2))
	f.Fuzz(func(t *testing.T, data []byte, how uint16) {
		var refs []traces.Ref
		for ; len(data) >= 10; data = data[10:] {
			r := traces.Ref{
				Kind: traces.Kind(data[0] % 16), Size: uint32(data[1]), VA: binary.BigEndian.Uint64(append([]byte{data[2], data[3], 0, 0, 0}, data[5:8]...)),
				Instructions: uint32(data[8]), Thread: uint32(data[9] % 5), ASID: uint16(data[9] / 64), Cycle: uint64(data[4]) << (data[8] % 60), Has: traces.HasVA,
			}
			if data[9]&8 != 0 {
				r.Has |= traces.HasCycle | traces.HasMode
			}
			if r.Size == 255 {
				r.Size = 65535
			}
			r.PA = r.VA & 0xff_ffff
			refs = append(refs, r)
		}
		tr := inMemory(refs, refs)
		c := replay.Config{
			VMs: all(tr), Pages: replay.Pages(how % 3), Slice: 1 + uint64(how>>8), EachFetch: how>>4&1 != 0, Warmup: uint64(how >> 5 & 3), Physical: how>>7&1 != 0,
		}
		if c.Pages != replay.PagesNone {
			c.Frames = replay.Frames(how >> 2 & 1)
		}
		m := machineFor(t, settings(t, "machine.harts=2", "machine.memory=16MiB", "run.check=true", "machine.quantum=100000"), c)
		res, err := m.Run(context.Background(), machine.Limits{Cycles: 1 << 40})
		switch res.Reason {
		case "trace-end", "max-cycles":
			if err != nil {
				t.Fatal(err)
			}
		case "trace-error":
			if err == nil {
				t.Fatal("no error is told")
			}
		default:
			t.Fatalf("ended by %q: %v", res.Reason, err)
		}
	})
}

// Memory in use does not grow with the length of a trace.
func TestMemoryIsBounded(t *testing.T) {
	allocated := func(refs uint64) uint64 {
		loop := streamRefs(1<<16, 0x10000, 64<<10)
		for i := range loop {
			loop[i].Thread = uint32(i / 7 % 3)
		}
		tr := replay.Trace{Name: "loop", Info: traces.Info{Instructions: true}, Readers: []traces.Reader{&looped{refs: loop}}}
		m := machineFor(t, settings(t, "machine.harts=2"), replay.Config{VMs: all(tr), Limit: refs, Count: replay.References})
		before := totalAlloc()
		if _, err := m.Run(context.Background(), machine.Limits{}); err != nil {
			t.Fatal(err)
		}
		return totalAlloc() - before
	}
	short, long := allocated(200_000), allocated(2_000_000)
	t.Logf("%d bytes allocated for 600 thousand references, %d for 6 million", short, long)
	if long > short+8<<20 {
		t.Errorf("%d bytes allocated for 600 thousand references, %d for 6 million", short, long)
	}
}
