package replay

import (
	"cmp"
	"fmt"
	"slices"

	"mcsim/core"
	"mcsim/stats"
)

// Register names what a replay counts, beside what its machine does.
func (r *Replay) Register(reg *stats.Registry) {
	sum := func(f func(a *agent) uint64) func() uint64 {
		return func() (n uint64) {
			for _, a := range r.agents {
				n += f(a)
			}
			return n
		}
	}
	reg.Count("replay.references", stats.Events, "references replayed", r.References)
	for op := core.RefFetch; op < core.RefNone; op++ {
		at := "replay." + op.String()
		reg.Count(at+".references", stats.Events, "references of this kind", sum(func(a *agent) uint64 { return a.driver.Stats.Ops[op].Refs }))
		reg.Count(at+".misses", stats.Events, "of them that missed the L1 with a line or more", sum(func(a *agent) uint64 { return a.driver.Stats.Ops[op].Misses }))
	}
	reg.Count("replay.split", stats.Events, "references that touched more than one line", sum(func(a *agent) uint64 { return a.driver.Stats.Split }))
	reg.Level("replay.threads", stats.Events, "threads that the traces named", func() uint64 { return uint64(len(r.threads)) })
	reg.Count("replay.switches", stats.Events, "switches of threads that share a hart", sum(func(a *agent) uint64 { return a.switches }))
	reg.Count("replay.faults", stats.Events, "first touches of a page by a hart", sum(func(a *agent) uint64 { return a.driver.Stats.Faults }))
	reg.Level("replay.pages", stats.Events, "pages mapped", r.ofVMs(func(v *vm) uint64 { return v.Pages }))
	reg.Level("replay.tables", stats.Events, "page-table pages", r.ofVMs(func(v *vm) uint64 { return v.Tables }))
	reg.Count("replay.folded", stats.Events, "references whose address no translation mode can express, and lost its upper bits", r.ofVMs(func(v *vm) uint64 { return v.folded.Load() }))
	reg.Count("replay.stale", stats.Events, "loads that did not see the last store", sum(func(a *agent) uint64 { _, n := a.caches.StaleReads(); return n }))
	for i := range r.cfg.Regions {
		at := fmt.Sprintf("regions[%d].", i)
		reg.Count(at+"references", stats.Events, "references to the region", sum(func(a *agent) uint64 { return a.driver.Stats.Regions[i+1].Refs }))
		reg.Count(at+"misses", stats.Events, "of them that missed the L1 with a line or more", sum(func(a *agent) uint64 { return a.driver.Stats.Regions[i+1].Misses }))
		reg.Quotient(at+"miss_rate", stats.Ratio, "misses per reference", 1, at+"misses", at+"references")
	}
	if len(r.vms) > 1 {
		for _, v := range r.vms {
			v.register(reg)
		}
	}
}

// References is the number of references replayed so far.
func (r *Replay) References() (n uint64) {
	for _, a := range r.agents {
		n += a.references()
	}
	return n + r.devices.refs
}

// Threads is the number of threads that the traces have named so far.
func (r *Replay) Threads() int { return len(r.threads) }

func (a *agent) references() (n uint64) {
	for op := range core.RefNone {
		n += a.driver.Stats.Ops[op].Refs
	}
	return n + a.driver.Stats.Ops[core.RefOther].Refs
}

func (r *Replay) ofVMs(f func(v *vm) uint64) func() uint64 {
	return func() (n uint64) {
		for _, v := range r.vms {
			n += f(v)
		}
		return n
	}
}

// register names the counters of a VM.
func (v *vm) register(reg *stats.Registry) {
	at := fmt.Sprintf("vms[%d].", v.number)
	sum := func(f func(a *agent) uint64) func() uint64 {
		return func() (n uint64) {
			for _, a := range v.r.agents[v.first : v.first+v.harts] {
				n += f(a)
			}
			return n
		}
	}
	reg.Level(at+"harts", stats.Events, "harts of the VM", func() uint64 { return uint64(v.harts) })
	reg.Count(at+"references", stats.Events, "references replayed", sum((*agent).references))
	reg.Count(at+"instructions", stats.Instructions, "instructions that passed", sum((*agent).Instret))
	reg.Count(at+"cycles", stats.Cycles, "time until its last reference", v.cycles)
	reg.Count(at+"l1d.misses", stats.Events, "misses of its harts' L1Ds", sum(func(a *agent) uint64 { return a.caches.D.Misses }))
	reg.Count(at+"l1i.misses", stats.Events, "misses of its harts' L1Is", sum(func(a *agent) uint64 { return a.caches.I.Misses }))
	reg.Count(at+"requests", stats.Events, "requests to the bus", sum(func(a *agent) uint64 { return *a.caches.Requests() }))
	reg.Count(at+"llc.accesses", stats.Events, "reads of the LLC", sum(func(a *agent) uint64 { return a.caches.Home.Accesses }))
	reg.Count(at+"llc.misses", stats.Events, "of them that went to memory", sum(func(a *agent) uint64 { return a.caches.Home.Misses }))
	reg.Quotient(at+"llc.miss_rate", stats.Ratio, "misses per access", 1, at+"llc.misses", at+"llc.accesses")
	reg.Level(at+"llc.lines", stats.Events, "lines of its memory in the LLC", func() uint64 {
		return uint64(v.r.bus.LLCLines(v.frames.base, v.frames.base+v.frames.size))
	})
	reg.Level(at+"pages", stats.Events, "pages mapped", func() uint64 { return v.Pages })
}

