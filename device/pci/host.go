package pci

import (
	"fmt"

	"mcsim/addr"
	"mcsim/device"
)

// Slots is how many devices the root bus has room for; slot 0 is the host
// bridge.
const Slots = 32

// Pins is how many INTx wires leave the host.
const Pins = 4

// Timed is a device that acts on its own, as in package device.
type Timed interface {
	Deadline() uint64
	Fire(now uint64)
}

// Host is a host bridge with its root bus, bus 0. Every device has one function.
type Host struct {
	slots [Slots]*Function
	timed []Timed
	wires [Pins]device.Line
	high  [Pins]int // functions that hold a wire high
}

// NewHost returns a host whose INTx wires are wires. The bridge itself is in
// slot 0, as QEMU's.
func NewHost(wires [Pins]device.Line) *Host {
	h := &Host{wires: wires}
	bridge := NewFunction(Identity{Vendor: 0x1b36, Device: 0x0008, SubVendor: 0x1af4, Subsystem: 0x1100, Class: 0x060000}, nothing{}, nil)
	bridge.config[regIntPin] = 0
	h.slots[0] = bridge
	return h
}

// Add puts a function into a slot. t, if not nil, is the device behind it.
func (h *Host) Add(slot int, f *Function, t Timed) error {
	if slot < 1 || slot >= Slots || h.slots[slot] != nil {
		return fmt.Errorf("pci: slot %d is not free", slot)
	}
	h.slots[slot] = f
	pin := h.pin(slot)
	f.drive = func(level bool) { h.setPin(pin, level) }
	if t != nil {
		h.timed = append(h.timed, t)
	}
	return nil
}

// pin is where INTA of a slot leads to: the wires are dealt out in turn
// (PCI-to-PCI Bridge Architecture 1.2, table 9-1).
func (h *Host) pin(slot int) int { return slot % Pins }

func (h *Host) setPin(pin int, level bool) {
	before := h.high[pin] > 0
	if level {
		h.high[pin]++
	} else if h.high[pin] > 0 {
		h.high[pin]--
	}
	if after := h.high[pin] > 0; after != before {
		h.wires[pin](after)
	}
}

// ECAMSize is the size of the configuration space of 256 buses.
const ECAMSize = 256 << 20

// ECAM is the host's configuration window, which stands for it where time
// passes (PCI Express, section 7.2.2).
type ECAM struct{ *Host }

// Read takes aligned accesses of 1, 2 and 4 bytes.
func (e ECAM) Read(now, off uint64, size int) (uint64, bool) {
	f, reg, ok := e.find(off, size)
	if f == nil || !ok {
		return ones(size), ok
	}
	return uint64(f.readConfig(now, reg, size)) & ones(size), true
}

// Write takes aligned accesses of 1, 2 and 4 bytes.
func (e ECAM) Write(now, off uint64, size int, v uint64) bool {
	f, reg, ok := e.find(off, size)
	if f != nil && ok {
		f.writeConfig(now, reg, size, uint32(v))
	}
	return ok
}

// find decodes bus, device, function and register.
func (e ECAM) find(off uint64, size int) (f *Function, reg int, ok bool) {
	if size > 4 || off%uint64(size) != 0 || off >= ECAMSize {
		return nil, 0, false
	}
	if off>>15 >= Slots || off>>12&7 != 0 {
		return nil, 0, true
	}
	return e.slots[off>>15], int(off & 0xfff), true
}

// Deadline is the earliest of the devices'.
func (e ECAM) Deadline() uint64 {
	at := device.NoDeadline
	for _, t := range e.timed {
		at = min(at, t.Deadline())
	}
	return at
}

// Fire lets the devices that are due act, in the order of slots.
func (e ECAM) Fire(now uint64) {
	for _, t := range e.timed {
		if t.Deadline() <= now {
			t.Fire(now)
		}
	}
}

// Window is a range of addresses in which BARs may lie. Its first byte is Base
// on the bus and for the harts.
type Window struct {
	*Host
	Base addr.PA
}

// Read reads from the BAR at off; all ones where there is none.
func (w Window) Read(now, off uint64, size int) (uint64, bool) {
	pa := w.Base + addr.PA(off)
	for _, f := range w.slots {
		if f == nil {
			continue
		}
		if i, at, ok := f.barAt(pa); ok {
			return f.read(now, i, at, size)
		}
	}
	return ones(size), true
}

// Write writes to the BAR at off; nothing happens where there is none.
func (w Window) Write(now, off uint64, size int, v uint64) bool {
	pa := w.Base + addr.PA(off)
	for _, f := range w.slots {
		if f == nil {
			continue
		}
		if i, at, ok := f.barAt(pa); ok {
			return f.write(now, i, at, size, v)
		}
	}
	return true
}

func ones(size int) uint64 { return ^uint64(0) >> (64 - 8*size) }

// nothing is the handler of a function without BARs.
type nothing struct{}

func (nothing) ReadBAR(uint64, int, uint64, int) (uint64, bool) { return 0, false }
func (nothing) WriteBAR(uint64, int, uint64, int, uint64) bool  { return false }
