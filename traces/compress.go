package traces

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"
)

// A codec is a way of compression, known by the first bytes.
type codec struct {
	name  string
	magic []string
	open  func(r io.Reader, window int) (io.Reader, io.Closer, error)
}

const (
	magicBytes = 16
	maxLayers  = 3 // a trace.zst.gz is odd, more is an attack
	peekBuffer = 16 << 10
	zipMagic   = "PK\x03\x04"
)

var codecs = []codec{
	{"gzip", []string{"\x1f\x8b\x08"}, func(r io.Reader, _ int) (io.Reader, io.Closer, error) {
		z, err := gzip.NewReader(r)
		return z, nil, err
	}},
	{"zstd", []string{"\x28\xb5\x2f\xfd"}, func(r io.Reader, window int) (io.Reader, io.Closer, error) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(uint64(window)))
		if err != nil {
			return nil, nil, err
		}
		return z, z.IOReadCloser(), nil
	}},
	{"xz", []string{"\xfd7zXZ\x00"}, func(r io.Reader, window int) (io.Reader, io.Closer, error) {
		z, err := xz.NewReader(r, uint32(window))
		return z, nil, err
	}},
	{"bzip2", bzip2Magics(), func(r io.Reader, _ int) (io.Reader, io.Closer, error) {
		return bzip2.NewReader(r), nil, nil
	}},
	{"lz4", []string{"\x04\x22\x4d\x18", "\x02\x21\x4c\x18"}, func(r io.Reader, _ int) (io.Reader, io.Closer, error) {
		return newLZ4(r), nil, nil
	}},
	{"snappy", []string{snappyMagic}, func(r io.Reader, _ int) (io.Reader, io.Closer, error) {
		return &snappyReader{r: r}, nil, nil
	}},
}

// bzip2Magics are a level, then the mark of a block or of the end.
func bzip2Magics() (all []string) {
	for level := '1'; level <= '9'; level++ {
		begin := "BZh" + string(level)
		all = append(all, begin+"\x31\x41\x59\x26\x53\x59", begin+"\x17\x72\x45\x38\x50\x90")
	}
	return all
}

func codecOf(head []byte) *codec {
	for i := range codecs {
		for _, magic := range codecs[i].magic {
			if bytes.HasPrefix(head, []byte(magic)) {
				return &codecs[i]
			}
		}
	}
	return nil
}

// decompress takes off every layer of compression. It returns src itself if
// there is none.
func decompress(src io.Reader, window int) (r io.Reader, names []string, closers []io.Closer, err error) {
	for {
		buffered := bufio.NewReaderSize(src, peekBuffer)
		head, err := buffered.Peek(magicBytes)
		if err != nil && err != io.EOF {
			return nil, names, closers, err
		}
		if isZip(head) {
			return nil, names, closers, errors.New("a zip archive is read from a regular file only, for its list of members is at the end; unpack it")
		}
		c := codecOf(head)
		if c == nil {
			return buffered, names, closers, nil
		}
		if len(names) == maxLayers {
			return nil, names, closers, fmt.Errorf("compressed more than %d times over", maxLayers)
		}
		z, closer, err := c.open(buffered, window)
		names = append(names, c.name)
		if closer != nil {
			closers = append(closers, closer)
		}
		if err != nil {
			return nil, names, closers, decompressing(c.name, err)
		}
		src = &decoder{r: z, name: c.name}
	}
}

// decoder names the codec in a decompressor's errors.
type decoder struct {
	r    io.Reader
	name string
}

func (d *decoder) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err != nil && err != io.EOF {
		err = decompressing(d.name, err)
	}
	return n, err
}

func decompressing(name string, err error) error {
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return fmt.Errorf("%s: the compressed file is cut off", name)
	}
	return fmt.Errorf("%s: the compressed file is corrupt or cut off: %w", name, err)
}

// lz4Reader reads frames one after the other, as lz4 itself does; the library
// stops after the first.
type lz4Reader struct {
	src *bufio.Reader
	z   *lz4.Reader
}

func newLZ4(r io.Reader) *lz4Reader {
	src := bufio.NewReaderSize(r, peekBuffer)
	return &lz4Reader{src: src, z: lz4.NewReader(src)}
}

func (l *lz4Reader) Read(p []byte) (int, error) {
	for {
		n, err := l.z.Read(p)
		if n > 0 && err == io.EOF {
			err = nil
		}
		if n > 0 || err != io.EOF {
			return n, err
		}
		if _, err := l.src.Peek(1); err != nil {
			return 0, err
		}
		l.z.Reset(l.src)
	}
}
