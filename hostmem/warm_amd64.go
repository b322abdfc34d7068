package hostmem

import "unsafe"

// Warm asks the host's processor to fetch the cache lines of the given
// addresses. It never waits and never faults. A miss here is mostly the host's
// own misses, one after the other; started together they cost a third less.
//
//go:noescape
func Warm(p1, p2, p3, p4 unsafe.Pointer)
