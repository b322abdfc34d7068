package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sourcegraph/conc"

	"mcsim/coherence"
	"mcsim/core"
	"mcsim/traces"
)

// Machine is what a replay drives.
type Machine struct {
	Harts   []*core.Hart
	Bus     *coherence.Bus
	Oracle  *coherence.Oracle // nil: loads are not checked
	Wake    func(hart int)    // ends the sleep of an agent, in the serial phase
	Warm    func()            // is called when the warm-up is over, in the serial phase
	RAM     uint64            // where a VM's memory may be: its first address
	Memory  uint64            // and its bytes
	MaxSATP int               // highest translation mode of the harts, as in satp
	Clock   uint64            // Hz
	Quantum uint64            // cycles
	Seed    uint64
}

// Replay is a replay in progress. Its methods are for the goroutine that hosts
// the bus.
type Replay struct {
	cfg       Config
	bus       *coherence.Bus
	oracle    *coherence.Oracle
	wake      func(hart int)
	warm      func()
	vms       []*vm
	agents    []*agent
	threads   []*thread
	sources   []*source
	ended     int // of the sources
	memory    uint64
	ramEnd    uint64
	maxLevels int
	clock     uint64
	osAgent   int
	now       uint64 // of the hart that the serial phase works for
	enough    int    // references that last a hart for a quantum

	devices devices

	readers conc.WaitGroup
	warmed  bool
	started bool
}

// vm is a VM's share of the machine.
type vm struct {
	r        *Replay
	number   int
	name     string
	vmid     uint16
	first    int // hart
	harts    int
	frames   *frames
	spaces   map[spaceKey]*space
	nextASID uint16
	sources  []*source
	folded   atomic.Uint64

	Pages, Tables uint64 // mapped, and page-table pages that took
}

func (v *vm) label() string {
	if len(v.r.vms) == 1 {
		return "the trace"
	}
	return "VM " + v.name
}

// New prepares a replay of c on m. It reads the beginning of every trace. Its error
// is a *ConfigError.
func New(c Config, m Machine) (*Replay, error) {
	if err := c.check(len(m.Harts)); err != nil {
		return nil, &ConfigError{err}
	}
	r := &Replay{
		cfg: c, bus: m.Bus, oracle: m.Oracle, wake: m.Wake, warm: m.Warm, memory: m.Memory, ramEnd: m.RAM + m.Memory,
		maxLevels: m.MaxSATP - 5, clock: m.Clock, osAgent: len(m.Harts), warmed: c.Warmup == 0,
		enough: int(min(2*m.Quantum, uint64(c.Window))), // few take less than half a cycle
	}
	if c.Pages != PagesNone && r.maxLevels < 3 && !r.allPhysical() {
		return nil, &ConfigError{errors.New("the harts cannot translate: --set machine.mmu=sv48, or --pages none")}
	}
	unit := uint64(size4K)
	if c.Pages != Pages4K {
		unit = size2M
	}
	ram, size := m.RAM, m.Memory
	if c.Frames == Identity && len(c.VMs) == 1 {
		ram, size = 0, m.RAM+m.Memory // RAM begins at 0
	}
	share := size / uint64(len(c.VMs)) &^ (unit - 1)
	for i, conf := range c.VMs {
		first, end := i*len(m.Harts)/len(c.VMs), (i+1)*len(m.Harts)/len(c.VMs)
		v := &vm{
			r: r, number: i, name: conf.Name, first: first, harts: end - first, spaces: map[spaceKey]*space{}, nextASID: 1,
			frames: newFrames(ram+uint64(i)*share, share, unit, c.Frames, mix(m.Seed+uint64(i))),
		}
		if len(c.VMs) > 1 {
			v.vmid = uint16(i + 1)
		}
		r.vms = append(r.vms, v)
		for h := first; h < end; h++ {
			r.agents = append(r.agents, newAgent(r, h, v, m.Harts[h], m.Bus.Private(h)))
		}
		if c.Alone == 0 || c.Alone == i+1 {
			v.addSources(conf)
		}
	}
	for _, v := range r.vms {
		v.prime()
	}
	return r, nil
}

// prime reads the beginning of the VM's traces. Cycle 0 is the earliest of their
// time stamps.
func (v *vm) prime() {
	base, stamped := uint64(0), false
	for _, s := range v.sources {
		if stamp, ok := s.prime(); ok && (!stamped || stamp < base) {
			base, stamped = stamp, true
		}
	}
	for _, s := range v.sources {
		s.base = base
		if v.r.cfg.Preload {
			s.preload()
		}
	}
}

