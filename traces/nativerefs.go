package traces

import (
	"fmt"
	"math"

	"mcsim/record"
)

// refEncoder turns references into records.
type refEncoder struct {
	recs    []record.Record
	context uint64
	thread  uint32
	begun   bool
	insts   uint32
}

func (e *refEncoder) encode(refs []Ref) ([]record.Record, error) {
	e.recs = e.recs[:0]
	for i := range refs {
		r := &refs[i]
		if r.Size > math.MaxUint16 && r.Kind < DMARead {
			return nil, fmt.Errorf("a reference of %d bytes; mcsim's own format has room for %d", r.Size, math.MaxUint16)
		}
		if ctx := record.ContextOf(r.Mode, r.ASID, r.VMID, uint8(r.Has)); ctx != e.context || r.Thread != e.thread || !e.begun {
			e.context, e.thread, e.begun = ctx, r.Thread, true
			e.recs = append(e.recs, record.Record{Op: record.Context, VA: ctx, PA: uint64(r.Thread), Cycle: r.Cycle, Instret: e.insts})
		}
		e.insts += r.Instructions
		out := record.Record{VA: r.VA, PA: r.PA, PC: r.PC, Cycle: r.Cycle, Instret: e.insts, Size: uint16(r.Size), Op: record.Op(r.Kind)}
		if r.Kind >= DMARead {
			out.VA, out.Size = uint64(r.Size), 0 // the length has more bits there
		} else if r.Has&HasVA == 0 {
			out.VA = r.PA
		} else if r.Has&HasPA == 0 {
			out.PA = r.VA
		}
		e.recs = append(e.recs, out)
	}
	return e.recs, nil
}

// refDecoder turns records into references.
type refDecoder struct {
	proto Ref // what the context says
	insts uint32
}

func (d *refDecoder) context(ctx uint64, thread uint32) {
	mode, asid, vmid, has := record.SplitContext(ctx)
	d.proto = Ref{Mode: mode, ASID: asid, VMID: vmid, Has: Fields(has), Thread: thread}
}

// decode appends the references among recs to refs, which has room for them.
func (d *refDecoder) decode(refs []Ref, recs []record.Record) int {
	n := 0
	for i := range recs {
		r := &recs[i]
		switch {
		case r.Op >= record.NumRefs:
			if r.Op == record.Context {
				d.context(r.VA, uint32(r.PA))
			}
			continue
		case r.Flags&record.Fault != 0: // nothing was accessed
			continue
		}
		out := &refs[n]
		n++
		*out = d.proto
		out.Kind = Kind(r.Op)
		out.VA, out.PA, out.PC, out.Cycle = r.VA, r.PA, r.PC, r.Cycle
		out.Size = uint32(r.Size)
		if n := r.Instret - d.insts; int32(n) > 0 { // the count goes back where one trapped
			out.Instructions, d.insts = n, r.Instret
		}
		switch {
		case r.Op >= record.Walk: // physical alone: VA says something else
			if r.Op >= record.DMARead {
				out.Size = uint32(min(r.VA, math.MaxUint32))
				out.Instructions = 0 // the count is of requests that the bus served
			}
			out.VA, out.Has = 0, out.Has&^HasVA
		case out.Has&(HasVA|HasPA) == HasVA:
			out.PA = 0
		case out.Has&HasVA == 0:
			out.VA = 0
		}
	}
	return n
}
