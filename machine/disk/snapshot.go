package disk

import "mcsim/snapshot"

// Snapshot saves or loads what was written to the disk. Only an overlay in
// memory can be: the next run would find files as the last one left them, not as
// they were.
func (d *Disk) Snapshot(c *snapshot.Coder) {
	sectors := d.Sectors()
	c.Shape("sectors", int(sectors))
	o, ok := d.store.(*overlay)
	m, inMemory := memoryBlocks(nil), false
	if ok {
		m, inMemory = o.blocks.(memoryBlocks)
	}
	if !inMemory {
		if _, ro := d.store.(readOnly); !ro {
			c.Fail("disk %s is written to its file, which a checkpoint has not; use ,overlay", d.Name)
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
