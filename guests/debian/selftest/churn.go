//go:build linux

package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// churn has several threads write to /dev/vda and read back, past the kernel's
// cache, so that the disk always has requests. In the middle of it the point
// "churn" is marked, and after it the machine may be saved.
func churn(g *guest) (string, error) {
	if err := waitFor("/dev/vda"); err != nil {
		return "", err
	}
	const workers, rounds, size = 4, 24, 16 << 10
	var wg sync.WaitGroup
	var sums [workers][sha256.Size]byte
	var errs [workers]error
	for w := range workers {
		wg.Go(func() {
			f, err := os.OpenFile("/dev/vda", os.O_RDWR|unix.O_DIRECT, 0)
			if err != nil {
				errs[w] = err
				return
			}
			defer f.Close() //nolint:errcheck // O_DIRECT: it is written
			page := aligned(size)
			for i := range rounds {
				if w == 0 && i == rounds/2 {
					mark(markPoint, region("churn"))
				}
				at := int64(w*rounds+i) * size
				for k := range page {
					page[k] = byte(k*(i+3) + k>>8 + w)
				}
				if _, errs[w] = f.WriteAt(page, at); errs[w] != nil {
					return
				}
				if i%8 == 7 {
					f.Sync() //nolint:errcheck // a flush among the requests is all that is wanted
				}
				clear(page)
				if _, errs[w] = f.ReadAt(page, at); errs[w] != nil {
					return
				}
				sums[w] = sha256.Sum256(append(sums[w][:], page...))
			}
		})
	}
	wg.Wait()
	var all []byte
	for w := range workers {
		if errs[w] != nil {
			return "", errs[w]
		}
		all = append(all, sums[w][:]...)
	}
	mark(markCheckpoint, region("churned"))
	return fmt.Sprintf("%x", sha256.Sum256(all)), nil
}

// aligned is memory as O_DIRECT wants it.
func aligned(n int) []byte {
	const page = 4096
	b := make([]byte, n+page)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (page - 1)
	return b[skip : skip+n]
}
