package coherence

import (
	"bytes"
	"fmt"

	"mcsim/addr"
	"mcsim/cache"
)

// InvariantError is a coherence rule that the simulator itself has broken. What
// names it; the private copies are listed as the check found them.
type InvariantError struct {
	Line uint64 // line address
	What string
}

func (e *InvariantError) Error() string {
	return fmt.Sprintf("coherence: line %#x: %s", e.Line, e.What)
}

// Check verifies the invariants of every line that some cache or filter holds,
// and the arrays' own.
func (b *Bus) Check() error {
	seen := map[uint64]bool{}
	var first error
	look := func(tags []uint64, state []uint8) {
		for i, t := range tags {
			if state[i] != 0 && !seen[t] && first == nil {
				seen[t] = true
				first = b.CheckLine(t)
			}
		}
	}
	for _, p := range b.privs {
		look(p.d.Tags, p.d.State)
		look(p.i.Tags, p.i.State)
		if p.l2 != nil {
			look(p.l2.Tags, p.l2.State)
		}
	}
	look(b.home.tags.Tags, b.home.tags.State)
	if b.home.llc != nil {
		look(b.home.llc.Tags, b.home.llc.State)
	}
	return first
}

// CheckLine verifies one line: a single writer or many readers, the filter
// covers the holders, inclusion holds, and all copies agree with the newest.
func (b *Bus) CheckLine(line uint64) error {
	truth, err := b.truth(line)
	if err != nil {
		return err
	}
	if b.mayBeStale(line) {
		truth = nil
	}
	h := b.home
	e := h.tags.Lookup(line)
	writers, holders, answering := 0, 0, 0
	for _, p := range b.privs {
		st, holds, err := p.checkLine(line, truth)
		if err != nil {
			return err
		}
		if holds {
			holders++
			if e < 0 || h.sharers[e]>>p.id&1 == 0 {
				return b.broken(line, "the filter does not know of hart %d's copy", p.id)
			}
		}
		if b.cfg.Announce && !holds && e >= 0 && h.sharers[e]>>p.id&1 != 0 {
			return b.broken(line, "hart %d's copy went unannounced", p.id)
		}
		if b.cfg.Protocol.States[st].Write {
			writers++
		}
		if b.moves.answers(st) {
			answering++
			if h.owner[e] != int8(p.id) {
				return b.broken(line, "hart %d is %v but the filter's owner is %d", p.id, st, h.owner[e])
			}
		}
	}
	if writers > 1 || writers == 1 && holders > 1 {
		return b.broken(line, "%d writers among %d holders", writers, holders)
	}
	if answering > 1 {
		return b.broken(line, "%d caches would answer a reader", answering)
	}
	return nil
}

// truth is the newest data of a line: a dirty copy, else the LLC's, else
// memory's.
func (b *Bus) truth(line uint64) ([]byte, error) {
	mem := make([]byte, 1<<b.shift)
	peeker, ok := b.home.mem.(interface {
		PeekLine(line addr.PA, dst []byte)
	})
	if ok {
		peeker.PeekLine(b.lineAddr(line), mem)
	}
	truth := mem
	if b.home.llc != nil {
		if s := b.home.llc.Lookup(line); s >= 0 {
			truth = b.home.llc.LineData(s)
			if ok && b.home.llc.State[s] == llcClean && !bytes.Equal(truth, mem) && !b.mayBeStale(line) {
				return nil, b.broken(line, "the LLC's clean copy differs from memory")
			}
		}
	}
	for _, p := range b.privs {
		o := p.outer.Lookup(line)
		if o < 0 || !b.cfg.Protocol.States[p.outer.State[o]].Dirty {
			continue
		}
		truth = p.outer.LineData(o)
		if s := p.d.Lookup(line); s >= 0 && State(p.d.State[s]) == Modified {
			truth = p.d.LineData(s)
		}
	}
	return truth, nil
}

