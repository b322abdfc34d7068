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
	var in *space
	if !s.physical {
		var err error
		if in, err = s.vm.spaceOf(spaceKey{s.trace, 0}); err != nil {
			return err
		}
	}
	r.devices.version++
	switch ok, err := r.dma(ref, in, deviceVersions+r.devices.version, ref.Cycle); {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("%s: devices: %w", s.name, r.noMemory(ref))
	}
	r.devices.refs++
	return nil
}

// dmaPiece is how much of an access of a device is done at a time: no page is
// smaller.
const dmaPiece = size4K

// dma carries out an access by a device, page by page; in is the address space of
// its addresses, nil for physical ones. What it writes is version. ok is false if
// there is no memory at a physical address.
func (r *Replay) dma(ref *core.Ref, in *space, version, now uint64) (ok bool, err error) {
	var buf [dmaPiece]byte
	for va, left := ref.VA, uint64(ref.Work); left > 0; {
		b := buf[:min(left, dmaPiece-va%dmaPiece)]
		pa := addr.PA(va)
		if in != nil {
			if pa, err = in.touch(va); err != nil {
				return false, err
			}
		}
		if ref.Region == otherDMARead {
			_, ok = r.bus.DMARead(r.osAgent, pa, b, now)
		} else {
			fillVersion(b, pa, version)
			_, ok = r.bus.DMAWrite(r.osAgent, pa, b, now)
		}
		if !ok {
			return false, nil
		}
		va, left = va+uint64(len(b)), left-uint64(len(b))
	}
	return true, nil
}

// fillVersion lays a version over bytes at pa, as stores to them would.
func fillVersion(buf []byte, pa addr.PA, version uint64) {
	var v [8]byte
	binary.LittleEndian.PutUint64(v[:], version)
	for i := range buf {
		buf[i] = v[(uint64(pa)+uint64(i))&7]
	}
}
