package sbi

import (
	"math/rand/v2"
	"testing"

	"mcsim/cache"
	"mcsim/core"
	"mcsim/core/isa"
)

// Every counter that is counted is described, as a CSR or as the firmware's.
func TestCounterInfo(t *testing.T) {
	r := newRig(t, 1, 0)
	_, n := r.call(0, extPMU, 0)
	for i := range n + 2 {
		err, info := r.call(0, extPMU, 1, i)
		switch {
		case i == timeCounter || i >= n:
			if err != errInvalidParam {
				t.Errorf("counter %d: error %d", i, err)
			}
		case i < hwCounters:
			if err != success || info>>63 != 0 || info&0xfff != 0xc00+i || info>>12&63 != 63 {
				t.Errorf("counter %d: error %d, %#x", i, err, info)
			}
		case err != success || info>>63 != 1:
			t.Errorf("counter %d: error %d, %#x", i, err, info)
		}
	}
}

// A cache event takes a counter of the hart, counts what the hart counts, and
// stops with its value kept.
func TestHardwareEvent(t *testing.T) {
	r := newRig(t, 1, 0)
	h := r.harts[0]
	const miss = typeCache<<16 | 1 // L1D, read, miss
	err, i := r.call(0, extPMU, 2, 0, 0xffff_fff8, cfgClear|cfgStart, miss, 0)
	if err != success || i < firstHPM || h.CSR(csrMhpmevent+uint16(i)) != uint64(core.EventL1DMiss) {
		t.Fatalf("error %d, counter %d with event %d", err, i, h.CSR(csrMhpmevent+uint16(i)))
	}
	if err, _ := r.call(0, extPMU, 3, i, 1, 0, 0); err != errStarted {
		t.Errorf("started twice: error %d", err)
	}
	before := h.CSR(csrMcycle + uint16(i))
	for k := range uint64(5) {
		if _, ok := h.LoadForSupervisor(dataAt + k*64); !ok {
			t.Fatal("a load faults")
		}
	}
	if n := h.CSR(csrMcycle+uint16(i)) - before; n != 5 {
		t.Errorf("counted %d misses, want 5", n)
	}
	if err, _ := r.call(0, extPMU, 4, i, 1, stopReset); err != success {
		t.Errorf("stop: error %d", err)
	}
	v := h.CSR(csrMcycle + uint16(i))
	h.LoadForSupervisor(dataAt + 4096)
	if h.CSR(csrMcycle+uint16(i)) != v || h.CSR(csrMhpmevent+uint16(i)) != 0 {
		t.Error("a stopped counter counts, or keeps its event")
	}
	if err, _ := r.call(0, extPMU, 4, i, 1, 0); err != errStopped {
		t.Errorf("stopped twice: error %d", err)
	}
	if err, _ := r.call(0, extPMU, 2, 0, 0xffff_fff8, 0, 5, 0); err != errNotSupported {
		t.Errorf("branches, which are not counted: error %d", err)
	}
}

// Cache misses in general and those of the last level are the LLC's, with a private
// L2 and without. Where there is no L2 its own events are refused, instead of
// counting nothing.
func TestLastLevelEvent(t *testing.T) {
	const miss = typeCache<<16 | 2<<3 | 1 // LL, read, miss
	l2 := cache.Config{Size: 16 << 10, Ways: 4, Line: 64}
	for name, x := range map[string]struct {
		r    *rig
		want int64
	}{"no L2": {newRig(t, 1, 0), errNotSupported}, "L2": {newRig(t, 1, 0, l2), success}} {
		for _, index := range []uint64{4, miss} {
			err, i := x.r.call(0, extPMU, 2, 0, 0xffff_fff8, 0, index, 0)
			if got := core.EventNumber(x.r.harts[0].CSR(csrMhpmevent+uint16(i)) &^ eventOF); err != success || got != core.EventLLCMiss {
				t.Errorf("%s: event %#x: error %d, mhpmevent %d", name, index, err, got)
			}
		}
		if err, _ := x.r.call(0, extPMU, 2, 0, 0xffff_fff8, 0, typeRaw<<16, uint64(core.EventL2Miss)); err != x.want {
			t.Errorf("%s: misses of the L2: error %d, want %d", name, err, x.want)
		}
	}
}

// A counter that wraps asks S-mode for an interrupt, once for each start. Filters by
// mode go to the hart.
func TestOverflow(t *testing.T) {
	r := newRig(t, 1, 0)
	h := r.harts[0]
	if v := h.CSR(csrMideleg); v&bitLCOFI == 0 {
		t.Errorf("mideleg is %#x", v)
	}
	const flags = cfgClear | cfgNotM
	err, i := r.call(0, extPMU, 2, 3, 0xffff, flags, 2, 0) // instructions
	event := csrMhpmevent + uint16(i)
	if err != success || h.CSR(event) != eventOF|eventNotM|uint64(core.EventInstructions) {
		t.Fatalf("error %d, mhpmevent %#x", err, h.CSR(event))
	}
	pending := func() bool { return h.CSR(csrMip)&bitLCOFI != 0 }
	for range 2 {
		h.SetCSR(csrMip, 0)
		start := uint64(1<<64 - 1000)
		if err, _ := r.call(0, extPMU, 3, i, 1, startInit, start); err != success || h.CSR(event)&eventOF != 0 || pending() {
			t.Fatalf("start: error %d, mhpmevent %#x", err, h.CSR(event))
		}
		for range 3000 {
			r.step(0)
		}
		if !pending() || h.CSR(csrScountovf) != 1<<i {
			t.Fatalf("no overflow: scountovf %#x", h.CSR(csrScountovf))
		}
		if err, _ := r.call(0, extPMU, 4, i, 1, 0); err != success {
			t.Fatalf("stop: error %d", err)
		}
	}
}

