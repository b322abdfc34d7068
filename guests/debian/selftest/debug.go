//go:build linux

package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

// goOn is what a debugger sets to let debugged go on; seen counts while it waits.
var goOn, seen uint64

// debugged waits on the second hart until a debugger lets it go on.
func debugged(*guest) (string, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := pin(1); err != nil {
		return "", err
	}
	for atomic.LoadUint64(&goOn) == 0 {
		atomic.AddUint64(&seen, 1)
	}
	return fmt.Sprintf("let go with %d", atomic.LoadUint64(&goOn)), nil
}
