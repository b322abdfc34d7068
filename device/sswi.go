package device

import "fmt"

// SSWISize is the size of an SSWI device with its 4095 possible registers.
const SSWISize = 0x4000

// SSWI is the ACLINT's supervisor software interrupt device (RISC-V ACLINT
// specification 1.0-rc4, "Supervisor Software Interrupt Device"): a write of 1
// to hart h's SETSSIP at 4*h sets SSIP in that hart's mip. It holds no state.
type SSWI struct {
	harts int
	set   func(hart int)
}

// NewSSWI returns an SSWI that calls set for a hart whose SSIP is to be set.
func NewSSWI(harts int, set func(hart int)) (*SSWI, error) {
	if harts < 1 || harts > MaxHarts {
		return nil, fmt.Errorf("sswi: %d harts, want 1 to %d", harts, MaxHarts)
	}
	return &SSWI{harts: harts, set: set}, nil
}

// Read always gives 0 ("the LSB of SETSSIP reads as zero").
func (s *SSWI) Read(_, off uint64, size int) (uint64, bool) {
	return 0, wordAccess(off, size) && off < SSWISize
}

// Write sends an interrupt for each register whose lowest bit is written as 1.
func (s *SSWI) Write(_, off uint64, size int, v uint64) bool {
	if !wordAccess(off, size) || off >= SSWISize {
		return false
	}
	for ; size > 0; size -= 4 {
		if h := int(off / 4); v&1 != 0 && h < s.harts {
			s.set(h)
		}
		off += 4
		v >>= 32
	}
	return true
}
