package machine_test

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"mcsim/addr"
	"mcsim/machine"
)

const kernelBase = machine.RAMBase + 2<<20

// flatKernel is a flat Image with a header, as boot-image-header.rst describes it.
func flatKernel(offset, size, flags uint64, code []byte) []byte {
	b := make([]byte, 64)
	le := binary.LittleEndian
	le.PutUint32(b, spin)
	le.PutUint64(b[8:], offset)
	le.PutUint64(b[16:], size)
	le.PutUint64(b[24:], flags)
	copy(b[48:], "RISCV\x00\x00\x00RSC\x05")
	return append(b, code...)
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

func zbootOf(kind string, payload []byte) []byte {
	b := make([]byte, 64)
	copy(b, "MZ\x00\x00zimg")
	binary.LittleEndian.PutUint32(b[8:], 64)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(payload)))
	copy(b[24:], kind)
	return append(b, payload...)
}

// Every packing of a kernel gives the same bytes at the same place.
func TestKernelFormats(t *testing.T) {
	plain := flatKernel(2<<20, 1<<20, 0, []byte("kernel"))
	for name, data := range map[string][]byte{
		"Image": plain, "Image.gz": zipped(plain), "padded Image.gz": append(zipped(plain), 0, 0, 0),
		"zboot": zbootOf("gzip", zipped(plain)),
	} {
		im, err := machine.ReadKernel(name, data, kernelBase, 1<<24)
		if err != nil || im.Entry != kernelBase || len(im.Segments) != 1 || !bytes.Equal(im.Segments[0].Data, plain) || im.Segments[0].MemSize != 1<<20 {
			t.Errorf("%s: %+v %v", name, im, err)
		}
	}
	other, err := machine.ReadKernel("u-boot.bin", []byte("\x6f\x00\x00\x00any code"), kernelBase, 1<<24)
	if err != nil || other.Entry != kernelBase || other.Segments[0].MemSize != 12 {
		t.Errorf("another flat file: %+v %v", other, err)
	}
}

// A vmlinux is linked for virtual addresses and position independent; it keeps
// its place relative to 2 MiB. One that is linked for memory is left there.
func TestKernelELF(t *testing.T) {
	for _, x := range []struct {
		va, pa, entry uint64
		want, at      addr.PA
	}{
		{0xffff_ffff_8000_0000, 0, 0xffff_ffff_8000_0000, kernelBase, kernelBase},
		{0xffff_ffff_8000_2000, 0x20_2000, 0xffff_ffff_8000_2004, kernelBase + 0x2004, kernelBase + 0x2000},
		{0x8000_0000, 0x8000_0000, 0x8000_0000, 0x8000_0000, 0x8000_0000},
	} {
		b := image(x.va, []byte("program"), 0x1000)
		binary.LittleEndian.PutUint16(b[16:], uint16(elf.ET_DYN))
		binary.LittleEndian.PutUint64(b[24:], x.entry)
		binary.LittleEndian.PutUint64(b[64+24:], x.pa)
		im, err := machine.ReadKernel("vmlinux", b, kernelBase, 1<<24)
		if err != nil || im.Entry != x.want || im.Segments[0].PA != x.at {
			t.Errorf("%+v: %+v %v", x, im, err)
		}
	}
}

func TestKernelRefused(t *testing.T) {
	x86 := make([]byte, 0x300)
	copy(x86[0x202:], "HdrS")
	arm := make([]byte, 64)
	copy(arm[0x38:], "ARM\x64")
	good := flatKernel(2<<20, 1<<20, 0, nil)
	for want, data := range map[string][]byte{
		"empty":        {},
		"2 MiB":        flatKernel(1<<20, 1<<20, 0, nil),
		"big-endian":   flatKernel(0, 1<<20, 1, nil),
		"corrupt":      flatKernel(0, 1<<60, 0, nil),
		"x86":          x86,
		"arm64":        arm,
		"unexpected":   zipped(good)[:40],
		"only gzip":    zbootOf("zstd22", good),
		"cut off":      zbootOf("gzip", make([]byte, 100))[:100],
		"memory":       zipped(make([]byte, 1<<20+1)),
		"invalid":      append([]byte{0x1f, 0x8b}, make([]byte, 30)...),
		"text":         []byte("# no kernel at all\n"),
		"cut off; ELF": []byte("\x7fELF\x02\x01\x01"),
	} {
		want, _, _ := strings.Cut(want, ";")
		if _, err := machine.ReadKernel("k", data, kernelBase, 1<<20); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The parts of a system must fit, and do not overlap.
func TestBootRoom(t *testing.T) {
	kernel := machine.File{Name: "k", Data: flatKernel(2<<20, 1<<20, 0, nil)}
	for name, x := range map[string]struct {
		boot machine.Boot
		want string
	}{
		"too large":           {machine.Boot{Kernel: machine.File{Name: "k", Data: flatKernel(2<<20, 30<<20, 0, nil)}}, "more with --memory"},
		"kernel over initrd":  {machine.Boot{Kernel: machine.File{Name: "k", Data: flatKernel(2<<20, 8<<20, 0, nil)}, Initrd: machine.File{Name: "i", Data: make([]byte, 5<<20)}}, "more with --memory"},
		"initrd":              {machine.Boot{Kernel: kernel, Initrd: machine.File{Name: "i", Data: make([]byte, 17<<20)}}, "do not fit"},
		"firmware over":       {machine.Boot{Kernel: kernel, BIOS: machine.File{Name: "b", Data: make([]byte, 3<<20)}}, "more with --memory"},
		"empty firmware":      {machine.Boot{Kernel: kernel, BIOS: machine.File{Name: "b", Data: []byte{}}}, "empty"},
		"nothing at all":      {machine.Boot{}, "no kernel"},
		"firmware, no kernel": {machine.Boot{BIOS: machine.File{Name: "b", Data: []byte("\x6f\x00\x00\x00code")}}, ""},
		"text as firmware":    {machine.Boot{BIOS: machine.File{Name: "b", Data: []byte("code\n")}}, "it is text"},
		"kernel alone":        {machine.Boot{Kernel: kernel}, ""},
	} {
		m, err := machine.New(configure(t, []string{"machine.memory=16MiB"}), machine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.LoadBoot(x.boot); x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadKernel(f *testing.F) {
	f.Add(flatKernel(2<<20, 1<<20, 0, []byte("x")))
	f.Add(zipped(flatKernel(0, 100, 0, nil)))
	f.Add(zbootOf("gzip", zipped([]byte("x"))))
	f.Add(image(0, []byte("x"), 10))
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := machine.ReadKernel("k", data, kernelBase, 1<<20)
		if err != nil {
			return
		}
		total := uint64(0)
		for _, s := range im.Segments {
			if uint64(len(s.Data)) > s.MemSize {
				t.Errorf("%d bytes in %d", len(s.Data), s.MemSize)
			}
			total += uint64(len(s.Data))
		}
		if total > max(1<<20, uint64(len(data))) {
			t.Errorf("%d bytes from %d", total, len(data))
		}
	})
}
