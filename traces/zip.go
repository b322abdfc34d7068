package traces

import (
	"archive/zip"
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// maxDirectory bounds what a zip's list of members takes, for they are all in
// memory: enough for 200,000.
const maxDirectory = 16 << 20

// zstd in zip is method 93 (PKWARE's APPNOTE, 4.4.5).
const methodZstd = 93

type zipMember struct {
	*zip.File
	archive string
}

func isZip(head []byte) bool {
	return len(head) >= 4 && head[0] == 'P' && head[1] == 'K' &&
		(head[2] == 3 && head[3] == 4 || head[2] == 5 && head[3] == 6 || head[2] == 7 && head[3] == 8)
}

// openZip opens an archive: DynamoRIO's file of one thread in chunks, one trace
// in any format, or a trace with a member for each thread.
func (t *Trace) openZip(f *file, size int64) error {
	members, err := t.zipMembers(f, size)
	if err != nil {
		return errors.Join(err, f.closer.Close())
	}
	if len(members) == 1 || isChunks(members) {
		return t.openSingle(chunks(f.name, members, f.closer))
	}
	t.archive = f.closer
	for _, m := range members {
		t.shards = append(t.shards, &shard{
			name: m.archive + ":" + m.Name,
			open: func() (*file, error) { return chunks(m.archive+":"+m.Name, []*zipMember{m}, nil), nil },
		})
	}
	return t.openShards(f.name)
}

// zipMembers lists the files of an archive that hold references.
func (t *Trace) zipMembers(f *file, size int64) ([]*zipMember, error) {
	at := &countedAt{r: f.seekable, n: &t.read, most: maxDirectory}
	archive, err := zip.NewReader(at, size)
	if err != nil {
		return nil, &Error{File: f.name, Err: decompressing("zip", err)}
	}
	at.most = 0
	archive.RegisterDecompressor(zip.Deflate, flate.NewReader)
	archive.RegisterDecompressor(methodZstd, zstd.ZipDecompressor(
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(minWindow)))
	var members []*zipMember
	for _, m := range archive.File {
		base := m.Name[strings.LastIndexByte(m.Name, '/')+1:]
		if base != "" && isShard(base) {
			members = append(members, &zipMember{m, f.name})
		}
	}
	if len(members) == 0 {
		return nil, &Error{File: f.name, Want: "the archive is empty; expected a trace in it"}
	}
	return members, nil
}

// isChunks reports whether the members are pieces of one file, as DynamoRIO
// names them: chunk.0000 and so on.
func isChunks(members []*zipMember) bool {
	for _, m := range members {
		if !strings.HasPrefix(m.Name, "chunk.") {
			return false
		}
	}
	return true
}

// chunks is a file of members one after the other.
func chunks(name string, members []*zipMember, closer io.Closer) *file {
	c := &chunkReader{members: members}
	c.closer = closer
	return &file{name: name, src: c, closer: c, packed: "zip"}
}

type chunkReader struct {
	members []*zipMember // to come
	now     io.ReadCloser
	closer  io.Closer
}

func (c *chunkReader) Read(p []byte) (int, error) {
	for {
		if c.now == nil {
			if len(c.members) == 0 {
				return 0, io.EOF
			}
			var err error
			if c.now, err = c.members[0].Open(); err != nil {
				return 0, c.failed(err)
			}
		}
		n, err := c.now.Read(p)
		if err == nil || n > 0 && err == io.EOF {
			return n, nil
		}
		if err != io.EOF {
			return n, c.failed(err)
		}
		err = c.now.Close()
		c.now = nil
		if err != nil {
			return 0, c.failed(err)
		}
		c.members = c.members[1:]
	}
}

func (c *chunkReader) failed(err error) error {
	return &Error{File: c.members[0].archive + ":" + c.members[0].Name, Err: decompressing("zip", err)}
}

func (c *chunkReader) Close() error {
	var errs []error
	if c.now != nil {
		errs = append(errs, c.now.Close())
		c.now = nil
	}
	if c.closer != nil {
		errs = append(errs, c.closer.Close())
	}
	return errors.Join(errs...)
}

// countedAt counts what is read of an archive, for Progress, and refuses to
// read more than most unless that is 0.
type countedAt struct {
	r    io.ReaderAt
	n    *atomic.Int64
	most int64
	read int64
}

func (c *countedAt) ReadAt(p []byte, off int64) (int, error) {
	if c.most > 0 {
		if c.read += int64(len(p)); c.read > c.most {
			return 0, errors.New("the list of members is too long")
		}
	}
	n, err := c.r.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}
