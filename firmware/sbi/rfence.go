package sbi

// fenceAll is how many pages a range may have before all translations are
// fenced: where flushing everything is cheaper than one sfence.vma for each.
const fenceAll = 64

// remoteFence is the RFENCE extension. It returns when all harts have done it.
func (f *Firmware) remoteFence(h *hart, fid uint64, a *[6]uint64) result {
	m := fence{from: h.core.ID()}
	switch fid {
	case 0:
		m.fetch = true
		h.pmu.count(fwFenceISent)
	case 1, 2:
		var ok bool
		if m.start, m.pages, ok = pagesOf(a[2], a[3]); !ok {
			return fails(errInvalidAddr)
		}
		if fid == 2 {
			if a[4]>>16 != 0 {
				return fails(errInvalidParam)
			}
			m.asid, m.hasASID = a[4], true
			h.pmu.count(fwSFenceASIDSent)
		} else {
			h.pmu.count(fwSFenceSent)
		}
	default: // 3 to 6 are for the hypervisor extension, which is not there
		return fails(errNotSupported)
	}
	harts, ok := f.mask(a[0], a[1])
	if !ok {
		return fails(errInvalidParam)
	}
	f.send(h, harts, m)
	return result{}
}

// pagesOf is the pages that a range touches, 0 for all there are.
func pagesOf(start, size uint64) (first, pages uint64, ok bool) {
	if start == 0 && size == 0 || size == ^uint64(0) {
		return 0, 0, true
	}
	if size == 0 {
		size = 1
	}
	if start+size-1 < start { // it wraps around
		return 0, 0, false
	}
	first = start &^ 4095
	pages = (start+size-1)>>12 - start>>12 + 1
	if pages > fenceAll {
		return 0, 0, true
	}
	return first, pages, true
}

// send has harts carry out a fence, the caller its own at once, and holds the
// caller until the others have acknowledged.
func (f *Firmware) send(h *hart, harts uint64, m fence) {
	self := uint64(1) << m.from
	if harts&self != 0 {
		f.fence(h, &m)
	}
	if harts&^self == 0 {
		return
	}
	h.core.Serially(func(now uint64) uint64 {
		for i, to := range f.harts {
			// A stopped hart has no translations: it fences all when it starts.
			if i == m.from || harts>>i&1 == 0 || to.state == stopped {
				continue
			}
			to.fences = append(to.fences, m)
			h.acks++
			f.post(i)
		}
		if h.acks > 0 {
			h.core.Hold()
		}
		return now
	})
}
