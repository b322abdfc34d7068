package debian

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"

	"mcsim/guests"
)

// Initramfs is what goes into an initramfs besides busybox.
type Initramfs struct {
	Init  []byte            // program or script to run as process 1; nil: a shell on the console
	Files map[string][]byte // by path, without a leading slash; all may be executed

	// Modules are kernel modules to have, with what they depend on, besides those
	// for the machine's devices and ext4. They are loaded by modprobe.
	Modules   []string
	NoModules bool // have none at all
}

//go:embed init.sh
var shellInit []byte

//go:embed udhcpc.sh
var dhcpScript []byte

// Initramfs makes an uncompressed initramfs, which is the same for the same input:
// busybox with a link for sh, mcsim-marker, the console's node, modules, and the given
// files.
func (g *Guest) Initramfs(in Initramfs) ([]byte, error) {
	busybox, err := os.ReadFile(g.BusyboxFile())
	if err != nil {
		return nil, err
	}
	if in.Init == nil {
		in.Init = shellInit
	}
	files := map[string][]byte{"bin/busybox": busybox, "init": in.Init, "etc/udhcpc.sh": dhcpScript, "bin/mcsim-marker": guests.Marker()}
	for name, data := range in.Files {
		if path.Clean("/" + name)[1:] != name || name == "" {
			return nil, fmt.Errorf("%q is no path within an initramfs", name)
		}
		files[name] = data
	}
	if !in.NoModules {
		modules, err := g.modules(append(slices.Clone(defaultModules), in.Modules...))
		if err != nil {
			return nil, err
		}
		maps.Copy(files, modules)
	}
	dirs := map[string]bool{"dev": true, "proc": true, "sys": true, "tmp": true, "etc": true, "root": true}
	for name := range files {
		for d := path.Dir(name); d != "."; d = path.Dir(d) {
			dirs[d] = true
		}
	}
	var records []cpio.Record
	for d := range dirs {
		records = append(records, cpio.Directory(d, 0o755))
	}
	for name, data := range files {
		records = append(records, cpio.StaticFile(name, string(data), 0o755))
	}
	records = append(records, cpio.Symlink("bin/sh", "busybox"), cpio.CharDev("dev/console", 0o600, 5, 1))
	// A directory comes before what is in it.
	slices.SortFunc(records, func(a, b cpio.Record) int { return strings.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	w := cpio.Newc.Writer(&out)
	if err := cpio.WriteRecords(w, records); err != nil {
		return nil, fmt.Errorf("initramfs: %w", err)
	}
	if err := cpio.WriteTrailer(w); err != nil {
		return nil, fmt.Errorf("initramfs: %w", err)
	}
	return out.Bytes(), nil
}
