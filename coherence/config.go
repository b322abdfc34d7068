package coherence

import (
	"errors"
	"fmt"

	"mcsim/cache"
)

// MaxHarts is the width of a sharers mask.
const MaxHarts = 64

// Config is the shape of the caches, the bus and the home. Times are in cycles.
type Config struct {
	Harts    int // 1 to MaxHarts
	Protocol *Protocol

	L1I, L1D cache.Config // of one line size
	L2       cache.Config // Size 0: none. At least as large as both L1
	LLC      cache.Config // Size 0: none

	IncoherentL1I bool // the L1I is not snooped: stale until FenceI
	Announce      bool // clean evictions are announced to the home (PutS)
	Inclusive     bool // the LLC holds every line that a private cache holds

	// The snoop filter of a home that has no inclusive LLC. 0: 16 ways, and at
	// least two entries for every line of the private caches.
	FilterEntries, FilterWays int

	L1Hit       uint64 // cycles of an L1 hit that the pipeline does not hide
	L2Hit       uint64 // further cycles to the L2
	Arbitration uint64 // from a request to its order on the bus
	BusWidth    int    // bytes per cycle of the data bus
	Snoop       uint64 // a snoop and its answer
	LLCHit      uint64 // the LLC's latency
	LLCBanks    int    // power of two
	LLCBusy     uint64 // cycles that an access keeps a bank
	IO          uint64 // a device register's latency

	Jitter uint64 // each read of memory takes up to so many cycles more, by Seed
	Seed   uint64

	Check bool // verify the invariants of the line after each request
}

// Validate returns every mistake of c, each with the field it is in.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Harts < 1 || c.Harts > MaxHarts {
		bad("harts: %d is not in 1 to %d", c.Harts, MaxHarts)
	}
	if c.Protocol == nil {
		bad("protocol: none")
	}
	for _, l := range []struct {
		name     string
		cfg      cache.Config
		optional bool
	}{{"l1i", c.L1I, false}, {"l1d", c.L1D, false}, {"l2", c.L2, true}, {"llc", c.LLC, true}} {
		if l.optional && l.cfg.Size == 0 {
			continue
		}
		if err := l.cfg.Validate(); err != nil {
			bad("%s: %w", l.name, err)
		} else if l.cfg.Line != c.L1D.Line {
			bad("%s.line: %d bytes, but l1d.line has %d; all levels must agree", l.name, l.cfg.Line, c.L1D.Line)
		}
	}
	if c.L2.Size != 0 && c.L2.Size < c.L1I.Size+c.L1D.Size {
		bad("l2.size: %d bytes cannot include the L1s' %d", c.L2.Size, c.L1I.Size+c.L1D.Size)
	}
	if c.LLC.Size == 0 && c.Inclusive {
		bad("llc.inclusive: there is no LLC")
	}
	if c.BusWidth < 1 {
		bad("bus.width: %d bytes per cycle", c.BusWidth)
	}
	if c.LLCBanks < 1 || c.LLCBanks > 256 || c.LLCBanks&(c.LLCBanks-1) != 0 {
		bad("llc.banks: %d is not a power of two from 1 to 256", c.LLCBanks)
	}
	if c.FilterEntries < 0 || c.FilterEntries > 1<<24 || c.FilterWays < 0 || c.FilterWays > cache.MaxWays {
		bad("filter: %d entries of %d ways", c.FilterEntries, c.FilterWays)
	}
	return errors.Join(errs...)
}

// filterConfig is the shape of the snoop filter's tag array. Its data are not
// used; cache.MinLine keeps them few, and untouched they take no host memory.
func (c *Config) filterConfig() cache.Config {
	ways := c.FilterWays
	if ways == 0 {
		ways = 16
	}
	lines := (c.L1I.Size + c.L1D.Size) / c.L1D.Line
	if c.L2.Size != 0 {
		lines = c.L2.Size / c.L1D.Line
	}
	want := c.FilterEntries
	if want == 0 {
		want = 2 * lines * c.Harts
	}
	sets := 1
	for sets*ways < want {
		sets *= 2
	}
	return cache.Config{Size: sets * ways * cache.MinLine, Ways: ways, Line: cache.MinLine}
}

// move is a protocol cell in the form that the machine runs on.
type move struct {
	next   State
	cannot bool
	do     Action
}

type moveTable [8][16]move

func compile(p *Protocol) *moveTable {
	t := new(moveTable)
	for s := range NumStates {
		for e := range NumEvents {
			c := &p.Table[s][e]
			t[s][e] = move{c.Next, c.Cannot(), c.Do}
		}
	}
	return t
}

// answers says whether a cache in state s supplies data to a reader: what the
// home remembers as the line's owner.
func (t *moveTable) answers(s State) bool { return t[s][SnoopRead].do&SupplyData != 0 }
