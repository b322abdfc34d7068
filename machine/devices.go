package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/core"
	"mcsim/core/isa"
	"mcsim/device"
	"mcsim/event"
	"mcsim/machine/config"
)

// addDevices puts RAM and the configured devices on the map.
func (m *Machine) addDevices() error {
	c := &m.cfg.Machine
	m.panic.w = m.opts.Console
	m.console = device.NewOutput(&m.panic)
	add := func(name string, base addr.PA, size uint64, d coherence.Device) error {
		return m.amap.Add(coherence.Region{Name: name, Base: base, Size: size, Dev: d})
	}
	if err := add("ram", RAMBase, uint64(c.Memory), nil); err != nil {
		return fmt.Errorf("machine.memory: %w", err)
	}
	if c.Devices.Finisher {
		if err := add("finisher", finisherBase, finisherSize, device.NewFinisher(m.exitBy)); err != nil {
			return err
		}
	}
	if c.Devices.ACLINT {
		a, err := device.NewACLINT(c.Harts, max(1, uint64(c.Clock)/uint64(c.Timebase)), (*pins)(m))
		if err != nil {
			return err
		}
		m.aclint = a
		if err := add("aclint", aclintBase, device.ACLINTSize, a); err != nil {
			return err
		}
	}
	line, err := m.addInterrupts()
	if err != nil {
		return err
	}
	if c.Devices.UART {
		// A character is out at once, as on QEMU's board: at 115200 baud a
		// polling guest would spend more time printing than computing.
		m.uart = device.NewUART(0, m.console, line(uartSource))
		if err := add("uart", uartBase, uartSize, m.uart); err != nil {
			return err
		}
	}
	if c.Devices.RTC {
		m.rtc = device.NewRTC(epoch(c.Devices.Epoch), uint64(c.Clock), line(rtcSource))
		if err := add("rtc", rtcBase, device.RTCSize, m.rtc); err != nil {
			return err
		}
	}
	if err := m.addVirtio(line); err != nil {
		return err
	}
	return m.addHTIF()
}

// epoch is what the real-time clock shows at cycle 0, in nanoseconds since 1970.
func epoch(s string) uint64 {
	t, err := config.ParseEpoch(s)
	if err != nil || t.IsZero() {
		t = now()
	}
	return uint64(t.UnixNano())
}

// addHTIF lays the HTIF's windows over the program's tohost and fromhost.
func (m *Machine) addHTIF() error {
	to, ok := m.image.Symbol("tohost")
	if !ok || !m.cfg.Machine.Devices.HTIF {
		return nil
	}
	toPA, ok := m.image.Phys(to.Value)
	if !ok {
		return fmt.Errorf("%s: the symbol tohost at %#x is outside of all segments", m.image.Name, to.Value)
	}
	cfg := device.HTIFConfig{
		ToHost: toPA, Line: uint64(m.cfg.Machine.L1D.Line), Mem: (*dma)(m),
		Stdout: m.console, Stderr: m.console, Exit: m.exitBy, Warn: m.htifWarns,
	}
	if from, ok := m.image.Symbol("fromhost"); ok {
		if pa, ok := m.image.Phys(from.Value); ok {
			cfg.FromHost = pa
		}
	}
	h, err := device.NewHTIF(cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", m.image.Name, err)
	}
	m.htif = h
	for i, w := range h.Windows() {
		r := coherence.Region{Name: "htif", Base: w.Base, Size: uint64(len(w.Data)), Dev: w}
		if i == 0 {
			r.Dev = htifWindow{w, h}
		}
		if err := m.amap.Overlay(r); err != nil {
			return fmt.Errorf("%s: %w", m.image.Name, err)
		}
	}
	return nil
}

// htifWarns hears what the program asks in vain. Each kind is told to the user once,
// where the quantum ends; the log has them all.
func (m *Machine) htifWarns(now uint64, name, what string, value uint64) {
	var packed [8]byte
	copy(packed[:], name)
	m.own.Emit(event.Event{Cycle: now, Hart: -1, Kind: event.HTIFWarning, Arg: [4]uint64{binary.LittleEndian.Uint64(packed[:]), value}})
	if !slices.Contains(m.warned, name) {
		m.warned = append(m.warned, name)
		m.warnings = append(m.warnings, fmt.Sprintf("HTIF: %s (%#x), in cycle %d", what, value, now))
	}
}

// htifWindow is the window that stands for the whole HTIF where time passes.
type htifWindow struct {
	*device.HTIFWindow
	h *device.HTIF
}

func (w htifWindow) Deadline() uint64 { return w.h.Deadline() }
func (w htifWindow) Fire(now uint64)  { w.h.Fire(now) }

// exitBy ends the run with the guest's exit code.
func (m *Machine) exitBy(_ uint64, e device.Exit) {
	if m.exit == nil {
		m.exit = &e
		m.rec.stop(0)
	}
	m.engine.Stop()
}

// interrupt drives an interrupt input of a hart and wakes it if it slept.
func (m *Machine) interrupt(hart int, bit uint, level bool) {
	if m.harts[hart].SetInterrupt(bit, level) {
		m.engine.Wake(hart, max(m.bus.Now(), m.engine.Now()))
	}
}

// pins is what the ACLINT drives.
type pins Machine

func (p *pins) SetSoftware(hart int, level bool) { (*Machine)(p).interrupt(hart, 3, level) }

