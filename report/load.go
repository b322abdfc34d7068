package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"mcsim/stats"
	"mcsim/stats/series"
	"mcsim/traces/analysis"
)

// Names of files in a folder of results.
const (
	StatsFile   = "stats.json"
	LinesFile   = "intervals.jsonl"
	ThreadsFile = "threads.jsonl"
	TraceFile   = "trace.json"
)

// Run is what a report is about. Any of its parts may be missing.
type Run struct {
	Name    string
	Info    Info
	Config  json.RawMessage
	Stats   *stats.Snapshot
	Series  *series.Series
	Threads *series.Series // a row for each thread that ran in an interval
	Trace   *analysis.Result
	Notes   []string // what was wrong with the input, and went on without
}

// Info is what the statistics say of their run.
type Info struct {
	Version  string          `json:"version"`
	Program  string          `json:"program"`
	Replay   *replayed       `json:"replay"`
	Seed     uint64          `json:"seed"`
	Reason   string          `json:"reason"`
	ExitCode int             `json:"exit_code"`
	Error    string          `json:"error"`
	Config   json.RawMessage `json:"config"`
}

// replayed is what a replay says of its traces.
type replayed struct {
	VMs []struct {
		Name   string `json:"name"`
		Traces []struct {
			Path string `json:"path"`
		} `json:"traces"`
	} `json:"vms"`
	Regions []string `json:"regions"`
}

// regions are the names of a replay's regions.
func (i *Info) regions() []string {
	if i.Replay == nil {
		return nil
	}
	return i.Replay.Regions
}

// vm is how a virtual machine is called: by its traces.
func (i *Info) vm(n int) string {
	if i.Replay == nil || n >= len(i.Replay.VMs) {
		return ""
	}
	var names []string
	for _, t := range i.Replay.VMs[n].Traces {
		names = append(names, filepath.Base(t.Path))
	}
	return strings.Join(names, ", ")
}

// Load reads folders of results, and files: statistics, intervals as JSON lines,
// and what 'mcsim trace stats --json' printed, told apart by content.
func Load(paths []string) (*Run, error) {
	r := &Run{Name: filepath.Base(paths[0])}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		files := []string{path}
		if info.IsDir() {
			files = nil
			for _, name := range []string{StatsFile, LinesFile, ThreadsFile, TraceFile} {
				if file := filepath.Join(path, name); exists(file) {
					files = append(files, file)
				}
			}
			if files == nil {
				return nil, fmt.Errorf("%s: has neither %s, %s nor %s; a run with --out writes them", path, StatsFile, LinesFile, TraceFile)
			}
		}
		for _, file := range files {
			if err := r.loadFile(file); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return r, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// loadFile takes a file for what its beginning says that it is.
func (r *Run) loadFile(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head := make([]byte, 8<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	keys, err := firstKeys(head[:n])
	switch {
	case n == 0:
		r.note("%s is empty: the run was shorter than an interval, or was ended by force", filepath.Base(path))
		return nil
	case err != nil:
		return err
	case keys[0] == "from" && keys[2] == "thread":
		r.Threads, err = r.loadSeries(f, path, series.ReadParts)
		return err
	case keys[0] == "from":
		r.Series, err = r.loadSeries(f, path, series.Read)
		return err
	case keys[0] == "references":
		return r.loadTrace(f)
	}
	return r.loadStats(f)
}

// firstKeys are the first keys of an object, as far as the values before them are
// numbers; the others are "".
func firstKeys(head []byte) (keys [3]string, err error) {
	dec := json.NewDecoder(bytes.NewReader(head))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return keys, errors.New("is neither statistics, intervals as JSON lines nor an analysis of a trace")
	}
	for i := range keys {
		t, err := dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			break
		}
		keys[i] = key
		if v, err := dec.Token(); err != nil {
			break
		} else if _, ok := v.(float64); !ok {
			break
		}
	}
	if keys[0] == "" {
		return keys, errors.New("is cut off, or holds nothing")
	}
	return keys, nil
}

func (r *Run) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// loadSeries keeps the rows before one that is wrong: a run that was ended by
// force leaves half a line.
func (r *Run) loadSeries(f io.Reader, path string, read func(io.Reader) (*series.Series, error)) (*series.Series, error) {
	s, err := read(f)
	if err != nil && len(s.From) == 0 {
		return nil, err
	}
	if err != nil {
		r.note("%s: %v; the rows before it are shown", filepath.Base(path), err)
	}
	for name, c := range s.Columns { // the row that was wrong may have begun
		s.Columns[name] = c[:min(len(c), len(s.From))]
	}
	return s, nil
}

func (r *Run) loadStats(f io.Reader) error {
	s, info, err := stats.ReadJSON(f)
	if err != nil {
		return err
	}
	if len(info) > 0 {
		if err := json.Unmarshal(info, &r.Info); err != nil {
			return fmt.Errorf("the description of the run: %w", err)
		}
	}
	r.Stats, r.Config = s, r.Info.Config
	return nil
}

func (r *Run) loadTrace(f io.Reader) error {
	dec := json.NewDecoder(io.LimitReader(f, stats.MaxFile))
	r.Trace = &analysis.Result{}
	if err := dec.Decode(r.Trace); err != nil {
		r.Trace = nil
		return fmt.Errorf("the analysis of a trace: %w", err)
	}
	return nil
}
