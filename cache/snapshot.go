package cache

import "mcsim/snapshot"

// Snapshot saves or loads the array: a loaded one behaves exactly as the saved
// one went on to. Data of empty slots, which nobody can read, are left out.
// states is the number of states that a slot may have, with the invalid one.
func (a *Array) Snapshot(c *snapshot.Coder, states uint8) {
	c.Shape("sets", a.Sets())
	c.Shape("ways", a.ways)
	c.Shape("bytes of a line", a.LineBytes())
	c.Shape("replacement policy", int(a.policy))
	snapshot.Uint(c, &a.Clock, &a.Fills)
	c.Words(a.Tags)
	c.Bytes(a.State)
	if a.order != nil {
		a.snapshotOrder(c)
	} else {
		c.Words(a.Stamp)
	}
	c.Words(a.meta)
	if c.Loading() && c.Err() == nil {
		a.fillPartial()
		a.checkLoaded(c, states)
	}
	for s := range a.Valid() {
		if c.Err() != nil {
			return
		}
		c.Bytes(a.LineData(s))
	}
}

// checkLoaded refuses what an array can never hold.
func (a *Array) checkLoaded(c *snapshot.Coder, states uint8) {
	for i, st := range a.State {
		if st >= states {
			c.Fail("slot %d is in state %d, of %d", i, st, states)
			return
		}
	}
	if err := a.Check(); err != nil {
		c.Fail("%w", err)
	}
}
