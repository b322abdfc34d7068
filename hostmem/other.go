//go:build !linux

package hostmem

func mapped(int, bool) []byte { return nil }

func populate([]byte) {}

func collapse([]byte) {}

func unmap([]byte) {}
