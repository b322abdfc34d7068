//go:build !amd64

package hostmem

import "unsafe"

// Warm is a hint that this host does not take.
func Warm(p1, p2, p3, p4 unsafe.Pointer) {}
