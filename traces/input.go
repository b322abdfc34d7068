package traces

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"
)

const (
	sniffBytes = 32 << 10
	maxBuffer  = 256 << 10
	minBuffer  = 64 << 10
	maxLine    = 16 << 10 // longer lines are no trace
	padding    = 16       // zeros behind the data, so that a parser may load words
)

// input is a window over a stream of decompressed bytes. Parsers work in buf
// directly: what lies in buf[pos:end] is theirs.
type input struct {
	src   io.Reader
	name  string
	shard uint32 // of the trace, for formats that name no thread

	// The file itself, for a format that seeks; nil if it is compressed or no
	// regular file. It is src's, from the same start.
	file *os.File
	read *atomic.Int64 // counts what is read of the file by another way than src

	buf  []byte // padding bytes follow buf[end]
	pos  int
	end  int
	safe int   // of text: buf[pos:safe] is whole lines
	base int64 // offset of buf[0] in the stream
	line int64 // of text: lines before pos
	err  error // of src; io.EOF at its end
}

func newInput(src io.Reader, name string, size int) *input {
	return &input{src: src, name: name, buf: make([]byte, size)}
}

// fill moves what is left to the front and reads more. It returns false when
// nothing came: at the end, at an error, and with a full buffer.
func (in *input) fill() bool {
	if in.err != nil {
		return false
	}
	if in.pos > 0 {
		copy(in.buf, in.buf[in.pos:in.end])
		in.base += int64(in.pos)
		in.end -= in.pos
		in.pos = 0
	}
	from := in.end
	for tries := 0; in.end == from && in.err == nil && in.end < len(in.buf)-padding; tries++ {
		n, err := in.src.Read(in.buf[in.end : len(in.buf)-padding])
		in.end += n
		in.err = err
		if n == 0 && err == nil && tries == 100 {
			in.err = io.ErrNoProgress
		}
	}
	clear(in.buf[in.end : in.end+padding])
	return in.end > from
}

// peek returns up to n of the next bytes, and whether these are all.
func (in *input) peek(n int) (head []byte, whole bool, err error) {
	for in.end-in.pos < n && in.fill() {
	}
	head = in.buf[in.pos:min(in.end, in.pos+n)]
	if in.err != nil && in.err != io.EOF && len(head) == 0 {
		return nil, false, in.failed()
	}
	return head, in.err == io.EOF && in.pos+len(head) == in.end, nil
}

// lines finds the next whole lines, buf[pos:safe]; call it when pos has reached
// safe. The last line of a file may lack its newline, and is given one. io.EOF
// at the end.
func (in *input) lines() error {
	for searched := 0; ; {
		if i := bytes.LastIndexByte(in.buf[in.pos+searched:in.end], '\n'); i >= 0 {
			in.safe = in.pos + searched + i + 1
			return nil
		}
		searched = in.end - in.pos
		if searched > maxLine {
			return in.bad(in.buf[in.pos:in.end], wantLine)
		}
		if in.fill() {
			continue
		}
		switch {
		case in.err != io.EOF:
			return in.failed()
		case in.pos == in.end:
			return io.EOF
		}
		in.buf[in.end] = '\n'
		in.end++
		in.safe = in.end
		return nil
	}
}

const wantLine = "lines of at most 16384 bytes"

// nextLine takes the next line, without its newline and carriage return, out of
// those that lines found.
func (in *input) nextLine() ([]byte, error) {
	rest := in.buf[in.pos:in.safe]
	n := bytes.IndexByte(rest, '\n')
	if n > maxLine {
		return nil, in.bad(rest, wantLine)
	}
	in.pos += n + 1
	in.line++
	line := rest[:n]
	if n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}

// bad is an error at the line that begins at pos.
func (in *input) bad(found []byte, want string) error {
	if n := bytes.IndexByte(found, '\n'); n >= 0 {
		found = found[:n]
	}
	return &Error{File: in.name, Line: in.line + 1, Found: quote(found), Want: want}
}

// badLine is an error in the line that nextLine returned.
func (in *input) badLine(found []byte, want string) error {
	return &Error{File: in.name, Line: in.line, Found: quote(found), Want: want}
}

// offset is where the parser stands, in decompressed bytes.
func (in *input) offset() int64 { return in.base + int64(in.pos) }

// failed is what src failed with, with the place.
func (in *input) failed() error {
	var placed *Error
	if errors.As(in.err, &placed) {
		return in.err
	}
	return &Error{File: in.name, Offset: in.base + int64(in.end), Err: in.err}
}
