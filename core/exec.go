package core

import (
	"math"
	"math/bits"
	"unsafe"
)

// What the loop needs of lines, which are of 64 bytes there.
const (
	lineShift = 6
	lineSize  = 1 << lineShift
	lineOff   = lineSize - 1
	lineMask  = ^uint64(lineOff)

	// Which bits of an access's address the line table compares, by its size.
	aligned1 = lineMask
	aligned2 = lineMask | 1
	aligned4 = lineMask | 3
	aligned8 = lineMask | 7
)

// exec runs instructions until the clock reaches the limit.
func (h *Hart) exec() {
	if h.lineSize == lineSize {
		h.exec64()
	} else {
		h.execAny()
	}
}

// exec64 runs instructions until the clock reaches the limit. It is the one hot
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
// It is for lines of 64 bytes. Others, and runs that are recorded, use execAny and
// execRecord, which mkrecord makes of this text, the latter with the lines behind
// //record: in it.
//
//go:generate go run ./mkrecord
func (h *Hart) exec64() {
	var (
		pc   = h.pc
		left = h.left
		n    = h.instret
		base = h.fbase
		dec  = h.fdec
		x    = unsafe.Pointer(&h.x)
		uses = *h.dclock
		in   *step
		va   uint64
	)
	for left > 0 {
		va = pc - base
		if va >= lineSize {
			f := h.fetchOf64(pc)
			if pc&lineMask != f.tag {
				goto fetch
			}
			va = h.l1i.Clock + 1
			h.l1i.Clock = va
			*f.stamp = va
			*f.tlb = va
			//record: h.recordFetch(f, pc, n, left)
			base, dec = f.tag, f.dec
			va = pc & lineOff
		}
		va = uint64(*(*uint16)(unsafe.Add(dec, va)))
		if va == 0 {
			goto fetch
		}
		in = (*step)(unsafe.Add(dec, va))

	begin: // behind in
		left -= int64(in.after)
		n += uint64(in.n)
		if left < 0 {
			h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = pc, left, n, uses, base, dec
			in = h.cutRun(in)
			left, n, uses, base, dec = h.left, h.instret, *h.dclock, h.fbase, h.fdec
		}

	next:
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
	find:
		if in.op < stepBEQ {
			if in.op < stepADDI {
				if in.op == stepLD {
					goto ld
				}
				goto sd
			}
			if in.op == stepADDI {
				goto addi
			}
			goto add
		}
		if in.op < stepSRLI {
			if in.op < stepSLLI {
				if in.op == stepBEQ {
					goto beq
				}
				goto bne
			}
			if in.op == stepSLLI {
				goto slli
			}
			goto xor
		}
		if in.op < stepSlow {
			if in.op < stepBLTU {
				if in.op < stepANDI {
					if in.op < stepLBU {
						if in.op == stepSRLI {
							goto srli
						}
						goto or
					}
					if in.op == stepLBU {
						goto lbu
					}
					goto runEnd
				}
				if in.op < stepAND {
					if in.op == stepANDI {
						goto andi
					}
					goto addiw
				}
				if in.op == stepAND {
					goto and
				}
				goto sub
			}
			if in.op < stepJALR {
				if in.op < stepSB {
					if in.op == stepBLTU {
						goto bltu
					}
					goto lw
				}
				if in.op == stepSB {
					goto sb
				}
				goto sltu
			}
			if in.op < stepFetch {
				if in.op == stepJALR {
					goto jalr
				}
				goto lb
			}
			if in.op == stepFetch {
				goto notKept
			}
			goto xori
		}
		switch in.op {
		case stepJoin:
			in = (*step)(unsafe.Add(dec, in.imm))

		case stepCut:
			left += int64(in.after)
			n -= uint64(in.n)
			pc = base + uint64(in.at)*2 - 2
			continue

		case stepADDW:
			*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) + int32(*xreg(x, in.rs2))))
		case stepLUI:
			*xreg(x, in.rd) = uint64(int64(in.imm))
		case stepAUIPC:
			*xreg(x, in.rd) = base + uint64(int64(in.imm))
		case stepORI:
			*xreg(x, in.rd) = *xreg(x, in.rs1) | uint64(int64(in.imm))
		case stepSUBW:
			*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) - int32(*xreg(x, in.rs2))))
		case stepSLL:
			*xreg(x, in.rd) = *xreg(x, in.rs1) << (*xreg(x, in.rs2) & 63)
		case stepSLLIW:
			*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) << (uint32(in.imm) & 31)))
		case stepSLLW:
			*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) << (*xreg(x, in.rs2) & 31)))
		case stepSRL:
			*xreg(x, in.rd) = *xreg(x, in.rs1) >> (*xreg(x, in.rs2) & 63)
		case stepSRLIW:
			*xreg(x, in.rd) = uint64(int64(int32(uint32(*xreg(x, in.rs1)) >> (uint32(in.imm) & 31))))
		case stepSRLW:
			*xreg(x, in.rd) = uint64(int64(int32(uint32(*xreg(x, in.rs1)) >> (*xreg(x, in.rs2) & 31))))
		case stepSRAI:
			*xreg(x, in.rd) = uint64(int64(*xreg(x, in.rs1)) >> (uint32(in.imm) & 63))
		case stepSRA:
			*xreg(x, in.rd) = uint64(int64(*xreg(x, in.rs1)) >> (*xreg(x, in.rs2) & 63))
		case stepSRAIW:
			*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) >> (uint32(in.imm) & 31)))
		case stepSRAW:
			*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) >> (*xreg(x, in.rs2) & 31)))
		case stepSLTI:
			*xreg(x, in.rd) = b2u(int64(*xreg(x, in.rs1)) < int64(in.imm))
		case stepSLT:
			*xreg(x, in.rd) = b2u(int64(*xreg(x, in.rs1)) < int64(*xreg(x, in.rs2)))
		case stepSLTIU:
			*xreg(x, in.rd) = b2u(*xreg(x, in.rs1) < uint64(int64(in.imm)))

		// Loads: the line table answers, or loadSlow does.
		case stepLWU:
			va = *xreg(x, in.rs1) + uint64(int64(in.imm))
			if e := h.lineOf64(va); va&aligned4 == e.rtag {
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 4)
				*xreg(x, in.rd) = uint64(*(*uint32)(unsafe.Add(e.data, va&lineOff)))
				break
			}
			goto slow
		case stepLH:
			va = *xreg(x, in.rs1) + uint64(int64(in.imm))
			if e := h.lineOf64(va); va&aligned2 == e.rtag {
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 2)
				*xreg(x, in.rd) = uint64(int64(*(*int16)(unsafe.Add(e.data, va&lineOff))))
				break
			}
			goto slow
		case stepLHU:
			va = *xreg(x, in.rs1) + uint64(int64(in.imm))
			if e := h.lineOf64(va); va&aligned2 == e.rtag {
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 2)
				*xreg(x, in.rd) = uint64(*(*uint16)(unsafe.Add(e.data, va&lineOff)))
				break
			}
			goto slow

		// Stores: to a line that may be written, and only while the store
		// buffer is empty, so that stores stay in order.
		case stepSW:
			va = *xreg(x, in.rs1) + uint64(int64(in.imm))
			if e := h.lineOf64(va); va&aligned4 == e.wtag && h.sbCount == 0 {
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 4)
				*(*uint32)(unsafe.Add(e.data, va&lineOff)) = uint32(*xreg(x, in.rs2))
				break
			}
			goto slow
		case stepSH:
			va = *xreg(x, in.rs1) + uint64(int64(in.imm))
			if e := h.lineOf64(va); va&aligned2 == e.wtag && h.sbCount == 0 {
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 2)
				*(*uint16)(unsafe.Add(e.data, va&lineOff)) = uint16(*xreg(x, in.rs2))
				break
			}
			goto slow

		case stepBLT:
			if int64(*xreg(x, in.rs1)) < int64(*xreg(x, in.rs2)) {
				goto branch
			}
		case stepBGE:
			if int64(*xreg(x, in.rs1)) >= int64(*xreg(x, in.rs2)) {
				goto branch
			}
		case stepBGEU:
			if *xreg(x, in.rs1) >= *xreg(x, in.rs2) {
				goto branch
			}
		case stepJAL: // the last of its run
			*xreg(x, in.rd) = base + uint64(in.rs2)*2
			left -= h.jumpCost
			pc = base + uint64(int64(in.imm))
			goto jumped

		case stepADDUW:
			*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1))) + *xreg(x, in.rs2)
		case stepSH1ADD:
			*xreg(x, in.rd) = *xreg(x, in.rs1)<<1 + *xreg(x, in.rs2)
		case stepSH2ADD:
			*xreg(x, in.rd) = *xreg(x, in.rs1)<<2 + *xreg(x, in.rs2)
		case stepSH3ADD:
			*xreg(x, in.rd) = *xreg(x, in.rs1)<<3 + *xreg(x, in.rs2)
		case stepSH1ADDUW:
			*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1)))<<1 + *xreg(x, in.rs2)
		case stepSH2ADDUW:
			*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1)))<<2 + *xreg(x, in.rs2)
		case stepSH3ADDUW:
			*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1)))<<3 + *xreg(x, in.rs2)
		case stepSLLIUW:
			*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1))) << (uint32(in.imm) & 63)

		case stepMUL:
			*xreg(x, in.rd) = *xreg(x, in.rs1) * *xreg(x, in.rs2)
		case stepMULHU:
			*xreg(x, in.rd), _ = bits.Mul64(*xreg(x, in.rs1), *xreg(x, in.rs2))
		case stepMULW:
			*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) * int32(*xreg(x, in.rs2))))

		case stepDIV:
			*xreg(x, in.rd) = uint64(sdiv(int64(*xreg(x, in.rs1)), int64(*xreg(x, in.rs2)), math.MinInt64))
		case stepDIVU:
			*xreg(x, in.rd) = udiv(*xreg(x, in.rs1), *xreg(x, in.rs2))
		case stepREM:
			*xreg(x, in.rd) = uint64(srem(int64(*xreg(x, in.rs1)), int64(*xreg(x, in.rs2)), math.MinInt64))
		case stepREMU:
			*xreg(x, in.rd) = urem(*xreg(x, in.rs1), *xreg(x, in.rs2))
		case stepDIVUW:
			*xreg(x, in.rd) = divuw(*xreg(x, in.rs1), *xreg(x, in.rs2))
		case stepREMUW:
			*xreg(x, in.rd) = remuw(*xreg(x, in.rs1), *xreg(x, in.rs2))

		case stepANDN:
			*xreg(x, in.rd) = *xreg(x, in.rs1) &^ *xreg(x, in.rs2)
		case stepORN:
			*xreg(x, in.rd) = *xreg(x, in.rs1) | ^*xreg(x, in.rs2)
		case stepXNOR:
			*xreg(x, in.rd) = ^(*xreg(x, in.rs1) ^ *xreg(x, in.rs2))
		case stepMIN:
			*xreg(x, in.rd) = uint64(min(int64(*xreg(x, in.rs1)), int64(*xreg(x, in.rs2))))
		case stepMINU:
			*xreg(x, in.rd) = min(*xreg(x, in.rs1), *xreg(x, in.rs2))
		case stepMAX:
			*xreg(x, in.rd) = uint64(max(int64(*xreg(x, in.rs1)), int64(*xreg(x, in.rs2))))
		case stepMAXU:
			*xreg(x, in.rd) = max(*xreg(x, in.rs1), *xreg(x, in.rs2))
		case stepSEXTB:
			*xreg(x, in.rd) = uint64(int64(int8(*xreg(x, in.rs1))))
		case stepSEXTH:
			*xreg(x, in.rd) = uint64(int64(int16(*xreg(x, in.rs1))))
		case stepZEXTH:
			*xreg(x, in.rd) = uint64(uint16(*xreg(x, in.rs1)))
		case stepCLZ:
			*xreg(x, in.rd) = uint64(bits.LeadingZeros64(*xreg(x, in.rs1)))
		case stepCLZW:
			*xreg(x, in.rd) = uint64(bits.LeadingZeros32(uint32(*xreg(x, in.rs1))))
		case stepCTZ:
			*xreg(x, in.rd) = uint64(bits.TrailingZeros64(*xreg(x, in.rs1)))
		case stepCTZW:
			*xreg(x, in.rd) = uint64(bits.TrailingZeros32(uint32(*xreg(x, in.rs1))))
		case stepROL:
			*xreg(x, in.rd) = bits.RotateLeft64(*xreg(x, in.rs1), int(*xreg(x, in.rs2)&63))
		case stepROLW:
			*xreg(x, in.rd) = uint64(int64(int32(bits.RotateLeft32(uint32(*xreg(x, in.rs1)), int(*xreg(x, in.rs2)&31)))))
		case stepROR:
			*xreg(x, in.rd) = bits.RotateLeft64(*xreg(x, in.rs1), -int(*xreg(x, in.rs2)&63))
		case stepRORW:
			*xreg(x, in.rd) = uint64(int64(int32(bits.RotateLeft32(uint32(*xreg(x, in.rs1)), -int(*xreg(x, in.rs2)&31)))))
		case stepRORI:
			*xreg(x, in.rd) = bits.RotateLeft64(*xreg(x, in.rs1), -int(in.imm&63))
		case stepRORIW:
			*xreg(x, in.rd) = uint64(int64(int32(bits.RotateLeft32(uint32(*xreg(x, in.rs1)), -int(in.imm&31)))))
		case stepORCB:
			*xreg(x, in.rd) = orcb(*xreg(x, in.rs1))
		case stepREV8:
			*xreg(x, in.rd) = bits.ReverseBytes64(*xreg(x, in.rs1))

		case stepBCLR:
			*xreg(x, in.rd) = *xreg(x, in.rs1) &^ (1 << (*xreg(x, in.rs2) & 63))
		case stepBCLRI:
			*xreg(x, in.rd) = *xreg(x, in.rs1) &^ (1 << (uint32(in.imm) & 63))
		case stepBEXT:
			*xreg(x, in.rd) = *xreg(x, in.rs1) >> (*xreg(x, in.rs2) & 63) & 1
		case stepBEXTI:
			*xreg(x, in.rd) = *xreg(x, in.rs1) >> (uint32(in.imm) & 63) & 1
		case stepBINV:
			*xreg(x, in.rd) = *xreg(x, in.rs1) ^ 1<<(*xreg(x, in.rs2)&63)
		case stepBINVI:
			*xreg(x, in.rd) = *xreg(x, in.rs1) ^ 1<<(uint32(in.imm)&63)
		case stepBSET:
			*xreg(x, in.rd) = *xreg(x, in.rs1) | 1<<(*xreg(x, in.rs2)&63)
		case stepBSETI:
			*xreg(x, in.rd) = *xreg(x, in.rs1) | 1<<(uint32(in.imm)&63)

		case stepCZEROEQZ:
			va = *xreg(x, in.rs1)
			if *xreg(x, in.rs2) == 0 {
				va = 0
			}
			*xreg(x, in.rd) = va
		case stepCZERONEZ:
			va = *xreg(x, in.rs1)
			if *xreg(x, in.rs2) != 0 {
				va = 0
			}
			*xreg(x, in.rd) = va

		case stepFLD:
			if h.fpOff {
				goto slow
			}
			h.fpDirty()
			va = *xreg(x, in.rs1) + uint64(int64(in.imm))
			if e := h.lineOf64(va); va&aligned8 == e.rtag {
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 8)
				h.f[in.rd] = *(*uint64)(unsafe.Add(e.data, va&lineOff))
				break
			}
			goto slow
		case stepFSD:
			if h.fpOff {
				goto slow
			}
			va = *xreg(x, in.rs1) + uint64(int64(in.imm))
			if e := h.lineOf64(va); va&aligned8 == e.wtag && h.sbCount == 0 {
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 8)
				*(*uint64)(unsafe.Add(e.data, va&lineOff)) = h.f[in.rs2]
				break
			}
			goto slow
		case stepFADDD:
			if h.frm != 0 || h.fpOff {
				goto slow
			}
			h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n), uses, base, dec
			h.addD(in)
			pc, left, n, uses, base, dec = h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec
			continue
		case stepFMULD:
			if h.frm != 0 || h.fpOff {
				goto slow
			}
			h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n), uses, base, dec
			h.mulD(in)
			pc, left, n, uses, base, dec = h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec
			continue
		case stepFMADDD:
			if h.frm != 0 || h.fpOff {
				goto slow
			}
			h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n), uses, base, dec
			h.fmaD(in)
			pc, left, n, uses, base, dec = h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec
			continue
		case stepNOP:
		case 0, lastStep:
			goto slow
		default:
			goto slow
		}
		goto next

	ld:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned8 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 8)
			*xreg(x, in.rd) = *(*uint64)(unsafe.Add(e.data, va&lineOff))
			in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
			for in.op == stepLD { // they come in rows, mostly in the same line
				va = *xreg(x, in.rs1) + uint64(int64(in.imm))
				if va&aligned8 != e.rtag {
					goto ld
				}
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 8)
				*xreg(x, in.rd) = *(*uint64)(unsafe.Add(e.data, va&lineOff))
				in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
			}
			goto find
		}
		goto misaligned

	sd:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned8 == e.wtag && h.sbCount == 0 {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 8)
			*(*uint64)(unsafe.Add(e.data, va&lineOff)) = *xreg(x, in.rs2)
			in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
			for in.op == stepSD { // they come in rows, mostly in the same line
				va = *xreg(x, in.rs1) + uint64(int64(in.imm))
				if va&aligned8 != e.wtag {
					goto sd
				}
				uses++
				*e.stamp, *e.tlb = uses, uses
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 8)
				*(*uint64)(unsafe.Add(e.data, va&lineOff)) = *xreg(x, in.rs2)
				in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
			}
			goto find
		}
		goto misaligned

	addi:
		*xreg(x, in.rd) = *xreg(x, in.rs1) + uint64(int64(in.imm))
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	add:
		*xreg(x, in.rd) = *xreg(x, in.rs1) + *xreg(x, in.rs2)
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	beq:
		if *xreg(x, in.rs1) == *xreg(x, in.rs2) {
			goto branch
		}
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	bne:
		if *xreg(x, in.rs1) != *xreg(x, in.rs2) {
			goto branch
		}
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	slli:
		*xreg(x, in.rd) = *xreg(x, in.rs1) << (uint32(in.imm) & 63)
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	xor:
		*xreg(x, in.rd) = *xreg(x, in.rs1) ^ *xreg(x, in.rs2)
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	srli:
		*xreg(x, in.rd) = *xreg(x, in.rs1) >> (uint32(in.imm) & 63)
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	or:
		*xreg(x, in.rd) = *xreg(x, in.rs1) | *xreg(x, in.rs2)
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	lbu:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned1 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 1)
			*xreg(x, in.rd) = uint64(*(*uint8)(unsafe.Add(e.data, va&lineOff)))
			in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
			goto find
		}
		goto slow

	runEnd:
		pc = base + uint64(in.at)*2 - 2
		continue

	andi:
		*xreg(x, in.rd) = *xreg(x, in.rs1) & uint64(int64(in.imm))
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	addiw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) + in.imm))
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	and:
		*xreg(x, in.rd) = *xreg(x, in.rs1) & *xreg(x, in.rs2)
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	sub:
		*xreg(x, in.rd) = *xreg(x, in.rs1) - *xreg(x, in.rs2)
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	bltu:
		if *xreg(x, in.rs1) < *xreg(x, in.rs2) {
			goto branch
		}
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	lw:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned4 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 4)
			*xreg(x, in.rd) = uint64(int64(*(*int32)(unsafe.Add(e.data, va&lineOff))))
			in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
			goto find
		}
		goto slow

	sb:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned1 == e.wtag && h.sbCount == 0 {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 1)
			*(*uint8)(unsafe.Add(e.data, va&lineOff)) = uint8(*xreg(x, in.rs2))
			in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
			goto find
		}
		goto slow

	sltu:
		*xreg(x, in.rd) = b2u(*xreg(x, in.rs1) < *xreg(x, in.rs2))
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	jalr:
		va = (*xreg(x, in.rs1) + uint64(int64(in.imm))) &^ 1
		if va&h.alignMask != 0 {
			goto slow
		}
		*xreg(x, in.rd) = base + uint64(in.rs2)*2
		left -= h.jumpCost
		pc = va
		continue

	lb:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned1 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 1)
			*xreg(x, in.rd) = uint64(int64(*(*int8)(unsafe.Add(e.data, va&lineOff))))
			in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
			goto find
		}
		goto slow

	notKept:
		pc = base + uint64(in.at)*2 - 2
		if left <= 0 {
			continue
		}
		va = pc + 2
		if f := h.fetchOf64(va); va&lineMask == f.tag && h.dbg == nil {
			a := h.acrossAt(pc)
			if a.raw != uint32(in.imm)|uint32(*(*uint16)(unsafe.Add(f.dec, lineSize)))<<16 {
				goto fetch
			}
			h.l1i.Clock++
			*f.stamp, *f.tlb = h.l1i.Clock, h.l1i.Clock
			//record: h.recordFetch(f, va, n, left)
			base, dec = f.tag, f.dec
			in = &a.before
			goto begin
		}
		goto fetch

	xori:
		*xreg(x, in.rd) = *xreg(x, in.rs1) ^ uint64(int64(in.imm))
		in = (*step)(unsafe.Add(unsafe.Pointer(in), stepBytes))
		goto find

	branch:
		left += int64(in.after) - h.branchCost
		n -= uint64(in.n)
		pc = base + uint64(int64(in.imm))

	jumped: // from in to pc
		if left <= 0 {
			break
		}
		va = pc - base
		if va >= lineSize {
			f := h.fetchOf64(pc)
			if pc&lineMask != f.tag {
				goto fetch
			}
			va = h.l1i.Clock + 1
			h.l1i.Clock = va
			*f.stamp = va
			*f.tlb = va
			//record: h.recordFetch(f, pc, n, left)
			base, dec = f.tag, f.dec
			va = pc & lineOff
		}
		va = uint64(*(*uint16)(unsafe.Add(dec, va)))
		if va == 0 {
			goto fetch
		}
		va += uint64(uintptr(dec) - uintptr(h.tab.blocks.base))
		if va == uint64(in.word) {
			in = (*step)(unsafe.Add(h.tab.blocks.base, in.word)) // known before the line is
			goto begin
		}
		in.word = uint32(va)
		in = (*step)(unsafe.Add(h.tab.blocks.base, va))
		goto begin

	misaligned:
		// LD or SD: within a line of the table all is well. Linux measures the speed of
		// such accesses on every hart.
		if e := h.lineOf64(va); va&lineOff <= lineSize-8 && h.rec == nil {
			if in.op == stepLD && va&lineMask == e.rtag {
				uses++
				*e.stamp, *e.tlb = uses, uses
				*xreg(x, in.rd) = *(*uint64)(unsafe.Add(e.data, va&lineOff))
				goto next
			}
			if in.op == stepSD && va&lineMask == e.wtag && h.sbCount == 0 {
				uses++
				*e.stamp, *e.tlb = uses, uses
				*(*uint64)(unsafe.Add(e.data, va&lineOff)) = *xreg(x, in.rs2)
				goto next
			}
		}
		goto slow

	fetch:
		// The line is not current, or the instruction is not in its block.
		h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = pc, left, n, uses, base, dec
		in = h.nextInst(pc)
		pc, left, n, uses, base, dec = h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec
		if in != nil {
			goto begin
		}
		continue

	slow:
		h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = base+uint64(in.at)*2-2, left+int64(in.after), n-uint64(in.n), uses, base, dec
		h.slow(in)
		pc, left, n, uses, base, dec = h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec
	}
	h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = pc, left, n, uses, base, dec
}

