package traces

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

// Valgrind's Lackey with --trace-mem=yes (valgrind, lackey/lk_main.c, function
// print of trace events):
//
//	I  04001f00,3         a fetch of 3 bytes
//	 L 1ffefff6c8,8       a load by the instruction above it
//	 S 1ffefff6c0,8       a store
//	 M 0421b4f0,4         a modify: a load, then a store
//
// Among them stand lines of Valgrind itself: ==pid==, --pid--, **pid**, and
// with --trace-superblocks=yes "SB address". Where no fetch stands above it, as in
// traces whose fetches were left out, a line of data is an instruction of its own.
var lackeyFormat = format{
	name:   "lackey",
	title:  "Valgrind Lackey, --trace-mem=yes",
	has:    HasVA | HasPC | HasSize,
	sniff:  sniffLackey,
	open:   openLackey,
	create: func(w io.Writer, _ *Info) Writer { return &lackeyWriter{w: bufio.NewWriterSize(w, writeBuffer)} },
}

const wantLackey = "a line of Lackey such as `I  04001f00,3` or ` L 1ffefff6c8,8` " +
	"(Valgrind's --log-file keeps the program's own output out of the trace)"

type lackey struct {
	pc  uint64
	has Fields // HasPC after the first instruction
}

func openLackey(in *input, _ *Options, info *Info) ([]Reader, error) {
	info.Instructions = true
	return []Reader{&textReader{in: in, lines: &lackey{}}}, nil
}

func sniffLackey(head []byte, whole bool) score {
	return sniffLines(head, whole, func(line []byte) verdict {
		switch kind, _, _, next := lackeyLine(line); {
		case kind != lackeyOther && next == len(line):
			return fits
		case isValgrinds(line):
			return neutral
		}
		return misfits
	}, likely)
}

const (
	lackeyFetch  = "I  "
	lackeyLoad   = " L "
	lackeyStore  = " S "
	lackeyModify = " M "
)

type lackeyKind uint8

const (
	lackeyOther lackeyKind = iota
	lackeyI
	lackeyL
	lackeyS
	lackeyM
)

// lackeyLine parses one line in full.
func lackeyLine(line []byte) (kind lackeyKind, addr, size uint64, next int) {
	if len(line) < 6 {
		return lackeyOther, 0, 0, 0
	}
	switch string(line[:3]) {
	case lackeyFetch:
		kind = lackeyI
	case lackeyLoad:
		kind = lackeyL
	case lackeyStore:
		kind = lackeyS
	case lackeyModify:
		kind = lackeyM
	}
	addr, next, ok := hexAt(line, 3)
	if !ok || next == len(line) || line[next] != ',' {
		return lackeyOther, 0, 0, 0
	}
	size, next, ok = decimalAt(line, next+1)
	if !ok {
		return lackeyOther, 0, 0, 0
	}
	return kind, addr, size, next
}

// isValgrinds reports whether a line is Valgrind's own talk.
func isValgrinds(line []byte) bool {
	if len(line) == 0 || bytes.HasPrefix(line, []byte("SB ")) {
		return true
	}
	if len(line) < 5 || line[0] != line[1] || line[0] != '=' && line[0] != '-' && line[0] != '*' {
		return false
	}
	_, next, ok := decimalAt(line, 2)
	return ok && next+1 < len(line) && line[next] == line[0] && line[next+1] == line[0]
}

const (
	wordI = uint32('I') | ' '<<8 | ' '<<16
	wordL = uint32(' ') | 'L'<<8 | ' '<<16
	wordS = uint32(' ') | 'S'<<8 | ' '<<16
	wordM = uint32(' ') | 'M'<<8 | ' '<<16
)

