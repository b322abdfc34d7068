package machine

import (
	"errors"
	"fmt"
	"slices"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/core/isa"
	"mcsim/device"
	"mcsim/device/virtio"
	"mcsim/machine/config"
	"mcsim/machine/disk"
)

// Places of virtio-mmio devices, as on QEMU's virt board.
const (
	virtioBase   addr.PA = 0x1000_1000
	virtioStride addr.PA = 0x1000
	virtioSource         = 1
)

// virtioDevice is a virtio device with what is behind it.
type virtioDevice struct {
	name string // blk0
	*virtio.Device
	disk *disk.Disk // or nil
}

// addVirtio attaches the configured virtio devices: disks, network, console,
// entropy.
func (m *Machine) addVirtio(line func(source int) device.Line) error {
	v := &m.cfg.Machine.Virtio
	if v.Transport == "pci" {
		if err := m.addPCI(line); err != nil {
			return err
		}
	}
	for i, text := range v.Disks {
		b, d, err := m.newBlk(text)
		if err != nil {
			return err
		}
		m.disks = append(m.disks, d)
		if err := m.attach(fmt.Sprintf("blk%d", i), b, d, line); err != nil {
			return err
		}
	}
	if v.Net != "none" {
		n, err := m.newNet()
		if err != nil {
			return err
		}
		if err := m.attach("net0", n, nil, line); err != nil {
			return err
		}
		m.net.dev = m.virtio[len(m.virtio)-1].Device
	}
	if v.Console != "none" {
		c, err := m.newConsole()
		if err != nil {
			return err
		}
		if err := m.attach("console0", c, nil, line); err != nil {
			return err
		}
		m.vconsole.dev = m.virtio[len(m.virtio)-1].Device
	}
	if v.RNG {
		g := virtio.NewRNG(m.cfg.Machine.Seed, m.cfg.Machine.Micros(1), virtio.Rate{})
		return m.attach("rng0", g, nil, line)
	}
	return nil
}

// attach makes a device of a model, at the next place of the transport.
func (m *Machine) attach(name string, model virtio.Model, d *disk.Disk, line func(int) device.Line) error {
	v := &m.cfg.Machine.Virtio
	i := len(m.virtio)
	way := &port{m, m.cfg.Machine.Harts + 1 + i, v.Coherent}
	if v.Transport == "pci" {
		p := virtio.NewPCI(model, way, !v.Coherent)
		m.virtio = append(m.virtio, virtioDevice{name, p.Device, d})
		return m.pci.Add(1+i, p.F, p)
	}
	dev := virtio.New(model, way, !v.Coherent)
	m.virtio = append(m.virtio, virtioDevice{name, dev, d})
	return m.amap.Add(coherence.Region{
		Name: "virtio", Base: virtioBase + addr.PA(i)*virtioStride, Size: virtio.MMIOSize,
		Dev: virtio.NewMMIO(dev, line(virtioSource+i)),
	})
}

func (m *Machine) newBlk(text string) (*virtio.Blk, *disk.Disk, error) {
	c := &m.cfg.Machine
	s, err := config.ParseDisk(text)
	if err != nil {
		return nil, nil, err
	}
	d, err := disk.Open(s)
	if err != nil {
		return nil, nil, err
	}
	ranges := func(list []config.Sectors) (out []virtio.SectorRange) {
		for _, r := range list {
			out = append(out, virtio.SectorRange(r))
		}
		return out
	}
	b := &c.Virtio.Block
	return virtio.NewBlk(virtio.BlkConfig{
		Disk: d, ID: s.ID, ReadOnly: d.Mode == config.DiskReadOnly, Queues: b.Queues,
		Latency: b.Latency.Cycles(c.Clock), Flush: b.Flush.Cycles(c.Clock),
		Rate:      virtio.Rate{Bytes: uint64(b.Bandwidth) * 1e6, Cycles: uint64(c.Clock)},
		FailReads: ranges(s.FailReads), FailWrites: ranges(s.FailWrites),
	}), d, nil
}

// port is a device's way to memory, as an agent of its own.
type port struct {
	m        *Machine
	agent    int
	coherent bool
}

func (p *port) ReadAt(now uint64, pa addr.PA, buf []byte) (uint64, bool) {
	if p.coherent {
		return p.m.bus.DMARead(p.agent, pa, buf, now)
	}
	return p.m.bus.ReadMemory(p.agent, pa, buf, now)
}

func (p *port) WriteAt(now uint64, pa addr.PA, buf []byte) (uint64, bool) {
	if p.m.aia.write(now, pa, buf) {
		return now, true // a message
	}
	if p.coherent {
		return p.m.bus.DMAWrite(p.agent, pa, buf, now)
	}
	return p.m.bus.WriteMemory(p.agent, pa, buf, now)
}

// Notes says what users have to know about the devices before the run.
func (m *Machine) Notes() (notes []string) {
	for _, d := range m.disks {
		if d.Lost() {
			notes = append(notes, fmt.Sprintf("what is written to %s is kept in memory and lost in the end", d.Name))
		}
	}
	if m.vconsole != nil && m.vconsole.name != "" {
		notes = append(notes, "virtio console on "+m.vconsole.name)
	}
	ext, _ := m.extensions() // checked before
	if m.boot != nil && len(m.virtio) > 0 && !m.cfg.Machine.Virtio.Coherent && !(ext.Has(isa.ExtZicbom) && ext.Has(isa.ExtSvpbmt)) {
		notes = append(notes, "machine.virtio.coherent is false, and Linux needs zicbom and svpbmt in machine.isa to work with such devices")
	}
	return notes
}

// Close makes what guests wrote to disks stable and closes all files. A machine
// is not used after it.
func (m *Machine) Close() error {
	var errs []error
	for _, d := range slices.Backward(m.disks) {
		errs = append(errs, d.Close())
	}
	m.disks = nil
	if v := m.vconsole; v != nil {
		errs = append(errs, v.flush())
		for _, f := range v.files {
			errs = append(errs, f.Close())
		}
	}
	if m.net != nil {
		errs = append(errs, m.net.user.Close())
	}
	return errors.Join(errs...)
}
