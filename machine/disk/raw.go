package disk

import (
	"fmt"
	"os"
)

// rawFile is an image that is the disk byte for byte.
type rawFile struct {
	f       *os.File
	sectors uint64
	dirty   bool
}

func newRaw(f *os.File, size int64) (*rawFile, error) {
	switch {
	case size == 0:
		return nil, fmt.Errorf("the image is empty; make one by truncate -s 1G")
	case size%SectorBytes != 0:
		return nil, fmt.Errorf("a raw image of %d bytes is not made of sectors of %d; extend it by truncate -s %%%d", size, SectorBytes, SectorBytes)
	case size > most:
		return nil, fmt.Errorf("%d bytes are too many for a disk", size)
	}
	return &rawFile{f: f, sectors: uint64(size) / SectorBytes}, nil
}

func (r *rawFile) Sectors() uint64 { return r.sectors }

func (r *rawFile) ReadSectors(sector uint64, p []byte) error {
	_, err := r.f.ReadAt(p, int64(sector)*SectorBytes)
	return err
}

func (r *rawFile) WriteSectors(sector uint64, p []byte) error {
	r.dirty = true
	_, err := r.f.WriteAt(p, int64(sector)*SectorBytes)
	return err
}

// ZeroSectors writes zeros: holes in files are not portable.
func (r *rawFile) ZeroSectors(sector, n uint64, _ bool) error {
	zeros := make([]byte, min(n*SectorBytes, 1<<20))
	for n > 0 {
		p := zeros[:min(n*SectorBytes, uint64(len(zeros)))]
		if err := r.WriteSectors(sector, p); err != nil {
			return err
		}
		sector += uint64(len(p)) / SectorBytes
		n -= uint64(len(p)) / SectorBytes
	}
	return nil
}

func (r *rawFile) Flush() error {
	if !r.dirty {
		return nil
	}
	r.dirty = false
	return r.f.Sync()
}
