package sbi

import (
	"encoding/binary"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/coherence"
	"mcsim/core"
	"mcsim/core/isa"
)

const (
	ramBase = 0x8000_0000
	ramSize = 8 << 20
	entryAt = ramBase + 2<<20 // S-mode's first instruction: ecall, then a loop
	otherAt = entryAt + 0x1000
	dataAt  = entryAt + 0x10_0000
	ecall   = 0x73
	spin    = 0x6f
)

// rig is harts on caches and a bus, without an engine: a test steps the harts in
// the order that it likes. It is the firmware's platform, too.
type rig struct {
	testing.TB
	f      *Firmware
	bus    *coherence.Bus
	harts  []*core.Hart
	out    []byte
	in     []byte
	timers map[int]uint64
	woken  []int
	exits  []int64
	reset  bool
}

func newRig(t testing.TB, harts int, isaMinus isa.Extensions, l2 ...cache.Config) *rig {
	t.Helper()
	l1 := cache.Config{Size: 4 << 10, Ways: 4, Line: 64}
	var m coherence.Map
	if err := m.Add(coherence.Region{Name: "ram", Base: ramBase, Size: ramSize}); err != nil {
		t.Fatal(err)
	}
	dram, err := coherence.NewDRAM(coherence.DRAMConfig{Channels: 1, Banks: 1, RowBytes: 4096}, 64, &m)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, timers: map[int]uint64{}}
	shape := coherence.Config{Harts: harts, Protocol: coherence.MESI, L1I: l1, L1D: l1, BusWidth: 16, LLCBanks: 1, Check: true}
	if len(l2) > 0 {
		shape.L2 = l2[0]
	}
	r.bus, err = coherence.New(shape, m, dram)
	if err != nil {
		t.Fatal(err)
	}
	full := core.TLBConfig{Entries: 8, Ways: 8}
	cfg := core.Config{
		ISA: isa.AllExtensions &^ isaMinus, ITLB: full, DTLB: full, WalkCache: 4,
		MaxSATP: 10, PMPRegions: 16, TimeDivider: 10,
	}
	dec := isa.NewDecoder(cfg.ISA)
	for i := range harts {
		cfg.ID = i
		r.harts = append(r.harts, core.New(cfg, r.bus.Private(i), dec, nil))
	}
	for _, at := range []uint64{entryAt, otherAt} {
		code := binary.LittleEndian.AppendUint32(nil, ecall)
		for range 8 {
			code = binary.LittleEndian.AppendUint32(code, spin)
		}
		copy(dram.Bytes(addr.PA(at), uint64(len(code))), code)
	}
	r.f, err = New(Config{
		Regions: []Region{{ramBase, 512 << 10}}, PMP: true, Entry: entryAt, Arg: 0x1234,
	}, r, r.harts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) SetMSIP(hart int, level bool)          { r.harts[hart].SetInterrupt(3, level) }
func (r *rig) SetTimer(hart int, _, ticks uint64)    { r.timers[hart] = ticks }
func (r *rig) Wake(hart int, _ uint64)               { r.woken = append(r.woken, hart) }
func (r *rig) Print(_ uint64, p []byte)              { r.out = append(r.out, p...) }
func (r *rig) Exit(_ uint64, code int64, reset bool) { r.exits, r.reset = append(r.exits, code), reset }

func (r *rig) Input(_ uint64, p []byte) int {
	n := copy(p, r.in)
	r.in = r.in[n:]
	return n
}

func (r *rig) ReadPhys(now, pa uint64, p []byte) bool {
	_, ok := r.bus.DMARead(len(r.harts), addr.PA(pa), p, now)
	return ok
}

func (r *rig) WritePhys(now, pa uint64, p []byte) bool {
	_, ok := r.bus.DMAWrite(len(r.harts), addr.PA(pa), p, now)
	return ok
}

func (r *rig) IsRAM(pa, size uint64) bool {
	return pa >= ramBase && size <= ramSize && pa-ramBase <= ramSize-size
}

// call makes a hart execute an ecall with these registers and returns a0 and a1.
// The others run in between, until the call returns.
func (r *rig) call(hart int, eid, fid uint64, a ...uint64) (err int64, value uint64) {
	r.Helper()
	h := r.harts[hart]
	r.begin(hart, eid, fid, a...)
	for i := 0; h.Held() && i < 10; i++ {
		r.others(hart)
		r.step(hart)
	}
	if h.Held() {
		r.Fatalf("hart %d waits for ever in call %#x %d %#x", hart, eid, fid, a)
	}
	return int64(h.X(10)), h.X(11)
}

// begin executes the ecall alone.
func (r *rig) begin(hart int, eid, fid uint64, a ...uint64) {
	h := r.harts[hart]
	h.SetPC(entryAt)
	for i := range 6 {
		h.SetX(10+i, 0)
	}
	for i, v := range a {
		h.SetX(10+i, v)
	}
	h.SetX(16, fid)
	h.SetX(17, eid)
	r.step(hart)
}

func (r *rig) others(hart int) {
	for i := range r.harts {
		if i != hart {
			r.step(i)
		}
	}
}

// step lets a hart run for some cycles.
func (r *rig) step(hart int) { r.harts[hart].Run(r.harts[hart].Clock() + 500) }

// state asks HSM.
func (r *rig) state(of int) hartState {
	r.Helper()
	err, v := r.call(0, extHSM, 2, uint64(of))
	if err != success {
		r.Fatalf("status of hart %d: error %d", of, err)
	}
	return hartState(v)
}

// start brings all harts up.
func (r *rig) start() {
	r.Helper()
	for i := 1; i < len(r.harts); i++ {
		if err, _ := r.call(0, extHSM, 0, uint64(i), otherAt, uint64(100+i)); err != success {
			r.Fatalf("start hart %d: error %d", i, err)
		}
		r.harts[i].SetX(17, extBase) // its first ecall asks for the version
		r.step(i)
	}
}
