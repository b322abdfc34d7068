package traces

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sourcegraph/conc"
)

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readTrace reads all streams of a trace, each in its goroutine.
func readTrace(t *testing.T, path string) (info Info, refs [][]Ref, errs []error) {
	t.Helper()
	trace, err := Open(path, Options{})
	if err != nil {
		return info, nil, []error{err}
	}
	defer func() {
		if err := trace.Close(); err != nil {
			t.Error(err)
		}
	}()
	readers := trace.Readers()
	refs = make([][]Ref, len(readers))
	errs = make([]error, len(readers))
	var all conc.WaitGroup
	for i, r := range readers {
		all.Go(func() { refs[i], errs[i] = readAll(r, 100) })
	}
	all.Wait()
	if read, total := trace.Progress(); total > 0 && read < total/2 {
		t.Errorf("%d bytes of %d were read", read, total)
	}
	return trace.Info, refs, errs
}

// drThreadFile is a shard of one thread.
func drThreadFile(thread, loads int) string {
	entries := append([]traceEntry{}, drHead...)
	entries[3].Addr = uint64(thread)
	for i := range loads {
		entries = append(entries, traceEntry{0, 8, uint64(8 * i)})
	}
	return encoded(append(entries, traceEntry{23, 0, uint64(thread)}, traceEntry{26, 0, 0}))
}

// A directory as DynamoRIO leaves it behind: the raw trace, the shards as zip
// archives of chunks, and the schedules.
func TestDrmemtraceDirectory(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "raw", "app.1.raw"), "\x42\x02\x00\x00\x00\x00\x08\xc4\x72\x6d\x08\x00\x00\x00\x00\x40")
	_, err := Open(dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "drraw2trace -indir") {
		t.Errorf("raw only: %v", err)
	}
	for thread := 1; thread <= 3; thread++ {
		whole := drThreadFile(thread, 1000*thread)
		zipFile(t, filepath.Join(dir, "trace", fmt.Sprintf("app.%d.trace.zip", thread)),
			"chunk.0000", whole[:5000], "chunk.0001", whole[5000:8000], "chunk.0002", whole[8000:])
	}
	zipFile(t, filepath.Join(dir, "trace", "cpu_schedule.bin.zip"), "0", "not a trace")
	writeFile(t, filepath.Join(dir, "trace", "serial_schedule.bin.gz"), "nor this")
	info, refs, errs := readTrace(t, dir)
	if info.Shards != 3 || info.Compression != "zip" || info.Format != "drmemtrace" {
		t.Fatalf("%+v, %v", info, errs)
	}
	for i := range refs {
		if errs[i] != nil || len(refs[i]) != 1000*(i+1) || refs[i][0].Thread != uint32(i+1) {
			t.Errorf("shard %d: %d references, %v", i, len(refs[i]), errs[i])
		}
	}
}

// Shards in one archive, of another format, and compressed once more.
func TestArchiveOfShards(t *testing.T) {
	path := filepath.Join(t.TempDir(), "all.zip")
	zipFile(t, path, "run/", "", "run/a.log", "I  04001f00,3\n", "run/b.log", string(compressors["gzip"](t, []byte("I  04001f00,3\nI  04001f03,3\n"))))
	info, refs, errs := readTrace(t, path)
	if info.Shards != 2 || info.Format != "lackey" || errs[0] != nil || errs[1] != nil || len(refs[0]) != 1 || len(refs[1]) != 2 {
		t.Errorf("%+v, %v, %v", info, refs, errs)
	}
	if refs[1][0].Thread != 1 {
		t.Errorf("the second file's thread is %d", refs[1][0].Thread)
	}
	zipFile(t, path, "one.log", "I  04001f00,3\n")
	if info, refs, errs := readTrace(t, path); info.Shards != 1 || errs[0] != nil || len(refs[0]) != 1 {
		t.Errorf("%+v, %v, %v", info, refs, errs)
	}
}

func TestBadShards(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "found none") {
		t.Errorf("empty: %v", err)
	}
	writeFile(t, filepath.Join(dir, "a"), "I  04001f00,3\n")
	writeFile(t, filepath.Join(dir, "b"), "r 10 4\n")
	writeFile(t, filepath.Join(dir, "c"), "")
	writeFile(t, filepath.Join(dir, ".hidden"), "")
	_, refs, errs := readTrace(t, dir)
	if len(refs) != 3 || len(refs[0]) != 1 || errs[0] != nil {
		t.Fatalf("%v, %v", refs, errs)
	}
	if !strings.Contains(errs[1].Error(), "b: it is a trace in the format xdin, expected lackey") || !strings.Contains(errs[2].Error(), "empty") {
		t.Errorf("%v", errs)
	}
	path := filepath.Join(dir, "x.zip")
	zipFile(t, path)
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("empty archive: %v", err)
	}
	zipFile(t, path, "chunk.0", lackeyText())
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(content[:len(content)/2]))
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("archive cut off: %v", err)
	}
	if _, err := readString(t, string(content), ""); err == nil || !strings.Contains(err.Error(), "zip") {
		t.Errorf("archive on a pipe: %v", err)
	}
}

// Thousands of threads work; more are refused before anything is opened.
func TestThousandsOfShards(t *testing.T) {
	dir := t.TempDir()
	for i := range 2000 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("t.%04d", i)), "I  04001f00,3\n")
	}
	info, refs, errs := readTrace(t, dir)
	if info.Shards != 2000 {
		t.Fatalf("%+v %v", info, errs[:1])
	}
	for i := range refs {
		if len(refs[i]) != 1 || errs[i] != nil {
			t.Fatalf("shard %d: %v, %v", i, refs[i], errs[i])
		}
	}
	for i := range 2200 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("u.%04d", i)), "I  04001f00,3\n")
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "more than 4096") {
		t.Errorf("%v", err)
	}
}
