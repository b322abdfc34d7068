package machine

import (
	"encoding/json"
	"fmt"
	"io"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/record"
	"mcsim/traces"
)

// Recording is where a run is written to, reference by reference.
type Recording struct {
	To      io.Writer
	Filter  *traces.Filter // nil: everything
	Version string         // of mcsim, for the header
	Program string         // the same
}

// recorder takes what the harts record to the file at the ends of quanta, and
// records itself what devices do in the serial phase: the last stream. It is
// the bus's Tap. What a device does is placed by the request that the bus was at
// (record.Before, or while it was at its device), or by the end of the quantum.
type recorder struct {
	m       *Machine
	pipe    *traces.RecordPipe
	bufs    []*record.Buffer // by hart, then the devices'; nil: not recorded
	serving uint32           // requests that the bus has begun to serve
	quanta  uint64           // engine's, when it began the last one
	before  bool             // that one has not come to its device
	natural bool             // a hart is woken by another's store, which a replay makes as well
}

// startRecording connects harts and bus to the file.
func (m *Machine) startRecording() error {
	o := m.opts.Record
	if o == nil {
		return nil
	}
	h, err := m.recordHeader(o)
	if err != nil {
		return err
	}
	r := &recorder{m: m, quanta: m.engine.Quanta, bufs: make([]*record.Buffer, len(m.harts)+1)}
	filter := o.Filter
	if filter != nil && !filter.Any() {
		filter = nil
	}
	if r.pipe, err = traces.NewRecordPipe(o.To, h, filter); err != nil {
		return err
	}
	wanted := func(hart int) bool { return filter == nil || filter.WantsHart(hart) }
	for i, hart := range m.harts {
		if wanted(i) {
			r.bufs[i] = record.NewBuffer()
			hart.SetRecorder(r.bufs[i])
		}
	}
	if wanted(-1) {
		r.bufs[len(m.harts)] = record.NewBuffer()
		r.control(record.Context, record.ContextOf(0, 0, 0, uint8(traces.HasPA|traces.HasCycle)), 0).PA = uint64(len(m.harts))
	}
	m.rec = r
	m.bus.Tap = r
	m.engine.Woken = r.woken
	return nil
}

func (m *Machine) recordHeader(o *Recording) (*traces.Header, error) {
	cfg, err := json.Marshal(m.cfg)
	if err != nil {
		return nil, err
	}
	h := &traces.Header{
		Version: o.Version, Program: o.Program, Seed: m.cfg.Machine.Seed, Config: cfg,
		Has: record.HasAll, Instructions: true, CycleUnit: "cycle",
		Inexact: m.inexact(o),
	}
	h.Exact = h.Inexact == ""
	if o.Filter != nil {
		h.Filters = o.Filter.Texts()
	}
	for i := range m.harts {
		h.Streams = append(h.Streams, traces.StreamHeader{Name: fmt.Sprintf("hart %d", i), Hart: i})
	}
	h.Streams = append(h.Streams, traces.StreamHeader{Name: "devices", Hart: -1})
	for _, g := range m.amap.Regions() {
		kind := "device"
		switch {
		case g.Dev == nil:
			kind = "ram"
		case m.amap.Watched(g.Base):
			kind = "watched"
		}
		h.Map = append(h.Map, traces.MapRegion{Name: g.Name, Base: uint64(g.Base), Size: g.Size, Kind: kind})
	}
	return h, nil
}

// inexact is why a recording cannot be followed exactly, "" if it can be.
func (m *Machine) inexact(o *Recording) string {
	switch {
	case o.Filter != nil && o.Filter.Any():
		return "references were filtered"
	case m.restored:
		return "it begins at a checkpoint, with what caches and memory held there"
	case m.opts.Protocol != nil:
		return "the protocol is none that can be named"
	case m.opts.Debugger != nil:
		return "a debugger may have changed the run (--gdb)"
	case m.cfg.Run.FastUntil != "":
		return "a part of the run was without timing (--fast-until)"
	}
	return ""
}

// collect hands the full buffers over, in the order of the harts, and returns
// what went wrong with those before.
func (r *recorder) collect() error {
	if r == nil {
		return nil
	}
	for i, b := range r.bufs {
		if b == nil {
			continue
		}
		for _, full := range b.TakeFull() {
			r.pipe.Put(i, full)
			if back := r.pipe.Back(); back != nil {
				b.Free(back)
			}
		}
	}
	return r.pipe.Err()
}

// finish ends the recording: the machine's last word, and the file's index.
func (r *recorder) finish() error {
	if r == nil {
		return nil
	}
	r.m.bus.Tap, r.m.engine.Woken = nil, nil
	for _, h := range r.m.harts {
		h.RecordEnd()
	}
	err := r.collect()
	for i, b := range r.bufs {
		if b != nil && err == nil {
			r.pipe.Put(i, b.Rest())
		}
	}
	return r.pipe.Close()
}

// control adds a record to the devices' stream.
func (r *recorder) control(op record.Op, va, cycle uint64) *record.Record {
	b := r.bufs[len(r.bufs)-1]
	if b == nil {
		return new(record.Record)
	}
	out := b.Next()
	*out = record.Record{Op: op, VA: va, Cycle: cycle, Instret: r.serving}
	switch {
	case r.m.engine.Quanta != r.quanta:
		out.Flags, out.PC = record.End, r.m.engine.Now()+r.m.engine.Quantum()
	case r.before:
		out.Flags = record.Before
	}
	return out
}

// Serving implements coherence.Tap.
func (r *recorder) Serving(*coherence.Request) {
	r.serving++
	r.quanta, r.before = r.m.engine.Quanta, true
}

// Accessing implements coherence.Tap.
func (r *recorder) Accessing(*coherence.Request) { r.before = false }

// Refused implements coherence.Tap.
func (r *recorder) Refused(*coherence.Request) { r.control(record.Refuse, 0, r.m.bus.Now()) }

// DMA implements coherence.Tap.
func (r *recorder) DMA(kind coherence.Kind, pa addr.PA, n int, now uint64) {
	op := record.DMARead
	if kind == coherence.DMAWrite || kind == coherence.MemoryWrite {
		op = record.DMAWrite
	}
	out := r.control(op, uint64(n), now)
	out.PA = uint64(pa)
	if kind == coherence.MemoryRead || kind == coherence.MemoryWrite {
		out.Flags |= record.Uncached
	}
}

func (r *recorder) woken(hart int, cycle uint64) {
	if !r.natural {
		r.control(record.Wake, uint64(hart), cycle)
	}
}

// stop records that the run ends: cycle is where a quantum did, 0 in the midst of one.
func (r *recorder) stop(cycle uint64) {
	if r == nil {
		return
	}
	if !r.m.engine.Short() {
		cycle = 0
	}
	r.control(record.Stop, cycle, r.m.bus.Now())
}

// quantum records that a quantum has ended.
func (r *recorder) quantum(end uint64) {
	if r != nil {
		r.control(record.Quantum, 0, end)
	}
}
