// Package event has the typed events of a run: what happened, at which
// simulated cycle, on which hart, with up to four numbers.
//
// Each agent (a hart, the bus, a device) appends to a Buffer of its own, or to
// none: a nil *Buffer answers On with false, which is the one branch that an
// unobserved run pays. At the end of a quantum, when all harts are parked, the
// machine merges the buffers by (cycle, hart, order of emission) and hands the
// events to whoever listens; machine/log writes them as JSON lines.
//
//	hart 0 --> Buffer --\
//	hart 1 --> Buffer ----> Merge --> log, tests, analysis
//	bus    --> Buffer --/
//
// A Buffer belongs to its agent while that runs, to the merger in the serial
// phase. An event holds no wall-clock time and no text, so that equal runs
// give equal events.
package event
