//go:build !amd64

package coherence

import "unsafe"

// warm is a hint that this host does not take.
func warm(p1, p2, p3, p4 unsafe.Pointer) {}
