package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The picture of the packages in ARCHITECTURE.md is true: each arrow is an import,
// and each import runs along arrows.
func TestArrows(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, picture, _ := strings.Cut(string(text), "flowchart TD\n")
	picture, _, ok := strings.Cut(picture, "```")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no picture")
	}
	path := map[string]string{} // of a node that has another name
	for _, m := range regexp.MustCompile(`(\w+)\["([^"]+)"\]`).FindAllStringSubmatch(picture, -1) {
		path[m[1]] = m[2]
	}
	full := func(node string) string {
		if p := path[node]; p != "" {
			return p
		}
		return node
	}
	arrows := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^ +(\w+)(?:\[.*\])? --> (\w+)`).FindAllStringSubmatch(picture, -1) {
		arrows[full(m[1])] = append(arrows[full(m[1])], full(m[2]))
	}
	imports := importsOfAll(t)
	for from, to := range arrows {
		for _, p := range to {
			if !imports[from][p] {
				t.Errorf("%s does not import %s, as ARCHITECTURE.md says", from, p)
			}
		}
	}
	var reach func(from, to string) bool
	reach = func(from, to string) bool {
		for _, p := range arrows[from] {
			if p == to || reach(p, to) {
				return true
			}
		}
		return false
	}
	for from, list := range imports {
		for to := range list {
			if to != "addr" && to != "snapshot" && from != "cmd/mcsim" && !reach(from, to) {
				t.Errorf("%s imports %s, and no arrow of ARCHITECTURE.md leads there", from, to)
			}
		}
	}
}

// importsOfAll is which packages of the module import which.
func importsOfAll(t *testing.T) map[string]map[string]bool {
	t.Helper()
	list := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]bool{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := strings.TrimPrefix(words[0], "mcsim/")
		all[from] = map[string]bool{}
		for _, w := range words[1:] {
			if to, ours := strings.CutPrefix(w, "mcsim/"); ours {
				all[from][to] = true
			}
		}
	}
	return all
}
