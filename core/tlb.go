package core

import (
	"math/bits"

	"mcsim/cache"
)

// tlbEntry is one translation. Entries never move: the line tables keep
// pointers to stamps.
type tlbEntry struct {
	stamp uint64 // when it was used last, on the clock of the cache behind the TLB
	tag   uint64 // first virtual address; invalidTag if the entry is empty
	mask  uint64 // which bits of an address count for the tag
	pa    uint64 // first physical address
	key   uint64 // address space, as in regime.key
	kmask uint64 // which bits of the key count: a global page is in every ASID of its VMID
	order uint64 // of filling
	flags uint8  // the low 8 bits of the PTE; G also where an upper level had it
	bits  uint8  // log2 of the size that this entry maps
	leaf  uint8  // log2 of the size of the page that it is a piece of
	pbmt  uint8
	pmp   uint8 // kinds of access that PMP is known to allow in all of the page
}

// invalidTag matches no address, whose low 12 bits are masked.
const invalidTag = 1

func (e *tlbEntry) matches(page, key uint64) bool {
	return (page^e.tag)&e.mask|(key^e.key)&e.kmask == 0
}

// piece is 1 for a valid entry that maps less than its page.
func (e *tlbEntry) piece() int {
	if e.leaf > e.bits {
		return 1
	}
	return 0
}

// tlb is a set-associative TLB whose sets hold pages of several sizes. A page
// lies in the set that its own number selects, so a lookup probes once for each
// size that is present; fully associative TLBs need one probe.
//
// Nothing leaves but by eviction or by a fence: what software changed in its
// tables without a fence stays as it was (privileged manual, SFENCE.VMA).
type tlb struct {
	entries []tlbEntry
	setMask uint64
	ways    int
	policy  cache.Policy
	seed    uint64
	sizes   uint8              // that entries can have, a bit per element of pageBits
	present [len(pageBits)]int // entries of each size
	valid   int                // entries of any size
	pieces  int                // entries that map less than their page

	prepared bool // the entries are empty ones, or not empty

	fills uint64              // so far
	hint  [tlbHints]*tlbEntry // where a page was found last; saves host time only
	lost  func(e *tlbEntry)   // called before a valid entry goes or changes, if not nil
	stats *TLBStats
}

const tlbHints = 64

var emptyEntry = tlbEntry{tag: invalidTag, mask: ^uint64(0)}

// noEntry is what hints point at before they are any; it matches nothing.
var noEntry = emptyEntry

// newTLB makes an empty TLB of a valid configuration.
func newTLB(c TLBConfig, stats *TLBStats, lost func(e *tlbEntry)) tlb {
	t := tlb{
		entries: make([]tlbEntry, c.Entries),
		ways:    c.Ways,
		policy:  c.Replacement,
		seed:    c.Seed,
		lost:    lost,
		stats:   stats,
	}
	if c.Entries == 0 {
		return t
	}
	t.setMask = uint64(c.Entries/c.Ways - 1)
	t.sizes, _ = sizeSet(c.PageSizes)
	for i := range t.hint {
		t.hint[i] = &noEntry
	}
	return t
}

// prepare empties the entries of a TLB that has not been used: before, they take no
// memory of the host, and nothing looks at them.
func (t *tlb) prepare() {
	if !t.prepared {
		t.prepared = true
		for i := range t.entries {
			t.entries[i] = emptyEntry
		}
	}
}

// find returns the entry that translates va in the address space key, or nil.
// It is no access: the caller sets the stamp.
func (t *tlb) find(va, key uint64) *tlbEntry {
	if e := t.hint[va>>12&(tlbHints-1)]; e.matches(va&^4095, key) {
		return e
	}
	return t.search(va, key)
}

func (t *tlb) search(va, key uint64) *tlbEntry {
	page := va &^ 4095
	for i, n := range t.present {
		if n == 0 {
			continue
		}
		set := t.set(va, pageBits[i])
		for w := range set {
			if e := &set[w]; e.matches(page, key) {
				t.hint[va>>12&(tlbHints-1)] = e
				return e
			}
		}
		if t.setMask == 0 {
			break
		}
	}
	return nil
}

// set is where a page of 1<<bits bytes at va goes.
func (t *tlb) set(va uint64, bits uint8) []tlbEntry {
	s := int(va>>bits&t.setMask) * t.ways
	return t.entries[s : s+t.ways]
}

