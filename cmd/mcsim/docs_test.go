package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mcsim/core"
	"mcsim/guests/debian"
)

// The documents show what the program prints. go test ./cmd/mcsim -run Docs
// -update writes it anew; read the difference before committing it.
var update = flag.Bool("update", false, "rewrite the documents' outputs")

const root = "../.." // of the repository

// TestDocsCommands runs the console blocks of the README, in order and in one
// directory, and compares what they print, standard error included. A YAML or text
// block after a comment "file: NAME" is written there first.
func TestDocsCommands(t *testing.T) {
	path := filepath.Join(root, "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	samples, err := filepath.Abs(filepath.Join(root, "traces"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(samples, filepath.Join(dir, "traces")); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	rest := string(text)
	for {
		at := blockStart.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		end := strings.Index(rest[at[1]:], "```")
		if end < 0 {
			t.Fatalf("a block of %s does not end", path)
		}
		out.WriteString(rest[:at[1]])
		body := rest[at[1] : at[1]+end]
		if at[2] >= 0 {
			if err := os.WriteFile(filepath.Join(dir, rest[at[2]:at[3]]), []byte(body), 0o666); err != nil {
				t.Fatal(err)
			}
		} else if !strings.HasSuffix(rest[:at[0]], guestMark) || guestThere() {
			got := session(t, dir, body)
			if !*update && comparable(got) != comparable(body) {
				t.Errorf("README.md shows\n%s\nbut it is now\n%s\n(-update writes it anew)", body, got)
			}
			body = got
		}
		out.WriteString(body)
		rest = rest[at[1]+end:]
	}
	out.WriteString(rest)
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTour: the README shows every command at work.
func TestTour(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(command ...string)
	walk = func(command ...string) {
		help, err := exec.Command(command[0], append(command[1:len(command):len(command)], "--help")...).Output()
		if err != nil {
			t.Fatal(command, err)
		}
		_, list, holds := strings.Cut(string(help), "Available Commands:\n")
		list, _, _ = strings.Cut(list, "\n\n")
		for line := range strings.Lines(list) {
			walk(append(command[:len(command):len(command)], strings.Fields(line)[0])...)
		}
		// One shell's completion stands for all.
		if name := strings.Join(command, " "); !holds && !strings.HasPrefix(name, "mcsim completion") &&
			!regexp.MustCompile(`(?m)^\$ .*\b`+name+`\b`).Match(text) {
			t.Errorf("the README does not show %s", name)
		}
	}
	walk("mcsim")
}

// TestInstalls: the README names what .ci/run installs.
func TestInstalls(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(root, ".ci/run"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(readme), "## Two commands")
	list, _, _ = strings.Cut(list, "```")
	lines := regexp.MustCompile(`missing\+=\(([^)]*)\)`).FindAllStringSubmatch(string(script), -1)
	if len(lines) < 10 {
		t.Errorf("%d lines of .ci/run install something", len(lines))
	}
	for _, m := range lines {
		for _, pkg := range strings.Fields(m[1]) {
			if !regexp.MustCompile(`[ \n]` + pkg + `[ ,;]`).MatchString(list) {
				t.Errorf("the README does not name %s, which .ci/run installs", pkg)
			}
		}
	}
}

var blockStart = regexp.MustCompile("<!-- file: (\\S+) -->\n```(?:yaml|text)\n|```console\n")

// session runs the commands of a block, its lines that begin with "$ ", and
// returns the block with what they print now.
func session(t *testing.T, dir, body string) string {
	var out strings.Builder
	for _, line := range strings.Split(body, "\n") {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		c := exec.Command("sh", "-c", command)
		c.Dir = dir
		printed, err := c.CombinedOutput()
		if home, e := os.UserCacheDir(); e == nil {
			printed = bytes.ReplaceAll(printed, []byte(home), []byte("~/.cache"))
		}
		fmt.Fprintf(&out, "%s\n%s", line, printed)
		if len(printed) > 0 && printed[len(printed)-1] != '\n' {
			out.WriteByte('\n')
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			fmt.Fprintf(&out, "[exit code %d]\n", exit.ExitCode())
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// guestMark stands before a block that needs a guest that was fetched.
const guestMark = "<!-- guest -->\n"

func guestThere() bool {
	_, err := debian.Cached("")
	return err == nil && os.Getenv("MCSIM_REQUIRE_GUESTS") != ""
}

// comparable leaves out what differs from host to host.
func comparable(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if hostDependent.MatchString(line) {
			line = number.ReplaceAllString(line, "#")
		}
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, "\n")
}

var (
	hostDependent = regexp.MustCompile(`(?i)mips|host_seconds|references/s|riscv64`)
	number        = regexp.MustCompile(`[0-9][0-9.,]*`)
)

// TestDocsProtocols compares docs/protocols.md with the tables.
func TestDocsProtocols(t *testing.T) {
	var want bytes.Buffer
	want.WriteString("# Protocols\n\nWritten by `mcsim protocol show NAME --markdown` from the tables that the simulator runs;\n" +
		"a test keeps it up to date. States and requests are those of Sorin, Hill and Wood's primer.\n")
	for _, name := range []string{"msi", "mesi", "moesi", "mesif"} {
		out, err := exec.Command("mcsim", "protocol", "show", name, "--markdown").Output()
		if err != nil {
			t.Fatal(err)
		}
		want.WriteByte('\n')
		want.Write(bytes.TrimSpace(out))
		want.WriteByte('\n')
	}
	path := filepath.Join(root, "docs", "protocols.md")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/protocols.md is not what the tables say; -update writes it anew")
	}
}

// TestDocsCounters: the README's table has every event of mhpmevent.
func TestDocsCounters(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for e := core.EventNone + 1; e < core.NumEvents; e++ {
		if !bytes.Contains(text, fmt.Appendf(nil, "\n| %d | ", e)) {
			t.Errorf("README.md does not say what mhpmevent %d counts", e)
		}
	}
	if bytes.Contains(text, fmt.Appendf(nil, "\n| %d | ", core.NumEvents)) {
		t.Errorf("README.md has mhpmevent %d, which there is not", core.NumEvents)
	}
}

// TestDocsLinks: what the documents link to and name in the tree is there.
func TestDocsLinks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	source := regexp.MustCompile("`([a-z0-9_]+(?:/[a-z0-9_.]+)*/[a-z0-9_]+\\.(?:go|yaml|md|sh|txtar))`")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := append(link.FindAllSubmatch(text, -1), source.FindAllSubmatch(text, -1)...)
		for _, m := range names {
			if _, err := os.Stat(filepath.Join(root, string(m[1]))); err != nil {
				t.Errorf("%s: %s is not in the tree", filepath.Base(file), m[1])
			}
		}
	}
}
