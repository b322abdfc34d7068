package virtio

import (
	"encoding/binary"

	"mcsim/addr"
)

// Bounds on what a driver may ask for.
const (
	MaxQueueSize = 256  // entries of a queue
	maxSegments  = 1024 // descriptors of a chain, as in QEMU: Linux's chains are longer than the queue with indirect tables
	maxChain     = 1 << 32
)

// Flags of a descriptor (specification, "The Virtqueue Descriptor Table").
const (
	descNext     = 1
	descWrite    = 2
	descIndirect = 4
	descSize     = 16
)

// Flags of the rings without EVENT_IDX.
const availNoInterrupt = 1

// Segment is a piece of guest memory.
type Segment struct {
	Addr addr.PA
	Len  uint32
}

// Chain is a buffer that the driver has made available: first what the device
// reads, then what it writes. Framing means nothing ("Message Framing"), so
// both are streams of bytes.
type Chain struct {
	Head    uint16
	Out, In []Segment
}

// Length is the number of bytes in segments.
func Length(s []Segment) (n uint64) {
	for _, x := range s {
		n += uint64(x.Len)
	}
	return n
}

// QueueState is all that a device remembers of a queue.
type QueueState struct {
	Size                 uint16
	Enabled              bool
	Desc, Driver, Device addr.PA // descriptor table, available ring, used ring
	Vector               uint16  // MSI-X
	NextAvail, NextUsed  uint16
	Look                 uint64 // cycle at which the device looks for chains; device.NoDeadline: when notified
	Signalled            uint16 // NextUsed when the driver was last asked about an interrupt
}

// pop takes the next chain off a queue. found is false if there is none. done is
// when the device has read it all. The string says what is wrong with the queue.
func (d *Device) pop(q *QueueState, now uint64) (c Chain, done uint64, found bool, wrong string) {
	var b [2]byte
	done, ok := d.dma.ReadAt(now, q.Driver+2, b[:])
	if !ok {
		return c, done, false, "the available ring is no memory"
	}
	waiting := binary.LittleEndian.Uint16(b[:]) - q.NextAvail
	if waiting == 0 {
		return c, done, false, ""
	}
	if waiting > q.Size {
		return c, done, false, "more chains are available than the queue holds"
	}
	slot := addr.PA(q.NextAvail % q.Size)
	if done, ok = d.dma.ReadAt(done, q.Driver+4+2*slot, b[:]); !ok {
		return c, done, false, "the available ring is no memory"
	}
	q.NextAvail++
	c.Head = binary.LittleEndian.Uint16(b[:])
	done, wrong = d.collect(&c, q, done)
	return c, done, wrong == "", wrong
}

// collect follows a chain from its head.
func (d *Device) collect(c *Chain, q *QueueState, now uint64) (done uint64, wrong string) {
	done = now
	left := int(q.Size) // a chain without an end passes through some descriptor twice
	total := uint64(0)
	for i := c.Head; ; {
		if i >= q.Size {
			return done, "a descriptor's number is beyond the queue"
		}
		if left--; left < 0 {
			return done, "a chain has no end"
		}
		var raw [descSize]byte
		var ok bool
		if done, ok = d.dma.ReadAt(done, q.Desc+descSize*addr.PA(i), raw[:]); !ok {
			return done, "the descriptor table is no memory"
		}
		flags := binary.LittleEndian.Uint16(raw[12:])
		if flags&descIndirect != 0 {
			if flags&descNext != 0 || d.st.Driver&(1<<FeatureIndirect) == 0 {
				return done, "a descriptor is indirect where it must not be"
			}
			return d.indirect(c, raw[:], total, done)
		}
		if wrong = c.add(raw[:], &total); wrong != "" {
			return done, wrong
		}
		if flags&descNext == 0 {
			return done, ""
		}
		i = binary.LittleEndian.Uint16(raw[14:])
	}
}

