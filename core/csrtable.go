package core

import "mcsim/core/isa"

// csrReg is a row of the CSR table. The number's bits say the lowest privilege
// and whether it is read-only; check holds what else may make it illegal.
type csrReg struct {
	name  string
	read  func(h *Hart, num uint16) uint64
	write func(h *Hart, num uint16, v uint64)
	check func(h *Hart, num uint16) bool
}

// Numbers that the code needs by name.
const (
	csrSIP = 0x144
	csrMIP = 0x344
)

// field is a register that holds whatever is written under a mask.
func field(name string, at func(*csrFile) *uint64, mask uint64) *csrReg {
	return &csrReg{
		name:  name,
		read:  func(h *Hart, _ uint16) uint64 { return *at(&h.csr) },
		write: func(h *Hart, _ uint16, v uint64) { *at(&h.csr) = v & mask },
	}
}

// fixed is a register that software cannot change.
func fixed(name string, v func(*Hart) uint64) *csrReg {
	return &csrReg{
		name:  name,
		read:  func(h *Hart, _ uint16) uint64 { return v(h) },
		write: func(*Hart, uint16, uint64) {},
	}
}

func zero(*Hart) uint64 { return 0 }

// csrTable has the registers by number; nil: there is none, access is illegal.
var csrTable = func() (t [4096]*csrReg) {
	addFloatCSRs(&t)
	addSupervisorCSRs(&t)
	addMachineCSRs(&t)
	addPMPCSRs(&t)
	addCounterCSRs(&t)
	addAIACSRs(&t)
	return t
}()

func addFloatCSRs(t *[4096]*csrReg) {
	on := func(h *Hart, _ uint16) bool { return !h.fpOff }
	t[0x001] = &csrReg{"fflags",
		func(h *Hart, _ uint16) uint64 { return uint64(h.fflags) },
		func(h *Hart, _ uint16, v uint64) { h.setFCSR(uint64(h.frm)<<5 | v&31) }, on}
	t[0x002] = &csrReg{"frm",
		func(h *Hart, _ uint16) uint64 { return uint64(h.frm) },
		func(h *Hart, _ uint16, v uint64) { h.setFCSR(v&7<<5 | uint64(h.fflags)) }, on}
	t[0x003] = &csrReg{"fcsr",
		func(h *Hart, _ uint16) uint64 { return uint64(h.frm)<<5 | uint64(h.fflags) },
		func(h *Hart, _ uint16, v uint64) { h.setFCSR(v) }, on}
}

func addSupervisorCSRs(t *[4096]*csrReg) {
	const sstatusRead = sstatusWrite | mstatusSD | mstatusUXL64
	t[0x100] = &csrReg{"sstatus",
		func(h *Hart, _ uint16) uint64 { return h.readMstatus() & sstatusRead },
		func(h *Hart, _ uint16, v uint64) { h.writeMstatus(v, sstatusWrite) }, nil}
	t[0x104] = &csrReg{"sie",
		func(h *Hart, _ uint16) uint64 { return h.csr.mie & h.csr.mideleg },
		func(h *Hart, _ uint16, v uint64) {
			h.csr.mie = h.csr.mie&^h.csr.mideleg | v&h.csr.mideleg
			h.checkInterrupts()
		}, nil}
	t[csrSIP] = &csrReg{"sip",
		func(h *Hart, _ uint16) uint64 { return h.csr.mip & h.csr.mideleg },
		func(h *Hart, _ uint16, v uint64) { h.writeMIP(v, h.csr.mideleg&(1<<irqSSI|1<<irqLCOFI)) }, nil}
	t[0x105] = vector("stvec", func(c *csrFile) *uint64 { return &c.stvec })
	t[0x106] = field("scounteren", func(c *csrFile) *uint64 { return &c.scounteren }, 0xffff_ffff)
	t[0x10a] = &csrReg{"senvcfg",
		func(h *Hart, _ uint16) uint64 { return h.csr.senvcfg },
		func(h *Hart, _ uint16, v uint64) {
			mask := uint64(envcfgFIOM)
			if h.cfg.ISA.Has(isa.ExtZicbom) {
				mask |= envcfgCBIE | envcfgCBCFE
			}
			if h.cfg.ISA.Has(isa.ExtZicboz) {
				mask |= envcfgCBZE
			}
			h.writeEnvcfg(&h.csr.senvcfg, v, mask)
		}, nil}
	t[0x140] = field("sscratch", func(c *csrFile) *uint64 { return &c.sscratch }, ^uint64(0))
	t[0x141] = epc("sepc", func(c *csrFile) *uint64 { return &c.sepc })
	t[0x142] = field("scause", func(c *csrFile) *uint64 { return &c.scause }, causeInterrupt|0xff)
	t[0x143] = field("stval", func(c *csrFile) *uint64 { return &c.stval }, ^uint64(0))
	t[0x14d] = &csrReg{"stimecmp",
		func(h *Hart, _ uint16) uint64 { return h.csr.stimecmp },
		func(h *Hart, _ uint16, v uint64) {
			h.csr.stimecmp = v
			h.updateTimers()
			h.limitTo(max(h.nextTimer(), h.Clock()))
		},
		func(h *Hart, _ uint16) bool {
			return h.cfg.ISA.Has(isa.ExtSstc) &&
				(h.priv == Machine || h.csr.menvcfg&menvcfgSTCE != 0 && h.csr.mcounteren&2 != 0)
		}}
	t[0x180] = &csrReg{"satp",
		func(h *Hart, _ uint16) uint64 { return h.mmu.satp },
		func(h *Hart, _ uint16, v uint64) { h.mmu.writeSATP(v) },
		func(h *Hart, _ uint16) bool { return h.priv == Machine || h.csr.mstatus&mstatusTVM == 0 }}
}

