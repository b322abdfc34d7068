package disk

import (
	"crypto/sha256"
	"fmt"

	"mcsim/snapshot"
)

// Savable says whether the disk can be in a checkpoint. One whose writes go to a file
// cannot: the next run would find it as the last one left it, not as it was.
func (d *Disk) Savable() error {
	if _, ro := d.store.(readOnly); ro || d.written() != nil {
		return nil
	}
	return fmt.Errorf("disk %s is written to its file, which a checkpoint has not; use ,overlay", d.Name)
}

// written is what was written to an overlay in memory, nil if the disk is none.
func (d *Disk) written() memoryBlocks {
	if o, ok := d.store.(*overlay); ok {
		m, _ := o.blocks.(memoryBlocks)
		return m
	}
	return nil
}

// image is the disk without what was written over it.
func (d *Disk) image() store {
	switch s := d.store.(type) {
	case *overlay:
		return s.store
	case readOnly:
		return s.store
	}
	return d.store
}

// What of an image is looked at to know it again: all of it up to 64 MiB, and
// pieces at even distances of a larger one, so that no checkpoint takes minutes.
const (
	pieceSectors = 128
	mostPieces   = 1024
)

// identity is a digest by which an image is known again.
func (d *Disk) identity() ([sha256.Size]byte, error) {
	if d.known != nil {
		return *d.known, nil
	}
	image, sum := d.image(), sha256.New()
	sectors := image.Sectors()
	pieces := (sectors + pieceSectors - 1) / pieceSectors
	buf := make([]byte, pieceSectors*SectorBytes)
	for i := range min(pieces, mostPieces) {
		at := i
		if pieces > mostPieces {
			at = i * (pieces - 1) / (mostPieces - 1)
		}
		p := buf[:SectorBytes*min(pieceSectors, sectors-at*pieceSectors)]
		if err := image.ReadSectors(at*pieceSectors, p); err != nil {
			return [sha256.Size]byte{}, fmt.Errorf("disk %s: %w", d.Name, err)
		}
		sum.Write(p)
	}
	d.known = (*[sha256.Size]byte)(sum.Sum(nil))
	return *d.known, nil
}

// snapshotIdentity refuses an image that is not the one of the checkpoint: what was
// written to an overlay makes no sense over another.
func (d *Disk) snapshotIdentity(c *snapshot.Coder) {
	id, err := d.identity()
	if err != nil {
		c.Fail("%w", err)
		return
	}
	was := id
	if c.Bytes(was[:]); c.Err() == nil && was != id {
		c.Fail("disk %s is not the image that the checkpoint was taken with: give that one, as it was then, by --disk", d.Name)
	}
}

// Snapshot saves or loads what was written to the disk.
func (d *Disk) Snapshot(c *snapshot.Coder) {
	sectors := d.Sectors()
	c.Shape("sectors", int(sectors))
	if d.snapshotIdentity(c); c.Err() != nil {
		return
	}
	m := d.written()
	if m == nil {
		if err := d.Savable(); err != nil {
			c.Fail("%w", err)
		}
		return
	}
	order := m.order()
	n := c.Len(len(order), int(memoryLimit/blockBytes))
	if c.Loading() {
		clear(m)
		order = make([]uint64, n)
	}
	for i := range order {
		data := make([]byte, blockBytes)
		if !c.Loading() {
			copy(data, m[order[i]])
		}
		snapshot.Uint(c, &order[i])
		c.Bytes(data)
		if c.Err() != nil {
			return
		}
		if order[i] >= (sectors+blockSectors-1)/blockSectors {
			c.Fail("block %d does not belong to disk %s", order[i], d.Name)
			return
		}
		if c.Loading() && m.put(order[i], data) != nil {
			return
		}
	}
}
