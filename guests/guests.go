// Package guests holds the bare-metal RISC-V programs that mcsim's tests, benchmarks and
// default experiment run: ELF64 images for RV64IMAFDC at 0x80000000, built by build.sh
// from runtime/ and programs/ and committed in bin/, so that nobody needs a cross compiler.
//
//	programs/NAME.c --build.sh--> bin/NAME.elf --go:embed--> Get(NAME) --> a machine
//	                                  \--verify.sh spike--> testdata/NAME.out
//	tools/NAME.c    --build.sh--> bin/linux/NAME, for guests that run Linux
//
// testdata/NAME.out is what NAME prints on four harts wherever it runs. A line that begins with a
// blank is a measurement, which differs between machines, and is left out; Comparable
// brings a run's output into that form.
package guests

import (
	"bytes"
	"debug/elf"
	"embed"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

//go:embed bin/*.elf
var files embed.FS

//go:embed bin/linux/mcsim-marker
var marker []byte

// Marker is the command mcsim-marker for a shell in Linux on riscv64: a static program.
func Marker() []byte { return bytes.Clone(marker) }

// DefaultName names the program of the default experiment.
const DefaultName = "default"

// Default returns the ELF image of the default experiment: a parallel sort with a shared
// histogram and false sharing on any number of harts, which checks itself.
func Default() []byte {
	image, err := Get(DefaultName)
	if err != nil {
		panic(err) // embedded at build time
	}
	return image
}

// Names returns the names of all programs in alphabetical order.
func Names() []string {
	entries, err := files.ReadDir("bin")
	if err != nil {
		panic(err) // embedded at build time
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".elf"))
	}
	slices.Sort(names)
	return names
}

// Get returns a copy of the named program's ELF image. The error lists the names there are.
func Get(name string) ([]byte, error) {
	image, err := files.ReadFile("bin/" + name + ".elf")
	if err != nil {
		return nil, fmt.Errorf("no guest program %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return image, nil
}

// SetWord returns a copy of an ELF image with the 64-bit word at a data symbol replaced, as
// for `iterations`, which most programs have.
func SetWord(image []byte, symbol string, value uint64) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, err
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	for _, s := range symbols {
		if s.Name != symbol {
			continue
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD && s.Value >= p.Vaddr && s.Value+8 <= p.Vaddr+p.Filesz {
				patched := slices.Clone(image)
				binary.LittleEndian.PutUint64(patched[p.Off+s.Value-p.Vaddr:], value)
				return patched, nil
			}
		}
		return nil, fmt.Errorf("symbol %q at %#x has no bytes in the file", symbol, s.Value)
	}
	return nil, fmt.Errorf("no symbol %q", symbol)
}

// Comparable reduces a program's console output and exit code to the form of testdata/*.out:
// without carriage returns, empty lines and measurements, and with the exit code
// as a last line.
func Comparable(console string, exit int) string {
	var b strings.Builder
	for line := range strings.Lines(console) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && line[0] != ' ' {
			b.WriteString(line + "\n")
		}
	}
	fmt.Fprintf(&b, "[exit %d]\n", exit)
	return b.String()
}
