package core

import (
	"math/bits"
	"unsafe"

	"mcsim/core/isa"
)

// exec runs instructions until the clock reaches the limit. It is the one hot
// loop of the simulator: a switch over decoded instructions, with the hart's
// pc, the cycles left and the current line in locals.
//
// Nothing but h lives across a call, so that the compiler keeps the locals in
// registers: whatever leaves the fast paths (a line-table miss, floating point
// beyond the common, a CSR, a trap) stores the locals, goes to slow, which
// completes the instruction, and loads them again, because the call may have
// parked the hart.
//
// Where execution goes on in sequence, so does it in the line's decoded
// instructions, to the one behind the last, which says so (opLineEnd). Jumps look
// for their target's line first.
//
// Every instruction is charged and counted before it executes; one that traps
// is uncounted again (it does not retire).
//
// A run that is recorded uses execRecord, which mkrecord makes of this text
// with the lines behind //record: in it.
//
//go:generate go run ./mkrecord
func (h *Hart) exec() {
	var (
		pc   = h.pc
		left = h.left
		n    = h.instret
		base = h.fbase
		dec  = h.fdec
		in   *isa.Inst
		va   uint64
	)
	for left > 0 {
		if pc-base >= h.lineSize {
			f := &h.flines[pc>>(h.shift&63)&(fetchSize-1)]
			if pc&h.lineMask != f.tag {
				goto fetch
			}
			va = h.l1i.Clock + 1
			h.l1i.Clock = va
			*f.stamp = va
			*f.tlb = va
			//record: h.recordFetch(f, pc, n, left)
			base, dec = f.tag, f.dec
			h.fbase, h.fdec, h.fbytes = base, dec, f.bytes
		}
		in = (*isa.Inst)(unsafe.Add(dec, (pc-base)*(instBytes/2)))

	dispatch:
		left -= int64(in.Cost)
		n++
		switch in.Op {
		case opLineEnd:
			n--
			continue
		case isa.OpNone, opRefetch, opAcross:
			left += int64(in.Cost)
			n--
			goto fetch

		case isa.OpADDI:
			h.x[in.Rd] = h.x[in.Rs1] + uint64(int64(in.Imm))
		case isa.OpADD:
			h.x[in.Rd] = h.x[in.Rs1] + h.x[in.Rs2]
		case isa.OpADDIW:
			h.x[in.Rd] = uint64(int64(int32(h.x[in.Rs1]) + in.Imm))
		case isa.OpADDW:
			h.x[in.Rd] = uint64(int64(int32(h.x[in.Rs1]) + int32(h.x[in.Rs2])))
		case isa.OpLUI:
			h.x[in.Rd] = uint64(int64(in.Imm))
		case isa.OpAUIPC:
			h.x[in.Rd] = pc + uint64(int64(in.Imm))
		case isa.OpANDI:
			h.x[in.Rd] = h.x[in.Rs1] & uint64(int64(in.Imm))
		case isa.OpAND:
			h.x[in.Rd] = h.x[in.Rs1] & h.x[in.Rs2]
		case isa.OpORI:
			h.x[in.Rd] = h.x[in.Rs1] | uint64(int64(in.Imm))
		case isa.OpOR:
			h.x[in.Rd] = h.x[in.Rs1] | h.x[in.Rs2]
		case isa.OpXORI:
			h.x[in.Rd] = h.x[in.Rs1] ^ uint64(int64(in.Imm))
		case isa.OpXOR:
			h.x[in.Rd] = h.x[in.Rs1] ^ h.x[in.Rs2]
		case isa.OpSUB:
			h.x[in.Rd] = h.x[in.Rs1] - h.x[in.Rs2]
		case isa.OpSUBW:
			h.x[in.Rd] = uint64(int64(int32(h.x[in.Rs1]) - int32(h.x[in.Rs2])))
		case isa.OpSLLI:
			h.x[in.Rd] = h.x[in.Rs1] << (uint32(in.Imm) & 63)
		case isa.OpSLL:
			h.x[in.Rd] = h.x[in.Rs1] << (h.x[in.Rs2] & 63)
		case isa.OpSLLIW:
			h.x[in.Rd] = uint64(int64(int32(h.x[in.Rs1]) << (uint32(in.Imm) & 31)))
		case isa.OpSLLW:
			h.x[in.Rd] = uint64(int64(int32(h.x[in.Rs1]) << (h.x[in.Rs2] & 31)))
		case isa.OpSRLI:
			h.x[in.Rd] = h.x[in.Rs1] >> (uint32(in.Imm) & 63)
		case isa.OpSRL:
			h.x[in.Rd] = h.x[in.Rs1] >> (h.x[in.Rs2] & 63)
		case isa.OpSRLIW:
			h.x[in.Rd] = uint64(int64(int32(uint32(h.x[in.Rs1]) >> (uint32(in.Imm) & 31))))
		case isa.OpSRLW:
			h.x[in.Rd] = uint64(int64(int32(uint32(h.x[in.Rs1]) >> (h.x[in.Rs2] & 31))))
		case isa.OpSRAI:
			h.x[in.Rd] = uint64(int64(h.x[in.Rs1]) >> (uint32(in.Imm) & 63))
		case isa.OpSRA:
			h.x[in.Rd] = uint64(int64(h.x[in.Rs1]) >> (h.x[in.Rs2] & 63))
		case isa.OpSRAIW:
			h.x[in.Rd] = uint64(int64(int32(h.x[in.Rs1]) >> (uint32(in.Imm) & 31)))
		case isa.OpSRAW:
			h.x[in.Rd] = uint64(int64(int32(h.x[in.Rs1]) >> (h.x[in.Rs2] & 31)))
		case isa.OpSLTI:
			h.x[in.Rd] = b2u(int64(h.x[in.Rs1]) < int64(in.Imm))
		case isa.OpSLT:
			h.x[in.Rd] = b2u(int64(h.x[in.Rs1]) < int64(h.x[in.Rs2]))
		case isa.OpSLTIU:
			h.x[in.Rd] = b2u(h.x[in.Rs1] < uint64(int64(in.Imm)))
		case isa.OpSLTU:
			h.x[in.Rd] = b2u(h.x[in.Rs1] < h.x[in.Rs2])

		// Loads: the line table answers, or loadSlow does.
		case isa.OpLD:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Load, 8)
				h.x[in.Rd] = *(*uint64)(unsafe.Add(e.data, va&h.offMask))
				break
			}
			goto slow
		case isa.OpLW:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Load, 4)
				h.x[in.Rd] = uint64(int64(*(*int32)(unsafe.Add(e.data, va&h.offMask))))
				break
			}
			goto slow
		case isa.OpLWU:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Load, 4)
				h.x[in.Rd] = uint64(*(*uint32)(unsafe.Add(e.data, va&h.offMask)))
				break
			}
			goto slow
		case isa.OpLH:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Load, 2)
				h.x[in.Rd] = uint64(int64(*(*int16)(unsafe.Add(e.data, va&h.offMask))))
				break
			}
			goto slow
		case isa.OpLHU:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Load, 2)
				h.x[in.Rd] = uint64(*(*uint16)(unsafe.Add(e.data, va&h.offMask)))
				break
			}
			goto slow
		case isa.OpLB:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Load, 1)
				h.x[in.Rd] = uint64(int64(*(*int8)(unsafe.Add(e.data, va&h.offMask))))
				break
			}
			goto slow
		case isa.OpLBU:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Load, 1)
				h.x[in.Rd] = uint64(*(*uint8)(unsafe.Add(e.data, va&h.offMask)))
				break
			}
			goto slow

		// Stores: to a line that may be written, and only while the store
		// buffer is empty, so that stores stay in order.
		case isa.OpSD:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Store, 8)
				*(*uint64)(unsafe.Add(e.data, va&h.offMask)) = h.x[in.Rs2]
				break
			}
			goto slow
		case isa.OpSW:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Store, 4)
				*(*uint32)(unsafe.Add(e.data, va&h.offMask)) = uint32(h.x[in.Rs2])
				break
			}
			goto slow
		case isa.OpSH:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Store, 2)
				*(*uint16)(unsafe.Add(e.data, va&h.offMask)) = uint16(h.x[in.Rs2])
				break
			}
			goto slow
		case isa.OpSB:
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Store, 1)
				*(*uint8)(unsafe.Add(e.data, va&h.offMask)) = uint8(h.x[in.Rs2])
				break
			}
			goto slow

		case isa.OpBEQ:
			if h.x[in.Rs1] == h.x[in.Rs2] {
				goto branch
			}
		case isa.OpBNE:
			if h.x[in.Rs1] != h.x[in.Rs2] {
				goto branch
			}
		case isa.OpBLT:
			if int64(h.x[in.Rs1]) < int64(h.x[in.Rs2]) {
				goto branch
			}
		case isa.OpBGE:
			if int64(h.x[in.Rs1]) >= int64(h.x[in.Rs2]) {
				goto branch
			}
		case isa.OpBLTU:
			if h.x[in.Rs1] < h.x[in.Rs2] {
				goto branch
			}
		case isa.OpBGEU:
			if h.x[in.Rs1] >= h.x[in.Rs2] {
				goto branch
			}
		case isa.OpJAL:
			va = pc + uint64(int64(in.Imm))
			if va&h.alignMask != 0 {
				goto slow
			}
			h.x[in.Rd] = pc + uint64(in.Size)
			left -= h.jumpCost
			pc = va
			continue
		case isa.OpJALR:
			va = (h.x[in.Rs1] + uint64(int64(in.Imm))) &^ 1
			if va&h.alignMask != 0 {
				goto slow
			}
			h.x[in.Rd] = pc + uint64(in.Size)
			left -= h.jumpCost
			pc = va
			continue

		case isa.OpADDUW:
			h.x[in.Rd] = uint64(uint32(h.x[in.Rs1])) + h.x[in.Rs2]
		case isa.OpSH1ADD:
			h.x[in.Rd] = h.x[in.Rs1]<<1 + h.x[in.Rs2]
		case isa.OpSH2ADD:
			h.x[in.Rd] = h.x[in.Rs1]<<2 + h.x[in.Rs2]
		case isa.OpSH3ADD:
			h.x[in.Rd] = h.x[in.Rs1]<<3 + h.x[in.Rs2]
		case isa.OpSH1ADDUW:
			h.x[in.Rd] = uint64(uint32(h.x[in.Rs1]))<<1 + h.x[in.Rs2]
		case isa.OpSH2ADDUW:
			h.x[in.Rd] = uint64(uint32(h.x[in.Rs1]))<<2 + h.x[in.Rs2]
		case isa.OpSH3ADDUW:
			h.x[in.Rd] = uint64(uint32(h.x[in.Rs1]))<<3 + h.x[in.Rs2]
		case isa.OpSLLIUW:
			h.x[in.Rd] = uint64(uint32(h.x[in.Rs1])) << (uint32(in.Imm) & 63)

		case isa.OpMUL:
			h.x[in.Rd] = h.x[in.Rs1] * h.x[in.Rs2]
		case isa.OpMULHU:
			h.x[in.Rd], _ = bits.Mul64(h.x[in.Rs1], h.x[in.Rs2])
		case isa.OpMULW:
			h.x[in.Rd] = uint64(int64(int32(h.x[in.Rs1]) * int32(h.x[in.Rs2])))

		case isa.OpANDN:
			h.x[in.Rd] = h.x[in.Rs1] &^ h.x[in.Rs2]
		case isa.OpORN:
			h.x[in.Rd] = h.x[in.Rs1] | ^h.x[in.Rs2]
		case isa.OpXNOR:
			h.x[in.Rd] = ^(h.x[in.Rs1] ^ h.x[in.Rs2])
		case isa.OpMIN:
			h.x[in.Rd] = uint64(min(int64(h.x[in.Rs1]), int64(h.x[in.Rs2])))
		case isa.OpMINU:
			h.x[in.Rd] = min(h.x[in.Rs1], h.x[in.Rs2])
		case isa.OpMAX:
			h.x[in.Rd] = uint64(max(int64(h.x[in.Rs1]), int64(h.x[in.Rs2])))
		case isa.OpMAXU:
			h.x[in.Rd] = max(h.x[in.Rs1], h.x[in.Rs2])
		case isa.OpSEXTB:
			h.x[in.Rd] = uint64(int64(int8(h.x[in.Rs1])))
		case isa.OpSEXTH:
			h.x[in.Rd] = uint64(int64(int16(h.x[in.Rs1])))
		case isa.OpZEXTH:
			h.x[in.Rd] = uint64(uint16(h.x[in.Rs1]))
		case isa.OpCLZ:
			h.x[in.Rd] = uint64(bits.LeadingZeros64(h.x[in.Rs1]))
		case isa.OpCLZW:
			h.x[in.Rd] = uint64(bits.LeadingZeros32(uint32(h.x[in.Rs1])))
		case isa.OpCTZ:
			h.x[in.Rd] = uint64(bits.TrailingZeros64(h.x[in.Rs1]))
		case isa.OpCTZW:
			h.x[in.Rd] = uint64(bits.TrailingZeros32(uint32(h.x[in.Rs1])))
		case isa.OpROL:
			h.x[in.Rd] = bits.RotateLeft64(h.x[in.Rs1], int(h.x[in.Rs2]&63))
		case isa.OpROLW:
			h.x[in.Rd] = uint64(int64(int32(bits.RotateLeft32(uint32(h.x[in.Rs1]), int(h.x[in.Rs2]&31)))))
		case isa.OpROR:
			h.x[in.Rd] = bits.RotateLeft64(h.x[in.Rs1], -int(h.x[in.Rs2]&63))
		case isa.OpRORW:
			h.x[in.Rd] = uint64(int64(int32(bits.RotateLeft32(uint32(h.x[in.Rs1]), -int(h.x[in.Rs2]&31)))))
		case isa.OpRORI:
			h.x[in.Rd] = bits.RotateLeft64(h.x[in.Rs1], -int(in.Imm&63))
		case isa.OpRORIW:
			h.x[in.Rd] = uint64(int64(int32(bits.RotateLeft32(uint32(h.x[in.Rs1]), -int(in.Imm&31)))))
		case isa.OpREV8:
			h.x[in.Rd] = bits.ReverseBytes64(h.x[in.Rs1])

		case isa.OpBCLR:
			h.x[in.Rd] = h.x[in.Rs1] &^ (1 << (h.x[in.Rs2] & 63))
		case isa.OpBCLRI:
			h.x[in.Rd] = h.x[in.Rs1] &^ (1 << (uint32(in.Imm) & 63))
		case isa.OpBEXT:
			h.x[in.Rd] = h.x[in.Rs1] >> (h.x[in.Rs2] & 63) & 1
		case isa.OpBEXTI:
			h.x[in.Rd] = h.x[in.Rs1] >> (uint32(in.Imm) & 63) & 1
		case isa.OpBINV:
			h.x[in.Rd] = h.x[in.Rs1] ^ 1<<(h.x[in.Rs2]&63)
		case isa.OpBINVI:
			h.x[in.Rd] = h.x[in.Rs1] ^ 1<<(uint32(in.Imm)&63)
		case isa.OpBSET:
			h.x[in.Rd] = h.x[in.Rs1] | 1<<(h.x[in.Rs2]&63)
		case isa.OpBSETI:
			h.x[in.Rd] = h.x[in.Rs1] | 1<<(uint32(in.Imm)&63)

		case isa.OpCZEROEQZ:
			va = h.x[in.Rs1]
			if h.x[in.Rs2] == 0 {
				va = 0
			}
			h.x[in.Rd] = va
		case isa.OpCZERONEZ:
			va = h.x[in.Rs1]
			if h.x[in.Rs2] != 0 {
				va = 0
			}
			h.x[in.Rd] = va

		case isa.OpFLD:
			if h.fpOff {
				goto slow
			}
			h.fpDirty()
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Load, 8)
				h.f[in.Rd] = *(*uint64)(unsafe.Add(e.data, va&h.offMask))
				break
			}
			goto slow
		case isa.OpFSD:
			if h.fpOff {
				goto slow
			}
			va = h.x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, pc, n, left, record.Store, 8)
				*(*uint64)(unsafe.Add(e.data, va&h.offMask)) = h.f[in.Rs2]
				break
			}
			goto slow
		case isa.OpFLW, isa.OpFLH, isa.OpFSW, isa.OpFSH:
			goto slow
		case isa.OpFADDD:
			if h.frm != 0 || h.fpOff || in.RM != dynamicRM && in.RM != 0 {
				goto slow
			}
			h.pc, h.left, h.instret = pc+4, left, n
			h.addD(in)
			pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
			continue
		case isa.OpFMULD:
			if h.frm != 0 || h.fpOff || in.RM != dynamicRM && in.RM != 0 {
				goto slow
			}
			h.pc, h.left, h.instret = pc+4, left, n
			h.mulD(in)
			pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
			continue
		case isa.OpFMADDD:
			if h.frm != 0 || h.fpOff || in.RM != dynamicRM && in.RM != 0 {
				goto slow
			}
			h.pc, h.left, h.instret = pc+4, left, n
			h.fmaD(in)
			pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
			continue
		case isa.OpPAUSE:
		default:
			goto slow
		}
		pc += uint64(in.Size)
		if left > 0 {
			in = (*isa.Inst)(unsafe.Add(unsafe.Pointer(in), uint64(in.Size)*(instBytes/2)))
			goto dispatch
		}
		break

	branch:
		va = pc + uint64(int64(in.Imm))
		if va&h.alignMask != 0 {
			goto slow
		}
		left -= h.branchCost
		pc = va
		continue

	fetch:
		// The line is not current, or the instruction is not decoded yet.
		h.pc, h.left, h.instret = pc, left, n
		in = h.nextInst(pc)
		pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
		if in != nil {
			goto dispatch
		}
		continue

	slow:
		h.pc, h.left, h.instret = pc, left, n
		h.slow(in)
		pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
	}
	h.pc, h.left, h.instret = pc, left, n
}

// touch counts a line-table hit as what it is: an access to the L1D and to the
// DTLB, for their statistics and their replacement.
func (h *Hart) touch(e *lineEntry) {
	c := *h.dclock + 1
	*h.dclock = c
	*e.stamp = c
	*e.tlb = c
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
