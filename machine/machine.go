// Package machine wires a configuration into a machine and runs it: harts on
// their private caches, bus, LLC and DRAM, devices at the addresses of QEMU's
// virt board, statistics and events. It holds no logic of its own.
//
//	config --> New --> Load --> Run --> Result, statistics, events
//
// Ownership: Run's goroutine hosts the bus. Harts run on the engine's lanes
// between serial phases; everything else here is touched only while they are
// parked.
package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/coherence"
	"mcsim/core"
	"mcsim/core/isa"
	"mcsim/device"
	"mcsim/device/pci"
	"mcsim/event"
	"mcsim/firmware/sbi"
	"mcsim/gdb"
	"mcsim/machine/config"
	"mcsim/machine/disk"
	"mcsim/machine/log"
	"mcsim/replay"
	"mcsim/stats"
)

// RAMBase is where memory begins.
const RAMBase addr.PA = 0x8000_0000

// Addresses and interrupt sources of QEMU's virt board.
const (
	finisherBase addr.PA = 0x0010_0000
	rtcBase      addr.PA = 0x0010_1000
	aclintBase   addr.PA = 0x0200_0000
	plicBase     addr.PA = 0x0c00_0000
	uartBase     addr.PA = 0x1000_0000

	finisherSize = 0x1000
	plicSize     = 0x60_0000
	uartSize     = 0x100
	uartSource   = 10
	rtcSource    = 11
	plicSources  = 95
)

// Options are what a machine is connected to.
type Options struct {
	Console io.Writer   // what the guest prints; nil: nowhere
	Stdin   io.Reader   // what the guest's terminal types; nil: nothing
	Window  *Window     // its size, for a virtio console; nil: unknown
	Log     *log.Writer // nil: no events
	Check   bool        // check coherence invariants after each transaction
	Record  *Recording  // nil: none
	Version string      // of mcsim, for checkpoints

	// Protocol, if not nil, goes before the configuration's. One that was not
	// proven may let harts race with each other, so that it runs on one thread of
	// the host only.
	Protocol *coherence.Protocol

	// Debugger, if not nil, is waited for before the run begins.
	Debugger *gdb.Server
}

// Machine is a machine with its program. Its methods are for one goroutine.
type Machine struct {
	cfg  *config.Config
	opts Options

	image    *Image
	boot     *bootPlan     // nil: a bare-metal program
	firmware *sbi.Firmware // nil: none is built in
	amap     coherence.Map
	dram     *coherence.DRAM
	bus      *coherence.Bus
	engine   *coherence.Engine
	harts    []*core.Hart
	replay   *replay.Replay // what drives the harts, if not a program

	console  *device.Output
	uart     *device.UART
	aclint   *device.ACLINT
	rtc      *device.RTC
	htif     *device.HTIF
	plic     *device.PLIC
	aia      *aia
	input    *input
	virtio   []virtioDevice
	disks    []*disk.Disk
	pci      *pci.Host // nil: none
	net      *network  // nil: none
	vconsole *vconsole // nil: none
	reg      stats.Registry
	bufs     []*event.Buffer // by hart, then the machine's own
	own      *event.Buffer
	warned   []string // names of HTIF's warnings that there were
	warnings []string // not yet told to the user
	exit     *device.Exit
	instret  uint64
	cycles   uint64
	host     float64
	consoleE error
	rec      *recorder
	exact    *replay.Exact // follows a recording instead of running a program
	recordE  error
	exactE   error

	base *stats.Snapshot // where the statistics begin, if not at 0

	saveE error // of a checkpoint

	triggers []*trigger
	breaks   []uint64 // addresses of symbols that triggers wait for
	phases   phases
	due      string // why a checkpoint is to be taken when the quantum ends
	stopping string // the reason for which the run ends with the quantum
	panic    panicWatch
	loops    []int  // harts that have told of traps over and over
	told     []bool // by hart: its user knows of it
	savable  bool   // a quantum has just ended
	armed    []arm  // by hart, where a debugger stops it
	ctx      context.Context

	restored bool   // from a checkpoint
	resumed  uint64 // instructions retired before it
	taken    uint64 // characters that the guest has been given
	untaken  int    // restoring: characters read and not taken when it was saved
}

// New checks that a machine can be built from cfg. Load builds it, or one of its kind.
func New(cfg *config.Config, opts Options) (*Machine, error) {
	if opts.Console == nil {
		opts.Console = io.Discard
	}
	return &Machine{cfg: cfg, opts: opts}, nil
}

