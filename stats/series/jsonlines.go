package series

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"mcsim/stats"
)

// jsonLines writes an object for each row: {"from":0,"to":1000,"harts[0].l1d.misses":3,...}.
type jsonLines struct {
	w   *bufio.Writer
	at  []int
	buf []byte
}

// NewJSONLines returns an output of JSON lines.
func NewJSONLines(w io.Writer) Output { return &jsonLines{w: bufio.NewWriter(w)} }

func (j *jsonLines) Write(from, to uint64, grown *stats.Snapshot) error {
	if j.at == nil {
		j.at = columns(grown)
	}
	b := append(j.buf[:0], `{"from":`...)
	b = strconv.AppendUint(b, from, 10)
	b = append(b, `,"to":`...)
	b = strconv.AppendUint(b, to, 10)
	for _, i := range j.at {
		v := &grown.Values[i]
		b = append(b, ',', '"')
		b = append(b, v.Name...) // the registry allows nothing that JSON would escape
		b = append(b, '"', ':')
		b = append(b, v.String()...)
	}
	j.buf = append(b, '}', '\n')
	_, err := j.w.Write(j.buf)
	return err
}

func (j *jsonLines) Close() error { return j.w.Flush() }

// Series is what a file of rows holds: Columns[name][i] is of row i.
type Series struct {
	From, To []uint64
	Names    []string // in the order of the first row
	Columns  map[string][]float64
	parts    bool // several rows are of one interval
}

// MaxCells bounds what Read takes: rows times columns.
const MaxCells = 1 << 26

const maxRow = 16 << 20

// Read reads JSON lines. A last line that is cut off is left out, and the error
// says so; the series is then what came before.
func Read(r io.Reader) (*Series, error) { return read(r, false) }

// ReadParts is Read for rows of parts (Recorder.Parts), of which several may be of
// one interval.
func ReadParts(r io.Reader) (*Series, error) { return read(r, true) }

func read(r io.Reader, parts bool) (*Series, error) {
	s := &Series{Columns: map[string][]float64{}, parts: parts}
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxRow)
	row := 0
	for in.Scan() {
		row++
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		if err := s.add(in.Bytes()); err != nil {
			return s, fmt.Errorf("line %d: %w", row, err)
		}
		if len(s.From)*len(s.Names) > MaxCells {
			return s, fmt.Errorf("line %d: more than %d values; take longer intervals", row, MaxCells)
		}
	}
	if err := in.Err(); err != nil {
		return s, fmt.Errorf("line %d: %w", row+1, err)
	}
	return s, nil
}

func (s *Series) add(line []byte) error {
	names, values, err := members(line)
	if err != nil {
		return err
	}
	var from, to *float64
	for i, name := range names {
		switch name {
		case "from":
			from = &values[i]
		case "to":
			to = &values[i]
		}
	}
	if from == nil || to == nil || *to <= *from {
		return fmt.Errorf(`expected "from" and "to", a later cycle`)
	}
	n := len(s.To)
	switch {
	case n == 0 || uint64(*from) >= s.To[n-1]:
	case !s.parts || uint64(*from) != s.From[n-1] || uint64(*to) != s.To[n-1]:
		return fmt.Errorf("begins at cycle %.0f, before the end of the line before", *from)
	}
	if len(s.From) == 0 {
		for _, name := range names {
			if name != "from" && name != "to" {
				s.Names = append(s.Names, name)
				s.Columns[name] = nil
			}
		}
	}
	if len(names) != len(s.Names)+2 {
		return fmt.Errorf("has %d columns, the first line %d", len(names), len(s.Names)+2)
	}
	for i, name := range names {
		if name == "from" || name == "to" {
			continue
		}
		column, ok := s.Columns[name]
		if !ok || len(column) != len(s.From) {
			return fmt.Errorf("%q is not a column of the first line, or given twice", name)
		}
		s.Columns[name] = append(column, values[i])
	}
	s.From, s.To = append(s.From, uint64(*from)), append(s.To, uint64(*to))
	return nil
}

// members reads a flat object of numbers, in its order.
func members(line []byte) (names []string, values []float64, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("expected an object of numbers, a line of intervals.jsonl")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, nil, cutOff(err)
		}
		value, err := dec.Token()
		if err != nil {
			return nil, nil, cutOff(err)
		}
		v, ok := value.(float64)
		if !ok {
			return nil, nil, fmt.Errorf("%v: expected a number, not %v", key, value)
		}
		if !stats.ValidName(key.(string)) {
			return nil, nil, fmt.Errorf("%q is not a statistic's name", key)
		}
		names, values = append(names, key.(string)), append(values, v)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, cutOff(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, nil, fmt.Errorf("something follows the object")
	}
	return names, values, nil
}

func cutOff(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("the line is cut off")
	}
	return err
}
