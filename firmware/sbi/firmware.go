package sbi

import (
	"fmt"
	"math/bits"

	"mcsim/core"
	"mcsim/core/isa"
)

// MaxHarts is how many harts there may be: a mask of them is a word.
const MaxHarts = 64

// Platform is what the firmware reaches besides harts. Its methods are called in
// the serial phase, now being the cycle of the call.
type Platform interface {
	SetMSIP(hart int, level bool)                  // drives a hart's software interrupt for M-mode
	SetTimer(hart int, now, ticks uint64)          // mtimecmp
	Wake(hart int, now uint64)                     // ends the hart's sleep, if it sleeps
	Print(now uint64, p []byte)                    // on the console
	Input(now uint64, p []byte) int                // from the console, what is there
	ReadPhys(now uint64, pa uint64, p []byte) bool // memory; false if it is none
	WritePhys(now uint64, pa uint64, p []byte) bool
	IsRAM(pa, size uint64) bool
	Exit(now uint64, code int64, reset bool) // power off, or reset
}

// Region is memory, or a device, that S-mode must not touch; Size is a power of
// two and Base a multiple of it.
type Region struct{ Base, Size uint64 }

// Costs are cycles, on top of the trap into M-mode and the return from it.
type Costs struct {
	Call      int // any SBI call: saving registers, finding the extension
	Interrupt int // handling a software or timer interrupt
	Remote    int // each hart that a call sends a message to
	Page      int // each page of a range that is fenced
}

// Config is what a firmware is built for.
type Config struct {
	Costs   Costs
	Regions []Region // kept from S-mode by PMP
	PMP     bool     // harts have PMP
	Boot    int      // hart that starts; the others wait for HSM
	Entry   uint64   // where it starts, in S-mode
	Arg     uint64   // its a1: the device tree
}

// hartState is a state of the HSM extension, with its number there.
type hartState uint64

const (
	started      hartState = 0
	stopped      hartState = 1
	startPending hartState = 2
	suspended    hartState = 4
)

// fence is a remote fence that a hart is asked for.
type fence struct {
	from    int // who waits for it
	fetch   bool
	start   uint64
	pages   uint64 // 0: everything
	asid    uint64
	hasASID bool
}

// hart is what the firmware knows of one.
type hart struct {
	core  *core.Hart
	state hartState

	// The mailbox.
	ipi    bool
	fences []fence
	start  bool
	entry  uint64
	arg    uint64

	acks int // that it waits for
	pmu  pmu
	sent []fence // scratch of the hart's own
}

// Firmware serves all harts of a machine.
type Firmware struct {
	cfg   Config
	plat  Platform
	harts []*hart
}

// New installs the firmware on harts that have not started, and starts them: the
// boot hart in S-mode at the entry, the others stopped.
func New(cfg Config, plat Platform, cores []*core.Hart) (*Firmware, error) {
	if len(cores) == 0 || len(cores) > MaxHarts {
		return nil, fmt.Errorf("sbi: %d harts, want 1 to %d", len(cores), MaxHarts)
	}
	if cfg.Boot < 0 || cfg.Boot >= len(cores) {
		return nil, fmt.Errorf("sbi: no hart %d to boot on", cfg.Boot)
	}
	for _, r := range cfg.Regions {
		if r.Size < 8 || r.Size&(r.Size-1) != 0 || r.Base&(r.Size-1) != 0 {
			return nil, fmt.Errorf("sbi: %#x bytes at %#x are no naturally aligned power of two", r.Size, r.Base)
		}
	}
	f := &Firmware{cfg: cfg, plat: plat}
	for i, c := range cores {
		h := &hart{core: c, state: stopped}
		f.harts = append(f.harts, h)
		c.SetFirmware(f)
		f.reset(h)
		if i == cfg.Boot {
			h.entry, h.arg = cfg.Entry, cfg.Arg
			f.enter(h)
		} else {
			// A stopped hart is held on its way to nowhere in S-mode.
			c.SetCSR(csrMepc, 0)
			f.leave(c)
			c.Hold()
		}
	}
	return f, nil
}

// reset sets up what M-mode decides for the modes below: S-mode takes its own
// traps, has all counters and every extension that the hart implements.
func (f *Firmware) reset(h *hart) {
	c := h.core
	deleg := uint64(0xb1ff)
	if !c.Has(isa.ExtZicntr) {
		deleg &^= 1 << causeIllegal // for reads of the time, which it emulates
	}
	c.SetCSR(csrMedeleg, deleg)
	c.SetCSR(csrMideleg, bitSSI|bitSTI|bitSEI|bitLCOFI) // the last one with Sscofpmf
	c.SetCSR(csrMie, bitMSI)
	c.SetCSR(csrMcounteren, 0xffff_ffff)
	env := uint64(1<<63 | 1<<62 | 7<<4 | 1<<7) // STCE, PBMTE, CBIE and CBCFE, CBZE
	if !c.Has(isa.ExtSvade) {
		env |= 1 << 61 // ADUE: only where software cannot expect page faults instead
	}
	c.SetCSR(csrMenvcfg, env)
	h.pmu.reset(c)
	if f.cfg.PMP {
		f.protect(c)
	}
}

