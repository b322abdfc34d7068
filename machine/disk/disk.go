package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// SectorBytes is the unit of addresses.
const SectorBytes = 512

// most is the largest disk: 1 PiB, so that no arithmetic on bytes overflows.
const most = 1 << 50

// ErrReadOnly is the answer to a write of a disk that only gives.
var ErrReadOnly = errors.New("the disk is read-only")

// Disk is an open image. It is for one goroutine. Its methods but Close are
// those of virtio.Disk.
type Disk struct {
	Format, Mode string
	store
	closers []io.Closer
}

// store is a layer: an image, or an overlay over one. Sectors lie within
// Sectors.
type store interface {
	Sectors() uint64
	ReadSectors(sector uint64, p []byte) error
	WriteSectors(sector uint64, p []byte) error
	ZeroSectors(sector, n uint64, unmap bool) error
	Flush() error
}

// Open opens the image of s.
func Open(s Spec) (*Disk, error) {
	d := &Disk{Mode: s.Mode}
	if err := d.open(s); err != nil {
		_ = d.Close() // the first error counts
		return nil, fmt.Errorf("disk %s: %w", s.File, err)
	}
	return d, nil
}

func (d *Disk) open(s Spec) error {
	flag := os.O_RDONLY
	if s.Mode == "" || s.Mode == ReadWrite {
		flag = os.O_RDWR
	}
	f, err := os.OpenFile(s.File, flag, 0)
	if errors.Is(err, os.ErrPermission) && flag == os.O_RDWR {
		return fmt.Errorf("%w; a disk that cannot be written needs ,ro or ,overlay", err)
	}
	if err != nil {
		return err
	}
	d.closers = append(d.closers, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if d.Format = s.Format; d.Format == "" {
		if d.Format, err = look(f); err != nil {
			return err
		}
	}
	if d.Format == QCOW2 {
		return d.openQCOW2(s, f)
	}
	raw, err := newRaw(f, info.Size())
	if err != nil {
		return err
	}
	if d.Mode == "" {
		d.Mode = ReadWrite
	}
	return d.over(s, raw)
}

func (d *Disk) openQCOW2(s Spec, f *os.File) error {
	switch d.Mode {
	case ReadWrite:
		return errors.New("qcow2 images are not written; use ,ro or ,overlay, or convert it: qemu-img convert -O raw")
	case "":
		d.Mode = Overlay
	}
	q, err := newQCOW2(f, s.Format == QCOW2)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, q)
	return d.over(s, q)
}

// over puts what the mode wants over the image.
func (d *Disk) over(s Spec, image store) error {
	d.store = image
	switch {
	case d.Mode == ReadOnly:
		d.store = readOnly{image}
	case d.Mode == Overlay && s.OverlayFile == "":
		d.store = newMemoryOverlay(image)
	case d.Mode == Overlay:
		o, err := openOverlayFile(image, s.OverlayFile)
		if err != nil {
			return fmt.Errorf("overlay %s: %w", s.OverlayFile, err)
		}
		d.closers = append(d.closers, o)
		d.store = o
	}
	return nil
}

// Close makes what was written stable and closes all files.
func (d *Disk) Close() error {
	var errs []error
	if d.store != nil {
		errs = append(errs, d.Flush())
	}
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i].Close())
	}
	d.store, d.closers = nil, nil
	return errors.Join(errs...)
}

// look tells formats apart by their first bytes.
func look(f io.ReaderAt) (string, error) {
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	for _, other := range []struct{ magic, name string }{
		{"KDMV", "VMDK"}, {"conectix", "VHD"}, {"vhdxfile", "VHDX"}, {"<<< ", "VDI"},
	} {
		if bytes.HasPrefix(magic[:], []byte(other.magic)[:4]) {
			return "", fmt.Errorf("this is a %s image; convert it: qemu-img convert -O raw. If it is not, add ,format=raw", other.name)
		}
	}
	if string(magic[:]) == "QFI\xfb" {
		return QCOW2, nil
	}
	return Raw, nil
}

// readOnly refuses writes.
type readOnly struct{ store }

func (readOnly) WriteSectors(uint64, []byte) error      { return ErrReadOnly }
func (readOnly) ZeroSectors(uint64, uint64, bool) error { return ErrReadOnly }
func (readOnly) Flush() error                           { return nil }
