package machine

import (
	"fmt"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/core"
	"mcsim/core/isa"
	"mcsim/device"
	"mcsim/firmware/sbi"
)

// Places of the AIA's parts, as on QEMU's virt board.
const (
	aplicMBase addr.PA = 0x0c00_0000
	aplicSBase addr.PA = 0x0d00_0000
	imsicMBase addr.PA = 0x2400_0000
	imsicSBase addr.PA = 0x2800_0000
)

// aia is the Advanced Interrupt Architecture's controllers.
type aia struct {
	root, child    *device.APLIC // machine's and supervisor's domain
	imsicM, imsicS *device.IMSIC // nil: interrupts go by wire
}

// addInterrupts puts the configured interrupt controller on the map, and returns
// the wires of its sources.
func (m *Machine) addInterrupts() (line func(source int) device.Line, err error) {
	switch kind := m.cfg.Machine.Interrupts; {
	case kind != "plic":
		return m.addAIA(kind == "aia")
	case !m.cfg.Machine.Devices.PLIC:
		return func(int) device.Line { return func(bool) {} }, nil
	}
	p, err := device.NewPLIC(m.cfg.Machine.Harts, plicSources, func(hart int, machine, level bool) {
		m.external(hart, machine, level)
	})
	if err != nil {
		return nil, err
	}
	m.plic = p
	line = func(source int) device.Line {
		if source == uartSource {
			return p.PulsedLine(source)
		}
		return p.Line(source)
	}
	return line, m.amap.Add(coherence.Region{Name: "plic", Base: plicBase, Size: plicSize, Dev: p})
}

// external drives MEIP or SEIP of a hart.
func (m *Machine) external(hart int, machine, level bool) {
	bit := uint(9)
	if machine {
		bit = 11
	}
	m.interrupt(hart, bit, level)
}

// addAIA adds an APLIC with a domain for each level, and with msi an IMSIC in
// each hart.
func (m *Machine) addAIA(msi bool) (line func(source int) device.Line, err error) {
	harts := m.cfg.Machine.Harts
	a := &aia{}
	m.aia = a
	add := func(name string, base addr.PA, size uint64, d coherence.Device) {
		if err == nil {
			err = m.amap.Add(coherence.Region{Name: name, Base: base, Size: size, Dev: d})
		}
	}
	domain := func(machine bool, child *device.APLIC) (d *device.APLIC) {
		cfg := device.APLICConfig{Sources: plicSources, Harts: harts, Child: child, Root: machine,
			Notify: func(hart int, level bool) { m.external(hart, machine, level) }}
		if msi {
			cfg.Send = func(hart, guest int, id uint32) { m.message(hart, file(machine, guest), id) }
		}
		if err == nil {
			d, err = device.NewAPLIC(cfg)
		}
		return d
	}
	a.child = domain(false, nil)
	a.root = domain(true, a.child)
	if msi && err == nil {
		a.imsicM, err = device.NewIMSIC(harts, 0, func(hart, _ int, id uint32) { m.message(hart, core.FileM, id) })
	}
	if msi && err == nil {
		a.imsicS, err = device.NewIMSIC(harts, 0, func(hart, guest int, id uint32) { m.message(hart, file(false, guest), id) })
	}
	if err != nil {
		return nil, fmt.Errorf("machine.interrupts: %w", err)
	}
	add("aplic-m", aplicMBase, device.APLICSize, a.root)
	add("aplic-s", aplicSBase, device.APLICSize, a.child)
	if msi {
		add("imsic-m", imsicMBase, a.imsicM.Size(), a.imsicM)
		add("imsic-s", imsicSBase, a.imsicS.Size(), a.imsicS)
	}
	return a.root.Line, err
}

// file is the number of an interrupt file of a hart.
func file(machine bool, guest int) int {
	if machine {
		return core.FileM
	}
	return core.FileS + guest
}

// message brings a message to an interrupt file, and wakes its hart if it slept.
func (m *Machine) message(hart, file int, id uint32) {
	if m.harts[hart].Message(file, id) {
		m.engine.Wake(hart, max(m.bus.Now(), m.engine.Now()))
	}
}

// write takes a message that a device writes to an IMSIC; ok is false for
// any other write.
func (a *aia) write(now uint64, pa addr.PA, buf []byte) (ok bool) {
	if a == nil || a.imsicM == nil || len(buf) != 4 {
		return false
	}
	v := uint64(buf[0]) | uint64(buf[1])<<8 | uint64(buf[2])<<16 | uint64(buf[3])<<24
	for _, x := range []struct {
		base addr.PA
		dev  *device.IMSIC
	}{{imsicSBase, a.imsicS}, {imsicMBase, a.imsicM}} {
		if off := uint64(pa) - uint64(x.base); off < x.dev.Size() {
			return x.dev.Write(now, off, 4, v)
		}
	}
	return false
}

// extensions is what the harts have: the AIA's CSRs come with its controllers.
func (m *Machine) extensions() (isa.Extensions, error) {
	ext, err := isa.ParseISA(m.cfg.Machine.ISA)
	if m.cfg.Machine.Interrupts == "aia" {
		ext |= isa.ExtSmaia | isa.ExtSsaia
	}
	return ext, err
}

// interruptFiles is how many interrupt files a hart has.
func (m *Machine) interruptFiles() int {
	if m.cfg.Machine.Interrupts == "aia" {
		return core.FileS + 1
	}
	return 0
}

// delegate does what M-mode firmware does before it starts a kernel: all sources
// go to the supervisor's domain. The built-in firmware has no other use for
// them. It returns what the kernel must not touch.
func (a *aia) delegate() (keep []sbi.Region) {
	if a == nil {
		return nil
	}
	const sourceCfg, delegated = 0x0004, 1 << 10
	for i := range uint64(plicSources) {
		a.root.Write(0, sourceCfg+4*i, 4, delegated)
	}
	keep = []sbi.Region{{Base: uint64(aplicMBase), Size: device.APLICSize}}
	if a.imsicM != nil {
		keep = append(keep, sbi.Region{Base: uint64(imsicMBase), Size: a.imsicM.Size()})
	}
	return keep
}
