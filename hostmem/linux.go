//go:build linux

package hostmem

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// mapped is n bytes of anonymous memory in huge pages or in none, or nil.
func mapped(n int, huge bool) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	advice := syscall.MADV_NOHUGEPAGE
	if huge {
		advice = syscall.MADV_HUGEPAGE
	}
	_ = syscall.Madvise(b, advice) // all works without, more slowly
	return b
}

// populate makes b's pages its own, zeroed, where they are not yet. Pages that have
// no memory yet, or that of all zeros, cost the first who writes there some
// milliseconds each. It is advice.
func populate(b []byte) { _ = unix.Madvise(b, unix.MADV_POPULATE_WRITE) }

// collapse puts b, as far as its pages lie in whole huge ones, into those. It is advice.
func collapse(b []byte) {
	if unix.Madvise(b, unix.MADV_HUGEPAGE) == nil {
		_ = unix.Madvise(b, unix.MADV_COLLAPSE)
	}
}

func unmap(b []byte) { _ = syscall.Munmap(b) }
