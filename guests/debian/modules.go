package debian

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/therootcompany/xz"
)

// defaultModules are those that an initramfs has: drivers of the devices that a
// machine may have, and a file system for its disks. Debian's kernel has none of
// them built in.
var defaultModules = []string{"virtio_mmio", "virtio_blk", "virtio_net", "virtio_rng", "ext4"}

// maxModule bounds an unpacked module, in bytes.
const maxModule = 64 << 20

// modules gives the files of kernel modules, unpacked, with all that they depend
// on, and a modules.dep for modprobe, by their paths in an initramfs.
func (g *Guest) modules(names []string) (map[string][]byte, error) {
	byName := map[string]string{}
	err := filepath.WalkDir(g.ModulesDir(), func(p string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(p), ".ko.xz"); ok && err == nil {
			byName[strings.ReplaceAll(name, "-", "_")] = p
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	dir := path.Join("lib/modules", filepath.Base(g.ModulesDir()))
	files := map[string][]byte{}
	needs := map[string][]string{}
	var take func(name string) error
	take = func(name string) error {
		if _, done := needs[name]; done {
			return nil
		}
		file, ok := byName[name]
		if !ok {
			return fmt.Errorf("the kernel has no module %s", name)
		}
		data, err := unxz(file)
		if err != nil {
			return err
		}
		files[path.Join(dir, name+".ko")] = data
		needs[name] = depends(data)
		for _, d := range needs[name] {
			if err := take(d); err != nil {
				return err
			}
		}
		return nil
	}
	for _, n := range names {
		if err := take(n); err != nil {
			return nil, err
		}
	}
	files[path.Join(dir, "modules.dep")] = dependencies(needs)
	return files, nil
}

// dependencies is modules.dep: a line per module with all that it needs, what is
// to be loaded first last.
func dependencies(needs map[string][]string) []byte {
	var names []string
	for n := range needs {
		names = append(names, n)
	}
	slices.Sort(names)
	var out bytes.Buffer
	for _, n := range names {
		var chain []string
		var follow func(string)
		follow = func(m string) {
			for _, d := range needs[m] {
				chain = slices.DeleteFunc(chain, func(s string) bool { return s == d+".ko" })
				chain = append(chain, d+".ko")
				follow(d)
			}
		}
		follow(n)
		fmt.Fprintf(&out, "%s.ko: %s\n", n, strings.Join(chain, " "))
	}
	return out.Bytes()
}

// depends reads what a module's .modinfo says that it depends on.
func depends(module []byte) (names []string) {
	_, rest, ok := bytes.Cut(module, []byte("\x00depends="))
	if !ok {
		return nil
	}
	list, _, _ := bytes.Cut(rest, []byte{0})
	for _, n := range strings.Split(string(list), ",") {
		if n != "" {
			names = append(names, strings.ReplaceAll(n, "-", "_"))
		}
	}
	return names
}

func unxz(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	z, err := xz.NewReader(f, xz.DefaultDictMax)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var out bytes.Buffer
	if n, err := out.ReadFrom(io.LimitReader(z, maxModule)); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	} else if n == maxModule {
		return nil, fmt.Errorf("%s: it unpacks to %d bytes or more", file, n)
	}
	return out.Bytes(), nil
}
