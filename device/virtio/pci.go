package virtio

import (
	"encoding/binary"
	"math/bits"

	"mcsim/device"
	"mcsim/device/pci"
)

// Capabilities of virtio functions (specification, "Virtio Structure PCI
// Capabilities").
const (
	pciCommon = 1
	pciNotify = 2
	pciISR    = 3
	pciDevice = 4
	pciAccess = 5 // to BARs by configuration space

	pciVendor    = 0x1af4
	pciFirstID   = 0x1040
	pciBAR       = 4 // of the structures; the next one is its upper half
	pciMSIXBAR   = 1
	pciBARBytes  = 0x4000
	pciStructure = 0x1000 // bytes of each structure, in the order of their numbers, from 0
	pciNotifyOff = 4      // multiplier: a queue's notification address is its number times that
)

// Offsets in the common configuration structure ("Common configuration
// structure layout").
const (
	commonDeviceSelect = 0x00
	commonDevice       = 0x04
	commonDriverSelect = 0x08
	commonDriver       = 0x0c
	commonConfigVector = 0x10
	commonQueues       = 0x12
	commonStatus       = 0x14
	commonGeneration   = 0x15
	commonQueueSelect  = 0x16
	commonSize         = 0x18
	commonQueueVector  = 0x1a
	commonEnable       = 0x1c
	commonNotifyOff    = 0x1e
	commonDesc         = 0x20
	commonDriverArea   = 0x28
	commonDeviceArea   = 0x30
	commonNotifyData   = 0x38
	commonReset        = 0x3a
	commonBytes        = 0x3c
)

// classes are the PCI classes by virtio device type; others are 0xff0000.
var classes = map[uint32]uint32{1: 0x020000, 2: 0x010000, 3: 0x078000}

// PCIState is what the function's structures remember beside the device.
type PCIState struct {
	DeviceSelect, DriverSelect uint32
	QueueSelect, ConfigVector  uint16
	ISR                        uint8
}

// PCI is the modern virtio-pci transport before a device.
type PCI struct {
	*Device
	F      *pci.Function
	ps     PCIState
	access int // where the access capability is
}

// NewPCI makes a PCI function of a device model. dma is the bus's; the function
// passes it on once it is a bus master. platform is as for New.
func NewPCI(m Model, dma device.DMA, platform bool) *PCI {
	p := &PCI{}
	class, ok := classes[m.ID()]
	if !ok {
		class = 0xff0000
	}
	id := uint16(pciFirstID + m.ID())
	p.F = pci.NewFunction(pci.Identity{Vendor: pciVendor, Device: id, SubVendor: pciVendor, Subsystem: id, Class: class, Revision: 1}, p, dma)
	p.Device = New(m, p.F, platform)
	p.ps.ConfigVector = noVector
	p.signal = p.interrupt
	p.F.AddMSIX(pciMSIXBAR, m.Queues()+1)
	p.F.AddBAR(pciBAR, pciBARBytes, true)
	for kind := byte(pciCommon); kind <= pciDevice; kind++ {
		p.F.AddCapability(pci.CapVendor, structure(kind), nil)
	}
	p.access = p.F.AddCapability(pci.CapVendor, append(structure(pciAccess), 0, 0, 0, 0), accessMask())
	p.F.OnRead, p.F.OnWrite = p.readAccess, p.writeAccess
	return p
}

// structure is the body of a virtio capability, from cap_len on.
func structure(kind byte) []byte {
	b := make([]byte, 14)
	b[0], b[1], b[2] = 16, kind, pciBAR
	if kind == pciAccess {
		b[0], b[2] = 20, 0
		return b
	}
	length := uint32(pciStructure)
	if kind == pciCommon {
		length = commonBytes
	}
	binary.LittleEndian.PutUint32(b[6:], uint32(kind-1)*pciStructure)
	binary.LittleEndian.PutUint32(b[10:], length)
	if kind == pciNotify {
		b[0] = 20
		b = binary.LittleEndian.AppendUint32(b, pciNotifyOff)
	}
	return b
}

// accessMask lets software choose BAR, offset and length of an access.
func accessMask() []byte {
	m := make([]byte, 14)
	m[2] = 0xff
	for i := 6; i < 14; i++ {
		m[i] = 0xff
	}
	return m
}

// interrupt signals by MSI-X if that is enabled, else by ISR and INTx.
func (p *PCI) interrupt(now uint64, causes uint8, queues uint64) {
	if !p.F.MSIXEnabled() {
		p.ps.ISR |= causes
		p.F.SetINTx(true)
		return
	}
	sent := map[uint16]bool{noVector: true}
	send := func(v uint16) {
		if !sent[v] {
			sent[v] = true
			p.F.Signal(now, int(v))
		}
	}
	if causes&causeConfig != 0 {
		send(p.ps.ConfigVector)
	}
	for m := queues; m != 0; m &= m - 1 {
		send(p.st.Queues[bits.TrailingZeros64(m)].Vector)
	}
}

// ReadBAR reads from the structures.
func (p *PCI) ReadBAR(_ uint64, _ int, off uint64, size int) (uint64, bool) {
	if off%uint64(size) != 0 {
		return 0, false
	}
	switch at := off % pciStructure; off/pciStructure + 1 {
	case pciCommon:
		var b [commonBytes + 8]byte
		p.common(b[:])
		if at >= commonBytes {
			return 0, true
		}
		return binary.LittleEndian.Uint64(b[at:]) & (^uint64(0) >> (64 - 8*size)), true
	case pciISR: // at any offset, as QEMU's
		v := p.ps.ISR
		p.ps.ISR = 0
		p.F.SetINTx(false)
		return uint64(v), true
	case pciDevice:
		return p.readConfig(at, size)
	}
	return 0, true
}

