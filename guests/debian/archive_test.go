package debian

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// archive is a Debian archive in a folder, signed with a key of its own.
type archive struct {
	*testing.T
	dir, home, keyring string
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb", "gpg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	// A key agent listens on a socket in this folder, whose path may not be long.
	home, err := os.MkdirTemp("", "gpg-")
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{T: t, dir: t.TempDir(), home: home, keyring: filepath.Join(t.TempDir(), "keyring.gpg")}
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	a.gpg("--passphrase", "", "--quick-generate-key", "archive@example.org", "ed25519", "sign", "never")
	a.gpg("--output", a.keyring, "--export")
	return a
}

func (a *archive) gpg(args ...string) {
	a.Helper()
	a.run("gpg", append([]string{"--homedir", a.home, "--batch", "--yes", "--pinentry-mode", "loopback"}, args...)...)
}

func (a *archive) run(tool string, args ...string) {
	a.Helper()
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		a.Fatalf("%s: %v: %s", tool, err, out)
	}
}

func (a *archive) write(name, text string) {
	a.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		a.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		a.Fatal(err)
	}
}

// deb is a package: its files by path, each with its own path as contents.
type deb struct {
	name, version, depends string
	files                  []string
}

// publish makes the suite of these packages (deb-control(5); the repository format of
// Debian's wiki: Packages, Release, and InRelease, which is Release with a signature).
func (a *archive) publish(suite, codename string, packages ...deb) {
	a.Helper()
	var index bytes.Buffer
	for _, p := range packages {
		tree := filepath.Join("build", p.name)
		control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: riscv64\nMaintainer: nobody <nobody@example.org>\nDescription: a fixture\n", p.name, p.version)
		if p.depends != "" {
			control += "Depends: " + p.depends + "\n"
		}
		a.write(filepath.Join(tree, "DEBIAN/control"), control)
		for _, f := range p.files {
			a.write(filepath.Join(tree, f), p.version+" "+f)
		}
		file := fmt.Sprintf("pool/%s_%s_riscv64.deb", p.name, p.version)
		a.write("pool/made", "")
		a.run("dpkg-deb", "--root-owner-group", "-Znone", "--build", filepath.Join(a.dir, tree), filepath.Join(a.dir, file))
		data, err := os.ReadFile(filepath.Join(a.dir, file))
		if err != nil {
			a.Fatal(err)
		}
		fmt.Fprintf(&index, "%sFilename: %s\nSize: %d\nSHA256: %x\n\n", control, file, len(data), sha256.Sum256(data))
		os.RemoveAll(filepath.Join(a.dir, tree))
	}
	dist := filepath.Join("dists", suite)
	a.write(filepath.Join(dist, "main/binary-riscv64/Packages"), index.String())
	release := fmt.Sprintf("Origin: Debian\nSuite: %s\nCodename: %s\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nArchitectures: riscv64\nComponents: main\nSHA256:\n %x %d main/binary-riscv64/Packages\n",
		suite, codename, sha256.Sum256(index.Bytes()), index.Len())
	a.write(filepath.Join(dist, "Release"), release)
	a.gpg("--clearsign", "--output", filepath.Join(a.dir, dist, "InRelease"), filepath.Join(a.dir, dist, "Release"))
}

func (a *archive) fetch(dir, suite string) (*Guest, error) {
	return Fetch(context.Background(), Options{Suite: suite, Dir: dir, Mirror: "file://" + a.dir, Keyring: a.keyring})
}

// fixtures of Debian's packages: where its releases have their files.
const (
	firmware = "usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
	oneKO    = "kernel/fs/ext4/ext4.ko.xz"
)

func userland(version string) []deb {
	return []deb{{"busybox-static", version, "", []string{"usr/bin/busybox"}}, {"opensbi", version, "", []string{firmware, "usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin"}}}
}

// image is a kernel as one package, up to Debian 13.
func image(version, abi string) []deb {
	v := abi + "-riscv64"
	return append(userland(version),
		deb{"linux-image-riscv64", version, "linux-image-" + v + " (= " + version + ")", nil},
		deb{"linux-image-" + v, version, "kmod, linux-base (>= 4.3~), initramfs-tools | linux-initramfs-tool",
			[]string{"boot/vmlinux-" + v, "boot/System.map-" + v, "boot/config-" + v, "usr/lib/modules/" + v + "/" + oneKO}})
}

