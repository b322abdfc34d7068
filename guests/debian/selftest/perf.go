//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cacheEvent is the config of a cache event: of reads.
func cacheEvent(cache, result uint64) uint64 {
	return cache | unix.PERF_COUNT_HW_CACHE_OP_READ<<8 | result<<16
}

const (
	accesses = unix.PERF_COUNT_HW_CACHE_RESULT_ACCESS
	misses   = unix.PERF_COUNT_HW_CACHE_RESULT_MISS
)

// perfEvents are events as perf names them, with the names of their regions, which
// are followed by the number of the pass.
var perfEvents = []struct {
	name        string
	kind        uint32
	config      uint64
	perf, needs string // the name for perf; the option that it takes
}{
	{"cycle", unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CPU_CYCLES, "cycles", ""},
	{"instret", unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS, "instructions", ""},
	{"refs", unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CACHE_REFERENCES, "cache-references", ""},
	{"misses", unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CACHE_MISSES, "cache-misses", ""},
	{"l1dacc", unix.PERF_TYPE_HW_CACHE, cacheEvent(unix.PERF_COUNT_HW_CACHE_L1D, accesses), "L1-dcache-loads", ""},
	{"l1dmiss", unix.PERF_TYPE_HW_CACHE, cacheEvent(unix.PERF_COUNT_HW_CACHE_L1D, misses), "L1-dcache-load-misses", ""},
	{"l1imiss", unix.PERF_TYPE_HW_CACHE, cacheEvent(unix.PERF_COUNT_HW_CACHE_L1I, misses), "L1-icache-load-misses", ""},
	{"llacc", unix.PERF_TYPE_HW_CACHE, cacheEvent(unix.PERF_COUNT_HW_CACHE_LL, accesses), "LLC-loads", ""},
	{"llmiss", unix.PERF_TYPE_HW_CACHE, cacheEvent(unix.PERF_COUNT_HW_CACHE_LL, misses), "LLC-load-misses", ""},
	{"dtlb", unix.PERF_TYPE_HW_CACHE, cacheEvent(unix.PERF_COUNT_HW_CACHE_DTLB, misses), "dTLB-load-misses", ""},
	{"itlb", unix.PERF_TYPE_HW_CACHE, cacheEvent(unix.PERF_COUNT_HW_CACHE_ITLB, misses), "iTLB-load-misses", ""},
	{"raw3", unix.PERF_TYPE_RAW, 3, "r3", ""},      // lines that the L1D wrote back
	{"raw9", unix.PERF_TYPE_RAW, 9, "r9", ""},      // page-table walks
	{"raw11", unix.PERF_TYPE_RAW, 11, "r11", "l2"}, // misses of the private L2
}

// perfCounters counts what a walk through memory costs, by perf_event_open, which
// reaches the harts' counters through SBI's PMU extension, and marks the same walk
// for mcsim, so that its statistics can be compared. The counters are read by the
// walk itself, as perf allows it.
func perfCounters(g *guest) (string, error) {
	const line, lines = 64, 1 << 17
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := pin(0); err != nil {
		return "", err
	}
	b, err := unix.Mmap(-1, 0, lines*line, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		return "", err
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(info), "hart\t\t: ")
	hart, _, _ := strings.Cut(rest, "\n")
	said := "hart " + hart
	for _, e := range perfEvents {
		if e.needs != "" && g.options[e.needs] == "" {
			continue
		}
		c, err := openCounter(e.kind, e.config)
		if err != nil {
			return "", fmt.Errorf("%s: %w", e.perf, err)
		}
		counter, err := c.number()
		if err != nil {
			return "", fmt.Errorf("%s: %w", e.perf, err)
		}
		measure(counter, region(e.name+"0"), &b[0], 1) // the code is in the caches
		for pass, n := range []int{100, lines} {
			name := fmt.Sprintf("%s%d", e.name, pass+1)
			around := region(strings.ToUpper(name))
			mark(markBegin, around)
			from, err := c.read()
			if err != nil {
				return "", fmt.Errorf("%s: %w", e.perf, err)
			}
			v := measure(counter, region(name), &b[0], n)
			to, err := c.read()
			mark(markEnd, around)
			if err != nil {
				return "", fmt.Errorf("%s: %w", e.perf, err)
			}
			said += fmt.Sprintf(", %s %d of %d", name, v, to-from)
		}
		c.close()
	}
	return said, nil
}

// counter is an event that is counted on CPU 0, with perf's page about it.
type counter struct {
	fd   int
	page []byte
}

func openCounter(kind uint32, config uint64) (*counter, error) {
	attr := unix.PerfEventAttr{Type: kind, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: config, Bits: unix.PerfBitPinned}
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, 0) // all that runs on CPU 0
	if err != nil {
		return nil, fmt.Errorf("perf_event_open: %w", err)
	}
	page, err := unix.Mmap(fd, 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap of an event: %w", err)
	}
	return &counter{fd, page}, nil
}

// number is that of the hart's counter, from cycle up (struct perf_event_mmap_page,
// index).
func (c *counter) number() (int, error) {
	n := atomic.LoadUint32((*uint32)(unsafe.Pointer(&c.page[12])))
	if n == 0 || n > 32 {
		return 0, fmt.Errorf("index %d: it cannot be read here", n)
	}
	return int(n) - 1, nil
}

// read asks the kernel, as perf stat does.
func (c *counter) read() (uint64, error) {
	var v [8]byte
	_, err := unix.Read(c.fd, v[:])
	return binary.NativeEndian.Uint64(v[:]), err
}

func (c *counter) close() {
	unix.Munmap(c.page) //nolint:errcheck // it has been read
	unix.Close(c.fd)    //nolint:errcheck // so has this
}
