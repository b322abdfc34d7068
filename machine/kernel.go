package machine

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"mcsim/addr"
)

// kernelAlign is what a kernel's place in memory is a multiple of, and how far
// from the start of memory it is put: the firmware is below (Linux,
// Documentation/arch/riscv/boot.rst, "Kernel location").
const kernelAlign = 2 << 20

// ReadKernel reads a kernel: an ELF vmlinux, a flat Image (Linux,
// Documentation/arch/riscv/boot-image-header.rst), or an Image packed by gzip,
// plain or as an EFI zboot image. Whatever has no place of its own in memory is
// put at base, which is aligned to 2 MiB. Other flat files are kernels too: what
// U-Boot and its like are. limit bounds what is unpacked.
func ReadKernel(name string, data []byte, base addr.PA, limit uint64) (*Image, error) {
	im, err := readKernel(name, data, base, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return im, nil
}

func readKernel(name string, data []byte, base addr.PA, limit uint64) (*Image, error) {
	if payload, ok, err := zboot(data); err != nil {
		return nil, err
	} else if ok {
		data = payload
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		var err error
		if data, err = gunzip(data, limit); err != nil {
			return nil, err
		}
	}
	switch {
	case len(data) == 0:
		return nil, errors.New("it is empty")
	case bytes.HasPrefix(data, []byte(elf.ELFMAG)):
		return kernelELF(name, data, base)
	case len(data) >= imageHeader && string(data[0x38:0x3c]) == "RSC\x05":
		return flatImage(name, data, base)
	case len(data) > 0x204 && string(data[0x202:0x206]) == "HdrS":
		return nil, errors.New("a kernel for x86; harts need one for riscv64")
	case len(data) >= 0x3c && string(data[0x38:0x3c]) == "ARM\x64":
		return nil, errors.New("a kernel for arm64; harts need one for riscv64")
	case isText(data):
		return nil, errors.New("it is text, and no kernel")
	}
	if err := foreign(data); err != nil {
		return nil, err
	}
	return rawImage(name, data, base, uint64(len(data))), nil
}

// isText says whether a file begins like a text, as no code does.
func isText(data []byte) bool {
	head := data[:min(len(data), 256)]
	return len(head) > 0 && !bytes.ContainsFunc(head, func(r rune) bool {
		return r == utf8.RuneError || r < ' ' && !strings.ContainsRune("\t\n\r\f", r)
	})
}

// imageHeader is the size of the header of a flat Image.
const imageHeader = 64

// flatImage places a flat Image. Its header says where, from the start of memory,
// and how much memory it takes with its BSS.
func flatImage(name string, data []byte, base addr.PA) (*Image, error) {
	le := binary.LittleEndian
	offset, size, flags := le.Uint64(data[8:]), le.Uint64(data[16:]), le.Uint64(data[24:])
	switch {
	case flags&1 != 0:
		return nil, errors.New("a big-endian kernel; harts are little-endian")
	case offset&(kernelAlign-1) != 0:
		return nil, fmt.Errorf("the Image's header asks for offset %#x, which is no multiple of 2 MiB", offset)
	case size > physLimit:
		return nil, fmt.Errorf("the Image's header claims %#x bytes of memory; the file is corrupt", size)
	}
	return rawImage(name, data, base, max(size, uint64(len(data)))), nil
}

func rawImage(name string, data []byte, base addr.PA, size uint64) *Image {
	return &Image{Name: name, Entry: base, Segments: []Segment{{PA: base, VA: uint64(base), Data: data, MemSize: size}}}
}

// kernelELF reads a vmlinux. One that is linked for physical addresses outside of
// memory, as Linux is, is moved as a whole.
func kernelELF(name string, data []byte, base addr.PA) (*Image, error) {
	f := &elfFile{r: bytes.NewReader(data), size: uint64(len(data)), movable: true}
	im := &Image{Name: name}
	err := f.header()
	if err == nil {
		im.Segments, err = f.segments()
	}
	if err == nil {
		im.Symbols, err = f.symbols()
	}
	if err != nil {
		return nil, err
	}
	if len(im.Segments) == 0 {
		return nil, errors.New("no segment to load; is this a file of debug information?")
	}
	if first := im.Segments[0].PA; first < RAMBase {
		from := first &^ (kernelAlign - 1)
		for i := range im.Segments {
			im.Segments[i].PA += base - from
		}
	}
	im.Entry, err = im.entry(f.h.Entry)
	return im, err
}

// zboot unwraps an EFI zboot image (Linux, drivers/firmware/efi/libstub/zboot-header.S).
func zboot(data []byte) (payload []byte, ok bool, err error) {
	if len(data) < imageHeader || string(data[:2]) != "MZ" || string(data[4:8]) != "zimg" {
		return nil, false, nil
	}
	off, n := uint64(binary.LittleEndian.Uint32(data[8:])), uint64(binary.LittleEndian.Uint32(data[12:]))
	if off > uint64(len(data)) || n > uint64(len(data))-off {
		return nil, false, fmt.Errorf("the EFI zboot header names %d bytes at offset %d, but the file has %d; it may have been cut off", n, off, len(data))
	}
	kind, _, _ := bytes.Cut(data[24:56], []byte{0})
	if string(kind) != "gzip" {
		return nil, false, fmt.Errorf("an EFI zboot image packed by %q; unpack it first, only gzip is known", kind)
	}
	return data[off : off+n], true, nil
}

// gunzip unpacks at most limit bytes.
func gunzip(data []byte, limit uint64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	z.Multistream(false) // an Image.gz may have padding behind it
	out, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("gzip: %w", err)
	case uint64(len(out)) > limit:
		return nil, fmt.Errorf("unpacked it has more than the %d bytes of the machine's memory", limit)
	}
	return out, nil
}

// foreign refuses files of other kinds, which as flat binaries would only trap.
func foreign(data []byte) error {
	for _, k := range []struct{ magic, what string }{
		{"\x8eMCT", "a recording of mcsim; follow it by mcsim replay"},
		{"mcsim checkpoint\n", "a checkpoint of mcsim; go on from it by --restore"},
		{"mcsim overlay ", "an overlay of a disk; attach it by --disk IMAGE,overlay=FILE"},
		{"QFI\xfb", "a qcow2 image; attach it by --disk"},
		{"070701", "a cpio archive; give it by --initrd"},
		{"\xfd7zXZ\x00", "packed by xz; unpack it first, only gzip is known"},
		{"\x28\xb5\x2f\xfd", "packed by zstd; unpack it first, only gzip is known"},
		{"BZh", "packed by bzip2; unpack it first, only gzip is known"},
		{"PK\x03\x04", "a zip archive; unpack it first"},
		{"!<arch>\n", "a package or library; unpack it first"},
	} {
		if bytes.HasPrefix(data, []byte(k.magic)) {
			return fmt.Errorf("it is %s", k.what)
		}
	}
	return nil
}
