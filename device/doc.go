// Package device holds the machine's devices: the ACLINT (aclint.go, sswi.go),
// the PLIC (plic.go), an NS16550A UART (uart.go), the SiFive test finisher
// (finisher.go) and the HTIF of bare-metal programs (htif.go).
//
// A device is a plain state machine that knows neither bus nor hart. Whoever
// maps it calls, only while every hart is parked:
//
//	Read(now, off uint64, size int) (v uint64, ok bool)
//	Write(now, off uint64, size int, v uint64) (ok bool)
//	Deadline() uint64   // next cycle at which Fire must be called, ^0 for none
//	Fire(now uint64)    // only devices that have a Deadline
//
// where now is the cycle of the access, off the distance from the device's
// base and size the access's width in bytes. Values are zero-extended. ok is
// false for an access that the device does not take: an access fault for the
// guest, never a panic. Reading may change the state (a claim, a FIFO).
//
//	hart --uncached access--> bus --Read/Write--> device --Line/Pins--> hart
//	                           ^--Memory (DMA)-----/   \--Exit--> machine
//
// Interrupt wires are functions that are called when a level changes. Snapshot saves
// or loads a device's whole state for checkpoints, and drives nothing, since the
// state of those whom it drives is loaded as well. Save gives the state as plain
// data; Restore puts it back and drives every wire again.
package device

// NoDeadline is the Deadline of a device that waits for nothing.
const NoDeadline = ^uint64(0)

// Line drives one interrupt wire. It is called when the level changes; the UART
// calls it also when the level stays (see PLIC.PulsedLine).
type Line func(level bool)

// Exit is a guest's wish to end the run or to restart the machine.
type Exit struct {
	Reset bool   // restart instead of ending
	Code  int64  // the guest's exit code; 0 is success
	By    string // the device that it was said to
}

// Status returns the code that a process exits with, 0 to 255. A failure never
// becomes 0, even if its low byte is.
func (e Exit) Status() int {
	if s := int(e.Code & 0xff); s != 0 || e.Code == 0 {
		return s
	}
	return 1
}

// ExitFunc is told of an Exit at the cycle of the access that asked for it. A
// guest that is not stopped may ask again.
type ExitFunc func(now uint64, e Exit)
