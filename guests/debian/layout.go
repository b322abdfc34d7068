package debian

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const imagePrefix = "linux-image-"

// newestImage is the kernel's package that the record of linux-image-riscv64 leads
// to, "" if none.
func newestImage(record string) string {
	for _, d := range dependencyNames(record) {
		if v, ok := strings.CutPrefix(d, imagePrefix); ok && v != "" && '0' <= v[0] && v[0] <= '9' && strings.HasSuffix(v, "-"+architecture) {
			return d
		}
	}
	return ""
}

// kernelPackages lists the packages that hold the kernel of an image's package,
// whose record is given. Up to Debian 13 that is the package itself; later ones are
// empty, and depend on one with the kernel and one with its modules.
func kernelPackages(image, record string) []string {
	version := strings.TrimPrefix(image, imagePrefix)
	packages := []string{image}
	depends := dependencyNames(record)
	for _, part := range []string{"linux-binary-", "linux-modules-"} {
		if slices.Contains(depends, part+version) {
			packages = append(packages, part+version)
		}
	}
	return packages
}

// dependencyNames lists the packages that a record's Depends names, alternatives
// included (deb-control(5)).
func dependencyNames(record string) (names []string) {
	_, field, ok := strings.Cut("\n"+record, "\nDepends:")
	if !ok {
		return nil
	}
	for i, line := range strings.Split(field, "\n") {
		if i > 0 && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			break // the next field
		}
		for _, d := range strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == '|' }) {
			name, _, _ := strings.Cut(strings.TrimSpace(d), " ")
			name, _, _ = strings.Cut(name, ":") // an architecture
			if name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// place is where a file of the guest may lie in its packages, newer layouts last.
type place struct {
	at       *string
	patterns []string
}

func (g *Guest) places(version string) []place {
	return []place{
		{&g.Kernel, []string{"boot/vmlinu?-" + version, "usr/lib/modules/" + version + "/vmlinu?"}},
		{&g.Busybox, []string{"usr/bin/busybox"}},
		{&g.BIOS, []string{"usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"}},
		{&g.Modules, []string{"usr/lib/modules/" + version}},
	}
}

// locate finds the guest's files below root, where its packages were unpacked.
func (g *Guest) locate(root, version string) error {
	for _, p := range g.places(version) {
		*p.at = ""
		for _, pattern := range p.patterns {
			found, _ := filepath.Glob(filepath.Join(root, pattern))
			if len(found) != 1 {
				continue
			}
			rel, err := filepath.Rel(root, found[0])
			if err != nil {
				return err
			}
			*p.at = rel
			break
		}
		if *p.at == "" {
			return fmt.Errorf("the packages of %s have no file %s: a layout that mcsim does not know", g.Suite, strings.Join(p.patterns, " or "))
		}
	}
	return nil
}

// install finds the files, writes the manifest and puts fresh in the place of
// what was current.
func (g *Guest) install(dir, fresh, version string) error {
	if err := g.locate(fresh, version); err != nil {
		return err
	}
	data, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(fresh, manifest), append(data, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return err
	}
	g.Dir = filepath.Join(dir, current)
	if err := os.RemoveAll(g.Dir); err != nil {
		return err
	}
	return os.Rename(fresh, g.Dir)
}
