package replay

import (
	"errors"
	"fmt"
	"io"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/core"
	"mcsim/record"
	"mcsim/traces"
)

// Exact makes a machine do what was recorded of one like it: the same accesses
// at the same cycles, in the same rounds. Each hart follows its stream by itself
// (core.Hart.Follow); Exact does what devices did, from the last stream: it is
// the bus's Tap and the one device behind all of the map's.
//
//	traces.Recording --stream of a hart--> core.Hart.Follow --> Private, Port --> Engine, Bus
//	                 --devices' stream---> Exact: Wake, DMA, Stop <--Tap, OnQuantum--+
//
// It belongs to the goroutine that hosts the bus.
type Exact struct {
	Bus    *coherence.Bus
	Engine *coherence.Engine
	Harts  []*core.Hart

	src     *traces.RecordReader
	buf     []record.Record
	recs    []record.Record
	served  uint32 // requests that the bus has begun to serve
	due     uint64 // when something happens next if all harts sleep
	count   uint64
	refs    uint64 // accesses of devices
	refuse  bool   // the access in progress
	stopped bool
	cut     uint64
	err     error
}

// NewExact prepares to follow rec, or says why that is not possible.
func NewExact(rec *traces.Recording) (*Exact, error) {
	h := &rec.Header
	n := len(h.Streams) - 1
	if !h.Exact || n < 1 || h.Streams[n].Hart != -1 {
		return nil, traces.ErrNotExact
	}
	for i, s := range h.Streams[:n] {
		if s.Hart != i {
			return nil, traces.ErrNotExact
		}
	}
	return &Exact{src: rec.Records(n), buf: make([]record.Record, 256), due: ^uint64(0)}, nil
}

// Attach connects Exact with the machine that it is to drive.
func (x *Exact) Attach(rec *traces.Recording, bus *coherence.Bus, engine *coherence.Engine, harts []*core.Hart) {
	x.Bus, x.Engine, x.Harts = bus, engine, harts
	bus.Tap = x
	for i, h := range harts {
		h.Follow(rec.Records(i))
	}
}

