package traces

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxShards bounds the streams of a trace, for the buffers that each has.
const maxShards = 4096

// A shard is one file of a trace of many. It is opened when it is read first,
// and closed at its end, so that a trace of thousands opens at once.
type shard struct {
	trace  *Trace
	number uint32
	name   string
	open   func() (*file, error)

	stream *source
	reader Reader
	err    error
}

func (s *shard) Read(refs []Ref) (int, error) {
	if s.reader == nil && s.err == nil {
		s.err = s.start(&Info{})
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.reader.Read(refs)
	if err != nil {
		s.err = err
		if failed := s.close(); err == io.EOF && failed != nil {
			s.err = failed
		}
		return n, s.err
	}
	return n, nil
}

func (s *shard) start(info *Info) error {
	f, err := s.open()
	if err != nil {
		return err
	}
	if s.stream, err = s.trace.openSource(f, s.number); err != nil {
		return err
	}
	if want := s.trace.Info.Format; want != "" && s.stream.format.name != want {
		return &Error{File: s.name, Want: fmt.Sprintf("it is a trace in the format %s, expected %s as in the other files of this trace",
			s.stream.format.name, want)}
	}
	readers, err := s.stream.start(&s.trace.opts, info)
	if err != nil {
		return err
	}
	if len(readers) != 1 {
		return &Error{File: s.name, Want: fmt.Sprintf("it holds %d streams, expected one in each file of a trace of many", len(readers))}
	}
	s.reader = readers[0]
	return nil
}

func (s *shard) close() error {
	err := s.stream.close()
	s.stream = nil
	return err
}

// openShards makes a trace of shards, of which the first tells the format.
func (t *Trace) openShards(path string) error {
	switch {
	case len(t.shards) == 0:
		return fmt.Errorf("%s: expected files of a trace, found none", path)
	case len(t.shards) > maxShards:
		return fmt.Errorf("%s: more than %d files; a trace has one for each thread", path, maxShards)
	}
	for i, s := range t.shards {
		s.trace, s.number = t, uint32(i)
		t.readers = append(t.readers, s)
	}
	size := t.Info.Size
	if err := t.shards[0].start(&t.Info); err != nil {
		return err
	}
	t.Info.Size, t.Info.Shards = size, len(t.shards)
	return nil
}

// notShards are files that DynamoRIO keeps beside the shards: the schedule that
// was recorded, and what its other tools want.
var notShards = []string{"serial_schedule.bin", "cpu_schedule.bin", "modules.log", "funclist.log",
	"encodings.bin", "v2p.textproto", "."}

func isShard(name string) bool {
	return !slices.ContainsFunc(notShards, func(p string) bool { return strings.HasPrefix(name, p) })
}

// openDirectory opens a directory with a file for each thread, or DynamoRIO's
// that has such a one in it.
func (t *Trace) openDirectory(path string) error {
	isDir := func(name string) bool {
		stat, err := os.Stat(filepath.Join(path, name))
		return err == nil && stat.IsDir()
	}
	raw, from := isDir("raw"), path
	if isDir("trace") {
		from = filepath.Join(path, "trace")
	}
	if err := t.listShards(from); err != nil {
		return err
	}
	if raw && (from == path || len(t.shards) == 0) {
		return &Error{File: path, Want: "only a raw trace is in it; convert it first: drraw2trace -indir " + path}
	}
	return t.openShards(from)
}

func (t *Trace) listShards(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	entries, err := dir.ReadDir(2 * maxShards)
	if err != nil && err != io.EOF {
		return errors.Join(err, dir.Close())
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		stat, err := os.Stat(name)
		if err != nil || !stat.Mode().IsRegular() || !isShard(e.Name()) {
			continue
		}
		t.Info.Size += stat.Size()
		t.shards = append(t.shards, &shard{name: name, open: func() (*file, error) { return t.openMember(name) }})
	}
	return dir.Close()
}

// openMember opens a file of a directory, which may be a zip of chunks.
func (t *Trace) openMember(path string) (*file, error) {
	f, err := openPath(path, t.opts.Interrupt)
	if err != nil || f.seekable == nil {
		return f, err
	}
	var magic [len(zipMagic)]byte
	if n, _ := f.seekable.ReadAt(magic[:], 0); !isZip(magic[:n]) {
		return f, nil
	}
	stat, err := f.seekable.Stat()
	if err == nil {
		var members []*zipMember
		if members, err = t.zipMembers(f, stat.Size()); err == nil {
			if len(members) == 1 || isChunks(members) {
				return chunks(f.name, members, f.closer), nil
			}
			err = &Error{File: f.name, Want: "it is an archive of several files within a trace of many; unpack it"}
		}
	}
	return nil, errors.Join(err, f.closer.Close())
}
