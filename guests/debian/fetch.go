package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Options say how to fetch.
type Options struct {
	Suite    string                           // release, as apt names it: trixie, testing, sid ...; "" for DefaultSuite
	Dir      string                           // where to keep it, "" for the suite's CacheDir
	Mirror   string                           // URI of the archive, "" for what apt's sources say
	Keyring  string                           // "" for Debian's own
	Progress func(format string, args ...any) // may be nil
}

const (
	defaultKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
	aptDir         = "/etc/apt"

	current = "current" // what is used; the rest of the directory is apt's
)

// ErrNoSuite is the error of a suite that there is not.
var ErrNoSuite = errors.New("no such suite")

// noRelease is what apt-get says of one.
const noRelease = "does not have a Release file"

// Fetch brings the newest kernel, busybox and OpenSBI of the release, unless they
// are there. A fetch that fails leaves what was there before.
func Fetch(ctx context.Context, o Options) (*Guest, error) {
	if o.Progress == nil {
		o.Progress = func(string, ...any) {}
	}
	if o.Suite == "" {
		o.Suite = DefaultSuite
	}
	if err := CheckSuite(o.Suite); err != nil {
		return nil, err
	}
	if o.Dir == "" {
		var err error
		if o.Dir, err = CacheDir(o.Suite); err != nil {
			return nil, err
		}
	}
	if o.Keyring == "" {
		o.Keyring = defaultKeyring
	}
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%s is missing: guests are fetched by apt, as Debian and its derivatives have it", tool)
		}
	}
	if _, err := os.Stat(o.Keyring); err != nil {
		return nil, fmt.Errorf("%w; install the package debian-archive-keyring, which the archive's signature is checked with", err)
	}
	uris := mirrors(o.Mirror, aptDir)
	if len(uris) == 0 {
		return nil, fmt.Errorf("apt has no sources in %s; set %s to the URI of a Debian mirror", aptDir, MirrorVariable)
	}
	a := &apt{dir: filepath.Join(o.Dir, "apt"), suite: o.Suite, keyring: o.Keyring}
	defer a.tidy(o.Dir)
	var errs []error
	missing := 0
	for _, uri := range uris {
		o.Progress("asking %s for %s", uri, o.Suite)
		if err := a.update(ctx, uri); err != nil {
			if strings.Contains(err.Error(), noRelease) {
				missing++
			}
			errs = append(errs, fmt.Errorf("%s: %w", uri, err))
			continue
		}
		return a.fetch(ctx, &o)
	}
	if missing == len(errs) {
		return nil, fmt.Errorf("%w: no mirror has a release %q; there are for instance %s, testing and sid:\n%w", ErrNoSuite, o.Suite, DefaultSuite, errors.Join(errs...))
	}
	return nil, fmt.Errorf("no mirror serves %s for %s:\n%w", o.Suite, architecture, errors.Join(errs...))
}

// apt runs apt's tools with directories of their own.
type apt struct {
	dir     string
	suite   string
	keyring string
}

// tidy leaves no directory of a suite of which nothing was ever fetched.
func (a *apt) tidy(dir string) {
	if _, err := os.Stat(filepath.Join(dir, current)); errors.Is(err, fs.ErrNotExist) {
		os.RemoveAll(a.dir) //nolint:errcheck // apt's lists; they are read anew
		os.Remove(dir)      //nolint:errcheck // it stays if there is anything else in it
	}
}

