package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

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

// outFiles are all that a run may write there.
var outFiles = []string{outStats, outLines, outParquet, outThreads, outParquetT}

// outDir is the folder of a run's results.
type outDir struct {
	dir   string           // "" if there is no folder
	made  bool             // it was not there before
	files []*outputFile    // the first is that of the statistics
	rec   *series.Recorder // nil without intervals
	outs  []series.Output
	parts []series.Output // of threads
	every uint64
}

// openOutDir makes the folder and its files before the run, so that a wrong name
// costs no time. Without a folder it does nothing. threads: the run has threads to
// tell of.
func openOutDir(cfg *config.Stats, seed uint64, threads bool) (o *outDir, err error) {
	o = &outDir{every: cfg.Interval}
	if cfg.Dir == "" {
		return o, nil
	}
	o.dir = expandSeed(cfg.Dir, seed)
	_, err = os.Lstat(o.dir)
	o.made = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return o, &fileError{flag: "--out", name: o.dir, output: true, err: err}
	}
	if _, err = o.create(outStats); err != nil {
		return o, err
	}
	if o.every > 0 {
		o.outs, err = o.series(outLines, outParquet)
		if err == nil && threads {
			o.parts, err = o.series(outThreads, outParquetT)
		}
	}
	return o, err
}

func (o *outDir) create(name string) (*outputFile, error) {
	f, err := openOutput("--out", filepath.Join(o.dir, name))
	if err == nil {
		o.files = append(o.files, f)
	}
	return f, err
}

// series makes the two files of a kind of rows.
func (o *outDir) series(lines, pq string) ([]series.Output, error) {
	l, err := o.create(lines)
	if err != nil {
		return nil, err
	}
	p, err := o.create(pq)
	if err != nil {
		return nil, err
	}
	return []series.Output{series.NewJSONLines(l), series.NewParquet(p)}, nil
}

// discard leaves the folder as it was before a run that is refused.
func (o *outDir) discard() {
	for _, f := range o.files {
		f.discard()
	}
	if o.made {
		os.Remove(o.dir) //nolint:errcheck // it stays if there is anything in it
	}
}

// removeOld removes what another run left and this one does not write: its
// intervals would be taken for this one's.
func (o *outDir) removeOld() error {
	var errs []error
	for _, name := range outFiles {
		path := filepath.Join(o.dir, name)
		if slices.ContainsFunc(o.files, func(f *outputFile) bool { return f.file.Name() == path }) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
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
	if o.dir == "" {
		return nil
	}
	errs := []error{o.removeOld()}
	if o.rec != nil {
		errs = append(errs, o.rec.Close(cycle))
	}
	errs = append(errs, values.WriteJSON(o.files[0], info))
	for _, f := range o.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
