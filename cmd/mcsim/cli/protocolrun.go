package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc"

	"mcsim/coherence"
	"mcsim/machine/config"
)

// check explores a set of machines, as many at a time as there are processors.
type check struct {
	all     []*exploration
	memory  int64 // for the states of all that are explored at a time
	workers int
}

type exploration struct {
	explored
	p      *coherence.Protocol
	o      coherence.Options
	states atomic.Int64 // so far
	err    error        // why it is not complete
	begun  bool
}

// newCheck lists the machines of o's size with each kind of home and of
// evictions. Its error is an unknown name's.
func newCheck(names []string, o coherence.Options, memory int64) (*check, error) {
	c := &check{memory: memory}
	for _, name := range names {
		p, err := coherence.ByName(name)
		if err != nil {
			return nil, err
		}
		for home := range coherence.NumHomeKinds {
			for _, silent := range []bool{true, false} {
				o.Home, o.Silent = home, silent
				e := explored{Protocol: p.Name, Caches: o.Caches, Lines: o.Lines, Values: o.Values,
					Evictions: "announced", Home: home.String()}
				if silent {
					e.Evictions = "silent"
				}
				c.all = append(c.all, &exploration{explored: e, p: p, o: o})
			}
		}
	}
	c.workers = min(runtime.GOMAXPROCS(0), len(c.all))
	for _, e := range c.all {
		e.o.MaxStates = int(max(1, memory/int64(c.workers)/coherence.StateBytes))
	}
	return c, nil
}

// run explores until all is done or ctx ends. It hands over what was begun in the
// order of the list, each as soon as it can, and draws progress on a terminal.
func (c *check) run(ctx context.Context, t *terminal, tell func(*explored)) {
	// Go's collector lets twice as much accumulate as is in use, if it is not told.
	limit := min(max(c.memory, 64<<20), debug.SetMemoryLimit(-1))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	finished := make([]chan struct{}, len(c.all))
	for i := range finished {
		finished[i] = make(chan struct{})
	}
	var next atomic.Int64
	var group conc.WaitGroup
	for range c.workers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(c.all)); i = next.Add(1) - 1 {
				c.all[i].run(ctx, finished[i])
			}
		})
	}
	p := checkProgress{c: c, t: t, start: time.Now()}
	for i, e := range c.all {
		p.await(i, finished[i])
		if e.begun {
			tell(&e.explored)
		}
	}
	group.Wait()
}

func (e *exploration) run(ctx context.Context, finished chan<- struct{}) {
	defer close(finished)
	if ctx.Err() != nil {
		return
	}
	e.begun = true
	r, err := coherence.Explore(ctx, e.p, e.o, func(states int) { e.states.Store(int64(states)) })
	e.States, e.Transitions, e.Depth, e.Complete = r.States, r.Transitions, r.Depth, err == nil
	e.states.Store(int64(r.States))
	e.err = err
	var v *coherence.Violation
	if errors.As(err, &v) {
		e.Violation, e.Trace = v.Rule, v.Trace
	}
}

// begun lists what there is to tell of.
func (c *check) begun() []*explored {
	all := []*explored{}
	for _, e := range c.all {
		if e.begun {
			all = append(all, &e.explored)
		}
	}
	return all
}

// verdict is the command's error: a broken rule counts most.
func (c *check) verdict(stop *stopper) error {
	complete := 0
	var tooMany *exploration
	for _, e := range c.all {
		switch {
		case e.Complete:
			complete++
		case e.Violation != "":
			return &exitError{code: exitDiffers}
		case errors.Is(e.err, coherence.ErrTooManyStates):
			tooMany = e
		case e.err != nil && !errors.Is(e.err, context.Canceled):
			return &exitError{code: exitInternal, err: e.err}
		}
	}
	switch {
	case stop.ctx.Err() != nil && complete < len(c.all):
		return fail(stop.code(), "interrupted: %d of %d machines were explored to the end", complete, len(c.all))
	case tooMany != nil:
		return fail(exitLimit, "%w, which is what %v is enough for with %d machines at a time; give more with --memory, or explore fewer caches or lines",
			tooMany.err, config.Size(c.memory), c.workers)
	}
	return nil
}

// checkProgress draws how far a check is, on a terminal only.
type checkProgress struct {
	c     *check
	t     *terminal
	start time.Time
}

// await waits for exploration i, and draws in the meantime.
func (p *checkProgress) await(i int, finished <-chan struct{}) {
	if !p.t.isTTY {
		<-finished
		return
	}
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		select {
		case <-finished:
			p.t.mu.Lock()
			p.t.erase()
			p.t.mu.Unlock()
			return
		case now := <-tick.C:
			p.draw(i, now.Sub(p.start))
		}
	}
}

func (p *checkProgress) draw(i int, elapsed time.Duration) {
	var states int64
	for _, e := range p.c.all {
		states += e.states.Load()
	}
	line := fmt.Sprintf("%d of %d machines, %.1f M states, %.1f M states/s, %v", i, len(p.c.all),
		float64(states)/1e6, float64(states)/1e6/elapsed.Seconds(), elapsed.Round(time.Second))
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	p.t.shown = true
	fmt.Fprintf(p.t.err, "\r\x1b[K%s", line)
}
