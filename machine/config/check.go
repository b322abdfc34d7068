package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checker looks for combinations that cannot be. A mistake's place is that of
// whichever field involved was set last, for there is its author; the field that it
// names is the one to change.
type checker struct {
	cfg       *Config
	from      map[string]Origin
	bad       map[string]bool // fields whose own value was refused
	line      string          // the field that gives the machine its line size
	more      func(*Config) []Mistake
	conflicts []conflict
}

// conflict is a broken rule about fields.
type conflict struct {
	rule  string   // which, and of what: one of a configuration's mistakes at most
	at    string   // the field that should change
	with  []string // the others that the rule is about
	msg   string
	hint  string // instead of one that names the fixes
	fixes []Fix  // candidates, the likeliest first
}

// Fix is settings, FIELD=VALUE as for --set, that together mend a mistake.
type Fix []string

func (f Fix) String() string { return strings.Join(f, " with ") }

// fix is a Fix of one setting.
func fix(path string, value any) Fix { return Fix{path + "=" + fmt.Sprint(value)} }

// add notes a conflict, unless a field's value is not what the user wrote.
func (c *checker) add(k conflict, format string, args ...any) {
	if c.bad[k.at] || slices.ContainsFunc(k.with, func(p string) bool { return c.bad[p] }) {
		return
	}
	k.msg = fmt.Sprintf(format, args...)
	c.conflicts = append(c.conflicts, k)
}

// refused notes that a field's own text was not understood: err is what is wrong;
// the likely fix.
func (c *checker) refused(path string, err error, with ...string) {
	if err == nil {
		return
	}
	msg, hint, _ := strings.Cut(err.Error(), "; ")
	c.add(conflict{rule: path, at: path, with: with, hint: hint}, "%s", msg)
}

// last is the field that was set last, the first of them if none was.
func (c *checker) last(paths ...string) string {
	at := paths[0]
	for _, p := range paths {
		if c.from[p].rank > c.from[at].rank {
			at = p
		}
	}
	return at
}

// problems are the conflicts in words, with the fixes that were tried and mend one
// without making another.
func (c *checker) problems() (out Errors) {
	known := map[string]bool{}
	for _, k := range c.conflicts {
		known[k.rule] = true
	}
	for _, k := range c.conflicts {
		place := c.from[c.last(append([]string{k.at}, k.with...)...)]
		p := Problem{Origin: place, Path: k.at, Msg: k.msg, Hint: k.hint}
		var with []string
		for _, path := range append([]string{k.at}, k.with...) {
			part := Part{path, byPath[path].Value(c.cfg), c.from[path]}
			p.Parts = append(p.Parts, part)
			if path != k.at || part.Origin != place {
				with = append(with, part.String())
			}
		}
		if len(with) > 0 {
			p.Msg += ", with " + andList(with)
		}
		p.Fixes = c.mending(k, known)
		if p.Hint == "" && len(p.Fixes) > 0 {
			p.Hint = "try " + orList(p.Fixes.texts())
		}
		out = append(out, p)
	}
	return out
}

// maxFixes is how many ways out a message names.
const maxFixes = 2

// mending are the fixes of a conflict after which nothing else is wrong that was not
// known, or if there are none, those after which it is gone: it may have hidden
// another.
func (c *checker) mending(k conflict, known map[string]bool) (clean Fixes) {
	var gone Fixes
	for _, f := range k.fixes {
		broken, ok := c.try(f)
		switch {
		case !ok || broken[k.rule]:
		case subset(broken, known):
			clean = append(clean, f)
		default:
			gone = append(gone, f)
		}
	}
	if clean == nil {
		clean = gone
	}
	return clean[:min(len(clean), maxFixes)]
}

// try is which rules are broken after a fix, if its values are allowed.
func (c *checker) try(f Fix) (broken map[string]bool, ok bool) {
	cfg := *c.cfg
	d := decoder{cfg: &cfg, from: maps.Clone(c.from)}
	for _, text := range f {
		s, err := ParseSetting(text)
		if err != nil {
			return nil, false
		}
		d.setting(s, rankTrial)
	}
	line := d.oneLine()
	if len(d.problems) > 0 {
		return nil, false
	}
	if d.from[line].rank < rankTrial {
		line = c.line // the fix is about others
	}
	trial := checker{cfg: &cfg, from: d.from, bad: c.bad, line: line, more: c.more}
	trial.check()
	broken = map[string]bool{}
	for _, k := range trial.conflicts {
		broken[k.rule] = true
	}
	return broken, true
}

func subset(a, b map[string]bool) bool {
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}

// number is what a field holds.
func (c *checker) number(path string) uint64 {
	f := byPath[path]
	return f.number(f.Value(c.cfg))
}

// lineOf is the field to be named for a level's line size.
func (c *checker) lineOf(path string) string { return cmp.Or(c.line, path+".line") }

func (c *checker) check() {
	m := &c.cfg.Machine
	ext, err := parseISA(m.ISA)
	c.refused("machine.isa", err)
	if err == nil {
		m.ISA = ext.String()
	}
	c.powers()
	c.cache("machine.l1i", m.L1I.Cache)
	c.cache("machine.l1d", m.L1D)
	if m.L2.Enabled() {
		c.cache("machine.l2", m.L2.Cache)
		c.l2(m)
	}
	c.cache("machine.llc", m.LLC.Cache)
	c.llc(m)
	c.tlb("machine.itlb", m.ITLB)
	c.tlb("machine.dtlb", m.DTLB)
	if m.L2TLB.Entries > 0 {
		c.tlb("machine.l2tlb", m.L2TLB.TLB)
	}
	c.dram(m)
	c.times(m)
	c.points(&c.cfg.Run)
	c.program()
	c.virtio(&m.Virtio)
	c.outputs()
	if c.more != nil {
		for _, k := range c.more(c.cfg) {
			c.refused(k.Field, k.Err, k.With...)
		}
	}
}