// split is a kernel in the packages of what comes after Debian 13.
func split(version, abi string) []deb {
	v, same := abi+"-riscv64", " (= "+version+")"
	return append(userland(version),
		deb{"linux-image-riscv64", version, "linux-base-riscv64" + same + ", linux-image-" + v + same, nil},
		deb{"linux-image-" + v, version, "dracut | initramfs-tools (>= 0.120+deb8u2) | linux-initramfs-tool, linux-base-" + v + same + ", linux-binary-" + v + same + ", linux-modules-" + v + same, nil},
		deb{"linux-base-" + v, version, "", []string{"usr/lib/modules/" + v + "/config", "usr/lib/modules/" + v + "/System.map"}},
		deb{"linux-binary-" + v, version, "linux-base-" + v + same, []string{"usr/lib/modules/" + v + "/vmlinuz"}},
		deb{"linux-modules-" + v, version, "kmod", []string{"usr/lib/modules/" + v + "/" + oneKO}})
}

// contents checks that a guest's files are those of its suite and version.
func contents(t *testing.T, g *Guest, version, kernel string) {
	t.Helper()
	v := filepath.Base(g.ModulesDir())
	for file, want := range map[string]string{
		g.KernelFile(): kernel, g.BusyboxFile(): "usr/bin/busybox", g.BIOSFile(): firmware,
		filepath.Join(g.ModulesDir(), oneKO): "usr/lib/modules/" + v + "/" + oneKO,
	} {
		if data, err := os.ReadFile(file); err != nil || string(data) != version+" "+want {
			t.Errorf("%s: %q, %v; want %s of %s", file, data, err, want, version)
		}
	}
}

// Every layout that Debian's releases have had is found, each suite is kept apart,
// and a newer kernel takes the place of the one before.
func TestFetchSuites(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	a := newArchive(t)
	a.publish("trixie", "trixie", image("6.12.1-1", "6.12.1+deb13")...)
	a.publish("sid", "sid", split("7.2.1-1", "7.2.1+deb14")...)
	a.publish("testing", "forky", split("7.1.9-1", "7.1.9+deb14")...) // asked for by its suite's name
	suites := []struct{ suite, name, version, kernel string }{
		{"", "debian", "6.12.1-1", "boot/vmlinux-6.12.1+deb13-riscv64"},
		{"sid", "debian/sid", "7.2.1-1", "usr/lib/modules/7.2.1+deb14-riscv64/vmlinuz"},
		{"testing", "debian/testing", "7.1.9-1", "usr/lib/modules/7.1.9+deb14-riscv64/vmlinuz"},
	}
	for _, x := range suites {
		if _, err := Named(x.name); !errors.Is(err, ErrNotFetched) || !strings.HasSuffix(err.Error(), x.suite) {
			t.Errorf("%s, before it is fetched: %v", x.name, err)
		}
		if _, err := a.fetch("", x.suite); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range suites {
		g, err := Named(x.name)
		if err != nil || g.FullName() != x.name {
			t.Fatal(g, err)
		}
		contents(t, g, x.version, x.kernel)
	}
	a.publish("sid", "sid", split("7.3~rc1-1", "7.3+deb14")...)
	g, err := a.fetch("", "sid")
	if err != nil {
		t.Fatal(err)
	}
	contents(t, g, "7.3~rc1-1", "usr/lib/modules/7.3+deb14-riscv64/vmlinuz")
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(g.ModulesDir()), "*")); len(left) != 1 {
		t.Errorf("modules of another version are left: %q", left)
	}
}

// A suite that the archive has not is a mistake of its own, and leaves nothing in the
// cache.
func TestFetchNoSuite(t *testing.T) {
	a := newArchive(t)
	a.publish("sid", "sid", split("7.2.1-1", "7.2.1+deb14")...)
	dir := filepath.Join(t.TempDir(), "debian-sed")
	if _, err := a.fetch(dir, "sed"); !errors.Is(err, ErrNoSuite) || !strings.Contains(err.Error(), `release "sed"`) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}

