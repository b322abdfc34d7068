package replay

import (
	"fmt"
	"slices"

	"mcsim/core"
	"mcsim/traces"
)

// What a core.RefOther asks its agent for: in Ref.Region.
const (
	otherDMARead  = iota // Work is the number of bytes, which Size has no room for
	otherDMAWrite        // the same
	otherWarm            // the thread has done its warm-up
	otherSpace           // VA is the ASID of the thread from now on
)

// compiler turns references of a trace into those that a hart is driven by.
type compiler struct {
	reader   traces.Reader
	cfg      *Config
	physical bool // addresses are physical
	counted  bool // Ref.Instructions is meaningful
	stamped  bool
	scale    float64
	base     uint64 // the time stamp that is cycle 0
	feeds    map[uint32]*feed
	order    []*feed // in the order of first appearance
	ended    int     // of them have reached their limit
	touched  []*feed // by the batch in progress
	seen     uint64  // references so far
}

// feed is a thread of a source, as its compiler sees it.
type feed struct {
	id     uint32
	number int // in the order of first appearance
	count  uint64
	cycle  uint64 // the last time stamp, in cycles
	asid   uint16
	warm   bool
	ended  bool
	stage  []core.Ref // of the batch in progress
	thread *thread    // of the serial phase
}

var opOf = [traces.NumKinds]core.RefOp{
	traces.Fetch: core.RefFetch, traces.Load: core.RefLoad, traces.Store: core.RefStore,
	traces.LR: core.RefLR, traces.SC: core.RefSC, traces.AMO: core.RefAMO, traces.Fence: core.RefFence,
	traces.Clean: core.RefClean, traces.Flush: core.RefFlush, traces.Inval: core.RefInval, traces.Zero: core.RefZero,
	traces.Prefetch: core.RefPrefetch, traces.Walk: core.RefWalk,
	traces.DMARead: core.RefOther, traces.DMAWrite: core.RefOther,
}

// feed returns the thread with a number.
func (c *compiler) feed(id uint32) (*feed, error) {
	f := c.feeds[id]
	if f == nil {
		if len(c.order) >= maxThreads {
			return nil, fmt.Errorf("more than %d threads", maxThreads)
		}
		f = &feed{id: id, number: len(c.order), warm: c.cfg.Warmup == 0}
		c.feeds[id] = f
		c.order = append(c.order, f)
	}
	return f, nil
}

// compile fills b with what raw says, grouped by thread. A mistake in a
// reference ends the batch in front of it.
func (c *compiler) compile(b *batch, raw []traces.Ref) error {
	b.refs, b.runs = b.refs[:0], b.runs[:0]
	if len(raw) > 0 && c.single(raw) {
		f, err := c.feed(raw[0].Thread)
		if err == nil {
			b.refs, err = c.thread(f, raw, b.refs)
			b.runs = append(b.runs, run{thread: f, ended: f.ended, refs: b.refs, batch: b})
		}
		return err
	}
	c.touched = c.touched[:0]
	var err error
	for i := range raw {
		var f *feed
		if f, err = c.feed(raw[i].Thread); err != nil {
			break
		}
		if len(f.stage) == 0 {
			c.touched = append(c.touched, f)
		}
		if f.stage, err = c.thread(f, raw[i:i+1], f.stage); err != nil {
			break
		}
	}
	n := 0
	for _, f := range c.touched {
		n += len(f.stage)
	}
	if cap(b.refs) < n {
		b.refs = make([]core.Ref, 0, n+n/4)
	}
	for _, f := range c.touched {
		at := len(b.refs)
		b.refs = append(b.refs, f.stage...)
		f.stage = f.stage[:0]
		if at < len(b.refs) || f.ended {
			b.runs = append(b.runs, run{thread: f, ended: f.ended, refs: b.refs[at:len(b.refs):len(b.refs)], batch: b})
		}
	}
	return err
}

func (c *compiler) single(raw []traces.Ref) bool {
	t := raw[0].Thread
	for i := range raw {
		if raw[i].Thread != t {
			return false
		}
	}
	return true
}

// allEnded says whether every thread so far has reached its limit: then there is
// nothing more to read.
func (c *compiler) allEnded() bool {
	return len(c.order) > 0 && c.ended == len(c.order)
}

// thread appends references of one thread to out.
func (c *compiler) thread(f *feed, raw []traces.Ref, out []core.Ref) ([]core.Ref, error) {
	if c.cfg.Skip|c.cfg.Warmup|c.cfg.Limit != 0 || len(c.cfg.Regions) > 0 {
		return c.careful(f, raw, out)
	}
	var err error
	for i := 0; i < len(raw) && err == nil; i++ {
		n := c.plain(f, raw[i:], &out)
		if i += n; i < len(raw) {
			out, err = c.careful(f, raw[i:i+1], out)
		}
	}
	return out, err
}

// plain appends references that need no care, up to the first that does, and
// returns how many. It is what most traces consist of.
func (c *compiler) plain(f *feed, raw []traces.Ref, to *[]core.Ref) int {
	*to = slices.Grow(*to, len(raw))
	at := len(*to)
	out := (*to)[at : at+len(raw)]
	for i := range out {
		r, o := &raw[i], &out[i]
		va := r.VA
		if c.physical || r.Has&(traces.HasVA|traces.HasPA) == traces.HasPA {
			va = r.PA
		}
		size := uint64(r.Size)
		if r.Kind >= traces.Walk || size-1 >= 1<<16-1 || va+(size-1) < va || r.Has&traces.HasMode != 0 && r.ASID != f.asid {
			*to = (*to)[:at+i]
			c.seen += uint64(i)
			return i
		}
		work := r.Instructions
		if !c.counted {
			work = 1
		}
		if c.stamped && r.Has&traces.HasCycle != 0 && !f.stamp(c, r.Cycle) {
			*to = (*to)[:at+i]
			c.seen += uint64(i)
			return i
		}
		*o = core.Ref{VA: va, Cycle: f.cycle, Work: work, Size: uint16(size), Op: opOf[r.Kind]}
	}
	*to = (*to)[:at+len(raw)]
	c.seen += uint64(len(raw))
	return len(raw)
}

