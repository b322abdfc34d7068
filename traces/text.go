package traces

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// The plain text, mcsim's own simple format for those who have a script:
//
//	# comment
//	[time] hart R|W|I address [size]
//
// time, hart and size are decimal, the address hexadecimal, with or without 0x.
// All lines of a file have a time, or none has. Instead of R, W and I the name
// of any Kind may stand. Addresses are virtual.
var textFormat = format{
	name:   "text",
	title:  "plain text: [time] hart R|W|I address [size]",
	has:    HasVA | HasCycle | HasSize,
	sniff:  sniffText,
	open:   openText,
	create: newTextWriter,
}

const wantText = "`[time] hart R|W|I address [size]`, such as `0 R 0x1ff0 8`"

type text struct {
	in    *input
	opts  *Options
	timed bool
	begun bool
	clock []uint64 // of each hart
}

func openText(in *input, opts *Options, info *Info) ([]Reader, error) {
	t := &text{in: in, opts: opts}
	info.Has &^= HasCycle
	in.peekLines(func(line []byte) {
		var f lineFields
		switch n := fields(line, &f); {
		case isComment(line) || n < 3:
			return
		case n > 3 && !t.begun:
			_, t.timed = textKind(f[2])
		}
		t.begun = true
		kind, ok := textKind(f[1])
		if t.timed {
			kind, ok = textKind(f[2])
		}
		info.Instructions = info.Instructions || ok && kind == Fetch
	})
	if t.timed {
		info.Has |= HasCycle
		info.CycleUnit = "cycle"
	}
	return []Reader{&textReader{in: in, lines: oneByOne(t.line)}}, nil
}

func sniffText(head []byte, whole bool) score {
	return sniffLines(head, whole, func(line []byte) verdict {
		if isComment(line) {
			return neutral
		}
		var f lineFields
		n := fields(line, &f)
		for at := 1; at <= 2; at++ { // where the kind stands
			if _, known := textKind(f[at]); known && at+1 < n && n <= at+3 {
				_, hart := decimalField(f[0])
				_, addr := hexField(f[at+1])
				if hart && addr {
					return fits
				}
			}
		}
		return misfits
	}, likely)
}

// textKind is what a field says that a reference does.
func textKind(field []byte) (Kind, bool) {
	if len(field) == 1 {
		switch field[0] {
		case 'R', 'r':
			return Load, true
		case 'W', 'w':
			return Store, true
		case 'I', 'i':
			return Fetch, true
		}
		return 0, false
	}
	for k, name := range kindNames {
		if string(field) == name {
			return Kind(k), true
		}
	}
	return 0, false
}

func (t *text) line(line []byte, refs []Ref) ([]Ref, error) {
	if isComment(line) {
		return refs, nil
	}
	var f lineFields
	n := fields(line, &f)
	at := 1
	if t.timed {
		at = 2
	}
	if n < at+2 || n > at+3 {
		return refs, t.in.badLine(line, wantText)
	}
	kind, known := textKind(f[at])
	hart, hartOK := decimalField(f[at-1])
	addr, addrOK := hexField(f[at+1])
	if !known || !hartOK || !addrOK {
		return refs, t.in.badLine(line, wantText)
	}
	if hart >= maxHarts {
		return refs, t.in.badLine(line, wantHart)
	}
	ref := Ref{VA: addr, Size: 1, Thread: uint32(hart), Kind: kind, Has: HasVA}
	if kind == Fetch {
		ref.Instructions = 1
	}
	if n == at+3 {
		size, ok := decimalField(f[at+2])
		if !ok || !sized(addr, size) {
			return refs, t.in.badLine(line, wantSize)
		}
		ref.Size = uint32(size)
		ref.Has |= HasSize
	}
	if t.timed {
		time, ok := decimalField(f[0])
		if !ok {
			return refs, t.in.badLine(line, wantText)
		}
		if !t.opts.TolerateClock && !t.advance(uint32(hart), time) {
			return refs, t.in.badLine(line, wantClock)
		}
		ref.Cycle = time
		ref.Has |= HasCycle
	}
	return append(refs, ref), nil
}

// advance sets a hart's clock, and reports whether it did not run backwards.
func (t *text) advance(hart uint32, time uint64) bool {
	for int(hart) >= len(t.clock) {
		t.clock = append(t.clock, 0)
	}
	if time < t.clock[hart] {
		return false
	}
	t.clock[hart] = time
	return true
}

type textWriter struct {
	w     *bufio.Writer
	timed bool
	line  []byte
}

func newTextWriter(w io.Writer, info *Info) Writer {
	return &textWriter{w: bufio.NewWriterSize(w, writeBuffer), timed: info.Has&HasCycle != 0}
}

func (t *textWriter) Write(refs []Ref) error {
	for i := range refs {
		r := &refs[i]
		t.line = t.line[:0]
		if t.timed {
			t.line = append(strconv.AppendUint(t.line, r.Cycle, 10), ' ')
		}
		t.line = append(strconv.AppendUint(t.line, uint64(r.Thread), 10), ' ')
		switch r.Kind {
		case Load:
			t.line = append(t.line, 'R')
		case Store:
			t.line = append(t.line, 'W')
		case Fetch:
			t.line = append(t.line, 'I')
		default:
			t.line = append(t.line, r.Kind.String()...)
		}
		t.line = append(t.line, " 0x"...)
		t.line = appendHex(t.line, r.address(), 1)
		if r.Has&HasSize != 0 {
			t.line = append(t.line, ' ')
			t.line = strconv.AppendUint(t.line, uint64(r.Size), 10)
		}
		t.line = append(t.line, '\n')
		if _, err := t.w.Write(t.line); err != nil {
			return fmt.Errorf("writing text: %w", err)
		}
	}
	return nil
}

func (t *textWriter) Close() error { return t.w.Flush() }