// What the archive's key did not sign is not taken, nor what mcsim does not know, and
// the guest from before stays.
func TestFetchRefusesSuites(t *testing.T) {
	a := newArchive(t)
	dir := t.TempDir()
	a.publish("sid", "sid", split("7.2.1-1", "7.2.1+deb14")...)
	if _, err := a.fetch(dir, "sid"); err != nil {
		t.Fatal(err)
	}
	other := newArchive(t)
	for name, x := range map[string]struct {
		change func()
		want   string
	}{
		"another key": {func() {
			a.publish("sid", "sid", split("7.2.2-1", "7.2.2+deb14")...)
			a.keyring, other.keyring = other.keyring, a.keyring
		}, "NO_PUBKEY|not signed|Missing key"},
		"a changed package": {func() {
			a.publish("sid", "sid", split("7.2.3-1", "7.2.3+deb14")...)
			file := filepath.Join(a.dir, "pool/linux-binary-7.2.3+deb14-riscv64_7.2.3-1_riscv64.deb")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a.write("pool/"+filepath.Base(file), strings.Replace(string(data), "vmlinuz", "vmlinux", 1))
		}, "Hash Sum mismatch"},
		"a changed index": {func() {
			a.publish("sid", "sid", split("7.2.4-1", "7.2.4+deb14")...)
			a.write("dists/sid/main/binary-riscv64/Packages", "Package: linux-image-riscv64\nVersion: 9\n")
		}, "unexpected size|Hash Sum mismatch"},
		"no kernel in it": {func() {
			packages := split("7.2.5-1", "7.2.5+deb14")
			for i := range packages {
				packages[i].files = slices.DeleteFunc(packages[i].files, func(f string) bool { return strings.HasSuffix(f, "vmlinuz") })
			}
			a.publish("sid", "sid", packages...)
		}, "no file boot/vmlinu?-7.2.5+deb14-riscv64 or usr/lib/modules/7.2.5+deb14-riscv64/vmlinu?: a layout"},
		"no kernel for riscv64": {func() { a.publish("sid", "sid", userland("7")...) }, "sid has no package linux-image-riscv64 for riscv64"},
	} {
		t.Run(name, func(t *testing.T) {
			mine := a.keyring
			x.change()
			_, err := a.fetch(dir, "sid")
			if err == nil || !slices.ContainsFunc(strings.Split(x.want, "|"), func(w string) bool { return strings.Contains(err.Error(), w) }) {
				t.Errorf("%v", err)
			}
			if a.keyring != mine {
				a.keyring, other.keyring = mine, a.keyring
			}
			g, err := Cached(dir)
			if err != nil {
				t.Fatal(err)
			}
			contents(t, g, "7.2.1-1", "usr/lib/modules/7.2.1+deb14-riscv64/vmlinuz")
		})
	}
	for _, suite := range []string{"../x", "a b", "/", "Sid", "x]", strings.Repeat("x", 99)} {
		if _, err := a.fetch(dir, suite); err == nil || !strings.Contains(err.Error(), "no suite") {
			t.Errorf("suite %q: %v", suite, err)
		}
	}
}

// A record's dependencies are read as deb-control(5) writes them, and no hostile
// record leads to another package than a kernel's.
func TestDependencies(t *testing.T) {
	for record, want := range map[string]string{
		"Package: x\nDepends: linux-image-6.1-riscv64 (= 6.1-1)\nDescription: linux-image-7-riscv64": "linux-image-6.1-riscv64",
		"Depends: a | b (>= 1),\n linux-image-7.2.1+deb14-riscv64:riscv64 (= 7)\nRecommends: c":      "linux-image-7.2.1+deb14-riscv64",
		"Recommends: linux-image-7-riscv64":                             "",
		"Pre-Depends: linux-image-7-riscv64":                            "",
		"Depends: linux-image-amd64, linux-image-, linux-image-7-arm64": "",
		"Depends:":       "",
		"Depends: , | ,": "",
	} {
		if got := newestImage(record); got != want {
			t.Errorf("%q: %q, want %q", record, got, want)
		}
	}
}
