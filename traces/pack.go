package traces

import (
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// packers compress what is written, by the ending of a file's name. They use
// one thread, so that equal input gives equal bytes.
var packers = map[string]func(io.Writer) (io.WriteCloser, error){
	".gz": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) },
	".zst": func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	},
	".lz4": func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil },
}

// Compresses tells whether Compress knows the ending of a file's name.
func Compresses(ending string) bool { return packers[ending] != nil }

// Compress returns a writer that compresses as the ending of a file's name says
// (.gz, .zst, .lz4), or passes everything on. Closing it does not close w.
func Compress(w io.Writer, ending string) (io.WriteCloser, error) {
	if pack := packers[ending]; pack != nil {
		return pack(w)
	}
	return passOn{w}, nil
}

type passOn struct{ io.Writer }

func (passOn) Close() error { return nil }
