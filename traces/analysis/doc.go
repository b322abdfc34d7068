// Package analysis says what a stream of references does to memory, without a
// machine: footprint, mix, sizes, reuse distances, strides, the working set
// over time, and who shares which lines how.
//
//	[]traces.Ref --Add--> lines of data ---> stack (reuse), working set, sharing
//	                  \-> lines of code ---> stack (reuse), working set
//	                  \-> pcs and threads -> strides, counts
//	                                                 \--Result--> JSON, tables
//
// An Analysis reads the stream once and keeps a bounded amount of memory. Up to
// Options.Lines distinct lines everything is exact. Beyond, lines are sampled by
// the hash of their address as in SHARDS (Waldspurger, Park, Garthwaite, Ahmad:
// Efficient MRC Construction with SHARDS, FAST 2015): the rate is halved, lines
// that fall out are forgotten, and what is counted for the others is weighted by
// the inverse of the rate. Result.Data.Rate and Result.Code.Rate say so.
//
// What the results mean is defined where they are computed: reuse distances in
// reuse.go, the working set in workingset.go, strides in strides.go, and the
// classes of sharing in sharing.go.
package analysis
