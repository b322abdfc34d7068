package core

import (
	"errors"
	"fmt"

	"mcsim/cache"
)

// TLBConfig is the shape of one TLB.
type TLBConfig struct {
	Entries     int          // translations held; 0, for the second level: no such TLB
	Ways        int          // as many as Entries: fully associative
	Latency     int          // cycles of a lookup, charged by the second level
	Replacement cache.Policy // LRU, TreePLRU, FIFO or Random
	PageSizes   []uint64     // bytes that an entry can map; larger pages are split. nil: all
	Seed        uint64       // of Random
}

// TLBStats counts what happens to one TLB.
type TLBStats struct {
	Accesses  uint64 // accesses made under translation; see Hart.SyncMMUStats
	Lookups   uint64 // those of them that the line tables did not answer
	Misses    uint64
	Evictions uint64 // translations that made room for others
}

// Page sizes, as log2 of bytes: 4 KiB, 64 KiB (Svnapot), 2 MiB, 1 GiB, 512 GiB
// and 256 TiB.
var pageBits = [...]uint8{12, 16, 21, 30, 39, 48}

const maxTLB = 4096 // entries; bounds what a configuration makes us allocate

// Validate returns every mistake of c, joined, each with the name of its field.
func (c TLBConfig) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &cache.FieldError{Field: field, Msg: fmt.Sprintf(format, args...)})
	}
	switch {
	case c.Entries < 1 || c.Entries > maxTLB:
		bad("entries", "%d is not in 1 to %d", c.Entries, maxTLB)
	case c.Ways < 1 || c.Entries%c.Ways != 0:
		bad("ways", "%d does not divide %d entries", c.Ways, c.Entries)
	case !isPowerOfTwo(c.Entries / c.Ways):
		bad("ways", "%d entries in %d ways make %d sets, which is not a power of two", c.Entries, c.Ways, c.Entries/c.Ways)
	}
	switch c.Replacement {
	case cache.LRU, cache.FIFO, cache.Random:
	case cache.TreePLRU:
		if !isPowerOfTwo(c.Ways) {
			bad("replacement", "%v needs a power of two of ways, not %d", c.Replacement, c.Ways)
		}
	default:
		bad("replacement", "a TLB cannot have %v", c.Replacement)
	}
	if sizes, ok := sizeSet(c.PageSizes); !ok {
		bad("page_sizes", "%v are not all page sizes", c.PageSizes)
	} else if sizes&1 == 0 {
		bad("page_sizes", "a TLB must hold pages of 4 KiB")
	}
	return errors.Join(errs...)
}

func isPowerOfTwo(n int) bool { return n > 0 && n&(n-1) == 0 }

// sizeSet turns sizes into a bit per element of pageBits.
func sizeSet(sizes []uint64) (set uint8, ok bool) {
	if sizes == nil {
		return 1<<len(pageBits) - 1, true
	}
	ok = true
	for _, s := range sizes {
		found := false
		for i, b := range pageBits {
			if s == 1<<b {
				set |= 1 << i
				found = true
			}
		}
		ok = ok && found
	}
	return set, ok
}