// insert enters the translation p of a page, replacing an entry that translates
// va already.
func (t *tlb) insert(p tlbEntry, va, stamp uint64) *tlbEntry {
	if e := t.search(va, p.key); e != nil {
		q, _ := t.cut(&p, va)
		// An entry that only gains rights stays, with the lines that hang on it.
		if e.tag == q.tag && e.bits == q.bits && e.pa == q.pa && e.pbmt == q.pbmt && e.flags&^q.flags == 0 {
			t.pieces += q.piece() - e.piece()
			e.flags, e.key, e.kmask, e.leaf, e.stamp = q.flags, q.key, q.kmask, q.leaf, stamp
			return e
		}
		t.drop(e)
	}
	return t.fill(p, va, stamp)
}

// cut is the part of p around va in the largest size that the TLB can hold,
// and which element of pageBits that is.
func (t *tlb) cut(p *tlbEntry, va uint64) (q tlbEntry, size int) {
	for i, b := range pageBits {
		if t.sizes>>i&1 != 0 && b <= p.bits {
			size = i
		}
	}
	q = *p
	q.bits = pageBits[size]
	q.mask = ^uint64(0) << q.bits
	q.tag = va & q.mask
	q.pa += q.tag - p.tag
	return q, size
}

// fill enters the translation p of a page, as far as it concerns va, which no
// entry translates.
func (t *tlb) fill(p tlbEntry, va, stamp uint64) *tlbEntry {
	t.prepare()
	q, size := t.cut(&p, va)
	e := t.victim(t.set(va, q.bits))
	if e.tag != invalidTag {
		t.stats.Evictions++
		t.drop(e)
	}
	q.stamp, q.order = stamp, t.fills
	*e = q
	t.fills++
	t.present[size]++
	t.valid++
	t.pieces += q.piece()
	t.hint[va>>12&(tlbHints-1)] = e
	return e
}

// drop empties a valid entry. Its stamp stays, as the bits of a PLRU tree do.
func (t *tlb) drop(e *tlbEntry) {
	if t.lost != nil {
		t.lost(e)
	}
	for i, b := range pageBits {
		if b == e.bits {
			t.present[i]--
		}
	}
	t.valid--
	t.pieces -= e.piece()
	stamp := e.stamp
	*e = emptyEntry
	e.stamp = stamp
}

// victim is the entry of a set to fill next. As in package cache, policies
// decide from stamps alone, so that a hit costs one store.
func (t *tlb) victim(set []tlbEntry) *tlbEntry {
	if t.valid < len(t.entries) {
		for w := range set {
			if set[w].tag == invalidTag {
				return &set[w]
			}
		}
	}
	way := 0
	switch t.policy {
	case cache.FIFO:
		for w := range set {
			if set[w].order < set[way].order {
				way = w
			}
		}
	case cache.Random:
		hi, _ := bits.Mul64(mix64(t.seed+t.fills), uint64(len(set)))
		way = int(hi)
	case cache.TreePLRU:
		// A node points away from the half that was used last.
		for n := len(set) / 2; n > 0; n /= 2 {
			if latestUse(set[way:way+n]) > latestUse(set[way+n:way+2*n]) {
				way += n
			}
		}
	default:
		for w := range set {
			if set[w].stamp < set[way].stamp {
				way = w
			}
		}
	}
	return &set[way]
}

func latestUse(set []tlbEntry) uint64 {
	var m uint64
	for w := range set {
		m = max(m, set[w].stamp)
	}
	return m
}

// mix64 spreads x over 64 bits: the finalizer of splitmix64 (Steele, Lea and
// Flood, OOPSLA 2014).
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// fence says which translations SFENCE.VMA removes.
type fence struct {
	va, key        uint64
	hasVA, hasASID bool
}

// covers says whether f removes a translation of the page of 1<<leaf bytes
// around tag. An address names the whole page, of which a TLB may hold many
// pieces; an ASID spares global pages (kmask leaves the ASID out).
func (f *fence) covers(tag uint64, leaf uint8, key, kmask uint64) bool {
	if f.hasVA && (f.va^tag)>>leaf != 0 {
		return false
	}
	if f.hasASID {
		return kmask&asidMask != 0 && key == f.key
	}
	return (key^f.key)&^asidMask == 0
}

// fence drops what f covers and returns the number of entries dropped.
func (t *tlb) fence(f *fence) (n int) {
	if t.valid == 0 {
		return 0
	}
	if !f.hasVA || t.pieces != 0 || t.setMask == 0 {
		return t.fenceIn(t.entries, f)
	}
	// Whole pages are where a lookup of the address finds them.
	for i := range t.present {
		if t.present[i] != 0 {
			n += t.fenceIn(t.set(f.va, pageBits[i]), f)
		}
	}
	return n
}

func (t *tlb) fenceIn(set []tlbEntry, f *fence) (n int) {
	for i := range set {
		if e := &set[i]; e.tag != invalidTag && f.covers(e.tag, e.leaf, e.key, e.kmask) {
			t.drop(e)
			n++
		}
	}
	return n
}
