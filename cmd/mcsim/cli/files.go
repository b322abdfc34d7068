package cli

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mcsim/machine/config"
)

// named is a file and what it is to a command.
type named struct{ what, name string }

// distinctFiles refuses a run that would write two outputs to one file, or one over
// what it reads. others are what it reads beside the configuration's files.
func distinctFiles(cfg *config.Config, s saving, others ...named) error {
	p, seed := &cfg.Program, cfg.Machine.Seed
	inputs := append([]named{
		{"the program", p.Bare}, {"the kernel", p.Kernel}, {"the initrd", p.Initrd}, {"the firmware", p.BIOS},
		{"the checkpoint to go on from", s.restore},
	}, others...)
	outputs := []named{
		{"the log", expandSeed(cfg.Log.File, seed)},
		{"the recording", expandSeed(cfg.Record.File, seed)},
		{"the statistics", expandSeed(cfg.Stats.File, seed)},
		{"the checkpoint", expandSeed(s.file, seed)},
	}
	if dir := expandSeed(cfg.Stats.Dir, seed); dir != "" {
		for _, name := range outFiles {
			outputs = append(outputs, named{"a file of --out", filepath.Join(dir, name)})
		}
	}
	for _, text := range cfg.Machine.Virtio.Disks {
		d, err := config.ParseDisk(text)
		if err != nil {
			return err
		}
		if d.Mode == config.DiskOverlay || d.Mode == config.DiskReadOnly {
			inputs = append(inputs, named{"a disk", d.File}) // it may be several disks'
			d.File = d.OverlayFile
		}
		outputs = append(outputs, named{"a disk", d.File})
	}
	for i, a := range outputs {
		if err := apart(a, append(inputs, outputs[i+1:]...)...); err != nil {
			return err
		}
	}
	return nil
}

// apart refuses an output that is one of the other files.
func apart(out named, others ...named) error {
	if out.name == "" || out.name == "-" {
		return nil
	}
	for _, o := range others {
		if o.name == "" || o.name == "-" || !sameFile(out.name, o.name) {
			continue
		}
		if out.what == o.what {
			return usagef("%s would be written as %s twice; name another file", o.name, o.what)
		}
		return usagef("%s and %s are the same file, %s; give one of them another name", out.what, o.what, out.name)
	}
	return nil
}

func sameFile(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	fa, errA := os.Stat(a)
	fb, errB := os.Stat(b)
	// Two names of a device are no file that one output could destroy.
	return errA == nil && errB == nil && fa.Mode().IsRegular() && os.SameFile(fa, fb)
}

// fileError says which file, of which flag, cannot be used, and what may help.
type fileError struct {
	flag, name string
	place      string // where a configuration names it, instead of the flag
	output     bool
	hint       string // instead of a guess
	err        error
}

func (e *fileError) Unwrap() error { return e.err }

func (e *fileError) Error() string {
	cause := e.err
	var p *fs.PathError
	if errors.As(e.err, &p) {
		cause = p.Err
	}
	s := strings.TrimPrefix(cmp.Or(e.place, e.flag)+" "+e.name, " ") + ": " + cause.Error()
	if hint := cmp.Or(e.hint, e.guess()); hint != "" {
		s += "; " + hint
	}
	return s
}

// guess is the most likely way out.
func (e *fileError) guess() string {
	dir := filepath.Dir(e.name)
	switch {
	case errors.Is(e.err, fs.ErrPermission) && e.output:
		return "it cannot be written by you; name another file"
	case errors.Is(e.err, fs.ErrPermission):
		return "it cannot be read by you"
	case !errors.Is(e.err, fs.ErrNotExist):
		return ""
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if e.output {
			return "make its folder first: mkdir -p " + dir
		}
		return "there is no folder " + dir
	}
	entries, err := os.ReadDir(dir)
	if err != nil || e.output {
		return ""
	}
	var names []string
	for _, d := range entries {
		names = append(names, d.Name())
	}
	if like := config.Nearest(filepath.Base(e.name), names); like != "" {
		return "did you mean " + filepath.Join(dir, like) + "?"
	}
	return elsewhere[e.flag]
}

// elsewhere says where files come from, by flag.
var elsewhere = map[string]string{
	"--bare":    "builtin:NAME is a program that comes along",
	"--kernel":  "guest:debian is Debian's, once it was brought by: mcsim guest fetch debian",
	"--initrd":  "one is made by: mcsim guest initramfs",
	"--bios":    "guest:debian is Debian's OpenSBI, and without --bios the built-in firmware serves",
	"--restore": "one is saved by: mcsim run --checkpoint FILE --checkpoint-at POINT",
}

// fileFault names the flag of a file that could not be read. Errors of what is in a
// file name it already.
func fileFault(flag, name string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && p.Path == name {
		return &fileError{flag: flag, name: name, err: err}
	}
	return err
}

// checkDisks finds out early which images cannot be opened.
func checkDisks(disks []string) error {
	for _, text := range disks {
		d, err := config.ParseDisk(text)
		if err != nil {
			return err
		}
		f, err := os.Open(d.File)
		if err != nil {
			e := &fileError{flag: "--disk", name: d.File, err: err}
			if errors.Is(err, fs.ErrNotExist) {
				e.hint = cmp.Or(e.guess(), "an empty disk is made by: truncate -s 1G "+d.File)
			}
			return e
		}
		f.Close() //nolint:errcheck // it was only looked at
	}
	return nil
}
