package pci

import (
	"encoding/binary"
	"fmt"

	"mcsim/addr"
	"mcsim/device"
)

// Registers of a type 0 header (PCI 3.0, section 6.1).
const (
	regVendor     = 0x00
	regDevice     = 0x02
	regCommand    = 0x04
	regStatus     = 0x06
	regRevision   = 0x08
	regClass      = 0x09 // 3 bytes
	regCacheLine  = 0x0c
	regBAR        = 0x10
	regSubVendor  = 0x2c
	regSubsystem  = 0x2e
	regCapability = 0x34
	regIntLine    = 0x3c
	regIntPin     = 0x3d

	firstCapability = 0x40
	configSize      = 0x1000
	legacySize      = 0x100 // of it, where capabilities are

	commandMemory  = 1 << 1
	commandMaster  = 1 << 2
	commandNoINTx  = 1 << 10
	commandWrite   = commandMemory | commandMaster | commandNoINTx | 1<<6 | 1<<8
	statusINTx     = 1 << 3
	statusCapables = 1 << 4
)

// Capabilities by their number.
const (
	CapVendor  = 0x09
	CapExpress = 0x10
	CapMSIX    = 0x11
)

// Handler answers accesses to a BAR. off lies within it.
type Handler interface {
	ReadBAR(now uint64, bar int, off uint64, size int) (v uint64, ok bool)
	WriteBAR(now uint64, bar int, off uint64, size int, v uint64) (ok bool)
}

// Identity is what the header says of a function.
type Identity struct {
	Vendor, Device       uint16
	SubVendor, Subsystem uint16
	Class                uint32 // base class, subclass, interface
	Revision             uint8
}

// bar is a memory BAR. A 64-bit one takes the next place, too.
type bar struct {
	size   uint64
	is64   bool
	exists bool
}

// Function is a PCI function with a type 0 header.
type Function struct {
	config, mask [configSize]byte // mask: bits that software may write
	bars         [6]bar
	handler      Handler
	next         int // where the next capability goes
	last         int // where its number goes
	intx         bool
	drive        device.Line // INTx, as it leaves the function
	driven       bool
	dma          device.DMA
	msix         *msix

	// OnRead and OnWrite, if not nil, are asked first for aligned words of the
	// configuration space.
	OnRead  func(now uint64, reg int) (v uint32, ok bool)
	OnWrite func(now uint64, reg int, v uint32, size int) (ok bool)
}

// NewFunction returns a function after reset. dma is its way to memory, for its
// messages too.
func NewFunction(id Identity, h Handler, dma device.DMA) *Function {
	f := &Function{handler: h, dma: dma, next: firstCapability, last: regCapability, drive: func(bool) {}}
	le := binary.LittleEndian
	le.PutUint16(f.config[regVendor:], id.Vendor)
	le.PutUint16(f.config[regDevice:], id.Device)
	le.PutUint16(f.config[regSubVendor:], id.SubVendor)
	le.PutUint16(f.config[regSubsystem:], id.Subsystem)
	f.config[regRevision] = id.Revision
	f.config[regClass], f.config[regClass+1], f.config[regClass+2] = byte(id.Class), byte(id.Class>>8), byte(id.Class>>16)
	f.config[regIntPin] = 1 // INTA
	le.PutUint16(f.mask[regCommand:], commandWrite)
	f.mask[regCacheLine], f.mask[regIntLine] = 0xff, 0xff
	f.addExpress()
	return f
}

// AddBAR gives the function a memory BAR of a power of two of bytes, at least 16.
func (f *Function) AddBAR(i int, size uint64, is64 bool) {
	if size < 16 || size&(size-1) != 0 || i < 0 || i > 5 || is64 && i == 5 {
		panic(fmt.Sprintf("pci: BAR %d of %d bytes", i, size))
	}
	f.bars[i] = bar{size, is64, true}
	mask := ^(size - 1)
	binary.LittleEndian.PutUint32(f.mask[regBAR+4*i:], uint32(mask))
	if is64 {
		f.config[regBAR+4*i] = 4 | 8 // 64 bits wide, prefetchable
		binary.LittleEndian.PutUint32(f.mask[regBAR+4*i+4:], uint32(mask>>32))
	}
}

// AddCapability puts a capability at the end of the list and returns where it
// is. body follows its number and link; writable, as long or shorter, has the
// bits that software may write.
func (f *Function) AddCapability(number byte, body, writable []byte) int {
	at := f.next
	if at+2+len(body) > legacySize {
		panic("pci: no room for another capability")
	}
	f.config[f.last] = byte(at)
	f.config[at] = number
	copy(f.config[at+2:], body)
	copy(f.mask[at+2:], writable)
	f.last = at + 1
	f.next = (at + 2 + len(body) + 3) &^ 3
	f.config[regStatus] |= statusCapables
	return at
}

