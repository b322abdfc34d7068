package core

import (
	"mcsim/core/fp"
	"mcsim/core/isa"
)

// A float32 in a 64-bit register has all upper bits set; anything else reads
// as the canonical NaN (unprivileged manual, D, NaN boxing). So do halves.
const (
	box32      = 0xffff_ffff_0000_0000
	box16      = 0xffff_ffff_ffff_0000
	nan32      = 0x7fc00000
	nan16      = 0x7e00
	reservedRM = 5 // and 6
	dynamicRM  = 7
)

func (h *Hart) f32(r uint8) uint32 {
	v := h.f[r]
	if v < box32 {
		return nan32
	}
	return uint32(v)
}

func (h *Hart) f16(r uint8) uint16 {
	v := h.f[r]
	if v < box16 {
		return nan16
	}
	return uint16(v)
}

func (h *Hart) setF32(r uint8, v uint32) { h.f[r] = box32 | uint64(v) }

// fpDirty notes that floating-point state differs from what software saved.
func (h *Hart) fpDirty() { h.csr.mstatus |= mstatusFSDirty }

// execFPMem executes loads and stores.
func (h *Hart) execFPMem(in *isa.Inst) bool {
	if h.fpOff {
		return h.raise(causeIllegal, uint64(in.Raw))
	}
	va := h.x[in.Rs1] + uint64(int64(in.Imm))
	switch in.Op {
	case isa.OpFLD:
		v, ok := uint64(0), false
		if va&7 == 0 && h.rec == nil {
			v, ok = h.loadPart(va, 8, nil)
		} else {
			v, ok = h.loadSlow(va, 8)
		}
		if ok {
			h.fpDirty()
			h.f[in.Rd] = v
		}
		return ok
	case isa.OpFSD:
		return h.storeSlow(va, 8, h.f[in.Rs2])
	case isa.OpFLW:
		v, ok := h.loadQuick(va, 4)
		if ok {
			h.fpDirty()
			h.f[in.Rd] = box32 | v
		}
		return ok
	case isa.OpFLH:
		v, ok := h.loadQuick(va, 2)
		if ok {
			h.fpDirty()
			h.f[in.Rd] = box16 | v
		}
		return ok
	case isa.OpFSW:
		return h.storeQuick(va, 4, h.f[in.Rs2])
	default: // OpFSH
		return h.storeQuick(va, 2, h.f[in.Rs2])
	}
}

// addD, mulD and fmaD are the commonest operations, rounding to nearest: the
// run loop comes here directly. They are not to be inlined there, where their own
// calls would cost the loop's locals their registers.
//
//go:noinline
func (h *Hart) addD(in *step) {
	h.fpDirty()
	h.f[in.rd] = fp.Add64(h.f[in.rs1], h.f[in.rs2], fp.RNE, &h.fflags)
}

//go:noinline
func (h *Hart) mulD(in *step) {
	h.fpDirty()
	h.f[in.rd] = fp.Mul64(h.f[in.rs1], h.f[in.rs2], fp.RNE, &h.fflags)
}

//go:noinline
func (h *Hart) fmaD(in *step) {
	h.fpDirty()
	h.f[in.rd] = fp.FMA64(h.f[in.rs1], h.f[in.rs2], h.f[uint8(in.imm)], fp.RNE, &h.fflags)
}

// execFP executes every floating-point instruction but loads and stores. It
// returns false if that raised a trap.
func (h *Hart) execFP(in *isa.Inst) bool {
	rm := in.RM
	if rm == dynamicRM {
		rm = h.frm
	}
	if h.fpOff || rm >= reservedRM && in.Op >= isa.OpFADDD && usesRM(in.Op) {
		return h.raise(causeIllegal, uint64(in.Raw))
	}
	h.fpDirty()
	if in.Op >= isa.OpFADDS {
		h.execSingle(in, fp.RM(rm))
	} else if in.Op >= isa.OpFADDD {
		h.execDouble(in, fp.RM(rm))
	} else {
		h.execFPMove(in)
	}
	return true
}

