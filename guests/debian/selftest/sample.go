//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sampling has perf sample a loop, by an interrupt for every so many instructions of
// user mode, and looks where the samples are: as perf record does, if it were asked
// for a period.
func sampling(*guest) (string, error) {
	const period, turns = 10_000, 1 << 19
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_HARDWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: unix.PERF_COUNT_HW_INSTRUCTIONS,
		Sample: period, Sample_type: unix.PERF_SAMPLE_IP, Bits: unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, 0)
	if err != nil {
		return "", fmt.Errorf("perf_event_open: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // it has been read
	const pages = 16
	size := os.Getpagesize()
	ring, err := unix.Mmap(fd, 0, (1+pages)*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return "", fmt.Errorf("mmap of the samples: %w", err)
	}
	line := make([]byte, 64)
	counted := func() (n uint64) {
		var v [8]byte
		unix.Read(fd, v[:]) //nolint:errcheck // 0 shows
		return binary.NativeEndian.Uint64(v[:])
	}
	before := counted()
	spinOn(&line[0], turns)
	counter := counted() - before
	const headAt = 1024 // struct perf_event_mmap_page, data_head
	head := atomic.LoadUint64((*uint64)(unsafe.Pointer(&ring[headAt])))
	data := ring[size:]
	samples, inside := 0, 0
	from, to := spinRange()
	for at := uint64(0); at+8 <= head; {
		kind := binary.NativeEndian.Uint32(data[at:])
		if kind == unix.PERF_RECORD_SAMPLE {
			samples++
			if ip := binary.NativeEndian.Uint64(data[at+8:]); ip >= from && ip < to {
				inside++
			}
		}
		at += uint64(binary.NativeEndian.Uint16(data[at+6:]))
	}
	return fmt.Sprintf("%d samples of %d instructions, %d in the loop of %d", samples, counter, inside, turns), nil
}