// LoadBare builds the machine around the ELF64 program in a file.
func (m *Machine) LoadBare(path string) error {
	im, err := LoadELF(path)
	if err != nil {
		return err
	}
	return m.Load(im)
}

// LoadELF builds the machine around an ELF64 program in memory.
func (m *Machine) LoadELF(name string, data []byte) error {
	im, err := ReadELF(bytes.NewReader(data), int64(len(data)), name)
	if err != nil {
		return err
	}
	return m.Load(im)
}

// Stats is the list of everything that the machine counts. It is complete once
// a program is loaded.
func (m *Machine) Stats() *stats.Registry { return &m.reg }

// Harts are the machine's harts.
func (m *Machine) Harts() []*core.Hart { return m.harts }

// ReadMemory fills buf with what a load at pa would read now, wherever it is,
// and disturbs nothing. It fails outside of RAM.
func (m *Machine) ReadMemory(pa addr.PA, buf []byte) error { return m.bus.Peek(pa, buf) }

// CheckCaches verifies that all copies of all lines agree, as coherence says.
func (m *Machine) CheckCaches() error { return m.bus.Check() }

// WriteMemory writes data at pa, wherever its copies are: for debuggers. It fails
// outside of RAM.
func (m *Machine) WriteMemory(pa addr.PA, data []byte) error { return m.bus.Poke(pa, data) }

// Load builds the machine around a program.
func (m *Machine) Load(im *Image) error {
	if err := im.CheckFits(RAMBase, uint64(m.cfg.Machine.Memory)); err != nil {
		return err
	}
	m.image = im
	if err := m.build(); err != nil {
		return err
	}
	m.place(im)
	dtb, at, err := m.deviceTree()
	if err != nil {
		return err
	}
	if err := m.start(im.Entry, at); err != nil {
		return err
	}
	for i := range m.harts {
		m.bufs[i].Emit(event.Event{Hart: int16(i), Kind: event.HartStart, Arg: [4]uint64{uint64(im.Entry)}})
	}
	if dtb != nil {
		copy(m.dram.Bytes(at, uint64(len(dtb))), dtb)
	}
	return nil
}

// build makes the machine, with empty memory, around m.image.
func (m *Machine) build() error {
	if err := m.addDevices(); err != nil {
		return err
	}
	shape, err := m.coherence(&m.cfg.Machine)
	if err != nil {
		return err
	}
	if err := m.connect(shape); err != nil {
		return err
	}
	m.observe()
	if err := m.addHarts(); err != nil {
		return err
	}
	m.register()
	return nil
}

// connect builds what harts are connected to: DRAM, the bus and the engine.
func (m *Machine) connect(shape coherence.Config) (err error) {
	c := &m.cfg.Machine
	if m.dram, err = coherence.NewDRAM(dramConfig(c), int(c.L1D.Line), &m.amap); err != nil {
		return fmt.Errorf("machine.dram: %w", err)
	}
	if m.bus, err = coherence.New(shape, m.amap, m.dram); err != nil {
		return fmt.Errorf("machine: %w", err)
	}
	m.engine = coherence.NewEngine(m.bus, uint64(c.Quantum), c.Seed)
	m.bus.Wake = m.wakeReserved
	return nil
}

// place copies the program to memory; the HTIF's windows lie over it.
func (m *Machine) place(im *Image) {
	for _, s := range im.Segments {
		m.dram.Load(s.PA, s.Data)
	}
	if m.htif != nil {
		for _, w := range m.htif.Windows() {
			copy(w.Data, m.dram.Bytes(w.Base, uint64(len(w.Data))))
		}
	}
}

// coherence is the shape of caches, bus and home.
func (m *Machine) coherence(c *config.Machine) (coherence.Config, error) {
	p, err := coherence.ByName(c.Protocol)
	if err != nil {
		return coherence.Config{}, fmt.Errorf("machine.protocol: %w", err)
	}
	if m.opts.Protocol != nil {
		p = m.opts.Protocol
	}
	var errs []error
	shape := func(name string, k config.Cache) cache.Config {
		r, err := policy(k.Replacement)
		if err != nil {
			errs = append(errs, fmt.Errorf("machine.%s.replacement: %w", name, err))
		}
		return cache.Config{Size: int(k.Size), Ways: k.Ways, Line: int(k.Line), Replacement: r, Seed: c.Seed}
	}
	cc := coherence.Config{
		Harts: c.Harts, Protocol: p,
		L1I: shape("l1i", c.L1I.Cache), L1D: shape("l1d", c.L1D), LLC: shape("llc", c.LLC.Cache),
		IncoherentL1I: !c.L1I.Coherent,
		Announce:      c.Evictions == "announced",
		Inclusive:     c.LLC.Inclusive,
		L2Hit:         uint64(c.L2.Latency),
		Arbitration:   uint64(c.Bus.Latency),
		BusWidth:      int(c.Bus.Width),
		Snoop:         uint64(c.Bus.Snoop),
		LLCHit:        uint64(c.LLC.Latency),
		LLCBanks:      c.LLC.Banks,
		LLCBusy:       2,
		IO:            uint64(c.Bus.IO),
		Jitter:        uint64(c.Jitter),
		Seed:          c.Seed,
		Check:         m.opts.Check,
	}
	if c.L2.Enabled() {
		cc.L2 = shape("l2", c.L2.Cache)
	}
	return cc, errors.Join(errs...)
}

