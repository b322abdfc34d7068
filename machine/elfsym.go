package machine

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// nameLimit is the longest name of a symbol that is kept; without it, names that
// never end could take quadratic time.
const nameLimit = 4096

// symbols reads the symbol table. A file without one is fine.
func (f *elfFile) symbols() ([]Symbol, error) {
	if f.h.Shnum == 0 {
		return nil, nil
	}
	table, err := f.bytes("section headers", f.h.Shoff, uint64(f.h.Shnum)*elfSectionSize)
	if err != nil {
		return nil, err
	}
	section := func(i uint64) (s elf.Section64, err error) {
		if i >= uint64(f.h.Shnum) {
			return s, fmt.Errorf("no section %d; the file is corrupt", i)
		}
		_, err = binary.Decode(table[i*elfSectionSize:], binary.LittleEndian, &s)
		return s, err
	}
	for i := range uint64(f.h.Shnum) {
		s, err := section(i)
		if err != nil {
			return nil, err
		}
		if elf.SectionType(s.Type) != elf.SHT_SYMTAB {
			continue
		}
		names, err := section(uint64(s.Link))
		if err != nil {
			return nil, fmt.Errorf("symbol table: %w", err)
		}
		return f.symbolTable(s, names)
	}
	return nil, nil
}

func (f *elfFile) symbolTable(s, names elf.Section64) ([]Symbol, error) {
	if s.Entsize != elfSymbolSize {
		return nil, fmt.Errorf("symbols of %d bytes, want %d; the file is corrupt", s.Entsize, elfSymbolSize)
	}
	table, err := f.bytes("symbol table", s.Off, s.Size)
	if err != nil {
		return nil, err
	}
	raw, err := f.bytes("symbol names", names.Off, names.Size)
	if err != nil {
		return nil, err
	}
	text := string(raw)
	var list []Symbol
	for ; len(table) >= elfSymbolSize; table = table[elfSymbolSize:] {
		var y elf.Sym64
		if _, err := binary.Decode(table, binary.LittleEndian, &y); err != nil {
			return nil, err
		}
		kind := elf.ST_TYPE(y.Info)
		if elf.SectionIndex(y.Shndx) == elf.SHN_UNDEF || kind > elf.STT_FUNC || uint64(y.Name) >= uint64(len(text)) {
			continue
		}
		name := text[y.Name:min(uint64(len(text)), uint64(y.Name)+nameLimit)]
		end := strings.IndexByte(name, 0)
		if end < 1 || strings.HasPrefix(name, "$") || strings.HasPrefix(name, ".L") {
			continue // unnamed, a mapping symbol ($x, $d) or a local label
		}
		list = append(list, Symbol{Name: name[:end], Value: y.Value, Size: y.Size, Func: kind == elf.STT_FUNC})
	}
	slices.SortFunc(list, func(a, b Symbol) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}
