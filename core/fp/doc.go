// Package fp is the floating-point arithmetic of the F, D and Zfhmin
// extensions: IEEE 754-2008 binary16, binary32 and binary64 with the choices
// the RISC-V unprivileged manual makes (chapters F, D, Zfh): canonical NaN
// results, tininess detected after rounding, saturating conversions to integer.
//
// Values are raw bit patterns in and out. The caller owns the registers, the
// NaN boxing, fcsr and the legality of the rounding mode; an operation only
// ORs the exceptions it raised into *fl.
//
// Every arithmetic operation has two implementations that agree bit for bit:
//
//	Add64 --RNE, NX already set, safe result--> host FPU          (hot entry)
//	  \--> add64Slow --RNE, exactness provable--> host FPU + NX   (cold flags)
//	         \--> add64Soft: unpack -> exact integers -> round    (everything)
//
// A result is safe when its bit pattern alone proves that no exception but NX
// was raised: finite, and where the operation can underflow at least twice the
// smallest normal (see safe64). So operands need no test: an infinity or NaN
// operand never gives a safe result. The host is trusted to round to nearest
// even and to handle subnormals, as the Go specification demands of it.
//
// The soft path works on one shape for all three formats (format.go) and
// rounds in one place (round.go).
package fp

import "strings"

// Flags are accrued exceptions in the order of fcsr.fflags.
type Flags uint8

const (
	NX Flags = 1 << iota // inexact
	UF                   // underflow: tiny after rounding, and inexact
	OF                   // overflow
	DZ                   // division of a finite number by zero
	NV                   // invalid operation
)

// String lists the set flags, most severe first, as in "OF|NX".
func (f Flags) String() string {
	var names []string
	for i, name := range [...]string{"NV", "DZ", "OF", "UF", "NX"} {
		if f&(NV>>i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "-"
	}
	return strings.Join(names, "|")
}

// RM is a rounding mode in the encoding of frm. Encodings 5 to 7 are reserved
// or dynamic; the caller resolves or rejects them before it calls.
type RM uint8

const (
	RNE RM = iota // to nearest, ties to even
	RTZ           // towards zero
	RDN           // towards minus infinity
	RUP           // towards plus infinity
	RMM           // to nearest, ties to the larger magnitude
)

// String is the assembler's name of the mode.
func (rm RM) String() string {
	if rm > RMM {
		return "reserved"
	}
	return [...]string{"rne", "rtz", "rdn", "rup", "rmm"}[rm]
}

// The canonical NaNs: positive, quiet, no payload (manual, "NaN Generation and
// Propagation").
const (
	NaN64 uint64 = 0x7ff8000000000000
	NaN32 uint32 = 0x7fc00000
	NaN16 uint16 = 0x7e00
)