// addExpress says that this is a root complex integrated endpoint without links
// (PCI Express, section 7.5.3).
func (f *Function) addExpress() {
	body := make([]byte, 58)
	body[0] = 2 | 9<<4                                  // version, type
	binary.LittleEndian.PutUint32(body[2:], 1<<15)      // role-based error reporting
	binary.LittleEndian.PutUint16(body[6:], 1<<4|2<<12) // relaxed ordering, requests of 512 bytes
	writable := make([]byte, 8)
	binary.LittleEndian.PutUint16(writable[6:], 0x7fff)
	f.AddCapability(CapExpress, body, writable)
}

func (f *Function) command() uint16 { return binary.LittleEndian.Uint16(f.config[regCommand:]) }

// readConfig gives up to 4 aligned bytes.
func (f *Function) readConfig(now uint64, reg, size int) uint32 {
	if f.OnRead != nil {
		if v, ok := f.OnRead(now, reg&^3); ok {
			return v >> (8 * (reg & 3))
		}
	}
	v := binary.LittleEndian.Uint32(f.config[reg&^3:])
	if reg&^3 == regCommand && f.intx {
		v |= statusINTx << 16
	}
	return v >> (8 * (reg & 3)) & uint32(uint64(1)<<(8*size)-1)
}

func (f *Function) writeConfig(now uint64, reg, size int, v uint32) {
	if f.OnWrite != nil && f.OnWrite(now, reg, v, size) {
		return
	}
	for i := range size {
		m := f.mask[reg+i]
		f.config[reg+i] = f.config[reg+i]&^m | byte(v>>(8*i))&m
	}
	switch {
	case reg < regCommand+2 && reg+size > regCommand:
		f.update()
	case f.msix != nil && reg < f.msix.at+4 && reg+size > f.msix.at:
		f.update()
		f.msix.release(f, now)
	}
}

// SetINTx drives the function's interrupt pin.
func (f *Function) SetINTx(level bool) {
	f.intx = level
	f.update()
}

// update drives the wire, which Interrupt Disable and MSI-X hold low.
func (f *Function) update() {
	level := f.intx && f.command()&commandNoINTx == 0 && !f.MSIXEnabled()
	if level != f.driven {
		f.driven = level
		f.drive(level)
	}
}

// barAt finds the BAR that holds an address, if the function decodes memory.
func (f *Function) barAt(pa addr.PA) (i int, off uint64, ok bool) {
	if f.command()&commandMemory == 0 {
		return 0, 0, false
	}
	for i := range f.bars {
		b := &f.bars[i]
		if !b.exists {
			continue
		}
		base := uint64(binary.LittleEndian.Uint32(f.config[regBAR+4*i:]) &^ 15)
		if b.is64 {
			base |= uint64(binary.LittleEndian.Uint32(f.config[regBAR+4*i+4:])) << 32
		}
		if off := uint64(pa) - base; off < b.size {
			return i, off, true
		}
	}
	return 0, 0, false
}

func (f *Function) read(now uint64, i int, off uint64, size int) (uint64, bool) {
	if f.msix != nil && f.msix.bar == i {
		return f.msix.read(off, size)
	}
	return f.handler.ReadBAR(now, i, off, size)
}

func (f *Function) write(now uint64, i int, off uint64, size int, v uint64) bool {
	if f.msix != nil && f.msix.bar == i {
		return f.msix.write(f, now, off, size, v)
	}
	return f.handler.WriteBAR(now, i, off, size, v)
}

// ReadAt and WriteAt are the function's DMA: without Bus Master Enable nothing
// is reached.
func (f *Function) ReadAt(now uint64, pa addr.PA, buf []byte) (uint64, bool) {
	if f.command()&commandMaster == 0 {
		return now, false
	}
	return f.dma.ReadAt(now, pa, buf)
}

// WriteAt is ReadAt's counterpart.
func (f *Function) WriteAt(now uint64, pa addr.PA, buf []byte) (uint64, bool) {
	if f.command()&commandMaster == 0 {
		return now, false
	}
	return f.dma.WriteAt(now, pa, buf)
}

// Peek gives an aligned word of the configuration space as it is kept, without
// asking OnRead.
func (f *Function) Peek(reg int) (v uint32, ok bool) {
	if reg < 0 || reg&3 != 0 || reg >= configSize {
		return 0, false
	}
	return binary.LittleEndian.Uint32(f.config[reg:]), true
}