// usesRM says whether the RM field of op is a rounding mode; elsewhere those
// bits are part of the encoding. Conversions that cannot round have the field
// too, and a reserved value in it is as illegal there.
func usesRM(op isa.Op) bool {
	switch op {
	case isa.OpFSGNJD, isa.OpFSGNJND, isa.OpFSGNJXD, isa.OpFMIND, isa.OpFMAXD,
		isa.OpFEQD, isa.OpFLTD, isa.OpFLED, isa.OpFCLASSD,
		isa.OpFSGNJS, isa.OpFSGNJNS, isa.OpFSGNJXS, isa.OpFMINS, isa.OpFMAXS,
		isa.OpFEQS, isa.OpFLTS, isa.OpFLES, isa.OpFCLASSS:
		return false
	}
	return true
}

func (h *Hart) execFPMove(in *isa.Inst) {
	switch in.Op {
	case isa.OpFMVXD:
		h.x[in.Rd] = h.f[in.Rs1]
	case isa.OpFMVDX:
		h.f[in.Rd] = h.x[in.Rs1]
	case isa.OpFMVXW:
		h.x[in.Rd] = uint64(int64(int32(h.f[in.Rs1])))
	case isa.OpFMVWX:
		h.f[in.Rd] = box32 | uint64(uint32(h.x[in.Rs1]))
	case isa.OpFMVXH:
		h.x[in.Rd] = uint64(int64(int16(h.f[in.Rs1])))
	case isa.OpFMVHX:
		h.f[in.Rd] = box16 | uint64(uint16(h.x[in.Rs1]))
	}
}

func (h *Hart) execDouble(in *isa.Inst, rm fp.RM) {
	fl := &h.fflags
	a, b := h.f[in.Rs1], h.f[in.Rs2]
	f, x := &h.f[in.Rd], &h.x[in.Rd]
	switch in.Op {
	case isa.OpFADDD:
		*f = fp.Add64(a, b, rm, fl)
	case isa.OpFSUBD:
		*f = fp.Sub64(a, b, rm, fl)
	case isa.OpFMULD:
		*f = fp.Mul64(a, b, rm, fl)
	case isa.OpFDIVD:
		*f = fp.Div64(a, b, rm, fl)
	case isa.OpFSQRTD:
		*f = fp.Sqrt64(a, rm, fl)
	case isa.OpFMADDD:
		*f = fp.FMA64(a, b, h.f[uint8(in.Imm)], rm, fl)
	case isa.OpFMSUBD:
		*f = fp.FMA64(a, b, fp.Neg64(h.f[uint8(in.Imm)]), rm, fl)
	case isa.OpFNMSUBD:
		*f = fp.FMA64(fp.Neg64(a), b, h.f[uint8(in.Imm)], rm, fl)
	case isa.OpFNMADDD:
		*f = fp.FMA64(fp.Neg64(a), b, fp.Neg64(h.f[uint8(in.Imm)]), rm, fl)
	case isa.OpFSGNJD:
		*f = fp.SgnJ64(a, b)
	case isa.OpFSGNJND:
		*f = fp.SgnJN64(a, b)
	case isa.OpFSGNJXD:
		*f = fp.SgnJX64(a, b)
	case isa.OpFMIND:
		*f = fp.Min64(a, b, fl)
	case isa.OpFMAXD:
		*f = fp.Max64(a, b, fl)
	case isa.OpFEQD:
		*x = b2u(fp.Eq64(a, b, fl))
	case isa.OpFLTD:
		*x = b2u(fp.Lt64(a, b, fl))
	case isa.OpFLED:
		*x = b2u(fp.Le64(a, b, fl))
	case isa.OpFCLASSD:
		*x = fp.Class64(a)
	case isa.OpFCVTWD:
		*x = uint64(int64(fp.F64ToI32(a, rm, fl)))
	case isa.OpFCVTWUD:
		*x = uint64(int64(int32(fp.F64ToU32(a, rm, fl))))
	case isa.OpFCVTLD:
		*x = uint64(fp.F64ToI64(a, rm, fl))
	case isa.OpFCVTLUD:
		*x = fp.F64ToU64(a, rm, fl)
	case isa.OpFCVTDW:
		*f = fp.I32ToF64(int32(h.x[in.Rs1]))
	case isa.OpFCVTDWU:
		*f = fp.U32ToF64(uint32(h.x[in.Rs1]))
	case isa.OpFCVTDL:
		*f = fp.I64ToF64(int64(h.x[in.Rs1]), rm, fl)
	case isa.OpFCVTDLU:
		*f = fp.U64ToF64(h.x[in.Rs1], rm, fl)
	case isa.OpFCVTSD:
		h.setF32(in.Rd, fp.F64ToF32(a, rm, fl))
	case isa.OpFCVTDS:
		*f = fp.F32ToF64(h.f32(in.Rs1), fl)
	}
}

