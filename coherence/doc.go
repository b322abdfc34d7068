// Package coherence keeps the private caches of the harts coherent, and is the
// machine's bus, last-level cache and memory.
//
//	hart --Access--> Private (L1I, L1D, L2) --Request--> Port --> Bus.Serve
//	                    ^                                            |
//	                    +---- snoops: other Privates <---------------+
//	                    +---- fill, and the access itself <-- home (filter, LLC) <-- Memory
//
// The protocols are tables (protocol.go, msi.go and so on) that explore.go
// checks exhaustively and the Privates run on. A Private belongs to its hart
// while the hart runs; between Port.Call and its return it belongs to the bus,
// which then owns every cache, the home, memory and the devices (bus.go). A
// request is carried out whole, together with the hart's access that caused it,
// so there are no transient states, and a value that was fetched is used before
// the next request can take the line away.
//
// Two things are kept apart: what happens, in the order in which Serve is
// called, and when. Time is charged to calendars (calendar.go) of the bus, the
// LLC's banks and the DRAM's banks and channels, which may be asked out of
// order.
//
// # Rules that the table does not show
//
// LR/SC. A reservation is a line. It ends when another agent gets the line to
// write it or a device writes it, not when another reads it. If the line leaves
// the hart's caches, the bus watches it (Bus.monitors), and until the
// reservation ends nobody is given it Exclusive, for a store to an Exclusive
// line is silent. An SC is decided when the bus serves it: of all SCs to one
// line in a round, the first succeeds. That is the forward progress that the
// constrained loop is promised.
//
// Instructions. Where the L1I is snooped, a hart's store drops its own L1I's
// copy and a fetch reads its own L1D's data, so there is nothing for fence.i to
// do. Where it is not, it is read through the bus or the L2 and then stays as
// it is until FenceI.
//
// Uncached accesses to RAM (Svpbmt NC and IO) act at the home: they read what
// the caches hold and take the line from all of them to write it.
//
// cbo.clean, cbo.flush and cbo.inval act on all harts' caches and the LLC: the
// point of coherence is memory, as seen by a device that does not snoop.
// cbo.inval discards dirty data.
package coherence
