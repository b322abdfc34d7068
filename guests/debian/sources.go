package debian

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MirrorVariable names the environment variable that overrides apt's sources.
const MirrorVariable = "MCSIM_DEBIAN_MIRROR"

// source is an archive that apt is configured to use.
type source struct {
	uri, suite string
	components []string
}

// mirrors lists where Debian's archive may be, the likeliest first: what the
// variable says, else the archives of apt's sources below etc (/etc/apt). Which of
// them is Debian's, its signature tells.
func mirrors(variable, etc string) []string {
	if variable != "" {
		return []string{variable}
	}
	var list []source
	files, _ := filepath.Glob(filepath.Join(etc, "sources.list.d", "*"))
	slices.Sort(files)
	for _, f := range append([]string{filepath.Join(etc, "sources.list")}, files...) {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		switch filepath.Ext(f) {
		case ".list":
			list = append(list, oneLine(data)...)
		case ".sources":
			list = append(list, deb822(data)...)
		}
	}
	return rank(list)
}

// rank orders archives: those that are called debian and have main come first, and
// those of security updates, which have no whole release, last.
func rank(list []source) []string {
	score := func(s source) int {
		n := 0
		if strings.HasSuffix(strings.TrimRight(s.uri, "/"), "/debian") {
			n -= 2
		}
		if strings.Contains(s.suite, "security") || strings.Contains(s.uri, "security") {
			n += 4
		}
		if !slices.Contains(s.components, "main") {
			n += 2
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b source) int { return score(a) - score(b) })
	var uris []string
	for _, s := range list {
		if uri := strings.TrimRight(s.uri, "/"); !slices.Contains(uris, uri) {
			uris = append(uris, uri)
		}
	}
	return uris
}

// oneLine reads a sources.list (sources.list(5), "One-line-style format").
func oneLine(data []byte) (list []source) {
	for _, line := range lines(data) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "deb" {
			continue
		}
		fields = fields[1:]
		if len(fields) > 0 && strings.HasPrefix(fields[0], "[") { // options, up to ]
			for len(fields) > 0 && !strings.HasSuffix(fields[0], "]") {
				fields = fields[1:]
			}
			if len(fields) > 0 {
				fields = fields[1:]
			}
		}
		if len(fields) >= 2 {
			list = append(list, source{fields[0], fields[1], fields[2:]})
		}
	}
	return list
}

// deb822 reads a .sources file (sources.list(5), "deb822-style format").
func deb822(data []byte) (list []source) {
	stanza := map[string]string{}
	flush := func() {
		if fieldsOf(stanza, "types", "deb") && stanza["enabled"] != "no" {
			for _, uri := range strings.Fields(stanza["uris"]) {
				for _, suite := range strings.Fields(stanza["suites"]) {
					list = append(list, source{uri, suite, strings.Fields(stanza["components"])})
				}
			}
		}
		clear(stanza)
	}
	key := ""
	for _, line := range lines(data) {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
			key = ""
		case line[0] == ' ' || line[0] == '\t': // goes on
			stanza[key] += " " + strings.TrimSpace(line)
		default:
			name, value, _ := strings.Cut(line, ":")
			key = strings.ToLower(strings.TrimSpace(name))
			stanza[key] = strings.TrimSpace(value)
		}
	}
	flush()
	return list
}

func fieldsOf(stanza map[string]string, key, want string) bool {
	return slices.Contains(strings.Fields(stanza[key]), want)
}

func lines(data []byte) (out []string) {
	s := bufio.NewScanner(bytes.NewReader(data))
	for s.Scan() {
		out = append(out, s.Text())
	}
	return out
}
