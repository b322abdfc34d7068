package coherence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mcsim/addr"
)

const deviceBase addr.PA = 0x1000

// recorder is a device that remembers who came when: agents use offsets of
// their own.
type recorder struct {
	seen []string
	on   func(now, off uint64)
}

func (d *recorder) Read(now, off uint64, _ int) (uint64, bool) {
	d.seen = append(d.seen, fmt.Sprintf("%d@%d", off/8, now))
	if d.on != nil {
		d.on(now, off)
	}
	return 0, true
}

func (d *recorder) Write(now, off uint64, size int, _ uint64) bool {
	_, ok := d.Read(now, off, size)
	return ok
}

// fake is an agent that runs a Go function instead of instructions.
type fake struct {
	clock uint64
	p     *Private
	body  func(f *fake, end uint64) (asleep bool, wake uint64)
	woken []uint64
}

func (f *fake) Run(end uint64) (bool, uint64) { return f.body(f, end) }
func (f *fake) Clock() uint64                 { return f.clock }
func (f *fake) Instret() uint64               { return f.clock }
func (f *fake) WakeAt(cycle uint64) {
	f.clock = max(f.clock, cycle)
	f.woken = append(f.woken, cycle)
}

// touch reads the agent's word of the device at cycle at.
func (f *fake) touch(at uint64) {
	f.clock = at
	f.p.Do(&Access{Op: OpLoad, Size: 8, PA: deviceBase + addr.PA(8*int(f.p.id)), Uncached: true}, at)
}

// idle is the body of an agent that has nothing to do but let time pass.
func idle(f *fake, end uint64) (bool, uint64) {
	f.clock = end
	return false, 0
}

// forever is the body of an agent that sleeps until it is woken.
func forever(*fake, uint64) (bool, uint64) { return true, ^uint64(0) }

// at makes a body that does things at given cycles, in order, then sleeps.
func at(cycles ...uint64) func(f *fake, end uint64) (bool, uint64) {
	return func(f *fake, end uint64) (bool, uint64) {
		for len(cycles) > 0 {
			c := cycles[0]
			if c >= end {
				return idle(f, end)
			}
			cycles = cycles[1:]
			f.touch(c)
		}
		return forever(f, end)
	}
}

type engineRig struct {
	*Engine
	dev    *recorder
	agents []*fake
}

func newEngineRig(t testing.TB, quantum, seed uint64, bodies ...func(*fake, uint64) (bool, uint64)) *engineRig {
	t.Helper()
	r := &engineRig{dev: &recorder{}}
	var m Map
	for _, g := range []Region{
		{Name: "ram", Base: ramBase, Size: 1 << 20},
		{Name: "dev", Base: deviceBase, Size: 0x1000, Dev: r.dev},
	} {
		if err := m.Add(g); err != nil {
			t.Fatal(err)
		}
	}
	cfg := testConfig(len(bodies))
	cfg.Seed = seed
	d, err := NewDRAM(testDRAM(), cfg.L1D.Line, &m)
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(cfg, m, d)
	if err != nil {
		t.Fatal(err)
	}
	r.Engine = NewEngine(b, quantum, seed)
	for i, body := range bodies {
		f := &fake{p: b.Private(i), body: body}
		r.agents = append(r.agents, f)
		r.Add(f, &f.p.Port)
	}
	return r
}

// mustSleep runs until everybody sleeps for good.
func (r *engineRig) mustSleep(t testing.TB, lanes int) {
	t.Helper()
	if err := r.Run(lanes); !errors.Is(err, ErrAsleep) {
		t.Fatalf("run ended with %v", err)
	}
}

// Requests of one round are served by cycle; the seed decides ties, and both
// outcomes of a tie occur.
func TestEngineOrder(t *testing.T) {
	orders := map[string]int{}
	for seed := range uint64(20) {
		r := newEngineRig(t, 1000, seed, at(10), at(5), at(10), at(7))
		r.mustSleep(t, 2)
		if got := r.dev.seen[:2]; !slices.Equal(got, []string{"1@5", "3@7"}) {
			t.Fatalf("seed %d: served %v", seed, r.dev.seen)
		}
		orders[strings.Join(r.dev.seen[2:], " ")]++
	}
	if len(orders) != 2 || orders["0@10 2@10"] == 0 || orders["2@10 0@10"] == 0 {
		t.Errorf("ties were served %v", orders)
	}
}

// Within a quantum a hart that comes later to the bus may carry an earlier
// stamp; across quanta the order is that of time.
func TestEngineQuantaAreInOrder(t *testing.T) {
	r := newEngineRig(t, 100, 1, at(10, 110, 210), at(90, 190, 290), at(50, 150, 250))
	r.mustSleep(t, 3)
	var got []string
	for i := range 3 {
		q := slices.Clone(r.dev.seen[3*i : 3*i+3])
		slices.Sort(q)
		got = append(got, q...)
	}
	want := []string{"0@10", "1@90", "2@50", "0@110", "1@190", "2@150", "0@210", "1@290", "2@250"}
	if !slices.Equal(got, want) {
		t.Errorf("served %v", r.dev.seen)
	}
}

