package device

import "mcsim/addr"

// DMA is how a device reaches the physical address space: now is when it asks,
// done when the last byte has arrived. ok is false, and nothing is read or
// written, if part of the range is no memory. Whoever wires the machine decides
// whether caches are snooped.
type DMA interface {
	ReadAt(now uint64, pa addr.PA, buf []byte) (done uint64, ok bool)
	WriteAt(now uint64, pa addr.PA, buf []byte) (done uint64, ok bool)
}
