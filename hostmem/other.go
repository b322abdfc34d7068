//go:build !linux

package hostmem

func mapped(int) []byte { return nil }

func unmap([]byte) {}
