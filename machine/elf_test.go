package machine

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mcsim/addr"
)

// elfFixture describes an ELF file to be written for a test.
type elfFixture struct {
	header  elf.Header64
	progs   []elf.Prog64
	content []byte // follows the program headers; progs' Off counts from it
	symbols []elf.Sym64
	names   string
}

// hello is a good program: code at 0x80000000, a word of data and 12 bytes of
// zeros at 0x80001000.
func hello() *elfFixture {
	f := &elfFixture{
		header: elf.Header64{
			Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_RISCV), Version: 1, Entry: 0x80000004,
			Ehsize: elfHeaderSize, Phentsize: elfProgSize, Shentsize: elfSectionSize,
		},
		progs: []elf.Prog64{
			{Type: uint32(elf.PT_LOAD), Off: 0, Vaddr: 0x80000000, Paddr: 0x80000000, Filesz: 8, Memsz: 8},
			{Type: uint32(elf.PT_NOTE), Off: 1 << 60, Filesz: 1 << 60},
			{Type: uint32(elf.PT_LOAD), Off: 8, Vaddr: 0x80001000, Paddr: 0x80001000, Filesz: 4, Memsz: 16},
		},
		content: []byte("\x13\x00\x00\x00\x6f\x00\x00\x00data"),
		names:   "\x00_start\x00tohost\x00$x\x00spin\x00",
	}
	fun := elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC)
	f.symbols = []elf.Sym64{
		{},
		{Name: 1, Info: fun, Shndx: 1, Value: 0x80000000, Size: 4},
		{Name: 8, Shndx: 1, Value: 0x80001000, Size: 8},
		{Name: 15, Shndx: 1, Value: 0x80000000},
		{Name: 18, Info: fun, Shndx: 1, Value: 0x80000004},
		{Name: 1, Info: fun, Value: 0x1234}, // undefined
		{Name: 999, Info: fun, Shndx: 1},    // no such name
	}
	copy(f.header.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	return f
}

func (f *elfFixture) bytes() []byte {
	h := f.header
	h.Phoff, h.Phnum = elfHeaderSize, uint16(len(f.progs))
	body := uint64(elfHeaderSize + len(f.progs)*elfProgSize)
	var b bytes.Buffer
	put := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	sym := body + uint64(len(f.content))
	str := sym + uint64(len(f.symbols)*elfSymbolSize)
	if f.symbols != nil {
		h.Shoff, h.Shnum = str+uint64(len(f.names)), 3
	}
	put(h)
	for _, p := range f.progs {
		p.Off += body
		put(p)
	}
	b.Write(f.content)
	for _, s := range f.symbols {
		put(s)
	}
	b.WriteString(f.names)
	if f.symbols != nil {
		put([3]elf.Section64{
			{},
			{Type: uint32(elf.SHT_SYMTAB), Off: sym, Size: str - sym, Link: 2, Entsize: elfSymbolSize},
			{Type: uint32(elf.SHT_STRTAB), Off: str, Size: uint64(len(f.names))},
		})
	}
	return b.Bytes()
}

func read(b []byte) (*Image, error) {
	return ReadELF(bytes.NewReader(b), int64(len(b)), "hello.elf")
}

func TestELF(t *testing.T) {
	im, err := read(hello().bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := &Image{
		Name: "hello.elf", Entry: 0x80000004,
		Segments: []Segment{
			{PA: 0x80000000, VA: 0x80000000, Data: []byte("\x13\x00\x00\x00\x6f\x00\x00\x00"), MemSize: 8},
			{PA: 0x80001000, VA: 0x80001000, Data: []byte("data"), MemSize: 16},
		},
		Symbols: []Symbol{
			{Name: "_start", Value: 0x80000000, Size: 4, Func: true},
			{Name: "spin", Value: 0x80000004, Func: true},
			{Name: "tohost", Value: 0x80001000, Size: 8},
		},
	}
	if !reflect.DeepEqual(im, want) {
		t.Errorf("read %+v\nwant %+v", im, want)
	}
	if s, ok := im.Symbol("tohost"); !ok || s.Value != 0x80001000 {
		t.Errorf("tohost: %+v, %v", s, ok)
	}
	if _, ok := im.Symbol("fromhost"); ok {
		t.Error("found a fromhost")
	}
	for v, name := range map[uint64]string{0x80000003: "_start", 0x80000004: "spin", 0x80000ffe: "spin", 0x7fffffff: ""} {
		if s, ok := im.Function(v); s.Name != name || ok != (name != "") {
			t.Errorf("%#x is in %q (%v), want %q", v, s.Name, ok, name)
		}
	}
	if err := im.CheckFits(0x80000000, 0x1010); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		base addr.PA
		size uint64
	}{{0x80000000, 0x100f}, {0x80000000, 0x1000}, {0x80000001, 1 << 30}, {0x1000, 0x1000}} {
		if err := im.CheckFits(c.base, c.size); err == nil {
			t.Errorf("fits into %#x bytes at %#x", c.size, c.base)
		}
	}
}

