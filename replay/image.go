package replay

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"mcsim/addr"
	"mcsim/coherence"
)

// page is a mapped page: its virtual address, its memory and its bytes.
type page struct {
	va   uint64
	pa   addr.PA
	size uint64
}

// pageList lists the pages of an address space in ascending order, as unsigned
// addresses of its levels.
func (s *space) pageList() (out []page) {
	if s.pieces != nil {
		for _, n := range slices.Sorted(maps.Keys(s.pieces)) {
			out = append(out, page{n * size2M, s.pieces[n], size2M})
		}
		return out
	}
	var walk func(t *table, va uint64, level int)
	walk = func(t *table, va uint64, level int) {
		for _, i := range slices.Sorted(maps.Keys(t.leaf)) {
			out = append(out, page{va | i<<bits(level), t.leaf[i], 1 << bits(level)})
		}
		for _, i := range slices.Sorted(maps.Keys(t.sub)) {
			walk(t.sub[i], va|i<<bits(level), level-1)
		}
	}
	walk(s.root, 0, s.levels-1)
	return out
}

// virtual is the virtual address of a physical one, 0 if it is not mapped.
func (r *Replay) virtual(pa addr.PA) uint64 {
	for _, v := range r.vms {
		for _, s := range v.spaces {
			for _, p := range s.pageList() {
				if pa >= p.pa && pa < p.pa+addr.PA(p.size) {
					return p.va + uint64(pa-p.pa)
				}
			}
		}
	}
	return 0
}

// Image visits every word that is not 0 in the address spaces of a VM, as a load
// would see it now, in the order of the spaces' making and of addresses. Equal
// traces without races leave equal images, whatever the caches.
func (r *Replay) Image(vm int, visit func(space int, va, word uint64)) error {
	spaces := slices.SortedFunc(maps.Values(r.vms[vm].spaces), func(x, y *space) int { return int(x.asid) - int(y.asid) })
	for i, s := range spaces {
		for _, p := range s.pageList() {
			buf := make([]byte, size4K)
			for off := uint64(0); off < p.size; off += size4K {
				if err := r.bus.Peek(p.pa+addr.PA(off), buf); err != nil {
					return err
				}
				for w := 0; w < len(buf); w += 8 {
					if v := binary.LittleEndian.Uint64(buf[w:]); v != 0 {
						visit(i, p.va+off+uint64(w), v)
					}
				}
			}
		}
	}
	return nil
}

// LostError is a word that does not hold its last store when all is over.
type LostError struct{ Read coherence.StaleRead }

func (e *LostError) Error() string {
	writer := fmt.Sprintf("hart %d at cycle %d", e.Read.Writer, e.Read.Wrote)
	if e.Read.Writer == coherence.DeviceWriter {
		writer = fmt.Sprintf("a device at cycle %d", e.Read.Wrote)
	}
	return fmt.Sprintf("the caches are not coherent: at the end, %#x holds %#x and not %#x; the line's last writer was %s",
		uint64(e.Read.PA), e.Read.Got, e.Read.Want, writer)
}

// CheckMemory compares what caches and memory hold in the end with the last
// store to each word of all mapped pages.
func (r *Replay) CheckMemory() error {
	if r.oracle == nil {
		return nil
	}
	line := uint64(r.bus.LineBytes())
	buf := make([]byte, line)
	for _, v := range r.vms {
		for _, s := range v.spaces {
			for _, p := range s.pageList() {
				for pa := uint64(p.pa); pa < uint64(p.pa)+p.size; pa += line {
					if r.oracle.Last[(pa-r.oracle.Base)/line] == 0 {
						continue
					}
					if err := r.checkLine(addr.PA(pa), buf); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

func (r *Replay) checkLine(pa addr.PA, buf []byte) error {
	if err := r.bus.Peek(pa, buf); err != nil {
		return err
	}
	for w := 0; w < len(buf); w += 8 {
		at := pa + addr.PA(w)
		if got := binary.LittleEndian.Uint64(buf[w:]); got != r.oracle.Words[(uint64(at)-r.oracle.Base)/8] {
			return &LostError{r.oracle.Explain(coherence.OpLoad, at, -1, 0, got)}
		}
	}
	return nil
}
