package core

import (
	"math/bits"
	"unsafe"
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
// Instructions come in runs (block.go): what follows each other in a line, up to a
// jump. A run is charged and counted when it is entered; what leaves it early takes
// back what was not executed. A run for which there are not enough cycles is cut
// before. So the loop does nothing for an instruction but what it says.
//
// An instruction that traps is uncounted again (it does not retire).
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
		x    = &h.x
		in   *step
		run  uint32
		va   uint64
	)
	for left > 0 {
		va = pc - base
		if va >= h.lineSize {
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
			va = pc - base
		}
		run = *(*uint32)(unsafe.Add(dec, va*(entryBytes/2)))
		if run == 0 {
			goto fetch
		}
		in = (*step)(unsafe.Add(dec, run>>placeShift*uint32(stepBytes)))

	begin:
		left -= int64(run & entryCycles)
		n += uint64(run >> stepsShift & entrySteps)
		if left < 0 {
			h.pc, h.left, h.instret = pc, left, n
			in = h.cutRun(in, int64(run&entryCycles))
			pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
		}

	dispatch:
		switch in.op {
		case stepEnd:
			left += int64(in.after)
			n -= uint64(in.n)
			pc = base + uint64(in.at)*2 - 2
			continue
		case stepFetch:
			pc = base + uint64(in.at)*2 - 2
			if left > 0 {
				goto fetch
			}
			continue
		case stepJoin:
			in = (*step)(unsafe.Add(dec, in.imm))
			goto dispatch

		case stepADDI:
			x[in.rd] = x[in.rs1] + uint64(int64(in.imm))
		case stepADD:
			x[in.rd] = x[in.rs1] + x[in.rs2]
		case stepADDIW:
			x[in.rd] = uint64(int64(int32(x[in.rs1]) + in.imm))
		case stepADDW:
			x[in.rd] = uint64(int64(int32(x[in.rs1]) + int32(x[in.rs2])))
		case stepLUI:
			x[in.rd] = uint64(int64(in.imm))
		case stepAUIPC:
			x[in.rd] = base + uint64(in.at)*2 - 2 + uint64(int64(in.imm))
		case stepANDI:
			x[in.rd] = x[in.rs1] & uint64(int64(in.imm))
		case stepAND:
			x[in.rd] = x[in.rs1] & x[in.rs2]
		case stepORI:
			x[in.rd] = x[in.rs1] | uint64(int64(in.imm))
		case stepOR:
			x[in.rd] = x[in.rs1] | x[in.rs2]
		case stepXORI:
			x[in.rd] = x[in.rs1] ^ uint64(int64(in.imm))
		case stepXOR:
			x[in.rd] = x[in.rs1] ^ x[in.rs2]
		case stepSUB:
			x[in.rd] = x[in.rs1] - x[in.rs2]
		case stepSUBW:
			x[in.rd] = uint64(int64(int32(x[in.rs1]) - int32(x[in.rs2])))
		case stepSLLI:
			x[in.rd] = x[in.rs1] << (uint32(in.imm) & 63)
		case stepSLL:
			x[in.rd] = x[in.rs1] << (x[in.rs2] & 63)
		case stepSLLIW:
			x[in.rd] = uint64(int64(int32(x[in.rs1]) << (uint32(in.imm) & 31)))
		case stepSLLW:
			x[in.rd] = uint64(int64(int32(x[in.rs1]) << (x[in.rs2] & 31)))
		case stepSRLI:
			x[in.rd] = x[in.rs1] >> (uint32(in.imm) & 63)
		case stepSRL:
			x[in.rd] = x[in.rs1] >> (x[in.rs2] & 63)
		case stepSRLIW:
			x[in.rd] = uint64(int64(int32(uint32(x[in.rs1]) >> (uint32(in.imm) & 31))))
		case stepSRLW:
			x[in.rd] = uint64(int64(int32(uint32(x[in.rs1]) >> (x[in.rs2] & 31))))
		case stepSRAI:
			x[in.rd] = uint64(int64(x[in.rs1]) >> (uint32(in.imm) & 63))
		case stepSRA:
			x[in.rd] = uint64(int64(x[in.rs1]) >> (x[in.rs2] & 63))
		case stepSRAIW:
			x[in.rd] = uint64(int64(int32(x[in.rs1]) >> (uint32(in.imm) & 31)))
		case stepSRAW:
			x[in.rd] = uint64(int64(int32(x[in.rs1]) >> (x[in.rs2] & 31)))
		case stepSLTI:
			x[in.rd] = b2u(int64(x[in.rs1]) < int64(in.imm))
		case stepSLT:
			x[in.rd] = b2u(int64(x[in.rs1]) < int64(x[in.rs2]))
		case stepSLTIU:
			x[in.rd] = b2u(x[in.rs1] < uint64(int64(in.imm)))
		case stepSLTU:
			x[in.rd] = b2u(x[in.rs1] < x[in.rs2])

		// Loads: the line table answers, or loadSlow does.
		case stepLD:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 8)
				x[in.rd] = *(*uint64)(unsafe.Add(e.data, va&h.offMask))
				break
			}
			goto slow
		case stepLW:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 4)
				x[in.rd] = uint64(int64(*(*int32)(unsafe.Add(e.data, va&h.offMask))))
				break
			}
			goto slow
		case stepLWU:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 4)
				x[in.rd] = uint64(*(*uint32)(unsafe.Add(e.data, va&h.offMask)))
				break
			}
			goto slow
		case stepLH:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 2)
				x[in.rd] = uint64(int64(*(*int16)(unsafe.Add(e.data, va&h.offMask))))
				break
			}
			goto slow
		case stepLHU:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 2)
				x[in.rd] = uint64(*(*uint16)(unsafe.Add(e.data, va&h.offMask)))
				break
			}
			goto slow
		case stepLB:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 1)
				x[in.rd] = uint64(int64(*(*int8)(unsafe.Add(e.data, va&h.offMask))))
				break
			}
			goto slow
		case stepLBU:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 1)
				x[in.rd] = uint64(*(*uint8)(unsafe.Add(e.data, va&h.offMask)))
				break
			}
			goto slow

		// Stores: to a line that may be written, and only while the store
		// buffer is empty, so that stores stay in order.
		case stepSD:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 8)
				*(*uint64)(unsafe.Add(e.data, va&h.offMask)) = x[in.rs2]
				break
			}
			goto slow
		case stepSW:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 4)
				*(*uint32)(unsafe.Add(e.data, va&h.offMask)) = uint32(x[in.rs2])
				break
			}
			goto slow
		case stepSH:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 2)
				*(*uint16)(unsafe.Add(e.data, va&h.offMask)) = uint16(x[in.rs2])
				break
			}
			goto slow
		case stepSB:
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 1)
				*(*uint8)(unsafe.Add(e.data, va&h.offMask)) = uint8(x[in.rs2])
				break
			}
			goto slow

		case stepBEQ:
			if x[in.rs1] == x[in.rs2] {
				goto branch
			}
		case stepBNE:
			if x[in.rs1] != x[in.rs2] {
				goto branch
			}
		case stepBLT:
			if int64(x[in.rs1]) < int64(x[in.rs2]) {
				goto branch
			}
		case stepBGE:
			if int64(x[in.rs1]) >= int64(x[in.rs2]) {
				goto branch
			}
		case stepBLTU:
			if x[in.rs1] < x[in.rs2] {
				goto branch
			}
		case stepBGEU:
			if x[in.rs1] >= x[in.rs2] {
				goto branch
			}
		case stepJAL: // the last of its run
			va = base + uint64(int64(in.imm))
			if va&h.alignMask != 0 {
				goto slow
			}
			x[in.rd] = base + uint64(in.at)*2 - 2 + uint64(in.rs2)
			left -= h.jumpCost
			pc = va
			continue
		case stepJALR: // also
			va = (x[in.rs1] + uint64(int64(in.imm))) &^ 1
			if va&h.alignMask != 0 {
				goto slow
			}
			x[in.rd] = base + uint64(in.at)*2 - 2 + uint64(in.rs2)
			left -= h.jumpCost
			pc = va
			continue

		case stepADDUW:
			x[in.rd] = uint64(uint32(x[in.rs1])) + x[in.rs2]
		case stepSH1ADD:
			x[in.rd] = x[in.rs1]<<1 + x[in.rs2]
		case stepSH2ADD:
			x[in.rd] = x[in.rs1]<<2 + x[in.rs2]
		case stepSH3ADD:
			x[in.rd] = x[in.rs1]<<3 + x[in.rs2]
		case stepSH1ADDUW:
			x[in.rd] = uint64(uint32(x[in.rs1]))<<1 + x[in.rs2]
		case stepSH2ADDUW:
			x[in.rd] = uint64(uint32(x[in.rs1]))<<2 + x[in.rs2]
		case stepSH3ADDUW:
			x[in.rd] = uint64(uint32(x[in.rs1]))<<3 + x[in.rs2]
		case stepSLLIUW:
			x[in.rd] = uint64(uint32(x[in.rs1])) << (uint32(in.imm) & 63)

		case stepMUL:
			x[in.rd] = x[in.rs1] * x[in.rs2]
		case stepMULHU:
			x[in.rd], _ = bits.Mul64(x[in.rs1], x[in.rs2])
		case stepMULW:
			x[in.rd] = uint64(int64(int32(x[in.rs1]) * int32(x[in.rs2])))

		case stepANDN:
			x[in.rd] = x[in.rs1] &^ x[in.rs2]
		case stepORN:
			x[in.rd] = x[in.rs1] | ^x[in.rs2]
		case stepXNOR:
			x[in.rd] = ^(x[in.rs1] ^ x[in.rs2])
		case stepMIN:
			x[in.rd] = uint64(min(int64(x[in.rs1]), int64(x[in.rs2])))
		case stepMINU:
			x[in.rd] = min(x[in.rs1], x[in.rs2])
		case stepMAX:
			x[in.rd] = uint64(max(int64(x[in.rs1]), int64(x[in.rs2])))
		case stepMAXU:
			x[in.rd] = max(x[in.rs1], x[in.rs2])
		case stepSEXTB:
			x[in.rd] = uint64(int64(int8(x[in.rs1])))
		case stepSEXTH:
			x[in.rd] = uint64(int64(int16(x[in.rs1])))
		case stepZEXTH:
			x[in.rd] = uint64(uint16(x[in.rs1]))
		case stepCLZ:
			x[in.rd] = uint64(bits.LeadingZeros64(x[in.rs1]))
		case stepCLZW:
			x[in.rd] = uint64(bits.LeadingZeros32(uint32(x[in.rs1])))
		case stepCTZ:
			x[in.rd] = uint64(bits.TrailingZeros64(x[in.rs1]))
		case stepCTZW:
			x[in.rd] = uint64(bits.TrailingZeros32(uint32(x[in.rs1])))
		case stepROL:
			x[in.rd] = bits.RotateLeft64(x[in.rs1], int(x[in.rs2]&63))
		case stepROLW:
			x[in.rd] = uint64(int64(int32(bits.RotateLeft32(uint32(x[in.rs1]), int(x[in.rs2]&31)))))
		case stepROR:
			x[in.rd] = bits.RotateLeft64(x[in.rs1], -int(x[in.rs2]&63))
		case stepRORW:
			x[in.rd] = uint64(int64(int32(bits.RotateLeft32(uint32(x[in.rs1]), -int(x[in.rs2]&31)))))
		case stepRORI:
			x[in.rd] = bits.RotateLeft64(x[in.rs1], -int(in.imm&63))
		case stepRORIW:
			x[in.rd] = uint64(int64(int32(bits.RotateLeft32(uint32(x[in.rs1]), -int(in.imm&31)))))
		case stepREV8:
			x[in.rd] = bits.ReverseBytes64(x[in.rs1])

		case stepBCLR:
			x[in.rd] = x[in.rs1] &^ (1 << (x[in.rs2] & 63))
		case stepBCLRI:
			x[in.rd] = x[in.rs1] &^ (1 << (uint32(in.imm) & 63))
		case stepBEXT:
			x[in.rd] = x[in.rs1] >> (x[in.rs2] & 63) & 1
		case stepBEXTI:
			x[in.rd] = x[in.rs1] >> (uint32(in.imm) & 63) & 1
		case stepBINV:
			x[in.rd] = x[in.rs1] ^ 1<<(x[in.rs2]&63)
		case stepBINVI:
			x[in.rd] = x[in.rs1] ^ 1<<(uint32(in.imm)&63)
		case stepBSET:
			x[in.rd] = x[in.rs1] | 1<<(x[in.rs2]&63)
		case stepBSETI:
			x[in.rd] = x[in.rs1] | 1<<(uint32(in.imm)&63)

		case stepCZEROEQZ:
			va = x[in.rs1]
			if x[in.rs2] == 0 {
				va = 0
			}
			x[in.rd] = va
		case stepCZERONEZ:
			va = x[in.rs1]
			if x[in.rs2] != 0 {
				va = 0
			}
			x[in.rd] = va

		case stepFLD:
			if h.fpOff {
				goto slow
			}
			h.fpDirty()
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.rtag {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 8)
				h.f[in.rd] = *(*uint64)(unsafe.Add(e.data, va&h.offMask))
				break
			}
			goto slow
		case stepFSD:
			if h.fpOff {
				goto slow
			}
			va = x[in.rs1] + uint64(int64(in.imm))
			if e := &h.lines[va>>(h.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 8)
				*(*uint64)(unsafe.Add(e.data, va&h.offMask)) = h.f[in.rs2]
				break
			}
			goto slow
		case stepFADDD:
			if h.frm != 0 || h.fpOff {
				goto slow
			}
			h.pc, h.left, h.instret = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n)
			h.addD(in)
			pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
			continue
		case stepFMULD:
			if h.frm != 0 || h.fpOff {
				goto slow
			}
			h.pc, h.left, h.instret = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n)
			h.mulD(in)
			pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
			continue
		case stepFMADDD:
			if h.frm != 0 || h.fpOff {
				goto slow
			}
			h.pc, h.left, h.instret = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n)
			h.fmaD(in)
			pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
			continue
		case stepNOP:
		case stepSlow, lastStep:
			goto slow
		default:
			goto slow
		}
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto dispatch

	branch:
		va = base + uint64(int64(in.imm))
		if va&h.alignMask != 0 {
			goto slow
		}
		left += int64(in.after) - h.branchCost
		n -= uint64(in.n)
		pc = va
		continue

	fetch:
		// The line is not current, or the instruction is not in its block.
		h.pc, h.left, h.instret = pc, left, n
		in, run = h.nextInst(pc)
		pc, left, n, base, dec = h.pc, h.left, h.instret, h.fbase, h.fdec
		if in != nil {
			goto begin
		}
		continue

	slow:
		h.pc, h.left, h.instret = base+uint64(in.at)*2-2, left+int64(in.after), n-uint64(in.n)
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
