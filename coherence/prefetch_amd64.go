package coherence

import "unsafe"

//go:noescape
func prefetch(p unsafe.Pointer)

//go:noescape
func prefetch4(a, b, c, d unsafe.Pointer)
