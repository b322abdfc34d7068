package core

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mcsim/cache"
)

// refTLB is a list of pages per set, with the textbook's state for each policy.
type refTLB struct {
	sets []refSet
	c    TLBConfig
}

type refSet struct {
	ways  []*refPage // nil: empty
	order []int      // ways by last use or by filling, oldest first
	bits  []bool     // PLRU tree: node n has children 2n+1, 2n+2; true: the right half is older
}

type refPage struct {
	first, size, pa uint64
	leaf            uint64 // size of the page that it is a piece of
	asid, vmid      uint64
	global          bool
}

func newRefTLB(c TLBConfig) *refTLB {
	r := &refTLB{c: c, sets: make([]refSet, c.Entries/c.Ways)}
	for i := range r.sets {
		s := &r.sets[i]
		s.ways = make([]*refPage, c.Ways)
		s.bits = make([]bool, c.Ways)
		for w := range c.Ways {
			s.order = append(s.order, w)
		}
	}
	return r
}

// find is the page that translates va, and where it is.
func (r *refTLB) find(va, asid, vmid uint64) (p *refPage, set, way int) {
	for i := range r.sets {
		for w, p := range r.sets[i].ways {
			if p != nil && va >= p.first && va-p.first < p.size && p.vmid == vmid && (p.global || p.asid == asid) {
				return p, i, w
			}
		}
	}
	return nil, 0, 0
}

func (s *refSet) last(way int) {
	i := slices.Index(s.order, way)
	s.order = append(slices.Delete(s.order, i, i+1), way)
}

// touch points the tree away from a way.
func (s *refSet) touch(way int) {
	lo, n, node := 0, len(s.ways), 0
	for n > 1 {
		n /= 2
		right := way >= lo+n
		s.bits[node] = !right
		node = 2*node + 1
		if right {
			lo += n
			node++
		}
	}
}

func (r *refTLB) used(set, way int) {
	s := &r.sets[set]
	if r.c.Replacement == cache.LRU {
		s.last(way)
	}
	s.touch(way)
}

// victim is the way to fill; for Random it is not known: -1.
func (r *refTLB) victim(set int) int {
	s := &r.sets[set]
	if w := slices.Index(s.ways, nil); w >= 0 {
		return w
	}
	switch r.c.Replacement {
	case cache.Random:
		return -1
	case cache.TreePLRU:
		lo, n, node := 0, len(s.ways), 0
		for n > 1 {
			n /= 2
			right := s.bits[node]
			node = 2*node + 1
			if right {
				lo += n
				node++
			}
		}
		return lo
	}
	return s.order[0]
}

func (r *refTLB) fill(va uint64, p refPage) (set, way int) {
	p.leaf = p.size
	for _, s := range []uint64{1 << 48, 1 << 39, 1 << 30, 1 << 21, 1 << 16, 1 << 12} {
		if s <= p.leaf && (r.c.PageSizes == nil || slices.Contains(r.c.PageSizes, s)) {
			first := va / s * s
			p.pa += first - p.first
			p.first, p.size = first, s
			break
		}
	}
	set = int(va / p.size % uint64(len(r.sets)))
	if way = r.victim(set); way >= 0 {
		r.sets[set].put(way, p)
	} else {
		r.sets[set].ways[0] = &p // whichever: the caller moves it
	}
	return set, way
}

func (s *refSet) put(way int, p refPage) {
	s.ways[way] = &p
	s.last(way)
	s.touch(way)
}

func (r *refTLB) fence(va, asid, vmid uint64, hasVA, hasASID bool) {
	for i := range r.sets {
		for w, p := range r.sets[i].ways {
			switch {
			case p == nil || p.vmid != vmid:
			case hasVA && va/p.leaf != p.first/p.leaf:
			case hasASID && (p.global || p.asid != asid):
			default:
				r.sets[i].ways[w] = nil
			}
		}
	}
}

// layout gives each part of the address space one size of page, so that pages
// never overlap.
func layout(va uint64, asid, vmid uint64) refPage {
	size := uint64(1) << pageBits[va>>52&7%6]
	first := va / size * size
	return refPage{first: first, size: size, pa: first ^ 1<<55, asid: asid, vmid: vmid, global: va>>51&1 == 1}
}

