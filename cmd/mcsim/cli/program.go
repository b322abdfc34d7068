package cli

import (
	"cmp"
	"strings"

	"mcsim/guests"
	"mcsim/machine"
	"mcsim/machine/config"
)

// builtin begins the name of a program that is part of mcsim.
const builtin = "builtin:"

// load puts the program into the machine and gives its name.
func load(m *machine.Machine, cfg *config.Config) (string, error) {
	if cfg.Program.Boots() {
		b, err := readBoot(&cfg.Program)
		if err != nil {
			return cfg.Program.Kernel, err
		}
		return cmp.Or(b.Kernel.Name, b.BIOS.Name), m.LoadBoot(b)
	}
	path := cfg.Program.Bare
	if path == "" {
		path = builtin + guests.DefaultName
	}
	name, own := strings.CutPrefix(path, builtin)
	if !own {
		return path, m.LoadBare(path)
	}
	image, err := guests.Get(name)
	if err != nil {
		return path, err
	}
	return path, m.LoadELF(path, image)
}

// example has the settings under everything else of a run that is given no
// machine and no program: it should show several harts, and a log.
func example() []config.Setting {
	return []config.Setting{
		{Flag: "the example", Key: "machine.harts", Value: "4"},
		{Flag: "the example", Key: "log.file", Value: "mcsim.jsonl"},
	}
}

// checkProgram says early whether the program can be loaded at all.
func checkProgram(cfg *config.Config) error {
	if cfg.Program.Boots() {
		_, err := readBoot(&cfg.Program)
		return err
	}
	path := cfg.Program.Bare
	if path == "" {
		return nil
	}
	if name, own := strings.CutPrefix(path, builtin); own {
		_, err := guests.Get(name)
		return err
	}
	_, err := machine.LoadELF(path)
	return fileFault("--bare", path, err)
}
