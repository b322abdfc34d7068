//go:build linux

package main

import "encoding/binary"

// Codes of markers (guests/runtime/mcsim.h), as mark takes them.
const (
	markPoint = iota
	markBegin
	markEnd
	markCheckpoint
)

// region is a name as markers take it: up to eight characters.
func region(name string) uint64 {
	var text [8]byte
	copy(text[:], name)
	return binary.LittleEndian.Uint64(text[:])
}