// A kernel is linked at addresses that only translation makes.
func TestELFVirtual(t *testing.T) {
	f := hello()
	f.progs[0].Vaddr = 0xffffffff80000000
	f.header.Entry = 0xffffffff80000004
	im, err := read(f.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if im.Entry != 0x80000004 {
		t.Errorf("entry %#x", im.Entry)
	}
	for v, want := range map[uint64]addr.PA{0xffffffff80000007: 0x80000007, 0x80000007: 0x80000007, 0x8000100f: 0x8000100f} {
		if pa, ok := im.Phys(v); !ok || pa != want {
			t.Errorf("%#x is at %#x, %v", v, pa, ok)
		}
	}
	if _, ok := im.Phys(0x80001010); ok {
		t.Error("0x80001010 is in a segment")
	}
}

// Each mistake is named, with the file and what may help.
func TestELFMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *elfFixture)
		want   string
	}{
		"32-bit":       {func(f *elfFixture) { f.header.Ident[elf.EI_CLASS] = 1 }, "32-bit"},
		"class":        {func(f *elfFixture) { f.header.Ident[elf.EI_CLASS] = 9 }, "class 9"},
		"big-endian":   {func(f *elfFixture) { f.header.Ident[elf.EI_DATA] = 2 }, "little-endian"},
		"x86":          {func(f *elfFixture) { f.header.Machine = uint16(elf.EM_X86_64) }, "EM_X86_64, not for RISC-V"},
		"pie":          {func(f *elfFixture) { f.header.Type = uint16(elf.ET_DYN) }, "-no-pie"},
		"object":       {func(f *elfFixture) { f.header.Type = uint16(elf.ET_REL) }, "link it"},
		"core":         {func(f *elfFixture) { f.header.Type = uint16(elf.ET_CORE) }, "not an executable"},
		"rve":          {func(f *elfFixture) { f.header.Flags = elfFlagRVE }, "RV64E"},
		"phentsize":    {func(f *elfFixture) { f.header.Phentsize = 32 }, "56"},
		"shentsize":    {func(f *elfFixture) { f.header.Shentsize = 40 }, "64"},
		"no segments":  {func(f *elfFixture) { f.progs = nil }, "nothing to load"},
		"filesz":       {func(f *elfFixture) { f.progs[0].Filesz = 9 }, "segment 0 at 0x80000000: 9 bytes in the file, but only 8"},
		"beyond file":  {func(f *elfFixture) { f.progs[2].Filesz, f.progs[2].Memsz = 4096, 4096 }, "segment 2 at 0x80001000: 4096 bytes at offset"},
		"huge file":    {func(f *elfFixture) { f.progs[2].Filesz, f.progs[2].Memsz = 1<<50, 1<<50 }, "cut off"},
		"offset":       {func(f *elfFixture) { f.progs[2].Off = 1 << 63 }, "cut off"},
		"huge memory":  {func(f *elfFixture) { f.progs[2].Memsz = ^uint64(0) }, "56-bit"},
		"high address": {func(f *elfFixture) { f.progs[2].Paddr = 1 << 56 }, "56-bit"},
		"overlap":      {func(f *elfFixture) { f.progs[0].Memsz = 0x1001 }, "overlaps the one at 0x80001000"},
		"same place":   {func(f *elfFixture) { f.progs[2].Paddr = 0x80000000 }, "overlaps"},
		"odd entry":    {func(f *elfFixture) { f.header.Entry++ }, "is odd"},
		"entry":        {func(f *elfFixture) { f.header.Entry = 0 }, "entry point 0x0"},
		"symbol size":  {func(f *elfFixture) { f.header.Shentsize = 0 }, "section headers of 0"},
	} {
		f := hello()
		c.change(f)
		_, err := read(f.bytes())
		if err == nil || !strings.HasPrefix(err.Error(), "hello.elf: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	for content, want := range map[string]string{
		"":                         "empty",
		"MZ":                       "kernel",
		"\x1f\x8b\x08":             "gzip",
		"!<arch>\n":                "archive",
		"#!/bin/sh":                "not an ELF file",
		"\x7fELF":                  "cut off",
		"\x7fELF\x02\x01\x01 and?": "cut off",
	} {
		if _, err := read([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", content, err, want)
		}
	}
	good := hello().bytes()
	for n := range good {
		if _, err := read(good[:n]); err == nil {
			t.Fatalf("cut to %d bytes of %d: no error", n, len(good))
		}
	}
}

// Many headers that load the same bytes do not multiply them.
func TestELFSharedContents(t *testing.T) {
	f := hello()
	f.content = make([]byte, 1<<20)
	for i := range uint64(200) {
		f.progs = append(f.progs, elf.Prog64{Type: uint32(elf.PT_LOAD), Paddr: 0x90000000 + i<<20, Filesz: 1 << 20, Memsz: 1 << 20})
	}
	if _, err := read(f.bytes()); err == nil || !strings.Contains(err.Error(), "share contents") {
		t.Errorf("error %v", err)
	}
}

type failingReader struct{}

func (failingReader) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestELFFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.elf")
	if err := os.WriteFile(path, hello().bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if im, err := LoadELF(path); err != nil || im.Name != path {
		t.Errorf("%+v, %v", im, err)
	}
	if _, err := LoadELF(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := LoadELF(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("directory: %v", err)
	}
	if _, err := ReadELF(failingReader{}, 1<<40, "x"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("failing reader: %v", err)
	}
}

// Whatever is read, the standard library's reader must see the same in it.
func FuzzELF(f *testing.F) {
	f.Add(hello().bytes())
	bare := hello()
	bare.symbols, bare.names = nil, ""
	f.Add(bare.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		im, err := read(b)
		if err != nil {
			return
		}
		total := 0
		for i, s := range im.Segments {
			total += len(s.Data)
			if s.MemSize == 0 || uint64(len(s.Data)) > s.MemSize || uint64(s.PA)+s.MemSize > physLimit ||
				i > 0 && s.PA < im.Segments[i-1].PA+addr.PA(im.Segments[i-1].MemSize) {
				t.Fatalf("segment %d: %#x, %d of %d bytes", i, s.PA, len(s.Data), s.MemSize)
			}
		}
		if total > len(b) || len(im.Symbols) > len(b)/elfSymbolSize {
			t.Fatalf("%d bytes and %d symbols out of %d bytes", total, len(im.Symbols), len(b))
		}
		_ = im.CheckFits(0x80000000, 1<<20)
		im.Function(uint64(im.Entry))
		if _, ok := im.Phys(uint64(im.Entry)); !ok {
			t.Fatalf("entry %#x is in no segment", im.Entry)
		}
		compareWithStdlib(t, b, im)
	})
}

func compareWithStdlib(t *testing.T, b []byte, im *Image) {
	e, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return // it checks the section names, which nobody here reads
	}
	for _, p := range e.Progs {
		if p.Type != elf.PT_LOAD || p.Memsz == 0 {
			continue
		}
		i := 0
		for i < len(im.Segments) && uint64(im.Segments[i].PA) != p.Paddr {
			i++
		}
		want := make([]byte, p.Filesz)
		if _, err := p.ReadAt(want, 0); err != nil && p.Filesz > 0 {
			t.Fatal(err)
		}
		if i == len(im.Segments) || im.Segments[i].MemSize != p.Memsz || !bytes.Equal(im.Segments[i].Data, want) {
			t.Fatalf("segment at %#x is missing or different", p.Paddr)
		}
	}
}
