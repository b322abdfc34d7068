package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/device"
	"mcsim/machine/config"
	"mcsim/snapshot"
)

// Checkpoint writes the whole machine to w. It is for Limits.Checkpoint to call:
// a machine can be saved where a quantum has ended, for there every hart is between
// two instructions. reason is for those who read the file.
func (m *Machine) Checkpoint(w io.Writer, reason string) error {
	if m.replay != nil {
		return errors.New("machine: a replay cannot be saved")
	}
	if !m.savable {
		return errors.New("machine: a checkpoint can be taken at the end of a quantum only")
	}
	cfg, err := json.Marshal(m.cfg)
	if err != nil {
		return fmt.Errorf("checkpoint: configuration: %w", err)
	}
	h := snapshot.Header{
		Program: m.image.Name, Cycle: m.cycles, Instructions: m.instructions(), Harts: len(m.harts),
		Reason: reason, By: m.opts.Version, Config: cfg, Fast: m.engine.Fast(), ConsoleIn: m.taken,
	}
	for i := range m.virtio {
		for q := range m.virtio[i].Model().Queues() {
			h.InFlight += m.virtio[i].InFlight(q)
		}
	}
	if m.opts.Log != nil {
		h.LogBytes = m.opts.Log.Written()
	}
	return snapshot.Save(w, h, func(c *snapshot.Coder) {
		c.Section("program", 1, m.snapshotProgram)
		m.sections(c, &changes{})
	})
}

// Savable says whether checkpoints can be taken of a machine that was loaded.
func (m *Machine) Savable() error {
	for _, d := range m.disks {
		if err := d.Savable(); err != nil {
			return err
		}
	}
	return nil
}

// Restore builds the machine around a checkpoint whose header was read. What the
// machine's configuration has changed is told in the notes, for people; what cannot
// be changed is an error.
func (m *Machine) Restore(r *snapshot.Reader) (notes []string, err error) {
	was, err := config.Load(config.Input{File: "the checkpoint's configuration", Data: r.Header.Config})
	if err != nil {
		return nil, err
	}
	how, err := compare(was, m.cfg)
	if err != nil {
		return nil, err
	}
	err = r.Load(func(c *snapshot.Coder) {
		c.Section("program", 1, m.snapshotProgram)
		if c.Err() != nil {
			return
		}
		if err := m.build(); err != nil {
			c.Fail("%w", err)
			return
		}
		if err := m.start(m.image.Entry, 0); err != nil {
			c.Fail("%w", err)
			return
		}
		if how.caches {
			if how.old, err = m.bare(was); err != nil {
				c.Fail("%w", err)
				return
			}
		}
		m.sections(c, how)
	})
	if err != nil {
		return nil, err
	}
	m.restored = true
	m.resumed = m.instructions()
	m.cycles = r.Header.Cycle
	m.bus.Reschedule()
	m.finishRestore(how)
	if m.opts.Log != nil {
		m.opts.Log.Resume(r.Header.LogBytes)
	}
	return how.notes, nil
}

// bare is a bus of another configuration in front of the machine's memory.
func (m *Machine) bare(cfg *config.Config) (*coherence.Bus, error) {
	shape, err := m.coherence(&cfg.Machine)
	if err != nil {
		return nil, err
	}
	return coherence.New(shape, m.amap, m.dram)
}

// finishRestore is what follows where not everything was taken over.
func (m *Machine) finishRestore(how *changes) {
	if how.drain {
		for _, h := range m.harts {
			h.DrainTo(func(pa addr.PA, data []byte) { _ = m.bus.Poke(pa, data) })
		}
	}
	if how.caches {
		// Reservations are gone with the caches: who waits for one has to look.
		for i := range m.harts {
			m.engine.Wake(i, m.engine.Now())
		}
	}
}

