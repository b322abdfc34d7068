package traces

import "bytes"

const (
	wantSize = "a size from 1 to 65535 bytes that does not wrap around the end of the address space"

	// maxHarts bounds the harts that a text may name, for what is kept of each.
	maxHarts  = 1 << 16
	wantHart  = "a hart below 65536"
	wantClock = "time stamps that do not run backwards (--tolerate-clock takes them as they are)"
)

// lineParser is what the formats of lines differ in.
type lineParser interface {
	// parse reads t.in's whole lines into refs until either ends or a line is
	// not a plain reference. References of a line for which refs has no room go
	// to t.pending.
	parse(t *textReader, refs []Ref) int

	// other takes the line that parse did not, or says what is wrong in it.
	other(t *textReader) error
}

// textReader is the Reader of a format of lines.
type textReader struct {
	in      *input
	lines   lineParser
	pending []Ref // come before the next line's
	made    []Ref // by oneByOne; pending may lie in it
	err     error
}

func (t *textReader) Read(refs []Ref) (n int, err error) {
	n = copy(refs, t.pending)
	t.pending = t.pending[n:]
	for n < len(refs) && t.err == nil {
		if t.in.pos >= t.in.safe {
			if n > 0 {
				break
			}
			if t.err = t.in.lines(); t.err != nil {
				break
			}
		}
		n += t.lines.parse(t, refs[n:])
		if n < len(refs) && t.in.pos < t.in.safe {
			t.err = t.lines.other(t)
		}
	}
	if n < len(refs) {
		err = t.err
	}
	return n, err
}

// oneByOne makes a lineParser of a function for one line, for formats whose
// speed matters less than their clarity. It appends the line's references.
type oneByOne func(line []byte, refs []Ref) ([]Ref, error)

func (f oneByOne) parse(t *textReader, refs []Ref) (n int) {
	for n < len(refs) && t.in.pos < t.in.safe && t.err == nil {
		var line []byte
		if line, t.err = t.in.nextLine(); t.err != nil {
			break
		}
		if t.made, t.err = f(line, t.made[:0]); t.err != nil {
			break
		}
		got := copy(refs[n:], t.made)
		n += got
		t.pending = t.made[got:]
	}
	return n
}

func (f oneByOne) other(t *textReader) error { return t.err }

// verdict on a line, for detection.
type verdict uint8

const (
	fits verdict = iota
	neutral
	misfits
)

// sniffLines scores the first lines: full if all of them fit, less if some do
// not, so that a trace with a mistake is opened and the mistake named.
func sniffLines(head []byte, whole bool, judge func(line []byte) verdict, full score) score {
	good, bad := 0, 0
	firstLines(head, whole, func(line []byte) {
		switch judge(line) {
		case fits:
			good++
		case misfits:
			bad++
		}
	})
	switch {
	case good == 0 || bad*4 > good:
		return no
	case bad > 0:
		return full - 20
	}
	return full
}

// firstLines calls f with each of the first lines of a text. A last one without
// its end is none, for it may be cut off, unless it is all.
func firstLines(head []byte, whole bool, f func(line []byte)) {
	const most = 256
	for n := 0; n < most && len(head) > 0; n++ {
		line, rest, ended := bytes.Cut(head, []byte("\n"))
		if !ended && (n > 0 || !whole) {
			break
		}
		head = rest
		f(bytes.TrimSuffix(line, []byte("\r")))
	}
}

// peekLines calls f with each of the first lines, which are then still to read.
func (in *input) peekLines(f func(line []byte)) {
	if head, whole, err := in.peek(sniffBytes); err == nil {
		firstLines(head, whole, f)
	}
}

// isComment reports whether a line of a plain text says nothing.
func isComment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) == 0 || line[0] == '#'
}

// lineFields has room for the fields of a line of the formats here.
type lineFields [5][]byte

// fields splits a line at blanks into dst, and returns how many there are;
// more than dst has room for counts as one more.
func fields(line []byte, dst *lineFields) int {
	n, pos := 0, 0
	for {
		for pos < len(line) && (line[pos] == ' ' || line[pos] == '\t') {
			pos++
		}
		if pos == len(line) {
			return n
		}
		from := pos
		for pos < len(line) && line[pos] != ' ' && line[pos] != '\t' {
			pos++
		}
		if n == len(dst) {
			return n + 1
		}
		dst[n] = line[from:pos]
		n++
	}
}

// hexField is a whole field as a hexadecimal number, with or without 0x.
func hexField(field []byte) (uint64, bool) {
	if len(field) > 2 && field[0] == '0' && field[1]|0x20 == 'x' {
		field = field[2:]
	}
	v, next, ok := hexAt(field, 0)
	return v, ok && next == len(field)
}

// decimalField is a whole field as a decimal number.
func decimalField(field []byte) (uint64, bool) {
	v, next, ok := decimalAt(field, 0)
	return v, ok && next == len(field)
}

// numberField is a whole field as a decimal number, or a hexadecimal one with 0x.
func numberField(field []byte) (uint64, bool) {
	v, next, ok := numberAt(field, 0)
	return v, ok && next == len(field)
}