// Err is why the recording could not be followed to its end, nil if it was.
func (x *Exact) Err() error {
	for _, h := range x.Harts {
		if err := h.FollowErr(); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return x.err
}

// References is the number of references that harts and devices made.
func (x *Exact) References() (n uint64) {
	for _, h := range x.Harts {
		n += h.Followed()
	}
	return n + x.refs
}

// Cut is the cycle at which the recorded run was interrupted in the midst of a
// quantum, 0 if it was not.
func (x *Exact) Cut() uint64 { return x.cut }

// Finish brings the harts' counts of instructions to what they were.
func (x *Exact) Finish() {
	for _, h := range x.Harts {
		h.FollowInstret()
	}
}

// head is the next record of the devices, nil at the end.
func (x *Exact) head() *record.Record {
	for len(x.recs) == 0 {
		if x.err != nil || x.stopped {
			return nil
		}
		n, err := x.src.Read(x.buf)
		if n == 0 {
			x.stopped = true
			if err != io.EOF {
				x.err = err
			}
			return nil
		}
		x.recs = x.buf[:n]
	}
	return &x.recs[0]
}

func (x *Exact) fail(format string, args ...any) {
	if x.err == nil {
		x.err = fmt.Errorf("devices: record %d: %s", x.count, fmt.Sprintf(format, args...))
	}
	x.recs = nil
	x.Engine.Stop()
}

// act does what the next records say, as long as they are of this moment.
func (x *Exact) act(now func(r *record.Record) bool) {
	for r := x.head(); r != nil; r = x.head() {
		if r.Op != record.Context && !now(r) {
			return
		}
		do := *r
		x.recs = x.recs[1:]
		x.count++
		x.do(&do)
	}
}

func (x *Exact) do(r *record.Record) {
	switch r.Op {
	case record.Context, record.Final:
	case record.Refuse:
		x.refuse = true
	case record.Wake:
		if r.VA >= uint64(len(x.Harts)) {
			x.fail("it wakes hart %d, and there are %d", r.VA, len(x.Harts))
			return
		}
		x.Engine.Wake(int(r.VA), r.Cycle)
	case record.Stop:
		x.stopped, x.cut = true, r.VA
		x.Engine.Stop()
	case record.DMARead, record.DMAWrite:
		x.refs++
		x.dma(r)
	default:
		x.fail("a record of kind %d, which no device makes", r.Op)
	}
}

// dma does an access of a device again, in pieces that no line is cut by.
func (x *Exact) dma(r *record.Record) {
	var buf [4096]byte
	agent := len(x.Harts)
	access := x.Bus.DMARead
	switch past := r.Flags&record.Uncached != 0; {
	case r.Op == record.DMARead && past:
		access = x.Bus.ReadMemory
	case past:
		access = x.Bus.WriteMemory
	case r.Op == record.DMAWrite:
		access = x.Bus.DMAWrite
	}
	for pa, left := r.PA, r.VA; left > 0; {
		n := min(left, uint64(len(buf))-pa&uint64(len(buf)-1))
		if _, ok := access(agent, addr.PA(pa), buf[:n], r.Cycle); !ok {
			return // nor was it
		}
		pa, left = pa+n, left-n
	}
}

// Serving implements coherence.Tap.
func (x *Exact) Serving(*coherence.Request) {
	x.served++
	if x.due != ^uint64(0) {
		x.due = ^uint64(0)
		x.Bus.Reschedule()
	}
	x.act(func(r *record.Record) bool { return r.Flags&record.Before != 0 && r.Instret == x.served })
}

// Accessing implements coherence.Tap.
func (x *Exact) Accessing(*coherence.Request) {
	x.refuse = false
	x.act(func(r *record.Record) bool {
		return r.Flags&(record.Before|record.End) == 0 && r.Op != record.Quantum && r.Instret == x.served
	})
}

// Refused implements coherence.Tap.
func (x *Exact) Refused(*coherence.Request) {}

// DMA implements coherence.Tap.
func (x *Exact) DMA(coherence.Kind, addr.PA, int, uint64) {}

// Quantum is what the engine calls at the end of every quantum. It returns
// false where the recorded run ended, and where this one cannot go on.
func (x *Exact) Quantum(end uint64) bool {
	x.act(atEnd)
	if x.err != nil || x.stopped || x.Err() != nil {
		return false
	}
	r := x.head()
	switch {
	case r == nil:
		return false
	case r.Op != record.Quantum || r.Cycle != end:
		x.fail("a quantum ends at cycle %d, and it says %d", end, r.Cycle)
		return false
	}
	x.recs = x.recs[1:]
	x.count++
	// If all harts sleep, the engine asks the bus for the next event.
	x.due = ^uint64(0)
	if r := x.head(); r != nil && r.Flags&record.End != 0 && r.PC > end {
		x.due = r.PC - x.Engine.Quantum()
	}
	x.Bus.Reschedule()
	return true
}

// Idle is what the engine calls when all harts sleep for good.
func (x *Exact) Idle() bool {
	before := x.count
	x.act(atEnd)
	return x.count != before
}

func atEnd(r *record.Record) bool { return r.Flags&record.End != 0 && r.Op != record.Quantum }

// Read implements coherence.Device.
func (x *Exact) Read(uint64, uint64, int) (uint64, bool) { return 0, !x.refuse }

// Write implements coherence.Device.
func (x *Exact) Write(uint64, uint64, int, uint64) bool { return !x.refuse }

// Deadline implements coherence.TimedDevice.
func (x *Exact) Deadline() uint64 { return x.due }

// Fire implements coherence.TimedDevice. It only moves time: what happens is
// done where the devices' stream says.
func (x *Exact) Fire(uint64) { x.due = ^uint64(0) }
