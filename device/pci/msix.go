package pci

import (
	"encoding/binary"

	"mcsim/addr"
)

// The MSI-X capability and table (PCI 3.0, section 6.8.2).
const (
	msixEnable = 1 << 15
	msixMask   = 1 << 14

	msixEntry    = 16
	msixMasked   = 1 // vector control
	msixPBA      = 0x800
	msixBARBytes = 0x1000
	maxVectors   = msixPBA / msixEntry
)

// MSIXVector is an entry of the table.
type MSIXVector struct {
	Addr    uint64
	Data    uint32
	Control uint32
}

// MSIXState is all that the table remembers. Whether it is enabled is in the
// configuration space.
type MSIXState struct {
	Vectors []MSIXVector
	Pending []bool
}

type msix struct {
	bar int
	at  int // of message control's word in configuration space
	st  MSIXState
}

// AddMSIX gives the function a table of n vectors in a BAR of its own.
func (f *Function) AddMSIX(bar, n int) {
	n = min(n, maxVectors)
	f.AddBAR(bar, msixBARBytes, false)
	body := make([]byte, 10)
	binary.LittleEndian.PutUint16(body, uint16(n-1))
	binary.LittleEndian.PutUint32(body[2:], uint32(bar))
	binary.LittleEndian.PutUint32(body[6:], msixPBA|uint32(bar))
	at := f.AddCapability(CapMSIX, body, []byte{0, (msixEnable | msixMask) >> 8})
	m := &msix{bar: bar, at: at, st: MSIXState{make([]MSIXVector, n), make([]bool, n)}}
	for i := range m.st.Vectors {
		m.st.Vectors[i].Control = msixMasked
	}
	f.msix = m
}

func (f *Function) msixControl() uint16 {
	return binary.LittleEndian.Uint16(f.config[f.msix.at+2:])
}

// MSIXEnabled says whether the function signals by messages.
func (f *Function) MSIXEnabled() bool {
	return f.msix != nil && f.msixControl()&msixEnable != 0
}

// Vectors is the size of the table.
func (f *Function) Vectors() int {
	if f.msix == nil {
		return 0
	}
	return len(f.msix.st.Vectors)
}

// Signal sends the message of a vector, or keeps it pending while it is masked.
func (f *Function) Signal(now uint64, vector int) {
	if !f.MSIXEnabled() || vector < 0 || vector >= f.Vectors() {
		return
	}
	f.msix.st.Pending[vector] = true
	f.msix.release(f, now)
}

// release sends what is pending and no longer masked.
func (m *msix) release(f *Function, now uint64) {
	if f.msixControl()&(msixEnable|msixMask) != msixEnable {
		return
	}
	for i, p := range m.st.Pending {
		v := &m.st.Vectors[i]
		if !p || v.Control&msixMasked != 0 {
			continue
		}
		m.st.Pending[i] = false
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], v.Data)
		f.WriteAt(now, addr.PA(v.Addr), b[:]) // a message to nowhere is lost
	}
}

// read takes aligned accesses of 4 and 8 bytes.
func (m *msix) read(off uint64, size int) (uint64, bool) {
	if size != 4 && size != 8 || off%uint64(size) != 0 {
		return 0, false
	}
	v := uint64(m.word(off))
	if size == 8 {
		v |= uint64(m.word(off+4)) << 32
	}
	return v, true
}

func (m *msix) word(off uint64) uint32 {
	if off >= msixPBA {
		return m.pending((off - msixPBA) * 8)
	}
	if off/msixEntry >= uint64(len(m.st.Vectors)) {
		return 0
	}
	switch v := &m.st.Vectors[off/msixEntry]; off % msixEntry {
	case 0:
		return uint32(v.Addr)
	case 4:
		return uint32(v.Addr >> 32)
	case 8:
		return v.Data
	default:
		return v.Control
	}
}

func (m *msix) pending(first uint64) (w uint32) {
	for i := range uint64(32) {
		if first+i < uint64(len(m.st.Pending)) && m.st.Pending[first+i] {
			w |= 1 << i
		}
	}
	return w
}

// write takes aligned accesses of 4 and 8 bytes; the PBA is only read.
func (m *msix) write(f *Function, now, off uint64, size int, v uint64) bool {
	if size != 4 && size != 8 || off%uint64(size) != 0 {
		return false
	}
	m.setWord(off, uint32(v))
	if size == 8 {
		m.setWord(off+4, uint32(v>>32))
	}
	m.release(f, now)
	return true
}

func (m *msix) setWord(off uint64, w uint32) {
	if off/msixEntry >= uint64(len(m.st.Vectors)) {
		return
	}
	switch v := &m.st.Vectors[off/msixEntry]; off % msixEntry {
	case 0:
		v.Addr = v.Addr&^0xffff_ffff | uint64(w&^3)
	case 4:
		v.Addr = v.Addr&0xffff_ffff | uint64(w)<<32
	case 8:
		v.Data = w
	default:
		v.Control = w & msixMasked
	}
}
