package coherence

import (
	"fmt"
	"slices"

	"mcsim/addr"
)

// Device is a memory-mapped device. It is called in the serial phase only. ok
// false is an access fault: an offset or a size that the device does not have.
type Device interface {
	Read(now, off uint64, size int) (v uint64, ok bool)
	Write(now, off uint64, size int, v uint64) (ok bool)
}

// Timed acts on its own: Fire is called once the bus has come to cycle Deadline
// (^0: never).
type Timed interface {
	Deadline() uint64
	Fire(now uint64)
}

// TimedDevice is a device that acts on its own.
type TimedDevice interface {
	Device
	Timed
}

// Attr is what is at an address.
type Attr uint8

const (
	AttrNone   Attr = iota // nothing: an access fault
	AttrRAM                // main memory, cacheable
	AttrDevice             // I/O: uncached, in order, no atomics
)

// Region is a range of physical addresses.
type Region struct {
	Name string
	Base addr.PA
	Size uint64
	Dev  Device // nil: RAM
}

func (g *Region) end() uint64 { return uint64(g.Base) + g.Size }

// holds says whether all of [pa, pa+size) lies in g.
func (g *Region) holds(pa addr.PA, size uint64) bool {
	off := uint64(pa) - uint64(g.Base)
	return off < g.Size && size <= g.Size-off
}

// Map is the machine's physical address map. It is fixed before the run.
type Map struct {
	regions []Region // by base
	ram     Region   // the first RAM region added: the common case
	over    []Region // devices laid over RAM, in whole lines
	plain   Region   // the part of ram that no device is laid over or before: most of it
}

// Overlay lays a device over RAM that is on the map already: for words of a
// program that the host watches. Its range is of whole cache lines, so that no
// cache ever holds a part of it.
func (m *Map) Overlay(g Region) error {
	if m.Attr(g.Base, g.Size) != AttrRAM {
		return fmt.Errorf("region %s: %#x bytes at %#x are not RAM", g.Name, g.Size, uint64(g.Base))
	}
	m.over = append(m.over, g)
	m.findPlain()
	return nil
}

// Add puts a region on the map. It fails if the region is empty, wraps around,
// or overlaps another; RAM must also be aligned to 4 KiB.
func (m *Map) Add(g Region) error {
	if g.Size == 0 || g.end()-1 < uint64(g.Base) {
		return fmt.Errorf("region %s: %#x bytes at %#x are empty or wrap around", g.Name, g.Size, uint64(g.Base))
	}
	if g.Dev == nil && (uint64(g.Base)|g.Size)&4095 != 0 {
		return fmt.Errorf("region %s: RAM at %#x of %#x bytes is not made of whole 4 KiB pages", g.Name, uint64(g.Base), g.Size)
	}
	at, _ := slices.BinarySearchFunc(m.regions, g.Base, func(r Region, pa addr.PA) int {
		if r.Base < pa {
			return -1
		}
		return 1
	})
	for _, i := range []int{at - 1, at} {
		if i < 0 || i >= len(m.regions) {
			continue
		}
		if r := &m.regions[i]; uint64(r.Base) <= g.end()-1 && uint64(g.Base) <= r.end()-1 {
			return fmt.Errorf("region %s at %#x overlaps %s at %#x", g.Name, uint64(g.Base), r.Name, uint64(r.Base))
		}
	}
	m.regions = slices.Insert(m.regions, at, g)
	if g.Dev == nil && m.ram.Size == 0 {
		m.ram = g
		m.findPlain()
	}
	return nil
}

func (m *Map) findPlain() {
	m.plain = m.ram
	for i := range m.over {
		if m.ram.holds(m.over[i].Base, 1) {
			from := max(uint64(m.plain.Base), m.over[i].end())
			m.plain.Base, m.plain.Size = addr.PA(from), m.ram.end()-from
		}
	}
}

// Regions lists the map in ascending order, then the overlays. Do not modify
// it.
func (m *Map) Regions() []Region { return append(slices.Clip(m.regions), m.over...) }

// Find is the region that holds pa, or nil.
func (m *Map) Find(pa addr.PA) *Region {
	for i := range m.over {
		if m.over[i].holds(pa, 1) {
			return &m.over[i]
		}
	}
	for i := range m.regions {
		if m.regions[i].holds(pa, 1) {
			return &m.regions[i]
		}
	}
	return nil
}

// Watched says whether a device is laid over the memory at pa.
func (m *Map) Watched(pa addr.PA) bool {
	for i := range m.over {
		if m.over[i].holds(pa, 1) {
			return true
		}
	}
	return false
}

// Attr is what is at [pa, pa+size); AttrNone also if that crosses a border.
func (m *Map) Attr(pa addr.PA, size uint64) Attr {
	if m.plain.holds(pa, size) {
		return AttrRAM
	}
	return m.attr(pa, size)
}

func (m *Map) attr(pa addr.PA, size uint64) Attr {
	for i := range m.over {
		if m.over[i].holds(pa, size) {
			return AttrDevice
		}
	}
	if m.ram.holds(pa, size) {
		return AttrRAM
	}
	g := m.Find(pa)
	switch {
	case g == nil || !g.holds(pa, size):
		return AttrNone
	case g.Dev == nil:
		return AttrRAM
	}
	return AttrDevice
}
