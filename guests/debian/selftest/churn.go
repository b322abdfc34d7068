//go:build linux

package main

import (
	"encoding/binary"
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
	const workers, rounds, size, sector = 8, 12, 16 << 10, 512
	var wg sync.WaitGroup
	var sums [workers]uint64
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
				for k := 0; k < size; k += sector { // little work: it is the disk that is to be busy
					binary.LittleEndian.PutUint64(page[k:], uint64(at)+uint64(k)*7919)
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
				for k := 0; k < size; k += sector {
					sums[w] = sums[w]*31 + binary.LittleEndian.Uint64(page[k:])
				}
			}
		})
	}
	wg.Wait()
	for w := range workers {
		var want uint64
		for at := w * rounds * size; at < (w+1)*rounds*size; at += sector {
			want = want*31 + uint64(at/size*size) + uint64(at%size)*7919
		}
		if errs[w] == nil && sums[w] != want {
			errs[w] = fmt.Errorf("worker %d reads something else than it wrote", w)
		}
		if errs[w] != nil {
			return "", errs[w]
		}
	}
	mark(markCheckpoint, region("churned"))
	return "written and read", nil
}

// aligned is memory as O_DIRECT wants it.
func aligned(n int) []byte {
	const page = 4096
	b := make([]byte, n+page)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (page - 1)
	return b[skip : skip+n]
}
