// Package series writes what is counted over time: a row for each interval of a
// run, with the growth of every counter in it.
//
//	stats.Registry --Recorder.At, when a quantum ends--> rows --> JSON lines, Parquet
//	                                                         Read <--/
//
// A row covers the cycles from From up to, and not including, To; ratios are
// those of the interval. Columns are named as in the statistics of the whole
// run, so that harts[0].l1d.misses is the same thing in both; those that depend
// on the host are left out, and equal runs give equal bytes.
package series

import (
	"errors"
	"iter"
	"slices"
	"strings"

	"mcsim/stats"
)

// Output takes rows in the order of time. The snapshots of all rows have the
// same values in the same order.
type Output interface {
	Write(from, to uint64, grown *stats.Snapshot) error
	Close() error // ends the file's format; it does not close what lies below
}

// Recorder cuts a run into intervals. Its owner calls it when nobody counts.
type Recorder struct {
	reg    *stats.Registry
	every  uint64
	outs   []Output
	from   uint64
	before *stats.Snapshot
	err    error

	parts    iter.Seq[*stats.Snapshot]
	partOuts []Output
}

// NewRecorder begins at the given cycle. Intervals last every cycles, or until
// the first call of At thereafter.
func NewRecorder(reg *stats.Registry, every, cycle uint64, outs ...Output) *Recorder {
	return &Recorder{reg: reg, every: max(every, 1), outs: outs, from: cycle, before: reg.Snapshot()}
}

// Parts adds rows of another kind, in outputs of their own: several for each
// interval, or none, such as one for each thread that ran in it. When an interval
// ends, parts gives what was counted for each since it was last asked.
func (r *Recorder) Parts(parts iter.Seq[*stats.Snapshot], outs ...Output) {
	r.parts, r.partOuts = parts, outs
}

// Due tells whether an interval has ended: the owner brings lazy counters up to
// date and calls At.
func (r *Recorder) Due(cycle uint64) bool { return cycle-cycle%r.every > r.from }

// At ends an interval if one is due.
func (r *Recorder) At(cycle uint64) {
	if r.Due(cycle) {
		r.cut(cycle)
	}
}

func (r *Recorder) cut(cycle uint64) {
	now := r.reg.Snapshot()
	grown := now.Since(r.before)
	for _, o := range r.outs {
		r.err = errors.Join(r.err, o.Write(r.from, cycle, grown))
	}
	if r.parts != nil {
		for part := range r.parts {
			for _, o := range r.partOuts {
				r.err = errors.Join(r.err, o.Write(r.from, cycle, part))
			}
			if r.err != nil {
				break
			}
		}
	}
	if r.err != nil {
		r.outs, r.parts = nil, nil // a full disk is told once
	}
	r.from, r.before = cycle, now
}

// Close writes the last interval, which may be shorter, and ends the outputs. It
// returns the first error that there was.
func (r *Recorder) Close(cycle uint64) error {
	outs := slices.Concat(r.outs, r.partOuts)
	if cycle > r.from && r.err == nil {
		r.cut(cycle)
	}
	for _, o := range outs {
		r.err = errors.Join(r.err, o.Close())
	}
	return r.err
}

// columns are the indices of the values that go into rows.
func columns(s *stats.Snapshot) (at []int) {
	for i := range s.Values {
		if name := s.Values[i].Name; !strings.HasPrefix(name, "sim.host_") && name != "sim.mips" {
			at = append(at, i)
		}
	}
	return at
}
