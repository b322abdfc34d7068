package analysis_test

import (
	"io"
	"testing"

	"mcsim/traces"
	"mcsim/traces/analysis"
	"mcsim/traces/streams"
)

func analyse(t *testing.T, path string) *analysis.Result {
	t.Helper()
	trace, err := traces.Open(path, traces.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer trace.Close()
	order := streams.RoundRobin
	if trace.Info.Has&traces.HasCycle != 0 {
		order = streams.ByTime
	}
	r := streams.Merge(trace.Readers(), order, 1)
	a := analysis.New(analysis.Options{})
	refs := make([]traces.Ref, 1000)
	for {
		n, err := r.Read(refs)
		a.Add(refs[:n])
		if err == io.EOF {
			return a.Result(10)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What programs were written to do, and nothing told the analysis: the first
// part of falseshare counts in one line, four words of four harts; prodcons
// passes messages through rings, whose lines one hart writes and one reads.
func TestSamplesShareAsWritten(t *testing.T) {
	r := analyse(t, "../samples/falseshare.mct")
	if l := r.SharedLines[0]; l.Class != analysis.FalseShared || l.Writers != 4 || l.TrueTransfers != 0 || l.FalseTransfers < 1000 {
		t.Errorf("falseshare: the line with most transfers is %+v", l)
	}
	r = analyse(t, "../samples/prodcons.mct")
	transfers := map[analysis.Class]float64{}
	for _, c := range r.Sharing {
		transfers[c.Class] = c.TrueTransfers + c.FalseTransfers
	}
	for class, n := range transfers {
		if class != analysis.ProducerConsumer && n > 10 {
			t.Errorf("prodcons: %v transfers of %v lines", n, class)
		}
	}
	for _, l := range r.SharedLines {
		if l.Class != analysis.ProducerConsumer || l.Writers != 1 || l.Threads != 2 {
			t.Errorf("prodcons: %+v", l)
		}
	}
}

// The Lackey of a program with threads has one thread, and still its footprint.
func TestSampleOfThreads(t *testing.T) {
	r := analyse(t, "../samples/threads.lackey.xz")
	if len(r.Threads) != 1 || r.Data.Rate != 1 || r.Code.Lines < 100 {
		t.Errorf("%d threads, %v lines of code", len(r.Threads), r.Code.Lines)
	}
}