// Cycles and instructions have counters of their own, where these are as good as
// any.
func TestFixedCounters(t *testing.T) {
	r := newRig(t, 1, isa.ExtSscofpmf)
	r.call(0, extPMU, 4, 0, 0b101, stopReset)
	for event, want := range map[uint64]uint64{1: cycleCounter, 2: instretCounter} {
		if err, i := r.call(0, extPMU, 2, 0, 0xffff_fffd, cfgClear, event, 0); err != success || i != want {
			t.Errorf("event %d: error %d, counter %d", event, err, i)
		}
	}
	const start = 1 << 40
	if err, _ := r.call(0, extPMU, 3, cycleCounter, 1, startInit, start); err != success {
		t.Errorf("start: error %d", err)
	}
	if v := r.harts[0].CSR(csrMcycle); v < start || v > start+1000 {
		t.Errorf("cycle is %#x", v)
	}
}

// Firmware events are counted where they happen: here, IPIs.
func TestFirmwareEvent(t *testing.T) {
	r := newRig(t, 2, 0)
	r.start()
	err, i := r.call(0, extPMU, 2, 32, 0xffff, cfgClear|cfgStart, typeFirmware<<16|fwIPISent, 0)
	if err != success || i < hwCounters {
		t.Fatalf("error %d, counter %d", err, i)
	}
	for range 3 {
		r.call(0, extIPI, 0, 2, 0)
	}
	if err, v := r.call(0, extPMU, 5, i); err != success || v != 3 {
		t.Errorf("error %d, %d IPIs", err, v)
	}
	if err, _ := r.call(0, extPMU, 5, 3); err != errInvalidParam {
		t.Errorf("reading a hart's counter: error %d", err)
	}
}

// Snapshots are not offered, and not taken.
func TestNoSnapshots(t *testing.T) {
	r := newRig(t, 1, 0)
	if err, _ := r.call(0, extPMU, 7, dataAt, 0, 0); err != errNotSupported {
		t.Errorf("shared memory: error %d", err)
	}
	if err, _ := r.call(0, extPMU, 4, 0, 1, stopSnapshot); err != errNoShmem {
		t.Errorf("stop: error %d", err)
	}
	if err, _ := r.call(0, extPMU, 3, 0, 1, startSnapshot); err != errNoShmem {
		t.Errorf("start: error %d", err)
	}
}

// No call may panic, hang or leave S-mode, whatever it is given.
func TestHostileCalls(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	exts := []uint64{extBase, extTime, extIPI, extRFNC, extHSM, extPMU, extPMU, extDBCN, extSUSP, extSRST, 0, 1, 2, 3, 4, 5, 6, 7, 99, 0x4d505859}
	values := []uint64{0, 1, 2, 7, 64, all, all - 1, 1 << 63, 1 << 32, 1 << 31, ramBase, entryAt, dataAt, dataAt + 4, ramBase + ramSize - 1, 0xffff_fff8, 0x10001, 0xf0006}
	r := newRig(t, 3, 0)
	r.start()
	for i := range 5000 {
		eid, fid := exts[rng.IntN(len(exts))], uint64(rng.IntN(10))
		a := make([]uint64, 6)
		for k := range a {
			if a[k] = values[rng.IntN(len(values))]; rng.IntN(4) == 0 {
				a[k] = rng.Uint64()
			}
		}
		r.hostile(i, seed, eid, fid, a)
		if r.harts[0].Held() || r.f.harts[0].state != started { // it powered off, stopped or sleeps
			r = newRig(t, 3, 0)
			r.start()
		}
	}
}

func FuzzCall(f *testing.F) {
	f.Add(uint64(extRFNC), uint64(2), uint64(7), uint64(0), uint64(0x1000), all, uint64(3), uint64(0))
	f.Add(uint64(extPMU), uint64(2), uint64(0), all, uint64(6), uint64(0x10001), uint64(0), uint64(0))
	f.Add(uint64(extDBCN), uint64(1), uint64(64), uint64(dataAt), uint64(0), uint64(0), uint64(0), uint64(0))
	f.Add(uint64(extSendIPI), uint64(0), all-7, uint64(0), uint64(0), uint64(0), uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, eid, fid, a0, a1, a2, a3, a4, a5 uint64) {
		r := newRig(t, 2, 0)
		r.start()
		r.hostile(0, 0, eid, fid, []uint64{a0, a1, a2, a3, a4, a5})
	})
}

func (r *rig) hostile(i int, seed, eid, fid uint64, a []uint64) {
	r.Helper()
	h := r.harts[0]
	r.begin(0, eid, fid, a...)
	for range 6 {
		r.others(0)
		r.step(0)
	}
	if h.Held() && len(r.exits) == 0 && r.f.harts[0].state == started {
		r.Fatalf("seed %d, call %d: %#x %d %#x waits for ever", seed, i, eid, fid, a)
	}
	if h.Priv() != core.Supervisor {
		r.Fatalf("seed %d, call %d: %#x %d %#x ends in mode %d", seed, i, eid, fid, a, h.Priv())
	}
	if err := int64(h.X(10)); r.f.harts[0].state == started && len(r.exits) == 0 && !isLegacy(uint64(uint32(eid))) && h.PC() == entryAt+4 && (err > 0 || err < errNoShmem) {
		r.Fatalf("seed %d, call %d: %#x %d %#x gives the error %d", seed, i, eid, fid, a, err)
	}
	if err := r.bus.CheckLine(dataAt >> 6); err != nil {
		r.Fatal(err)
	}
}
