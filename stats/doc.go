// Package stats names the counters of a machine.
//
// Components own plain uint64 fields and count in them without any call; when
// the machine is built each field is registered under a dotted name with a
// unit and a description. Freeze closes the registry before the run. A
// Snapshot copies all values at one moment; two snapshots of one run subtract,
// which is how warm-up is left out and how phases are told apart.
//
//	component fields <--pointers-- Registry --Snapshot--> JSON, table, diff
//
// A Registry is read by whoever owns the counters at that moment: between
// runs anyone, during a run the bus in its serial phase.
//
// Names look like harts[0].l1d.misses: lower-case words joined by dots, each
// with at most one index. In JSON a dot is an object and an index an array, so
// the name is also the way to the value. A name that is malformed, taken, or
// both a value and an object is our own mistake, and panics.
package stats
