// Package gdb serves GDB's remote serial protocol for a machine whose harts are
// GDB's threads: registers, memory, breakpoints, watchpoints, steps. It is all-stop.
//
//	GDB <--packets--> reader (a goroutine) --channel--> Server <--calls--> Target
//
// The Server runs on the machine's own goroutine, when the machine says that it has
// stopped; it returns when GDB wants it to go on. Only the reader runs meanwhile: it
// takes packets apart and notes an interrupt (Ctrl-C), which the machine asks for at
// the end of each quantum. What GDB sends is hostile: a packet that makes no sense is
// answered with an error, or with nothing, which GDB takes for "unsupported".
//
// The protocol is in GDB's manual, appendix "GDB Remote Serial Protocol"; register
// numbers are those of its RISC-V port.
package gdb

import "cmp"

// Numbers of registers: x0 to x31, pc, f0 to f31, then the CSRs by their own.
const (
	RegPC   = 32
	RegF0   = 33
	RegCSR0 = 65
	numRegs = RegCSR0 + 4096
)

// Target is the machine, stopped. Threads are harts, from 0.
type Target interface {
	Threads() int
	// State describes a thread in a line.
	State(thread int) string
	// ReadRegister and WriteRegister return false for a register that is not there,
	// or cannot be written now.
	ReadRegister(thread, reg int) (uint64, bool)
	WriteRegister(thread, reg int, v uint64) bool
	// ReadMemory reads at a virtual address of the thread, as far as it can.
	ReadMemory(thread int, va uint64, p []byte) (n int)
	WriteMemory(thread int, va uint64, p []byte) bool
	// Description is the target's XML description.
	Description() string
	// Monitor carries out a command of the user and returns its output.
	Monitor(command string) string
	// Arm says where a thread is to stop from now on: before these addresses, after
	// accesses to these, after one instruction. One that is first goes on before those
	// that are not, wherever time allows that. One that is held moves only where time has
	// to pass, and where it is to stop it waits there until it is not held any more.
	Arm(thread int, breaks []uint64, watches []Watch, step, first, held bool)
	// Kill ends the run when it goes on.
	Kill()
}

// Watch is a watched range of virtual addresses.
type Watch struct {
	Addr, Size  uint64
	Read, Write bool
}

// compare orders watchpoints.
func (w Watch) compare(v Watch) int {
	number := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(w.Addr, v.Addr), cmp.Compare(w.Size, v.Size),
		number(w.Read)-number(v.Read), number(w.Write)-number(v.Write))
}

// Stop says why a thread has stopped.
type Stop struct {
	Thread  int
	Signal  int    // 5 for a breakpoint, a step or a watchpoint, 2 for an interrupt
	Watched bool   // by a watchpoint
	Addr    uint64 // its address
}

// Signals.
const (
	SignalInterrupt = 2
	SignalTrap      = 5
)

const maxPacket = 0x4000
