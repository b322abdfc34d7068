package virtio

import (
	"encoding/binary"

	"mcsim/addr"
	"mcsim/device"
)

// MMIOSize is the size of a virtio-mmio register page.
const MMIOSize = 0x1000

// Registers (specification, "MMIO Device Register Layout").
const (
	mmioMagic       = 0x000
	mmioVersion     = 0x004
	mmioDeviceID    = 0x008
	mmioVendorID    = 0x00c
	mmioFeatures    = 0x010
	mmioFeaturesSel = 0x014
	mmioDriver      = 0x020
	mmioDriverSel   = 0x024
	mmioQueueSel    = 0x030
	mmioQueueMax    = 0x034
	mmioQueueNum    = 0x038
	mmioQueueReady  = 0x044
	mmioNotify      = 0x050
	mmioInterrupt   = 0x060
	mmioAck         = 0x064
	mmioStatus      = 0x070
	mmioDesc        = 0x080
	mmioDriverArea  = 0x090
	mmioDeviceArea  = 0x0a0
	mmioSHM         = 0x0b0 // length and base of shared memory, 4 words
	mmioQueueReset  = 0x0c0
	mmioGeneration  = 0x0fc
	mmioConfig      = 0x100

	magic    = 0x74726976 // "virt"
	vendorID = 0x554d4551 // as on QEMU's virt board: drivers of small systems (xv6) take no other
)

// MMIOState is what the register file remembers beside the device.
type MMIOState struct {
	FeaturesSel, DriverSel, QueueSel uint32
	Interrupt                        uint8
}

// MMIO is the register file of virtio-mmio, version 2, before a device. Bytes
// of the registers may only be reached as aligned words of 4, those of the
// configuration space also one, two and eight at a time.
type MMIO struct {
	*Device
	ms    MMIOState
	irq   device.Line
	level bool
}

// NewMMIO puts a register file before d, whose interrupts drive irq.
func NewMMIO(d *Device, irq device.Line) *MMIO {
	m := &MMIO{Device: d, irq: irq}
	d.signal = func(_ uint64, causes uint8, _ uint64) {
		m.ms.Interrupt |= causes
		m.drive()
	}
	return m
}

func (m *MMIO) drive() {
	if level := m.ms.Interrupt != 0; level != m.level {
		m.level = level
		m.irq(level)
	}
}

// queue is the selected queue, or nil.
func (m *MMIO) queue() *QueueState {
	if uint64(m.ms.QueueSel) < uint64(len(m.st.Queues)) {
		return &m.st.Queues[m.ms.QueueSel]
	}
	return nil
}

// Read takes the accesses that the specification has; registers that do not
// exist or are only written read as 0.
func (m *MMIO) Read(_, off uint64, size int) (uint64, bool) {
	if off >= mmioConfig {
		return m.readConfig(off-mmioConfig, size)
	}
	if size != 4 || off&3 != 0 {
		return 0, false
	}
	return uint64(m.read(off)), true
}

func (m *MMIO) read(off uint64) uint32 {
	s := &m.ms
	switch off {
	case mmioMagic:
		return magic
	case mmioVersion:
		return 2
	case mmioDeviceID:
		return m.model.ID()
	case mmioVendorID:
		return vendorID
	case mmioFeatures:
		if s.FeaturesSel < 2 {
			return uint32(m.Offered() >> (32 * s.FeaturesSel))
		}
	case mmioQueueMax:
		if m.queue() != nil {
			return MaxQueueSize
		}
	case mmioQueueReady:
		if q := m.queue(); q != nil && q.Enabled {
			return 1
		}
	case mmioInterrupt:
		return uint32(s.Interrupt)
	case mmioStatus:
		return uint32(m.st.Status)
	case mmioSHM, mmioSHM + 4, mmioSHM + 8, mmioSHM + 12:
		return ^uint32(0) // there is no such region
	case mmioGeneration:
		return uint32(m.st.Generation)
	}
	return 0
}

func (d *Device) readConfig(off uint64, size int) (uint64, bool) {
	if off%uint64(size) != 0 {
		return 0, false
	}
	var b [8]byte
	d.model.ReadConfig(off, b[:size])
	return binary.LittleEndian.Uint64(b[:]), true
}

func (d *Device) writeConfig(off uint64, size int, v uint64) bool {
	if off%uint64(size) != 0 {
		return false
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	d.model.WriteConfig(off, b[:size])
	return true
}

// Write takes the accesses that the specification has; writes to registers that
// do not exist or are only read are ignored.
func (m *MMIO) Write(now, off uint64, size int, v uint64) bool {
	if off >= mmioConfig {
		return m.writeConfig(off-mmioConfig, size, v)
	}
	if size != 4 || off&3 != 0 {
		return false
	}
	s, w := &m.ms, uint32(v)
	switch off {
	case mmioFeaturesSel:
		s.FeaturesSel = w
	case mmioDriverSel:
		s.DriverSel = w
	case mmioDriver:
		m.setFeatures(s.DriverSel, w)
	case mmioQueueSel:
		s.QueueSel = w
	case mmioNotify:
		m.Notify(now, w)
	case mmioAck:
		s.Interrupt &^= uint8(w)
		m.drive()
	case mmioStatus:
		m.SetStatus(now, uint8(w))
		if uint8(w) == 0 {
			m.ms = MMIOState{}
			m.drive()
		}
	default:
		if q := m.queue(); q != nil {
			m.writeQueue(q, off, w)
		}
	}
	return true
}

// writeQueue writes to a register of the selected queue. A queue in use keeps
// its places.
func (m *MMIO) writeQueue(q *QueueState, off uint64, w uint32) {
	i := int(m.ms.QueueSel)
	switch off {
	case mmioQueueReady:
		if w&1 != 0 {
			m.enable(i)
		} else {
			m.disable(i)
		}
		return
	case mmioQueueReset:
		if w == 1 && m.Negotiated(FeatureRingReset) {
			m.resetQueue(i)
		}
		return
	}
	if q.Enabled {
		return
	}
	switch off {
	case mmioQueueNum:
		q.Size = uint16(min(w, 0xffff))
	case mmioDesc, mmioDesc + 4:
		setHalf(&q.Desc, off&4 != 0, w)
	case mmioDriverArea, mmioDriverArea + 4:
		setHalf(&q.Driver, off&4 != 0, w)
	case mmioDeviceArea, mmioDeviceArea + 4:
		setHalf(&q.Device, off&4 != 0, w)
	}
}

func setHalf(a *addr.PA, high bool, w uint32) {
	if high {
		*a = *a&0xffff_ffff | addr.PA(w)<<32
	} else {
		*a = *a&^0xffff_ffff | addr.PA(w)
	}
}
