package device

import (
	"fmt"
	"math/bits"
)

// imsicPage is the size of an interrupt file's region.
const imsicPage = 0x1000

// IMSIC is the memory side of one level's interrupt files: a page for each (AIA,
// "Arrangement of the memory regions of multiple interrupt files"). It holds no
// state; the files are in the harts.
type IMSIC struct {
	harts, guests int // guests: files of guests beside each of these
	shift         int // of a hart's pages
	message       func(hart, guest int, id uint32)
}

// NewIMSIC returns the pages of harts harts, each with a file and those of
// guests. message is called for each message that comes; guest is 0 for the
// file of the level itself.
func NewIMSIC(harts, guests int, message func(hart, guest int, id uint32)) (*IMSIC, error) {
	if harts < 1 || harts > MaxHarts || guests < 0 || guests > 63 {
		return nil, fmt.Errorf("imsic: %d harts with %d guest files, want 1 to %d and up to 63", harts, guests, MaxHarts)
	}
	return &IMSIC{harts, guests, 12 + bits.Len(uint(guests)), message}, nil
}

// GuestBits is how many bits of an address choose the file of a hart.
func (m *IMSIC) GuestBits() int { return m.shift - 12 }

// Size is how many bytes the pages take, a power of two of harts.
func (m *IMSIC) Size() uint64 { return uint64(1) << (m.shift + bits.Len(uint(m.harts-1))) }

// Read gives 0 for aligned words, all there is.
func (m *IMSIC) Read(_, off uint64, size int) (uint64, bool) {
	return 0, size == 4 && off&3 == 0 && off < m.Size()
}

// Write takes aligned words: seteipnum_le at 0, seteipnum_be at 4, and the rest is
// ignored.
func (m *IMSIC) Write(_, off uint64, size int, v uint64) bool {
	if size != 4 || off&3 != 0 || off >= m.Size() {
		return false
	}
	hart, guest := int(off>>m.shift), int(off>>12)&(1<<m.GuestBits()-1)
	if hart >= m.harts || guest > m.guests {
		return true
	}
	switch off % imsicPage {
	case 0:
		m.message(hart, guest, uint32(v))
	case 4:
		m.message(hart, guest, bits.ReverseBytes32(uint32(v)))
	}
	return true
}
