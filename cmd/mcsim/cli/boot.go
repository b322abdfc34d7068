package cli

import (
	"fmt"
	"os"
	"strings"

	"mcsim/guests/debian"
	"mcsim/machine"
	"mcsim/machine/config"
)

// fetched begins the name of a file that mcsim guest fetch brought.
const fetched = "guest:"

// fetchedAppend is the command line of a fetched kernel, unless one is given: it
// shows what happens from the beginning, and a panic ends the run.
const fetchedAppend = "earlycon=sbi console=ttyS0 panic=-1"

// readBoot reads the files of a system to boot. A fetched kernel comes with an
// initramfs of ours, and a command line that shows what happens.
func readBoot(p *config.Program) (machine.Boot, error) {
	b := machine.Boot{Append: p.Append, RNGSeed: true}
	if b.Append == "" && strings.HasPrefix(p.Kernel, fetched) {
		b.Append = fetchedAppend
	}
	var err error
	if p.Kernel != "" {
		if b.Kernel, err = readGuestFile("--kernel", p.Kernel, (*debian.Guest).KernelFile); err != nil {
			return b, err
		}
	}
	if p.BIOS != "" && p.BIOS != "none" {
		if b.BIOS, err = readGuestFile("--bios", p.BIOS, (*debian.Guest).BIOSFile); err != nil {
			return b, err
		}
	}
	switch initrd := p.Initrd; {
	case strings.HasPrefix(initrd, fetched), initrd == "" && strings.HasPrefix(p.Kernel, fetched):
		name := initrd
		if name == "" {
			name = p.Kernel
		}
		g, err := guestNamed(name)
		if err != nil {
			return b, err
		}
		b.Initrd.Name = "the initramfs of " + name
		if b.Initrd.Data, err = g.Initramfs(debian.Initramfs{}); err != nil {
			return b, err
		}
	case initrd != "":
		if b.Initrd, err = readFile("--initrd", initrd); err != nil {
			return b, err
		}
	}
	return b, nil
}

func readGuestFile(flag, name string, of func(*debian.Guest) string) (machine.File, error) {
	if !strings.HasPrefix(name, fetched) {
		return readFile(flag, name)
	}
	g, err := guestNamed(name)
	if err != nil {
		return machine.File{}, err
	}
	f, err := readFile(flag, of(g))
	f.Name = name
	return f, err
}

func guestNamed(name string) (*debian.Guest, error) {
	return debian.Named(strings.TrimPrefix(name, fetched))
}

// readFile reads a file that a flag names.
func readFile(flag, name string) (machine.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return machine.File{}, fileFault(flag, name, err)
	}
	if !info.Mode().IsRegular() {
		return machine.File{}, fmt.Errorf("%s %s: not a regular file", flag, name)
	}
	data, err := os.ReadFile(name)
	if data == nil {
		data = []byte{}
	}
	return machine.File{Name: name, Data: data}, fileFault(flag, name, err)
}
