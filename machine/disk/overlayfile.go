package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// An overlay in a file: a header of one block, a bitmap of the blocks that the
// overlay has, and the blocks at their places behind it, so that the file is
// sparse where the guest wrote nothing.
//
//	0   "mcsim overlay 1\n"
//	16  sectors of the image below, little-endian
//	24  the image's name, for people
const overlayMagic = "mcsim overlay 1\n"

type fileBlocks struct {
	f     *os.File
	maps  map[uint64]*[blockBytes]byte // blocks of the bitmap that were looked at
	data  int64                        // where the blocks begin
	dirty bool
}

// overlayFile is an overlay that is closed with its file.
type overlayFile struct {
	overlay
	f *os.File
}

func (o *overlayFile) Close() error { return o.f.Close() }

// openOverlayFile opens an overlay over image, or makes one.
func openOverlayFile(image store, name string) (*overlayFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	b, err := readOverlay(f, image.Sectors())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &overlayFile{overlay{store: image, blocks: b}, f}, nil
}

func readOverlay(f *os.File, sectors uint64) (*fileBlocks, error) {
	n := (sectors + blockSectors - 1) / blockSectors
	bitmap := int64((n + 7) / 8)
	b := &fileBlocks{f: f, maps: map[uint64]*[blockBytes]byte{}, data: blockBytes + (bitmap+blockBytes-1)/blockBytes*blockBytes}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	var header [blockBytes]byte
	if info.Size() == 0 {
		copy(header[:], overlayMagic)
		binary.LittleEndian.PutUint64(header[16:], sectors)
		if _, err := f.WriteAt(header[:], 0); err != nil {
			return nil, err
		}
		return b, f.Truncate(blockBytes + bitmap) // a hole: no block is ours
	}
	if _, err := f.ReadAt(header[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(header[:len(overlayMagic)]) != overlayMagic {
		return nil, errors.New("the file exists and is no overlay of mcsim")
	}
	if s := binary.LittleEndian.Uint64(header[16:]); s != sectors {
		return nil, fmt.Errorf("it belongs to a disk of %d sectors, this one has %d", s, sectors)
	}
	if info.Size() < blockBytes+bitmap {
		return nil, fmt.Errorf("it is cut off: %d bytes, its map alone needs %d", info.Size(), blockBytes+bitmap)
	}
	return b, nil
}

// bit is where the map says whether a block is ours. The map of a large disk is
// read piece by piece, as it is needed.
func (b *fileBlocks) bit(block uint64) (at *byte, mask byte, err error) {
	const bitsOf = 8 * blockBytes
	m := b.maps[block/bitsOf]
	if m == nil {
		m = new([blockBytes]byte)
		if _, err := b.f.ReadAt(m[:], blockBytes+int64(block/bitsOf)*blockBytes); err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		b.maps[block/bitsOf] = m
	}
	return &m[block/8%blockBytes], 1 << (block % 8), nil
}

func (b *fileBlocks) get(block uint64, p []byte) (bool, error) {
	at, mask, err := b.bit(block)
	if err != nil || *at&mask == 0 {
		return false, err
	}
	n, err := b.f.ReadAt(p, b.data+int64(block)*blockBytes)
	if n == len(p) {
		err = nil
	}
	return true, err
}

func (b *fileBlocks) put(block uint64, p []byte) error {
	at, mask, err := b.bit(block)
	if err != nil {
		return err
	}
	b.dirty = true
	if _, err := b.f.WriteAt(p, b.data+int64(block)*blockBytes); err != nil {
		return err
	}
	if *at&mask != 0 {
		return nil
	}
	set := [1]byte{*at | mask}
	if _, err := b.f.WriteAt(set[:], blockBytes+int64(block/8)); err != nil {
		return err
	}
	*at |= mask
	return nil
}

func (b *fileBlocks) flush() error {
	if !b.dirty {
		return nil
	}
	b.dirty = false
	return b.f.Sync()
}