func TestTLBAgainstList(t *testing.T) {
	policies := []cache.Policy{cache.LRU, cache.FIFO, cache.TreePLRU, cache.Random}
	sizes := [][]uint64{nil, {1 << 12}, {1 << 12, 1 << 21, 1 << 30}, {1 << 12, 1 << 48}}
	var hits, misses uint64
	seeded(t, 200, func(t *testing.T, r *rand.Rand) {
		c := TLBConfig{Ways: 1 << r.IntN(5), Replacement: policies[r.IntN(4)], PageSizes: sizes[r.IntN(4)], Seed: r.Uint64()}
		if c.Replacement == cache.LRU && r.IntN(2) == 0 {
			c.Ways = 1 + r.IntN(12)
		}
		c.Entries = c.Ways << r.IntN(4)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		var stats TLBStats
		var lost []tlbEntry
		tlb := newTLB(c, &stats, func(e *tlbEntry) { lost = append(lost, *e) })
		ref := newRefTLB(c)
		vas := make([]uint64, 4+r.IntN(3*c.Entries))
		for i := range vas {
			vas[i] = r.Uint64N(6)<<52 | r.Uint64N(2)<<51 | r.Uint64N(4)<<48 | r.Uint64N(2)<<39 | r.Uint64N(3)<<30 | r.Uint64N(3)<<21 | r.Uint64N(40)<<12
		}
		for stamp := range uint64(1500) {
			va := vas[r.IntN(len(vas))] + r.Uint64N(4096)
			asid, vmid := r.Uint64N(3), r.Uint64N(8)/7
			if r.IntN(40) == 0 {
				hasVA, hasASID := r.IntN(4) > 0, r.IntN(2) == 0
				tlb.fence(&fence{va: va, key: asid | vmid<<16, hasVA: hasVA, hasASID: hasASID})
				ref.fence(va, asid, vmid, hasVA, hasASID)
				continue
			}
			lost = lost[:0]
			e := tlb.find(va, asid|vmid<<16)
			p, set, way := ref.find(va, asid, vmid)
			if (e == nil) != (p == nil) {
				t.Fatalf("%+v: find(%#x, %d, %d) = %+v; want %+v", c, va, asid, vmid, e, p)
			}
			if e != nil {
				hits++
				if e.tag != p.first || 1<<e.bits != p.size || e.pa != p.pa || 1<<e.leaf != p.leaf {
					t.Fatalf("%+v: %+v; want %+v", c, e, p)
				}
				e.stamp = stamp + 1
				ref.used(set, way)
				continue
			}
			misses++
			insertBoth(t, r, &tlb, ref, va, layout(va, asid, vmid), stamp+1, &lost)
		}
	})
	if min(hits, misses) < 1000 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
}

// insertBoth fills the TLB and the list with a page, and compares what had to go.
func insertBoth(t *testing.T, r *rand.Rand, tlb *tlb, ref *refTLB, va uint64, p refPage, stamp uint64, lost *[]tlbEntry) {
	t.Helper()
	in := tlbEntry{tag: p.first, pa: p.pa, key: p.asid | p.vmid<<16, kmask: ^uint64(0), flags: rw}
	for _, b := range pageBits {
		if p.size == 1<<b {
			in.bits, in.leaf = b, b
		}
	}
	if p.global {
		in.kmask &^= asidMask
	}
	before := make([][]*refPage, len(ref.sets))
	for i := range ref.sets {
		before[i] = slices.Clone(ref.sets[i].ways)
	}
	e := tlb.insert(in, va, stamp)
	set, way := ref.fill(va, p)
	if way < 0 { // Random: the list follows, if the choice was one of the set
		at := slices.IndexFunc(tlb.entries, func(x tlbEntry) bool { return x == *e })
		way = at - set*ref.c.Ways
		if way < 0 || way >= ref.c.Ways {
			t.Fatalf("%+v: entry %d filled for set %d", ref.c, at, set)
		}
		filled := *ref.sets[set].ways[0]
		ref.sets[set].ways[0] = before[set][0]
		ref.sets[set].put(way, filled)
	}
	old := before[set][way]
	switch {
	case old == nil && len(*lost) != 0, old != nil && len(*lost) != 1:
		t.Fatalf("%+v: lost %+v; want %+v", ref.c, *lost, old)
	case old != nil && ((*lost)[0].tag != old.first || (*lost)[0].key != old.asid|old.vmid<<16):
		t.Fatalf("%+v: lost %+v; want %+v", ref.c, (*lost)[0], old)
	}
}

// TestTLBRandomSpreads: every way of a full set is chosen about as often.
func TestTLBRandomSpreads(t *testing.T) {
	var count [8]int
	tlb := newTLB(TLBConfig{Entries: 8, Ways: 8, Replacement: cache.Random, Seed: 7}, new(TLBStats), nil)
	for i := range uint64(8008) {
		e := tlb.insert(tlbEntry{tag: i << 12, bits: 12, leaf: 12, kmask: ^uint64(0)}, i<<12, i)
		for w := range tlb.entries {
			if e == &tlb.entries[w] {
				count[w]++
			}
		}
	}
	for w, n := range count {
		if n < 800 || n > 1200 {
			t.Errorf("way %d was filled %d times of 8008", w, n)
		}
	}
}

func TestTLBConfigMistakes(t *testing.T) {
	for want, c := range map[string]TLBConfig{
		"":                          {Entries: 40, Ways: 40},
		"entries: 0 is not":         {Entries: 0, Ways: 1},
		"entries: 5000 is not":      {Entries: 5000, Ways: 1},
		"ways: 3 does not divide":   {Entries: 32, Ways: 3},
		"ways: 0 does not divide":   {Entries: 32},
		"make 6 sets":               {Entries: 12, Ways: 2},
		"needs a power of two":      {Entries: 24, Ways: 24, Replacement: cache.TreePLRU},
		"cannot have srrip":         {Entries: 4, Ways: 4, Replacement: cache.SRRIP},
		"page_sizes: [4096 8192]":   {Entries: 4, Ways: 4, PageSizes: []uint64{4096, 8192}},
		"must hold pages of 4 KiB":  {Entries: 4, Ways: 4, PageSizes: []uint64{1 << 21}},
		"page_sizes: a TLB must ho": {Entries: 4, Ways: 4, PageSizes: []uint64{}},
	} {
		err := c.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q", c, err, want)
		}
	}
}
