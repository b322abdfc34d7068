package isa

// Decoder decodes the instructions of one set of extensions. It is built once
// and only read afterwards: harts may share it.
type Decoder struct {
	wide    [256]bucket       // by opcode[6:2] and funct3
	compact [32][]decodeEntry // by quadrant and funct3
}

// bucket holds the rows that agree in what indexes it; where they are many,
// they are split again by the top seven bits.
type bucket struct {
	rows []decodeEntry
	byF7 [][]decodeEntry // nil, or 128
}

// decodeEntry is what decoding needs of a Row.
type decodeEntry struct {
	match, mask, nonZero uint32
	row                  uint16 // index in Rows()
	op                   Op
	format               Format
}

// splitAt is the number of rows beyond which a bucket is split.
const splitAt = 3

// NewDecoder makes the decoder of ext, which should be closed under implication
// as ParseISA returns it.
func NewDecoder(ext Extensions) *Decoder {
	d := &Decoder{}
	for i, r := range Rows() {
		if !ext.Has(r.Ext) {
			continue
		}
		e := decodeEntry{match: r.Match, mask: r.Mask, nonZero: r.NonZero, row: uint16(i), op: r.Op, format: r.Format}
		if r.Compressed() {
			for c := range d.compact {
				index := uint32(c)>>3 | uint32(c)&7<<13
				if (index^r.Match)&r.Mask&0xe003 == 0 {
					d.compact[c] = append(d.compact[c], e)
				}
			}
			continue
		}
		for b := range d.wide {
			index := uint32(b)&31<<2 | uint32(b)>>5<<12
			if (index^r.Match)&r.Mask&0x707c == 0 {
				d.wide[b].rows = append(d.wide[b].rows, e)
			}
		}
	}
	for i := range d.wide {
		d.wide[i].split()
	}
	return d
}

func (b *bucket) split() {
	if len(b.rows) <= splitAt {
		return
	}
	b.byF7 = make([][]decodeEntry, 128)
	for f7 := range b.byF7 {
		for _, e := range b.rows {
			if (uint32(f7)<<25^e.match)&e.mask&0xfe000000 == 0 {
				b.byF7[f7] = append(b.byF7[f7], e)
			}
		}
	}
}

// Decode decodes one instruction. Where the two low bits of raw are not 3 it is
// 16 bits long and the upper half of raw is ignored. What is no instruction has
// OpIllegal, and Size and Raw all the same; encodings longer than 32 bits are
// of that kind.
func (d *Decoder) Decode(raw uint32) Inst {
	if raw&3 == 3 {
		in := Inst{Rd: SinkReg, Size: 4, Cost: 1, Raw: raw, Op: OpIllegal}
		if e := find(d.wideRows(raw), raw); e != nil {
			in.Op = e.op
			operands(&in, e.format, raw)
		}
		return in
	}
	raw &= 0xffff
	in := Inst{Rd: SinkReg, Size: 2, Cost: 1, Raw: raw, Op: OpIllegal}
	if e := find(d.compactRows(raw), raw); e != nil {
		in.Op = e.op
		operandsC(&in, e.format, raw)
	}
	return in
}

func (d *Decoder) wideRows(raw uint32) []decodeEntry {
	b := &d.wide[raw>>2&31|raw>>12&7<<5]
	if b.byF7 != nil {
		return b.byF7[raw>>25]
	}
	return b.rows
}

func (d *Decoder) compactRows(raw uint32) []decodeEntry {
	return d.compact[raw>>13&7|raw&3<<3]
}

func find(rows []decodeEntry, raw uint32) *decodeEntry {
	for i := range rows {
		e := &rows[i]
		if raw&e.mask == e.match && (e.nonZero == 0 || raw&e.nonZero != 0) {
			return e
		}
	}
	return nil
}
