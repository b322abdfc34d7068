package coherence

import "mcsim/addr"

// ReadMemory reads RAM for a device that does not snoop: what memory holds,
// which is older than what the caches hold until somebody cleans the line
// (cbo.clean). It takes no part in the order of the coherent bus and is charged
// for memory alone. ok is false, and nothing read, if part of the range is not
// RAM.
func (b *Bus) ReadMemory(agent int, pa addr.PA, buf []byte, now uint64) (done uint64, ok bool) {
	if !b.dmaRange(pa, len(buf)) {
		return now, false
	}
	if b.Tap != nil {
		b.Tap.DMA(MemoryRead, pa, len(buf), now)
	}
	r := Request{Kind: MemoryRead, Agent: int32(agent), Cycle: now}
	done = now
	for len(buf) > 0 {
		n := b.beginPast(&r, pa, len(buf), now)
		done = max(done, b.home.mem.ReadLine(&r, b.lineAddr(r.Line), b.home.moved, now))
		copy(buf[:n], b.home.moved[uint64(pa)&(1<<b.shift-1):])
		buf, pa = buf[n:], pa+addr.PA(n)
	}
	return done, true
}

// WriteMemory writes RAM for a device that does not snoop. Copies in caches
// stay as they are, stale until somebody invalidates them (cbo.inval); a dirty
// one that is written back later covers what the device wrote.
func (b *Bus) WriteMemory(agent int, pa addr.PA, buf []byte, now uint64) (done uint64, ok bool) {
	if !b.dmaRange(pa, len(buf)) {
		return now, false
	}
	if b.Tap != nil {
		b.Tap.DMA(MemoryWrite, pa, len(buf), now)
	}
	r := Request{Kind: MemoryWrite, Agent: int32(agent), Cycle: now}
	done = now
	line := b.home.moved
	for len(buf) > 0 {
		n := b.beginPast(&r, pa, len(buf), now)
		at := now
		if n < len(line) { // memory works on whole lines
			at = b.home.mem.ReadLine(&r, b.lineAddr(r.Line), line, at)
		}
		copy(line[uint64(pa)&(1<<b.shift-1):], buf[:n])
		done = max(done, b.home.mem.WriteLine(&r, b.lineAddr(r.Line), line, at))
		if b.cfg.Check {
			b.markStale(r.Line)
		}
		buf, pa = buf[n:], pa+addr.PA(n)
	}
	return done, true
}

// beginPast makes r the request for the line at pa and returns how much of n
// bytes lies in it.
func (b *Bus) beginPast(r *Request, pa addr.PA, n int, now uint64) int {
	r.Line = uint64(pa) >> b.shift
	b.by, b.asked = r.Agent, now
	b.Stats.Kinds[r.Kind]++
	if b.Notify != nil {
		b.Notify(Note{Cycle: now, What: NoteBus, Kind: r.Kind, Agent: r.Agent, Line: r.Line, Value: now})
	}
	return min(n, 1<<b.shift-int(uint64(pa)&(1<<b.shift-1)))
}

// markStale remembers, for the checks, that copies of line may legitimately
// differ from memory and from each other.
func (b *Bus) markStale(line uint64) {
	if b.stale == nil {
		b.stale = map[uint64]struct{}{}
	}
	b.stale[line] = struct{}{}
}

// mayBeStale says whether line was written behind the caches while some cache
// held it, and still does.
func (b *Bus) mayBeStale(line uint64) bool {
	if _, ok := b.stale[line]; !ok {
		return false
	}
	if b.home.llc != nil && b.home.llc.Lookup(line) >= 0 {
		return true
	}
	for _, p := range b.privs {
		if p.outer.Lookup(line) >= 0 || p.d.Lookup(line) >= 0 || p.i.Lookup(line) >= 0 {
			return true
		}
	}
	delete(b.stale, line)
	return false
}
