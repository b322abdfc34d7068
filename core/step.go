package core

import (
	"unsafe"

	"mcsim/core/isa"
)

// step is an instruction as the run loop takes it, 16 bytes. The steps of
// instructions that follow each other stand next to each other, so that the loop
// knows where the next one is before it has looked at this one; and they are
// charged and counted together when the loop enters them (block.go), so that it
// need not do so at each.
type step struct {
	op       stepOp
	rd       uint8 // as in isa.Inst, but of a branch the size of its encoding
	rs1, rs2 uint8 // the same; of a jump, rs2 is the halfwords from the line's first byte to the end of it
	// imm is that of isa.Inst, but of a branch, JAL or AUIPC the way from the line's first
	// byte to the target; of stepJoin the way from the block to the step before the one
	// that follows.
	imm int32
	// word is the encoding, but of a branch, JAL or a run's end where it led last: bytes from
	// the blocks' begin to the step before.
	word  uint32
	after uint16 // cycles of the instructions that follow it in its run
	n     uint8  // how many those are
	at    uint8  // its place in the line: 1 + halfwords from the line's first byte
}

const stepBytes = unsafe.Sizeof(step{})

// size is the number of bytes of the instruction's encoding, if a run can go on behind it.
func (s *step) size() uint8 {
	switch {
	case s.op.first().branches():
		return s.rd
	case s.word&3 == 3:
		return 4
	}
	return 2
}

// next is the step behind s.
func (s *step) next() *step { return (*step)(unsafe.Add(unsafe.Pointer(s), stepBytes)) }

// stepOp is what the run loop does for an instruction. Those that it has no case
// for are stepSlow.
type stepOp uint8

const (
	stepLD stepOp = iota // loads, up to stepLBU
	stepLW
	stepLWU
	stepLH
	stepLHU
	stepLB
	stepLBU

	stepSD // stores, up to stepSB
	stepSW
	stepSH
	stepSB

	stepADDI
	stepADD
	stepBEQ
	stepBNE
	stepSLLI
	stepXOR
	stepSRLI
	stepOR
	stepRunEnd // behind a run: look for the line of the address here
	stepANDI
	stepADDIW
	stepAND
	stepSUB
	stepBLTU
	stepSLTU
	stepJALR
	stepNotKept // the instruction here is not in the block: it crosses the line's end, or is at a breakpoint
	stepXORI

	stepSlow // Hart.slow executes it
	stepJoin // what follows is in the block already
	stepCut  // behind as much of a run as there is time for

	stepADDW
	stepLUI
	stepAUIPC
	stepORI
	stepSUBW
	stepSLL
	stepSLLIW
	stepSLLW
	stepSRL
	stepSRLIW
	stepSRLW
	stepSRAI
	stepSRA
	stepSRAIW
	stepSRAW
	stepSLTI
	stepSLT
	stepSLTIU

	stepBLT
	stepBGE
	stepBGEU
	stepJAL

	stepADDUW
	stepSH1ADD
	stepSH2ADD
	stepSH3ADD
	stepSH1ADDUW
	stepSH2ADDUW
	stepSH3ADDUW
	stepSLLIUW

	stepMUL
	stepMULHU
	stepMULW
	stepDIV
	stepDIVU
	stepREM
	stepREMU
	stepDIVUW
	stepREMUW

	stepANDN
	stepORN
	stepXNOR
	stepMIN
	stepMINU
	stepMAX
	stepMAXU
	stepSEXTB
	stepSEXTH
	stepZEXTH
	stepCLZ
	stepCLZW
	stepCTZ
	stepCTZW
	stepROL
	stepROLW
	stepROR
	stepRORW
	stepRORI
	stepRORIW
	stepORCB
	stepREV8

	stepBCLR
	stepBCLRI
	stepBEXT
	stepBEXTI
	stepBINV
	stepBINVI
	stepBSET
	stepBSETI

	stepCZEROEQZ
	stepCZERONEZ
	stepNOP

	stepFLD
	stepFSD
	stepFADDD
	stepFMULD
	stepFMADDD

	stepLDRow // LD before another one
	stepSDRow

	numSteps              // then come those of grams.go
	lastStep stepOp = 255 // so that the loop's switch has all values, and needs no check
)

