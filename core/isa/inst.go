// Package isa describes the instructions of RV64: one row each with encoding,
// name and operands, in a file per extension. The decoder and the disassembler
// read the same rows. It knows nothing of harts.
package isa

// Op names an operation after decoding. A compressed instruction has the Op of
// the instruction it expands to.
type Op uint16

// SinkReg is the Rd of an instruction whose integer destination is x0: the
// register file has a place there that nobody reads.
const SinkReg = 32

// Inst is a decoded instruction, 16 bytes.
type Inst struct {
	Op   Op
	Rd   uint8  // integer: SinkReg where the encoding says x0 or has none; floating point: 0 to 31
	Rs1  uint8  // register, or the 5-bit immediate of csrrwi and its like
	Rs2  uint8  // register; Rs3 of fused multiply-add is in Imm
	Size uint8  // bytes of the encoding, 2 or 4
	RM   uint8  // rounding mode 0 to 7; aq (bit 1) and rl (bit 0) of atomics
	Cost uint8  // cycles, filled in by the core's latency table; 1 after Decode
	Imm  int32  // immediate, sign-extended; CSR number; Rs3; fence: fm, pred, succ
	Raw  uint32 // the encoding; the upper half is 0 where Size is 2
}
