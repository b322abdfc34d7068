package disk_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mcsim/machine/config"
	"mcsim/machine/disk"
	"mcsim/snapshot"
)

func open(t testing.TB, text string) *disk.Disk {
	t.Helper()
	s, err := config.ParseDisk(text)
	if err != nil {
		t.Fatal(err)
	}
	d, err := disk.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// refused says why an image cannot be opened.
func refused(t testing.TB, text string) string {
	t.Helper()
	s, err := config.ParseDisk(text)
	if err == nil {
		var d *disk.Disk
		if d, err = disk.Open(s); err == nil {
			d.Close()
			t.Fatalf("%s is opened", text)
		}
	}
	return err.Error()
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(t.TempDir(), name)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func noise(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// random drives a disk against a slice of bytes.
func random(t *testing.T, d *disk.Disk, want []byte, steps int) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	sectors := len(want) / 512
	if d.Sectors() != uint64(sectors) {
		t.Fatalf("%d sectors, want %d", d.Sectors(), sectors)
	}
	for range steps {
		n := 1 + rnd.IntN(40)
		s := rnd.IntN(sectors - n)
		at := want[512*s : 512*(s+n)]
		var err error
		switch rnd.IntN(4) {
		case 0:
			p := noise(512*n, rnd.Uint64())
			copy(at, p)
			err = d.WriteSectors(uint64(s), p)
		case 1:
			clear(at)
			err = d.ZeroSectors(uint64(s), uint64(n), true)
		default:
			p := make([]byte, 512*n)
			if err = d.ReadSectors(uint64(s), p); err == nil && !bytes.Equal(p, at) {
				t.Fatalf("%d sectors at %d differ", n, s)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	all := make([]byte, len(want))
	if err := d.ReadSectors(0, all); err != nil || !bytes.Equal(all, want) {
		t.Fatalf("the disk differs in the end: %v", err)
	}
}

func TestModes(t *testing.T) {
	base := noise(1001*512, 1) // the last block is a part of one
	name := write(t, "base.img", base)
	ovl := filepath.Join(t.TempDir(), "o.ovl")

	random(t, open(t, name+",overlay"), bytes.Clone(base), 500)
	want := bytes.Clone(base)
	d := open(t, name+",overlay="+ovl)
	random(t, d, want, 500)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	random(t, open(t, name+",overlay="+ovl), want, 10) // it is all still there
	if now, _ := os.ReadFile(name); !bytes.Equal(now, base) {
		t.Error("an overlay changes the image")
	}
	d = open(t, name+",ro")
	if err := d.WriteSectors(0, make([]byte, 512)); err == nil {
		t.Error("a read-only disk is written")
	}
	if err := d.ZeroSectors(0, 1, true); err == nil {
		t.Error("a read-only disk is zeroed")
	}
	d = open(t, name)
	random(t, d, base, 500)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(name); !bytes.Equal(now, base) {
		t.Error("what was written is not in the file")
	}
}

// A checkpoint carries what was written to an overlay in memory, and refuses
// disks whose files go on.
func TestSnapshot(t *testing.T) {
	name := write(t, "base.img", noise(64*512, 1))
	save := func(d *disk.Disk) ([]byte, error) {
		var b bytes.Buffer
		err := snapshot.Save(&b, snapshot.Header{Config: []byte("{}")}, func(c *snapshot.Coder) { c.Section("disk", 1, d.Snapshot) })
		return b.Bytes(), err
	}
	load := func(d *disk.Disk, data []byte) error {
		r, err := snapshot.Open(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return r.Load(func(c *snapshot.Coder) { c.Section("disk", 1, d.Snapshot) })
	}
	a, b := open(t, name+",overlay"), open(t, name+",overlay")
	random(t, a, noise(64*512, 1), 30)
	data, err := save(a)
	if err != nil {
		t.Fatal(err)
	}
	random(t, b, noise(64*512, 1), 30) // which loading forgets
	if err := load(b, data); err != nil {
		t.Fatal(err)
	}
	x, y := make([]byte, 64*512), make([]byte, 64*512)
	if a.ReadSectors(0, x) != nil || b.ReadSectors(0, y) != nil || !bytes.Equal(x, y) {
		t.Error("the copy differs")
	}
	other := open(t, write(t, "small.img", noise(8*512, 1))+",overlay")
	if err := load(other, data); err == nil {
		t.Error("a smaller disk takes a larger one's state")
	}
	changed := noise(64*512, 1)
	changed[40*512]++
	other = open(t, write(t, "changed.img", changed)+",overlay")
	if err := load(other, data); err == nil || !strings.Contains(err.Error(), "is not the image") {
		t.Errorf("another image of the same size: %v", err)
	}
	moved := open(t, write(t, "moved.img", noise(64*512, 1))+",overlay")
	if err := load(moved, data); err != nil {
		t.Errorf("the image in another place: %v", err)
	}
	if _, err := save(open(t, name)); err == nil {
		t.Error("a disk that is written in place is saved")
	}
	if _, err := save(open(t, name+",ro")); err != nil {
		t.Error(err)
	}
}

func TestRefusedImages(t *testing.T) {
	name := write(t, "base.img", noise(8*512, 1))
	for text, want := range map[string]string{
		"/nowhere/x.img":                                       "no such file",
		t.TempDir() + ",ro":                                    "not a regular file",
		write(t, "empty.img", nil):                             "empty",
		write(t, "odd.img", noise(1000, 1)):                    "truncate -s %512",
		write(t, "x.vmdk", []byte("KDMV1234")):                 "VMDK",
		name + ",overlay=" + name:                              "no overlay of mcsim",
		write(t, "short.qcow2", []byte("QFI\xfb\x00\x00")):     "offset 0",
		name + ",format=qcow2":                                 "offset 0",
		write(t, "rw.qcow2", []byte("QFI\xfb")) + ",rw":        "qcow2 images are not written",
		name + ",overlay=" + filepath.Join(t.TempDir(), "a/b"): "no such file",
	} {
		if got := refused(t, text); !strings.Contains(got, want) {
			t.Errorf("%s: %q does not say %q", text, got, want)
		}
	}
	ovl := filepath.Join(t.TempDir(), "o.ovl")
	open(t, name+",overlay="+ovl)
	other := write(t, "other.img", noise(16*512, 1))
	if got := refused(t, other+",overlay="+ovl); !strings.Contains(got, "belongs to a disk of 8 sectors") {
		t.Error(got)
	}
	if err := os.Truncate(ovl, 4096); err != nil {
		t.Fatal(err)
	}
	if got := refused(t, name+",overlay="+ovl); !strings.Contains(got, "cut off") {
		t.Error(got)
	}
}

func qemuImg(t testing.TB, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("qemu-img is not installed (qemu-utils)")
	}
	if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img %v: %v\n%s", args, err, out)
	}
}

// Images of every kind that qemu-img makes read as it says.
func TestQCOW2AsQEMU(t *testing.T) {
	dir := t.TempDir()
	data := make([]byte, 3<<20)
	copy(data[100<<10:], noise(200<<10, 1))
	copy(data[2<<20:], bytes.Repeat([]byte("compressible "), 20000))
	raw := write(t, filepath.Join(dir, "a.raw"), data)
	for i, c := range [][]string{
		{"-o", "compat=0.10"}, {"-o", "compat=1.1"}, {"-c"},
		{"-o", "cluster_size=512"}, {"-o", "cluster_size=2M"}, {"-o", "extended_l2=on,cluster_size=128k"},
		{"-o", "lazy_refcounts=on"}, {"-o", "refcount_bits=1"}, {"-o", "preallocation=metadata"},
	} {
		t.Run(strings.Join(c, " "), func(t *testing.T) {
			name := filepath.Join(dir, fmt.Sprintf("%d.qcow2", i))
			qemuImg(t, append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, c...), raw, name)...)
			before, _ := os.ReadFile(name)
			random(t, open(t, name), bytes.Clone(data), 300) // over an overlay
			if after, _ := os.ReadFile(name); !bytes.Equal(before, after) {
				t.Error("the image was changed")
			}
		})
	}
	t.Run("behind another", func(t *testing.T) {
		top := filepath.Join(dir, "top.qcow2")
		qemuImg(t, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw, top)
		if got := refused(t, top); !strings.Contains(got, "format=qcow2") {
			t.Error(got)
		}
		random(t, open(t, top+",format=qcow2"), bytes.Clone(data), 100)
		loop := filepath.Join(dir, "loop.qcow2")
		qemuImg(t, "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", top, loop)
		qemuImg(t, "rebase", "-u", "-F", "qcow2", "-b", loop, loop)
		if got := refused(t, loop+",format=qcow2"); !strings.Contains(got, "behind one another") {
			t.Error(got)
		}
	})
}

// Corrupt images are refused with the offset and what is wrong there.
func TestCorruptQCOW2(t *testing.T) {
	good := filepath.Join(t.TempDir(), "a.qcow2")
	raw := write(t, "a.raw", noise(1<<20, 1))
	qemuImg(t, "convert", "-f", "raw", "-O", "qcow2", raw, good)
	image, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	be := binary.BigEndian
	l1 := be.Uint64(image[40:])
	l2 := be.Uint64(image[l1:]) & 0x00ff_ffff_ffff_fe00
	for _, c := range []struct {
		at   uint64
		v    uint64
		n    int
		want string
	}{
		{4, 9, 4, "offset 4: version 9"},
		{20, 63, 4, "offset 20"},
		{24, 0, 8, "offset 24"},
		{24, 1 << 60, 8, "offset 24"},
		{24, 1 << 40, 8, "offset 36"}, // too large for its L1 table
		{32, 1, 4, "encrypted"},
		{36, 0xffff_ffff, 4, "offset 36"},
		{36, 0, 4, "offset 36"},
		{40, 1 << 50, 8, "offset 40"},
		{40, 3, 8, "offset 40"},
		{72, 2, 8, "marked as corrupt"},
		{72, 1 << 20, 8, "unknown features"},
		{100, 8, 4, "offset 100"},
		{l1, 1 << 40, 8, "L1 entry 0"},
		{l2, 1 << 40, 8, "L2 entry 0"},
		{l2, 0x8000_0000_0000_0200, 8, "L2 entry 0"},
		{8, 1 << 40, 8, "offset 8"},
	} {
		bad := bytes.Clone(image)
		if c.n == 4 {
			be.PutUint32(bad[c.at:], uint32(c.v))
		} else {
			be.PutUint64(bad[c.at:], c.v)
		}
		if got := refused(t, write(t, "bad.qcow2", bad)); !strings.Contains(got, c.want) {
			t.Errorf("%#x at %d: %q does not say %q", c.v, c.at, got, c.want)
		}
	}
}

// FuzzQCOW2 opens what once was an image and reads all of it: errors, no panic.
func FuzzQCOW2(f *testing.F) {
	head := make([]byte, 1<<10)
	copy(head, "QFI\xfb\x00\x00\x00\x03")
	be := binary.BigEndian
	be.PutUint32(head[20:], 9)
	be.PutUint64(head[24:], 64*512)
	be.PutUint32(head[36:], 1)
	be.PutUint64(head[40:], 512)
	be.PutUint32(head[100:], 104)
	f.Add(head)
	f.Add([]byte("QFI\xfb\x00\x00\x00\x02"))
	name := filepath.Join(f.TempDir(), "x.qcow2")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		d, err := disk.Open(config.Disk{File: name, Mode: config.DiskReadOnly})
		if err != nil {
			return
		}
		defer d.Close()
		p := make([]byte, 512)
		for s := uint64(0); s < min(d.Sectors(), 200); s++ {
			_ = d.ReadSectors(s, p)
		}
	})
}
