// Package hostmem allocates the large arrays of a machine: memory, cache data
// and tags. They are touched in the guest's order, not the host's, so the
// host's own TLB misses would cost more than the simulation of a miss; where
// the operating system can, they lie in huge pages.
//
// The memory is zeroed, takes host memory only where it is touched, and goes
// back to the operating system when the machine is garbage.
package hostmem

import (
	"runtime"
	"unsafe"
)

// least is the size from which huge pages are asked for.
const least = 1 << 20

// Bytes allocates n bytes. The slice stays valid while owner is reachable.
func Bytes[T any](owner *T, n int) []byte {
	if n < least {
		return make([]byte, n)
	}
	b := mapped(n)
	if b == nil {
		return make([]byte, n)
	}
	runtime.AddCleanup(owner, unmap, b)
	return b
}

// Words allocates n words of 8 bytes.
func Words[T any](owner *T, n int) []uint64 {
	if n*8 < least {
		return make([]uint64, n)
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(Bytes(owner, n*8)))), n)
}
