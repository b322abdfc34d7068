package debian

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Both formats of sources.list(5) are read; what is switched off, or for sources
// alone, is not; what is likely the archive comes first.
func TestMirrors(t *testing.T) {
	for name, x := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"one line": {map[string]string{"sources.list": `# comment
deb http://a.example/debian bookworm main contrib # end
deb-src http://src.example/debian bookworm main
deb [arch=amd64 signed-by=/x/y.gpg] http://b.example/mirror/debian/ sid main
deb [ arch=amd64 ] http://c.example/other stable main
deb http://sec.example/debian-security bookworm-security main
`}, []string{"http://a.example/debian", "http://b.example/mirror/debian", "http://c.example/other", "http://sec.example/debian-security"}},
		"deb822": {map[string]string{"sources.list.d/x.sources": `Types: deb deb-src
# a comment within
URIs: http://a.example/debian
 http://b.example/debian
Suites: trixie trixie-updates
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb
URIs: http://tools.example/apt
Suites: stable
Components: tool
`}, []string{"http://a.example/debian", "http://b.example/debian", "http://tools.example/apt"}},
		"neither": {map[string]string{"sources.list.d/readme": "deb http://no.example/debian x main\n"}, nil},
		"odd":     {map[string]string{"sources.list": "deb\ndeb [x\ndeb [a=b]\ndeb u\n", "sources.list.d/o.sources": " leading\n:\nTypes\n"}, nil},
	} {
		dir := t.TempDir()
		for f, text := range x.files {
			path := filepath.Join(dir, f)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := mirrors("", dir); !slices.Equal(got, x.want) {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
		if got := mirrors("http://mine.example", dir); !slices.Equal(got, []string{"http://mine.example"}) {
			t.Errorf("%s: with a mirror given: %q", name, got)
		}
	}
}

func FuzzSources(f *testing.F) {
	f.Add([]byte("deb [x] u s c\n"))
	f.Add([]byte("Types: deb\nURIs: a\n b\nSuites: s\n\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		rank(append(oneLine(data), deb822(data)...))
	})
}
