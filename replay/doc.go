// Package replay drives a machine by recorded references instead of
// instructions: the same harts, TLBs, page walkers, store buffers, private
// caches, bus, LLC and DRAM as in execution.
//
//	traces.Reader --source: one goroutine each--> batches of core.Ref, by thread
//	                                                  |  (serial phase)
//	                                               threads, mapped to harts
//	                                                  |
//	                                       agent --core.Driver--> hart, caches, bus
//
// A source reads and compiles ahead on a goroutine of its own. What it has is
// handed to threads in the bus's serial phase, when a hart has run out of
// references, so the order of everything is a function of the traces, the
// configuration and the seed. At most Config.Window references of a source are
// in memory: a hart that is so far ahead of the others that its next reference
// lies beyond waits for them.
//
// An agent is the coherence.Runner of one hart. It owns its threads while it
// runs; in the serial phase they belong to the Replay, like page tables and
// memory (space.go, frames.go).
package replay
