package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lima-vm/go-qcow2reader/image"
	"github.com/lima-vm/go-qcow2reader/image/qcow2"
	"github.com/lima-vm/go-qcow2reader/image/raw"

	"mcsim/machine/config"
)

// maxBacking is how many images may lie behind one another.
const maxBacking = 8

// qcow2File is a qcow2 image with whatever lies behind it. It only gives.
type qcow2File struct {
	img     image.Image
	sectors uint64
}

// newQCOW2 opens a qcow2 image. An image that names others to lie behind it is
// opened only if the user said that it is qcow2: a guest that writes to a raw
// disk could otherwise turn it into an image of any of the host's files.
func newQCOW2(f *os.File, said bool) (*qcow2File, error) {
	h, err := checkQCOW2(f)
	if err != nil {
		return nil, fmt.Errorf("qcow2: %w", err)
	}
	if h.backing != "" && !said {
		return nil, fmt.Errorf("qcow2: it lies over another image, %q; if that is right, add ,format=qcow2", h.backing)
	}
	if err := checkBacking(f.Name(), h, 1); err != nil {
		return nil, err
	}
	img, err := open(f, qcow2.Type)
	if err != nil {
		return nil, fmt.Errorf("qcow2: %w", err)
	}
	return &qcow2File{img, h.size / SectorBytes}, nil
}

// open has the library open an image. It gives up on formats of images behind
// it that checkBacking has not seen.
func open(f io.ReaderAt, t image.Type) (img image.Image, err error) {
	defer guard(&err)
	switch t {
	case raw.Type:
		return raw.Open(f)
	case qcow2.Type:
		img, err = qcow2.Open(f, func(f io.ReaderAt, t image.Type) (image.Image, error) {
			if t == "" {
				name, err := look(f)
				if err != nil {
					return nil, err
				}
				t = image.Type(name)
			}
			return open(f, t)
		})
		if err == nil {
			err = img.Readable()
		}
		return img, err
	}
	return nil, fmt.Errorf("format %q is unknown", t)
}

// guard makes an error of a panic in the library, which trusts images more than
// we do.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the image is corrupt: %v", p)
	}
}