func addMachineCSRs(t *[4096]*csrReg) {
	t[0xf11] = fixed("mvendorid", zero) // not a commercial implementation
	t[0xf12] = fixed("marchid", zero)
	t[0xf13] = fixed("mimpid", zero)
	t[0xf14] = fixed("mhartid", func(h *Hart) uint64 { return uint64(h.cfg.ID) })
	t[0xf15] = fixed("mconfigptr", zero)
	t[0x300] = &csrReg{"mstatus",
		func(h *Hart, _ uint16) uint64 { return h.readMstatus() },
		func(h *Hart, _ uint16, v uint64) { h.writeMstatus(v, mstatusWrite) }, nil}
	t[0x301] = fixed("misa", (*Hart).misa)
	t[0x302] = field("medeleg", func(c *csrFile) *uint64 { return &c.medeleg }, 0xb3ff)
	t[0x303] = &csrReg{"mideleg",
		func(h *Hart, _ uint16) uint64 { return h.csr.mideleg },
		func(h *Hart, _ uint16, v uint64) { h.csr.mideleg = v & h.delegable(); h.checkInterrupts() }, nil}
	t[0x304] = &csrReg{"mie",
		func(h *Hart, _ uint16) uint64 { return h.csr.mie },
		func(h *Hart, _ uint16, v uint64) {
			h.csr.mie = v & (h.delegable() | 1<<irqMSI | 1<<irqMTI | 1<<irqMEI)
			h.checkInterrupts()
		}, nil}
	t[csrMIP] = &csrReg{"mip",
		func(h *Hart, _ uint16) uint64 { return h.csr.mip },
		func(h *Hart, _ uint16, v uint64) { h.writeMIP(v, h.delegable()) }, nil}
	t[0x305] = vector("mtvec", func(c *csrFile) *uint64 { return &c.mtvec })
	t[0x306] = field("mcounteren", func(c *csrFile) *uint64 { return &c.mcounteren }, 0xffff_ffff)
	t[0x30a] = &csrReg{"menvcfg",
		func(h *Hart, _ uint16) uint64 { return h.csr.menvcfg },
		func(h *Hart, _ uint16, v uint64) { h.writeMenvcfg(v) }, nil}
	t[0x340] = field("mscratch", func(c *csrFile) *uint64 { return &c.mscratch }, ^uint64(0))
	t[0x341] = epc("mepc", func(c *csrFile) *uint64 { return &c.mepc })
	t[0x342] = field("mcause", func(c *csrFile) *uint64 { return &c.mcause }, causeInterrupt|0xff)
	t[0x343] = field("mtval", func(c *csrFile) *uint64 { return &c.mtval }, ^uint64(0))
	// No triggers: tselect reads 0 and tdata1's type is 0 (debug specification).
	for i, name := range []string{"tselect", "tdata1", "tdata2", "tdata3"} {
		t[0x7a0+i] = fixed(name, zero)
	}
}

func addPMPCSRs(t *[4096]*csrReg) {
	there := func(h *Hart, num uint16) bool {
		if num >= 0x3b0 {
			return int(num-0x3b0) < h.cfg.PMPRegions
		}
		return int(num-0x3a0)*4 < h.cfg.PMPRegions
	}
	for i := uint16(0); i < 16; i += 2 { // odd ones exist on RV32 only
		t[0x3a0+i] = &csrReg{"pmpcfg",
			func(h *Hart, num uint16) uint64 { return h.readPMPCfg(int(num - 0x3a0)) },
			func(h *Hart, num uint16, v uint64) { h.writePMPCfg(int(num-0x3a0), v) }, there}
	}
	for i := range uint16(64) {
		t[0x3b0+i] = &csrReg{"pmpaddr",
			func(h *Hart, num uint16) uint64 { return h.readPMPAddr(int(num - 0x3b0)) },
			func(h *Hart, num uint16, v uint64) { h.writePMPAddr(int(num-0x3b0), v) }, there}
	}
}

// vector is mtvec or stvec: any base aligned to 4, direct or vectored.
func vector(name string, at func(*csrFile) *uint64) *csrReg {
	return &csrReg{name,
		func(h *Hart, _ uint16) uint64 { return *at(&h.csr) },
		func(h *Hart, _ uint16, v uint64) {
			mode := v & 3
			if mode > 1 {
				mode = *at(&h.csr) & 1
			}
			*at(&h.csr) = v&^3 | mode
		}, nil}
}

// epc is mepc or sepc: the low bits that no instruction address has are zero.
func epc(name string, at func(*csrFile) *uint64) *csrReg {
	return &csrReg{name,
		func(h *Hart, _ uint16) uint64 { return *at(&h.csr) },
		func(h *Hart, _ uint16, v uint64) { *at(&h.csr) = v &^ (1 | h.alignMask) }, nil}
}

// misa says RV64 and the single-letter extensions; software cannot change it.
func (h *Hart) misa() uint64 {
	v := uint64(2)<<62 | 1<<('I'-'A') | 1<<('S'-'A') | 1<<('U'-'A')
	has := h.cfg.ISA.Has
	for letter, ext := range map[rune]isa.Extensions{
		'M': isa.ExtM, 'A': isa.ExtA, 'F': isa.ExtF, 'D': isa.ExtD, 'C': isa.ExtC,
		'B': isa.ExtZba | isa.ExtZbb | isa.ExtZbs,
	} {
		if has(ext) {
			v |= 1 << (letter - 'A')
		}
	}
	return v
}

// setFCSR writes the rounding mode and the flags, and dirties FS.
func (h *Hart) setFCSR(v uint64) {
	h.fflags, h.frm = flagsOf(v), uint8(v>>5&7)
	h.fpDirty()
}
