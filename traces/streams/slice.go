package streams

import (
	"io"
	"math"

	"mcsim/traces"
)

// Range is from From to To, both included.
type Range struct{ From, To uint64 }

// All is the range of everything.
var All = Range{0, math.MaxUint64}

func (r Range) has(x uint64) bool { return x >= r.From && x <= r.To }

// Part says which references of a trace are wanted: those that meet all of it.
type Part struct {
	Cycles    Range         // time stamps; references without one do not meet less than All
	Addresses []Range       // one of which the first byte lies in, virtual or physical; none is all
	Threads   []Range       // none is all
	Kinds     []traces.Kind // none is all
	Skip      uint64        // of those that meet the above, leave out so many first,
	Limit     uint64        // and end after so many; 0 for no limit
	kinds     [traces.NumKinds]bool
}

// Slice cuts a part out of a stream. The instructions of references that are
// left out between others of their thread are added to the next one that is
// kept, so that a clock that advances by instructions stays right.
func Slice(r traces.Reader, p Part) traces.Reader {
	for k := range p.kinds {
		p.kinds[k] = len(p.Kinds) == 0
	}
	for _, k := range p.Kinds {
		p.kinds[k] = true
	}
	return &slice{r: r, p: p, owed: map[uint32]uint32{}}
}

type slice struct {
	r     traces.Reader
	p     Part
	met   uint64            // references that met the conditions
	owed  map[uint32]uint32 // instructions, by thread, of what was left out
	ended bool
}

func (s *slice) Read(refs []traces.Ref) (int, error) {
	for !s.ended {
		n, err := s.r.Read(refs)
		kept := 0
		for i := range refs[:n] {
			if s.keep(&refs[i]) {
				refs[kept] = refs[i]
				kept++
			}
			if s.ended {
				return kept, io.EOF
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
	return 0, io.EOF
}

func (s *slice) keep(r *traces.Ref) bool {
	p := &s.p
	if p.Cycles != All && (r.Has&traces.HasCycle == 0 || !p.Cycles.has(r.Cycle)) || !within(p.Threads, uint64(r.Thread)) {
		return false
	}
	wanted := r.Kind < traces.NumKinds && p.kinds[r.Kind] &&
		(len(p.Addresses) == 0 ||
			r.Has&traces.HasVA != 0 && within(p.Addresses, r.VA) || r.Has&traces.HasPA != 0 && within(p.Addresses, r.PA))
	if !wanted {
		if sum := s.owed[r.Thread] + r.Instructions; sum >= r.Instructions {
			s.owed[r.Thread] = sum
		}
		return false
	}
	s.met++
	if s.met <= p.Skip {
		delete(s.owed, r.Thread)
		return false
	}
	if owed := s.owed[r.Thread]; owed > 0 {
		if sum := r.Instructions + owed; sum >= owed {
			r.Instructions = sum
		}
		delete(s.owed, r.Thread)
	}
	s.ended = p.Limit > 0 && s.met-p.Skip >= p.Limit
	return true
}

func within(ranges []Range, x uint64) bool {
	if len(ranges) == 0 {
		return true
	}
	for _, r := range ranges {
		if r.has(x) {
			return true
		}
	}
	return false
}
