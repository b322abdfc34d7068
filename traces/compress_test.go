package traces

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// lackeyText is a trace that is longer than any buffer.
func lackeyText() string {
	var b strings.Builder
	for i := range 60000 {
		fmt.Fprintf(&b, "I  %08x,4\n L %x,8\n", 0x400000+4*i, 0x1ffe0000+8*(i*7919%5000))
	}
	return b.String()
}

// compressors are implementations other than those that the reader uses, where
// there is one in Go or on this machine.
var compressors = map[string]func(t testing.TB, content []byte) []byte{
	"gzip": func(t testing.TB, content []byte) []byte {
		return written(t, content, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	},
	"zstd": func(t testing.TB, content []byte) []byte {
		return written(t, content, func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		})
	},
	"xz": func(t testing.TB, content []byte) []byte {
		return written(t, content, func(w io.Writer) io.WriteCloser {
			z, err := xz.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		})
	},
	"lz4": func(t testing.TB, content []byte) []byte {
		return written(t, content, func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) })
	},
	"lz4 legacy": func(t testing.TB, content []byte) []byte {
		return written(t, content, func(w io.Writer) io.WriteCloser {
			z := lz4.NewWriter(w)
			if err := z.Apply(lz4.LegacyOption(true)); err != nil {
				t.Fatal(err)
			}
			return z
		})
	},
	"snappy": func(t testing.TB, content []byte) []byte {
		return written(t, content, func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) })
	},
	"snappy without checksums": snappyNoCRC,
	"bzip2": func(t testing.TB, content []byte) []byte {
		bzip2, err := exec.LookPath("bzip2")
		if err != nil {
			t.Skip("bzip2 is not installed")
		}
		cmd := exec.Command(bzip2, "-c")
		cmd.Stdin = bytes.NewReader(content)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	},
}

