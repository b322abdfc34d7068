package coherence

import "math/bits"

// codeSet is the codes that an exploration has found: the codes themselves, so
// that no two states are ever taken for one. They stand in the order in which they
// were found, and in an open-addressed table to be found again.
type codeSet struct {
	blocks [][]code // of blockCodes each, but the last
	n      int
	table  []code // 0: free
	shift  uint8  // of a hash, to an index in table
}

const (
	blockCodes = 1 << 14
	firstTable = 1 << 10

	// codeBytes is what a code takes at most: its place in a block, and that in a
	// table which is from 3/8 to 3/4 full.
	codeBytes = 8 + 8*8/3
)

func (s *codeSet) at(i int) code { return s.blocks[i/blockCodes][i%blockCodes] }

// slot is where k's search begins (Fibonacci hashing).
func (s *codeSet) slot(k code) uint64 { return uint64(k) * 0x9e3779b97f4a7c15 >> (s.shift & 63) }

// addAll adds those of the codes that are new.
func (s *codeSet) addAll(codes []code) {
	for s.n+len(codes) > len(s.table)/4*3 {
		s.grow()
	}
	// The table is larger than the host's caches. Looking at all slots before using
	// any overlaps the misses.
	var first [64]code
	for len(codes) > 0 {
		n := min(len(codes), len(first))
		for i, k := range codes[:n] {
			first[i] = s.table[s.slot(k)]
		}
		for i, k := range codes[:n] {
			if first[i] != k {
				s.add(k)
			}
		}
		codes = codes[n:]
	}
}

func (s *codeSet) add(k code) {
	mask := uint64(len(s.table) - 1)
	for i := s.slot(k); ; i = (i + 1) & mask {
		switch s.table[i] {
		case k:
			return
		case 0:
			s.table[i] = k
			if s.n%blockCodes == 0 {
				s.blocks = append(s.blocks, make([]code, 0, blockCodes))
			}
			last := &s.blocks[len(s.blocks)-1]
			*last = append(*last, k)
			s.n++
			return
		}
	}
}

// grow doubles the table. The old one can go first: the blocks have all.
func (s *codeSet) grow() {
	size := max(firstTable, 2*len(s.table))
	s.table = nil
	s.table = make([]code, size)
	s.shift = uint8(64 - bits.Len(uint(size-1)))
	mask := uint64(size - 1)
	for _, block := range s.blocks {
		for _, k := range block {
			i := s.slot(k)
			for s.table[i] != 0 {
				i = (i + 1) & mask
			}
			s.table[i] = k
		}
	}
}