// cycles is when the VM was done, or how far its harts have come.
func (v *vm) cycles() (n uint64) {
	for _, a := range v.r.agents[v.first : v.first+v.harts] {
		if a.switches > 0 || a.references() > 0 {
			n = max(n, a.Clock())
		}
	}
	return n
}

// Finish settles what was counted late. All harts are parked.
func (r *Replay) Finish() {
	for _, a := range r.agents {
		a.settle()
	}
}

// ResetThreads lets the threads' statistics begin anew.
func (r *Replay) ResetThreads() {
	r.Finish()
	for _, t := range r.threads {
		t.Stats = ThreadStats{}
	}
}

// MaxThreadStats is how many threads have statistics of their own in a snapshot: the
// first ones. What each counts in an interval is told of all (RanThreads).
const MaxThreadStats = 4096

// ThreadStats are the counters of every thread so far, as threads[i].
func (r *Replay) ThreadStats() *stats.Snapshot { return r.threadStats().Snapshot() }

// DescribeThreads describes them.
func (r *Replay) DescribeThreads() []stats.Description { return r.threadStats().Describe() }

func (r *Replay) threadStats() *stats.Registry {
	reg := new(stats.Registry)
	for i, t := range r.threads {
		if i == MaxThreadStats {
			break
		}
		at := fmt.Sprintf("threads[%d].", i)
		reg.Level(at+"id", stats.Number, "the number that the trace gives the thread", func() uint64 { return uint64(t.id) })
		reg.Level(at+"vm", stats.Number, "the VM that it is of", func() uint64 { return uint64(t.src.vm.number) })
		reg.Level(at+"hart", stats.Number, "the hart that it was replayed on", func() uint64 { return uint64(t.agent.id) })
		t.Stats.register(reg, at)
	}
	reg.Freeze()
	return reg
}

func (s *ThreadStats) register(reg *stats.Registry, at string) {
	reg.Counter(at+"references", stats.Events, "references replayed", &s.References)
	reg.Counter(at+"instructions", stats.Instructions, "instructions that passed", &s.Instructions)
	reg.Counter(at+"cycles", stats.Cycles, "time of its turns", &s.Cycles)
	reg.Counter(at+"turns", stats.Events, "turns on its hart", &s.Turns)
	reg.Counter(at+"l1d.misses", stats.Events, "misses of the L1D in its turns", &s.L1DMisses)
	reg.Counter(at+"l1i.misses", stats.Events, "misses of the L1I in its turns", &s.L1IMisses)
	reg.Counter(at+"requests", stats.Events, "requests to the bus in its turns", &s.Requests)
	reg.Counter(at+"walks", stats.Events, "page-table walks in its turns", &s.Walks)
}

// RanThreads gives, for each thread that ran since it was last called, in the order
// of the threads, what it counted since: thread is the i of threads[i], the others
// are named as there. The work and the rows are those of the threads that ran,
// however many there are. All harts are parked.
func (r *Replay) RanThreads(yield func(*stats.Snapshot) bool) {
	r.Finish()
	var ran []*thread
	for _, a := range r.agents {
		ran = append(ran, a.ran...)
		for _, t := range a.ran {
			t.listed = false
		}
		if a.ran = a.ran[:0]; a.cur != nil {
			a.note(a.cur)
		}
	}
	slices.SortFunc(ran, func(a, b *thread) int { return cmp.Compare(a.number, b.number) })
	var t *thread
	var counts ThreadStats
	reg := new(stats.Registry)
	reg.Level("thread", stats.Number, "the thread, as in threads[i]", func() uint64 { return uint64(t.number) })
	reg.Level("id", stats.Number, "the number that the trace gives the thread", func() uint64 { return uint64(t.id) })
	reg.Level("vm", stats.Number, "the VM that it is of", func() uint64 { return uint64(t.src.vm.number) })
	reg.Level("hart", stats.Number, "the hart that it was replayed on", func() uint64 { return uint64(t.agent.id) })
	counts.register(reg, "")
	reg.Freeze()
	more := true
	for _, t = range ran {
		counts, t.span = t.span, ThreadStats{}
		more = more && (counts == ThreadStats{} || yield(reg.Snapshot()))
	}
}