func (h *Hart) execSingle(in *isa.Inst, rm fp.RM) {
	fl := &h.fflags
	x := &h.x[in.Rd]
	switch in.Op {
	// The operand is not a single, or not boxed as one.
	case isa.OpFCVTSW:
		h.setF32(in.Rd, fp.I32ToF32(int32(h.x[in.Rs1]), rm, fl))
		return
	case isa.OpFCVTSWU:
		h.setF32(in.Rd, fp.U32ToF32(uint32(h.x[in.Rs1]), rm, fl))
		return
	case isa.OpFCVTSL:
		h.setF32(in.Rd, fp.I64ToF32(int64(h.x[in.Rs1]), rm, fl))
		return
	case isa.OpFCVTSLU:
		h.setF32(in.Rd, fp.U64ToF32(h.x[in.Rs1], rm, fl))
		return
	case isa.OpFCVTSH:
		h.setF32(in.Rd, fp.F16ToF32(h.f16(in.Rs1), fl))
		return
	case isa.OpFCVTDH:
		h.f[in.Rd] = fp.F16ToF64(h.f16(in.Rs1), fl)
		return
	case isa.OpFCVTHD:
		h.f[in.Rd] = box16 | uint64(fp.F64ToF16(h.f[in.Rs1], rm, fl))
		return
	}
	a, b := h.f32(in.Rs1), h.f32(in.Rs2)
	switch in.Op {
	case isa.OpFADDS:
		h.setF32(in.Rd, fp.Add32(a, b, rm, fl))
	case isa.OpFSUBS:
		h.setF32(in.Rd, fp.Sub32(a, b, rm, fl))
	case isa.OpFMULS:
		h.setF32(in.Rd, fp.Mul32(a, b, rm, fl))
	case isa.OpFDIVS:
		h.setF32(in.Rd, fp.Div32(a, b, rm, fl))
	case isa.OpFSQRTS:
		h.setF32(in.Rd, fp.Sqrt32(a, rm, fl))
	case isa.OpFMADDS:
		h.setF32(in.Rd, fp.FMA32(a, b, h.f32(uint8(in.Imm)), rm, fl))
	case isa.OpFMSUBS:
		h.setF32(in.Rd, fp.FMA32(a, b, fp.Neg32(h.f32(uint8(in.Imm))), rm, fl))
	case isa.OpFNMSUBS:
		h.setF32(in.Rd, fp.FMA32(fp.Neg32(a), b, h.f32(uint8(in.Imm)), rm, fl))
	case isa.OpFNMADDS:
		h.setF32(in.Rd, fp.FMA32(fp.Neg32(a), b, fp.Neg32(h.f32(uint8(in.Imm))), rm, fl))
	case isa.OpFSGNJS:
		h.setF32(in.Rd, fp.SgnJ32(a, b))
	case isa.OpFSGNJNS:
		h.setF32(in.Rd, fp.SgnJN32(a, b))
	case isa.OpFSGNJXS:
		h.setF32(in.Rd, fp.SgnJX32(a, b))
	case isa.OpFMINS:
		h.setF32(in.Rd, fp.Min32(a, b, fl))
	case isa.OpFMAXS:
		h.setF32(in.Rd, fp.Max32(a, b, fl))
	case isa.OpFEQS:
		*x = b2u(fp.Eq32(a, b, fl))
	case isa.OpFLTS:
		*x = b2u(fp.Lt32(a, b, fl))
	case isa.OpFLES:
		*x = b2u(fp.Le32(a, b, fl))
	case isa.OpFCLASSS:
		*x = fp.Class32(a)
	case isa.OpFCVTWS:
		*x = uint64(int64(fp.F32ToI32(a, rm, fl)))
	case isa.OpFCVTWUS:
		*x = uint64(int64(int32(fp.F32ToU32(a, rm, fl))))
	case isa.OpFCVTLS:
		*x = uint64(fp.F32ToI64(a, rm, fl))
	case isa.OpFCVTLUS:
		*x = fp.F32ToU64(a, rm, fl)
	case isa.OpFCVTHS:
		h.f[in.Rd] = box16 | uint64(fp.F32ToF16(a, rm, fl))
	}
}