// common fills in what the common configuration structure reads as.
func (p *PCI) common(b []byte) {
	le, s := binary.LittleEndian, &p.ps
	le.PutUint32(b[commonDeviceSelect:], s.DeviceSelect)
	if s.DeviceSelect < 2 {
		le.PutUint32(b[commonDevice:], uint32(p.Offered()>>(32*s.DeviceSelect)))
	}
	le.PutUint32(b[commonDriverSelect:], s.DriverSelect)
	if s.DriverSelect < 2 {
		le.PutUint32(b[commonDriver:], uint32(p.st.Driver>>(32*s.DriverSelect)))
	}
	le.PutUint16(b[commonConfigVector:], s.ConfigVector)
	le.PutUint16(b[commonQueues:], uint16(len(p.st.Queues)))
	b[commonStatus], b[commonGeneration] = p.st.Status, p.st.Generation
	le.PutUint16(b[commonQueueSelect:], s.QueueSelect)
	q := p.queue()
	if q == nil {
		return // size 0: there is no such queue
	}
	le.PutUint16(b[commonSize:], q.Size)
	le.PutUint16(b[commonQueueVector:], q.Vector)
	if q.Enabled {
		b[commonEnable] = 1
	}
	le.PutUint16(b[commonNotifyOff:], s.QueueSelect)
	le.PutUint64(b[commonDesc:], uint64(q.Desc))
	le.PutUint64(b[commonDriverArea:], uint64(q.Driver))
	le.PutUint64(b[commonDeviceArea:], uint64(q.Device))
	le.PutUint16(b[commonNotifyData:], s.QueueSelect)
}

func (p *PCI) queue() *QueueState {
	if int(p.ps.QueueSelect) < len(p.st.Queues) {
		return &p.st.Queues[p.ps.QueueSelect]
	}
	return nil
}

// WriteBAR writes to the structures. In the common one fields take their own
// width, and those of 64 bits also halves.
func (p *PCI) WriteBAR(now uint64, _ int, off uint64, size int, v uint64) bool {
	if off%uint64(size) != 0 {
		return false
	}
	switch at := off % pciStructure; off/pciStructure + 1 {
	case pciCommon:
		if size == 8 {
			p.writeCommon(now, at, uint32(v))
			p.writeCommon(now, at+4, uint32(v>>32))
		} else {
			p.writeCommon(now, at, uint32(v))
		}
	case pciNotify:
		p.Notify(now, uint32(at/pciNotifyOff))
	case pciDevice:
		return p.writeConfig(at, size, v)
	}
	return true
}

func (p *PCI) writeCommon(now, at uint64, v uint32) {
	s := &p.ps
	switch at {
	case commonDeviceSelect:
		s.DeviceSelect = v
	case commonDriverSelect:
		s.DriverSelect = v
	case commonDriver:
		p.setFeatures(s.DriverSelect, v)
	case commonConfigVector:
		s.ConfigVector = p.vector(v)
	case commonStatus:
		p.SetStatus(now, uint8(v))
		if uint8(v) == 0 {
			p.ps = PCIState{ConfigVector: noVector}
			p.F.SetINTx(false)
		}
	case commonQueueSelect:
		s.QueueSelect = uint16(v)
	default:
		if q := p.queue(); q != nil {
			p.writeQueue(q, at, v)
		}
	}
}

// vector maps an event to a vector; one that the table has not reads back as
// none ("MSI-X Vector Configuration").
func (p *PCI) vector(v uint32) uint16 {
	if int(uint16(v)) >= p.F.Vectors() {
		return noVector
	}
	return uint16(v)
}

// writeQueue writes to a field of the selected queue. A queue in use keeps its
// places.
func (p *PCI) writeQueue(q *QueueState, at uint64, v uint32) {
	i := int(p.ps.QueueSelect)
	switch at {
	case commonQueueVector:
		q.Vector = p.vector(v)
	case commonEnable:
		if v&1 != 0 {
			p.enable(i)
		}
	case commonReset:
		if v&1 != 0 && p.Negotiated(FeatureRingReset) {
			p.resetQueue(i)
		}
	}
	if q.Enabled {
		return
	}
	switch at {
	case commonSize:
		q.Size = uint16(v)
	case commonDesc, commonDesc + 4:
		setHalf(&q.Desc, at&4 != 0, v)
	case commonDriverArea, commonDriverArea + 4:
		setHalf(&q.Driver, at&4 != 0, v)
	case commonDeviceArea, commonDeviceArea + 4:
		setHalf(&q.Device, at&4 != 0, v)
	}
}

// accessed is what the access capability points at, if that is one of the
// structures ("PCI configuration access capability").
func (p *PCI) accessed() (off uint64, size int, ok bool) {
	c := func(at int) uint32 {
		v, _ := p.F.Peek(p.access + at)
		return v
	}
	off, size = uint64(c(8)), int(c(12))
	ok = uint8(c(4)) == pciBAR && (size == 1 || size == 2 || size == 4) && off < pciBARBytes && off%uint64(size) == 0
	return off, size, ok
}

func (p *PCI) readAccess(now uint64, reg int) (uint32, bool) {
	if reg != p.access+16 {
		return 0, false
	}
	off, size, ok := p.accessed()
	if !ok {
		return 0, true
	}
	v, _ := p.ReadBAR(now, pciBAR, off, size)
	return uint32(v), true
}

func (p *PCI) writeAccess(now uint64, reg int, v uint32, n int) bool {
	if reg != p.access+16 {
		return false
	}
	if off, size, ok := p.accessed(); ok && n >= size {
		p.WriteBAR(now, pciBAR, off, size, uint64(v)&(1<<(8*size)-1))
	}
	return true
}