func dramConfig(c *config.Machine) coherence.DRAMConfig {
	d := &c.DRAM
	cycles := func(n config.Nanos) uint64 { return n.Cycles(c.Clock) }
	line := uint64(c.L1D.Line)
	transfers := (line + uint64(d.Width) - 1) / uint64(d.Width)
	// Rate is in millions of transfers a second, Clock in cycles a second.
	perMicro := uint64(d.Rate)
	burst := (transfers*uint64(c.Clock) + perMicro*1e6 - 1) / (perMicro * 1e6)
	return coherence.DRAMConfig{
		Channels: d.Channels, Banks: d.Banks, RowBytes: int(d.Row),
		Controller: cycles(d.Overhead), TRCD: cycles(d.TRCD), TCL: cycles(d.TCL), TRP: cycles(d.TRP),
		TRAS: cycles(d.TRAS), ClosedRows: d.Policy == "closed", TBurst: max(1, burst), TREFI: cycles(d.TREFI), TRFC: cycles(d.TRFC),
	}
}

func (m *Machine) addHarts() error {
	c := &m.cfg.Machine
	ext, err := m.extensions()
	if err != nil {
		return fmt.Errorf("machine.isa: %w", err)
	}
	dec := isa.NewDecoder(ext)
	for i := range c.Harts {
		cfg := coreConfig(c, ext, i)
		cfg.InterruptFiles = m.interruptFiles()
		h := core.New(cfg, m.bus.Private(i), dec, m.bufs[i])
		h.SetMarkers(m.cfg.Run.Markers)
		m.harts = append(m.harts, h)
		m.engine.Add(h, &m.bus.Private(i).Port)
	}
	return nil
}

var satpModes = map[string]int{"none": 0, "sv39": 8, "sv48": 9, "sv57": 10}

func coreConfig(c *config.Machine, ext isa.Extensions, id int) core.Config {
	tlb := func(t config.TLB) core.TLBConfig {
		r, _ := policy(t.Replacement)
		tc := core.TLBConfig{Entries: t.Entries, Ways: t.Ways, Replacement: r, Seed: c.Seed + uint64(id)}
		for _, s := range t.PageSizes {
			tc.PageSizes = append(tc.PageSizes, uint64(s))
		}
		return tc
	}
	k := &c.Core
	l2tlb := tlb(c.L2TLB.TLB)
	l2tlb.Latency = c.L2TLB.Latency
	return core.Config{
		ID: id, ISA: ext, StoreQueue: c.StoreBuffer.Depth,
		ITLB: tlb(c.ITLB), DTLB: tlb(c.DTLB), L2TLB: l2tlb,
		WalkCache: c.WalkCache.Entries, MaxSATP: satpModes[c.MMU], PMPRegions: c.PMP,
		TimeDivider: max(1, uint64(c.Clock)/uint64(c.Timebase)),
		Latency: core.Latency{
			Load: c.L1D.Latency, Branch: k.Branch - 1 + c.L1I.Latency - 1, Jump: k.Branch - 1 + c.L1I.Latency - 1,
			Mul: k.Mul, Div: k.Div, FPAdd: k.FPAdd, FPMul: k.FPMul, FMA: k.FPFMA,
			FPDiv: k.FPDiv, FPSqrt: k.FPSqrt, FPMove: 1, FPConvert: k.FPAdd,
			CSR: k.CSR - 1, Trap: k.Trap - 1,
		},
	}
}

// policy finds a replacement policy; configurations write tree-plru short.
func policy(name string) (cache.Policy, error) {
	if name == "plru" {
		name = cache.TreePLRU.String()
	}
	return cache.ParsePolicy(name)
}
