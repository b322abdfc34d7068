package sbi

// systemReset is sbi_system_reset. A shutdown with the reason "system failure"
// ends the run with code 1.
func (f *Firmware) systemReset(h *hart, kind, reason uint64) (r result, back bool) {
	t, why := uint32(kind), uint32(reason)
	if t > 2 || why > 1 {
		return fails(errInvalidParam), true
	}
	f.exit(h, int64(why), t != 0)
	return result{}, false
}

// exit ends the run, or asks for a reset, and keeps the hart from going on.
func (f *Firmware) exit(h *hart, code int64, reset bool) {
	h.core.Serially(func(now uint64) uint64 {
		f.plat.Exit(now, code, reset)
		return now
	})
	h.core.SetCSR(csrMie, bitMSI)
	f.leave(h.core)
	h.core.Hold()
}

// consoleChunk is how many bytes a call of the debug console moves at most: it may
// do less than it was asked for.
const consoleChunk = 4096

// debugConsole is the DBCN extension.
func (f *Firmware) debugConsole(h *hart, fid uint64, a *[6]uint64) (r result) {
	switch fid {
	case 0, 1:
		if r = f.shared(h, a[1], a[2], a[0], fid == 1); r.err != success {
			return fails(errInvalidParam)
		}
		n := min(a[0], consoleChunk)
		h.core.Serially(func(now uint64) uint64 {
			var buf [consoleChunk]byte
			if fid == 0 {
				if !f.plat.ReadPhys(now, a[1], buf[:n]) {
					r = fails(errFailed)
					return now
				}
				f.plat.Print(now, buf[:n])
			} else {
				n = uint64(f.plat.Input(now, buf[:n]))
				if !f.plat.WritePhys(now, a[1], buf[:n]) {
					r = fails(errFailed)
					return now
				}
			}
			r = gives(n)
			return now
		})
		return r
	case 2:
		f.putchar(h, a[0])
		return result{}
	}
	return fails(errNotSupported)
}

func (f *Firmware) putchar(h *hart, ch uint64) {
	h.core.Serially(func(now uint64) uint64 {
		f.plat.Print(now, []byte{byte(ch)})
		return now
	})
}

// shared checks a range that S-mode shares with the firmware ("Shared memory
// physical address range parameter").
func (f *Firmware) shared(h *hart, lo, hi, size uint64, write bool) result {
	if size == 0 {
		size = 1
	}
	if hi != 0 || lo+size-1 < lo || !f.plat.IsRAM(lo, size) || !h.core.Allowed(lo, size, write, false) {
		return fails(errInvalidAddr)
	}
	return result{}
}

// legacy serves extensions 0 to 8. Their masks of harts lie in memory, at a
// virtual address.
func (f *Firmware) legacy(h *hart, eid uint64, a *[6]uint64) (r result, back bool) {
	c := h.core
	switch eid {
	case extSetTimer:
		return f.setTimer(h, a[0]), true
	case extPutchar:
		f.putchar(h, a[0])
		return legacy(0), true
	case extGetchar:
		r = legacy(-1)
		c.Serially(func(now uint64) uint64 {
			var ch [1]byte
			if f.plat.Input(now, ch[:]) == 1 {
				r = legacy(int64(ch[0]))
			}
			return now
		})
		return r, true
	case extClearIPI:
		was := c.CSR(csrMip) & bitSSI
		c.SetCSR(csrMip, c.CSR(csrMip)&^bitSSI)
		return legacy(int64(was >> 1)), true
	case extSendIPI, extFenceI, extSFence, extSFenceASID:
		return f.legacyRemote(h, eid, a)
	case extShutdown:
		f.exit(h, 0, false)
		return result{}, false
	}
	return fails(errNotSupported), true
}

// legacyRemote reads the mask of harts as S-mode would; the fault that this may
// give is S-mode's.
func (f *Firmware) legacyRemote(h *hart, eid uint64, a *[6]uint64) (r result, back bool) {
	mask := ^uint64(0) >> (64 - len(f.harts)) // a null pointer is all harts, as everybody has it
	if a[0] != 0 {
		var ok bool
		if mask, ok = h.core.LoadForSupervisor(a[0]); !ok {
			h.core.SetCSR(csrMepc, h.core.CSR(csrMepc)-4)
			h.core.SupervisorTrap()
			return result{}, false
		}
	}
	switch eid {
	case extSendIPI:
		return f.ipi(h, mask, 0), true
	case extFenceI:
		return f.remoteFence(h, 0, &[6]uint64{mask, 0}), true
	case extSFence:
		return f.remoteFence(h, 1, &[6]uint64{mask, 0, a[1], a[2]}), true
	}
	return f.remoteFence(h, 2, &[6]uint64{mask, 0, a[1], a[2], a[3]}), true
}
