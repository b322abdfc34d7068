package debian

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing is fetched from an archive that Debian did not sign, and what fails
// leaves nothing behind that could be taken for a guest.
func TestFetchRefuses(t *testing.T) {
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	archive := t.TempDir()
	release := filepath.Join(archive, "dists", DefaultSuite)
	if err := os.MkdirAll(release, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"InRelease": "Origin: Debian\nSuite: trixie\n", "Release": "Origin: Debian\nSuite: trixie\n"} {
		if err := os.WriteFile(filepath.Join(release, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	keyring := filepath.Join(t.TempDir(), "keyring.gpg")
	if err := os.WriteFile(keyring, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		mirror, keyring, want string
	}{
		"not signed": {"file://" + archive, keyring, "not signed|couldn't be verified|NO_PUBKEY|invalid|Clearsigned"},
		"not there":  {"file:///nonexistent-archive", keyring, "Release|not found|does not have"},
		"no keyring": {"file://" + archive, "/nonexistent/keyring.gpg", "debian-archive-keyring"},
		"no URI":     {"http://a b", keyring, "no URI"},
	} {
		dir := t.TempDir()
		_, err := Fetch(context.Background(), Options{Dir: dir, Mirror: x.mirror, Keyring: x.keyring})
		found := false
		for _, w := range strings.Split(x.want, "|") {
			found = found || err != nil && strings.Contains(err.Error(), w)
		}
		if !found {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Cached(dir); !errors.Is(err, ErrNotFetched) {
			t.Errorf("%s: left a guest behind: %v", name, err)
		}
	}
}

// A manifest that names files outside of its directory is not followed.
func TestCachedRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, current), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`{`, `{"kernel":"../../x"}`, `{"kernel":"k","busybox":"b","bios":"f"}`, `[]`} {
		if err := os.WriteFile(filepath.Join(dir, current, manifest), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Cached(dir); err == nil || !strings.Contains(err.Error(), "fetch it again") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// An initramfs is the same for the same input, and takes no path that leaves it.
func TestInitramfs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "busybox"), []byte("box"), 0o755); err != nil {
		t.Fatal(err)
	}
	g := &Guest{Dir: dir, Busybox: "busybox"}
	in := Initramfs{NoModules: true, Files: map[string][]byte{"bin/x/y": []byte("1"), "etc/z": []byte("2"), "a": nil}}
	one, err := g.Initramfs(in)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if two, err := g.Initramfs(in); err != nil || string(one) != string(two) {
			t.Fatalf("made twice it differs: %v", err)
		}
	}
	if tool, err := exec.LookPath("cpio"); err == nil {
		c := exec.Command(tool, "-t", "--quiet")
		c.Stdin = strings.NewReader(string(one))
		list, err := c.Output()
		if err != nil || !strings.Contains(string(list), "bin/x\nbin/x/y\n") || !strings.Contains(string(list), "dev/console\n") {
			t.Errorf("cpio lists %q: %v", list, err)
		}
	}
	for _, name := range []string{"", "/x", "../x", "a/../../b", "x/", "."} {
		if _, err := g.Initramfs(Initramfs{NoModules: true, Files: map[string][]byte{name: nil}}); err == nil {
			t.Errorf("took the path %q", name)
		}
	}
}