// indirect follows the chain in a table of descriptors ("Indirect Descriptors").
func (d *Device) indirect(c *Chain, raw []byte, total, now uint64) (done uint64, wrong string) {
	at, n := addr.PA(binary.LittleEndian.Uint64(raw)), binary.LittleEndian.Uint32(raw[8:])
	if n == 0 || n%descSize != 0 || n > maxSegments*descSize {
		return now, "an indirect table's length cannot be"
	}
	if len(d.table) < int(n) {
		d.table = make([]byte, n)
	}
	table := d.table[:n]
	done, ok := d.dma.ReadAt(now, at, table)
	if !ok {
		return done, "an indirect table is no memory"
	}
	for i, left := uint32(0), n/descSize; ; left-- {
		if i >= n/descSize {
			return done, "a descriptor's number is beyond its table"
		}
		if left == 0 {
			return done, "a chain has no end"
		}
		raw := table[i*descSize:][:descSize]
		flags := binary.LittleEndian.Uint16(raw[12:])
		if flags&descIndirect != 0 {
			return done, "an indirect table has an indirect descriptor"
		}
		if wrong = c.add(raw, &total); wrong != "" {
			return done, wrong
		}
		if flags&descNext == 0 {
			return done, ""
		}
		i = uint32(binary.LittleEndian.Uint16(raw[14:]))
	}
}

// add puts a descriptor at the end of a chain.
func (c *Chain) add(raw []byte, total *uint64) (wrong string) {
	s := Segment{addr.PA(binary.LittleEndian.Uint64(raw)), binary.LittleEndian.Uint32(raw[8:])}
	if len(c.Out)+len(c.In) == maxSegments {
		return "a chain has too many descriptors"
	}
	if *total += uint64(s.Len); *total > maxChain {
		return "a chain has more than 4 GiB"
	}
	if binary.LittleEndian.Uint16(raw[12:])&descWrite != 0 {
		c.In = append(c.In, s)
		return ""
	}
	if len(c.In) > 0 {
		return "a descriptor to read follows one to write"
	}
	c.Out = append(c.Out, s)
	return ""
}

// push makes a chain used and says whether the driver wants an interrupt.
func (d *Device) push(q *QueueState, head uint16, written uint32, now uint64) (done uint64, interrupt bool, wrong string) {
	var e [8]byte
	binary.LittleEndian.PutUint32(e[:], uint32(head))
	binary.LittleEndian.PutUint32(e[4:], written)
	done, ok := d.dma.WriteAt(now, q.Device+4+8*addr.PA(q.NextUsed%q.Size), e[:])
	if ok {
		q.NextUsed++
		binary.LittleEndian.PutUint16(e[:], q.NextUsed)
		done, ok = d.dma.WriteAt(done, q.Device+2, e[:2])
	}
	if !ok {
		return done, false, "the used ring is no memory"
	}
	if d.st.Driver&(1<<FeatureEventIdx) == 0 {
		done, ok = d.dma.ReadAt(done, q.Driver, e[:2])
		return done, binary.LittleEndian.Uint16(e[:])&availNoInterrupt == 0, unless(ok, "the available ring is no memory")
	}
	done, ok = d.dma.ReadAt(done, q.Driver+4+2*addr.PA(q.Size), e[:2])
	old := q.Signalled
	q.Signalled = q.NextUsed
	return done, passed(binary.LittleEndian.Uint16(e[:]), q.NextUsed, old), unless(ok, "the available ring is no memory")
}

// listen tells the driver that the next chain shall be notified, and says
// whether one has come in the meantime.
func (d *Device) listen(q *QueueState, now uint64) (done uint64, more bool, wrong string) {
	if d.st.Driver&(1<<FeatureEventIdx) == 0 {
		return now, false, "" // all are
	}
	var b [2]byte
	binary.LittleEndian.PutUint16(b[:], q.NextAvail)
	done, ok := d.dma.WriteAt(now, q.Device+4+8*addr.PA(q.Size), b[:])
	if !ok {
		return done, false, "the used ring is no memory"
	}
	done, ok = d.dma.ReadAt(done, q.Driver+2, b[:])
	return done, binary.LittleEndian.Uint16(b[:]) != q.NextAvail, unless(ok, "the available ring is no memory")
}

// passed says whether index event lies in [old, now): "Used Buffer Notification
// Suppression".
func passed(event, now, old uint16) bool { return now-event-1 < now-old }

func unless(ok bool, wrong string) string {
	if ok {
		return ""
	}
	return wrong
}
