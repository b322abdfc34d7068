package device

import "io"

// outputLimit is how many bytes an Output holds back before it writes.
const outputLimit = 64 << 10

// Output collects what guests print and passes it on in large writes. The
// machine flushes it at the ends of quanta and before it stops. An error of
// the writer below is kept, and what is printed after it is dropped: a guest
// must not notice that its reader has gone.
type Output struct {
	w   io.Writer
	buf []byte
	err error
}

// NewOutput returns an Output in front of w.
func NewOutput(w io.Writer) *Output { return &Output{w: w} }

// Write takes all of p. It never fails.
func (o *Output) Write(p []byte) (int, error) {
	if o.err == nil {
		o.buf = append(o.buf, p...)
		if len(o.buf) >= outputLimit {
			_ = o.Flush() // kept in o.err
		}
	}
	return len(p), nil
}

// Flush passes on what is held and returns the first error there ever was.
func (o *Output) Flush() error {
	if o.err == nil && len(o.buf) > 0 {
		_, o.err = o.w.Write(o.buf)
	}
	o.buf = o.buf[:0]
	return o.err
}
