package machine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"

	"mcsim/event"
	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/machine/log"
	"mcsim/snapshot"
)

// framed is a section of a checkpoint, as docs/checkpoint-format.md has it.
type framed struct {
	head []byte // name and version
	body []byte
}

// unframe takes a checkpoint apart: its header as it is, and its sections.
func unframe(t testing.TB, file []byte) (header []byte, list []framed) {
	t.Helper()
	at := len(snapshot.Magic) + 4
	end := at + 4 + int(binary.LittleEndian.Uint32(file[at:])) + 4
	z, err := zstd.NewReader(bytes.NewReader(file[end:]))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	all, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	number := func() uint64 {
		v, n := binary.Uvarint(all)
		all = all[n:]
		return v
	}
	for len(all) > 0 {
		before := all
		all = all[1+int(all[0]):]
		number() // version
		s := framed{head: before[:len(before)-len(all)]}
		for n := number(); n > 0; n = number() {
			s.body = append(s.body, all[:n]...)
			all = all[n:]
		}
		all = all[4:]
		list = append(list, s)
	}
	return file[:end], list
}

// frame puts a checkpoint together again, with checksums that are right.
func frame(t testing.TB, header []byte, list []framed) []byte {
	t.Helper()
	var out bytes.Buffer
	out.Write(header)
	z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		b := append([]byte{}, s.head...)
		for rest := s.body; len(rest) > 0; {
			n := min(len(rest), 1<<16)
			b = binary.AppendUvarint(b, uint64(n))
			b = append(b, rest[:n]...)
			rest = rest[n:]
		}
		b = append(b, 0)
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(s.body, crc32.MakeTable(crc32.Castagnoli)))
		if _, err := z.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzRestore changes the state in a checkpoint, past its checksums. The machine
// refuses it, or takes it and runs to a limit, whatever comes of it: no panic that
// leaves Restore, and no run without end.
func FuzzRestore(f *testing.F) {
	var files [][]byte
	for _, set := range [][]string{
		{"machine.l2.size=64KiB", "machine.interrupts=aia", "machine.virtio.rng=true", "machine.virtio.transport=pci"},
		{"machine.protocol=MOESI", "machine.llc.inclusive=false", "machine.virtio.rng=true"},
	} {
		set = append(set, "machine.memory=2MiB", "machine.llc.size=64KiB", "machine.l1d.size=4KiB", "machine.l1i.size=4KiB", "machine.l2tlb.entries=32")
		files = append(files, savedAt(f, set, 3000))
	}
	for i := range files {
		_, list := unframe(f, files[i])
		for s := range list {
			f.Add(uint8(i), uint8(s), uint32(0), []byte{})
			f.Add(uint8(i), uint8(s), uint32(len(list[s].body)/2), []byte{0xff})
			f.Add(uint8(i), uint8(s), uint32(1), []byte{0xff, 0xff, 0xff, 0x7f})
		}
	}
	f.Fuzz(func(t *testing.T, which, section uint8, at uint32, change []byte) {
		file := files[int(which)%len(files)]
		header, list := unframe(t, file)
		s := &list[int(section)%len(list)]
		if len(s.body) > 0 {
			copy(s.body[int(at)%len(s.body):], change)
		}
		r, err := snapshot.Open(bytes.NewReader(frame(t, header, list)))
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Input{File: "checkpoint", Data: r.Header.Config})
		if err != nil {
			t.Fatal(err)
		}
		m, err := machine.New(cfg, machine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := m.Restore(r); err != nil {
			if len(change) == 0 {
				t.Fatal(err)
			}
			return
		}
		_, _ = m.Run(context.Background(), machine.Limits{Instructions: 20_000, Cycles: 20_000})
	})
}

// A checkpoint whose quantum is not where its harts are is refused: they would run up to
// it, which no limit ends.
func TestRestoreOfAnotherTime(t *testing.T) {
	file := savedAt(t, nil, 3000)
	for _, c := range []struct {
		start, end uint64
		ok         bool
	}{
		{0, 0, true}, // as they are
		{1 << 40, 1 << 40, false},
		{0, 1 << 40, false},
		{1 << 40, 0, false},
	} {
		header, list := unframe(t, file)
		for i := range list {
			if body := &list[i].body; string(list[i].head[1:]) == "engine\x01" {
				const harts = 2 // bytes that say how many there are; then come start and end, each behind a tag
				tag := (*body)[harts]
				start, n := binary.Uvarint((*body)[harts+1:])
				end, k := binary.Uvarint((*body)[harts+2+n:])
				b := binary.AppendUvarint(append((*body)[:harts:harts], tag), start+c.start)
				b = binary.AppendUvarint(append(b, tag), end+c.end)
				*body = append(b, (*body)[harts+2+n+k:]...)
			}
		}
		r, err := snapshot.Open(bytes.NewReader(frame(t, header, list)))
		if err != nil {
			t.Fatal(err)
		}
		m, err := machine.New(configure(t, []string{"machine.harts=2"}), machine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Restore(r); (err == nil) != c.ok {
			t.Errorf("start moved by %d, end by %d: %v", c.start, c.end, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A machine that is built and never run leaves nothing behind: no goroutine that would
// hold it for ever.
func TestMachineThatNeverRuns(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 10 {
		m, err := machine.New(configure(t, []string{"machine.harts=4"}), machine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.LoadELF("loop", assemble(0x0000006f)); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines more than before", n-before)
	}
}

// savedAt is a checkpoint of a program that two harts run.
func savedAt(t testing.TB, set []string, cycle uint64) []byte {
	t.Helper()
	var file bytes.Buffer
	j := job{guest: "vm", harts: 2, set: set}
	m, err := machine.New(configure(t, append([]string{"machine.harts=2"}, set...)), machine.Options{Log: log.New(io.Discard, log.Options{Level: event.Warn})})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadELF(j.guest, j.program(t)); err != nil {
		t.Fatal(err)
	}
	l := machine.Limits{Cycles: 2 * cycle, CheckpointAt: config.Trigger{Kind: config.AtCycle, N: cycle},
		Checkpoint: func(reason string) error { return m.Checkpoint(&file, reason) }}
	if _, err := m.Run(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}
