package machine

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"

	"mcsim/addr"
)

// Image is a program as its ELF file describes it.
type Image struct {
	Name     string
	Entry    addr.PA
	Segments []Segment // by PA; none is empty, none overlaps another
	Symbols  []Symbol  // by address, then name
}

// Segment is a part of an Image: Data at PA, then zeros up to MemSize bytes.
type Segment struct {
	PA      addr.PA
	VA      uint64 // where the program believes it is
	Data    []byte
	MemSize uint64 // at least len(Data)
}

// Symbol is a name for an address, as the program uses addresses.
type Symbol struct {
	Name  string
	Value uint64
	Size  uint64
	Func  bool
}

// Physical addresses have 56 bits in all of RISC-V's translation modes.
const physLimit = 1 << 56

const (
	elfHeaderSize  = 64
	elfProgSize    = 56
	elfSectionSize = 64
	elfSymbolSize  = 24
	elfFlagRVE     = 0x8 // of e_flags: RISC-V ELF psABI, "File Header"
)

// LoadELF reads the program in a file.
func LoadELF(path string) (*Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	return ReadELF(f, info.Size(), path)
}

// ReadELF reads a static ELF64 executable for little-endian RISC-V from the
// size bytes of r; name stands in errors. It holds no more memory than a small
// multiple of size, whatever the headers claim.
func ReadELF(r io.ReaderAt, size int64, name string) (*Image, error) {
	f := &elfFile{r: r, size: uint64(max(size, 0))}
	im := &Image{Name: name}
	err := f.header()
	if err == nil {
		im.Segments, err = f.segments()
	}
	if err == nil {
		im.Symbols, err = f.symbols()
	}
	if err == nil {
		im.Entry, err = im.entry(f.h.Entry)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return im, nil
}

// Phys returns the physical address of one that the program uses, such as a
// symbol's value. Segments whose two addresses differ translate; all other
// addresses are taken as they are. ok is false outside of all segments.
func (im *Image) Phys(v uint64) (pa addr.PA, ok bool) {
	for _, s := range im.Segments {
		if v-s.VA < s.MemSize {
			return s.PA + addr.PA(v-s.VA), true
		}
	}
	for _, s := range im.Segments {
		if v-uint64(s.PA) < s.MemSize {
			return addr.PA(v), true
		}
	}
	return addr.PA(v), false
}

// Symbol returns the symbol of a name.
func (im *Image) Symbol(name string) (Symbol, bool) {
	for _, s := range im.Symbols {
		if s.Name == name {
			return s, true
		}
	}
	return Symbol{}, false
}

// Function returns the function that an address of the program is in: the
// last one that begins at or below it, if its size is unknown or reaches it.
func (im *Image) Function(v uint64) (Symbol, bool) {
	i := sort.Search(len(im.Symbols), func(i int) bool { return im.Symbols[i].Value > v })
	for i--; i >= 0; i-- {
		if s := im.Symbols[i]; s.Func {
			return s, s.Size == 0 || v-s.Value < s.Size
		}
	}
	return Symbol{}, false
}

// CheckFits returns an error unless all segments lie in the size bytes of RAM
// at base.
func (im *Image) CheckFits(base addr.PA, size uint64) error {
	var errs []error
	for _, s := range im.Segments {
		switch {
		case s.PA < base || uint64(s.PA-base) >= size:
			errs = append(errs, fmt.Errorf("%s: the segment at %#x (%d bytes) is outside of the memory at %#x to %#x; link the program to run at %#x",
				im.Name, s.PA, s.MemSize, base, uint64(base)+size-1, base))
		case s.MemSize > size-uint64(s.PA-base):
			errs = append(errs, fmt.Errorf("%s: the segment at %#x (%d bytes) does not end within the memory at %#x to %#x; give the machine more memory",
				im.Name, s.PA, s.MemSize, base, uint64(base)+size-1))
		}
	}
	return errors.Join(errs...)
}

// entry returns where harts start: they do so without translation.
func (im *Image) entry(v uint64) (addr.PA, error) {
	if len(im.Segments) == 0 {
		return 0, errors.New("nothing to load: no PT_LOAD segment has any memory; is this an object file or one with debug information only?")
	}
	if v&1 != 0 {
		return 0, fmt.Errorf("the entry point %#x is odd, and instructions begin at even addresses; the file is corrupt", v)
	}
	for _, s := range im.Segments {
		if v-uint64(s.PA) < s.MemSize {
			return addr.PA(v), nil
		}
	}
	pa, ok := im.Phys(v)
	if !ok {
		return 0, fmt.Errorf("the entry point %#x is outside of all segments; name a symbol of the program in the linker script's ENTRY", v)
	}
	return pa, nil
}

// elfFile is an ELF file being read. Offsets and sizes from its headers are
// not to be used before they went through bytes.
type elfFile struct {
	r    io.ReaderAt
	size uint64
	h    elf.Header64

	movable bool // a kernel: it may be position independent
}

// bytes returns n bytes at off, if the file has them.
func (f *elfFile) bytes(what string, off, n uint64) ([]byte, error) {
	if off > f.size || n > f.size-off {
		return nil, fmt.Errorf("%s: %d bytes at offset %d, but the file has %d bytes; it may have been cut off", what, n, off, f.size)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(f.r, int64(off), int64(n)), b); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return b, nil
}

// header reads the ELF header and refuses programs that no hart can run.
func (f *elfFile) header() error {
	magic, err := f.bytes("ELF header", 0, min(f.size, elf.EI_NIDENT))
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(magic, []byte(elf.ELFMAG)) {
		return fmt.Errorf("not an ELF file%s", guess(magic))
	}
	if len(magic) > elf.EI_DATA {
		switch {
		case elf.Class(magic[elf.EI_CLASS]) == elf.ELFCLASS32:
			return errors.New("a 32-bit program; harts are RV64: build it with -march=rv64gc -mabi=lp64d")
		case elf.Class(magic[elf.EI_CLASS]) != elf.ELFCLASS64:
			return fmt.Errorf("unknown ELF class %d", magic[elf.EI_CLASS])
		case elf.Data(magic[elf.EI_DATA]) != elf.ELFDATA2LSB:
			return errors.New("not a little-endian program; build it for riscv64")
		}
	}
	b, err := f.bytes("ELF header", 0, elfHeaderSize)
	if err != nil {
		return err
	}
	if _, err := binary.Decode(b, binary.LittleEndian, &f.h); err != nil {
		return err
	}
	h := &f.h
	switch {
	case elf.Machine(h.Machine) != elf.EM_RISCV:
		return fmt.Errorf("a program for %s, not for RISC-V; build it with riscv64-unknown-elf-gcc", elf.Machine(h.Machine))
	case elf.Type(h.Type) == elf.ET_DYN && f.movable:
	case elf.Type(h.Type) == elf.ET_DYN:
		return errors.New("a position-independent program (ET_DYN); link it with -static -no-pie")
	case elf.Type(h.Type) == elf.ET_REL:
		return errors.New("an object file (ET_REL); link it first")
	case elf.Type(h.Type) != elf.ET_EXEC:
		return fmt.Errorf("not an executable: %s", elf.Type(h.Type))
	case h.Flags&elfFlagRVE != 0:
		return errors.New("a program for the 16 registers of RV64E; build it with -march=rv64gc -mabi=lp64d")
	case h.Phnum == 0xffff: // PN_XNUM: the number is elsewhere
		return errors.New("65535 or more program headers")
	case h.Phnum > 0 && h.Phentsize != elfProgSize:
		return fmt.Errorf("program headers of %d bytes, want %d; the file is corrupt", h.Phentsize, elfProgSize)
	case h.Shnum > 0 && h.Shentsize != elfSectionSize:
		return fmt.Errorf("section headers of %d bytes, want %d; the file is corrupt", h.Shentsize, elfSectionSize)
	}
	return nil
}

// guess says what a file that is not ELF may be.
func guess(b []byte) string {
	switch {
	case len(b) == 0:
		return ": it is empty"
	case bytes.HasPrefix(b, []byte("MZ")):
		return ": it looks like a Linux Image; pass it with --kernel"
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		return ": it is compressed with gzip; unpack it first"
	case bytes.HasPrefix(b, []byte("!<arch>")):
		return ": it is an archive; link it first"
	}
	return "; programs are loaded from what the linker wrote, not from raw binaries"
}

// segments reads the program headers and what they load.
func (f *elfFile) segments() ([]Segment, error) {
	table, err := f.bytes("program headers", f.h.Phoff, uint64(f.h.Phnum)*elfProgSize)
	if err != nil {
		return nil, err
	}
	var list []Segment
	total := uint64(0)
	for i := 0; len(table) > 0; i, table = i+1, table[elfProgSize:] {
		var p elf.Prog64
		if _, err := binary.Decode(table, binary.LittleEndian, &p); err != nil {
			return nil, err
		}
		if elf.ProgType(p.Type) != elf.PT_LOAD || p.Memsz == 0 && p.Filesz == 0 {
			continue
		}
		name := fmt.Sprintf("segment %d at %#x", i, p.Paddr)
		switch {
		case p.Filesz > p.Memsz:
			return nil, fmt.Errorf("%s: %d bytes in the file, but only %d in memory; the file is corrupt", name, p.Filesz, p.Memsz)
		case p.Paddr >= physLimit || p.Memsz > physLimit-p.Paddr:
			return nil, fmt.Errorf("%s: %d bytes of memory end beyond the 56-bit physical addresses; check the load addresses (AT) in the linker script", name, p.Memsz)
		case p.Filesz > f.size-total && p.Filesz <= f.size:
			// Not a mistake by the book, but a few headers could ask for any
			// amount of memory.
			return nil, fmt.Errorf("%s: the segments load more bytes than the file has (%d); they share contents", name, f.size)
		}
		data, err := f.bytes(name, p.Off, p.Filesz)
		if err != nil {
			return nil, err
		}
		total += p.Filesz
		list = append(list, Segment{PA: addr.PA(p.Paddr), VA: p.Vaddr, Data: data, MemSize: p.Memsz})
	}
	slices.SortStableFunc(list, func(a, b Segment) int { return cmp.Compare(a.PA, b.PA) })
	for i := 1; i < len(list); i++ {
		if a, b := list[i-1], list[i]; uint64(b.PA-a.PA) < a.MemSize {
			return nil, fmt.Errorf("the segment at %#x (%d bytes) overlaps the one at %#x; check the load addresses (AT) in the linker script", a.PA, a.MemSize, b.PA)
		}
	}
	return list, nil
}