// protect keeps S-mode out of the firmware's regions, and gives it the rest.
func (f *Firmware) protect(c *core.Hart) {
	const rwx, napot = 7, 3 << 3
	var cfg [16]uint8
	regions := append(f.cfg.Regions[:len(f.cfg.Regions):len(f.cfg.Regions)], Region{0, 1 << 56})
	for i, r := range regions {
		c.SetCSR(csrPMPAddr+uint16(i), r.Base>>2|(r.Size/8-1))
		cfg[i] = napot
	}
	cfg[len(regions)-1] |= rwx
	for i := 0; i < len(cfg); i += 8 {
		v := uint64(0)
		for k := range 8 {
			v |= uint64(cfg[i+k]) << (8 * k)
		}
		c.SetCSR(csrPMPCfg+uint16(i/4), v)
	}
}

// enter starts a hart in S-mode at its entry (tables "HSM Hart Start Register
// State" and "HSM Hart Resume Register State").
func (f *Firmware) enter(h *hart) {
	c := h.core
	h.state = started
	c.SetCSR(csrMepc, h.entry)
	c.SetX(10, uint64(c.ID()))
	c.SetX(11, h.arg)
	f.leave(c)
}

// leave returns to S-mode at mepc with translation and interrupts off.
func (f *Firmware) leave(c *core.Hart) {
	c.SetCSR(csrSatp, 0)
	c.SetCSR(csrMstatus, c.CSR(csrMstatus)&^(mstatusSIE|mstatusSPIE|mstatusMPP|mstatusFS)|mstatusMPPS|mstatusMPIE)
	c.MachineReturn()
}

// Cost implements core.Firmware.
func (f *Firmware) Cost(c *core.Hart) int {
	k := &f.cfg.Costs
	switch c.CSR(csrMcause) {
	case causeMSI, causeMTI:
		return k.Interrupt
	case causeSupCall:
		targets := uint64(0)
		switch eid := uint64(uint32(c.X(17))); eid {
		case extIPI, extRFNC:
			targets, _ = f.mask(c.X(10), c.X(11))
			targets &^= 1 << c.ID()
		case extHSM:
			if c.X(16) == 0 {
				targets = 1
			}
		}
		return k.Call + k.Remote*bits.OnesCount64(targets)
	}
	return k.Call
}

// Trap implements core.Firmware.
func (f *Firmware) Trap(c *core.Hart) {
	h := f.harts[c.ID()]
	switch cause := c.CSR(csrMcause); cause {
	case causeSupCall:
		f.call(h)
	case causeMSI:
		f.open(h)
	case causeMTI:
		// Where S-mode has no timer of its own, M-mode's stands in for it.
		c.SetCSR(csrMie, c.CSR(csrMie)&^bitMTI)
		c.SetCSR(csrMip, c.CSR(csrMip)|bitSTI)
		c.MachineReturn()
	case causeIllegal:
		h.pmu.count(fwIllegal)
		if !f.emulate(c) {
			c.SupervisorTrap()
			return
		}
		c.SetCSR(csrMepc, c.CSR(csrMepc)+4)
		c.MachineReturn()
	default:
		c.SupervisorTrap()
	}
}

// emulate carries out a read of cycle, time or instret where the hart has none
// of them (csrrs rd, csr, x0).
func (f *Firmware) emulate(c *core.Hart) bool {
	in := c.CSR(csrMtval)
	const csrrs, mask = 0x2073, 0xf_f07f // with rs1 = x0
	num := uint16(in >> 20)
	if in>>32 != 0 || in&mask != csrrs || num < 0xc00 || num > 0xc02 {
		return false
	}
	v := c.Time()
	if num != 0xc01 {
		v = c.CSR(csrMcycle + num - 0xc00)
	}
	c.SetX(int(in>>7&31), v)
	return true
}

// open empties the hart's mailbox, does what its messages say and acknowledges.
func (f *Firmware) open(h *hart) {
	c := h.core
	c.SetInterrupt(3, false) // its own wire, so that no one else sees it before the next message
	h.sent, h.fences = h.fences, h.sent[:0]
	for i := range h.sent {
		f.fence(h, &h.sent[i])
	}
	if h.ipi {
		h.ipi = false
		h.pmu.count(fwIPIReceived)
		c.SetCSR(csrMip, c.CSR(csrMip)|bitSSI)
	}
	if len(h.sent) > 0 {
		c.Serially(func(now uint64) uint64 {
			for i := range h.sent {
				f.acknowledge(h.sent[i].from, now)
			}
			return now
		})
	}
	if h.start {
		h.start = false
		f.reset(h)
		f.enter(h)
		c.Release()
		return
	}
	c.MachineReturn()
}

// fence carries out one remote fence.
func (f *Firmware) fence(h *hart, m *fence) {
	c := h.core
	if m.fetch {
		h.pmu.count(fwFenceIReceived)
		c.FenceI()
		return
	}
	if m.hasASID {
		h.pmu.count(fwSFenceASIDReceived)
	} else {
		h.pmu.count(fwSFenceReceived)
	}
	if m.pages == 0 {
		c.Charge(f.cfg.Costs.Page)
		c.FenceVMA(0, m.asid, false, m.hasASID)
		return
	}
	for i := range m.pages {
		c.Charge(f.cfg.Costs.Page)
		c.FenceVMA(m.start+i<<12, m.asid, true, m.hasASID)
	}
}

// acknowledge tells a waiting caller, in the serial phase, that a hart has done
// what it was asked for.
func (f *Firmware) acknowledge(from int, now uint64) {
	h := f.harts[from]
	if h.acks--; h.acks == 0 {
		h.core.Release()
		f.plat.Wake(from, now)
	}
}
