package disk_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"mcsim/machine/config"
	"mcsim/machine/disk"
)

// An overlay of a large disk costs what is used of it, in memory and in the file.
func TestOverlayOfLargeDisk(t *testing.T) {
	dir := t.TempDir()
	image, ovl := filepath.Join(dir, "big.img"), filepath.Join(dir, "big.ovl")
	if err := os.WriteFile(image, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	const size = 8 << 40
	if err := os.Truncate(image, size); err != nil {
		t.Skip("no sparse files of 8 TiB here:", err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := open(t, image+",overlay="+ovl)
	p := bytes.Repeat([]byte{7}, 512)
	for _, sector := range []uint64{0, 1 << 30, size/512 - 1} {
		if err := d.WriteSectors(sector, p); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes of memory", n)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, image+",overlay="+ovl)
	got := make([]byte, 512)
	for sector, want := range map[uint64]byte{0: 7, 1: 0, 1 << 30: 7, 1<<30 + 1: 0, size/512 - 1: 7} {
		if err := d.ReadSectors(sector, got); err != nil || got[0] != want {
			t.Errorf("sector %d: %d, %v", sector, got[0], err)
		}
	}
}

// FuzzOverlay opens what once was an overlay of a small image. What opens is a disk
// that holds what is written to it, now and when it is opened again, and a file that
// does not grow beyond the blocks of the disk.
func FuzzOverlay(f *testing.F) {
	const sectors = 100
	head := make([]byte, 4096+2)
	copy(head, "mcsim overlay 1\n")
	binary.LittleEndian.PutUint64(head[16:], sectors)
	head[4096] = 5
	f.Add(head, []byte{3, 1, 9, 2})
	f.Add(append(head, bytes.Repeat([]byte{1}, 4096*3)...), []byte{3, 1, 80, 40, 99})
	f.Add(head[:4000], []byte{1})
	f.Add([]byte{}, []byte{1, 2, 3})
	dir := f.TempDir()
	image, name := filepath.Join(dir, "x.img"), filepath.Join(dir, "x.ovl")
	if err := os.WriteFile(image, noise(512*sectors, 3), 0o666); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file, ops []byte) {
		if err := os.WriteFile(name, file, 0o666); err != nil {
			t.Fatal(err)
		}
		again := func() (*disk.Disk, error) {
			return disk.Open(config.Disk{File: image, Mode: config.DiskOverlay, OverlayFile: name})
		}
		d, err := again()
		if err != nil {
			return
		}
		model, bad := make([]byte, 512*sectors), map[uint64]bool{}
		for s := range uint64(sectors) {
			bad[s/8] = d.ReadSectors(s, model[512*s:][:512]) != nil // a block that was cut off
		}
		for i, op := range ops {
			s := uint64(op) % sectors
			if bad[s/8] {
				continue
			}
			p := bytes.Repeat([]byte{byte(i)}, 512)
			copy(model[512*s:], p)
			if err := d.WriteSectors(s, p); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			for s := range uint64(sectors) {
				p := make([]byte, 512)
				if err := d.ReadSectors(s, p); !bad[s/8] && (err != nil || !bytes.Equal(p, model[512*s:][:512])) {
					t.Fatalf("sector %d: %v", s, err)
				}
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if d, err = again(); err != nil {
				t.Fatal(err)
			}
		}
		d.Close()
		if info, err := os.Stat(name); err != nil || info.Size() > max(int64(len(file)), 2*4096+sectors/8*4096+4096) {
			t.Errorf("%d bytes in the file: %v", info.Size(), err)
		}
	})
}
