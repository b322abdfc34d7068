//go:build !linux

package hostmem

func mapped(int) []byte { return nil }

func populate([]byte) {}

func unmap([]byte) {}
