package disk

import (
	"bytes"
	"errors"
	"slices"
)

const (
	blockBytes   = 4096 // what an overlay holds at a time
	blockSectors = blockBytes / SectorBytes
)

// memoryLimit is how much a disk's overlay may hold in memory: a guest that
// writes more gets I/O errors instead of the host's memory.
var memoryLimit uint64 = 4 << 30

// errFull is the answer to a write that finds no room in an overlay.
var errFull = errors.New("the overlay in memory is full; give it a file by overlay=FILE")

// blocks is where an overlay keeps its blocks.
type blocks interface {
	// get fills p, a block long, and says whether the overlay has it.
	get(block uint64, p []byte) (bool, error)
	put(block uint64, p []byte) error
	flush() error
}

// overlay takes the writes in the place of the image below.
type overlay struct {
	store
	blocks
	block [blockBytes]byte
}

// ReadSectors reads each block from where its newest data are.
func (o *overlay) ReadSectors(sector uint64, p []byte) error {
	for len(p) > 0 {
		off := sector % blockSectors
		n := min(len(p), int(blockSectors-off)*SectorBytes)
		ours, err := o.get(sector/blockSectors, o.block[:])
		if err != nil {
			return err
		}
		if ours {
			copy(p[:n], o.block[off*SectorBytes:])
		} else if err := o.store.ReadSectors(sector, p[:n]); err != nil {
			return err
		}
		sector, p = sector+uint64(n)/SectorBytes, p[n:]
	}
	return nil
}

// WriteSectors copies a block from the image when it is first written.
func (o *overlay) WriteSectors(sector uint64, p []byte) error {
	return o.change(sector, uint64(len(p))/SectorBytes, func(dst []byte) { p = p[copy(dst, p):] })
}

// ZeroSectors writes zeros: what lies below must not show through.
func (o *overlay) ZeroSectors(sector, n uint64, _ bool) error {
	return o.change(sector, n, func(dst []byte) { clear(dst) })
}

// change lets fill write each block's part of n sectors.
func (o *overlay) change(sector, n uint64, fill func(dst []byte)) error {
	for n > 0 {
		block, off := sector/blockSectors, sector%blockSectors
		part := min(n, blockSectors-off)
		if part < blockSectors {
			if err := o.load(block); err != nil {
				return err
			}
		}
		fill(o.block[off*SectorBytes : (off+part)*SectorBytes])
		if err := o.put(block, o.block[:]); err != nil {
			return err
		}
		sector, n = sector+part, n-part
	}
	return nil
}

// load brings a block's newest data; the disk may end within it.
func (o *overlay) load(block uint64) error {
	clear(o.block[:])
	ours, err := o.get(block, o.block[:])
	if ours || err != nil {
		return err
	}
	first := block * blockSectors
	n := min(blockSectors, o.Sectors()-first)
	return o.store.ReadSectors(first, o.block[:n*SectorBytes])
}

// Flush leaves the image below alone.
func (o *overlay) Flush() error { return o.flush() }

// memoryBlocks holds an overlay's blocks in memory. A block of zeros takes no
// room.
type memoryBlocks map[uint64][]byte

func newMemoryOverlay(image store) *overlay {
	return &overlay{store: image, blocks: memoryBlocks{}}
}

func (m memoryBlocks) get(block uint64, p []byte) (bool, error) {
	b, ok := m[block]
	if ok && b == nil {
		clear(p)
	}
	copy(p, b)
	return ok, nil
}

var zeroBlock [blockBytes]byte

func (m memoryBlocks) put(block uint64, p []byte) error {
	b, ok := m[block]
	if !ok && uint64(len(m)) >= memoryLimit/blockBytes {
		return errFull
	}
	switch {
	case bytes.Equal(p, zeroBlock[:]):
		m[block] = nil
	case b == nil:
		m[block] = slices.Clone(p)
	default:
		copy(b, p)
	}
	return nil
}

func (memoryBlocks) flush() error { return nil }

// order lists the blocks in ascending order.
func (m memoryBlocks) order() []uint64 {
	order := make([]uint64, 0, len(m))
	for b := range m {
		order = append(order, b)
	}
	slices.Sort(order)
	return order
}