// lastCycle is how late a reference can be: no clock comes to its end.
const lastCycle = 1 << 62

// stamp takes over a time stamp. It returns false if no clock comes that far.
func (f *feed) stamp(c *compiler, t uint64) bool {
	switch {
	case t <= c.base:
		return true
	case c.scale == 1:
		f.cycle = t - c.base
	default:
		cycle := float64(t-c.base) * c.scale
		if cycle >= lastCycle {
			return false
		}
		f.cycle = uint64(cycle)
	}
	return f.cycle < lastCycle
}

// careful is thread for what plain leaves.
func (c *compiler) careful(f *feed, raw []traces.Ref, out []core.Ref) ([]core.Ref, error) {
	for i := range raw {
		r := &raw[i]
		c.seen++
		if f.ended {
			return out, nil
		}
		o := core.Ref{VA: r.VA, Work: r.Instructions, Size: uint16(r.Size), Op: core.RefNone}
		if r.Kind < traces.NumKinds {
			o.Op = opOf[r.Kind]
		}
		if c.physical || r.Has&traces.HasVA == 0 && r.Has&traces.HasPA != 0 {
			o.VA = r.PA
		}
		if !c.counted {
			o.Work = 1
		}
		if r.Size-1 >= 1<<16-1 || o.VA+uint64(r.Size)-1 < o.VA || r.Kind >= traces.NumKinds {
			if err := c.oddity(r, &o); err != nil {
				return out, err
			}
		}
		if c.cfg.Skip|c.cfg.Warmup|c.cfg.Limit != 0 {
			skip, warm := f.progress(c.cfg, uint64(o.Work))
			if f.ended {
				c.ended++
				return out, nil
			}
			if skip {
				continue
			}
			if warm {
				out = append(out, core.Ref{Op: core.RefOther, Region: otherWarm})
			}
		}
		if c.stamped && r.Has&traces.HasCycle != 0 && !f.stamp(c, r.Cycle) {
			return out, fmt.Errorf("reference %d (%v of thread %d at %#x): its time stamp is %d, too long after the first, %d: 2^62 cycles are possible (--ignore-time does without)",
				c.seen, r.Kind, r.Thread, o.VA, r.Cycle, c.base)
		}
		o.Cycle = f.cycle
		switch {
		case r.Kind == traces.Walk && !c.physical:
			o.Op = core.RefNone // the hart walks itself
		case o.Op == core.RefOther:
			o.Region, o.Work = uint8(r.Kind-traces.DMARead), r.Size
		case len(c.cfg.Regions) > 0:
			o.Region = c.regionOf(o.VA)
		}
		if r.Has&traces.HasMode != 0 && r.ASID != f.asid && !c.physical {
			f.asid = r.ASID
			out = append(out, core.Ref{Op: core.RefOther, Region: otherSpace, VA: uint64(r.ASID)})
		}
		out = append(out, o)
	}
	return out, nil
}

// oddity looks at a reference of an unusual size, or at the end of the address
// space.
func (c *compiler) oddity(r *traces.Ref, o *core.Ref) error {
	where := fmt.Sprintf("reference %d (%v of thread %d at %#x)", c.seen, r.Kind, r.Thread, o.VA)
	switch {
	case r.Kind >= traces.NumKinds:
		return fmt.Errorf("%s: its kind is unknown", where)
	case o.Op == core.RefFence || o.Op >= core.RefClean && o.Op <= core.RefPrefetch:
		o.Size = 1 // these are about a line, or about nothing
		return nil
	case r.Size == 0:
		return fmt.Errorf("%s: its size is 0; it should be 1 to 65535 bytes", where)
	case o.VA+uint64(r.Size)-1 < o.VA:
		return fmt.Errorf("%s: its %d bytes wrap around the end of the address space", where, r.Size)
	case o.Op == core.RefOther: // devices read whole requests at once
		return nil
	}
	return fmt.Errorf("%s: its size is %d; it should be 1 to 65535 bytes", where, r.Size)
}

// progress counts a reference of n instructions. skip: it is not replayed. warm:
// it is the first after the warm-up.
func (f *feed) progress(cfg *Config, n uint64) (skip, warm bool) {
	if cfg.Count == References {
		n = 1
	}
	before := f.count
	f.count += n
	if f.count <= cfg.Skip && cfg.Skip > 0 {
		return true, false
	}
	if !f.warm && before >= cfg.Skip+cfg.Warmup {
		f.warm, warm = true, true
	}
	if cfg.Limit > 0 && f.count > cfg.Skip+cfg.Warmup+cfg.Limit {
		f.ended = true
	}
	return false, warm
}

// regionOf is the number of the region of an address, 0 for none.
func (c *compiler) regionOf(va uint64) uint8 {
	for i := range c.cfg.Regions {
		if g := &c.cfg.Regions[i]; va >= g.First && va <= g.Last {
			return uint8(i + 1)
		}
	}
	return 0
}
