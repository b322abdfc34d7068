package replay

import (
	"fmt"

	"mcsim/addr"
)

// Flags of page-table entries (privileged manual, Sv39). A and D are set from
// the start, as an OS does for harts that fault instead of setting them.
const (
	pteTable = 1
	pteLeaf  = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<6 | 1<<7 // V R W X U A D
)

// space is an address space: a page table in the VM's memory, or, without
// translation, the pieces of memory that its addresses are laid into.
//
// It changes in the serial phase only. Entries are written past the harts'
// caches, as by a device, and the walkers' copies are taken away by that.
//
// The guest's physical addresses are its memory's machine addresses. With two
// stages they would be smaller by vm.base, entries would hold those, and the G
// stage's table, which maps vm.frames.base on, would add it again.
type space struct {
	vm     *vm
	asid   uint16
	levels int // of the page table; 0 without translation
	root   *table
	pieces map[uint64]addr.PA // without translation: of 2 MiB
	pages  uint64             // mapped
}

// table is a page-table page. What it holds is in simulated memory too.
type table struct {
	pa   addr.PA
	sub  map[uint64]*table
	leaf map[uint64]addr.PA
}

// newSpace makes an empty address space of the VM.
func (v *vm) newSpace() (*space, error) {
	s := &space{vm: v, asid: v.nextASID}
	if v.nextASID++; v.nextASID == 0 {
		return nil, fmt.Errorf("%s has more than 65535 address spaces", v.label())
	}
	if v.r.cfg.Pages == PagesNone {
		s.pieces = map[uint64]addr.PA{}
		return s, nil
	}
	root, err := s.newTable()
	if err != nil {
		return nil, err
	}
	s.root, s.levels = root, 3
	return s, nil
}

func (s *space) newTable() (*table, error) {
	pa, ok := s.vm.frames.table()
	if !ok {
		return nil, s.vm.frames.full(s.vm.label(), s.vm.r.memory)
	}
	s.vm.Tables++
	return &table{pa: pa, sub: map[uint64]*table{}, leaf: map[uint64]addr.PA{}}, nil
}

// satp names the page table.
func (s *space) satp() uint64 {
	return uint64(s.levels+5)<<60 | uint64(s.asid)<<44 | uint64(s.root.pa)>>12
}

// bits is the number of bits of an address that a table of so many levels
// translates.
func bits(levels int) uint { return uint(12 + 9*levels) }

func fits(va uint64, levels int) bool {
	up := 64 - bits(levels)
	return uint64(int64(va<<up)>>up) == va
}

// fold takes the upper bits off an address that no table can translate.
func (v *vm) fold(va uint64) uint64 {
	if most := v.r.maxLevels; !fits(va, most) {
		up := 64 - bits(most)
		va = uint64(int64(va<<up) >> up)
		v.folded.Add(1)
	}
	return va
}

// grow gives the table the levels that an address needs, at most most. The old
// root serves the lower half of the address space below the new one; the upper
// half, which is now further up, gets a table of its own.
func (s *space) grow(va uint64, most int) error {
	if s.pieces != nil {
		return nil
	}
	for !fits(va, s.levels) && s.levels < most {
		root, err := s.newTable()
		if err != nil {
			return err
		}
		upper, err := s.newTable()
		if err != nil {
			return err
		}
		for i, t := range s.root.sub {
			if i >= 256 {
				upper.sub[i] = t
				delete(s.root.sub, i)
				s.write(upper, i, uint64(t.pa)>>12<<10|pteTable)
				s.write(s.root, i, 0)
			}
		}
		root.sub[0], root.sub[511] = s.root, upper
		s.write(root, 0, uint64(s.root.pa)>>12<<10|pteTable)
		s.write(root, 511, uint64(upper.pa)>>12<<10|pteTable)
		s.root = root
		s.levels++
	}
	return nil
}

// write sets an entry in simulated memory.
func (s *space) write(t *table, i, pte uint64) {
	var b [8]byte
	for k := range b {
		b[k] = byte(pte >> (8 * k))
	}
	r := s.vm.r
	r.bus.DMAWrite(r.osAgent, t.pa+addr.PA(8*i), b[:], r.now)
}

// mapPage maps the page of va, if it is not mapped yet.
func (s *space) mapPage(va uint64) error {
	if s.pieces != nil {
		return s.mapPiece(va)
	}
	t, last := s.root, 0
	if s.vm.r.cfg.Pages == Pages2M {
		last = 1
	}
	for level := s.levels - 1; level > last; level-- {
		i := va >> bits(level) & 511
		next := t.sub[i]
		if next == nil {
			var err error
			if next, err = s.newTable(); err != nil {
				return err
			}
			t.sub[i] = next
			s.write(t, i, uint64(next.pa)>>12<<10|pteTable)
		}
		t = next
	}
	i := va >> bits(last) & 511
	if _, there := t.leaf[i]; there {
		return nil
	}
	pa, err := s.frame(va)
	if err != nil {
		return err
	}
	t.leaf[i] = pa
	s.pages++
	s.vm.Pages++
	s.write(t, i, uint64(pa)>>12<<10|pteLeaf)
	return nil
}

// frame finds memory for the page of va.
func (s *space) frame(va uint64) (addr.PA, error) {
	f := s.vm.frames
	if s.vm.r.cfg.Frames != Identity {
		pa, ok := f.take()
		if !ok {
			return 0, f.full(s.vm.label(), s.vm.r.memory)
		}
		return pa, nil
	}
	pa := va &^ (f.unit - 1)
	if pa < f.base || pa+f.unit > f.top {
		return 0, fmt.Errorf("%s: the page at %#x is mapped to itself, and its memory is from %#x to %#x; a larger one, or other frames: --frames first-touch",
			s.vm.label(), va, f.base, f.top)
	}
	return addr.PA(pa), nil
}

func (s *space) mapPiece(va uint64) error {
	if _, there := s.pieces[va/size2M]; there {
		return nil
	}
	pa, ok := s.vm.frames.take()
	if !ok {
		return s.vm.frames.full(s.vm.label(), s.vm.r.memory)
	}
	s.pieces[va/size2M] = pa
	s.pages++
	s.vm.Pages++
	return nil
}

// touch is the physical address of va, which it maps.
func (s *space) touch(va uint64) (addr.PA, error) {
	if s.pieces == nil {
		va = s.vm.fold(va)
	}
	if err := s.grow(va, s.vm.r.maxLevels); err != nil {
		return 0, err
	}
	if err := s.mapPage(va); err != nil {
		return 0, err
	}
	pa, _ := s.find(va)
	return pa, nil
}

// find is the physical address of va, if it is mapped. It may be asked while
// harts run, for nothing changes then.
func (s *space) find(va uint64) (addr.PA, bool) {
	if s.pieces != nil {
		pa, ok := s.pieces[va/size2M]
		return pa + addr.PA(va%size2M), ok
	}
	if !fits(va, s.levels) {
		return 0, false
	}
	t, last := s.root, 0
	if s.vm.r.cfg.Pages == Pages2M {
		last = 1
	}
	for level := s.levels - 1; level > last; level-- {
		if t = t.sub[va>>bits(level)&511]; t == nil {
			return 0, false
		}
	}
	pa, ok := t.leaf[va>>bits(last)&511]
	return pa + addr.PA(va&(1<<bits(last)-1)), ok
}
