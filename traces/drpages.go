package traces

import "math/bits"

// Markers that tell where pages lie (trace_entry.h): a pair of a physical and
// a virtual address stands before the first reference to a page, and again
// where the page moved.
const (
	drPhysical       = 15
	drNoPhysical     = 16 // the value is the virtual address
	drVirtual        = 17
	drPageSize       = 18
	drMaxPages       = 1 << 22 // of one stream
	drSmallestPage   = 12      // as a power of two
	drWantPageMarker = "markers of physical addresses of at most 4194304 pages"
)

// drPages knows the physical pages of a trace that tells them.
type drPages struct {
	physical map[uint64]uint64 // page numbers by virtual ones
	process  uint64
	shift    uint8
	next     uint64 // the physical half of a pair
}

func newDrPages() *drPages {
	return &drPages{physical: map[uint64]uint64{}, shift: drSmallestPage}
}

func isPageMarker(kind, size uint16) bool {
	return kind == drMarker && size >= drPhysical && size <= drVirtual
}

// marker takes one, and reports whether it could.
func (p *drPages) marker(kind uint16, value uint64) bool {
	switch kind {
	case drPhysical:
		p.next = value
	case drNoPhysical:
		delete(p.physical, value>>p.shift)
	case drVirtual:
		if len(p.physical) == drMaxPages {
			return false
		}
		p.physical[value>>p.shift] = p.next >> p.shift
	case drPageSize:
		if value >= 1<<drSmallestPage && bits.OnesCount64(value) == 1 {
			p.shift = uint8(bits.TrailingZeros64(value))
		}
	}
	return true
}

// belongs says whose references follow: another process has other pages.
func (p *drPages) belongs(process uint64) {
	if process != p.process {
		p.process = process
		clear(p.physical)
	}
}

// translate adds the physical addresses that are known.
func (p *drPages) translate(refs []Ref) {
	virtual, physical, known := ^uint64(0), uint64(0), false
	for i := range refs {
		r := &refs[i]
		if page := r.VA >> p.shift; page != virtual {
			virtual = page
			physical, known = p.physical[page]
		}
		if known {
			r.PA = physical<<p.shift | r.VA&(1<<p.shift-1)
			r.Has |= HasPA
		}
	}
}
