package core

import (
	"encoding/binary"
	"fmt"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/coherence"
	"mcsim/core/isa"
)

// Where a rig has what: all of RAM, the place of its programs and of data, and
// a device that fills a page.
const (
	ramBase  = 0x8000_0000
	ramSize  = 16 << 20
	codeAt   = ramBase + 0x1000
	handler  = ramBase + 0x8000 // M's trap vector in a rig
	supEntry = ramBase + 0x9000 // S's
	dataAt   = ramBase + 0x10_0000
	deviceAt = 0x1000_0000
)

// words is a device of 512 doublewords that keeps what is written.
type words [512]uint64

func (w *words) Read(_, off uint64, size int) (uint64, bool) {
	if off&7+uint64(size) > 8 || off >= 4096 {
		return 0, false
	}
	return w[off>>3] >> (off & 7 * 8) & (^uint64(0) >> (64 - 8*size)), true
}

func (w *words) Write(_, off uint64, size int, v uint64) bool {
	if off&7+uint64(size) > 8 || off >= 4096 {
		return false
	}
	mask := ^uint64(0) >> (64 - 8*size) << (off & 7 * 8)
	w[off>>3] = w[off>>3]&^mask | v<<(off&7*8)&mask
	return true
}

// rig is a small real machine: harts on their private caches, a bus, DRAM and a
// device. There is no engine: a hart's requests are served on its own stack, so
// a test steps the harts in the order that it likes.
type rig struct {
	testing.TB
	bus   *coherence.Bus
	dev   *words
	harts []*Hart
	*Hart // hart 0
}

// rigConfig is what newRig builds from; a test changes what it is about.
type rigConfig struct {
	bus  coherence.Config
	hart Config
}

func newRig(t testing.TB, change ...func(*rigConfig)) *rig {
	t.Helper()
	l1 := cache.Config{Size: 4 << 10, Ways: 4, Line: 64}
	full := func(n int) TLBConfig { return TLBConfig{Entries: n, Ways: n} }
	c := rigConfig{
		coherence.Config{
			Harts: 1, Protocol: coherence.MESI, L1I: l1, L1D: l1,
			BusWidth: 16, LLCBanks: 1, Check: true,
		},
		Config{
			ISA: isa.AllExtensions &^ isa.ExtSmaia &^ isa.ExtSsaia, ITLB: full(8), DTLB: full(8), WalkCache: 4,
			MaxSATP: satpSv57, PMPRegions: 16, TimeDivider: 1,
		},
	}
	for _, f := range change {
		f(&c)
	}
	r := &rig{TB: t, dev: new(words)}
	var m coherence.Map
	for _, g := range []coherence.Region{
		{Name: "ram", Base: ramBase, Size: ramSize},
		{Name: "words", Base: deviceAt, Size: 4096, Dev: r.dev},
	} {
		if err := m.Add(g); err != nil {
			t.Fatal(err)
		}
	}
	dram, err := coherence.NewDRAM(coherence.DRAMConfig{Channels: 1, Banks: 1, RowBytes: 4096}, c.bus.L1D.Line, &m)
	if err != nil {
		t.Fatal(err)
	}
	if r.bus, err = coherence.New(c.bus, m, dram); err != nil {
		t.Fatal(err)
	}
	dec := isa.NewDecoder(c.hart.ISA)
	for i := range c.bus.Harts {
		c.hart.ID = i
		h := New(c.hart, r.bus.Private(i), dec, nil)
		h.Start(codeAt, 0)
		h.csr.mtvec, h.csr.stvec = handler, supEntry
		h.writeMstatus(mstatusFSDirty, mstatusFS)
		r.harts = append(r.harts, h)
	}
	r.Hart = r.harts[0]
	// All of memory, for every mode.
	if c.hart.PMPRegions > 0 {
		for _, h := range r.harts {
			h.writePMPAddr(15, ^uint64(0)>>10)
			h.writePMPCfg(2, 0x1f<<56)
		}
	}
	return r
}

func withHarts(n int) func(*rigConfig) { return func(c *rigConfig) { c.bus.Harts = n } }

func withoutISA(x isa.Extensions) func(*rigConfig) {
	return func(c *rigConfig) { c.hart.ISA &^= x }
}

func withStores(n int) func(*rigConfig) { return func(c *rigConfig) { c.hart.StoreQueue = n } }

