package stats

import (
	"math"
	"strconv"
)

// Value is one statistic at one moment. Counters are exact integers; Float
// tells the computed ones apart.
type Value struct {
	Description
	Float bool
	U     uint64  // the count, if !Float
	F     float64 // the value; for a counter its nearest float64
}

// String gives the number as JSON has it.
func (v Value) String() string {
	if v.Float && v.F == math.Trunc(v.F) && math.Abs(v.F) < 1<<53 {
		return strconv.FormatFloat(v.F, 'f', -1, 64)
	}
	if v.Float {
		return strconv.FormatFloat(v.F, 'g', -1, 64)
	}
	return strconv.FormatUint(v.U, 10)
}

// Snapshot holds all values at one moment, in order of registration.
type Snapshot struct {
	Values []Value
	index  map[string]int
	stats  []stat // shares the registry's rows; nil if read from a file
}

// Snapshot copies all values. Nobody may count meanwhile.
func (r *Registry) Snapshot() *Snapshot {
	s := &Snapshot{Values: make([]Value, len(r.stats)), index: r.index, stats: r.stats}
	for i, st := range r.stats {
		v := Value{Description: st.Description}
		switch {
		case st.counter != nil:
			v.U = st.counter()
			v.F = float64(v.U)
		case st.gauge != nil:
			v.Float, v.F = true, finite(st.gauge())
		}
		s.Values[i] = v
	}
	s.quotients()
	return s
}

func (s *Snapshot) quotients() {
	for i, st := range s.stats {
		if st.num == nil {
			continue
		}
		s.Values[i].Float = true
		s.Values[i].F = finite(st.scale * s.sum(st.num) / s.sum(st.den))
	}
}

func (s *Snapshot) sum(names []string) float64 {
	var t float64
	for _, n := range names {
		t += s.Values[s.index[n]].F
	}
	return t
}

// Since returns what was counted between before and s, which must come from
// the same registry. Counters wrap as uint64 does.
func (s *Snapshot) Since(before *Snapshot) *Snapshot {
	d := &Snapshot{Values: make([]Value, len(s.Values)), index: s.index, stats: s.stats}
	copy(d.Values, s.Values)
	for i := range d.Values {
		if !d.Values[i].Float && !(s.stats != nil && s.stats[i].level) {
			d.Values[i].U -= before.Values[i].U
			d.Values[i].F = float64(d.Values[i].U)
		}
	}
	d.quotients()
	return d
}

// Join returns a snapshot with the values of both, those of o last. Names must not
// clash.
func (s *Snapshot) Join(o *Snapshot) *Snapshot {
	j := &Snapshot{
		Values: append(append(make([]Value, 0, len(s.Values)+len(o.Values)), s.Values...), o.Values...),
		index:  make(map[string]int, len(s.Values)+len(o.Values)),
	}
	if s.stats != nil && o.stats != nil {
		j.stats = append(append(make([]stat, 0, len(j.Values)), s.stats...), o.stats...)
	}
	for i, v := range j.Values {
		j.index[v.Name] = i
	}
	return j
}

// Get finds a value by its name.
func (s *Snapshot) Get(name string) (Value, bool) {
	i, ok := s.index[name]
	if !ok {
		return Value{}, false
	}
	return s.Values[i], true
}

// Annotate gives units and descriptions to values read from a file. Names in
// known have letters for indices, as Describe gives them.
func (s *Snapshot) Annotate(known []Description) {
	byName := map[string]Description{}
	for _, d := range known {
		byName[d.Name] = d
	}
	for i := range s.Values {
		v := &s.Values[i]
		generic, _ := Generic(v.Name)
		if d, ok := byName[generic]; ok {
			v.Unit, v.Desc = d.Unit, d.Desc
			// JSON does not tell 1.0 from 1.
			if d.Unit == Ratio && !v.Float {
				v.Float = true
			}
		}
	}
}
