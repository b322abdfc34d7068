package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A replay that ends before its statistics begin says so.
func TestSkipBeyondTheEnd(t *testing.T) {
	for _, flags := range []string{"--skip 1000", "--warmup 1000", "--skip 1 --warmup 0"} {
		var out, errs bytes.Buffer
		args := strings.Fields("replay --harts 1 --memory 16MiB --format lackey --count references " + flags + " -")
		code := Main(args, strings.NewReader(" L 1000,8\n S 2000,8\n"), &out, &errs)
		said := strings.Contains(errs.String(), "nothing was counted: no thread has more references")
		if code != exitOK || said != strings.Contains(flags, "1000") {
			t.Errorf("%s: code %d\n%s", flags, code, errs.String())
		}
	}
}

// Statistics by thread end somewhere, and that is told.
func TestManyThreads(t *testing.T) {
	for n, want := range map[int]bool{4096: false, 4097: true} {
		var in strings.Builder
		for i := range n {
			fmt.Fprintf(&in, "%d R 1000 8\n", i)
		}
		var out, errs bytes.Buffer
		code := Main(strings.Fields("replay --harts 1 --memory 16MiB --no-table -"), strings.NewReader(in.String()), &out, &errs)
		if said := strings.Contains(errs.String(), "the first 4,096 of 4,097 threads"); code != exitOK || said != want {
			t.Errorf("%d threads: code %d\n%s", n, code, errs.String())
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// Output that cannot be written is no mistake in the arguments.
func TestStatsToFullDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.json")
	if err := os.WriteFile(file, []byte(`{"stats": {"sim": {"cycles": 1}}}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"stats", "show", file}, {"stats", "show", "--phases", file}, {"stats", "diff", file, file}} {
		var errs bytes.Buffer
		if code := Main(args, strings.NewReader(""), full{}, &errs); code != exitOutput {
			t.Errorf("%v: code %d, %s", args, code, errs.String())
		}
	}
}
