//go:build linux

package hostmem

import "syscall"

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

func unmap(b []byte) { _ = syscall.Munmap(b) }
