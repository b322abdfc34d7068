package series

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"mcsim/stats"
)

// machine counts by a rule, so that every row is known.
type machine struct {
	reg            stats.Registry
	cycles         uint64
	hits, accesses uint64
}

func newMachine() *machine {
	m := &machine{}
	m.reg.Counter("sim.cycles", stats.Cycles, "time", &m.cycles)
	m.reg.Gauge("sim.host_seconds", stats.Seconds, "left out", func() float64 { return 1 })
	m.reg.Counter("harts[0].l1d.hits", stats.Events, "hits", &m.hits)
	m.reg.Counter("harts[0].l1d.accesses", stats.Events, "accesses", &m.accesses)
	m.reg.Quotient("harts[0].l1d.hit_rate", stats.Ratio, "rate", 1, "harts[0].l1d.hits", "harts[0].l1d.accesses")
	m.reg.Freeze()
	return m
}

// record runs quanta of 30 cycles in intervals of 100.
func record(t *testing.T, quanta int) (lines, pq *bytes.Buffer) {
	m := newMachine()
	lines, pq = &bytes.Buffer{}, &bytes.Buffer{}
	r := NewRecorder(&m.reg, 100, 0, NewJSONLines(lines), NewParquet(pq))
	for range quanta {
		m.cycles += 30
		m.accesses += m.cycles
		m.hits += m.cycles / 2
		r.At(m.cycles)
	}
	if err := r.Close(m.cycles); err != nil {
		t.Fatal(err)
	}
	return lines, pq
}

