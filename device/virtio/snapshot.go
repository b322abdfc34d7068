package virtio

import (
	"mcsim/addr"
	"mcsim/snapshot"
)

// Snapshot saves or loads the register file and the device behind it.
func (m *MMIO) Snapshot(c *snapshot.Coder) {
	s := &m.ms
	snapshot.Uint(c, &s.FeaturesSel, &s.DriverSel, &s.QueueSel)
	snapshot.Uint(c, &s.Interrupt)
	c.Bool(&m.level)
	m.Device.Snapshot(c)
}

// Snapshot saves or loads the structures and the device behind them. The
// function has a state of its own.
func (p *PCI) Snapshot(c *snapshot.Coder) {
	s := &p.ps
	snapshot.Uint(c, &s.DeviceSelect, &s.DriverSelect)
	snapshot.Uint(c, &s.QueueSelect, &s.ConfigVector)
	snapshot.Uint(c, &s.ISR)
	p.Device.Snapshot(c)
}

// Snapshot saves or loads the device. What is in flight is part of it.
func (d *Device) Snapshot(c *snapshot.Coder) {
	s := &d.st
	snapshot.Uint(c, &s.Status, &s.Generation, &s.Causes)
	snapshot.Uint(c, &s.Driver, &s.SignalAt, &s.SignalQueue)
	c.Text(&s.Broken, 256)
	c.Shape("queues", len(s.Queues))
	for i := range s.Queues {
		q := &s.Queues[i]
		snapshot.Uint(c, &q.Size, &q.Vector, &q.NextAvail, &q.NextUsed, &q.Signalled)
		c.Bool(&q.Enabled)
		snapshot.Uint(c, &q.Desc, &q.Driver, &q.Device)
		snapshot.Uint(c, &q.Look)
		if q.Enabled && (q.Size == 0 || q.Size > MaxQueueSize || q.Size&(q.Size-1) != 0) {
			c.Fail("a queue of %d entries is in use", q.Size)
			return
		}
	}
	n := c.Len(len(s.InFlight), MaxQueueSize*len(s.Queues))
	if c.Loading() {
		s.InFlight = make([]Request, n)
	}
	for i := range s.InFlight {
		s.InFlight[i].snapshot(c, len(s.Queues))
	}
	t := &d.Stats
	snapshot.Uint(c, &t.Notifications, &t.Chains, &t.Interrupts, &t.Resets, &t.Broken, &t.BytesRead, &t.BytesWritten)
	if m, ok := d.model.(snapshot.Snapshotter); ok {
		m.Snapshot(c)
	}
}

func (r *Request) snapshot(c *snapshot.Coder, queues int) {
	snapshot.Int(c, &r.Queue)
	if r.Queue < 0 || r.Queue >= queues {
		c.Fail("a request of queue %d", r.Queue)
		r.Queue = 0
	}
	snapshot.Uint(c, &r.Chain.Head)
	for _, list := range []*[]Segment{&r.Chain.Out, &r.Chain.In} {
		n := c.Len(len(*list), maxSegments)
		if c.Loading() {
			*list = make([]Segment, n)
		}
		for i := range *list {
			s := &(*list)[i]
			snapshot.Uint[addr.PA](c, &s.Addr)
			snapshot.Uint(c, &s.Len)
		}
	}
	snapshot.Uint(c, &r.At, &r.Sector)
	snapshot.Uint(c, &r.Written, &r.Op)
	c.Bool(&r.Done)
	c.Buffer(&r.Data, netMostFrame)
}

// Snapshot saves or loads the disk's timing. Its sectors are not the device's.
func (b *Blk) Snapshot(c *snapshot.Coder) {
	snapshot.Uint(c, &b.st.FreeAt)
	c.Bool(&b.st.Writeback)
	s := &b.Stats
	snapshot.Uint(c, &s.Reads, &s.Writes, &s.Flushes, &s.Discards, &s.Errors, &s.BytesRead, &s.BytesWritten)
}

// Snapshot saves or loads the generator.
func (g *RNG) Snapshot(c *snapshot.Coder) { snapshot.Uint(c, &g.st.Counter, &g.st.Seed) }

// Snapshot saves or loads what was typed and not yet taken.
func (n *Console) Snapshot(c *snapshot.Coder) {
	c.Buffer(&n.st.Typed, consoleInput)
	snapshot.Uint(c, &n.st.Columns, &n.st.Rows)
}

// Snapshot saves or loads the frames that wait. Connections through the host
// are not part of it.
func (n *Net) Snapshot(c *snapshot.Coder) {
	snapshot.Uint(c, &n.st.TXFreeAt, &n.st.RXFreeAt)
	k := c.Len(len(n.st.Waiting), netWaiting)
	if c.Loading() {
		n.st.Waiting = make([][]byte, k)
	}
	for i := range n.st.Waiting {
		c.Buffer(&n.st.Waiting[i], netMostFrame)
	}
	s := &n.Stats
	snapshot.Uint(c, &s.Sent, &s.Received, &s.Dropped, &s.BytesSent, &s.BytesReceived)
}
