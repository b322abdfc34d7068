//go:build ignore

package core

import (
	"math/bits"
	"unsafe"

	"mcsim/record"
)

// exec runs instructions until the clock reaches the limit. It is the one hot
// loop of the simulator: a switch over decoded instructions, with the hart's
// pc, the cycles left and the current line in locals. This is its text, of which
// mkexec makes the three that are compiled; there is more about it there.
//
// Nothing but h lives across a call, so that the compiler keeps the locals in
// registers: whatever leaves the fast paths (a line-table miss, floating point
// beyond the common, a CSR, a trap) stores the locals, goes to slow, which
// completes the instruction, and loads them again, because the call may have
// parked the hart. One call that is not inlined and does otherwise costs two stores for
// every operation found, and four for every run.
//
// Instructions come in runs (block.go): what follows each other in a line, up to a
// jump. A run is charged and counted when it is entered; what leaves it early takes
// back what was not executed. A run for which there are not enough cycles is cut
// before. So the loop does nothing for an instruction but what it says.
//
// An instruction that traps is uncounted again (it does not retire).
func (h *Hart) exec() {
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
			*f.stamp, *f.tlb = va, va
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
		in = in.next()
	find:
		switch in.op {
		//cases
		}

	ld: // as all loads: the line table answers, or slowLoad does
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned8 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 8)
			*xreg(x, in.rd) = *(*uint64)(unsafe.Add(e.data, va&lineOff))
			goto next
		}
		goto ldMisaligned

	sd: // as all stores: to a line that may be written, and in order: behind those in the store buffer
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned8 == e.wtag && h.sbCount == 0 {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 8)
			*(*uint64)(unsafe.Add(e.data, va&lineOff)) = *xreg(x, in.rs2)
			goto next
		}
		goto sdMisaligned

	ldRow: // mostly in one line, which was used last by the last of them
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned8 == e.rtag {
			for {
				uses++
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 8)
				*xreg(x, in.rd) = *(*uint64)(unsafe.Add(e.data, va&lineOff))
				if in.op != stepLDRow {
					*e.stamp, *e.tlb = uses, uses
					goto next
				}
				in = in.next()
				va = *xreg(x, in.rs1) + uint64(int64(in.imm))
				if va&aligned8 != e.rtag {
					*e.stamp, *e.tlb = uses, uses
					goto find
				}
			}
		}
		goto ldMisaligned

	sdRow:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned8 == e.wtag && h.sbCount == 0 {
			for {
				uses++
				//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 8)
				*(*uint64)(unsafe.Add(e.data, va&lineOff)) = *xreg(x, in.rs2)
				if in.op != stepSDRow {
					*e.stamp, *e.tlb = uses, uses
					goto next
				}
				in = in.next()
				va = *xreg(x, in.rs1) + uint64(int64(in.imm))
				if va&aligned8 != e.wtag {
					*e.stamp, *e.tlb = uses, uses
					goto find
				}
			}
		}
		goto sdMisaligned

	addi:
		*xreg(x, in.rd) = *xreg(x, in.rs1) + uint64(int64(in.imm))
		goto next

	add:
		*xreg(x, in.rd) = *xreg(x, in.rs1) + *xreg(x, in.rs2)
		goto next

	beq:
		if *xreg(x, in.rs1) == *xreg(x, in.rs2) {
			goto branch
		}
		goto next

	bne:
		if *xreg(x, in.rs1) != *xreg(x, in.rs2) {
			goto branch
		}
		goto next

	slli:
		*xreg(x, in.rd) = *xreg(x, in.rs1) << (uint32(in.imm) & 63)
		goto next

	xor:
		*xreg(x, in.rd) = *xreg(x, in.rs1) ^ *xreg(x, in.rs2)
		goto next

	srli:
		*xreg(x, in.rd) = *xreg(x, in.rs1) >> (uint32(in.imm) & 63)
		goto next

	or:
		*xreg(x, in.rd) = *xreg(x, in.rs1) | *xreg(x, in.rs2)
		goto next

	lbu:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned1 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 1)
			*xreg(x, in.rd) = uint64(*(*uint8)(unsafe.Add(e.data, va&lineOff)))
			goto next
		}
		goto slow

	runEnd:
		pc = base + uint64(in.at)*2 - 2
		goto jumped

	andi:
		*xreg(x, in.rd) = *xreg(x, in.rs1) & uint64(int64(in.imm))
		goto next

	addiw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) + in.imm))
		goto next

	and:
		*xreg(x, in.rd) = *xreg(x, in.rs1) & *xreg(x, in.rs2)
		goto next

	sub:
		*xreg(x, in.rd) = *xreg(x, in.rs1) - *xreg(x, in.rs2)
		goto next

	bltu:
		if *xreg(x, in.rs1) < *xreg(x, in.rs2) {
			goto branch
		}
		goto next

	lw:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned4 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 4)
			*xreg(x, in.rd) = uint64(int64(*(*int32)(unsafe.Add(e.data, va&lineOff))))
			goto next
		}
		goto slow

	sb:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned1 == e.wtag && h.sbCount == 0 {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 1)
			*(*uint8)(unsafe.Add(e.data, va&lineOff)) = uint8(*xreg(x, in.rs2))
			goto next
		}
		goto slow

	sltu:
		*xreg(x, in.rd) = b2u(*xreg(x, in.rs1) < *xreg(x, in.rs2))
		goto next

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
			goto next
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
			va = h.l1i.Clock + 1
			h.l1i.Clock = va
			*f.stamp, *f.tlb = va, va
			//record: h.recordFetch(f, pc+2, n, left)
			base, dec = f.tag, f.dec
			in = &a.before
			goto begin
		}
		goto fetch

	xori:
		*xreg(x, in.rd) = *xreg(x, in.rs1) ^ uint64(int64(in.imm))
		goto next

	join:
		in = (*step)(unsafe.Add(dec, in.imm))
		goto next

	cut:
		left += int64(in.after)
		n -= uint64(in.n)
		pc = base + uint64(in.at)*2 - 2
		continue

	addw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) + int32(*xreg(x, in.rs2))))
		goto next

	lui:
		*xreg(x, in.rd) = uint64(int64(in.imm))
		goto next

	auipc:
		*xreg(x, in.rd) = base + uint64(int64(in.imm))
		goto next

	ori:
		*xreg(x, in.rd) = *xreg(x, in.rs1) | uint64(int64(in.imm))
		goto next

	subw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) - int32(*xreg(x, in.rs2))))
		goto next

	sll:
		*xreg(x, in.rd) = *xreg(x, in.rs1) << (*xreg(x, in.rs2) & 63)
		goto next

	slliw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) << (uint32(in.imm) & 31)))
		goto next

	sllw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) << (*xreg(x, in.rs2) & 31)))
		goto next

	srl:
		*xreg(x, in.rd) = *xreg(x, in.rs1) >> (*xreg(x, in.rs2) & 63)
		goto next

	srliw:
		*xreg(x, in.rd) = uint64(int64(int32(uint32(*xreg(x, in.rs1)) >> (uint32(in.imm) & 31))))
		goto next

	srlw:
		*xreg(x, in.rd) = uint64(int64(int32(uint32(*xreg(x, in.rs1)) >> (*xreg(x, in.rs2) & 31))))
		goto next

	srai:
		*xreg(x, in.rd) = uint64(int64(*xreg(x, in.rs1)) >> (uint32(in.imm) & 63))
		goto next

	sra:
		*xreg(x, in.rd) = uint64(int64(*xreg(x, in.rs1)) >> (*xreg(x, in.rs2) & 63))
		goto next

	sraiw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) >> (uint32(in.imm) & 31)))
		goto next

	sraw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) >> (*xreg(x, in.rs2) & 31)))
		goto next

	slti:
		*xreg(x, in.rd) = b2u(int64(*xreg(x, in.rs1)) < int64(in.imm))
		goto next

	slt:
		*xreg(x, in.rd) = b2u(int64(*xreg(x, in.rs1)) < int64(*xreg(x, in.rs2)))
		goto next

	sltiu:
		*xreg(x, in.rd) = b2u(*xreg(x, in.rs1) < uint64(int64(in.imm)))
		goto next

	lwu:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned4 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 4)
			*xreg(x, in.rd) = uint64(*(*uint32)(unsafe.Add(e.data, va&lineOff)))
			goto next
		}
		goto slow

	lh:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned2 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 2)
			*xreg(x, in.rd) = uint64(int64(*(*int16)(unsafe.Add(e.data, va&lineOff))))
			goto next
		}
		goto slow

	lhu:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned2 == e.rtag {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Load, 2)
			*xreg(x, in.rd) = uint64(*(*uint16)(unsafe.Add(e.data, va&lineOff)))
			goto next
		}
		goto slow

	sw:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned4 == e.wtag && h.sbCount == 0 {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 4)
			*(*uint32)(unsafe.Add(e.data, va&lineOff)) = uint32(*xreg(x, in.rs2))
			goto next
		}
		goto slow

	sh:
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned2 == e.wtag && h.sbCount == 0 {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 2)
			*(*uint16)(unsafe.Add(e.data, va&lineOff)) = uint16(*xreg(x, in.rs2))
			goto next
		}
		goto slow

	blt:
		if int64(*xreg(x, in.rs1)) < int64(*xreg(x, in.rs2)) {
			goto branch
		}
		goto next

	bge:
		if int64(*xreg(x, in.rs1)) >= int64(*xreg(x, in.rs2)) {
			goto branch
		}
		goto next

	bgeu:
		if *xreg(x, in.rs1) >= *xreg(x, in.rs2) {
			goto branch
		}
		goto next

	jal: // the last of its run
		*xreg(x, in.rd) = base + uint64(in.rs2)*2
		left -= h.jumpCost
		pc = base + uint64(int64(in.imm))
		goto jumped

	adduw:
		*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1))) + *xreg(x, in.rs2)
		goto next

	sh1add:
		*xreg(x, in.rd) = *xreg(x, in.rs1)<<1 + *xreg(x, in.rs2)
		goto next

	sh2add:
		*xreg(x, in.rd) = *xreg(x, in.rs1)<<2 + *xreg(x, in.rs2)
		goto next

	sh3add:
		*xreg(x, in.rd) = *xreg(x, in.rs1)<<3 + *xreg(x, in.rs2)
		goto next

	sh1adduw:
		*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1)))<<1 + *xreg(x, in.rs2)
		goto next

	sh2adduw:
		*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1)))<<2 + *xreg(x, in.rs2)
		goto next

	sh3adduw:
		*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1)))<<3 + *xreg(x, in.rs2)
		goto next

	slliuw:
		*xreg(x, in.rd) = uint64(uint32(*xreg(x, in.rs1))) << (uint32(in.imm) & 63)
		goto next

	mul:
		*xreg(x, in.rd) = *xreg(x, in.rs1) * *xreg(x, in.rs2)
		goto next

	mulhu:
		*xreg(x, in.rd), _ = bits.Mul64(*xreg(x, in.rs1), *xreg(x, in.rs2))
		goto next

	mulw:
		*xreg(x, in.rd) = uint64(int64(int32(*xreg(x, in.rs1)) * int32(*xreg(x, in.rs2))))
		goto next

	div:
		*xreg(x, in.rd) = uint64(sdiv(int64(*xreg(x, in.rs1)), int64(*xreg(x, in.rs2))))
		goto next

	divu:
		*xreg(x, in.rd) = udiv(*xreg(x, in.rs1), *xreg(x, in.rs2))
		goto next

	rem:
		*xreg(x, in.rd) = uint64(srem(int64(*xreg(x, in.rs1)), int64(*xreg(x, in.rs2))))
		goto next

	remu:
		*xreg(x, in.rd) = urem(*xreg(x, in.rs1), *xreg(x, in.rs2))
		goto next

	divuw:
		*xreg(x, in.rd) = divuw(*xreg(x, in.rs1), *xreg(x, in.rs2))
		goto next

	remuw:
		*xreg(x, in.rd) = remuw(*xreg(x, in.rs1), *xreg(x, in.rs2))
		goto next

	andn:
		*xreg(x, in.rd) = *xreg(x, in.rs1) &^ *xreg(x, in.rs2)
		goto next

	orn:
		*xreg(x, in.rd) = *xreg(x, in.rs1) | ^*xreg(x, in.rs2)
		goto next

	xnor:
		*xreg(x, in.rd) = ^(*xreg(x, in.rs1) ^ *xreg(x, in.rs2))
		goto next

	min:
		*xreg(x, in.rd) = uint64(min(int64(*xreg(x, in.rs1)), int64(*xreg(x, in.rs2))))
		goto next

	minu:
		*xreg(x, in.rd) = min(*xreg(x, in.rs1), *xreg(x, in.rs2))
		goto next

	max:
		*xreg(x, in.rd) = uint64(max(int64(*xreg(x, in.rs1)), int64(*xreg(x, in.rs2))))
		goto next

	maxu:
		*xreg(x, in.rd) = max(*xreg(x, in.rs1), *xreg(x, in.rs2))
		goto next

	sextb:
		*xreg(x, in.rd) = uint64(int64(int8(*xreg(x, in.rs1))))
		goto next

	sexth:
		*xreg(x, in.rd) = uint64(int64(int16(*xreg(x, in.rs1))))
		goto next

	zexth:
		*xreg(x, in.rd) = uint64(uint16(*xreg(x, in.rs1)))
		goto next

	clz:
		*xreg(x, in.rd) = uint64(bits.LeadingZeros64(*xreg(x, in.rs1)))
		goto next

	clzw:
		*xreg(x, in.rd) = uint64(bits.LeadingZeros32(uint32(*xreg(x, in.rs1))))
		goto next

	ctz:
		*xreg(x, in.rd) = uint64(bits.TrailingZeros64(*xreg(x, in.rs1)))
		goto next

	ctzw:
		*xreg(x, in.rd) = uint64(bits.TrailingZeros32(uint32(*xreg(x, in.rs1))))
		goto next

	rol:
		*xreg(x, in.rd) = bits.RotateLeft64(*xreg(x, in.rs1), int(*xreg(x, in.rs2)&63))
		goto next

	rolw:
		*xreg(x, in.rd) = uint64(int64(int32(bits.RotateLeft32(uint32(*xreg(x, in.rs1)), int(*xreg(x, in.rs2)&31)))))
		goto next

	ror:
		*xreg(x, in.rd) = bits.RotateLeft64(*xreg(x, in.rs1), -int(*xreg(x, in.rs2)&63))
		goto next

	rorw:
		*xreg(x, in.rd) = uint64(int64(int32(bits.RotateLeft32(uint32(*xreg(x, in.rs1)), -int(*xreg(x, in.rs2)&31)))))
		goto next

	rori:
		*xreg(x, in.rd) = bits.RotateLeft64(*xreg(x, in.rs1), -int(in.imm&63))
		goto next

	roriw:
		*xreg(x, in.rd) = uint64(int64(int32(bits.RotateLeft32(uint32(*xreg(x, in.rs1)), -int(in.imm&31)))))
		goto next

	orcb:
		va = *xreg(x, in.rs1)
		va = (va&sevens + sevens | va) &^ sevens // the top bit of each byte that is not zero
		*xreg(x, in.rd) = va | (va - va>>7)
		goto next

	rev8:
		*xreg(x, in.rd) = bits.ReverseBytes64(*xreg(x, in.rs1))
		goto next

	bclr:
		*xreg(x, in.rd) = *xreg(x, in.rs1) &^ (1 << (*xreg(x, in.rs2) & 63))
		goto next

	bclri:
		*xreg(x, in.rd) = *xreg(x, in.rs1) &^ (1 << (uint32(in.imm) & 63))
		goto next

	bext:
		*xreg(x, in.rd) = *xreg(x, in.rs1) >> (*xreg(x, in.rs2) & 63) & 1
		goto next

	bexti:
		*xreg(x, in.rd) = *xreg(x, in.rs1) >> (uint32(in.imm) & 63) & 1
		goto next

	binv:
		*xreg(x, in.rd) = *xreg(x, in.rs1) ^ 1<<(*xreg(x, in.rs2)&63)
		goto next

	binvi:
		*xreg(x, in.rd) = *xreg(x, in.rs1) ^ 1<<(uint32(in.imm)&63)
		goto next

	bset:
		*xreg(x, in.rd) = *xreg(x, in.rs1) | 1<<(*xreg(x, in.rs2)&63)
		goto next

	bseti:
		*xreg(x, in.rd) = *xreg(x, in.rs1) | 1<<(uint32(in.imm)&63)
		goto next

	czeroeqz:
		va = *xreg(x, in.rs1)
		if *xreg(x, in.rs2) == 0 {
			va = 0
		}
		*xreg(x, in.rd) = va
		goto next

	czeronez:
		va = *xreg(x, in.rs1)
		if *xreg(x, in.rs2) != 0 {
			va = 0
		}
		*xreg(x, in.rd) = va
		goto next

	fld:
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
			goto next
		}
		goto slow

	fsd:
		if h.fpOff {
			goto slow
		}
		va = *xreg(x, in.rs1) + uint64(int64(in.imm))
		if e := h.lineOf64(va); va&aligned8 == e.wtag && h.sbCount == 0 {
			uses++
			*e.stamp, *e.tlb = uses, uses
			//record: h.recordHit(e, va, base+uint64(in.at)*2-2, n-uint64(in.n), left+int64(in.after), record.Store, 8)
			*(*uint64)(unsafe.Add(e.data, va&lineOff)) = h.f[in.rs2]
			goto next
		}
		goto slow

	faddd:
		if h.frm != 0 || h.fpOff {
			goto slow
		}
		h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n), uses, base, dec
		h.addD(in)
		pc, left, n, uses, base, dec = h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec
		continue

	fmuld:
		if h.frm != 0 || h.fpOff {
			goto slow
		}
		h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n), uses, base, dec
		h.mulD(in)
		pc, left, n, uses, base, dec = h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec
		continue

	fmaddd:
		if h.frm != 0 || h.fpOff {
			goto slow
		}
		h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec = base+uint64(in.at)*2+2, left+int64(in.after), n-uint64(in.n), uses, base, dec
		h.fmaD(in)
		pc, left, n, uses, base, dec = h.pc, h.left, h.instret, *h.dclock, h.fbase, h.fdec
		continue

	nop:
		goto next

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
			*f.stamp, *f.tlb = va, va
			//record: h.recordFetch(f, pc, n, left)
			base, dec = f.tag, f.dec
			va = pc & lineOff
		}
		va = uint64(*(*uint16)(unsafe.Add(dec, va)))
		if va == 0 {
			goto fetch
		}
		va += uint64(uintptr(dec))
		va -= uint64(uintptr(h.tab.blocks.base))
		if va == uint64(in.word) {
			in = (*step)(unsafe.Add(h.tab.blocks.base, in.word)) // known before the line is
			goto begin
		}
		in.word = uint32(va)
		in = (*step)(unsafe.Add(h.tab.blocks.base, va))
		goto begin

		// Within a line of the table all is well. Linux measures the speed of such
		// accesses on every hart.
	ldMisaligned:
		if e := h.lineOf64(va); va&lineOff <= lineSize-8 && va&lineMask == e.rtag && h.rec == nil {
			uses++
			*e.stamp, *e.tlb = uses, uses
			*xreg(x, in.rd) = *(*uint64)(unsafe.Add(e.data, va&lineOff))
			goto next
		}
		goto slow

	sdMisaligned:
		if e := h.lineOf64(va); va&lineOff <= lineSize-8 && va&lineMask == e.wtag && h.sbCount == 0 && h.rec == nil {
			uses++
			*e.stamp, *e.tlb = uses, uses
			*(*uint64)(unsafe.Add(e.data, va&lineOff)) = *xreg(x, in.rs2)
			goto next
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
