package device

// FinisherSize is the size of the finisher's register page.
const FinisherSize = 0x1000

// What the low 16 bits of a write to the finisher mean, as in SiFive's test
// device and QEMU's hw/misc/sifive_test.c.
const (
	FinisherFail  = 0x3333 // the code is in bits 31:16
	FinisherPass  = 0x5555
	FinisherReset = 0x7777
)

// Finisher is the SiFive test finisher: a write ends the run. It holds no
// state.
type Finisher struct {
	exit ExitFunc
}

// NewFinisher returns a finisher that reports to exit.
func NewFinisher(exit ExitFunc) *Finisher { return &Finisher{exit: exit} }

// Read gives 0.
func (f *Finisher) Read(_, off uint64, size int) (uint64, bool) {
	return 0, f.takes(off, size)
}

// Write reports an exit if v, written to the first register, is a command.
// Everything else is ignored.
func (f *Finisher) Write(now, off uint64, size int, v uint64) bool {
	if !f.takes(off, size) {
		return false
	}
	if off != 0 {
		return true
	}
	e := Exit{By: "finisher"}
	switch v & 0xffff {
	case FinisherPass:
	case FinisherFail:
		// A failure with code 0 is still none of the successes.
		e.Code = max(1, int64(v>>16&0xffff))
	case FinisherReset:
		e.Reset = true
	default:
		return true
	}
	f.exit(now, e)
	return true
}

func (f *Finisher) takes(off uint64, size int) bool {
	return (size == 2 || size == 4 || size == 8) && off%uint64(size) == 0 && off < FinisherSize
}
