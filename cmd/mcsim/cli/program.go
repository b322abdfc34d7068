package cli

import (
	"bytes"
	"cmp"
	"strings"

	"mcsim/guests"
	"mcsim/machine"
	"mcsim/machine/config"
)

// builtin begins the name of a program that is part of mcsim.
const builtin = "builtin:"

// loader puts a program into a machine and gives its name.
type loader func(*machine.Machine) (string, error)

// readProgram reads the program, so that one that cannot be loaded at all is found
// before a machine is made.
func readProgram(cfg *config.Config) (loader, error) {
	if cfg.Program.Boots() {
		b, err := readBoot(&cfg.Program)
		if err != nil {
			return nil, err
		}
		return func(m *machine.Machine) (string, error) {
			return cmp.Or(b.Kernel.Name, b.BIOS.Name), m.LoadBoot(b)
		}, nil
	}
	path := cfg.Program.Bare
	if path == "" {
		path = builtin + guests.DefaultName
	}
	var im *machine.Image
	if name, own := strings.CutPrefix(path, builtin); own {
		elf, err := guests.Get(name)
		if err != nil {
			return nil, err
		}
		if im, err = machine.ReadELF(bytes.NewReader(elf), int64(len(elf)), path); err != nil {
			return nil, err
		}
	} else {
		var err error
		if im, err = machine.LoadELF(path); err != nil {
			return nil, fileFault("--bare", path, err)
		}
	}
	return func(m *machine.Machine) (string, error) { return path, m.Load(im) }, nil
}

// example has the settings under everything else of a run that is given no
// machine and no program: it should show several harts, and a log.
func example() []config.Setting {
	return []config.Setting{
		{Flag: "the example", Key: "machine.harts", Value: "4"},
		{Flag: "the example", Key: "log.file", Value: "mcsim.jsonl"},
	}
}
