package replay

import (
	"io"

	"mcsim/traces"
)

// Memory is a reader of references that are in memory already.
type Memory struct {
	refs []traces.Ref
}

// FromMemory returns a reader of refs, which must not change while it is used.
func FromMemory(refs []traces.Ref) *Memory { return &Memory{refs} }

// Next returns up to n references, not copied.
func (m *Memory) Next(n int) ([]traces.Ref, error) {
	n = min(n, len(m.refs))
	out := m.refs[:n]
	m.refs = m.refs[n:]
	if len(m.refs) == 0 {
		return out, io.EOF
	}
	return out, nil
}

// Read implements traces.Reader.
func (m *Memory) Read(refs []traces.Ref) (int, error) {
	next, err := m.Next(len(refs))
	return copy(refs, next), err
}
