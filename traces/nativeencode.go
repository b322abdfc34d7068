package traces

import (
	"encoding/binary"

	"mcsim/record"
)

func hashSite(pc uint64, what uint32) uint16 {
	return uint16((pc ^ uint64(what)<<32) * 0x9e3779b97f4a7c15 >> (64 - 10))
}

// encode appends recs, which continue the chunk, to b. run is the number of
// predicted records that are not written yet.
func (c *coder) encode(b []byte, recs []record.Record, run *int) []byte {
	for {
		n := c.predicted(recs)
		*run += n
		if n == len(recs) {
			return b
		}
		b = c.row(putRun(b, *run), &recs[n])
		*run, recs = 0, recs[n+1:]
	}
}

// predicted says how many of recs are wholly predicted, up to the first that is not,
// and takes note of them. Most references go no further.
func (c *coder) predicted(recs []record.Record) (n int) {
	last := c.last
	cycle, instret, pc := c.prev.Cycle, c.prev.Instret, c.prev.PC
	for ; n < len(recs); n++ {
		r := &recs[n]
		from := &c.site[last&(sites-1)]
		e := &c.site[from.next&(sites-1)]
		if e.pc != r.PC || e.what != r.What() || !e.occupied {
			break
		}
		step := r.VA - e.va
		if r.Cycle-cycle != from.cycles || r.Instret-instret != from.insts || step != e.stride || r.PA-r.VA != c.delta[r.VA>>12&(pages-1)] {
			break
		}
		e.va, e.step = r.VA, step
		last = from.next
		cycle, instret, pc = r.Cycle, r.Instret, r.PC
	}
	c.last = last
	c.prev.Cycle, c.prev.Instret, c.prev.PC = cycle, instret, pc
	return n
}

// putRun appends n predicted records.
func putRun(b []byte, n int) []byte {
	for ; n >= 256-tagRun; n -= 256 - tagRun {
		b = append(b, 255)
	}
	if n > 0 {
		b = append(b, uint8(tagRun+n-1))
	}
	return b
}

// row appends a record with those of its fields that are not predicted.
func (c *coder) row(b []byte, r *record.Record) []byte {
	what := r.What()
	from := &c.site[c.last]
	tag, at := uint8(0), from.next
	e, known := &c.site[at], true
	if e.pc != r.PC || e.what != what || !e.occupied {
		tag = tagSite
		at = hashSite(r.PC, what)
		e = &c.site[at]
		if known = e.pc == r.PC && e.what == what && e.occupied; !known {
			*e = site{pc: r.PC, what: what, occupied: true}
			tag |= tagVA
		}
	}
	cycles, insts, step := r.Cycle-c.prev.Cycle, r.Instret-c.prev.Instret, r.VA-e.va
	delta, page := r.PA-r.VA, &c.delta[r.VA>>12&(pages-1)]
	if cycles != from.cycles {
		tag |= tagCycle
	}
	if insts != from.insts {
		tag |= tagInst
	}
	if step != e.stride {
		tag |= tagVA
	}
	if delta != *page {
		tag |= tagPA
	}
	b = append(b, tag)
	if tag&tagSite != 0 {
		b = c.putSite(b, at, r, known)
		from.next = at
	}
	if tag&tagCycle != 0 {
		b = binary.AppendUvarint(b, zigzag(cycles))
		from.cycles = cycles
	}
	if tag&tagInst != 0 {
		b = binary.AppendUvarint(b, uint64(insts))
		from.insts = insts
	}
	if tag&tagVA != 0 {
		b = binary.AppendUvarint(b, zigzag(step))
	}
	if tag&tagPA != 0 {
		b = binary.AppendUvarint(b, zigzag(delta-*page))
		*page = delta
	}
	if step == e.step {
		e.stride = step
	}
	e.va, e.step = r.VA, step
	c.last = at
	c.prev.Cycle, c.prev.Instret, c.prev.PC = r.Cycle, r.Instret, r.PC
	return b
}

// putSite appends the number of the site of r and, unless the reader knows it, its
// description.
func (c *coder) putSite(b []byte, at uint16, r *record.Record, known bool) []byte {
	if known {
		return binary.LittleEndian.AppendUint16(b, at)
	}
	b = binary.LittleEndian.AppendUint16(b, at|siteNew)
	b = binary.AppendUvarint(b, zigzag(r.PC-c.prev.PC))
	b = append(b, uint8(r.Op), r.Flags)
	return binary.AppendUvarint(b, uint64(r.Size))
}
