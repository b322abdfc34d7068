package config

import "math/bits"

func power2(n uint64) bool { return n != 0 && n&(n-1) == 0 }

// pow2s are the powers of two next to n: below or equal, and above.
func pow2s(n uint64) (below, above uint64) {
	if n == 0 {
		return 0, 1
	}
	below = uint64(1) << (bits.Len64(n) - 1)
	return below, below << 1
}

// powers checks the fields that must be powers of two.
func (c *checker) powers() {
	for _, path := range []string{
		c.lineOf("machine.l1i"), "machine.llc.banks",
		"machine.bus.width", "machine.dram.channels", "machine.dram.banks", "machine.dram.row", "machine.dram.width",
	} {
		n := c.number(path)
		if n == 0 || power2(n) {
			continue
		}
		below, above := pow2s(n)
		value := func(n uint64) any {
			if byPath[path].Type() == "Size" {
				return Size(n)
			}
			return n
		}
		c.add(conflict{rule: "power of two " + path, at: path, fixes: []Fix{fix(path, value(below)), fix(path, value(above))}},
			"%v is no power of two", value(n))
	}
}

// cache checks that lines, ways and sets divide.
func (c *checker) cache(path string, k Cache) {
	if k.Line == 0 || k.Ways == 0 || !power2(uint64(k.Line)) {
		return // reported where it was read, or by powers
	}
	size, line := path+".size", c.lineOf(path)
	if k.Size%k.Line != 0 || k.Size < k.Line {
		below, above := pow2s(uint64(k.Size / (k.Line * Size(k.Ways))))
		set := k.Line * Size(k.Ways)
		c.add(conflict{rule: "lines " + path, at: size, with: []string{line, path + ".ways"},
			fixes: []Fix{fix(size, Size(below)*set), fix(size, Size(above)*set), fix(line, Size(16))}},
			"%v is no whole number of %v lines", k.Size, k.Line)
		return
	}
	c.shape(shape{
		path: path, total: size, line: line, noun: "lines",
		n: uint64(k.Size / k.Line), unit: uint64(k.Line), ways: k.Ways, mostWays: 64,
		plru: k.Replacement == "plru",
	})
}

// tlb checks that entries, ways and sets divide, and the sizes of pages.
func (c *checker) tlb(path string, t TLB) {
	if t.Ways == 0 || t.Entries == 0 {
		return
	}
	c.shape(shape{
		path: path, total: path + ".entries", noun: "entries",
		n: uint64(t.Entries), unit: 1, ways: t.Ways, mostWays: t.Entries,
		plru: t.Replacement == "plru",
	})
	sizes := path + ".page_sizes"
	seen := map[Size]bool{}
	list, twice := "", Size(0)
	for _, s := range t.PageSizes {
		if seen[s] {
			twice = s
			continue
		}
		seen[s] = true
		list += "," + s.String()
	}
	if twice != 0 {
		c.add(conflict{rule: "twice " + sizes, at: sizes, fixes: []Fix{fix(sizes, list[1:]), fix(sizes, "4KiB"+list)}}, "%v is given twice", twice)
	}
	if !seen[4<<10] {
		c.add(conflict{rule: "4KiB " + sizes, at: sizes, fixes: []Fix{fix(sizes, "4KiB"+list)}}, "a TLB must hold 4KiB pages")
	}
}

// shape is n lines or entries in sets of ways.
type shape struct {
	path, total string // the section, and its field that gives n
	line        string // the field of a cache's line size
	noun        string
	n, unit     uint64 // how many there are, and what each counts in the field of the total
	ways        int
	mostWays    int
	plru        bool
}

func (s *shape) value(n uint64) any {
	if s.line != "" {
		return Size(n * s.unit)
	}
	return n
}

// shape checks that there is a power of two of sets, and that tree-PLRU's trees are
// full.
func (c *checker) shape(s shape) {
	ways := s.path + ".ways"
	if w := uint64(s.ways); s.n%w == 0 && power2(s.n/w) {
		if replacement := s.path + ".replacement"; s.plru && !power2(w) {
			below, above := pow2s(w)
			c.add(conflict{rule: "plru " + s.path, at: c.last(replacement, ways), with: without(c.last(replacement, ways), replacement, ways),
				fixes: []Fix{fix(replacement, "lru"), fix(ways, above), fix(ways, below)}},
				"the tree of plru needs ways that are a power of two, not %d", w)
		}
		return
	}
	// Whoever makes a fully associative TLB smaller means the ways too; else the last
	// of both is the one to change.
	at := c.last(ways, s.total)
	if uint64(2*s.ways) > s.n {
		at = ways
	}
	fixes := append(s.fewerOrMoreWays(), s.nearTotals()...)
	if at == s.total {
		fixes = append(s.nearTotals(), s.fewerOrMoreWays()...)
	}
	k := conflict{rule: "shape " + s.path, at: at, with: without(at, ways, s.total), fixes: fixes}
	if s.line != "" {
		k.with = append(k.with, s.line)
	}
	switch w := uint64(s.ways); {
	case w > s.n:
		c.add(k, "%d ways are more than the %d %s there are", w, s.n, s.noun)
	case s.n%w != 0:
		c.add(k, "%d %s cannot be divided into sets of %d ways", s.n, s.noun, w)
	default:
		c.add(k, "%d %s in sets of %d ways make %d sets, which is no power of two", s.n, s.noun, w, s.n/w)
	}
}

// fewerOrMoreWays are the nearest associativities that divide the whole.
func (s *shape) fewerOrMoreWays() (fixes []Fix) {
	fits := func(w int) bool {
		return s.n%uint64(w) == 0 && power2(s.n/uint64(w)) && (!s.plru || power2(uint64(w)))
	}
	for w := min(s.ways, s.mostWays+1) - 1; w >= 1; w-- {
		if fits(w) {
			fixes = append(fixes, fix(s.path+".ways", w))
			break
		}
	}
	for w := s.ways + 1; w <= s.mostWays; w++ {
		if fits(w) {
			fixes = append(fixes, fix(s.path+".ways", w))
			break
		}
	}
	return fixes
}

// nearTotals are the nearest sizes that the ways divide.
func (s *shape) nearTotals() []Fix {
	below, above := pow2s(s.n / uint64(s.ways))
	return []Fix{
		fix(s.total, s.value(below*uint64(s.ways))),
		fix(s.total, s.value(above*uint64(s.ways))),
	}
}

// without is the paths but for one.
func without(one string, paths ...string) (rest []string) {
	for _, p := range paths {
		if p != one {
			rest = append(rest, p)
		}
	}
	return rest
}
