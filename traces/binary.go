package traces

import (
	"fmt"
	"io"
)

// records makes sure that at least one record of the given size is at pos, and
// returns how many whole ones are. io.EOF at the end, an error at half a record.
func (in *input) records(size int) (n int, err error) {
	for in.end-in.pos < size {
		if in.fill() {
			continue
		}
		switch {
		case in.err != io.EOF:
			return 0, in.failed()
		case in.pos == in.end:
			return 0, io.EOF
		}
		return 0, in.badRecord(fmt.Sprintf("%d bytes", in.end-in.pos),
			fmt.Sprintf("a whole record of %d bytes: the trace was cut off", size))
	}
	return (in.end - in.pos) / size, nil
}

// badRecord is an error in the record at pos.
func (in *input) badRecord(found, want string) error {
	return &Error{File: in.name, Offset: in.offset(), Found: found, Want: want}
}