// touch counts a line-table hit as what it is: an access to the L1D and to the
// DTLB, for their statistics and their replacement.
func (h *Hart) touch(e *lineEntry) {
	c := *h.dclock + 1
	*h.dclock = c
	*e.stamp = c
	*e.tlb = c
}

// xreg is integer register r of those at x: without the checks of an index, and of x
// against nil.
func xreg(x unsafe.Pointer, r uint8) *uint64 { return (*uint64)(unsafe.Add(x, uintptr(r)*8)) }

// lineOf64 is lineOf where lines have 64 bytes.
func (h *Hart) lineOf64(va uint64) *lineEntry {
	// An entry is as large as a line.
	return (*lineEntry)(unsafe.Add(unsafe.Pointer(h.lines), va&((lineTableSize-1)<<lineShift)))
}

// fetchOf64 is the place of va in the table of the L1I's lines, where lines have 64
// bytes.
func (h *Hart) fetchOf64(va uint64) *fetchEntry {
	// An entry is half as large as a line.
	return (*fetchEntry)(unsafe.Add(unsafe.Pointer(h.flines), va>>1&((fetchSize-1)<<(lineShift-1))))
}

// fetchOf is the place of va in the table of the L1I's lines.
func (h *Hart) fetchOf(va uint64) *fetchEntry { return &h.flines[va>>(h.shift&63)&(fetchSize-1)] }

// lineOf is the place of va in the line table.
func (h *Hart) lineOf(va uint64) *lineEntry {
	return (*lineEntry)(unsafe.Add(unsafe.Pointer(h.lines), va>>(h.shift&63)&(lineTableSize-1)*uint64(unsafe.Sizeof(lineEntry{}))))
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