func TestRows(t *testing.T) {
	lines, pq := record(t, 50)
	s, err := Read(bytes.NewReader(lines.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	// Intervals end with the quantum in which a multiple of 100 passes.
	wantTo := []uint64{120, 210, 300, 420, 510, 600, 720, 810, 900, 1020, 1110, 1200, 1320, 1410, 1500}
	if len(s.To) != len(wantTo) {
		t.Fatalf("%d rows, want %d", len(s.To), len(wantTo))
	}
	from := uint64(0)
	for i, to := range wantTo {
		accesses, hits := 0.0, 0.0
		for c := from + 30; c <= to; c += 30 {
			accesses += float64(c)
			hits += math.Floor(float64(c) / 2)
		}
		if s.From[i] != from || s.To[i] != to || s.Columns["harts[0].l1d.accesses"][i] != accesses ||
			s.Columns["harts[0].l1d.hit_rate"][i] != hits/accesses || s.Columns["sim.cycles"][i] != float64(to-from) {
			t.Errorf("row %d: %d to %d, %v", i, s.From[i], s.To[i], s.Columns)
		}
		from = to
	}
	if strings.Contains(lines.String(), "host_seconds") {
		t.Error("what depends on the host is in the rows")
	}
	compareParquet(t, s, pq)
	again, pqAgain := record(t, 50)
	if !bytes.Equal(again.Bytes(), lines.Bytes()) || !bytes.Equal(pqAgain.Bytes(), pq.Bytes()) {
		t.Error("equal runs give other bytes")
	}
}

// compareParquet reads the Parquet file back by its columns.
func compareParquet(t *testing.T, s *Series, pq *bytes.Buffer) {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(pq.Bytes()), int64(pq.Len()))
	if err != nil {
		t.Fatal(err)
	}
	columns := f.Schema().Columns()
	if len(columns) != len(s.Names)+2 || f.NumRows() != int64(len(s.From)) {
		t.Fatalf("%d columns, %d rows", len(columns), f.NumRows())
	}
	row := 0
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		buf := make([]parquet.Row, 1)
		for {
			n, err := rows.ReadRows(buf)
			if n == 1 {
				for i, v := range buf[0] {
					got := v.Double()
					if v.Kind() == parquet.Int64 {
						got = float64(v.Uint64())
					}
					var want float64
					switch name := columns[i][0]; name {
					case "from":
						want = float64(s.From[row])
					case "to":
						want = float64(s.To[row])
					default:
						want = s.Columns[name][row]
					}
					if got != want {
						t.Errorf("row %d, %s: %v, want %v", row, columns[i], got, want)
					}
				}
				row++
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		rows.Close()
	}
	if row != len(s.From) {
		t.Errorf("%d rows read", row)
	}
}

func TestNoCycles(t *testing.T) {
	lines, pq := record(t, 0)
	if lines.Len() != 0 {
		t.Errorf("%q", lines)
	}
	if f, err := parquet.OpenFile(bytes.NewReader(pq.Bytes()), int64(pq.Len())); err != nil || f.NumRows() != 0 {
		t.Errorf("an empty file: %v", err)
	}
}

// Rows of parts: those of an interval come in the order in which they are given,
// and an interval may have none.
func TestParts(t *testing.T) {
	m := newMachine()
	var number, counted uint64
	var part stats.Registry
	part.Level("thread", stats.Events, "which", func() uint64 { return number })
	part.Counter("work", stats.Events, "what it did", &counted)
	part.Freeze()
	var lines, pq bytes.Buffer
	r := NewRecorder(&m.reg, 100, 0)
	interval := 0
	r.Parts(func(yield func(*stats.Snapshot) bool) {
		for number = range uint64(interval % 3) {
			counted = 10*uint64(interval) + number
			if !yield(part.Snapshot()) {
				return
			}
		}
	}, NewJSONLines(&lines), NewParquet(&pq))
	for interval = range 7 {
		m.cycles += 100
		r.At(m.cycles)
	}
	if err := r.Close(m.cycles); err != nil {
		t.Fatal(err)
	}
	const want = `{"from":100,"to":200,"thread":0,"work":10}
{"from":200,"to":300,"thread":0,"work":20}
{"from":200,"to":300,"thread":1,"work":21}
{"from":400,"to":500,"thread":0,"work":40}
{"from":500,"to":600,"thread":0,"work":50}
{"from":500,"to":600,"thread":1,"work":51}
`
	if lines.String() != want {
		t.Errorf("%s", &lines)
	}
	s, err := ReadParts(bytes.NewReader(lines.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	compareParquet(t, s, &pq)
	if _, err := Read(&lines); err == nil {
		t.Error("rows of the same cycles pass for intervals")
	}
	for _, wrong := range []string{`{"from":0,"to":9,"a":1}` + "\n" + `{"from":0,"to":8,"a":1}`, `{"from":5,"to":9,"a":1}` + "\n" + `{"from":4,"to":9,"a":1}`} {
		if _, err := ReadParts(strings.NewReader(wrong)); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestFullDisk(t *testing.T) {
	m := newMachine()
	r := NewRecorder(&m.reg, 1, 0, NewJSONLines(&full{100}))
	for range 1000 {
		m.cycles++
		r.At(m.cycles)
	}
	if err := r.Close(m.cycles); err == nil {
		t.Error("no error")
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"from":0,"to":10,"a":1}` + "\n" + `{"from":10,"to":20,"a":2}` + "\n", `{"from":0`, `[]`, `{"from":0,"to":1,"a":"x"}`,
		`{"from":0,"to":1,"a":1,"a":2}`, `{"from":5,"to":1}`, "{\"from\":0,\"to\":1}\n{\"from\":0,\"to\":1}", `{"from":0,"to":1e400}`,
		`{"from":0,"to":9,"thread":1}` + "\n" + `{"from":0,"to":9,"thread":2}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if parts, err := ReadParts(bytes.NewReader(data)); err == nil {
			for name, c := range parts.Columns {
				if len(c) != len(parts.From) {
					t.Errorf("%s has %d values of %d", name, len(c), len(parts.From))
				}
			}
		}
		s, err := Read(bytes.NewReader(data))
		for name, c := range s.Columns {
			if err == nil && len(c) != len(s.From) {
				t.Errorf("%s has %d values of %d", name, len(c), len(s.From))
			}
		}
		if err != nil || len(s.From) == 0 {
			return
		}
		for _, line := range bytes.Split(data, []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 && !json.Valid(bytes.TrimSpace(line)) && bytes.Count(line, []byte("}")) == 1 {
				t.Errorf("took %q", line)
			}
		}
	})
}
