//go:build !amd64

package coherence

import "unsafe"

// warm is a hint that this host does not take.
func warm(p1, p2, p3, p4, p5, p6, p7, p8, p9 unsafe.Pointer) {}

func warmLine(p1 unsafe.Pointer) {}
