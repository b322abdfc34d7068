package traces

import (
	"fmt"
	"io"
	"math/bits"
)

// Writer writes references in a format. References come in the order of the
// trace; a format that has no place for a field leaves it out.
type Writer interface {
	Write(refs []Ref) error

	// Close writes what is buffered and the format's end. It does not close
	// what the writer writes to.
	Close() error
}

// Create returns a writer of the named format; info is of the trace that the
// references come from, as far as it is known.
func Create(w io.Writer, name string, info *Info) (Writer, error) {
	f := formatNamed(name)
	switch {
	case f == nil:
		return nil, fmt.Errorf("no trace format %q; there are %v", name, Formats())
	case f.create == nil:
		return nil, fmt.Errorf("the trace format %q can only be read", name)
	}
	return f.create(w, info), nil
}

const writeBuffer = 64 << 10

// appendHex appends v in lower-case hexadecimal, with at least width digits.
func appendHex(dst []byte, v uint64, width int) []byte {
	digits := max((bits.Len64(v)+3)/4, width)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[v>>shift&15])
	}
	return dst
}
