// Package debian obtains Debian's own riscv64 kernel, busybox and OpenSBI, as
// Debian built and signed them, and makes an initramfs of them.
//
//	apt's sources --> mirror --apt-get update, download--> packages --dpkg-deb--> cache --> Guest
//
// apt does the fetching, with directories of its own, so that it needs no root
// and touches nothing of the host's: it checks the archive's signature against
// Debian's keyring and each package against the signed index. What was unpacked
// stays in the user's cache directory, and a run reads it from there.
package debian

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Name is the guest's, as in mcsim guest fetch debian.
const Name = "debian"

// suite is the release that is fetched, whatever the host's own is.
const (
	suite        = "trixie"
	architecture = "riscv64"
)

// Guest is what was fetched.
type Guest struct {
	Dir      string            `json:"-"` // where it lies
	Suite    string            `json:"suite"`
	Packages map[string]string `json:"packages"` // name to version
	Kernel   string            `json:"kernel"`   // paths below Dir
	Busybox  string            `json:"busybox"`
	BIOS     string            `json:"bios"` // OpenSBI's fw_dynamic
	Modules  string            `json:"modules"`
}

// KernelFile is the kernel: a flat Image.
func (g *Guest) KernelFile() string { return filepath.Join(g.Dir, g.Kernel) }

// BusyboxFile is the statically linked busybox.
func (g *Guest) BusyboxFile() string { return filepath.Join(g.Dir, g.Busybox) }

// BIOSFile is OpenSBI's fw_dynamic.bin.
func (g *Guest) BIOSFile() string { return filepath.Join(g.Dir, g.BIOS) }

// ModulesDir is the kernel's modules, as /lib/modules/VERSION.
func (g *Guest) ModulesDir() string { return filepath.Join(g.Dir, g.Modules) }

// ErrNotFetched is the error of Cached where nothing is.
var ErrNotFetched = errors.New("Debian's kernel has not been fetched; run: mcsim guest fetch debian") //nolint:staticcheck // a proper name

// CacheDir is where guests are kept: the user's cache directory.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory: %w", err)
	}
	return filepath.Join(dir, "mcsim", "guests", Name), nil
}

const manifest = "guest.json"

// Cached is the guest that was fetched last into dir, "" for CacheDir.
func Cached(dir string) (*Guest, error) {
	if dir == "" {
		var err error
		if dir, err = CacheDir(); err != nil {
			return nil, err
		}
	}
	dir = filepath.Join(dir, current)
	data, err := os.ReadFile(filepath.Join(dir, manifest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFetched
	}
	if err != nil {
		return nil, err
	}
	g := &Guest{Dir: dir}
	if err := json.Unmarshal(data, g); err != nil {
		return nil, fmt.Errorf("%s: %w; fetch it again with mcsim guest fetch debian", filepath.Join(dir, manifest), err)
	}
	for _, f := range []string{g.Kernel, g.Busybox, g.BIOS} {
		if !filepath.IsLocal(f) {
			return nil, fmt.Errorf("%s names the file %q; fetch it again with mcsim guest fetch debian", filepath.Join(dir, manifest), f)
		}
		if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
			return nil, fmt.Errorf("%w; fetch it again with mcsim guest fetch debian", err)
		}
	}
	return g, nil
}
