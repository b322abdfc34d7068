package traces

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrInterrupted is the end of a trace that Options.Interrupt ended.
var ErrInterrupted = errors.New("interrupted")

// Error says where a trace is wrong and what was expected there. The references
// before it were delivered.
type Error struct {
	File   string // and the member, for an archive
	Line   int64  // from 1 in text, 0 in binary formats
	Offset int64  // of the record in binary formats, in decompressed bytes
	Found  string // what stands there, quoted; may be empty
	Want   string // what was expected, and the likely fix
	Err    error  // of the host or a decompressor, if that is the reason
}

func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	} else if e.Offset > 0 || e.Found != "" {
		where = fmt.Sprintf("%s: at byte %d", e.File, e.Offset)
	}
	switch {
	case e.Err != nil:
		return fmt.Sprintf("%s: %v", where, e.Err)
	case e.Found != "":
		return fmt.Sprintf("%s: found %s, expected %s", where, e.Found, e.Want)
	}
	return fmt.Sprintf("%s: %s", where, e.Want)
}

func (e *Error) Unwrap() error { return e.Err }

// quote shows a piece of a trace within a message, whatever it is.
func quote(piece []byte) string {
	const most = 48
	if len(piece) > most {
		return strconv.Quote(string(piece[:most])) + "..."
	}
	return strconv.Quote(string(piece))
}
