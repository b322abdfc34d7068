package machine

import "syscall"

// tryWrite writes what fd takes without waiting, and drops the rest.
func tryWrite(fd uintptr, p []byte) {
	_ = syscall.SetNonblock(int(fd), true) // it is the poller's already
	_, _ = syscall.Write(int(fd), p)
}
