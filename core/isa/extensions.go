package isa

import (
	"fmt"
	"slices"
	"strings"
)

// Extensions is a set of extensions. A row's set holds all that it needs; a
// machine's set is closed under implication (see ParseISA).
type Extensions uint64

// The extensions that a machine can have. Those without rows of their own
// (counters, paging) are here because the ISA string names them.
const (
	ExtI Extensions = 1 << iota // RV64I and the privileged base: always there
	ExtM
	ExtA
	ExtF
	ExtD
	ExtC
	ExtZicbom
	ExtZicbop
	ExtZicboz
	ExtZicntr
	ExtZicond
	ExtZicsr
	ExtZifencei
	ExtZihintpause
	ExtZihpm
	ExtZawrs
	ExtZfhmin
	ExtZca // C without its floating-point loads and stores
	ExtZcb
	ExtZcd // those of C that need D
	ExtZba
	ExtZbb
	ExtZbs
	ExtSmaia
	ExtSsaia
	ExtSscofpmf
	ExtSstc
	ExtSvade
	ExtSvadu
	ExtSvinval
	ExtSvnapot
	ExtSvpbmt

	endExtensions
)

// AllExtensions is everything this package knows.
const AllExtensions = endExtensions - 1

const (
	extG = ExtI | ExtM | ExtA | ExtF | ExtD | ExtZicsr | ExtZifencei
	extB = ExtZba | ExtZbb | ExtZbs
)

// extension names one bit; implies is what the manual says comes with it.
type extension struct {
	name    string
	bit     Extensions
	implies Extensions
}

// extensions stands in the canonical order of the unprivileged manual's chapter
// "ISA Extension Naming Conventions": letters, then Z by the letter after it,
// then the supervisor's.
var extensions = []extension{
	{"i", ExtI, 0},
	{"m", ExtM, 0},
	{"a", ExtA, 0},
	{"f", ExtF, ExtZicsr},
	{"d", ExtD, ExtF},
	{"c", ExtC, ExtZca},
	{"zicbom", ExtZicbom, 0},
	{"zicbop", ExtZicbop, 0},
	{"zicboz", ExtZicboz, 0},
	{"zicntr", ExtZicntr, ExtZicsr},
	{"zicond", ExtZicond, 0},
	{"zicsr", ExtZicsr, 0},
	{"zifencei", ExtZifencei, 0},
	{"zihintpause", ExtZihintpause, 0},
	{"zihpm", ExtZihpm, ExtZicsr},
	{"zawrs", ExtZawrs, ExtA}, // Zalrsc, which is here only as a part of A
	{"zfhmin", ExtZfhmin, ExtF},
	{"zca", ExtZca, 0},
	{"zcb", ExtZcb, ExtZca},
	{"zcd", ExtZcd, ExtZca | ExtD},
	{"zba", ExtZba, 0},
	{"zbb", ExtZbb, 0},
	{"zbs", ExtZbs, 0},
	{"smaia", ExtSmaia, ExtSsaia | ExtZicsr},
	{"ssaia", ExtSsaia, ExtZicsr},
	{"sscofpmf", ExtSscofpmf, ExtZihpm},
	{"sstc", ExtSstc, 0},
	{"svade", ExtSvade, 0},
	{"svadu", ExtSvadu, 0},
	{"svinval", ExtSvinval, 0},
	{"svnapot", ExtSvnapot, 0},
	{"svpbmt", ExtSvpbmt, 0},
}

// Has reports whether all of x are in e.
func (e Extensions) Has(x Extensions) bool { return e&x == x }

// Names lists e in canonical order, as a device tree's riscv,isa-extensions
// wants it: "i", "m", ..., "zicsr", ....
func (e Extensions) Names() []string {
	var names []string
	for _, x := range extensions {
		if e.Has(x.bit) {
			names = append(names, x.name)
		}
	}
	return names
}

// String is the ISA string in canonical order, as a device tree's riscv,isa
// wants it. Zca and Zcd are left out where C says them.
func (e Extensions) String() string {
	if e.Has(ExtC) {
		e &^= ExtZca | ExtZcd
	}
	var b strings.Builder
	b.WriteString("rv64")
	for _, name := range e.Names() {
		if len(name) > 1 {
			b.WriteByte('_')
		}
		b.WriteString(name)
	}
	return b.String()
}

// ParseISA reads an ISA string such as "rv64imafdc_zicsr_zba" or "RV64GC_Zba":
// g stands for imafd_zicsr_zifencei and b for zba_zbb_zbs, versions such as 2p0
// are read over, and what an extension implies is added. The error names
// everything that is not understood.
func ParseISA(s string) (Extensions, error) {
	rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(s)), "rv64")
	if !ok {
		return 0, fmt.Errorf("isa %q: must begin with rv64", s)
	}
	if rest == "" || rest[0] != 'i' && rest[0] != 'g' {
		return 0, fmt.Errorf("isa %q: rv64 must be followed by i or g", s)
	}
	var e Extensions
	var unknown []string
	for name := range splitISA(rest) {
		bits := lookup(name)
		if bits == 0 && !slices.Contains(unknown, name) {
			unknown = append(unknown, name)
		}
		e |= bits
	}
	if unknown != nil {
		return 0, fmt.Errorf("isa %q: unknown or unsupported extension %s; supported are %s", s,
			strings.Join(unknown, ", "), strings.Join(AllExtensions.Names(), " "))
	}
	return e.closure(), nil
}

// splitISA yields the extension names of what follows "rv64". Letters stand
// together or apart; a longer name runs from z, s or x to the next underscore.
func splitISA(s string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for part := range strings.SplitSeq(s, "_") {
			for part != "" {
				n := 1
				if strings.IndexByte("zsx", part[0]) >= 0 {
					n = len(part)
				}
				if !yield(part[:n]) {
					return
				}
				if part = part[n:]; n == 1 {
					part = cutVersion(part)
				}
			}
		}
	}
}

// cutVersion drops a leading version: digits, or digits p digits.
func cutVersion(s string) string {
	digits := func(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
	n := digits(s)
	if n > 0 && n < len(s) && s[n] == 'p' {
		if m := digits(s[n+1:]); m > 0 {
			n += 1 + m
		}
	}
	return s[n:]
}

// lookup finds an extension by name, also with a version at its end; 0 if there is none.
func lookup(name string) Extensions {
	for {
		switch name {
		case "g":
			return extG
		case "b":
			return extB
		}
		for _, x := range extensions {
			if x.name == name {
				return x.bit
			}
		}
		// zicsr2p0, then zicsr2.
		short := strings.TrimRight(name, "0123456789")
		if major, ok := strings.CutSuffix(short, "p"); ok && short != name {
			if m := strings.TrimRight(major, "0123456789"); m != major {
				short = m
			}
		}
		if short == name {
			return 0
		}
		name = short
	}
}

// closure adds what e implies.
func (e Extensions) closure() Extensions {
	for {
		was := e
		for _, x := range extensions {
			if e.Has(x.bit) {
				e |= x.implies
			}
		}
		if e.Has(ExtC | ExtD) {
			e |= ExtZcd
		}
		if e == was {
			return e | ExtI
		}
	}
}
