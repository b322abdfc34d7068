package traces

import (
	"encoding/binary"
	"fmt"

	"mcsim/record"
)

// Records are coded by what their site did before. A site is a place in a
// program that makes a reference: its pc, operation, size and flags. For each
// the coder remembers the last address and stride, and which site came next,
// how many cycles and instructions later. Most references of a loop are then
// as predicted and cost a fraction of a byte.
//
// The tag of a record says which of its fields are not as predicted; they
// follow in the order of the bits. A tag of tagRun and above stands for
// tag-tagRun+1 records that are wholly predicted.
const (
	tagSite   = 1 << 0 // uint16: the site's number, with siteNew if its description follows
	tagCycle  = 1 << 1 // zigzag: cycles since the last record
	tagInst   = 1 << 2 // uvarint: instructions since the last record
	tagVA     = 1 << 3 // zigzag: distance from the site's last address
	tagPA     = 1 << 4 // zigzag: PA - VA, less that of the page's last reference
	tagUnused = 3 << 5
	tagRun    = 1 << 7

	sites   = 1 << 10
	siteNew = 1 << 15 // zigzag pc less the last record's, op, flags, uvarint size
	pages   = 1 << 9
)

type site struct {
	pc       uint64
	va       uint64 // of its last record
	stride   uint64 // that is predicted
	step     uint64 // between its last two records
	cycles   uint64 // to the record after its last one
	insts    uint32 // to the same
	what     uint32 // record.What
	next     uint16 // the site of that record
	occupied bool
	_        uint64 // so that a site is found by a shift
}

// coder is the state that a chunk's encoder and decoder share. It begins empty
// with each chunk.
type coder struct {
	site  [sites]site
	delta [pages]uint64 // by page number: PA - VA of the last reference
	last  uint16        // the site of the last record
	prev  record.Record
}

// reset begins a chunk, before whose first record the stream has come to this
// cycle and this number of instructions.
func (c *coder) reset(cycle uint64, instret uint32) {
	clear(c.site[:])
	clear(c.delta[:])
	c.last, c.prev = 0, record.Record{Cycle: cycle, Instret: instret}
}

func zigzag(v uint64) uint64 { return v<<1 ^ uint64(int64(v)>>63) }
func zagzig(v uint64) uint64 { return v>>1 ^ -(v & 1) }

// decode fills recs from b, the rows that are left of the chunk. run is the
// number of predicted records that are still to come. It returns how many
// records and bytes that was; fewer records than asked for at b's end.
func (c *coder) decode(recs []record.Record, b []byte, run *int) (n, used int, err error) {
	left, pos := *run, 0
	cycle, inst, last := c.prev.Cycle, c.prev.Instret, c.last
	pc := c.prev.PC
	for n < len(recs) {
		if left == 0 {
			if pos == len(b) {
				break
			}
			tag := b[pos]
			if tag >= tagRun {
				left = int(tag) - tagRun + 1
				pos++
				continue
			}
			c.prev.Cycle, c.prev.Instret, c.prev.PC, c.last = cycle, inst, pc, last
			k, err := c.decodeRow(&recs[n], b[pos:])
			if err != nil {
				return n, pos, err
			}
			pos += k
			cycle, inst, last, pc = recs[n].Cycle, recs[n].Instret, c.last, recs[n].PC
			n++
			continue
		}
		// Wholly predicted.
		k := min(left, len(recs)-n)
		left -= k
		for ; k > 0; k-- {
			from := &c.site[last&(sites-1)]
			cycle += from.cycles
			inst += from.insts
			last = from.next
			e := &c.site[last&(sites-1)]
			e.va += e.stride
			e.step = e.stride
			r := &recs[n]
			r.VA = e.va
			r.PA = e.va + c.delta[e.va>>12&(pages-1)]
			r.PC, r.Cycle, r.Instret = e.pc, cycle, inst
			r.SetWhat(e.what)
			pc = e.pc
			n++
		}
	}
	c.prev.Cycle, c.prev.Instret, c.prev.PC, c.last = cycle, inst, pc, last
	*run = left
	return n, pos, nil
}

// decodeRow decodes the record at b[0], which has a tag, and returns its length.
func (c *coder) decodeRow(r *record.Record, b []byte) (used int, err error) {
	in := row{b: b, pos: 1}
	tag := b[0]
	if tag&tagUnused != 0 {
		return 0, fmt.Errorf("a tag of %#x; the bits of %#x have no meaning", tag, tagUnused)
	}
	from := &c.site[c.last]
	at := from.next
	if tag&tagSite != 0 {
		if at, err = c.getSite(&in); err != nil {
			return 0, err
		}
		from.next = at
	}
	e := &c.site[at]
	if tag&tagCycle != 0 {
		from.cycles = zagzig(in.uvarint())
	}
	if tag&tagInst != 0 {
		from.insts = uint32(in.uvarint())
	}
	step := e.stride
	if tag&tagVA != 0 {
		step = zagzig(in.uvarint())
	}
	r.Cycle, r.Instret = c.prev.Cycle+from.cycles, c.prev.Instret+from.insts
	r.VA = e.va + step
	page := &c.delta[r.VA>>12&(pages-1)]
	if tag&tagPA != 0 {
		*page += zagzig(in.uvarint())
	}
	r.PA = r.VA + *page
	r.PC = e.pc
	r.SetWhat(e.what)
	if step == e.step {
		e.stride = step
	}
	e.va, e.step = r.VA, step
	c.last = at
	if in.bad {
		return 0, errRow
	}
	return in.pos, nil
}

func (c *coder) getSite(in *row) (uint16, error) {
	v := in.uint16()
	at := v &^ siteNew
	if at >= sites {
		return 0, fmt.Errorf("site %d; there are %d", at, sites)
	}
	e := &c.site[at]
	if v&siteNew != 0 {
		pc := c.prev.PC + zagzig(in.uvarint())
		op, flags := in.byte(), in.byte()
		size := in.uvarint()
		if size > 1<<16-1 {
			return 0, fmt.Errorf("a reference of %d bytes; 65535 are possible", size)
		}
		is := record.Record{Op: record.Op(op), Flags: flags, Size: uint16(size)}
		*e = site{pc: pc, what: is.What(), occupied: true}
	}
	return at, nil
}

var errRow = fmt.Errorf("a record that goes on beyond the end of its chunk, or a number of more than 64 bits")

// row reads the fields of a record.
type row struct {
	b   []byte
	pos int
	bad bool
}

func (in *row) uvarint() uint64 {
	v, n := binary.Uvarint(in.b[min(in.pos, len(in.b)):])
	if n <= 0 {
		in.bad = true
		return 0
	}
	in.pos += n
	return v
}

func (in *row) byte() uint8 {
	if in.pos >= len(in.b) {
		in.bad = true
		return 0
	}
	in.pos++
	return in.b[in.pos-1]
}

func (in *row) uint16() uint16 {
	if len(in.b)-in.pos < 2 {
		in.bad = true
		return 0
	}
	in.pos += 2
	return binary.LittleEndian.Uint16(in.b[in.pos-2:])
}
