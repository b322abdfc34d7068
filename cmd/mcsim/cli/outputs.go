package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"mcsim/event"
	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/machine/log"
)

// outputs are the files of a run, open before it begins.
type outputs struct {
	events    *log.Writer
	stats     io.WriteCloser
	dir       *outDir
	recording *machine.Recording
	record    *outputFile   // of the recording, or nil
	files     []*outputFile // all of them
}

// open finds out what cannot work and opens the files. Nothing that exists is
// overwritten for a run that cannot begin.
func (j *job) open() (out *outputs, err error) {
	out = &outputs{}
	defer func() { err = j.config.blame(err) }()
	if err := j.check(); err != nil {
		return out, fail(exitLoad, "%w", j.config.blame(err))
	}
	if err := distinctFiles(j.cfg, j.saving, j.inputs()...); err != nil {
		return out, err
	}
	seed := j.cfg.Machine.Seed
	if err := j.saving.probe(seed); err != nil {
		return out, err
	}
	if out.events, err = out.openLog(j.cfg); err != nil {
		return out, err
	}
	if out.stats, err = out.create("--stats", j.cfg.Stats.File, seed); err != nil {
		return out, err
	}
	if out.dir, err = openOutDir(&j.cfg.Stats, seed, j.replay != nil && j.replay.exact == nil); err != nil {
		return out, err
	}
	out.recording, out.record, err = out.openRecording(j.cfg)
	return out, err
}

// inputs are the files that are read beside those that the configuration names.
func (j *job) inputs() (list []named) {
	if j.file != "" {
		list = append(list, named{"the configuration", j.file})
	}
	if j.replay == nil {
		return list
	}
	for _, v := range j.replay.traces.vms {
		for _, path := range v.paths {
			list = append(list, named{"the trace", path})
		}
	}
	return list
}

// discard closes what a refused run has opened, and leaves everything as it was.
func (out *outputs) discard() {
	for _, f := range out.files {
		f.discard()
	}
	if out.dir != nil {
		out.dir.discard()
	}
}

// create opens an output file before the run, so that a wrong name costs no
// time. It returns nil for "", and standard error for -. flag is the one that
// names it.
func (out *outputs) create(flag, name string, seed uint64) (io.WriteCloser, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return keepOpen{os.Stderr}, nil
	}
	f, err := openOutput(flag, expandSeed(name, seed))
	if err != nil {
		return nil, err
	}
	out.files = append(out.files, f)
	return f, nil
}

// openLog opens the event log, if the configuration wants one.
func (out *outputs) openLog(cfg *config.Config) (*log.Writer, error) {
	w, err := out.create("--log", cfg.Log.File, cfg.Machine.Seed)
	if w == nil || err != nil {
		return nil, err
	}
	level, _ := event.ParseLevel(cfg.Log.Level)
	o := log.Options{Level: level, Limit: uint64(cfg.Log.Limit)}
	for _, name := range cfg.Log.Only {
		c, ok := event.ParseCategory(name)
		if !ok {
			return nil, fail(exitInternal, "config and event disagree on the category %q", name)
		}
		o.Only = append(o.Only, c)
	}
	return log.New(w, o), nil
}

// outputFile is a file that keeps what is in it until something is written to it, or
// it is closed: a run that is refused leaves it as it was.
type outputFile struct {
	file  *os.File
	new   bool // it was not there before
	begun bool // what was in it is gone
	done  bool
}

func openOutput(flag, name string) (*outputFile, error) {
	_, err := os.Lstat(name)
	isNew := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, &fileError{flag: flag, name: name, output: true, err: err}
	}
	return &outputFile{file: f, new: isNew}, nil
}

func (f *outputFile) begin() error {
	if f.begun {
		return nil
	}
	f.begun = true
	if info, err := f.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return err // a device or a pipe keeps nothing
	}
	return f.file.Truncate(0)
}

// Write implements io.Writer.
func (f *outputFile) Write(b []byte) (int, error) {
	if err := f.begin(); err != nil {
		return 0, err
	}
	return f.file.Write(b)
}

// Close implements io.Closer.
func (f *outputFile) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	return errors.Join(f.begin(), f.file.Close())
}

// discard closes a file that nothing was written to, and removes it if it was not
// there before. It does nothing after Close.
func (f *outputFile) discard() {
	if f.done {
		return
	}
	f.done = true
	f.file.Close() //nolint:errcheck // nothing was written
	if f.new && !f.begun {
		os.Remove(f.file.Name()) //nolint:errcheck // an empty file is left, no harm
	}
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