func (r *Replay) allPhysical() bool {
	for _, v := range r.cfg.VMs {
		for _, t := range v.Traces {
			if !r.cfg.Physical && !t.Info.Physical() {
				return false
			}
		}
	}
	return true
}

// Agent is the runner of a hart.
func (r *Replay) Agent(hart int) coherence.Runner { return r.agents[hart] }

func (v *vm) addSources(conf VM) {
	r := v.r
	index := 0
	for i, t := range conf.Traces {
		for k, reader := range t.Readers {
			s := &source{
				name: t.Name, index: index, vm: v, trace: i, devices: k >= len(t.Readers)-t.Info.Devices,
				full: make(chan *batch, aheadBatches), free: make(chan *batch, r.cfg.Window/batchRefs+8), stop: make(chan struct{}),
				used: new(atomic.Int64),
			}
			s.compiler = compiler{
				reader: reader, cfg: &r.cfg, feeds: map[uint32]*feed{},
				physical: r.cfg.Physical || t.Info.Physical(), counted: t.Info.Instructions,
				stamped: !r.cfg.Free, scale: r.scale(t.Info.CycleUnit),
			}
			if s.devices {
				r.devices.sources = append(r.devices.sources, s)
			} else {
				index++
			}
			v.sources = append(v.sources, s)
			r.sources = append(r.sources, s)
		}
	}
}

// scale is the number of cycles in a unit of time stamps.
func (r *Replay) scale(unit string) float64 {
	switch {
	case r.cfg.Scale > 0:
		return r.cfg.Scale
	case unit == "microsecond":
		return float64(r.clock) / 1e6
	case unit == "nanosecond":
		return float64(r.clock) / 1e9
	}
	return 1
}

// Start begins to read the traces and hands out what comes first. Stop must be
// called afterwards.
func (r *Replay) Start() {
	r.started = true
	for _, s := range r.sources {
		if s.loaded == nil {
			r.readers.Go(s.work)
		}
	}
	// Threads that begin together take turns from the start.
	for _, s := range r.sources {
		if !s.devices {
			s.pull()
		}
	}
	if len(r.devices.sources) > 0 {
		r.devices.Fire(0)
		r.bus.AddTimed(&r.devices)
	}
}

// Stop ends reading and waits for it.
func (r *Replay) Stop() {
	if !r.started {
		return
	}
	r.started = false
	for _, s := range r.sources {
		close(s.stop)
	}
	r.readers.Wait()
}

// serve does work for an agent in the serial phase.
func (r *Replay) serve(a *agent, f func()) {
	r.now = a.Clock()
	f()
}

// feed brings references for the threads of a hart that have none at hand, as far
// as the windows allow. If no thread has any then, every source of the VM is read
// on until one of them names something for the hart.
func (r *Replay) feed(a *agent) {
	a.turns.feed()
	for again := !a.ready(); again; {
		again = false
		for _, s := range a.vm.sources {
			if s.devices {
				continue
			}
			if again = s.pull() || again; a.ready() {
				return
			}
		}
	}
}

// EndQuantum is called in the serial phase at the end of every quantum. It brings
// references for the threads that are alone in their sources before they need
// them. A hart that asks for some in the middle of a quantum parks for it, as for
// the bus: that ends the round for all harts, and its next requests are served
// behind those of the others, which nothing in the trace says.
func (r *Replay) EndQuantum() {
	for _, a := range r.agents {
		if t := a.cur; t != nil && !t.empty() && len(t.src.threads) == 1 {
			for t.atHand() < r.enough && t.src.pull() {
			}
		}
	}
}

// ready says whether a thread of the hart has references at hand.
func (a *agent) ready() bool { return a.cur != nil && !a.cur.empty() || a.turns.waiting() }

// pull takes the source's next batch. It returns false if there is none, or
// none yet.
func (s *source) pull() bool {
	if s.ended || s.loaded == nil && s.taken-s.used.Load() >= int64(s.vm.r.cfg.Window/batchRefs) {
		return false
	}
	b := s.next()
	if b == nil {
		s.end()
		return false
	}
	s.taken++
	if len(b.runs) == 0 {
		s.used.Add(1)
	}
	if s.devices {
		s.runs = append(s.runs, b.runs...)
	} else {
		for _, run := range b.runs {
			s.deliver(run)
		}
	}
	if b.err != nil {
		switch {
		case errors.Is(b.err, traces.ErrInterrupted):
			s.interrupted = true
		case b.err != io.EOF:
			s.err = b.err
		}
		s.end()
	}
	return true
}

