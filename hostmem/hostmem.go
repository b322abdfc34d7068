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

	"github.com/sourcegraph/conc"
)

const (
	hugePage = 2 << 20
	// ownChunk is the size from which an allocation begins a new chunk.
	ownChunk = 256 << 10
)

// Arena hands out memory that is used together from the same huge pages: a
// processor has few entries for them, and an array of less than a huge page
// would get none of its own. What it hands out is zeroed, begins at a line of
// the host's caches, and stays valid while the arena is reachable.
type Arena struct{ rest []byte }

// Bytes allocates n bytes.
func (a *Arena) Bytes(n int) []byte {
	const line = 64
	need := (n + line - 1) &^ (line - 1)
	if need > len(a.rest) {
		if n < ownChunk {
			return make([]byte, n)
		}
		b := mapped((need+hugePage-1)&^(hugePage-1), true)
		if b == nil {
			return make([]byte, n)
		}
		runtime.AddCleanup(a, unmap, b)
		if len(b)-need < len(a.rest) {
			return b[:n:n]
		}
		a.rest = b
	}
	b := a.rest[:n:n]
	a.rest = a.rest[need:]
	return b
}

// Sparse allocates n bytes of which few are ever touched: in small pages, and without
// the garbage collector's being told of so much memory that nobody uses.
func (a *Arena) Sparse(n int) []byte {
	b := mapped(n+hugePage, false)
	if b == nil {
		return make([]byte, n)
	}
	runtime.AddCleanup(a, unmap, b)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugePage - 1)
	return b[skip : skip+uintptr(n) : skip+uintptr(n)]
}

// Gather puts memory that Sparse has handed out, of which much is in use by now, into
// huge pages, while it is used.
func (a *Arena) Gather(memory []byte) {
	go func() {
		collapse(memory)
		runtime.KeepAlive(a) // it would unmap memory
	}()
}

// Words allocates n words of 8 bytes.
func (a *Arena) Words(n int) []uint64 {
	if n == 0 {
		return nil
	}
	b := a.Bytes(n * 8)
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))%8 != 0 {
		return make([]uint64, n)
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// PageBytes is the size of the pieces that Ready takes.
const PageBytes = hugePage

// Ready tells the operating system that the part of memory, which the arena has handed
// out, from byte off of it to the end of its huge page will be written soon. Zeroing
// such a page takes the host a third of a millisecond to several; another core does
// it meanwhile, if there is one.
func (a *Arena) Ready(memory []byte, off uint64) {
	if runtime.GOMAXPROCS(0) == 1 || off >= uint64(len(memory)) {
		return
	}
	b := memory[off:min(uint64(len(memory)), (off/hugePage+1)*hugePage)]
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))%4096 != 0 {
		return
	}
	go func() {
		populate(b)
		runtime.KeepAlive(a) // it would unmap b
	}()
}

// Copy copies src to memory that nobody has touched yet: two cores at once, since
// most of the time goes into zeroing it.
func Copy(dst, src []byte) {
	n := min(len(dst), len(src))
	if n < 2*hugePage {
		copy(dst, src)
		return
	}
	half := n / 2
	var wg conc.WaitGroup
	wg.Go(func() { copy(dst[half:n], src[half:n]) })
	copy(dst[:half], src[:half])
	wg.Wait()
}
