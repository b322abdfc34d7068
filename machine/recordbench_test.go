package machine

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"mcsim/traces"
)

// recordedKernels are what recording and replay are measured on.
var recordedKernels = []guest{
	{"intloop", 1_000_000, 1}, {"chase", 1_000_000, 1}, {"stream", 3, 1}, {"matmul", 1, 1},
	{"mt-compute", 40, 4}, {"mt-matmul", 4, 4}, {"mt-stream", 4, 4},
}

// recordTo runs g with a recording to a file.
func (g guest) recordTo(tb testing.TB, name string) Result {
	tb.Helper()
	f, err := os.Create(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	m := g.build(tb)
	m.opts.Record = &Recording{To: f, Version: "test", Program: g.name}
	return mustRun(tb, m, Limits{})
}

// BenchmarkRecord runs a program without and with a recording in turn: x is how
// many times as long the latter takes.
func BenchmarkRecord(b *testing.B) {
	for _, g := range recordedKernels {
		b.Run(g.name, func(b *testing.B) {
			name := filepath.Join(b.TempDir(), "bench.mct")
			var off, on float64
			var insts uint64
			for range b.N {
				off += mustRun(b, g.build(b), Limits{}).HostSeconds
				r := g.recordTo(b, name)
				on += r.HostSeconds
				insts += r.Instructions
			}
			data, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			refs := references(b, data)
			b.ReportMetric(on/off, "x")
			b.ReportMetric(float64(insts)/on/1e6, "MIPS")
			b.ReportMetric(float64(len(data))/float64(refs), "B/ref")
			b.ReportMetric(float64(refs)/on*float64(b.N)/1e6, "Mrefs/s")
		})
	}
}

func references(tb testing.TB, file []byte) (n uint64) {
	tb.Helper()
	rec, err := traces.OpenRecording(bytes.NewReader(file), int64(len(file)), "test")
	if err != nil {
		tb.Fatal(err)
	}
	for i := range rec.Header.Streams {
		n += rec.Count(i)
	}
	return n
}

// BenchmarkExactReplay follows recordings on the machine that made them, from
// their compressed files in the host's memory.
func BenchmarkExactReplay(b *testing.B) {
	for _, g := range recordedKernels {
		b.Run(g.name, func(b *testing.B) {
			name := filepath.Join(b.TempDir(), "bench.mct")
			g.recordTo(b, name)
			data, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			var seconds float64
			for range b.N {
				rec, err := traces.OpenRecording(bytes.NewReader(data), int64(len(data)), "test")
				if err != nil {
					b.Fatal(err)
				}
				cfg, err := ExactConfig(rec)
				if err != nil {
					b.Fatal(err)
				}
				m, err := New(cfg, Options{})
				if err == nil {
					err = m.LoadRecording(rec)
				}
				if err != nil {
					b.Fatal(err)
				}
				r, err := m.Run(context.Background(), Limits{})
				if err != nil {
					b.Fatal(err)
				}
				seconds += r.HostSeconds
			}
			b.ReportMetric(float64(references(b, data))*float64(b.N)/seconds/1e6, "Mrefs/s")
		})
	}
}
