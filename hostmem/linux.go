//go:build linux

package hostmem

import "syscall"

// mapped is n bytes of anonymous memory in huge pages, or nil.
func mapped(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	// Advice only: without huge pages all works, more slowly.
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE)
	return b
}

func unmap(b []byte) { _ = syscall.Munmap(b) }
