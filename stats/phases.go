package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// PhasesKey is the key of the JSON that lists phases. No statistic may have a name
// below it.
const PhasesKey = "phases"

// Phase is a part of a run with a name, and what was counted in it. Gauges, which
// are no counts, are left out.
type Phase struct {
	Name       string
	Begin, End uint64 // cycles
	Values     *Snapshot
}

// Counts gives the counters' values in order of registration: what FromCounts makes
// a snapshot of again.
func (s *Snapshot) Counts() []uint64 {
	var out []uint64
	for i := range s.Values {
		if s.stats[i].counter != nil {
			out = append(out, s.Values[i].U)
		}
	}
	return out
}

// Counters is the number of counters that are registered.
func (r *Registry) Counters() (n int) {
	for i := range r.stats {
		if r.stats[i].counter != nil {
			n++
		}
	}
	return n
}

// FromCounts is a snapshot with these counters, as many as Counters says, and no
// gauges.
func (r *Registry) FromCounts(counts []uint64) *Snapshot {
	s := &Snapshot{Values: make([]Value, len(r.stats)), index: r.index, stats: r.stats}
	for i, st := range r.stats {
		v := Value{Description: st.Description}
		if st.counter != nil {
			v.U, counts = counts[0], counts[1:]
			v.F = float64(v.U)
		}
		v.Float = st.counter == nil
		s.Values[i] = v
	}
	s.quotients()
	return s
}

// counted is the snapshot without gauges.
func (s *Snapshot) counted() *Snapshot {
	if s.stats == nil {
		return s // read from a file, where phases have none
	}
	out := &Snapshot{index: map[string]int{}}
	for i, v := range s.Values {
		if s.stats[i].gauge == nil {
			out.index[v.Name] = len(out.Values)
			out.Values = append(out.Values, v)
		}
	}
	return out
}

// writePhases appends the member of the JSON.
func writePhases(b *bytes.Buffer, list []Phase) error {
	fmt.Fprintf(b, "  %q: [", PhasesKey)
	for i, p := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.Name)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "\n    {\n      \"name\": %s,\n      \"begin\": %d,\n      \"end\": %d,\n", name, p.Begin, p.End)
		root := &node{}
		for _, v := range p.Values.counted().Values {
			root.insert(path(v.Name), v.String())
		}
		root.members(b, "      ")
		b.WriteString("\n    }")
	}
	b.WriteString("\n  ]")
	return nil
}

// phases reads the member of the JSON.
func (r *reader) phases() error {
	if t, err := r.dec.Token(); err != nil {
		return err
	} else if t != json.Delim('[') {
		return fmt.Errorf("%s: a list is expected, not %v", PhasesKey, t)
	}
	for r.dec.More() {
		p := Phase{Values: &Snapshot{index: map[string]int{}}}
		if err := r.phase(&p); err != nil {
			return fmt.Errorf("%s[%d]: %w", PhasesKey, len(r.list), err)
		}
		r.list = append(r.list, p)
	}
	_, err := r.dec.Token()
	return err
}

func (r *reader) phase(p *Phase) error {
	if t, err := r.dec.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("an object is expected, not %v", t)
	}
	outer := r.s
	r.s = p.Values
	defer func() { r.s = outer }()
	for r.dec.More() {
		key, err := r.dec.Token()
		if err != nil {
			return err
		}
		switch key {
		case "name":
			err = r.dec.Decode(&p.Name)
		case "begin":
			err = r.dec.Decode(&p.Begin)
		case "end":
			err = r.dec.Decode(&p.End)
		default:
			err = r.value(key.(string), 0)
		}
		if err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}
