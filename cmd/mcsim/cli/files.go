package cli

import (
	"os"
	"path/filepath"

	"mcsim/machine/config"
)

// distinctFiles refuses a run that would write two outputs to one file, or one
// over its own program.
func distinctFiles(cfg *config.Config, s saving) error {
	files := []struct{ what, name string }{
		{"the program", cfg.Program.Bare},
		{"the log", expandSeed(cfg.Log.File, cfg.Machine.Seed)},
		{"the recording", expandSeed(cfg.Record.File, cfg.Machine.Seed)},
		{"the statistics", expandSeed(cfg.Stats.File, cfg.Machine.Seed)},
		{"the checkpoint", expandSeed(s.file, cfg.Machine.Seed)},
		{"the checkpoint to go on from", s.restore},
	}
	for _, text := range cfg.Machine.Virtio.Disks {
		d, err := config.ParseDisk(text)
		if err != nil {
			return err
		}
		if d.Mode == config.DiskOverlay || d.Mode == config.DiskReadOnly {
			d.File = d.OverlayFile // the image is only read, and may be several disks'
		}
		files = append(files, struct{ what, name string }{"a disk", d.File})
	}
	for i, a := range files {
		for _, b := range files[i+1:] {
			if a.name != "" && a.name != "-" && sameFile(a.name, b.name) {
				return usagef("%s and %s are the same file, %s; give one of them another name", a.what, b.what, b.name)
			}
		}
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
