package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"mcsim/machine/config"
	htmlreport "mcsim/report"
	"mcsim/stats"
	"mcsim/stats/series"
)

// Files of the folder that --out names, which 'mcsim report' reads.
const (
	outStats    = htmlreport.StatsFile
	outLines    = htmlreport.LinesFile
	outParquet  = "intervals.parquet"
	intervalDoc = `--out DIR writes stats.json there and, with --interval N, what was counted in each
N cycles, as intervals.jsonl and intervals.parquet; 'mcsim report DIR' shows it.`
)

// outDir is the folder of a run's results.
type outDir struct {
	stats io.WriteCloser // nil if there is no folder
	files []io.Closer
	rec   *series.Recorder // nil without intervals
	outs  []series.Output
	every uint64
}

// openOutDir makes the folder and its files before the run, so that a wrong name
// costs no time. Without a folder it does nothing.
func openOutDir(cfg *config.Stats, seed uint64) (*outDir, error) {
	o := &outDir{every: cfg.Interval}
	if cfg.Dir == "" {
		if cfg.Interval > 0 {
			return nil, usagef("intervals need a folder to be written to; give one by --out DIR")
		}
		return o, nil
	}
	dir := expandSeed(cfg.Dir, seed)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, &fileError{flag: "--out", name: dir, output: true, err: err}
	}
	create := func(name string) (*os.File, error) {
		f, err := os.Create(filepath.Join(dir, name))
		if err == nil {
			o.files = append(o.files, f)
		}
		return f, err
	}
	f, err := create(outStats)
	if err != nil {
		return nil, err
	}
	o.stats = f
	if o.every == 0 {
		// Intervals of another run would be taken for this one's.
		return o, errors.Join(removeIfThere(dir, outLines), removeIfThere(dir, outParquet))
	}
	lines, err := create(outLines)
	if err != nil {
		return nil, errors.Join(err, o.close(nil, nil, 0))
	}
	pq, err := create(outParquet)
	if err != nil {
		return nil, errors.Join(err, o.close(nil, nil, 0))
	}
	o.outs = []series.Output{series.NewJSONLines(lines), series.NewParquet(pq)}
	return o, nil
}

func removeIfThere(dir, name string) error {
	if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// begin starts the intervals of a machine that counts in reg, or returns nil.
func (o *outDir) begin(reg *stats.Registry, cycle uint64) *series.Recorder {
	if o.outs != nil {
		o.rec = series.NewRecorder(reg, o.every, cycle, o.outs...)
	}
	return o.rec
}

// close writes what is left: the last interval and the values.
func (o *outDir) close(values *stats.Snapshot, info any, cycle uint64) error {
	var errs []error
	if o.rec != nil {
		errs = append(errs, o.rec.Close(cycle))
	}
	if o.stats != nil && values != nil {
		errs = append(errs, values.WriteJSON(o.stats, info))
	}
	for _, f := range o.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
