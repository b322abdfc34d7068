package replay

import (
	"encoding/binary"
	"fmt"

	"mcsim/addr"
	"mcsim/core"
)

// deviceVersions are what devices write: no thread's versions begin so.
const deviceVersions = (maxThreads + 1) << 48

// devices is what the devices of recordings did. They have no hart: their accesses
// are events of the bus, each at its cycle. It implements coherence.Timed.
type devices struct {
	sources []*source
	next    uint64 // cycle of the next access, forever if there is none
	version uint64 // of the last write
	refs    uint64
	err     error
}

// Deadline implements coherence.Timed.
func (d *devices) Deadline() uint64 { return d.next }

// Fire implements coherence.Timed.
func (d *devices) Fire(now uint64) {
	d.next = forever
	for _, s := range d.sources {
		d.next = min(d.next, s.act(now))
	}
}

// act does what a device does up to cycle now, and returns when it goes on.
func (s *source) act(now uint64) (next uint64) {
	d := &s.vm.r.devices
	for d.err == nil {
		if len(s.runs) == 0 {
			if !s.pull() {
				break
			}
			continue
		}
		u := &s.runs[0]
		if s.at == len(u.refs) {
			u.done()
			s.runs, s.at = s.runs[1:], 0
			continue
		}
		ref := &u.refs[s.at]
		if ref.Cycle > now {
			return ref.Cycle
		}
		s.at++
		if ref.Op == core.RefOther && ref.Region <= otherDMAWrite {
			d.err = s.access(ref)
		}
	}
	return forever
}

// access carries out an access by a device.
func (s *source) access(ref *core.Ref) error {
	r := s.vm.r
	pa := addr.PA(ref.VA)
	if !s.physical {
		space, err := s.vm.spaceOf(spaceKey{s.trace, 0})
		if err == nil {
			err = space.grow(ref.VA, r.maxLevels)
		}
		if err == nil {
			err = space.mapPage(ref.VA)
		}
		if err != nil {
			return err
		}
		pa, _ = space.find(ref.VA)
	}
	buf := make([]byte, ref.Size)
	ok := false
	if ref.Region == otherDMARead {
		_, ok = r.bus.DMARead(r.osAgent, pa, buf, ref.Cycle)
	} else {
		r.devices.version++
		fillVersion(buf, pa, deviceVersions+r.devices.version)
		_, ok = r.bus.DMAWrite(r.osAgent, pa, buf, ref.Cycle)
	}
	if !ok {
		return fmt.Errorf("%s: devices: %w", s.name, r.noMemory(ref))
	}
	r.devices.refs++
	return nil
}

// fillVersion lays a version over bytes at pa, as stores to them would.
func fillVersion(buf []byte, pa addr.PA, version uint64) {
	var v [8]byte
	binary.LittleEndian.PutUint64(v[:], version)
	for i := range buf {
		buf[i] = v[(uint64(pa)+uint64(i))&7]
	}
}
