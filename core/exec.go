package core

import (
	"math/bits"
	"unsafe"

	"mcsim/core/fp"
	"mcsim/core/isa"
)

// exec runs instructions until the clock reaches the limit. It is the one hot
// loop of the simulator: a switch over decoded instructions, with the hart's
// clock, pc and current line in locals. Whatever leaves the loop's fast paths
// (a line-table miss, a CSR, a trap) stores the locals first and loads them
// again after, because the call may have parked the hart.
//
// Every instruction is charged and counted before it executes; one that traps
// is uncounted again (it does not retire).
func (h *Hart) exec() {
	var (
		x    = &h.x
		pc   = h.pc
		left = h.left
		base = h.fbase
		dec  = h.fdec
		size = h.tab.lineSize
		ret  uint64
		in   *isa.Inst
		va   uint64
		v    uint64
		ok   bool
	)
	for left > 0 {
		if pc-base >= size {
			h.left = left
			if !h.fetchLine(pc) {
				left = h.left - 1
				goto trapFetch
			}
			left, base, dec = h.left, h.fbase, h.fdec
			if h.singleOK {
				goto slowFetch
			}
		}
		in = (*isa.Inst)(unsafe.Add(dec, (pc-base)*(instBytes/2)))

	dispatch:
		left -= int64(in.Cost)
		ret++
		switch in.Op {
		case isa.OpNone, opRefetch:
			left += int64(in.Cost)
			ret--
			if in.Op == opRefetch {
				h.noFetchLine()
			}
			goto slowFetch
		case isa.OpIllegal:
			h.raise(causeIllegal, uint64(in.Raw))
			goto trap

		case isa.OpADDI:
			x[in.Rd] = x[in.Rs1] + uint64(int64(in.Imm))
		case isa.OpADD:
			x[in.Rd] = x[in.Rs1] + x[in.Rs2]
		case isa.OpADDIW:
			x[in.Rd] = uint64(int64(int32(x[in.Rs1]) + in.Imm))
		case isa.OpADDW:
			x[in.Rd] = uint64(int64(int32(x[in.Rs1]) + int32(x[in.Rs2])))
		case isa.OpLUI:
			x[in.Rd] = uint64(int64(in.Imm))
		case isa.OpAUIPC:
			x[in.Rd] = pc + uint64(int64(in.Imm))
		case isa.OpANDI:
			x[in.Rd] = x[in.Rs1] & uint64(int64(in.Imm))
		case isa.OpAND:
			x[in.Rd] = x[in.Rs1] & x[in.Rs2]
		case isa.OpORI:
			x[in.Rd] = x[in.Rs1] | uint64(int64(in.Imm))
		case isa.OpOR:
			x[in.Rd] = x[in.Rs1] | x[in.Rs2]
		case isa.OpXORI:
			x[in.Rd] = x[in.Rs1] ^ uint64(int64(in.Imm))
		case isa.OpXOR:
			x[in.Rd] = x[in.Rs1] ^ x[in.Rs2]
		case isa.OpSUB:
			x[in.Rd] = x[in.Rs1] - x[in.Rs2]
		case isa.OpSUBW:
			x[in.Rd] = uint64(int64(int32(x[in.Rs1]) - int32(x[in.Rs2])))
		case isa.OpSLLI:
			x[in.Rd] = x[in.Rs1] << (uint32(in.Imm) & 63)
		case isa.OpSLL:
			x[in.Rd] = x[in.Rs1] << (x[in.Rs2] & 63)
		case isa.OpSLLIW:
			x[in.Rd] = uint64(int64(int32(x[in.Rs1]) << (uint32(in.Imm) & 31)))
		case isa.OpSLLW:
			x[in.Rd] = uint64(int64(int32(x[in.Rs1]) << (x[in.Rs2] & 31)))
		case isa.OpSRLI:
			x[in.Rd] = x[in.Rs1] >> (uint32(in.Imm) & 63)
		case isa.OpSRL:
			x[in.Rd] = x[in.Rs1] >> (x[in.Rs2] & 63)
		case isa.OpSRLIW:
			x[in.Rd] = uint64(int64(int32(uint32(x[in.Rs1]) >> (uint32(in.Imm) & 31))))
		case isa.OpSRLW:
			x[in.Rd] = uint64(int64(int32(uint32(x[in.Rs1]) >> (x[in.Rs2] & 31))))
		case isa.OpSRAI:
			x[in.Rd] = uint64(int64(x[in.Rs1]) >> (uint32(in.Imm) & 63))
		case isa.OpSRA:
			x[in.Rd] = uint64(int64(x[in.Rs1]) >> (x[in.Rs2] & 63))
		case isa.OpSRAIW:
			x[in.Rd] = uint64(int64(int32(x[in.Rs1]) >> (uint32(in.Imm) & 31)))
		case isa.OpSRAW:
			x[in.Rd] = uint64(int64(int32(x[in.Rs1]) >> (x[in.Rs2] & 31)))
		case isa.OpSLTI:
			x[in.Rd] = b2u(int64(x[in.Rs1]) < int64(in.Imm))
		case isa.OpSLT:
			x[in.Rd] = b2u(int64(x[in.Rs1]) < int64(x[in.Rs2]))
		case isa.OpSLTIU:
			x[in.Rd] = b2u(x[in.Rs1] < uint64(int64(in.Imm)))
		case isa.OpSLTU:
			x[in.Rd] = b2u(x[in.Rs1] < x[in.Rs2])

		// Loads: the line table answers, or loadSlow does.
		case isa.OpLD:
			va = x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.rtag {
				h.touch(e)
				x[in.Rd] = *(*uint64)(unsafe.Add(e.data, va&(size-1)))
				break
			}
			h.left = left
			v, ok = h.loadSlow(va, 8)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
			x[in.Rd] = v
		case isa.OpLW:
			va = x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.rtag {
				h.touch(e)
				x[in.Rd] = uint64(int64(*(*int32)(unsafe.Add(e.data, va&(size-1)))))
				break
			}
			h.left = left
			v, ok = h.loadSlow(va, 4)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
			x[in.Rd] = uint64(int64(int32(v)))
		case isa.OpLWU:
			va = x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.rtag {
				h.touch(e)
				x[in.Rd] = uint64(*(*uint32)(unsafe.Add(e.data, va&(size-1))))
				break
			}
			h.left = left
			v, ok = h.loadSlow(va, 4)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
			x[in.Rd] = v
		case isa.OpLH:
			va = x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.rtag {
				h.touch(e)
				x[in.Rd] = uint64(int64(*(*int16)(unsafe.Add(e.data, va&(size-1)))))
				break
			}
			h.left = left
			v, ok = h.loadSlow(va, 2)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
			x[in.Rd] = uint64(int64(int16(v)))
		case isa.OpLHU:
			va = x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.rtag {
				h.touch(e)
				x[in.Rd] = uint64(*(*uint16)(unsafe.Add(e.data, va&(size-1))))
				break
			}
			h.left = left
			v, ok = h.loadSlow(va, 2)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
			x[in.Rd] = v
		case isa.OpLB:
			va = x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.rtag {
				h.touch(e)
				x[in.Rd] = uint64(int64(*(*int8)(unsafe.Add(e.data, va&(size-1)))))
				break
			}
			h.left = left
			v, ok = h.loadSlow(va, 1)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
			x[in.Rd] = uint64(int64(int8(v)))
		case isa.OpLBU:
			va = x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.rtag {
				h.touch(e)
				x[in.Rd] = uint64(*(*uint8)(unsafe.Add(e.data, va&(size-1))))
				break
			}
			h.left = left
			v, ok = h.loadSlow(va, 1)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
			x[in.Rd] = v

		// Stores: to a line that may be written, and only while the store
		// buffer is empty, so that stores stay in order.
		case isa.OpSD:
			va, v = x[in.Rs1]+uint64(int64(in.Imm)), x[in.Rs2]
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				*(*uint64)(unsafe.Add(e.data, va&(size-1))) = v
				break
			}
			h.left = left
			ok = h.storeSlow(va, 8, v)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
		case isa.OpSW:
			va, v = x[in.Rs1]+uint64(int64(in.Imm)), x[in.Rs2]
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[2] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				*(*uint32)(unsafe.Add(e.data, va&(size-1))) = uint32(v)
				break
			}
			h.left = left
			ok = h.storeSlow(va, 4, v)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
		case isa.OpSH:
			va, v = x[in.Rs1]+uint64(int64(in.Imm)), x[in.Rs2]
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[1] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				*(*uint16)(unsafe.Add(e.data, va&(size-1))) = uint16(v)
				break
			}
			h.left = left
			ok = h.storeSlow(va, 2, v)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
		case isa.OpSB:
			va, v = x[in.Rs1]+uint64(int64(in.Imm)), x[in.Rs2]
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[0] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				*(*uint8)(unsafe.Add(e.data, va&(size-1))) = uint8(v)
				break
			}
			h.left = left
			ok = h.storeSlow(va, 1, v)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}

		case isa.OpBEQ:
			if x[in.Rs1] == x[in.Rs2] {
				goto branch
			}
		case isa.OpBNE:
			if x[in.Rs1] != x[in.Rs2] {
				goto branch
			}
		case isa.OpBLT:
			if int64(x[in.Rs1]) < int64(x[in.Rs2]) {
				goto branch
			}
		case isa.OpBGE:
			if int64(x[in.Rs1]) >= int64(x[in.Rs2]) {
				goto branch
			}
		case isa.OpBLTU:
			if x[in.Rs1] < x[in.Rs2] {
				goto branch
			}
		case isa.OpBGEU:
			if x[in.Rs1] >= x[in.Rs2] {
				goto branch
			}
		case isa.OpJAL:
			va = pc + uint64(int64(in.Imm))
			if va&h.alignMask != 0 {
				h.raise(causeMisalignedFetch, va)
				goto trap
			}
			x[in.Rd] = pc + uint64(in.Size)
			left -= h.jumpCost
			pc = va
			continue
		case isa.OpJALR:
			va = (x[in.Rs1] + uint64(int64(in.Imm))) &^ 1
			if va&h.alignMask != 0 {
				h.raise(causeMisalignedFetch, va)
				goto trap
			}
			x[in.Rd] = pc + uint64(in.Size)
			left -= h.jumpCost
			pc = va
			continue

		case isa.OpADDUW:
			x[in.Rd] = uint64(uint32(x[in.Rs1])) + x[in.Rs2]
		case isa.OpSH1ADD:
			x[in.Rd] = x[in.Rs1]<<1 + x[in.Rs2]
		case isa.OpSH2ADD:
			x[in.Rd] = x[in.Rs1]<<2 + x[in.Rs2]
		case isa.OpSH3ADD:
			x[in.Rd] = x[in.Rs1]<<3 + x[in.Rs2]
		case isa.OpSH1ADDUW:
			x[in.Rd] = uint64(uint32(x[in.Rs1]))<<1 + x[in.Rs2]
		case isa.OpSH2ADDUW:
			x[in.Rd] = uint64(uint32(x[in.Rs1]))<<2 + x[in.Rs2]
		case isa.OpSH3ADDUW:
			x[in.Rd] = uint64(uint32(x[in.Rs1]))<<3 + x[in.Rs2]
		case isa.OpSLLIUW:
			x[in.Rd] = uint64(uint32(x[in.Rs1])) << (uint32(in.Imm) & 63)

		case isa.OpMUL:
			x[in.Rd] = x[in.Rs1] * x[in.Rs2]
		case isa.OpMULW:
			x[in.Rd] = uint64(int64(int32(x[in.Rs1]) * int32(x[in.Rs2])))
		case isa.OpMULHU:
			x[in.Rd], _ = bits.Mul64(x[in.Rs1], x[in.Rs2])
		case isa.OpMULH:
			x[in.Rd] = mulh(x[in.Rs1], x[in.Rs2])
		case isa.OpMULHSU:
			x[in.Rd] = mulhsu(x[in.Rs1], x[in.Rs2])
		case isa.OpDIV, isa.OpDIVU, isa.OpREM, isa.OpREMU,
			isa.OpDIVW, isa.OpDIVUW, isa.OpREMW, isa.OpREMUW:
			x[in.Rd] = divide(in.Op, x[in.Rs1], x[in.Rs2])

		case isa.OpANDN:
			x[in.Rd] = x[in.Rs1] &^ x[in.Rs2]
		case isa.OpORN:
			x[in.Rd] = x[in.Rs1] | ^x[in.Rs2]
		case isa.OpXNOR:
			x[in.Rd] = ^(x[in.Rs1] ^ x[in.Rs2])
		case isa.OpMIN:
			x[in.Rd] = uint64(min(int64(x[in.Rs1]), int64(x[in.Rs2])))
		case isa.OpMINU:
			x[in.Rd] = min(x[in.Rs1], x[in.Rs2])
		case isa.OpMAX:
			x[in.Rd] = uint64(max(int64(x[in.Rs1]), int64(x[in.Rs2])))
		case isa.OpMAXU:
			x[in.Rd] = max(x[in.Rs1], x[in.Rs2])
		case isa.OpSEXTB:
			x[in.Rd] = uint64(int64(int8(x[in.Rs1])))
		case isa.OpSEXTH:
			x[in.Rd] = uint64(int64(int16(x[in.Rs1])))
		case isa.OpZEXTH:
			x[in.Rd] = uint64(uint16(x[in.Rs1]))
		case isa.OpCLZ:
			x[in.Rd] = uint64(bits.LeadingZeros64(x[in.Rs1]))
		case isa.OpCLZW:
			x[in.Rd] = uint64(bits.LeadingZeros32(uint32(x[in.Rs1])))
		case isa.OpCTZ:
			x[in.Rd] = uint64(bits.TrailingZeros64(x[in.Rs1]))
		case isa.OpCTZW:
			x[in.Rd] = uint64(bits.TrailingZeros32(uint32(x[in.Rs1])))
		case isa.OpCPOP:
			x[in.Rd] = uint64(bits.OnesCount64(x[in.Rs1]))
		case isa.OpCPOPW:
			x[in.Rd] = uint64(bits.OnesCount32(uint32(x[in.Rs1])))
		case isa.OpROL:
			x[in.Rd] = bits.RotateLeft64(x[in.Rs1], int(x[in.Rs2]&63))
		case isa.OpROLW:
			x[in.Rd] = uint64(int64(int32(bits.RotateLeft32(uint32(x[in.Rs1]), int(x[in.Rs2]&31)))))
		case isa.OpROR:
			x[in.Rd] = bits.RotateLeft64(x[in.Rs1], -int(x[in.Rs2]&63))
		case isa.OpRORW:
			x[in.Rd] = uint64(int64(int32(bits.RotateLeft32(uint32(x[in.Rs1]), -int(x[in.Rs2]&31)))))
		case isa.OpRORI:
			x[in.Rd] = bits.RotateLeft64(x[in.Rs1], -int(in.Imm&63))
		case isa.OpRORIW:
			x[in.Rd] = uint64(int64(int32(bits.RotateLeft32(uint32(x[in.Rs1]), -int(in.Imm&31)))))
		case isa.OpORCB:
			x[in.Rd] = orcb(x[in.Rs1])
		case isa.OpREV8:
			x[in.Rd] = bits.ReverseBytes64(x[in.Rs1])

		case isa.OpBCLR:
			x[in.Rd] = x[in.Rs1] &^ (1 << (x[in.Rs2] & 63))
		case isa.OpBCLRI:
			x[in.Rd] = x[in.Rs1] &^ (1 << (uint32(in.Imm) & 63))
		case isa.OpBEXT:
			x[in.Rd] = x[in.Rs1] >> (x[in.Rs2] & 63) & 1
		case isa.OpBEXTI:
			x[in.Rd] = x[in.Rs1] >> (uint32(in.Imm) & 63) & 1
		case isa.OpBINV:
			x[in.Rd] = x[in.Rs1] ^ 1<<(x[in.Rs2]&63)
		case isa.OpBINVI:
			x[in.Rd] = x[in.Rs1] ^ 1<<(uint32(in.Imm)&63)
		case isa.OpBSET:
			x[in.Rd] = x[in.Rs1] | 1<<(x[in.Rs2]&63)
		case isa.OpBSETI:
			x[in.Rd] = x[in.Rs1] | 1<<(uint32(in.Imm)&63)

		case isa.OpCZEROEQZ:
			v = x[in.Rs1]
			if x[in.Rs2] == 0 {
				v = 0
			}
			x[in.Rd] = v
		case isa.OpCZERONEZ:
			v = x[in.Rs1]
			if x[in.Rs2] != 0 {
				v = 0
			}
			x[in.Rd] = v

		case isa.OpFLD:
			if h.fpOff {
				h.raise(causeIllegal, uint64(in.Raw))
				goto trap
			}
			h.fpDirty()
			va = x[in.Rs1] + uint64(int64(in.Imm))
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.rtag {
				h.touch(e)
				h.f[in.Rd] = *(*uint64)(unsafe.Add(e.data, va&(size-1)))
				break
			}
			h.left = left
			v, ok = h.loadSlow(va, 8)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
			h.f[in.Rd] = v
		case isa.OpFSD:
			if h.fpOff {
				h.raise(causeIllegal, uint64(in.Raw))
				goto trap
			}
			va, v = x[in.Rs1]+uint64(int64(in.Imm)), h.f[in.Rs2]
			if e := &h.lines[va>>(h.tab.shift&63)&(lineTableSize-1)]; va&h.mask[3] == e.wtag && h.sbCount == 0 {
				h.touch(e)
				*(*uint64)(unsafe.Add(e.data, va&(size-1))) = v
				break
			}
			h.left = left
			ok = h.storeSlow(va, 8, v)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
		case isa.OpFLW, isa.OpFLH, isa.OpFSW, isa.OpFSH:
			h.left = left
			ok = h.execFPMem(in)
			left, base, dec = h.left, h.fbase, h.fdec
			if !ok {
				goto trap
			}
		case isa.OpFADDD:
			if h.frm|uint8(b2u(h.fpOff)) != 0 || in.RM != 7 && in.RM != 0 {
				goto fpSlow
			}
			h.fpDirty()
			h.f[in.Rd] = fp.Add64(h.f[in.Rs1], h.f[in.Rs2], fp.RNE, &h.fflags)
		case isa.OpFMULD:
			if h.frm|uint8(b2u(h.fpOff)) != 0 || in.RM != 7 && in.RM != 0 {
				goto fpSlow
			}
			h.fpDirty()
			h.f[in.Rd] = fp.Mul64(h.f[in.Rs1], h.f[in.Rs2], fp.RNE, &h.fflags)
		case isa.OpFMADDD:
			if h.frm|uint8(b2u(h.fpOff)) != 0 || in.RM != 7 && in.RM != 0 {
				goto fpSlow
			}
			h.fpDirty()
			h.f[in.Rd] = fp.FMA64(h.f[in.Rs1], h.f[in.Rs2], h.f[uint8(in.Imm)], fp.RNE, &h.fflags)
		case isa.OpPAUSE:
		default:
			if in.Op <= isa.OpFCVTHD {
				goto fpSlow
			}
			goto system
		}
		pc += uint64(in.Size)
		continue

	branch:
		va = pc + uint64(int64(in.Imm))
		if va&h.alignMask != 0 {
			h.raise(causeMisalignedFetch, va)
			goto trap
		}
		left -= h.branchCost
		pc = va
		continue

	fpSlow:
		if !h.execFP(in) {
			goto trap
		}
		pc += uint64(in.Size)
		continue

	slowFetch:
		h.left = left
		in = h.nextInst(pc)
		left, base, dec = h.left, h.fbase, h.fdec
		if in == nil {
			left--
			goto trapFetch
		}
		goto dispatch

	system:
		// Atomics, CSRs, fences and the privileged instructions see and may
		// change any of the hart's state.
		h.pc, h.left = pc, left
		h.instret += ret - 1
		ret = 0
		if h.execSlow(in) {
			h.instret++
		} else {
			h.takeTrap(pc)
		}
		pc, left, base, dec = h.pc, h.left, h.fbase, h.fdec
		continue

	trap:
		ret--
	trapFetch:
		h.pc, h.left = pc, left
		h.instret += ret
		ret = 0
		h.takeTrap(pc)
		pc, left, base, dec = h.pc, h.left, h.fbase, h.fdec
	}
	h.pc, h.left = pc, left
	h.instret += ret
}

// touch counts a line-table hit as what it is: an access to the L1D and to the
// DTLB, for their statistics and their replacement.
func (h *Hart) touch(e *lineEntry) {
	*h.dclock++
	c := *h.dclock
	*e.stamp = c
	*e.tlb = c
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
