package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"mcsim/machine"
	"mcsim/machine/config"
	htmlreport "mcsim/report"
	"mcsim/stats"
	"mcsim/stats/series"
)

// Files of the folder that --out names, which 'mcsim report' reads.
const (
	outStats    = htmlreport.StatsFile
	outLines    = htmlreport.LinesFile
	outThreads  = htmlreport.ThreadsFile
	outParquet  = "intervals.parquet"
	outParquetT = "threads.parquet"
	intervalDoc = `--out DIR writes stats.json there and, with --interval N, what was counted in each
N cycles, as intervals.jsonl and intervals.parquet; 'mcsim report DIR' shows it.`
	threadsDoc = `What each thread counted in an interval is in threads.jsonl and threads.parquet: a
row for each thread that ran in it.`
)

// outDir is the folder of a run's results.
type outDir struct {
	stats io.WriteCloser // nil if there is no folder
	files []io.Closer
	rec   *series.Recorder // nil without intervals
	outs  []series.Output
	parts []series.Output // of threads
	every uint64
}

// openOutDir makes the folder and its files before the run, so that a wrong name
// costs no time. Without a folder it does nothing. threads: the run has threads to
// tell of.
func openOutDir(cfg *config.Stats, seed uint64, threads bool) (*outDir, error) {
	o := &outDir{every: cfg.Interval}
	if cfg.Dir == "" {
		return o, nil
	}
	dir := expandSeed(cfg.Dir, seed)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, &fileError{flag: "--out", name: dir, output: true, err: err}
	}
	f, err := o.create(dir, outStats)
	if err != nil {
		return nil, err
	}
	o.stats = f
	// Intervals of another run would be taken for this one's.
	for _, name := range []string{outLines, outParquet, outThreads, outParquetT} {
		if err := removeIfThere(dir, name); err != nil {
			return nil, errors.Join(err, o.close(nil, nil, 0))
		}
	}
	if o.every > 0 {
		o.outs, err = o.series(dir, outLines, outParquet)
		if err == nil && threads {
			o.parts, err = o.series(dir, outThreads, outParquetT)
		}
	}
	if err != nil {
		return nil, errors.Join(err, o.close(nil, nil, 0))
	}
	return o, nil
}

func (o *outDir) create(dir, name string) (*os.File, error) {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, &fileError{flag: "--out", name: filepath.Join(dir, name), output: true, err: err}
	}
	o.files = append(o.files, f)
	return f, nil
}

// series makes the two files of a kind of rows.
func (o *outDir) series(dir, lines, pq string) ([]series.Output, error) {
	l, err := o.create(dir, lines)
	if err != nil {
		return nil, err
	}
	p, err := o.create(dir, pq)
	if err != nil {
		return nil, err
	}
	return []series.Output{series.NewJSONLines(l), series.NewParquet(p)}, nil
}

func removeIfThere(dir, name string) error {
	if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// begin starts the intervals of a machine, or returns nil.
func (o *outDir) begin(m *machine.Machine, cycle uint64) *series.Recorder {
	if o.outs != nil {
		o.rec = series.NewRecorder(m.Stats(), o.every, cycle, o.outs...)
	}
	if o.parts != nil {
		o.rec.Parts(m.Replay().RanThreads, o.parts...)
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
