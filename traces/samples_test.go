package traces

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every sample is listed in README.md, with as many references as it has.
func TestSamplesAreAsListed(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z.]+)` \\| ([0-9,]+) \\|").FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = strings.ReplaceAll(m[2], ",", "")
	}
	files, err := filepath.Glob("samples/*.*")
	if err != nil || len(files) != len(listed)+1 { // and make.sh
		t.Errorf("%v and %d files, of which %d are listed", err, len(files), len(listed))
	}
	for name, want := range listed {
		trace, err := Open(filepath.Join("samples", name), Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		n := 0
		for _, r := range trace.Readers() {
			refs, err := readAll(r, 4096)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			n += len(refs)
		}
		if got := strconv.Itoa(n); got != want {
			t.Errorf("%s has %s references, and README.md says %s", name, got, want)
		}
		if err := trace.Close(); err != nil {
			t.Error(err)
		}
	}
}
