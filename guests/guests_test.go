package guests_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"mcsim/guests"
)

const (
	base    = 0x80000000
	page    = 4096
	maxSize = 20 << 10
)

// Every program is one that a machine can load, and what HTIF needs is where HTIF wants it.
func TestImages(t *testing.T) {
	for _, name := range guests.Names() {
		t.Run(name, func(t *testing.T) {
			image, err := guests.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(image) > maxSize {
				t.Errorf("%d bytes; at most %d, so that the repository stays small", len(image), maxSize)
			}
			f, err := elf.NewFile(bytes.NewReader(image))
			if err != nil {
				t.Fatal(err)
			}
			if f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_RISCV || f.Entry != base {
				t.Errorf("class %v, machine %v, entry %#x", f.Class, f.Machine, f.Entry)
			}
			symbols, err := f.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			at := map[string]uint64{}
			for _, s := range symbols {
				at[s.Name] = s.Value
			}
			to, from := at["tohost"], at["fromhost"]
			if to == 0 || to%64 != 0 || from%64 != 0 || to/page != from/page {
				t.Errorf("tohost %#x, fromhost %#x", to, from)
			}
			for _, s := range f.Sections {
				if s.Name != ".htif" && s.Flags&elf.SHF_ALLOC != 0 && s.Size > 0 &&
					s.Addr/page <= to/page && (s.Addr+s.Size-1)/page >= to/page {
					t.Errorf("section %s shares the page of tohost", s.Name)
				}
			}
		})
	}
}

// Every program has a source and a recorded output, and no recorded output is left over.
func TestRecordedOutputs(t *testing.T) {
	names := guests.Names()
	for _, name := range names {
		if _, err := os.Stat("programs/" + name + ".c"); err != nil {
			t.Error(err)
		}
		out, err := os.ReadFile("testdata/" + name + ".out")
		if err != nil {
			t.Error(err)
			continue
		}
		body, end, _ := strings.Cut(strings.TrimSuffix(string(out), "]\n"), "[")
		if end == "" || strings.Contains(end, "\n") {
			t.Errorf("%s.out does not end in [exit N] or [no end]", name)
		}
		if strings.Contains("\n"+body, "\n ") {
			t.Errorf("%s.out contains a measurement", name)
		}
	}
	outs, err := os.ReadDir("testdata")
	if err != nil || len(outs) != len(names) {
		t.Errorf("%d files in testdata for %d programs (%v)", len(outs), len(names), err)
	}
}

func TestSetWord(t *testing.T) {
	image, err := guests.Get("intloop")
	if err != nil {
		t.Fatal(err)
	}
	patched, err := guests.SetWord(image, "iterations", 0x1122334455667788)
	if err != nil {
		t.Fatal(err)
	}
	word := binary.LittleEndian.AppendUint64(nil, 0x1122334455667788)
	if bytes.Count(patched, word) != 1 || bytes.Contains(image, word) || len(patched) != len(image) {
		t.Error("the word is not in the copy alone")
	}
	if _, err := guests.SetWord(image, "stacks", 1); err == nil {
		t.Error("a word in .bss was patched")
	}
	if _, err := guests.SetWord(image, "nothing", 1); err == nil {
		t.Error("an absent symbol was patched")
	}
	if _, err := guests.SetWord(image[:100], "iterations", 1); err == nil {
		t.Error("a truncated image was patched")
	}
}

func TestComparable(t *testing.T) {
	got := guests.Comparable("a: ok\r\n  b: 12 cycles\n\nc: ok\n", 3)
	if want := "a: ok\nc: ok\n[exit 3]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnknownName(t *testing.T) {
	if _, err := guests.Get("no-such"); err == nil || !strings.Contains(err.Error(), guests.DefaultName) {
		t.Errorf("error %v does not list the names", err)
	}
	if len(guests.Default()) == 0 {
		t.Error("no default program")
	}
}