// checkBacking looks at the images behind one, which must be there and not be
// behind themselves.
func checkBacking(name string, h qcow2Header, depth int) error {
	if h.backing == "" {
		return nil
	}
	if depth > maxBacking {
		return fmt.Errorf("qcow2: more than %d images lie behind one another", maxBacking)
	}
	next := h.backing
	if !filepath.IsAbs(next) {
		next = filepath.Join(filepath.Dir(name), next)
	}
	f, err := os.Open(next)
	if err != nil {
		return fmt.Errorf("qcow2: the image behind %s: %w", name, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	if format, err := look(f); err != nil || format == config.DiskRaw {
		return err
	}
	below, err := checkQCOW2(f)
	if err != nil {
		return fmt.Errorf("qcow2: the image behind it, %s: %w", next, err)
	}
	return checkBacking(next, below, depth+1)
}

func (q *qcow2File) Sectors() uint64 { return q.sectors }

func (q *qcow2File) ReadSectors(sector uint64, p []byte) (err error) {
	defer guard(&err)
	n, err := q.img.ReadAt(p, int64(sector)*SectorBytes)
	if n == len(p) || errors.Is(err, io.EOF) && n == len(p) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (*qcow2File) WriteSectors(uint64, []byte) error      { return ErrReadOnly }
func (*qcow2File) ZeroSectors(uint64, uint64, bool) error { return ErrReadOnly }
func (*qcow2File) Flush() error                           { return nil }

// Close closes the image and those behind it.
func (q *qcow2File) Close() error { return q.img.Close() }

// qcow2Header is what the check needs of an image's header (QEMU's
// docs/interop/qcow2, "Header").
type qcow2Header struct {
	version, clusterBits uint32
	size                 uint64
	l1Entries            uint32
	l1At                 uint64
	backing              string
	extendedL2           bool
	fileSize             uint64
}

const (
	qcow2Dirty, qcow2Corrupt, qcow2External = 1 << 0, 1 << 1, 1 << 2
	qcow2Compression, qcow2ExtendedL2       = 1 << 3, 1 << 4

	entryOffset     = 0x00ff_ffff_ffff_fe00
	entryCompressed = 1 << 62
	maxL1           = 4 << 20 // entries: 32 MiB, QEMU's limit
)

// checkQCOW2 verifies what the library takes on trust: that numbers are within
// the format's bounds, and no table leads out of the file.
func checkQCOW2(f *os.File) (h qcow2Header, err error) {
	info, err := f.Stat()
	if err != nil {
		return h, err
	}
	h.fileSize = uint64(info.Size())
	var b [112]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return h, err
	}
	be := binary.BigEndian
	if n < 72 || string(b[:4]) != "QFI\xfb" {
		return h, errors.New("offset 0: no qcow2 header")
	}
	h.version, h.clusterBits, h.size = be.Uint32(b[4:]), be.Uint32(b[20:]), be.Uint64(b[24:])
	h.l1Entries, h.l1At = be.Uint32(b[36:]), be.Uint64(b[40:])
	switch {
	case h.version != 2 && h.version != 3:
		return h, fmt.Errorf("offset 4: version %d, want 2 or 3", h.version)
	case h.clusterBits < 9 || h.clusterBits > 21:
		return h, fmt.Errorf("offset 20: clusters of 2^%d bytes, want 2^9 to 2^21", h.clusterBits)
	case h.size == 0 || h.size%SectorBytes != 0 || h.size > most:
		return h, fmt.Errorf("offset 24: a disk of %d bytes, want whole sectors and at most %d", h.size, uint64(most))
	case be.Uint32(b[32:]) != 0:
		return h, errors.New("offset 32: it is encrypted; decrypt it by qemu-img convert")
	}
	if h.version == 3 {
		if err := h.features(be.Uint64(b[72:]), be.Uint32(b[100:]), n); err != nil {
			return h, err
		}
	}
	if err := h.readBacking(f, be.Uint64(b[8:]), be.Uint32(b[16:])); err != nil {
		return h, err
	}
	return h, h.checkTables(f)
}

func (h *qcow2Header) features(bits uint64, length uint32, n int) error {
	switch {
	case length < 104 || n < 104 || uint64(length) > 1<<h.clusterBits:
		return fmt.Errorf("offset 100: a header of %d bytes", length)
	case bits&qcow2Corrupt != 0:
		return errors.New("offset 72: it is marked as corrupt; try qemu-img check -r all")
	case bits&qcow2External != 0:
		return errors.New("offset 72: its data are in another file; convert it by qemu-img convert")
	case bits&^(qcow2Dirty|qcow2Compression|qcow2ExtendedL2) != 0:
		return fmt.Errorf("offset 72: unknown features %#x", bits)
	}
	h.extendedL2 = bits&qcow2ExtendedL2 != 0
	return nil
}

func (h *qcow2Header) readBacking(f *os.File, at uint64, n uint32) error {
	if at == 0 {
		return nil
	}
	if n == 0 || n > 1023 || at > h.fileSize || uint64(n) > h.fileSize-at {
		return fmt.Errorf("offset 8: a name of %d bytes at %#x, in a file of %d", n, at, h.fileSize)
	}
	name := make([]byte, n)
	if _, err := f.ReadAt(name, int64(at)); err != nil {
		return err
	}
	h.backing = string(name)
	return nil
}

// checkTables walks the L1 table and all L2 tables. Clusters may lie beyond the
// file's end by less than a cluster, where nothing was written yet.
func (h *qcow2Header) checkTables(f *os.File) error {
	cluster := uint64(1) << h.clusterBits
	entry := uint64(8)
	if h.extendedL2 {
		entry = 16
	}
	perL2 := cluster / entry
	need := (h.size + cluster*perL2 - 1) / (cluster * perL2)
	if uint64(h.l1Entries) < need || h.l1Entries > maxL1 {
		return fmt.Errorf("offset 36: an L1 table of %d entries, want %d to %d", h.l1Entries, need, maxL1)
	}
	if h.l1At%cluster != 0 || h.l1At == 0 || h.l1At > h.fileSize || 8*uint64(h.l1Entries) > h.fileSize-h.l1At {
		return fmt.Errorf("offset 40: an L1 table at %#x, in a file of %d bytes", h.l1At, h.fileSize)
	}
	l1 := make([]byte, 8*h.l1Entries)
	if _, err := f.ReadAt(l1, int64(h.l1At)); err != nil {
		return err
	}
	l2 := make([]byte, cluster)
	for i := range need {
		at := binary.BigEndian.Uint64(l1[8*i:]) & entryOffset
		if at == 0 {
			continue
		}
		if at%cluster != 0 || at > h.fileSize || cluster > h.fileSize-at {
			return fmt.Errorf("offset %#x: L1 entry %d leads to %#x, in a file of %d bytes", h.l1At+8*i, i, at, h.fileSize)
		}
		if _, err := f.ReadAt(l2, int64(at)); err != nil {
			return err
		}
		for j := uint64(0); j < perL2; j++ {
			e := binary.BigEndian.Uint64(l2[j*entry:])
			if err := h.checkEntry(e, cluster); err != nil {
				return fmt.Errorf("offset %#x: L2 entry %d %w", at+j*entry, j, err)
			}
		}
	}
	return nil
}

func (h *qcow2Header) checkEntry(e, cluster uint64) error {
	to := e & entryOffset
	if e&entryCompressed != 0 {
		to = e & (1<<(62-(h.clusterBits-8)) - 1)
	} else if to%cluster != 0 {
		return fmt.Errorf("leads to %#x, which is no multiple of %d", to, cluster)
	}
	if to >= h.fileSize {
		return fmt.Errorf("leads to %#x, in a file of %d bytes", to, h.fileSize)
	}
	return nil
}