// stepOf is the run loop's case for each operation.
var stepOf = [isa.NumOps]stepOp{
	isa.OpADDI: stepADDI, isa.OpADD: stepADD, isa.OpADDIW: stepADDIW, isa.OpADDW: stepADDW,
	isa.OpLUI: stepLUI, isa.OpAUIPC: stepAUIPC,
	isa.OpANDI: stepANDI, isa.OpAND: stepAND, isa.OpORI: stepORI, isa.OpOR: stepOR, isa.OpXORI: stepXORI, isa.OpXOR: stepXOR,
	isa.OpSUB: stepSUB, isa.OpSUBW: stepSUBW,
	isa.OpSLLI: stepSLLI, isa.OpSLL: stepSLL, isa.OpSLLIW: stepSLLIW, isa.OpSLLW: stepSLLW,
	isa.OpSRLI: stepSRLI, isa.OpSRL: stepSRL, isa.OpSRLIW: stepSRLIW, isa.OpSRLW: stepSRLW,
	isa.OpSRAI: stepSRAI, isa.OpSRA: stepSRA, isa.OpSRAIW: stepSRAIW, isa.OpSRAW: stepSRAW,
	isa.OpSLTI: stepSLTI, isa.OpSLT: stepSLT, isa.OpSLTIU: stepSLTIU, isa.OpSLTU: stepSLTU,
	isa.OpLD: stepLD, isa.OpLW: stepLW, isa.OpLWU: stepLWU, isa.OpLH: stepLH, isa.OpLHU: stepLHU, isa.OpLB: stepLB, isa.OpLBU: stepLBU,
	isa.OpSD: stepSD, isa.OpSW: stepSW, isa.OpSH: stepSH, isa.OpSB: stepSB,
	isa.OpBEQ: stepBEQ, isa.OpBNE: stepBNE, isa.OpBLT: stepBLT, isa.OpBGE: stepBGE, isa.OpBLTU: stepBLTU, isa.OpBGEU: stepBGEU,
	isa.OpJAL: stepJAL, isa.OpJALR: stepJALR,
	isa.OpADDUW: stepADDUW, isa.OpSH1ADD: stepSH1ADD, isa.OpSH2ADD: stepSH2ADD, isa.OpSH3ADD: stepSH3ADD,
	isa.OpSH1ADDUW: stepSH1ADDUW, isa.OpSH2ADDUW: stepSH2ADDUW, isa.OpSH3ADDUW: stepSH3ADDUW, isa.OpSLLIUW: stepSLLIUW,
	isa.OpMUL: stepMUL, isa.OpMULHU: stepMULHU, isa.OpMULW: stepMULW,
	isa.OpDIV: stepDIV, isa.OpDIVU: stepDIVU, isa.OpREM: stepREM, isa.OpREMU: stepREMU, isa.OpDIVUW: stepDIVUW, isa.OpREMUW: stepREMUW,
	isa.OpANDN: stepANDN, isa.OpORN: stepORN, isa.OpXNOR: stepXNOR,
	isa.OpMIN: stepMIN, isa.OpMINU: stepMINU, isa.OpMAX: stepMAX, isa.OpMAXU: stepMAXU,
	isa.OpSEXTB: stepSEXTB, isa.OpSEXTH: stepSEXTH, isa.OpZEXTH: stepZEXTH,
	isa.OpCLZ: stepCLZ, isa.OpCLZW: stepCLZW, isa.OpCTZ: stepCTZ, isa.OpCTZW: stepCTZW,
	isa.OpROL: stepROL, isa.OpROLW: stepROLW, isa.OpROR: stepROR, isa.OpRORW: stepRORW,
	isa.OpRORI: stepRORI, isa.OpRORIW: stepRORIW, isa.OpREV8: stepREV8, isa.OpORCB: stepORCB,
	isa.OpBCLR: stepBCLR, isa.OpBCLRI: stepBCLRI, isa.OpBEXT: stepBEXT, isa.OpBEXTI: stepBEXTI,
	isa.OpBINV: stepBINV, isa.OpBINVI: stepBINVI, isa.OpBSET: stepBSET, isa.OpBSETI: stepBSETI,
	isa.OpCZEROEQZ: stepCZEROEQZ, isa.OpCZERONEZ: stepCZERONEZ, isa.OpPAUSE: stepNOP,
	isa.OpFLD: stepFLD, isa.OpFSD: stepFSD,
	isa.OpFADDD: stepFADDD, isa.OpFMULD: stepFMULD, isa.OpFMADDD: stepFMADDD,
}

// first is the operation of the instruction itself, where op may stand for those behind it
// as well.
func (op stepOp) first() stepOp {
	if op < stepLDRow {
		return op
	}
	return firstOf[op]
}

// join has the first of steps stand for those behind it as well, as far as there is an
// operation for that. They have been joined already.
func join(steps []step) {
	s := &steps[0]
	for _, behind := range steps[1:] {
		op := behind.op
		if op != stepLDRow && op != stepSDRow {
			op = op.first()
		}
		op = gramOf[s.op][op]
		if op == 0 {
			return
		}
		s.op = op
	}
}

func (op stepOp) branches() bool {
	switch op {
	case stepBEQ, stepBNE, stepBLT, stepBGE, stepBLTU, stepBGEU:
		return true
	}
	return false
}

// stepFor is the step of a decoded instruction at byte off of its line, without
// what says where it stands in its run.
func (h *Hart) stepFor(in *isa.Inst, off uint64) step {
	s := step{rd: in.Rd, rs1: in.Rs1, rs2: in.Rs2, imm: in.Imm, word: in.Raw, at: placeOf(off)}
	s.op = stepSlow
	if in.Op < isa.NumOps && (stepOf[in.Op] != 0 || in.Op == isa.OpLD) {
		s.op = stepOf[in.Op]
	}
	switch {
	case s.op.branches():
		s.imm += int32(off)
		s.rd, s.word = in.Size, 0
		if uint64(s.imm)&h.alignMask != 0 { // it traps, if it is taken
			s.op, s.word = stepSlow, in.Raw
		}
	case s.op == stepJAL:
		s.imm += int32(off)
		s.rs2, s.word = placeOf(off+uint64(in.Size))-1, 0
		if uint64(s.imm)&h.alignMask != 0 {
			s.op, s.word = stepSlow, in.Raw
		}
	case s.op == stepJALR:
		s.rs2 = placeOf(off+uint64(in.Size)) - 1
	}
	switch s.op {
	case stepAUIPC:
		if s.imm += int32(off); s.imm > 0 && in.Imm < 0 { // across lines, and the farthest way back
			s.op = stepSlow
		}
	case stepFADDD, stepFMULD, stepFMADDD:
		if in.RM != dynamicRM && in.RM != 0 {
			s.op = stepSlow
		}
	}
	return s
}

// endsRun says whether a run ends with op: execution does not go on behind it, or
// only later.
func endsRun(op isa.Op) bool {
	return op == isa.OpJAL || op == isa.OpJALR || op == isa.OpMRET || op == isa.OpSRET
}
