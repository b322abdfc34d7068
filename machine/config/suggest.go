package config

import (
	"slices"
	"strings"
)

// Nearest is the candidate that a typing mistake most likely meant, or "".
func Nearest(word string, candidates []string) string {
	best, bestAt := "", 1<<30
	if len(word) > 64 {
		return ""
	}
	w := normal(word)
	for _, c := range candidates {
		// Of two as near, the one as long: letters are swapped more often than lost.
		if d := distance(w, normal(c)); d < bestAt || d == bestAt && len(c) == len(word) && len(best) != len(word) {
			best, bestAt = c, d
		}
	}
	// A third of the letters may be wrong, at least one.
	if bestAt > max(1, len(w)/3) {
		return ""
	}
	return best
}

// normal drops what people write differently: case, - and _.
func normal(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s))
}

// distance is the number of letters inserted, dropped, changed or swapped with
// their neighbour between a and b (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

// otherWords are names that other simulators have for our fields.
var otherWords = map[string][]string{
	"size": {"entries", "memory"}, "count": {"entries"}, "assoc": {"ways"}, "associativity": {"ways"},
	"linesize": {"line"}, "block": {"line"}, "blocksize": {"line"}, "policy": {"replacement"},
	"cores": {"harts"}, "cpus": {"harts"}, "smp": {"harts"}, "threads": {"harts"}, "numharts": {"harts"},
	"ram": {"memory"}, "mem": {"memory"}, "freq": {"clock", "rate"}, "frequency": {"clock", "rate"},
	"march": {"isa"}, "coherence": {"protocol"}, "l3": {"llc"}, "stlb": {"l2tlb"},
	"hitlatency": {"latency"}, "delay": {"latency"}, "cycles": {"max_cycles"}, "instructions": {"max_instructions"},
	"seconds": {"max_seconds"}, "timeout": {"max_seconds"}, "elf": {"bare"}, "binary": {"bare"}, "cmdline": {"append"},
	"bootargs": {"append"}, "firmware": {"bios"}, "output": {"file", "dir"}, "out": {"dir", "file"}, "filter": {"only"},
}

// unknownHint guesses what a name that is no field was meant to be: a field of
// the same section, or one of that name elsewhere.
func unknownHint(path string) string {
	parent, name := "", path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, name = path[:i], path[i+1:]
	}
	section := root
	if parent != "" {
		section = byPath[parent]
	}
	var siblings []string
	if section != nil {
		for _, f := range section.Section {
			siblings = append(siblings, f.Name)
		}
	}
	for _, other := range otherWords[normal(name)] {
		if slices.Contains(siblings, other) {
			return "did you mean " + strings.TrimPrefix(parent+"."+other, ".") + "?"
		}
	}
	if near := Nearest(name, siblings); near != "" {
		return "did you mean " + strings.TrimPrefix(parent+"."+near, ".") + "?"
	}
	// The section may be what is missing: l1d.ways for machine.l1d.ways; or one part
	// of the path is wrong. A name that several sections have is no hint at one.
	if found := endingIn("." + path); len(found) > 0 {
		return "did you mean " + orList(found[:min(len(found), 3)]) + "?"
	}
	if section == nil {
		var all []string
		for _, f := range inOrder {
			all = append(all, f.Path)
		}
		if near := Nearest(path, all); near != "" {
			return "did you mean " + near + "?"
		}
	}
	if found := endingIn("." + name); len(found) == 1 {
		return "did you mean " + found[0] + "?"
	}
	if len(siblings) > 0 {
		return "there is " + strings.Join(siblings, ", ")
	}
	return ""
}

// endingIn lists the fields and sections whose path ends so.
func endingIn(end string) (paths []string) {
	for _, f := range everything {
		if strings.HasSuffix(f.Path, end) {
			paths = append(paths, f.Path)
		}
	}
	return paths
}
