//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// perfCounters counts the cache misses of a walk through more memory than the L1D
// has, by perf_event_open, which reaches the harts' counters through SBI's PMU
// extension. A line is missed at least once each time: there are more than the
// L1D holds.
func perfCounters(g *guest) (string, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const line, lines = 64, 1 << 15
	b, err := unix.Mmap(-1, 0, lines*line, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		return "", err
	}
	counts := map[string]uint64{}
	for name, config := range map[string]uint64{"misses": unix.PERF_COUNT_HW_CACHE_MISSES, "instructions": unix.PERF_COUNT_HW_INSTRUCTIONS} {
		attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_HARDWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: config}
		fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, 0)
		if err != nil {
			return "", fmt.Errorf("perf_event_open %s: %w", name, err)
		}
		for range 2 {
			for i := 0; i < len(b); i += line {
				b[i]++
			}
		}
		var v [8]byte
		if _, err := unix.Read(fd, v[:]); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		counts[name] = binary.NativeEndian.Uint64(v[:])
		unix.Close(fd) //nolint:errcheck // it has been read
	}
	if m := counts["misses"]; m < 2*lines || m > 3*lines {
		return "", fmt.Errorf("%d misses of %d lines touched", m, 2*lines)
	}
	if n := counts["instructions"]; n < 2*lines || n > 100*lines {
		return "", fmt.Errorf("%d instructions for %d lines touched", n, 2*lines)
	}
	return "misses counted", nil
}
