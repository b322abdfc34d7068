package traces

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// Dinero's din (Dinero III and IV, dinfmt.c): a label and a hexadecimal
// address. Din is word-oriented: Dinero clears the two lowest bits of the
// address and takes 4 bytes, and so does this reader. The rest of a line is a
// comment.
//
//	0 7ffe0010     0 read, 1 write, 2 fetch, 3 miscellaneous,
//	2 400120       4 copy back, 5 invalidate
var dinFormat = format{
	name:  "din",
	title: "Dinero din: label address",
	has:   HasVA | HasSize,
	sniff: sniffDin,
	open: func(in *input, _ *Options, info *Info) ([]Reader, error) {
		return openDin(in, info, dinLine)
	},
	create: func(w io.Writer, _ *Info) Writer { return &dinWriter{w: bufio.NewWriterSize(w, writeBuffer)} },
}

// Extended din (Dinero IV, xdinfmt.c): the type of access as a letter, then
// address and size in hexadecimal.
//
//	r 7ffe0010 8     r read, w write, i fetch, m miscellaneous,
//	i 400120 4       c copy back, v invalidate
var xdinFormat = format{
	name:  "xdin",
	title: "Dinero IV extended din: type address size",
	has:   HasVA | HasSize,
	sniff: func(head []byte, whole bool) score { return sniffLines(head, whole, judgeXdin, likely) },
	open: func(in *input, _ *Options, info *Info) ([]Reader, error) {
		return openDin(in, info, xdinLine)
	},
	create: func(w io.Writer, _ *Info) Writer {
		return &dinWriter{w: bufio.NewWriterSize(w, writeBuffer), extended: true}
	},
}

const (
	wantDin  = "a line of din such as `0 7ffe0010`: a label from 0 to 5 and a hexadecimal address"
	wantXdin = "a line of extended din such as `r 7ffe0010 8`: one of r, w, i, m, c and v, an address and a size in hexadecimal"
)

// dinKinds are Dinero's types of access in the order of din's labels.
var dinKinds = [...]Kind{Load, Store, Fetch, Load, Clean, Inval}

const xdinLetters = "rwimcv"

// A dinLine parser returns the kind, address and size of a line, or what was
// expected.
type dinParser func(line []byte) (k Kind, addr, size uint64, want string)

func dinLine(line []byte) (k Kind, addr, size uint64, want string) {
	var f lineFields
	n := fields(line, &f)
	if n < 2 {
		return 0, 0, 0, wantDin
	}
	label, ok := hexField(f[0])
	addr, addrOK := hexField(f[1])
	if !ok || !addrOK || label >= uint64(len(dinKinds)) {
		return 0, 0, 0, wantDin
	}
	return dinKinds[label], addr &^ 3, 4, ""
}

func xdinLine(line []byte) (k Kind, addr, size uint64, want string) {
	var f lineFields
	n := fields(line, &f)
	if n < 3 || len(f[0]) != 1 {
		return 0, 0, 0, wantXdin
	}
	label := 0
	for label < len(xdinLetters) && xdinLetters[label] != f[0][0]|0x20 {
		label++
	}
	addr, addrOK := hexField(f[1])
	size, sizeOK := hexField(f[2])
	switch {
	case label == len(xdinLetters) || !addrOK || !sizeOK:
		return 0, 0, 0, wantXdin
	case !sized(addr, size):
		return 0, 0, 0, wantSize
	}
	return dinKinds[label], addr, size, ""
}

// sniffDin is in doubt where lines have comments, since other formats look like
// din with comments.
func sniffDin(head []byte, whole bool) score {
	comments := false
	found := sniffLines(head, whole, func(line []byte) verdict {
		var f lineFields
		comments = comments || fields(line, &f) > 2
		if _, _, _, want := dinLine(line); want != "" {
			return misfits
		}
		return fits
	}, likely)
	if comments {
		return min(found, possible)
	}
	return found
}

func judgeXdin(line []byte) verdict {
	if _, _, _, want := xdinLine(line); want != "" {
		return misfits
	}
	return fits
}

func openDin(in *input, info *Info, parse dinParser) ([]Reader, error) {
	in.peekLines(func(line []byte) {
		if k, _, _, want := parse(line); want == "" && k == Fetch {
			info.Instructions = true
		}
	})
	return []Reader{&textReader{in: in, lines: oneByOne(func(line []byte, refs []Ref) ([]Ref, error) {
		k, addr, size, want := parse(line)
		if want != "" {
			return refs, in.badLine(line, want)
		}
		ref := Ref{VA: addr, Size: uint32(size), Thread: in.shard, Kind: k, Has: HasVA | HasSize}
		if k == Fetch {
			ref.Instructions = 1
		}
		return append(refs, ref), nil
	})}}, nil
}

// dinWriter writes either form. What Dinero has no access for is left out. Din
// itself has words only: a larger reference becomes several lines.
type dinWriter struct {
	w        *bufio.Writer
	extended bool
	line     []byte
}

func (d *dinWriter) Write(refs []Ref) error {
	for i := range refs {
		r := &refs[i]
		labels := dinLabels(r.Kind)
		if len(labels) == 0 {
			continue
		}
		addr := r.address()
		d.line = d.line[:0]
		if d.extended {
			for _, label := range labels {
				d.add(xdinLetters[label], addr)
				d.line = append(d.line, ' ')
				d.line = append(strconv.AppendUint(d.line, uint64(r.Size), 16), '\n')
			}
		} else {
			for word := addr &^ 3; word-addr&^3 < uint64(r.Size)+addr&3; word += 4 {
				for _, label := range labels {
					d.add('0'+label, word)
					d.line = append(d.line, '\n')
				}
			}
		}
		if _, err := d.w.Write(d.line); err != nil {
			return fmt.Errorf("writing din: %w", err)
		}
	}
	return nil
}

func (d *dinWriter) add(label byte, addr uint64) {
	d.line = append(d.line, label, ' ')
	d.line = appendHex(d.line, addr, 1)
}

// dinLabels are the labels of the accesses that a kind is in Dinero.
func dinLabels(k Kind) []byte {
	switch reads, writes := k.moves(); {
	case k == Fetch:
		return []byte{2}
	case k == Prefetch:
		return []byte{3}
	case k == Clean:
		return []byte{4}
	case k == Inval:
		return []byte{5}
	case k == Flush:
		return []byte{4, 5}
	case reads && writes:
		return []byte{0, 1}
	case reads:
		return []byte{0}
	case writes:
		return []byte{1}
	}
	return nil
}

func (d *dinWriter) Close() error { return d.w.Flush() }
