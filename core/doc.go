// Package core is one RISC-V hart: fetch, decode, execute, CSRs and traps, the
// MMU with its TLBs, the store buffer.
//
//	run.go     fetch.go --line--> exec.go: one switch over decoded operations
//	             |                  |  hit in a line table: the bytes of the L1D slot
//	             |                  v  else memory.go, slow.go
//	          translate.go --> TLBs --> walk.go --> coherence.Private.Do
//
// A Hart is run by one goroutine at a time and takes no lock. While it runs it
// owns itself and its coherence.Private; from the moment that a Do parks it
// until that returns, the bus owns both, and calls back through coherence.Core
// to make the line tables forget what the caches lost (linetable.go).
//
// What a guest does wrong is a trap, never an error: raise records it, and the
// run loop takes it. Package isa describes the instructions, package fp their
// floating-point results.
package core
