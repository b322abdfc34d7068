package coherence

// code is a model in one word: all of it, not a hash, and the same for models
// that differ only in the numbering of caches, lines or values. From the top:
//
//	1 bit     set, so that no code is 0
//	6 bits    each line's home: memory's value, and the LLC's or its absence
//	4 x 13    each cache's column, in falling order: its copy of each line (5 bits), its want (3)
//
// That the numbering does not matter is what Murphi calls a scalarset (Ip and
// Dill, 1996): the table and the model's steps copy caches, lines and values and
// ask whether they are the same, and nothing else. A renaming of a way from
// reset is again one, and the rules hold for both or for neither, so one of each
// orbit is enough. Only where two caches write back different data in one snoop
// does their order matter, and that state has broken a rule before. The naming
// of values is by first appearance: the last write, memory, the LLC, the copies.
type code uint64

const (
	copyBits   = 5
	wantBits   = 3
	columnBits = maxLines*copyBits + wantBits
	homeBits   = 3
	someCode   = 1 << 63
)

// packed is one line's part of a code.
type packed struct {
	home   uint64
	copies [maxCaches]uint64
}

// encode is the code of m, in which every rule that check knows holds.
func (w *world) encode(m *model) code {
	var lines [maxLines]packed
	for i := range w.Lines {
		w.pack(&m.lines[i], &lines[i])
	}
	return w.join(m, &lines)
}

// join is the code of m, whose lines are packed.
func (w *world) join(m *model, lines *[maxLines]packed) code {
	first, second := &lines[0], &lines[1]
	if w.Lines == 1 {
		return w.columns(m, first.home, first, second, 0)
	}
	straight, swapped := first.home<<homeBits|second.home, second.home<<homeBits|first.home
	switch {
	case straight < swapped:
		return w.columns(m, straight, first, second, 0)
	case straight > swapped:
		return w.columns(m, swapped, second, first, 1)
	}
	return min(w.columns(m, straight, first, second, 0), w.columns(m, straight, second, first, 1))
}

// pack renames a line's values and packs its home and its copies.
func (w *world) pack(l *mLine, to *packed) {
	var names [maxValues]uint8 // 1 + the new name; 0 is none yet
	names[l.last] = 1
	next := uint8(1)
	name := func(v uint8) uint64 {
		if names[v] == 0 {
			next++
			names[v] = next
		}
		return uint64(names[v] - 1)
	}
	to.home = name(l.mem) << 2
	if l.llc != absent {
		to.home |= 1 + name(l.llc)
	}
	for c := range w.Caches {
		if st := l.st[c]; st != Invalid { // the filter knows of it
			to.copies[c] = 2 + uint64(st-1)*maxValues + name(l.val[c])
		} else {
			to.copies[c] = uint64(l.filter >> c & 1)
		}
	}
}

// columns completes a code. swap is 1 if the lines have changed places.
func (w *world) columns(m *model, homes uint64, first, second *packed, swap uint8) code {
	var column [maxCaches]uint64
	for c := range w.Caches {
		v := (first.copies[c]<<copyBits | second.copies[c]) << wantBits
		if wt := &m.want[c]; wt.on {
			v |= 1 + uint64(wt.op)<<1 + uint64(wt.line^swap)
		}
		column[c] = v
	}
	a, b, c, d := column[0], column[1], column[2], column[3]
	a, b = max(a, b), min(a, b)
	c, d = max(c, d), min(c, d)
	a, c = max(a, c), min(a, c)
	b, d = max(b, d), min(b, d)
	b, c = max(b, c), min(b, c)
	return code(someCode | homes<<(maxCaches*columnBits) |
		a<<(3*columnBits) | b<<(2*columnBits) | c<<columnBits | d)
}

// decode is one of the models whose code is k.
func (w *world) decode(k code) (m model) {
	homes := uint64(k) &^ someCode >> (maxCaches * columnBits)
	for i := range m.lines {
		m.lines[i].llc = absent
	}
	for i := w.Lines - 1; i >= 0; i-- {
		l := &m.lines[i]
		l.mem = uint8(homes >> 2 & 1)
		if v := uint8(homes & 3); v != 0 {
			l.llc = v - 1
		}
		homes >>= homeBits
	}
	for c := range w.Caches {
		column := uint64(k) >> ((maxCaches - 1 - c) * columnBits)
		if v := uint8(column & (1<<wantBits - 1)); v != 0 {
			m.want[c] = want{true, Event((v - 1) >> 1), (v - 1) & 1}
		}
		for i := range w.Lines {
			l := &m.lines[i]
			switch v := uint8(column >> (wantBits + (maxLines-1-i)*copyBits) & (1<<copyBits - 1)); v {
			case 0:
			case 1:
				l.filter |= 1 << c
			default:
				l.filter |= 1 << c
				l.st[c], l.val[c] = State((v-2)/maxValues+1), (v-2)%maxValues
			}
		}
	}
	return m
}
