//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sharedFile is memory that processes share: a file of a tmpfs.
const (
	sharedFile = "/tmp/shared"
	sharedSize = 64 << 10
)

// words maps the shared memory.
func words() ([]uint32, error) {
	f, err := os.OpenFile(sharedFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // the mapping stays
	if err := f.Truncate(sharedSize); err != nil {
		return nil, err
	}
	b, err := unix.Mmap(int(f.Fd()), 0, sharedSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&b[0])), sharedSize/4), nil
}

// Words of the shared memory.
const (
	wordLock    = 0  // a spin lock by compare and swap
	wordPlain   = 16 // counted under it, without atomics
	wordAtomic  = 32 // counted by AMOs
	wordTurn    = 48 // whose turn the ping-pong is
	wordPrivate = 64 // one per process, side by side: false sharing
)

// sharedCounters has a process on every hart count in shared memory.
func sharedCounters(g *guest) (string, error) {
	w, err := words()
	if err != nil {
		return "", err
	}
	clear(w)
	rounds := g.number("rounds", 2000)
	var running []*exec.Cmd
	for h := range g.harts {
		c := self("count", h, h, rounds)
		if err := c.Start(); err != nil {
			return "", err
		}
		running = append(running, c)
	}
	for _, c := range running {
		if err := c.Wait(); err != nil {
			return "", err
		}
	}
	want := uint32(g.harts * rounds)
	if w[wordPlain] != want || w[wordAtomic] != want {
		return "", fmt.Errorf("counted %d under the lock and %d by AMOs, want %d", w[wordPlain], w[wordAtomic], want)
	}
	for h := range g.harts {
		if w[wordPrivate+h] != uint32(rounds) {
			return "", fmt.Errorf("process %d counted %d, want %d", h, w[wordPrivate+h], rounds)
		}
	}
	return fmt.Sprintf("%d processes counted to %d", g.harts, want), nil
}

func count(hart, index, rounds int) int {
	w, err := words()
	if err != nil || pin(hart) != nil {
		return 1
	}
	for range rounds {
		for !atomic.CompareAndSwapUint32(&w[wordLock], 0, 1) {
			if atomic.LoadUint32(&w[wordLock]) != 0 {
				unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0) //nolint:errcheck // it never fails
			}
		}
		w[wordPlain]++
		atomic.StoreUint32(&w[wordLock], 0)
		atomic.AddUint32(&w[wordAtomic], 1)
		w[wordPrivate+index]++
	}
	return 0
}

// futexPingPong hands a word back and forth between two processes on two harts,
// each asleep in the kernel while it is the other's turn.
func futexPingPong(g *guest) (string, error) {
	w, err := words()
	if err != nil {
		return "", err
	}
	clear(w)
	rounds := g.number("rounds", 2000) / 10
	c := self("pong", min(1, g.harts-1), rounds)
	if err := c.Start(); err != nil {
		return "", err
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := pin(0); err != nil {
			done <- err
			return
		}
		done <- play(&w[wordTurn], 0, rounds)
	}()
	if err := <-done; err != nil {
		return "", err
	}
	return fmt.Sprintf("%d rounds", rounds), c.Wait()
}

func pong(hart, rounds int) int {
	w, err := words()
	if err != nil || pin(hart) != nil || play(&w[wordTurn], 1, rounds) != nil {
		return 1
	}
	return 0
}

// play waits for its parity of the turn, and makes it the other's.
func play(turn *uint32, me uint32, rounds int) error {
	const wait, wake = 0, 1
	end := deadline()
	for range rounds {
		for {
			v := atomic.LoadUint32(turn)
			if v&1 == me {
				break
			}
			ts := unix.NsecToTimespec(int64(time.Second))
			unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(turn)), wait, uintptr(v), uintptr(unsafe.Pointer(&ts)), 0, 0) //nolint:errcheck // the word tells
			if time.Now().After(end) {
				return fmt.Errorf("the turn stays at %d", v)
			}
		}
		atomic.AddUint32(turn, 1)
		unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(turn)), wake, 1, 0, 0, 0) //nolint:errcheck // nobody may be waiting
	}
	return nil
}

// writtenPages maps pages, writes, protects and unmaps them from all harts: the
// kernel has every hart flush its TLBs again and again. A write to a page that
// another hart has made read-only since must not get through.
func writtenPages(g *guest) (string, error) {
	const pages = 64
	size := unix.Getpagesize()
	for round := range g.number("maps", 8) {
		b, err := unix.Mmap(-1, 0, pages*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			return "", err
		}
		errs := make(chan error, g.harts)
		for h := range g.harts {
			go func() {
				runtime.LockOSThread()
				err := pin(h)
				for p := h; p < pages; p += g.harts {
					b[p*size] = byte(p + round)
				}
				errs <- err
			}()
		}
		for range g.harts {
			if err := <-errs; err != nil {
				return "", err
			}
		}
		if err := unix.Mprotect(b, unix.PROT_READ); err != nil {
			return "", err
		}
		for p := range pages {
			if b[p*size] != byte(p+round) {
				return "", fmt.Errorf("round %d: page %d has %d", round, p, b[p*size])
			}
		}
		if err := unix.Munmap(b); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d pages", pages), nil
}
