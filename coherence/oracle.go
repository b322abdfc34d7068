package coherence

import (
	"fmt"

	"mcsim/addr"
	"mcsim/hostmem"
)

// Oracle knows what memory holds: the last write to every word, in bus order,
// and who wrote to every line last. With it, each access that a Private carries
// out is checked, so that a run is a test of the caches between it and memory.
//
// It needs no lock. A hart asks about a word only while its own copy of the line
// permits reading, and writes only while it permits writing: under a protocol
// that works there is one writer or there are readers. One that does not work
// must run on a single lane.
type Oracle struct {
	Base  uint64   // physical address of Words[0]; of whole lines
	Words []uint64 // by 8 bytes of memory
	Last  []uint64 // by line: when it was written last and by whom, as Stamp makes it; 0: never

	shift uint8
	arena *hostmem.Arena // keeps both
}

// NewOracle returns an oracle for size bytes of zeroed memory at base, in lines
// of 1<<shift bytes. It takes host memory only where it is touched.
func NewOracle(base addr.PA, size uint64, shift uint8) *Oracle {
	o := &Oracle{Base: uint64(base), shift: shift, arena: new(hostmem.Arena)}
	o.Words = o.arena.Words(int(size / 8))
	o.Last = o.arena.Words(int(size >> shift))
	return o
}

// Stamp is how Last keeps a write by an agent at a cycle.
func Stamp(agent int32, cycle uint64) uint64 { return cycle<<8 | uint64(uint8(agent+2)) }

// Writers in a StaleRead that are no harts.
const (
	NoWriter     = -2 // nobody has written the line
	DeviceWriter = -1
)

// StaleRead is an access that did not see the last write.
type StaleRead struct {
	PA        addr.PA // of the word
	Op        Op
	Hart      int    // who read
	Cycle     uint64 // its clock then
	Got, Want uint64 // what its cache holds there, and what was written last
	Writer    int    // who wrote to the line last; or DeviceWriter, NoWriter
	Wrote     uint64 // when
}

func (v StaleRead) String() string {
	writer := fmt.Sprintf("hart %d wrote it at cycle %d", v.Writer, v.Wrote)
	switch v.Writer {
	case DeviceWriter:
		writer = fmt.Sprintf("a device wrote it at cycle %d", v.Wrote)
	case NoWriter:
		writer = "nobody has written it"
	}
	return fmt.Sprintf("hart %d at cycle %d read %#x at %#x, where %#x was written last; %s",
		v.Hart, v.Cycle, v.Got, uint64(v.PA), v.Want, writer)
}

// Explain describes a stale read by hart at cycle: it read got in the word at pa.
func (o *Oracle) Explain(op Op, pa addr.PA, hart int32, cycle, got uint64) StaleRead {
	off := uint64(pa) - o.Base
	last := o.Last[off>>o.shift]
	return StaleRead{
		PA: pa, Op: op, Hart: int(hart), Cycle: cycle, Got: got, Want: o.Words[off>>3],
		Writer: int(last&255) - 2, Wrote: last >> 8,
	}
}

// covers says whether the line at this address is in the oracle's memory.
func (o *Oracle) covers(line uint64) bool {
	return line<<o.shift-o.Base < uint64(len(o.Words))*8
}

// wrote takes over the bytes [off, off+n) of a line that someone has written,
// as the words that hold them.
func (o *Oracle) wrote(line uint64, data []byte, off, n int, agent int32, cycle uint64) {
	if !o.covers(line) {
		return
	}
	first := (line<<o.shift - o.Base) >> 3
	for w := off >> 3; w < (off+n+7)>>3; w++ {
		o.Words[first+uint64(w)] = get(data[8*w:], 8)
	}
	o.Last[(line<<o.shift-o.Base)>>o.shift] = Stamp(agent, cycle)
}

// maxStale is how many stale reads a hart remembers; it counts all.
const maxStale = 16

// SetOracle has every access of all harts checked from now on.
func (b *Bus) SetOracle(o *Oracle) {
	b.oracle = o
	for _, p := range b.privs {
		p.oracle = o
	}
}

// StaleReads returns the first stale reads of the hart and the number of all.
func (p *Private) StaleReads() ([]StaleRead, uint64) { return p.stale, p.staleCount }

// Stale records a stale read.
func (p *Private) Stale(v StaleRead) {
	p.staleCount++
	if len(p.stale) < maxStale {
		p.stale = append(p.stale, v)
	}
}

// compare checks the words of a line that hold the bytes [off, off+n).
func (p *Private) compare(op Op, line uint64, data []byte, off, n int) {
	o := p.oracle
	if !o.covers(line) {
		return
	}
	first := (line<<o.shift - o.Base) >> 3
	for w := off >> 3; w < (off+n+7)>>3; w++ {
		if got := get(data[8*w:], 8); got != o.Words[first+uint64(w)] {
			p.Stale(o.Explain(op, addr.PA(line<<o.shift+8*uint64(w)), p.id, p.now, got))
		}
	}
}

// performSeen is perform with the oracle's eyes on it.
func (p *Private) performSeen(a *Access, s int32) {
	line, data := p.d.Tags[s], p.d.LineData(s)
	off, n := int(a.PA)&(1<<p.shift-1), a.span()
	switch {
	case isPrefetch(a.Op):
		n = 0
	case a.Op == OpZero:
		off, n = 0, 1<<p.shift
	case classOf[a.Op] == classRead || isAtomic(a.Op) && a.Op != OpSC || a.Op == OpCAS:
		p.compare(a.Op, line, data, off, n)
	}
	p.carryOut(a, s)
	if classOf[a.Op] == classWrite && n > 0 {
		p.oracle.wrote(line, data, off, n, p.id, p.now)
	}
}

// oracleWrote tells the oracle of bytes within a line that a device wrote.
func (b *Bus) oracleWrote(pa addr.PA, src []byte, now uint64) {
	o, line := b.oracle, uint64(pa)>>b.shift
	if !o.covers(line) {
		return
	}
	for i, v := range src {
		off := uint64(pa) + uint64(i) - o.Base
		w, bit := &o.Words[off>>3], 8*(off&7)
		*w = *w&^(255<<bit) | uint64(v)<<bit
	}
	o.Last[(line<<o.shift-o.Base)>>o.shift] = Stamp(DeviceWriter, now)
}

// revert tells the oracle that a line has memory's value again, because
// cbo.inval discarded a newer one.
func (b *Bus) revert(line uint64, agent int32, now uint64) {
	if data, err := b.truth(line); err == nil {
		b.oracle.wrote(line, data, 0, len(data), agent, now)
	}
}
