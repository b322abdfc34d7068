package stats

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Units used throughout. A ratio is between 0 and 1 in JSON, and printed as a
// percentage in tables.
const (
	Cycles       = "cycles"
	Instructions = "instructions"
	Events       = "events"
	Bytes        = "bytes"
	Seconds      = "seconds"
	Ratio        = "ratio"
	Number       = "number" // that names something: tables do not add it up
)

// RunKey is the first key of the JSON: what was run, by which version, with
// which config and seed. No statistic may have a name below it.
const RunKey = "run"

// Registry is the list of everything that a machine counts, in the order of
// registration, which is the order of every output.
type Registry struct {
	stats  []stat
	index  map[string]int
	inner  map[string]bool // proper prefixes of names: objects in the JSON
	frozen bool
}

// stat is one row: exactly one of counter, gauge and num is set.
type stat struct {
	Description
	counter  func() uint64
	level    bool // of a counter: a difference keeps the later value
	gauge    func() float64
	num, den []string // names of counters that are summed
	scale    float64
}

// Description says what a statistic means.
type Description struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	Desc string `json:"description"`
}

// Counter registers a field that only its component writes. Its value in a
// difference of snapshots is the difference.
func (r *Registry) Counter(name, unit, desc string, v *uint64) {
	if v == nil {
		panic(fmt.Sprintf("stats: counter %q has no variable", name))
	}
	r.add(stat{Description: Description{name, unit, desc}, counter: func() uint64 { return *v }})
}

// Count registers a counter that is computed when a snapshot is taken, such as
// the sum of others. It must never go down.
func (r *Registry) Count(name, unit, desc string, f func() uint64) {
	if f == nil {
		panic(fmt.Sprintf("stats: count %q has no function", name))
	}
	r.add(stat{Description: Description{name, unit, desc}, counter: f})
}

// Level registers a whole number that may go down, such as how many lines a cache
// holds. A difference of snapshots keeps the later value.
func (r *Registry) Level(name, unit, desc string, f func() uint64) {
	if f == nil {
		panic(fmt.Sprintf("stats: level %q has no function", name))
	}
	r.add(stat{Description: Description{name, unit, desc}, counter: f, level: true})
}

// Gauge registers a value that is computed when a snapshot is taken. A NaN or
// infinity is reported as 0. A difference of snapshots keeps the later value.
func (r *Registry) Gauge(name, unit, desc string, f func() float64) {
	if f == nil {
		panic(fmt.Sprintf("stats: gauge %q has no function", name))
	}
	r.add(stat{Description: Description{name, unit, desc}, gauge: f})
}

// Quotient registers scale * num / den, where num and den name counters that
// are already registered, several joined by " + ". It is computed from the
// snapshot's own counters, so that it is right for a phase too. A quotient
// whose divisor is 0 is 0.
//
//	r.Quotient("harts[0].l1d.mpki", "misses/1000 instructions", "…", 1000, "harts[0].l1d.misses", "harts[0].instructions")
func (r *Registry) Quotient(name, unit, desc string, scale float64, num, den string) {
	s := stat{Description: Description{name, unit, desc}, scale: scale}
	s.num = r.operands(name, num)
	s.den = r.operands(name, den)
	r.add(s)
}

func (r *Registry) operands(name, sum string) []string {
	names := strings.Split(sum, " + ")
	for _, n := range names {
		i, ok := r.index[n]
		if !ok || r.stats[i].counter == nil {
			panic(fmt.Sprintf("stats: %q is computed from %q, which is no counter", name, n))
		}
	}
	return names
}

var nameRE = regexp.MustCompile(`^[a-z][a-z0-9_]*(\[(0|[1-9][0-9]{0,5})\])?(\.[a-z][a-z0-9_]*(\[(0|[1-9][0-9]{0,5})\])?)*$`)

// ValidName tells whether a statistic may have a name.
func ValidName(name string) bool { return nameRE.MatchString(name) }

func (r *Registry) add(s stat) {
	switch {
	case r.frozen:
		panic(fmt.Sprintf("stats: %q is registered after Freeze", s.Name))
	case !nameRE.MatchString(s.Name) || below(s.Name, RunKey) || below(s.Name, PhasesKey):
		panic(fmt.Sprintf("stats: %q is not a name", s.Name))
	case s.Desc == "" || s.Unit == "":
		panic(fmt.Sprintf("stats: %q lacks a unit or a description", s.Name))
	}
	if r.index == nil {
		r.index, r.inner = map[string]int{}, map[string]bool{}
	}
	if _, taken := r.index[s.Name]; taken || r.inner[s.Name] {
		panic(fmt.Sprintf("stats: %q is registered twice, or has values below it", s.Name))
	}
	for _, p := range prefixes(s.Name) {
		if _, leaf := r.index[p]; leaf {
			panic(fmt.Sprintf("stats: %q lies below the value %q", s.Name, p))
		}
		r.inner[p] = true
	}
	r.index[s.Name] = len(r.stats)
	r.stats = append(r.stats, s)
}

// below says whether a name is key, or lies below it.
func below(name, key string) bool {
	return name == key || strings.HasPrefix(name, key+".") || strings.HasPrefix(name, key+"[")
}

// prefixes lists the objects and arrays on the way to a value:
// harts[0].l1d.misses -> harts, harts[0], harts[0].l1d.
func prefixes(name string) []string {
	var out []string
	for i := 1; i < len(name); i++ {
		if name[i] == '.' || name[i] == '[' {
			out = append(out, name[:i])
		}
	}
	return out
}

// Freeze ends registration and checks that arrays have no gaps.
func (r *Registry) Freeze() {
	for p := range r.inner {
		open := strings.LastIndexByte(p, '[')
		if open < 0 || !strings.HasSuffix(p, "]") {
			continue
		}
		if n, _ := strconv.Atoi(p[open+1 : len(p)-1]); n > 0 {
			before := fmt.Sprintf("%s[%d]", p[:open], n-1)
			if _, leaf := r.index[before]; !leaf && !r.inner[before] {
				panic(fmt.Sprintf("stats: %q without %q", p, before))
			}
		}
	}
	r.frozen = true
}

// Describe lists every statistic; those that differ only in their indices are
// listed once, as harts[i].l1d.misses.
func (r *Registry) Describe() []Description {
	var out []Description
	seen := map[string]bool{}
	for _, s := range r.stats {
		d := s.Description
		d.Name, _ = Generic(d.Name)
		if !seen[d.Name] {
			seen[d.Name] = true
			out = append(out, d)
		}
	}
	return out
}

// Generic replaces the indices of a name by i, j, ... and returns them:
// harts[3].l1d.misses -> harts[i].l1d.misses, [3].
func Generic(name string) (string, []int) {
	var b strings.Builder
	var idx []int
	for rest := name; ; {
		open := strings.IndexByte(rest, '[')
		if open < 0 {
			b.WriteString(rest)
			return b.String(), idx
		}
		end := open + strings.IndexByte(rest[open:], ']')
		n, _ := strconv.Atoi(rest[open+1 : end])
		b.WriteString(rest[:open+1])
		b.WriteByte("ijklmn"[min(len(idx), 5)])
		b.WriteByte(']')
		idx = append(idx, n)
		rest = rest[end+1:]
	}
}

func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
