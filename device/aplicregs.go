package device

import "math/bits"

// Read takes aligned words. Reserved registers read as 0.
func (a *APLIC) Read(_, off uint64, size int) (uint64, bool) {
	if size != 4 || off&3 != 0 || off >= APLICSize {
		return 0, false
	}
	return uint64(a.read(off)), true
}

func (a *APLIC) read(off uint64) uint32 {
	pending := func(s *APLICSource) bool { return s.Pending }
	switch {
	case off == aplicDomainCfg:
		return domainRO | a.st.Config
	case off < aplicSourceEnd:
		if i := off / 4; a.there(i) {
			return a.st.Sources[i].Config
		}
	case off == aplicMMSIAddrH && a.cfg.Root && a.cfg.Send != nil:
		return mmsiLocked
	case off >= aplicSetIP && off < aplicSetIP+aplicArray:
		return a.bits(off-aplicSetIP, pending)
	case off >= aplicClrIP && off < aplicClrIP+aplicArray:
		return a.bits(off-aplicClrIP, (*APLICSource).input)
	case off >= aplicSetIE && off < aplicSetIE+aplicArray:
		return a.bits(off-aplicSetIE, func(s *APLICSource) bool { return s.Enabled })
	case off >= aplicTarget && off < aplicIDC:
		if i := (off-aplicTarget)/4 + 1; a.there(i) && a.st.Sources[i].active() {
			return a.target(a.st.Sources[i].Target)
		}
	case off >= aplicIDC:
		return a.readIDC(off - aplicIDC)
	}
	return 0
}

// target is what a source's target reads as in the domain's mode.
func (a *APLIC) target(v uint32) uint32 {
	if a.msi() {
		return v
	}
	return v&^0xff | max(1, v&0xff)
}

// bits collects a bit of 32 sources.
func (a *APLIC) bits(at uint64, of func(*APLICSource) bool) (w uint32) {
	for b := range uint64(32) {
		if i := at*8 + b; a.there(i) && of(&a.st.Sources[i]) {
			w |= 1 << b
		}
	}
	return w
}

func (a *APLIC) readIDC(at uint64) uint32 {
	hart := int(at / idcBytes)
	if hart >= len(a.st.Harts) {
		return 0
	}
	h := &a.st.Harts[hart]
	switch at % idcBytes {
	case 0x00:
		return uint32(bit(h.Delivery))
	case 0x04:
		return uint32(bit(h.Force))
	case 0x08:
		return uint32(h.Threshold)
	case 0x18, 0x1c:
		id, priority := uint32(0), uint32(0)
		if !a.msi() {
			id, priority = a.top(hart)
		}
		if at%idcBytes == 0x1c {
			if id == 0 {
				h.Force = false
			} else {
				a.clearPending(&a.st.Sources[id])
			}
			a.update()
		}
		return id<<16 | priority
	}
	return 0
}

// Write takes aligned words. Writes to reserved and read-only registers are
// ignored.
func (a *APLIC) Write(_, off uint64, size int, v uint64) bool {
	if size != 4 || off&3 != 0 || off >= APLICSize {
		return false
	}
	a.write(off, uint32(v))
	a.update()
	return true
}

func (a *APLIC) write(off uint64, v uint32) {
	enable := func(s *APLICSource) { s.Enabled = s.active() }
	disable := func(s *APLICSource) { s.Enabled = false }
	switch {
	case off == aplicDomainCfg:
		a.writeDomain(v)
	case off < aplicSourceEnd:
		if i := off / 4; a.there(i) {
			a.configure(i, v)
		}
	case off >= aplicSetIP && off < aplicSetIP+aplicArray:
		a.each(off-aplicSetIP, v, a.setPending)
	case off == aplicSetIPNum, off == aplicSetIPNumLE:
		a.one(v, a.setPending)
	case off >= aplicClrIP && off < aplicClrIP+aplicArray:
		a.each(off-aplicClrIP, v, a.clearPending)
	case off == aplicClrIPNum:
		a.one(v, a.clearPending)
	case off >= aplicSetIE && off < aplicSetIE+aplicArray:
		a.each(off-aplicSetIE, v, enable)
	case off == aplicSetIENum:
		a.one(v, enable)
	case off >= aplicClrIE && off < aplicClrIE+aplicArray:
		a.each(off-aplicClrIE, v, disable)
	case off == aplicClrIENum:
		a.one(v, disable)
	case off == aplicGenMSI:
		if a.msi() { // sent at once, so Busy is never seen; to no guest
			a.send(v &^ (63 << targetGuest))
		}
	case off >= aplicTarget && off < aplicIDC:
		a.one(uint32((off-aplicTarget)/4+1), func(s *APLICSource) { a.setTarget(s, v) })
	case off >= aplicIDC:
		a.writeIDC(off-aplicIDC, v)
	}
}

// writeDomain changes the delivery mode, with which level-sensitive sources
// follow other rules.
func (a *APLIC) writeDomain(v uint32) {
	mask := uint32(domainIE)
	if a.cfg.Send != nil {
		mask |= domainDM
	}
	a.st.Config = v & mask
	for i := range a.st.Sources {
		if s := &a.st.Sources[i]; s.level() && !a.msi() {
			s.Pending = s.input()
		}
	}
}

// setTarget keeps the fields that the domain's mode has.
func (a *APLIC) setTarget(s *APLICSource, v uint32) {
	if !s.active() {
		return
	}
	if !a.msi() {
		s.Target = v&^(1<<targetHart-1) | v&0xff
		return
	}
	guest := v >> targetGuest & 63
	if guest > uint32(a.cfg.Guests) {
		guest = 0
	}
	s.Target = v&^(1<<targetHart-1) | guest<<targetGuest | v&targetEIID
}

// each applies f to the sources whose bits are ones.
func (a *APLIC) each(at uint64, v uint32, f func(*APLICSource)) {
	for ; v != 0; v &= v - 1 {
		a.one(uint32(at*8)+uint32(bits.TrailingZeros32(v)), f)
	}
}

func (a *APLIC) one(i uint32, f func(*APLICSource)) {
	if a.there(uint64(i)) {
		f(&a.st.Sources[i])
	}
}

func (a *APLIC) writeIDC(at uint64, v uint32) {
	hart := int(at / idcBytes)
	if hart >= len(a.st.Harts) {
		return
	}
	h := &a.st.Harts[hart]
	switch at % idcBytes {
	case 0x00:
		h.Delivery = v&1 != 0
	case 0x04:
		h.Force = v&1 != 0
	case 0x08:
		h.Threshold = uint8(v)
	}
}
