//go:build !amd64

package coherence

import "unsafe"

// warm is a hint that this host does not take.
func warm(a, b, c, d, e, f unsafe.Pointer) {}
