package traces

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// fuzzFormat feeds a reader with anything. It must not panic; what it makes of
// so many bytes is bounded; an error names its place; references are possible
// ones; and the caller's batches change nothing.
func fuzzFormat(f *testing.F, name string) {
	for _, s := range samples {
		if s.format == name {
			f.Add([]byte(s.content))
			f.Add([]byte(s.content[:len(s.content)*2/3]))
			f.Add([]byte(s.content + s.content[len(s.content)/3:]))
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		wide, err := checkedRead(t, content, name, 64)
		narrow, err2 := checkedRead(t, content, name, 1)
		if !slices.Equal(wide, narrow) || (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Errorf("batches of 64: %d references, %v; of 1: %d, %v", len(wide), err, len(narrow), err2)
		}
	})
}

func checkedRead(t *testing.T, content []byte, format string, batch int) ([]Ref, error) {
	t.Helper()
	trace, err := Open("-", Options{Format: format, Stdin: bytes.NewReader(content)})
	if err != nil {
		checkError(t, err)
		return nil, err
	}
	defer func() {
		if err := trace.Close(); err != nil {
			t.Error(err)
		}
	}()
	refs, err := readAtMost(trace.Readers()[0], batch, 64+32*len(content))
	if err != nil {
		checkError(t, err)
	}
	for _, r := range refs {
		addr := r.address()
		if r.Kind >= NumKinds || !sized(addr, uint64(r.Size)) || r.Has&^trace.Info.Has != 0 {
			t.Errorf("impossible reference %+v", r)
		}
	}
	return refs, err
}

var errTooMany = errors.New("too many references for so few bytes")

func readAtMost(r Reader, batch, most int) (all []Ref, err error) {
	refs := make([]Ref, batch)
	for idle := 0; idle < 100; idle++ {
		n, err := r.Read(refs)
		all = append(all, refs[:n]...)
		if len(all) > most {
			return all, errTooMany
		}
		if n > 0 {
			idle = 0
		}
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
	return all, io.ErrNoProgress
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var placed *Error
	if !errors.As(err, &placed) || placed.File == "" || placed.Line < 0 || placed.Offset < 0 || placed.Want == "" && placed.Err == nil {
		t.Errorf("an error without its place: %v", err)
	}
}

func FuzzLackey(f *testing.F)     { fuzzFormat(f, "lackey") }
func FuzzDin(f *testing.F)        { fuzzFormat(f, "din") }
func FuzzXdin(f *testing.F)       { fuzzFormat(f, "xdin") }
func FuzzChampsim(f *testing.F)   { fuzzFormat(f, "champsim") }
func FuzzCloudsuite(f *testing.F) { fuzzFormat(f, "champsim-cloudsuite") }
func FuzzDrmemtrace(f *testing.F) {
	f.Add([]byte(encoded(append(append([]traceEntry{}, drHead...), traceEntry{28, 15, 0x77000}, traceEntry{28, 17, 0x401000},
		traceEntry{10, 4, 0x401008}, traceEntry{28, 15, 0x78000}, traceEntry{28, 17, 0x401000}, traceEntry{17, 3, 0x030201},
		traceEntry{20, 0, 0x401000}, traceEntry{21, 0, 0x501000}, traceEntry{28, 16, 0x401000}, traceEntry{26, 0, 0}))))
	fuzzFormat(f, "drmemtrace")
}
func FuzzSpike(f *testing.F)         { fuzzFormat(f, "spike") }
func FuzzDramsim3(f *testing.F)      { fuzzFormat(f, "dramsim3") }
func FuzzRamulator(f *testing.F)     { fuzzFormat(f, "ramulator") }
func FuzzRamulatorDRAM(f *testing.F) { fuzzFormat(f, "ramulator-dram") }
func FuzzRamulator2(f *testing.F)    { fuzzFormat(f, "ramulator2") }
func FuzzText(f *testing.F)          { fuzzFormat(f, "text") }

// Detection, decompression and archives, from a file.
func FuzzOpen(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s.content))
	}
	small := []byte("I  04001f00,3\n L 1ffefff6c8,8\n M 0421b4f0,4\n")
	for _, pack := range []func(testing.TB, []byte) []byte{compressors["gzip"], compressors["zstd"], compressors["xz"],
		compressors["lz4"], compressors["lz4 legacy"], compressors["snappy"], snappyNoCRC} {
		f.Add(pack(f, small))
	}
	f.Add([]byte("BZh91AY&SY\x00\x00"))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	dir := f.TempDir()
	zipped := filepath.Join(dir, "seed.zip")
	zipFile(f, zipped, "a.log", string(small), "b.log", string(small))
	content, err := os.ReadFile(zipped)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "trace")
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		trace, err := Open(path, Options{})
		if err != nil {
			checkError(t, err)
			return
		}
		for _, r := range trace.Readers() {
			// A bomb is endless for these purposes.
			if _, err := readAtMost(r, 64, 100000); err != nil && err != errTooMany {
				checkError(t, err)
			}
		}
		if err := trace.Close(); err != nil {
			t.Error(err)
		}
	})
}