// The number of lanes changes nothing.
func TestEngineLanes(t *testing.T) {
	run := func(lanes int) []string {
		var bodies []func(*fake, uint64) (bool, uint64)
		for i := range uint64(16) {
			var when []uint64
			for k := range uint64(50) {
				when = append(when, k*97+splitmix64(i<<8|k)%97)
			}
			bodies = append(bodies, at(when...))
		}
		r := newEngineRig(t, 200, 3, bodies...)
		r.mustSleep(t, lanes)
		return append(r.dev.seen, fmt.Sprint(r.Rounds, r.Quanta, r.bus.Stats))
	}
	want := run(1)
	if len(want) != 16*50+1 {
		t.Fatalf("%d accesses", len(want))
	}
	for _, lanes := range []int{2, 3, 16, 40} {
		if got := run(lanes); !slices.Equal(got, want) {
			t.Errorf("%d lanes serve in another order than 1", lanes)
		}
	}
}

// An agent that is alone in its quantum is served on its own stack. That
// changes no cycle.
func TestEngineDirectMode(t *testing.T) {
	run := func(alone bool) (done []uint64, rounds uint64) {
		work := func(f *fake, end uint64) (bool, uint64) {
			for ; len(done) < 200; f.clock = done[len(done)-1] {
				if f.clock >= end {
					return false, 0
				}
				i := uint64(len(done))
				op := OpLoad
				if i%3 == 0 {
					op = OpStore
				}
				a := Access{Op: op, Size: 8, PA: ramBase + addr.PA(splitmix64(i)%(1<<16)&^7), Value: i}
				done = append(done, f.p.Do(&a, f.clock))
			}
			return forever(f, end)
		}
		other := forever
		if !alone {
			// It parks with every round, and asks the bus for nothing.
			other = func(f *fake, end uint64) (bool, uint64) {
				for len(done) < 200 {
					f.p.Port.Park(served)
				}
				return forever(f, end)
			}
		}
		r := newEngineRig(t, 1<<40, 1, work, other)
		r.mustSleep(t, 1)
		return done, r.Rounds
	}
	direct, n := run(true)
	parked, m := run(false)
	if !slices.Equal(direct, parked) || n != m {
		t.Errorf("alone: %d rounds, done at %v\nin company: %d rounds, done at %v", n, direct[:10], m, parked[:10])
	}
}

// A sleeper is woken at its own time, in the same quantum or a later one, or
// earlier by someone else; it is not run in between.
func TestEngineSleep(t *testing.T) {
	for _, c := range []struct {
		wake    uint64 // that the sleeper asks for
		by      uint64 // cycle at which the other wakes it, 0: never
		resumes uint64
	}{{50, 0, 50}, {99, 0, 99}, {100, 0, 100}, {12345, 0, 12345}, {12345, 777, 777}, {^uint64(0), 420, 420}, {60, 70, 60}} {
		runs := 0
		var r *engineRig
		sleeper := func(f *fake, end uint64) (bool, uint64) {
			if runs++; runs == 1 {
				f.clock = 10
				return true, c.wake
			}
			f.touch(f.clock)
			return forever(f, end)
		}
		other := forever
		if c.by != 0 {
			other = at(c.by)
		}
		r = newEngineRig(t, 100, 1, sleeper, other)
		r.dev.on = func(now, off uint64) {
			if off == 8 && now == c.by {
				r.Wake(0, now)
			}
		}
		r.mustSleep(t, 2)
		if !slices.Contains(r.dev.seen, fmt.Sprintf("0@%d", c.resumes)) || runs > 3 {
			t.Errorf("%+v: served %v in %d runs", c, r.dev.seen, runs)
		}
	}
}

// Whoever runs is never more than a quantum behind or ahead of the others: a
// sleeper whose time comes within the quantum runs on in it.
func TestEngineSkew(t *testing.T) {
	var r *engineRig
	nap := func(f *fake, end uint64) (bool, uint64) {
		if f.clock >= 5000 {
			return forever(f, end)
		}
		if f.clock >= end {
			return false, 0
		}
		if now := r.Now(); f.clock < now {
			t.Errorf("at cycle %d in the quantum from %d", f.clock, now)
		}
		f.clock += 3
		return true, f.clock + 30
	}
	r = newEngineRig(t, 100, 1, nap, idle)
	r.OnQuantum = func(now uint64) bool { return now < 6000 }
	if err := r.Run(1); err != nil {
		t.Fatal(err)
	}
}

// Time that nobody can live to see is no reason to wait.
func TestEngineSleepsToTheEndOfTime(t *testing.T) {
	for _, wake := range []uint64{^uint64(0), ^uint64(0) - 1, ^uint64(0) - 99} {
		r := newEngineRig(t, 100, 1, func(*fake, uint64) (bool, uint64) { return true, wake })
		quanta := 0
		r.OnQuantum = func(uint64) bool { quanta++; return quanta < 50 }
		if err := r.Run(1); !errors.Is(err, ErrAsleep) {
			t.Errorf("wake at %d: %v after %d quanta", wake, err, quanta)
		}
	}
}