// deliver hands a run to its thread.
func (s *source) deliver(u run) {
	t := u.thread.thread
	if t == nil {
		t = s.newThread(u.thread)
	}
	t.ended = t.ended || u.ended
	if len(u.refs) == 0 {
		u.done()
	} else {
		t.runs = append(t.runs, u)
		s.vm.r.wake(t.agent.id)
	}
	t.update()
}

// cut says whether the source ended because its file is cut off.
func (s *source) cut() bool {
	var cut *traces.CutError
	return errors.As(s.err, &cut)
}

// end lets the harts see that the source has ended.
func (s *source) end() {
	s.ended = true
	s.vm.r.ended++
	for _, t := range s.threads {
		s.vm.r.wake(t.agent.id)
		t.update()
	}
}

// newThread places a thread that the source names for the first time.
func (s *source) newThread(f *feed) *thread {
	r, v := s.vm.r, s.vm
	hart, named := r.cfg.Map[f.id]
	if !named {
		hart = (s.index + f.number) % v.harts
	}
	t := &thread{id: f.id, number: len(r.threads), src: s, agent: r.agents[v.first+hart], warm: r.warmed}
	t.version = uint64(t.number+1) << 48
	f.thread = t
	r.threads = append(r.threads, t)
	s.threads = append(s.threads, t)
	t.agent.turns.add(t)
	return t
}

// Done says whether the replay is over: every thread has ended, or one of the
// traces has, by an error, and all that came before it is done. Where a file is
// cut off, its other streams go on to their ends.
func (r *Replay) Done() bool {
	r.checkWarm()
	if r.devices.err != nil {
		return true
	}
	for _, a := range r.agents {
		if a.err != nil {
			return true
		}
	}
	for _, s := range r.sources {
		if s.err != nil && !s.cut() && s.usedUp() {
			return true
		}
	}
	if r.ended < len(r.sources) || slices.ContainsFunc(r.devices.sources, func(s *source) bool { return len(s.runs) > 0 }) {
		return false
	}
	return !slices.ContainsFunc(r.agents, func(a *agent) bool { return a.turns.live > 0 })
}

// usedUp says whether nothing is left of what the source gave before it ended.
func (s *source) usedUp() bool {
	return s.ended && len(s.runs) == 0 && !slices.ContainsFunc(s.threads, func(t *thread) bool { return !t.empty() })
}

// checkWarm ends the warm-up if every thread that was seen has done its own, or
// has ended.
func (r *Replay) checkWarm() {
	if r.warmed || len(r.threads) == 0 {
		return
	}
	for _, a := range r.agents {
		if a.turns.cold > 0 {
			return
		}
	}
	r.warmed = true
	r.warm()
}

// Stale is the number of loads so far that did not see the last store.
func (r *Replay) Stale() (n uint64) {
	for _, a := range r.agents {
		_, k := a.caches.StaleReads()
		n += k
	}
	return n
}

// StaleError is the end of a replay on caches that are not coherent.
type StaleError struct {
	Reads []coherence.StaleRead // the first of each hart, in the order of their cycles
	VAs   []uint64              // of Reads; 0 in physical traces
	Count uint64                // of all
}

func (e *StaleError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the caches are not coherent: %d loads did not see the last store", e.Count)
	for i, v := range e.Reads {
		if i == 8 {
			fmt.Fprintf(&b, "\n  and more")
			break
		}
		fmt.Fprintf(&b, "\n  %v", v)
		if e.VAs[i] != 0 {
			fmt.Fprintf(&b, "; virtual address %#x", e.VAs[i])
		}
	}
	return b.String()
}

// Interrupted says whether a trace was ended by traces.Options.Interrupt.
func (r *Replay) Interrupted() bool {
	return slices.ContainsFunc(r.sources, func(s *source) bool { return s.interrupted })
}

// Err is what ended the replay, or a trace of it, before its end.
func (r *Replay) Err() error {
	var errs []error
	if n := r.Stale(); n > 0 {
		e := &StaleError{Count: n}
		for _, a := range r.agents {
			reads, _ := a.caches.StaleReads()
			e.Reads = append(e.Reads, reads...)
		}
		slices.SortStableFunc(e.Reads, func(x, y coherence.StaleRead) int { return cmp.Compare(x.Cycle, y.Cycle) })
		for _, v := range e.Reads {
			e.VAs = append(e.VAs, r.virtual(v.PA))
		}
		errs = append(errs, e)
	}
	for _, a := range r.agents {
		errs = append(errs, a.err)
	}
	errs = append(errs, r.devices.err)
	for _, s := range r.sources {
		if !slices.Contains(errs, s.err) { // all streams of a file that is cut off end alike
			errs = append(errs, s.err)
		}
	}
	return errors.Join(errs...)
}
