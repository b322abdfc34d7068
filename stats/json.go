package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteJSON writes {"run": run, "sim": {...}, "harts": [{...}, ...], ...}: run
// as encoding/json has it (left out if nil), "phases" if there are any, then the
// values in order of registration, as plain numbers. The text depends on nothing but its input.
func (s *Snapshot) WriteJSON(w io.Writer, run any, phases ...Phase) error {
	root := &node{}
	for i := range s.Values {
		root.insert(path(s.Values[i].Name), s.Values[i].String())
	}
	var b bytes.Buffer
	if run != nil {
		text, err := json.MarshalIndent(run, "  ", "  ")
		if err != nil {
			return fmt.Errorf("stats: the description of the run: %w", err)
		}
		fmt.Fprintf(&b, "{\n  %q: %s", RunKey, text)
		if len(phases) > 0 {
			b.WriteString(",\n")
			if err := writePhases(&b, phases); err != nil {
				return fmt.Errorf("stats: phases: %w", err)
			}
		}
		if len(root.kids) > 0 {
			b.WriteString(",\n")
			root.members(&b, "  ")
		}
		b.WriteString("\n}\n")
	} else {
		root.write(&b, "")
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// node is an object, an array or (with no kids) a number of the JSON. Keys of
// arrays are their indices, which Freeze has found to be dense.
type node struct {
	key   string
	num   string
	array bool
	kids  []*node
	at    map[string]int
}

// path splits harts[0].l1d.misses into harts, [0, l1d, misses: an index keeps
// its bracket.
func path(name string) []string {
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(name, "[", ".["), "]", ""), ".")
}

func (n *node) insert(path []string, num string) {
	if len(path) == 0 {
		n.num = num
		return
	}
	key := path[0]
	n.array = key[0] == '['
	i, ok := n.at[key]
	if !ok {
		if n.at == nil {
			n.at = map[string]int{}
		}
		i = len(n.kids)
		n.at[key] = i
		n.kids = append(n.kids, &node{key: key})
	}
	n.kids[i].insert(path[1:], num)
}

func (n *node) write(b *bytes.Buffer, indent string) {
	switch {
	case n.num != "":
		b.WriteString(n.num)
	case len(n.kids) == 0:
		b.WriteString("{}")
	case n.array:
		b.WriteString("[\n")
		// Registration may visit harts in any order; JSON wants theirs.
		for i := range n.kids {
			if i > 0 {
				b.WriteString(",\n")
			}
			b.WriteString(indent + "  ")
			n.kids[n.at["["+strconv.Itoa(i)]].write(b, indent+"  ")
		}
		b.WriteString("\n" + indent + "]")
	default:
		b.WriteString("{\n")
		n.members(b, indent+"  ")
		b.WriteString("\n" + indent + "}")
	}
}

func (n *node) members(b *bytes.Buffer, indent string) {
	for i, k := range n.kids {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(b, "%s%q: ", indent, k.key)
		k.write(b, indent)
	}
}

// MaxFile bounds what ReadJSON takes, in bytes.
const MaxFile = 256 << 20

// ReadJSON reads what WriteJSON wrote, in its order. The member "run" is
// returned as it stands. Units and descriptions are not in the file.
func ReadJSON(r io.Reader) (s *Snapshot, run json.RawMessage, err error) {
	s, run, _, err = ReadPhases(r)
	return s, run, err
}

// ReadPhases is ReadJSON with the phases.
func ReadPhases(r io.Reader) (s *Snapshot, run json.RawMessage, phases []Phase, err error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, nil, nil, err
	}
	if len(data) > MaxFile {
		return nil, nil, nil, fmt.Errorf("longer than %d bytes: not a statistics file", MaxFile)
	}
	rd := reader{dec: json.NewDecoder(bytes.NewReader(data)), s: &Snapshot{index: map[string]int{}}}
	rd.dec.UseNumber()
	if err := rd.top(); err != nil {
		line := 1 + bytes.Count(data[:min(int(rd.dec.InputOffset()), len(data))], []byte("\n"))
		return nil, nil, nil, fmt.Errorf("line %d: %w", line, err)
	}
	return rd.s, rd.run, rd.list, nil
}

type reader struct {
	dec  *json.Decoder
	s    *Snapshot
	run  json.RawMessage
	list []Phase
}

func (r *reader) top() error {
	t, err := r.dec.Token()
	if err != nil {
		return unexpectedEnd(err)
	}
	if t != json.Delim('{') {
		return fmt.Errorf("a statistics file begins with {, not %v", t)
	}
	for r.dec.More() {
		key, err := r.dec.Token()
		if err != nil {
			return err
		}
		switch key {
		case RunKey:
			err = r.dec.Decode(&r.run)
		case PhasesKey:
			err = r.phases()
		default:
			err = r.value(key.(string), 0)
		}
		if err != nil {
			return unexpectedEnd(err)
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return unexpectedEnd(err)
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return fmt.Errorf("something follows the end of the statistics")
	}
	return nil
}

func (r *reader) value(name string, depth int) error {
	if depth > 16 {
		return fmt.Errorf("%s...: nested too deeply for a statistics file", name[:min(40, len(name))])
	}
	t, err := r.dec.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Number:
		return r.number(name, t)
	case json.Delim:
		for i := 0; r.dec.More(); i++ {
			sub := fmt.Sprintf("%s[%d]", name, i)
			if t == '{' {
				key, err := r.dec.Token()
				if err != nil {
					return err
				}
				sub = name + "." + key.(string)
			}
			if err := r.value(sub, depth+1); err != nil {
				return err
			}
		}
		_, err = r.dec.Token()
		return err
	default:
		return fmt.Errorf("%s: a statistic is a number, not %v", name, t)
	}
}

func (r *reader) number(name string, t json.Number) error {
	if !nameRE.MatchString(name) {
		return fmt.Errorf("%q is not a statistic's name", name)
	}
	if _, twice := r.s.index[name]; twice {
		return fmt.Errorf("%s: given twice", name)
	}
	v := Value{Description: Description{Name: name}}
	var err error
	if v.U, err = strconv.ParseUint(t.String(), 10, 64); err == nil {
		v.F = float64(v.U)
	} else if v.F, err = t.Float64(); err == nil {
		v.Float, v.U = true, 0
	} else {
		return fmt.Errorf("%s: %s is out of range", name, t)
	}
	r.s.index[name] = len(r.s.Values)
	r.s.Values = append(r.s.Values, v)
	return nil
}

func unexpectedEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("the file is cut off")
	}
	return err
}