// checkLine verifies the hart's own levels against truth, or only their states
// if that is nil, because the line was written behind the caches. st is the protocol
// state, holds whether any snooped level has a copy.
func (p *Private) checkLine(line uint64, truth []byte) (st State, holds bool, err error) {
	bad := func(format string, args ...any) error {
		return &InvariantError{line, fmt.Sprintf("hart %d: ", p.id) + fmt.Sprintf(format, args...)}
	}
	o, d, i := p.outer.Lookup(line), p.d.Lookup(line), p.i.Lookup(line)
	if o >= 0 {
		st, holds = State(p.outer.State[o]), true
	}
	dst := Invalid
	if d >= 0 {
		dst = State(p.d.State[d])
		if differs(p.d.LineData(d), truth) {
			return st, holds, bad("the L1D's copy (%v) is stale", dst)
		}
	}
	if p.l2 != nil {
		switch may := p.moves[st][Store].do&Hit != 0; {
		case o < 0 && (d >= 0 || p.snoopI && i >= 0):
			return st, holds, bad("the L2 does not include an L1's line")
		case o >= 0 && dst != Modified && differs(p.l2.LineData(o), truth):
			return st, holds, bad("the L2's copy (%v) is stale", st)
		case dst == Modified && st != Modified, dst == Exclusive && !may:
			return st, holds, bad("L1D %v under L2 %v", dst, st)
		}
	}
	if i >= 0 && p.snoopI {
		holds = true
		if differs(p.i.LineData(i), truth) {
			return st, holds, bad("the L1I's copy is stale")
		}
		if d >= 0 && p.ready(d) {
			return st, holds, bad("the L1I has a line that the L1D may write unasked")
		}
	}
	return st, holds, nil
}

// differs says whether a copy is not what it should be; nil: nobody knows.
func differs(data, truth []byte) bool { return truth != nil && !bytes.Equal(data, truth) }

func (b *Bus) broken(line uint64, format string, args ...any) error {
	return &InvariantError{line, fmt.Sprintf(format, args...)}
}

// Poke writes data at pa into every copy of it, wherever it is: what a debugger
// needs. No time passes, and no state of a line changes. It fails outside of RAM.
func (b *Bus) Poke(pa addr.PA, data []byte) error {
	if b.Map.Attr(pa, uint64(len(data))) != AttrRAM {
		return fmt.Errorf("coherence: %d bytes at %#x are not all memory", len(data), uint64(pa))
	}
	for len(data) > 0 {
		n := min(len(data), 1<<b.shift-int(uint64(pa)&(1<<b.shift-1)))
		b.pokeLine(pa, data[:n])
		data, pa = data[n:], pa+addr.PA(n)
	}
	return nil
}

// pokeLine writes within one line. What an L1I that is not snooped holds is stale
// anyway until the hart fences, but a debugger's breakpoints should work: it is
// written as well.
func (b *Bus) pokeLine(pa addr.PA, data []byte) {
	line, off := uint64(pa)>>b.shift, int(uint64(pa)&(1<<b.shift-1))
	put := func(a *cache.Array) int32 {
		s := a.Lookup(line)
		if s >= 0 {
			copy(a.LineData(s)[off:], data)
		}
		return s
	}
	if b.home.dram != nil {
		copy(b.home.dram.Bytes(pa, uint64(len(data))), data)
	}
	if b.home.llc != nil {
		put(b.home.llc)
	}
	for _, p := range b.privs {
		if p.l2 != nil {
			put(p.l2)
		}
		put(p.d)
		if s := put(p.i); s >= 0 {
			p.core.FilledFetch(s) // what was decoded from it is forgotten
		}
	}
}

// Peek fills buf with the newest data at pa, wherever it is: what a load would
// read. No time passes and nothing changes. It fails outside of RAM.
func (b *Bus) Peek(pa addr.PA, buf []byte) error {
	if b.Map.Attr(pa, uint64(len(buf))) != AttrRAM {
		return fmt.Errorf("coherence: %d bytes at %#x are not all memory", len(buf), uint64(pa))
	}
	for len(buf) > 0 {
		line, err := b.truth(uint64(pa) >> b.shift)
		if err != nil {
			return err
		}
		n := copy(buf, line[uint64(pa)&(1<<b.shift-1):])
		buf, pa = buf[n:], pa+addr.PA(n)
	}
	return nil
}