// poke writes memory as a device would: every cache sees it.
func (r *rig) poke(pa uint64, b []byte) {
	r.Helper()
	if _, ok := r.bus.DMAWrite(len(r.harts), addr.PA(pa), b, 0); !ok {
		r.Fatalf("poke %#x", pa)
	}
}

func (r *rig) poke64(pa, v uint64) {
	r.Helper()
	r.poke(pa, binary.LittleEndian.AppendUint64(nil, v))
}

// peek64 is the newest value in memory, wherever it is cached.
func (r *rig) peek64(pa uint64) uint64 {
	r.Helper()
	var b [8]byte
	if err := r.bus.Peek(addr.PA(pa), b[:]); err != nil {
		r.Fatal(err)
	}
	return binary.LittleEndian.Uint64(b[:])
}

// code puts instructions at pa: 16 bits of those that are compressed.
func (r *rig) code(pa uint64, insts ...uint32) {
	r.Helper()
	var b []byte
	for _, in := range insts {
		if in&3 == 3 {
			b = binary.LittleEndian.AppendUint32(b, in)
		} else {
			b = binary.LittleEndian.AppendUint16(b, uint16(in))
		}
	}
	r.poke(pa, b)
}

// step executes n instructions, or takes that many traps.
func (h *Hart) step(n int) {
	for range n {
		h.Run(h.Clock() + 1)
	}
}

// exec1 puts one instruction at pc, on a line of its own that no program uses, and
// executes it; it returns true if that retired.
func (r *rig) exec1(inst uint32) bool {
	r.Helper()
	r.pc = codeAt
	r.code(codeAt, inst)
	before := r.instret
	r.step(1)
	return r.instret == before+1
}

// must executes one instruction that has to retire.
func (r *rig) must(inst uint32) {
	r.Helper()
	if !r.exec1(inst) {
		r.Fatalf("%s: %s", isa.NewDecoder(isa.AllExtensions).Decode(inst).Op, r.trapText())
	}
}

func (r *rig) trapText() string {
	c := &r.csr
	if r.priv == Supervisor && r.pc&^0xff == supEntry {
		return fmt.Sprintf("trap to S: cause %#x tval %#x epc %#x", c.scause, c.stval, c.sepc)
	}
	return fmt.Sprintf("mode %d, mcause %#x mtval %#x mepc %#x", r.priv, c.mcause, c.mtval, c.mepc)
}

// traps executes one instruction in privilege p that has to raise an exception,
// taken in M, and goes back to p.
func (r *rig) traps(p Priv, inst uint32, cause, tval uint64) {
	r.Helper()
	r.setPriv(p)
	deleg := r.csr.medeleg
	r.csr.medeleg = 0
	c := &r.csr
	c.mcause, c.mtval, c.mepc = 99, 99, 99
	if r.exec1(inst) || c.mcause != cause || c.mtval != tval || c.mepc != codeAt || r.priv != Machine || r.pc != handler {
		r.Fatalf("%#x in mode %d: %s; want cause %d, value %#x", inst, p, r.trapText(), cause, tval)
	}
	r.csr.medeleg = deleg
	r.setPriv(p)
}

func (h *Hart) setPriv(p Priv) {
	h.priv = p
	h.setContext()
}

// Encodings by name, from the table: the operands' usual places.

func match(name string) uint32 {
	for _, row := range isa.Rows() {
		if row.Name == name {
			return row.Match
		}
	}
	panic("no instruction " + name)
}

func opR(name string, rd, rs1, rs2 uint32) uint32 {
	return match(name) | rd<<7 | rs1<<15 | rs2<<20
}

func opI(name string, rd, rs1 uint32, imm int32) uint32 {
	return match(name) | rd<<7 | rs1<<15 | uint32(imm)<<20
}

func opS(name string, rs2, rs1 uint32, imm int32) uint32 {
	return match(name) | uint32(imm)&31<<7 | rs1<<15 | rs2<<20 | uint32(imm)>>5<<25
}

func opB(name string, rs1, rs2 uint32, off int32) uint32 {
	o := uint32(off)
	return match(name) | rs1<<15 | rs2<<20 | o>>11&1<<7 | o>>1&15<<8 | o>>5&63<<25 | o>>12<<31
}

func opJ(rd uint32, off int32) uint32 {
	o := uint32(off)
	return match("jal") | rd<<7 | o>>12&255<<12 | o>>11&1<<20 | o>>1&1023<<21 | o>>20<<31
}

func opCSR(name string, rd, num, rs1 uint32) uint32 { return match(name) | rd<<7 | rs1<<15 | num<<20 }

const nop = 0x13
