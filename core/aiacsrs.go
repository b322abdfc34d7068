package core

import "mcsim/core/isa"

// Ranges of *iselect (AIA, "CSRs").
const (
	selectIPrio    = 0x30 // to 0x3f
	selectFile     = 0x70 // to 0xff
	selectMask     = 0xfff
	selectReserved = 0x40
)

// addAIACSRs adds what Smaia and Ssaia add for RV64 without H. The iprio arrays
// are read-only zeros, and so is mvien: the least that the manual allows.
func addAIACSRs(t *[4096]*csrReg) {
	smaia := func(h *Hart, _ uint16) bool { return h.cfg.ISA.Has(isa.ExtSmaia) }
	ssaia := func(h *Hart, _ uint16) bool { return h.cfg.ISA.Has(isa.ExtSsaia) }
	only := func(r *csrReg, check func(*Hart, uint16) bool) *csrReg {
		r.check = check
		return r
	}
	t[0x350] = only(field("miselect", func(c *csrFile) *uint64 { return &c.miselect }, selectMask), smaia)
	t[0x150] = only(field("siselect", func(c *csrFile) *uint64 { return &c.siselect }, selectMask), ssaia)
	t[0x351] = indirect("mireg", FileM, func(c *csrFile) uint64 { return c.miselect }, smaia)
	t[0x151] = indirect("sireg", FileS, func(c *csrFile) uint64 { return c.siselect }, ssaia)
	t[0x35c] = topei("mtopei", FileM, smaia)
	t[0x15c] = topei("stopei", FileS, ssaia)
	t[0xfb0] = only(fixed("mtopi", func(h *Hart) uint64 { return topi(h.csr.mip & h.csr.mie &^ h.csr.mideleg) }), smaia)
	t[0xdb0] = only(fixed("stopi", func(h *Hart) uint64 { return topi(h.csr.mip & h.csr.mie & h.csr.mideleg) }), ssaia)
	t[0x308] = only(fixed("mvien", zero), smaia)
	// With mvien 0, mvip's bits are those of mip that software may write.
	t[0x309] = &csrReg{"mvip",
		func(h *Hart, _ uint16) uint64 { return h.csr.mipSoft & h.mvipMask() },
		func(h *Hart, _ uint16, v uint64) { h.writeMIP(v, h.mvipMask()) }, smaia}
}

func (h *Hart) mvipMask() uint64 {
	mask := uint64(supInterrupts)
	if h.csr.menvcfg&menvcfgSTCE != 0 {
		mask &^= 1 << irqSTI
	}
	return mask
}

// indirect is mireg or sireg: the register that *iselect names. One that is
// reserved, or an odd one of an array, is illegal.
func indirect(name string, file int, sel func(*csrFile) uint64, there func(*Hart, uint16) bool) *csrReg {
	return &csrReg{name,
		func(h *Hart, _ uint16) uint64 {
			if s := sel(&h.csr); s >= selectFile {
				return h.readFile(file, s)
			}
			return 0 // iprio
		},
		func(h *Hart, _ uint16, v uint64) {
			if s := sel(&h.csr); s >= selectFile {
				h.writeFile(file, s, v)
			}
		},
		func(h *Hart, num uint16) bool {
			if !there(h, num) {
				return false
			}
			switch s := sel(&h.csr); {
			case s >= selectIPrio && s < selectReserved:
				return s&1 == 0
			case s >= 0x80 && s <= 0xff:
				return len(h.files) > 0 && s&1 == 0
			default:
				return len(h.files) > 0 && s >= selectFile && s < 0x80
			}
		}}
}

// topei is mtopei or stopei: a write claims what a read gives (AIA, "Top
// external interrupt CSRs").
func topei(name string, file int, there func(*Hart, uint16) bool) *csrReg {
	return &csrReg{name,
		func(h *Hart, _ uint16) uint64 { return h.files[file].topei() },
		func(h *Hart, _ uint16, _ uint64) {
			h.files[file].claim()
			h.updateFiles()
		},
		func(h *Hart, num uint16) bool { return there(h, num) && len(h.files) > 0 }}
}

// topi is what mtopi and stopi say of pending and enabled interrupts. With iprio
// all zeros the priority may always read as 1 (AIA, "Machine top interrupt
// CSR").
func topi(ready uint64) uint64 {
	for _, i := range interruptOrder {
		if ready>>i&1 != 0 {
			return uint64(i)<<16 | 1
		}
	}
	return 0
}
