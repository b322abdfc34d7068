package core

// walkCache remembers where the lower tables of the page-table tree are, so
// that a walk can begin below the root. It is fully associative and evicts the
// entry unused for longest. It holds what a walk read from pointers only, and
// SFENCE.VMA with an address, which orders leaf entries alone, leaves it be.
type walkCache struct {
	entries []walkEntry
	clock   uint64
}

type walkEntry struct {
	tag   uint64 // virtual address whose bits of mask select the table
	mask  uint64
	key   uint64 // as in tlbEntry
	kmask uint64
	table uint64 // physical address of the table
	used  uint64
	level int8 // of the entries in that table; 0 has only leaves

	levels int8 // of the tree that it is in; 0 if the entry is empty
}

// find returns the entry for the deepest known table on the way to va from a
// root of that many levels, or nil.
func (c *walkCache) find(va, key uint64, levels int8) *walkEntry {
	var best *walkEntry
	for i := range c.entries {
		e := &c.entries[i]
		if e.levels != levels || (va^e.tag)&e.mask|(key^e.key)&e.kmask != 0 {
			continue
		}
		if best == nil || e.level < best.level {
			best = e
		}
	}
	if best != nil {
		c.clock++
		best.used = c.clock
	}
	return best
}

// insert enters a table of some level that a walk for va found.
func (c *walkCache) insert(va, key, kmask, table uint64, level, levels int8) {
	if len(c.entries) == 0 {
		return
	}
	slot := &c.entries[0]
	for i := range c.entries {
		if e := &c.entries[i]; e.used < slot.used {
			slot = e
		}
	}
	c.clock++
	mask := ^uint64(0) << (12 + 9*(uint(level)+1))
	*slot = walkEntry{
		tag: va & mask, mask: mask, key: key, kmask: kmask,
		table: table, used: c.clock, level: level, levels: levels,
	}
}

func (c *walkCache) fence(f *fence) {
	if f.hasVA {
		return
	}
	for i := range c.entries {
		if e := &c.entries[i]; e.levels != 0 && f.covers(e.tag, 0, e.key, e.kmask) {
			*e = walkEntry{}
		}
	}
}
