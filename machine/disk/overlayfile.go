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
	f      *os.File
	bitmap []byte
	data   int64 // where the blocks begin
	dirty  bool
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
	if n > 8<<30 {
		return nil, fmt.Errorf("a disk of %d sectors is too large for an overlay", sectors)
	}
	bitmap := (n + 7) / 8
	b := &fileBlocks{f: f, data: int64(blockBytes + (bitmap+blockBytes-1)/blockBytes*blockBytes)}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var header [blockBytes]byte
	if info.Size() == 0 {
		copy(header[:], overlayMagic)
		binary.LittleEndian.PutUint64(header[16:], sectors)
		b.bitmap = make([]byte, bitmap)
		if _, err := f.WriteAt(header[:], 0); err != nil {
			return nil, err
		}
		_, err := f.WriteAt(b.bitmap, blockBytes)
		return b, err
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
	if info.Size() < blockBytes+int64(bitmap) {
		return nil, fmt.Errorf("it is cut off: %d bytes, its map alone needs %d", info.Size(), blockBytes+int64(bitmap))
	}
	b.bitmap = make([]byte, bitmap)
	_, err = f.ReadAt(b.bitmap, blockBytes)
	return b, err
}

func (b *fileBlocks) get(block uint64, p []byte) (bool, error) {
	if b.bitmap[block/8]>>(block%8)&1 == 0 {
		return false, nil
	}
	n, err := b.f.ReadAt(p, b.data+int64(block)*blockBytes)
	if n == len(p) {
		err = nil
	}
	return true, err
}

func (b *fileBlocks) put(block uint64, p []byte) error {
	b.dirty = true
	if _, err := b.f.WriteAt(p, b.data+int64(block)*blockBytes); err != nil {
		return err
	}
	bit := byte(1) << (block % 8)
	if b.bitmap[block/8]&bit != 0 {
		return nil
	}
	b.bitmap[block/8] |= bit
	_, err := b.f.WriteAt(b.bitmap[block/8:block/8+1], blockBytes+int64(block/8))
	return err
}

func (b *fileBlocks) flush() error {
	if !b.dirty {
		return nil
	}
	b.dirty = false
	return b.f.Sync()
}