func (p *pins) SetTimer(hart int, cycle uint64) {
	p.harts[hart].SetTimer(cycle)
	// A sleeping hart must look at its timers anew, whether or not this one
	// is due.
	p.engine.Wake(hart, p.bus.Now())
}

func (p *pins) SetTimeOffset(ticks uint64) {
	for i, h := range p.harts {
		h.SetTimeOffset(ticks)
		p.engine.Wake(i, p.bus.Now())
	}
}

// dma is how the HTIF reaches memory: coherently, as an agent behind the harts.
type dma Machine

func (d *dma) ReadPhys(pa addr.PA, buf []byte) error {
	if _, ok := d.bus.DMARead(d.agent(), pa, buf, d.bus.Now()); !ok {
		return errNoRAM
	}
	return nil
}

func (d *dma) WritePhys(pa addr.PA, buf []byte) error {
	if _, ok := d.bus.DMAWrite(d.agent(), pa, buf, d.bus.Now()); !ok {
		return errNoRAM
	}
	return nil
}

func (d *dma) agent() int { return len(d.harts) }

var errNoRAM = errors.New("not all of it is memory")

// deviceTree builds the machine's device tree and finds a place for it: the
// last 64 KiB of memory that the program leaves free, or none.
func (m *Machine) deviceTree() (dtb []byte, at addr.PA, err error) {
	c := &m.cfg.Machine
	ext, _ := m.extensions()
	line := uint32(c.L1D.Line)
	cfg := DTConfig{
		Harts: c.Harts, TimebaseHz: uint64(c.Timebase), Extensions: ext.Names(),
		L1I:        DTCache{uint64(c.L1I.Size), uint64(c.L1I.Ways), uint64(c.L1I.Line)},
		L1D:        DTCache{uint64(c.L1D.Size), uint64(c.L1D.Ways), uint64(c.L1D.Line)},
		LLC:        DTCache{uint64(c.LLC.Size), uint64(c.LLC.Ways), uint64(c.LLC.Line)},
		ITLB:       DTCache{uint64(c.ITLB.Entries), uint64(c.ITLB.Ways), 1},
		DTLB:       DTCache{uint64(c.DTLB.Entries), uint64(c.DTLB.Ways), 1},
		MemoryBase: RAMBase, MemorySize: uint64(c.Memory),
	}
	if c.MMU != "none" {
		cfg.MMU = c.MMU
	}
	if c.L2.Enabled() {
		cfg.L2 = DTCache{uint64(c.L2.Size), uint64(c.L2.Ways), uint64(c.L2.Line)}
	}
	if ext.Has(isa.ExtZicbom) {
		cfg.CBOMBlock = line
	}
	if ext.Has(isa.ExtZicboz) {
		cfg.CBOZBlock = line
	}
	if ext.Has(isa.ExtZicbop) {
		cfg.CBOPBlock = line
	}
	for _, g := range m.amap.Regions() {
		r := DTRange{g.Base, g.Size}
		switch g.Name {
		case "finisher":
			cfg.Test = r
		case "aclint":
			cfg.CLINT = r
		case "plic":
			cfg.PLIC, cfg.PLICSources = r, plicSources
		case "aplic-m":
			cfg.AIA.APLICM, cfg.AIA.Sources, cfg.AIA.Identities = r, plicSources, core.MaxIdentity
			cfg.AIA.Firmware = m.boot != nil && m.boot.builtin
		case "aplic-s":
			cfg.AIA.APLICS = r
		case "imsic-m":
			cfg.AIA.IMSICM = r
		case "imsic-s":
			cfg.AIA.IMSICS, cfg.AIA.GuestBits = r, uint32(m.aia.imsicS.GuestBits())
		case "uart":
			cfg.UART, cfg.UARTSource, cfg.UARTClockHz = r, uartSource, 3686400
		case "rtc":
			cfg.RTC, cfg.RTCSource = r, rtcSource
		case "pci-ecam":
			cfg.PCI.ECAM, cfg.PCI.Source, cfg.PCI.Coherent = r, pciSource, c.Virtio.Coherent
		case pciWindows:
			if r.Base == pciBase {
				cfg.PCI.Low = r
			} else {
				cfg.PCI.High = r
			}
		case "virtio":
			i := uint32((g.Base - virtioBase) / virtioStride)
			cfg.Virtio = append(cfg.Virtio, DTVirtio{r, virtioSource + i, c.Virtio.Coherent})
		}
	}
	if ext.Has(isa.ExtZihpm) {
		cfg.PMU = true
	}
	m.describeBoot(&cfg)
	if dtb, err = BuildDTB(cfg); err != nil {
		return nil, 0, err
	}
	if p := m.boot; p != nil {
		if dtb = withRoom(dtb); len(dtb) > dtbRoom-4096 {
			return nil, 0, fmt.Errorf("a device tree of %d bytes", len(dtb))
		}
		return dtb, p.dtb, nil
	}
	const room = 64 << 10
	end := uint64(RAMBase) + uint64(c.Memory)
	for at := end - room; at >= uint64(RAMBase); at -= room {
		if len(dtb) <= room && m.free(addr.PA(at), room) {
			return dtb, addr.PA(at), nil
		}
	}
	return nil, 0, nil
}

// free says whether no segment of the program touches [pa, pa+n).
func (m *Machine) free(pa addr.PA, n uint64) bool {
	for _, s := range m.image.Segments {
		if uint64(s.PA) < uint64(pa)+n && uint64(pa) < uint64(s.PA)+s.MemSize {
			return false
		}
	}
	return true
}
