package sbi

// suspend types (table "HSM Hart Suspend Types") and sleep types.
const (
	retentive    = 0
	nonRetentive = 1 << 31
)

// hsm is the Hart State Management extension.
func (f *Firmware) hsm(h *hart, fid uint64, a *[6]uint64) (r result, back bool) {
	switch fid {
	case 0:
		return f.hartStart(h, a[0], a[1], a[2]), true
	case 1:
		return f.hartStop(h), false
	case 2:
		return f.hartStatus(h, a[0]), true
	case 3:
		return f.hartSuspend(h, a[0], a[1], a[2])
	}
	return fails(errNotSupported), true
}

// executable says whether S-mode could start at pa.
func (f *Firmware) executable(h *hart, pa uint64) bool {
	return pa&1 == 0 && f.plat.IsRAM(pa, 2) && h.core.Allowed(pa, 2, false, true)
}

func (f *Firmware) hartStart(h *hart, id, entry, arg uint64) (r result) {
	if id >= uint64(len(f.harts)) {
		return fails(errInvalidParam)
	}
	if !f.executable(h, entry) {
		return fails(errInvalidAddr)
	}
	h.core.Serially(func(now uint64) uint64 {
		to := f.harts[id]
		if to.state != stopped {
			r = fails(errAvailable)
			return now
		}
		to.state, to.start, to.entry, to.arg = startPending, true, entry, arg
		f.post(int(id))
		return now
	})
	return r
}

// hartStop ends S-mode on the hart; messages that have come are answered first,
// by the interrupt that is pending then.
func (f *Firmware) hartStop(h *hart) result {
	c := h.core
	c.Serially(func(now uint64) uint64 {
		h.state = stopped
		c.Hold()
		return now
	})
	c.FenceVMA(0, 0, false, false)
	c.SetCSR(csrMie, bitMSI)
	f.leave(c)
	return result{}
}

func (f *Firmware) hartStatus(h *hart, id uint64) (r result) {
	if id >= uint64(len(f.harts)) {
		return fails(errInvalidParam)
	}
	h.core.Serially(func(now uint64) uint64 {
		to := f.harts[id]
		r = gives(uint64(to.state))
		if to.state == suspended && !to.core.Waiting() {
			r = gives(uint64(started))
		}
		return now
	})
	return r
}

// hartSuspend sleeps like WFI. It comes back with success, or, having forgotten
// its state, at the resume address.
func (f *Firmware) hartSuspend(h *hart, kind, resume, arg uint64) (r result, back bool) {
	switch uint32(kind) {
	case retentive:
		h.core.Serially(func(now uint64) uint64 { h.state = suspended; return now })
		h.core.Wait()
		return result{}, true
	case nonRetentive:
		if !f.executable(h, resume) {
			return fails(errInvalidAddr), true
		}
		f.sleep(h, resume, arg)
		return result{}, false
	}
	return fails(errInvalidParam), true
}

// sleep waits for an interrupt on the way to a resume address.
func (f *Firmware) sleep(h *hart, resume, arg uint64) {
	h.entry, h.arg = resume, arg
	f.enter(h)
	h.core.Serially(func(now uint64) uint64 { h.state = suspended; return now })
	h.core.Wait()
}

// systemSuspend is sbi_system_suspend, to RAM. All other harts must be stopped.
func (f *Firmware) systemSuspend(h *hart, a *[6]uint64) (r result, back bool) {
	if uint32(a[0]) != 0 {
		return fails(errInvalidParam), true
	}
	if !f.executable(h, a[1]) {
		return fails(errInvalidAddr), true
	}
	h.core.Serially(func(now uint64) uint64 {
		for _, o := range f.harts {
			if o != h && o.state != stopped {
				r = fails(errDenied)
			}
		}
		return now
	})
	if r.err != success {
		return r, true
	}
	f.sleep(h, a[1], a[2])
	return result{}, false
}