// parse is the loop that has to be fast. Every line ends in a newline, which ends
// every number.
func (l *lackey) parse(t *textReader, refs []Ref) (n int) {
	in := t.in
	buf, pos, safe, line := in.buf, in.pos, in.safe, in.line
	pc, has, thread := l.pc, l.has, in.shard
	own := uint32(1) // instructions that a line of data stands for
	if has != 0 {
		own = 0
	}
lines:
	for pos < safe && n < len(refs) {
		word := binary.LittleEndian.Uint32(buf[pos:]) & 0xffffff
		at := pos + 3
		addr, ok := hex8(binary.LittleEndian.Uint64(buf[at:]))
		if ok {
			at += 8
		} else {
			addr = 0
		}
		for d := hexValue[buf[at]]; d != 0xff && addr>>60 == 0; d = hexValue[buf[at]] {
			addr = addr<<4 | uint64(d)
			at++
		}
		if buf[at] != ',' || at == pos+3 {
			break
		}
		size := uint64(buf[at+1] - '0')
		if size > 9 {
			break
		}
		at += 2
		for d := buf[at] - '0'; d <= 9 && size < MaxSize; d = buf[at] - '0' {
			size = size*10 + uint64(d)
			at++
		}
		if buf[at] == '\r' {
			at++
		}
		if buf[at] != '\n' || !sized(addr, size) {
			break
		}
		ref := &refs[n]
		switch word {
		case wordI:
			pc, has, own = addr, HasPC, 0
			*ref = Ref{VA: addr, PC: addr, Instructions: 1, Size: uint32(size), Thread: thread, Kind: Fetch, Has: HasVA | HasPC | HasSize}
		case wordL:
			*ref = Ref{VA: addr, PC: pc, Instructions: own, Size: uint32(size), Thread: thread, Kind: Load, Has: HasVA | HasSize | has}
		case wordS:
			*ref = Ref{VA: addr, PC: pc, Instructions: own, Size: uint32(size), Thread: thread, Kind: Store, Has: HasVA | HasSize | has}
		case wordM:
			*ref = Ref{VA: addr, PC: pc, Instructions: own, Size: uint32(size), Thread: thread, Kind: Load, Has: HasVA | HasSize | has}
			store := *ref
			store.Kind, store.Instructions = Store, 0
			if n++; n < len(refs) {
				refs[n] = store
			} else {
				t.pending = append(t.pending, store)
				n--
			}
		default:
			break lines
		}
		n++
		line++
		pos = at + 1
	}
	in.pos, in.line = pos, line
	l.pc, l.has = pc, has
	return n
}

func (l *lackey) other(t *textReader) error {
	line, err := t.in.nextLine()
	if err != nil || isValgrinds(line) {
		return err
	}
	kind, addr, size, next := lackeyLine(line)
	if kind != lackeyOther && next == len(line) && !sized(addr, size) {
		return t.in.badLine(line, wantSize)
	}
	return t.in.badLine(line, wantLackey)
}

// lackeyWriter writes what Lackey would. Kinds that it lacks become loads and
// stores where they move data, and are left out where they do not.
type lackeyWriter struct {
	w    *bufio.Writer
	line []byte
}

func (l *lackeyWriter) Write(refs []Ref) error {
	for i := range refs {
		r := &refs[i]
		var kinds string
		switch reads, writes := r.Kind.moves(); {
		case r.Kind == Fetch:
			kinds = lackeyFetch
		case reads && writes:
			kinds = lackeyModify
		case reads:
			kinds = lackeyLoad
		case writes:
			kinds = lackeyStore
		default:
			continue
		}
		l.line = append(l.line[:0], kinds...)
		l.line = appendHex(l.line, r.address(), 8)
		l.line = append(l.line, ',')
		l.line = strconv.AppendUint(l.line, uint64(r.Size), 10)
		l.line = append(l.line, '\n')
		if _, err := l.w.Write(l.line); err != nil {
			return fmt.Errorf("writing lackey: %w", err)
		}
	}
	return nil
}

func (l *lackeyWriter) Close() error { return l.w.Flush() }
