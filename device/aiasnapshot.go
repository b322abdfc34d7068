package device

import "mcsim/snapshot"

// Snapshot saves or loads an interrupt domain.
func (a *APLIC) Snapshot(c *snapshot.Coder) {
	snapshot.Uint(c, &a.st.Config)
	c.Shape("sources", len(a.st.Sources))
	for i := range a.st.Sources {
		s := &a.st.Sources[i]
		snapshot.Uint(c, &s.Config, &s.Target)
		c.Bool(&s.Wire, &s.Pending, &s.Enabled)
	}
	c.Shape("harts", len(a.st.Harts))
	for i := range a.st.Harts {
		h := &a.st.Harts[i]
		c.Bool(&h.Delivery, &h.Force, &h.Level)
		snapshot.Uint(c, &h.Threshold)
	}
}

// Snapshot does nothing: the files are in the harts.
func (m *IMSIC) Snapshot(*snapshot.Coder) {}
