package disk

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"mcsim/machine/config"
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
	Name, Format, Mode string
	store
	closers []io.Closer
	known   *[sha256.Size]byte // identity, once it was asked for
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
func Open(s config.Disk) (*Disk, error) {
	d := &Disk{Name: s.File, Mode: s.Mode}
	if err := d.open(s); err != nil {
		_ = d.Close() // the first error counts
		return nil, fmt.Errorf("disk %s: %w", s.File, err)
	}
	return d, nil
}

func (d *Disk) open(s config.Disk) error {
	f, err := os.Open(s.File)
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
	if d.Format == config.DiskQCOW2 {
		return d.openQCOW2(s, f)
	}
	if d.Mode == "" || d.Mode == config.DiskReadWrite {
		d.Mode = config.DiskReadWrite
		if f, err = os.OpenFile(s.File, os.O_RDWR, 0); err != nil {
			return fmt.Errorf("%w; a disk that cannot be written needs ,ro or ,overlay", err)
		}
		d.closers = append(d.closers, f)
	}
	raw, err := newRaw(f, info.Size())
	if err != nil {
		return err
	}
	return d.over(s, raw)
}

func (d *Disk) openQCOW2(s config.Disk, f *os.File) error {
	switch d.Mode {
	case config.DiskReadWrite:
		return errors.New("qcow2 images are not written; use ,ro or ,overlay, or convert it: qemu-img convert -O raw")
	case "":
		d.Mode = config.DiskOverlay
	}
	q, err := newQCOW2(f, s.Format == config.DiskQCOW2)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, q)
	return d.over(s, q)
}

// over puts what the mode wants over the image.
func (d *Disk) over(s config.Disk, image store) error {
	d.store = image
	switch {
	case d.Mode == config.DiskReadOnly:
		d.store = readOnly{image}
	case d.Mode == config.DiskOverlay && s.OverlayFile == "":
		d.store = newMemoryOverlay(image)
	case d.Mode == config.DiskOverlay:
		o, err := openOverlayFile(image, s.OverlayFile)
		if err != nil {
			return fmt.Errorf("overlay %s: %w", s.OverlayFile, err)
		}
		d.closers = append(d.closers, o)
		d.store = o
	}
	return nil
}

// Lost says whether what is written lasts no longer than the run.
func (d *Disk) Lost() bool {
	o, ok := d.store.(*overlay)
	if !ok {
		return false
	}
	_, inMemory := o.blocks.(memoryBlocks)
	return inMemory
}

// Close makes what was written stable and closes all files.
func (d *Disk) Close() error {
	var errs []error
	if d.store != nil {
		errs = append(errs, d.Flush())
	}
	for i := len(d.closers) - 1; i >= 0; i-- {
		if err := d.closers[i].Close(); !errors.Is(err, os.ErrClosed) { // qcow2's reader closes its file
			errs = append(errs, err)
		}
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
		return config.DiskQCOW2, nil
	}
	return config.DiskRaw, nil
}

// readOnly refuses writes.
type readOnly struct{ store }

func (readOnly) WriteSectors(uint64, []byte) error      { return ErrReadOnly }
func (readOnly) ZeroSectors(uint64, uint64, bool) error { return ErrReadOnly }
func (readOnly) Flush() error                           { return nil }