// update reads the signed index of the release at uri.
func (a *apt) update(ctx context.Context, uri string) error {
	if strings.ContainsAny(uri, " \t\n[]\"") {
		return errors.New("that is no URI")
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial", "state", "empty"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return err
		}
	}
	sources := fmt.Sprintf("deb [arch=%s signed-by=%s] %s %s main\n", architecture, a.keyring, uri, a.suite)
	conf := strings.NewReplacer("@", a.dir).Replace(`Dir::State "@/state";
Dir::State::lists "@/lists";
Dir::State::status "@/status";
Dir::Cache "@/cache";
Dir::Etc::sourcelist "@/sources.list";
Dir::Etc::sourceparts "@/empty";
Dir::Etc::preferencesparts "@/empty";
Dir::Log "@/state";
APT::Architecture "` + architecture + `";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::AllowInsecureRepositories "false";
#clear APT::Architectures;
APT::Architectures "` + architecture + `";
#clear DPkg::Post-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`)
	for name, text := range map[string]string{"sources.list": sources, "apt.conf": conf, "status": ""} {
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	// Not all mistakes make apt-get fail: it may go on with what it had.
	_, err := a.run(ctx, "", "apt-get", "update", "--error-on=any")
	return err
}

// run runs a tool in a directory and gives what it printed.
func (a *apt) run(ctx context.Context, dir, tool string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, tool, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		text := strings.TrimSpace(errs.String())
		if text == "" {
			text = err.Error()
		}
		return "", fmt.Errorf("%s %s: %s", tool, args[0], text)
	}
	return out.String(), nil
}

var versionRE = regexp.MustCompile(`(?m)^Version: (\S+)$`)

// candidate is the newest version of a package, and its record.
func (a *apt) candidate(ctx context.Context, pkg string) (version, record string, err error) {
	record, err = a.run(ctx, "", "apt-cache", "show", "--no-all-versions", pkg)
	m := versionRE.FindStringSubmatch(record)
	switch {
	case err != nil && !strings.Contains(err.Error(), "No packages found"):
		return "", "", err
	case m == nil:
		return "", "", fmt.Errorf("%s has no package %s for %s; a partial mirror may not carry it: set %s to another", a.suite, pkg, architecture, MirrorVariable)
	}
	return m[1], record, nil
}

// fetch downloads and unpacks the packages of the index that was read.
func (a *apt) fetch(ctx context.Context, o *Options) (*Guest, error) {
	_, record, err := a.candidate(ctx, "linux-image-"+architecture)
	if err != nil {
		return nil, err
	}
	image := newestImage(record)
	if image == "" {
		return nil, fmt.Errorf("linux-image-%s depends on no kernel of its version:\n%s", architecture, record)
	}
	if _, record, err = a.candidate(ctx, image); err != nil {
		return nil, err
	}
	g := &Guest{Suite: o.Suite, Packages: map[string]string{}}
	var download []string
	for _, pkg := range append(kernelPackages(image, record), "busybox-static", "opensbi") {
		v, _, err := a.candidate(ctx, pkg)
		if err != nil {
			return nil, err
		}
		g.Packages[pkg] = v
		download = append(download, pkg+"="+v)
	}
	if old, err := Cached(o.Dir); err == nil && sameVersions(old.Packages, g.Packages) {
		return old, nil
	}
	// All is unpacked beside what is there, and takes its place as a whole.
	fresh, err := os.MkdirTemp(o.Dir, "new-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(fresh) //nolint:errcheck // it has been renamed, or is of no use
	debs := filepath.Join(fresh, "debs")
	if err := os.Mkdir(debs, 0o755); err != nil {
		return nil, err
	}
	o.Progress("downloading %s", strings.Join(download, ", "))
	if _, err := a.run(ctx, debs, "apt-get", append([]string{"download"}, download...)...); err != nil {
		return nil, err
	}
	if err := a.unpack(ctx, o, debs, fresh); err != nil {
		return nil, err
	}
	return g, g.install(o.Dir, fresh, strings.TrimPrefix(image, imagePrefix))
}

func (a *apt) unpack(ctx context.Context, o *Options, debs, into string) error {
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("apt-get download left no package in %s", debs)
	}
	for _, f := range files {
		o.Progress("unpacking %s", filepath.Base(f))
		if _, err := a.run(ctx, "", "dpkg-deb", "-x", f, into); err != nil {
			return err
		}
	}
	return os.RemoveAll(debs)
}

func sameVersions(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range b {
		if a[k] != v {
			return false
		}
	}
	return true
}