//go:noinline
func blowUp(err error) { panic(err) }

// A panic in an agent ends the run with that agent's number, the panic's value
// and the stack where it happened; the others' goroutines end too.
func TestEnginePanic(t *testing.T) {
	bug := errors.New("bug")
	explode := func(f *fake, _ uint64) (bool, uint64) {
		f.touch(150)
		blowUp(bug)
		return false, 0
	}
	for lanes := 1; lanes <= 4; lanes++ {
		for _, alone := range []bool{false, true} {
			rest := idle
			if alone {
				rest = forever
			}
			r := newEngineRig(t, 100, 1, rest, rest, explode, rest)
			err := r.Run(lanes)
			var p *AgentPanic
			if !errors.As(err, &p) || p.Agent != 2 || !errors.Is(err, bug) || !strings.Contains(string(p.Stack), "coherence.blowUp(") {
				t.Errorf("%d lanes, alone %v: %v", lanes, alone, err)
			}
		}
	}
	// In the serial phase.
	r := newEngineRig(t, 100, 1, at(10), at(20), idle)
	r.dev.on = func(now, _ uint64) {
		if now == 20 {
			panic(bug)
		}
	}
	var p *AgentPanic
	if err := r.Run(2); !errors.As(err, &p) || p.Agent != -1 || !errors.Is(err, bug) {
		t.Errorf("serial phase: %v", err)
	}
}

// Stop ends the run after the serial phase, and unwinds who is parked.
func TestEngineStop(t *testing.T) {
	for _, n := range []int{1, 3} {
		unwound := 0
		body := func(f *fake, _ uint64) (bool, uint64) {
			defer func() { unwound++ }()
			for {
				f.touch(f.clock + 7)
			}
		}
		bodies := slices.Repeat([]func(*fake, uint64) (bool, uint64){body}, n)
		r := newEngineRig(t, 1<<40, 1, bodies...)
		r.dev.on = func(now, _ uint64) {
			if now == 700 {
				r.Stop()
			}
		}
		if err := r.Run(1); err != nil || unwound != n || len(r.dev.seen) != 100*n {
			t.Errorf("%d agents: %v, %d unwound after %d accesses", n, err, unwound, len(r.dev.seen))
		}
	}
}

// Interrupt ends the quantum where the agents next look, with whoever waited served
// and nobody unwound within something.
func TestEngineInterrupt(t *testing.T) {
	for _, lanes := range []int{1, 2} {
		for n := 1; n <= 3; n++ {
			within := 0
			body := func(f *fake, end uint64) (bool, uint64) {
				for f.clock < end && !f.p.Port.Interrupted() {
					within++
					f.touch(f.clock + 7)
					within--
				}
				return false, 0
			}
			bodies := slices.Repeat([]func(*fake, uint64) (bool, uint64){body}, n)
			r := newEngineRig(t, 1<<40, 1, append(bodies, forever)...)
			var ends []uint64
			r.OnQuantum = func(now uint64) bool {
				ends = append(ends, now)
				return !r.Interrupted()
			}
			r.dev.on = func(now, agent uint64) {
				if now == 700 && agent == 0 {
					r.Interrupt()
				}
			}
			err := r.Run(lanes)
			if err != nil || !r.Short() || within != 0 || !slices.Equal(ends, []uint64{700}) || len(r.dev.seen) != 100*n {
				t.Errorf("%d agents on %d lanes: %v, quantum ends %d, short %v, %d within an access, %d accesses", n, lanes, err, ends, r.Short(), within, len(r.dev.seen))
			}
		}
	}
}

// An interrupt that comes when everybody has come to the end changes nothing.
func TestEngineInterruptAtTheEnd(t *testing.T) {
	r := newEngineRig(t, 100, 1, idle, idle)
	var ends []uint64
	r.OnQuantum = func(now uint64) bool {
		ends = append(ends, now)
		r.Interrupt()
		return len(ends) < 2
	}
	if err := r.Run(1); err != nil || r.Short() || !slices.Equal(ends, []uint64{100, 200}) {
		t.Errorf("%v, quanta end at %d, short %v", err, ends, r.Short())
	}
}

// Nor does one that comes when all are about to sleep: nobody has left anything undone.
func TestEngineInterruptBeforeSleep(t *testing.T) {
	r := newEngineRig(t, 100, 1, at(30), forever)
	r.dev.on = func(uint64, uint64) { r.Interrupt() }
	var ends []uint64
	r.OnQuantum = func(now uint64) bool {
		ends = append(ends, now)
		return false
	}
	if err := r.Run(1); err != nil || r.Short() || !slices.Equal(ends, []uint64{100}) {
		t.Errorf("%v, quanta end at %d, short %v", err, ends, r.Short())
	}
}
