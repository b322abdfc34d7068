package config

import (
	"fmt"
	"slices"
	"strings"
)

// ISA is a set of extensions, by their names in lower case.
type ISA map[string]bool

// Has tells whether the harts have an extension.
func (i ISA) Has(ext string) bool { return i[ext] }

// extension is a row of what this machine knows: the name, and what it needs.
type extension struct {
	name  string
	needs string // joined by a blank
}

// extensions in the order of the unprivileged manual's naming chapter: single
// letters, then Z by category, then S.
var extensions = []extension{
	{"i", ""}, {"m", ""}, {"a", ""}, {"f", "zicsr"}, {"d", "f"}, {"c", ""},
	{"zicbom", ""}, {"zicbop", ""}, {"zicboz", ""}, {"zicntr", "zicsr"}, {"zicond", ""}, {"zicsr", ""},
	{"zifencei", ""}, {"zihintpause", ""}, {"zihpm", "zicsr"}, {"zawrs", "a"}, {"zfhmin", "f"},
	{"zcb", "c"}, {"zba", ""}, {"zbb", ""}, {"zbs", ""},
	{"sstc", "zicsr"}, {"svade", ""}, {"svadu", ""}, {"svinval", ""}, {"svnapot", ""}, {"svpbmt", ""},
}

// shorthand names stand for several extensions.
var shorthand = map[string]string{"g": "i m a f d zicsr zifencei"}

// FullISA is everything that the harts can do.
func FullISA() string {
	all := ISA{}
	for _, e := range extensions {
		all[e.name] = true
	}
	return all.String()
}

// String is the canonical name: rv64imafdc_zicsr_...
func (i ISA) String() string {
	s := "rv64"
	for _, e := range extensions {
		if !i[e.name] {
			continue
		}
		if len(e.name) > 1 {
			s += "_"
		}
		s += e.name
	}
	return s
}

// ParseISA reads rv64 followed by single letters and names that are set off by
// underscores. Order and case are free. What an extension needs must be given
// too, except that zicsr is implied: the machine has no privileged
// architecture without it.
func ParseISA(s string) (ISA, error) {
	rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(s)), "rv64")
	if !ok {
		return nil, fmt.Errorf("%q does not begin with rv64; try %s", clipped(s), "rv64gc")
	}
	isa := ISA{"zicsr": true}
	for n, part := range strings.Split(rest, "_") {
		names := []string{part}
		if n == 0 {
			names = strings.Split(part, "")
		}
		for _, name := range names {
			if err := isa.add(name); err != nil {
				return nil, err
			}
		}
	}
	if !isa["i"] {
		return nil, fmt.Errorf("%q lacks the base i; try rv64i%s", clipped(s), rest)
	}
	for _, e := range extensions {
		for _, need := range strings.Fields(e.needs) {
			if isa[e.name] && !isa[need] {
				return nil, fmt.Errorf("%s needs %s; add it", e.name, need)
			}
		}
	}
	return isa, nil
}

func (i ISA) add(name string) error {
	if long := shorthand[name]; long != "" {
		for _, e := range strings.Fields(long) {
			i[e] = true
		}
		return nil
	}
	var known []string
	for _, e := range extensions {
		known = append(known, e.name)
	}
	if slices.Contains(known, name) {
		i[name] = true
		return nil
	}
	if near := nearest(name, known); near != "" && len(name) > 1 {
		return fmt.Errorf("extension %q is unknown; did you mean %s?", name, near)
	}
	return fmt.Errorf("extension %q is unknown; there is %s", name, strings.Join(known, ", "))
}

// Extensions is the parsed ISA of a checked configuration.
func (m *Machine) Extensions() ISA {
	isa, err := ParseISA(m.ISA)
	if err != nil {
		panic("config: an unchecked configuration: " + err.Error())
	}
	return isa
}
