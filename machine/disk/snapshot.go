package disk

import (
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

// Snapshot saves or loads what was written to the disk.
func (d *Disk) Snapshot(c *snapshot.Coder) {
	sectors := d.Sectors()
	c.Shape("sectors", int(sectors))
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