func written(t testing.TB, content []byte, open func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// snappyNoCRC writes the chunks that DynamoRIO adds to snappy's framing.
func snappyNoCRC(_ testing.TB, content []byte) []byte {
	b := []byte(snappyMagic)
	for i, kind := 0, byte(2); len(content) > 0; i, kind = i+1, kind^1 {
		piece := content[:min(len(content), snappyBlock)]
		content = content[len(piece):]
		if kind == 2 {
			piece = snappy.Encode(nil, piece)
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(len(piece))<<8|uint32(kind))
		b = append(b, piece...)
		b = append(b, 0xfe, 3, 0, 0, 0, 0, 0) // padding
	}
	return b
}

func TestCompression(t *testing.T) {
	text := lackeyText()
	want, err := readString(t, text, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, compress := range compressors {
		t.Run(name, func(t *testing.T) {
			packed := compress(t, []byte(text))
			refs, err := readString(t, string(packed), "")
			if err != nil || !slices.Equal(refs, want) {
				t.Fatalf("%d references, %v", len(refs), err)
			}
			// Two such files one behind the other are one trace.
			if refs, err = readString(t, string(packed)+string(packed), ""); err != nil || len(refs) != 2*len(want) {
				if name != "lz4 legacy" { // its frames have no end
					t.Errorf("twice: %d references, %v", len(refs), err)
				}
			}
			// Cut off: what can be had is delivered, and the error says it.
			refs, err = readString(t, string(packed[:len(packed)*3/4]), "")
			if err == nil || !strings.Contains(err.Error(), "cut off") || !slices.Equal(refs, want[:len(refs)]) {
				t.Errorf("cut off: %d references, %v", len(refs), err)
			}
			// Damaged: an error if there is a checksum, or if the text is none.
			damaged := bytes.Clone(packed)
			for i := len(damaged) / 2; i < len(damaged)/2+40; i++ {
				damaged[i] ^= 0x55
			}
			if refs, err = readString(t, string(damaged), ""); err == nil {
				t.Errorf("damaged: %d references and no error", len(refs))
			}
		})
	}
}

func TestCompressedTwice(t *testing.T) {
	pack := compressors["gzip"]
	once := pack(t, []byte("I  04001f00,3\n"))
	thrice := pack(t, compressors["zstd"](t, once))
	trace, err := Open("-", Options{Stdin: bytes.NewReader(thrice)})
	if err != nil {
		t.Fatal(err)
	}
	defer trace.Close()
	if refs, err := readAll(trace.Readers()[0], 4); err != nil || len(refs) != 1 || trace.Info.Compression != "gzip+zstd+gzip" {
		t.Errorf("%s: %d references, %v", trace.Info.Compression, len(refs), err)
	}
	if _, err := Open("-", Options{Stdin: bytes.NewReader(pack(t, thrice))}); err == nil || !strings.Contains(err.Error(), "more than 3") {
		t.Errorf("four layers: %v", err)
	}
}

// A small file that wants a huge window is refused before anything is allocated.
func TestHugeWindow(t *testing.T) {
	zstdFrame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00} // descriptor, window of 1 GiB, an empty last block
	xzFile := compressors["xz"](t, []byte("I  04001f00,3\n"))
	// The block header is behind the 12 bytes of the stream's: size, flags, the
	// filter's id, the size of its properties, the dictionary's size, padding and
	// a CRC32 (xz file format 3.1).
	header := xzFile[12 : 12+(int(xzFile[12])+1)*4]
	at := bytes.Index(header, []byte{0x21, 0x01})
	header[at+2] = 40 // 4 GiB - 1
	binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
	for name, content := range map[string][]byte{"zstd": zstdFrame, "xz": xzFile} {
		before := heap()
		_, err := readString(t, string(content), "lackey")
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if grown := int64(heap() - before); grown > 64<<20 {
			t.Errorf("%s: %d MiB allocated: %v", name, grown>>20, err)
		}
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// A bomb costs time, no memory.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	newlines := bytes.Repeat([]byte("\n"), 1<<20)
	if _, err := w.Write([]byte("I  04001f00,3\n")); err != nil {
		t.Fatal(err)
	}
	for range 128 {
		if _, err := w.Write(newlines); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	before := heap()
	refs, err := readString(t, b.String(), "")
	if err != nil || len(refs) != 1 {
		t.Errorf("%d references, %v", len(refs), err)
	}
	if grown := int64(heap() - before); grown > 32<<20 {
		t.Errorf("%d MiB were allocated for a file of %d bytes", grown>>20, b.Len())
	}
}

// Closing a trace that was not read to its end leaves no goroutine behind.
func TestCloseEarly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	writeFile(t, path, string(compressors["gzip"](t, []byte(lackeyText()))))
	before := runtime.NumGoroutine()
	for range 20 {
		trace, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := trace.Readers()[0].Read(make([]Ref, 10)); err != nil {
			t.Fatal(err)
		}
		if err := trace.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// One that has ended may still be seen, and those of other tests come and go.
	if now := runtime.NumGoroutine(); now > before+10 {
		t.Errorf("%d goroutines before, %d after", before, now)
	}
}

// Closing does not wait for a writer that has nothing more to say, on standard
// input or at a named pipe.
func TestCloseStuck(t *testing.T) {
	packed := compressors["gzip"](t, []byte(lackeyText()))
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	named, err := os.OpenFile(path, os.O_RDWR, 0) // does not wait for a reader
	if err != nil {
		t.Fatal(err)
	}
	defer named.Close()
	stdin, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	defer w.Close() // ends the read that Close left
	for name, to := range map[string]*os.File{path: named, "-": w} {
		if _, err := to.Write(packed[:48<<10]); err != nil {
			t.Fatal(err)
		}
		trace, err := Open(name, Options{Stdin: stdin})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := trace.Readers()[0].Read(make([]Ref, 10)); n == 0 || err != nil {
			t.Errorf("%d references, %v", n, err)
		}
		if err := trace.Close(); err != nil {
			t.Error(err)
		}
	}
}

// zipFile writes an archive, with the given members in order.
func zipFile(t testing.TB, path string, members ...string) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		m, err := w.Create(members[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(m, members[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