// sections saves or loads all but the program.
func (m *Machine) sections(c *snapshot.Coder, how *changes) {
	c.Section("memory", 1, m.dram.SnapshotMemory)
	c.Section("counters", 1, func(c *snapshot.Coder) {
		m.bus.SnapshotCounters(c)
		m.dram.SnapshotCounters(c)
	})
	if how.caches {
		c.Section("caches", 1, how.old.SnapshotCaches)
		if c.Err() == nil {
			how.old.WriteBack(m.dram)
		}
	} else {
		c.Section("caches", 1, m.bus.SnapshotCaches)
	}
	section(c, "timing", how.timing, func(c *snapshot.Coder) {
		m.bus.SnapshotTiming(c)
		m.dram.SnapshotTiming(c)
	})
	m.snapshotDevices(c)
	for i, h := range m.harts {
		c.Section(fmt.Sprintf("hart %d", i), 3, func(c *snapshot.Coder) { h.Snapshot(c, !how.caches) })
		section(c, fmt.Sprintf("TLBs of hart %d", i), how.tlbs, h.SnapshotTLBs)
	}
	c.Section("engine", 1, m.engine.Snapshot)
	c.Section("run", 2, func(c *snapshot.Coder) {
		snapshot.Uint(c, &m.taken)
		pending := 0
		if m.input != nil {
			pending = len(m.input.pending)
		}
		snapshot.Int(c, &pending)
		m.untaken = pending
		m.panic.Snapshot(c)
		m.snapshotPhases(c)
	})
}

// section is a section that a loading machine of another shape passes over.
func section(c *snapshot.Coder, name string, skip bool, f func(*snapshot.Coder)) {
	if skip {
		c.Skip(name, 1)
	} else {
		c.Section(name, 1, f)
	}
}

// snapshotDevices saves or loads what is on the map, and the built-in firmware.
func (m *Machine) snapshotDevices(c *snapshot.Coder) {
	for _, g := range m.amap.Regions() {
		if g.Dev == nil {
			continue
		}
		if _, ok := g.Dev.(*device.HTIFWindow); ok {
			continue // the HTIF has its bytes
		}
		d, ok := g.Dev.(snapshot.Snapshotter)
		if !ok {
			c.Fail("device %s at %#x cannot save its state", g.Name, uint64(g.Base))
			return
		}
		c.Section("device "+g.Name, 2, d.Snapshot)
	}
	for i, d := range m.disks {
		c.Section(fmt.Sprintf("disk %d", i), 2, d.Snapshot)
	}
	if m.firmware != nil {
		c.Section("firmware", 2, m.firmware.Snapshot)
	}
}

// Snapshot saves or loads the whole HTIF.
func (w htifWindow) Snapshot(c *snapshot.Coder) { w.h.Snapshot(c) }

// snapshotProgram saves or loads what is remembered of the program besides its
// bytes in memory: where it began, and its symbols.
func (m *Machine) snapshotProgram(c *snapshot.Coder) {
	if c.Loading() {
		m.image = &Image{}
	}
	m.image.snapshot(c)
	boots := m.boot != nil
	c.Bool(&boots)
	if !boots {
		return
	}
	if c.Loading() {
		m.boot = &bootPlan{}
	}
	p := m.boot
	c.Bool(&p.builtin, &p.seed)
	snapshot.Uint(c, &p.next, &p.initrd, &p.dtb, &p.info)
	snapshot.Uint(c, &p.initrdSize)
	c.Text(&p.append, 1<<16)
}

const (
	maxSegments = 1 << 16
	maxSymbols  = 1 << 22
)

func (im *Image) snapshot(c *snapshot.Coder) {
	c.Text(&im.Name, 1<<16)
	snapshot.Uint(c, &im.Entry)
	n := c.Len(len(im.Segments), maxSegments)
	for i := 0; i < n && c.Err() == nil; i++ {
		if c.Loading() {
			im.Segments = append(im.Segments, Segment{})
		}
		s := &im.Segments[i]
		snapshot.Uint(c, &s.PA)
		snapshot.Uint(c, &s.VA, &s.MemSize)
	}
	n = c.Len(len(im.Symbols), maxSymbols)
	for i := 0; i < n && c.Err() == nil; i++ {
		if c.Loading() {
			im.Symbols = append(im.Symbols, Symbol{})
		}
		s := &im.Symbols[i]
		c.Text(&s.Name, nameLimit)
		snapshot.Uint(c, &s.Value, &s.Size)
		c.Bool(&s.Func)
	}
}
