package pci

import "mcsim/snapshot"

// Snapshot saves or loads what software has written to a function, and its
// vectors.
func (f *Function) Snapshot(c *snapshot.Coder) {
	space := f.config
	c.Bytes(space[:])
	for i, m := range f.mask {
		f.config[i] = f.config[i]&^m | space[i]&m
	}
	c.Bool(&f.intx, &f.driven)
	if f.msix == nil {
		return
	}
	c.Shape("vectors", len(f.msix.st.Vectors))
	for i := range f.msix.st.Vectors {
		v := &f.msix.st.Vectors[i]
		snapshot.Uint(c, &v.Addr)
		snapshot.Uint(c, &v.Data, &v.Control)
		c.Bool(&f.msix.st.Pending[i])
	}
}

// Snapshot saves or loads the bridge and the functions, with the devices behind
// them.
func (e ECAM) Snapshot(c *snapshot.Coder) {
	for i := range e.high {
		snapshot.Int(c, &e.high[i])
	}
	for _, f := range e.slots {
		if f != nil {
			f.Snapshot(c)
		}
	}
	for _, t := range e.timed {
		if s, ok := t.(snapshot.Snapshotter); ok {
			s.Snapshot(c)
		}
	}
}

// Snapshot does nothing: the configuration window stands for the whole host.
func (Window) Snapshot(*snapshot.Coder) {}
