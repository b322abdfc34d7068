package sbi

import "mcsim/core/isa"

// result is what a call leaves in a0 and a1.
type result struct {
	err   int64
	value uint64
}

func fails(err int64) result   { return result{err: err} }
func gives(v uint64) result    { return result{value: v} }
func legacy(a0 int64) result   { return result{err: a0} }
func isLegacy(eid uint64) bool { return eid < 16 }

// call serves an ecall from S-mode. Functions that do not return to where they
// were called from return false.
func (f *Firmware) call(h *hart) {
	c := h.core
	eid := uint64(uint32(c.X(17)))
	c.SetCSR(csrMepc, c.CSR(csrMepc)+4)
	var a [6]uint64
	for i := range a {
		a[i] = c.X(10 + i)
	}
	r, back := f.dispatch(h, eid, uint64(uint32(c.X(16))), &a)
	if !back {
		return
	}
	c.SetX(10, uint64(r.err))
	if !isLegacy(eid) {
		c.SetX(11, r.value)
	}
	c.MachineReturn()
}

func (f *Firmware) dispatch(h *hart, eid, fid uint64, a *[6]uint64) (r result, back bool) {
	switch eid {
	case extBase:
		return f.base(fid, a), true
	case extTime:
		if fid == 0 {
			return f.setTimer(h, a[0]), true
		}
	case extIPI:
		if fid == 0 {
			return f.ipi(h, a[0], a[1]), true
		}
	case extRFNC:
		return f.remoteFence(h, fid, a), true
	case extHSM:
		return f.hsm(h, fid, a)
	case extSRST:
		if fid == 0 {
			return f.systemReset(h, a[0], a[1])
		}
	case extPMU:
		return f.pmuCall(h, fid, a), true
	case extDBCN:
		return f.debugConsole(h, fid, a), true
	case extSUSP:
		if fid == 0 {
			return f.systemSuspend(h, a)
		}
	default:
		if isLegacy(eid) {
			return f.legacy(h, eid, a)
		}
	}
	return fails(errNotSupported), true
}

// implementation is our SBI implementation id. The numbers of the table "SBI
// Implementation IDs" belong to others; it is none of them.
const implementation = 0x6d63 // "mc"

// base is the extension that tells what there is.
func (f *Firmware) base(fid uint64, a *[6]uint64) result {
	switch fid {
	case 0:
		return gives(2 << 24) // version 2.0
	case 1:
		return gives(implementation)
	case 2:
		return gives(1)
	case 3:
		switch uint64(uint32(a[0])) {
		case extBase, extTime, extIPI, extRFNC, extHSM, extSRST, extPMU, extDBCN, extSUSP,
			extSetTimer, extPutchar, extGetchar, extClearIPI, extSendIPI, extFenceI, extSFence, extSFenceASID, extShutdown:
			return gives(1)
		}
		return gives(0)
	case 4, 5, 6: // mvendorid, marchid, mimpid
		return gives(f.harts[0].core.CSR(0xf11 + uint16(fid-4)))
	}
	return fails(errNotSupported)
}

// setTimer is sbi_set_timer. The pending interrupt is cleared in any case; a time
// that has come already raises it again at once.
func (f *Firmware) setTimer(h *hart, ticks uint64) result {
	c := h.core
	h.pmu.count(fwSetTimer)
	if c.Has(isa.ExtSstc) {
		c.SetCSR(csrStimecmp, ticks)
		return result{}
	}
	c.SetCSR(csrMip, c.CSR(csrMip)&^bitSTI)
	c.Serially(func(now uint64) uint64 {
		f.plat.SetTimer(c.ID(), now, ticks)
		return now
	})
	c.SetCSR(csrMie, c.CSR(csrMie)|bitMTI)
	return result{}
}

// harts turns a mask and its base into a mask of harts ("Hart list parameter").
func (f *Firmware) mask(mask, base uint64) (harts uint64, ok bool) {
	all := ^uint64(0) >> (64 - len(f.harts))
	if base == ^uint64(0) {
		return all, true
	}
	if mask == 0 {
		return 0, true
	}
	if base >= uint64(len(f.harts)) {
		return 0, false
	}
	harts = mask << base
	return harts, harts>>base == mask && harts&^all == 0
}

// ipi is sbi_send_ipi. It does not wait.
func (f *Firmware) ipi(h *hart, mask, base uint64) result {
	harts, ok := f.mask(mask, base)
	if !ok {
		return fails(errInvalidParam)
	}
	h.pmu.count(fwIPISent)
	c := h.core
	c.Serially(func(now uint64) uint64 {
		for i, to := range f.harts {
			if harts>>i&1 != 0 && to.state != stopped {
				to.ipi = true
				f.post(i)
			}
		}
		return now
	})
	return result{}
}

// post raises a hart's MSIP, which makes it open its mailbox.
func (f *Firmware) post(hart int) { f.plat.SetMSIP(hart, true) }
