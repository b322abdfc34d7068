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
	"regexp"
	"strings"
)

// Name is the guest's, as in mcsim guest fetch debian.
const Name = "debian"

// DefaultSuite is the release that is fetched unless another is asked for, whatever
// the host's own is. It is the one that tests boot.
const DefaultSuite = "trixie"

const architecture = "riscv64"

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

// FullName is the guest's with its suite, unless that is the default: debian/sid.
func (g *Guest) FullName() string {
	if g.Suite == "" || g.Suite == DefaultSuite {
		return Name
	}
	return Name + "/" + g.Suite
}

// Named is the fetched guest of a full name.
func Named(name string) (*Guest, error) {
	base, suite, apart := strings.Cut(name, "/")
	if base != Name || apart && suite == "" {
		return nil, fmt.Errorf("no guest %q; there is %s, and other suites as in %s/sid", name, Name, Name)
	}
	return CachedSuite(suite)
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

// CacheDir is where the guest of a suite, "" for DefaultSuite, is kept: in the user's
// cache directory, each suite apart.
func CacheDir(suite string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory: %w", err)
	}
	dir = filepath.Join(dir, "mcsim", "guests", Name)
	if suite == "" || suite == DefaultSuite {
		return dir, nil
	}
	return dir + "-" + suite, CheckSuite(suite)
}

var suiteRE = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// CheckSuite refuses what would not do as part of a path, or of sources.list.
func CheckSuite(suite string) error {
	if !suiteRE.MatchString(suite) || len(suite) > 64 {
		return fmt.Errorf("%q is no suite of Debian; there are for instance %s, testing and sid", suite[:min(len(suite), 64)], DefaultSuite)
	}
	return nil
}

// CachedSuite is the guest that was fetched last of a suite, "" for DefaultSuite.
func CachedSuite(suite string) (*Guest, error) {
	dir, err := CacheDir(suite)
	if err != nil {
		return nil, err
	}
	g, err := Cached(dir)
	if errors.Is(err, ErrNotFetched) && suite != "" && suite != DefaultSuite {
		return nil, fmt.Errorf("%w --suite %s", err, suite)
	}
	return g, err
}

const manifest = "guest.json"

// Cached is the guest that was fetched last into dir, "" for that of DefaultSuite.
func Cached(dir string) (*Guest, error) {
	if dir == "" {
		var err error
		if dir, err = CacheDir(DefaultSuite); err != nil {
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
	for _, f := range []string{g.Kernel, g.Busybox, g.BIOS, g.Modules} {
		if !filepath.IsLocal(f) {
			return nil, fmt.Errorf("%s names the file %q; fetch it again with mcsim guest fetch debian", filepath.Join(dir, manifest), f)
		}
		if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
			return nil, fmt.Errorf("%w; fetch it again with mcsim guest fetch debian", err)
		}
	}
	return g, nil
}
