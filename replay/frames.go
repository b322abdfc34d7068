package replay

import (
	"fmt"

	"mcsim/addr"
)

const (
	size4K = 1 << 12
	size2M = 1 << 21
)

// frames gives out the memory of one VM, in frames of one size. Tables of 4 KiB
// come from the same frames.
type frames struct {
	base, size uint64
	unit       uint64 // bytes of a frame
	next       uint64 // frames given out
	bits       uint   // of a frame's number, for the permutation
	random     bool
	seed       uint64
	tables     uint64 // rest of a frame that tables are cut from: its next address
	tablesEnd  uint64
	top        uint64 // Identity: tables come from here downwards
}

func newFrames(base, size, unit uint64, how Frames, seed uint64) *frames {
	f := &frames{base: base, size: size, unit: unit, random: how == Random, seed: seed}
	for f.count() > 1<<f.bits {
		f.bits++
	}
	f.bits += f.bits & 1
	if how == Identity {
		f.top = base + size
	}
	return f
}

func (f *frames) count() uint64 { return f.size / f.unit }

// take gives out a frame.
func (f *frames) take() (addr.PA, bool) {
	if f.next >= f.count() {
		return 0, false
	}
	n := f.next
	f.next++
	if f.random {
		// Of a permutation of a power of two, walk the cycle until it is a frame
		// (Black and Rogaway, CT-RSA 2002).
		for n = f.permute(n); n >= f.count(); {
			n = f.permute(n)
		}
	}
	return addr.PA(f.base + n*f.unit), true
}

// permute is a permutation of the numbers of f.bits bits: a Feistel network of
// four rounds.
func (f *frames) permute(n uint64) uint64 {
	half := f.bits / 2
	mask := uint64(1)<<half - 1
	l, r := n>>half, n&mask
	for i := range uint64(4) {
		l, r = r, l^mix(f.seed^i<<56^r)&mask
	}
	return l<<half | r
}

// mix is the output function of splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// table gives out 4 KiB of zeroes for a page table.
func (f *frames) table() (addr.PA, bool) {
	if f.top != 0 {
		f.top -= size4K
		return addr.PA(f.top), f.top >= f.base
	}
	if f.tables == f.tablesEnd {
		pa, ok := f.take()
		if !ok {
			return 0, false
		}
		f.tables, f.tablesEnd = uint64(pa), uint64(pa)+f.unit
	}
	pa := addr.PA(f.tables)
	f.tables += size4K
	return pa, true
}

// full is the error of memory that has run out.
func (f *frames) full(vm string, memory uint64) error {
	return fmt.Errorf("%s has touched all of its memory, %d KiB; a larger one: --set machine.memory=%dMiB", vm, f.size>>10, 4*memory>>20)
}
