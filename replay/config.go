package replay

import (
	"errors"
	"fmt"

	"mcsim/core"
	"mcsim/traces"
)

// Pages says how virtual addresses are translated.
type Pages uint8

const (
	Pages4K   Pages = iota // page tables with leaves of 4 KiB
	Pages2M                // of 2 MiB
	PagesNone              // no TLB and no walks: see Config.Pages
)

// Frames says which memory a page gets.
type Frames uint8

const (
	FirstTouch Frames = iota // the next, in the order of first touch
	Random                   // by the seed
	Identity                 // that of its own address
)

// Count is what Skip, Warmup and Limit count.
type Count uint8

const (
	Instructions Count = iota
	References
)

// Config says what is replayed and how.
type Config struct {
	// VMs share the machine: its harts and its memory are divided among them in
	// order, as evenly as can be. One is the machine itself.
	VMs []VM

	// Map places threads: by the number that the trace gives a thread, the hart,
	// counted within its VM. A thread that is not named goes to hart (f + n) mod
	// the harts of its VM, where f is the number of its stream among the VM's and
	// n that of the thread in the order in which the stream names them first.
	Map map[uint32]int

	Slice      uint64 // cycles after which another thread of the hart has its turn
	SwitchCost uint64 // cycles that a switch of threads takes

	// With PagesNone, addresses are used as they are but for their upper bits:
	// pieces of 2 MiB are laid into memory in the order of first touch, so that
	// what selects a set of a cache is the trace's own.
	Pages    Pages
	Frames   Frames
	Physical bool // use the physical addresses of traces that have both

	Free  bool    // ignore time stamps
	Scale float64 // cycles per unit of time stamps; 0: that which the trace says

	Skip, Warmup, Limit uint64 // of each thread; Limit 0: none
	Count               Count

	Regions   []Region
	EachFetch bool // every fetch is an access of the L1I, even one from the line of the one before
	NoCheck   bool // do not compare loads with stores
	Preload   bool // read the traces into memory before anything runs
	Alone     int  // if not 0, only VM number Alone-1 has something to do; the others need no traces
	Window    int  // references of a stream that are in memory at most; 0: the default
}

// VM is a virtual machine that replays traces, or the machine itself.
type VM struct {
	Name   string
	Traces []Trace
}

// Trace is an open trace.
type Trace struct {
	Name    string
	Info    traces.Info
	Readers []traces.Reader // one stream each; the last Info.Devices are of devices
}

// Region is a range of virtual addresses (physical ones in physical traces) with
// counters of its own. The first that holds a reference's first byte counts it.
type Region struct {
	Name        string
	First, Last uint64
}

// DefaultSlice and DefaultWindow are used where the Config has 0.
const (
	DefaultSlice  = 100_000
	DefaultWindow = 64 * batchRefs
)

// maxMemory is the most that machine.memory can be.
const maxMemory = 64 << 30

// maxThreads is the number of threads that a version can name.
const maxThreads = 1<<16 - 2

// ConfigError says that a Config does not fit the machine or itself: the traces are
// not to blame.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }

func (e *ConfigError) Unwrap() error { return e.Err }

// check completes c and returns its mistakes.
func (c *Config) check(harts int) error {
	if c.Slice == 0 {
		c.Slice = DefaultSlice
	}
	if c.Window <= 0 {
		c.Window = DefaultWindow
	}
	c.Window = max(c.Window, 2*batchRefs)
	var errs []error
	if len(c.VMs) == 0 {
		errs = append(errs, errors.New("there is no trace to replay"))
	}
	if len(c.VMs) > harts {
		errs = append(errs, fmt.Errorf("%d virtual machines need a hart each, and there are %d: --harts %d", len(c.VMs), harts, len(c.VMs)))
	}
	for i, v := range c.VMs {
		if len(v.Traces) == 0 && (c.Alone == 0 || c.Alone == i+1) {
			errs = append(errs, fmt.Errorf("VM %s has no trace", v.Name))
		}
	}
	if len(c.Regions) >= core.NumRegions {
		errs = append(errs, fmt.Errorf("%d regions are more than %d", len(c.Regions), core.NumRegions-1))
	}
	for _, r := range c.Regions {
		if r.Last < r.First {
			errs = append(errs, fmt.Errorf("region %s ends at %#x, before it begins at %#x", r.Name, r.Last, r.First))
		}
	}
	if c.Pages == PagesNone && c.Frames != FirstTouch {
		errs = append(errs, errors.New("without page tables, memory is given by first touch"))
	}
	if c.Skip+c.Warmup < c.Skip {
		errs = append(errs, errors.New("skip and warm-up together are more than 64 bits count"))
	} else if c.Limit > ^uint64(0)-c.Skip-c.Warmup {
		c.Limit = 0 // nothing is as long as that
	}
	least := harts / max(1, len(c.VMs))
	for t, h := range c.Map {
		if h < 0 || h >= max(1, least) {
			errs = append(errs, fmt.Errorf("thread %d is mapped to hart %d, and each VM has %d: --harts %d", t, h, least, (max(h, 0)+1)*max(1, len(c.VMs))))
		}
	}
	return errors.Join(errs...)
}
