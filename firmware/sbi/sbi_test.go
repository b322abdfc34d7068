package sbi

import (
	"encoding/binary"
	"testing"

	"mcsim/core"
	"mcsim/core/isa"
)

const all = ^uint64(0)

// The boot hart starts in S-mode with its number and the device tree, the others
// are stopped (boot.rst of Linux; HSM).
func TestStart(t *testing.T) {
	r := newRig(t, 3, 0)
	h := r.harts[0]
	if h.Priv() != core.Supervisor || h.PC() != entryAt || h.X(10) != 0 || h.X(11) != 0x1234 || h.CSR(csrSatp) != 0 || h.CSR(csrSstatus)&2 != 0 {
		t.Errorf("hart 0: %s", h.State())
	}
	if err, _ := r.call(0, extHSM, 0, 1, otherAt, 77); err != success {
		t.Fatalf("start: error %d", err)
	}
	if s := r.state(1); s != startPending {
		t.Errorf("before it ran, hart 1 is in state %d", s)
	}
	r.harts[1].SetX(17, extBase)
	r.step(1)
	if s, h := r.state(1), r.harts[1]; s != started || h.X(11) != 2<<24 || h.Priv() != core.Supervisor {
		// Its ecall found the version, so a1 is no longer 77.
		t.Errorf("hart 1 is in state %d: %s", s, h.State())
	}
	if s := r.state(2); s != stopped {
		t.Errorf("hart 2 is in state %d", s)
	}
	for _, x := range []struct {
		id, at uint64
		want   int64
	}{
		{1, otherAt, errAvailable}, {3, otherAt, errInvalidParam}, {all, otherAt, errInvalidParam},
		{2, ramBase, errInvalidAddr}, {2, 0, errInvalidAddr}, {2, ramBase + ramSize, errInvalidAddr}, {2, all, errInvalidAddr}, {2, otherAt + 1, errInvalidAddr},
	} {
		if err, _ := r.call(0, extHSM, 0, x.id, x.at); err != x.want {
			t.Errorf("start hart %d at %#x: error %d, want %d", x.id, x.at, err, x.want)
		}
	}
}

// A stopped hart does nothing, and can be started again.
func TestStop(t *testing.T) {
	r := newRig(t, 2, 0)
	r.start()
	r.begin(1, extHSM, 1)
	n := r.harts[1].Instret()
	r.step(1)
	if s := r.state(1); s != stopped || r.harts[1].Instret() != n {
		t.Errorf("state %d, %d instructions after it stopped", s, r.harts[1].Instret()-n)
	}
	// A fence does not wait for it.
	if err, _ := r.call(0, extRFNC, 1, all, all, 0, all); err != success {
		t.Errorf("fence: error %d", err)
	}
	r.start()
	if s := r.state(1); s != started {
		t.Errorf("started again it is in state %d", s)
	}
}

// A suspended hart sleeps until an interrupt that it enabled, and resumes where
// the kind of suspend says.
func TestSuspend(t *testing.T) {
	for _, kind := range []uint64{retentive, nonRetentive} {
		r := newRig(t, 2, 0)
		r.start()
		h := r.harts[1]
		h.SetCSR(0x104, bitSSI) // sie
		r.begin(1, extHSM, 3, kind, otherAt, 55)
		if s := r.state(1); s != suspended {
			t.Errorf("type %#x: state %d", kind, s)
		}
		if err, _ := r.call(0, extIPI, 0, 2, 0); err != success {
			t.Errorf("IPI: error %d", err)
		}
		h.SetX(17, extBase)
		h.SetX(16, 0)
		r.step(1)
		if s := r.state(1); s != started {
			t.Errorf("type %#x: state %d after an IPI", kind, s)
		}
		if back := uint64(entryAt + 4); kind == retentive && (h.PC() != back || h.X(10) != 0) {
			t.Errorf("resumed at %#x with a0 %d", h.PC(), h.X(10))
		}
		if kind == nonRetentive && h.PC() != otherAt+4 {
			t.Errorf("resumed at %#x", h.PC())
		}
	}
	r := newRig(t, 2, 0)
	for _, kind := range []uint64{1, 0x0fff_ffff, 0x1000_0000, 0x8000_0001, 0xffff_ffff} {
		if err, _ := r.call(0, extHSM, 3, kind, otherAt); err != errInvalidParam {
			t.Errorf("type %#x: error %d", kind, err)
		}
	}
	if err, _ := r.call(0, extHSM, 3, nonRetentive, 5); err != errInvalidAddr {
		t.Errorf("resume at 5: error %d", err)
	}
	r.start()
	if err, _ := r.call(0, extSUSP, 0, 0, otherAt); err != errDenied {
		t.Errorf("system suspend with another hart running: error %d", err)
	}
}

// A mask of harts is taken as the chapter "Hart list parameter" says.
func TestHartMask(t *testing.T) {
	r := newRig(t, 3, 0)
	for _, x := range []struct {
		mask, base, harts uint64
		ok                bool
	}{
		{0, all, 7, true}, {5, 0, 5, true}, {3, 1, 6, true}, {0, 0, 0, true}, {0, 99, 0, true},
		{1, 3, 0, false}, {8, 0, 0, false}, {4, 1, 0, false}, {1 << 63, 2, 0, false}, {1, 1 << 40, 0, false}, {all, 0, 0, false},
	} {
		if harts, ok := r.f.mask(x.mask, x.base); ok != x.ok || ok && harts != x.harts {
			t.Errorf("mask %#x base %d: %#x %v", x.mask, x.base, harts, ok)
		}
	}
}

// A caller of a remote fence goes on only when the others have done it, and two
// that fence each other both do.
func TestRemoteFence(t *testing.T) {
	r := newRig(t, 3, 0)
	r.start()
	before := r.harts[1].Stats().Fences
	r.begin(0, extRFNC, 1, 6, 0, 0x1000, 0x2000)
	r.step(0)
	if !r.harts[0].Held() {
		t.Fatal("the caller did not wait")
	}
	r.step(1)
	if r.step(0); !r.harts[0].Held() {
		t.Error("the caller waited for one of two")
	}
	r.step(2)
	if r.harts[0].Held() || len(r.woken) == 0 || r.woken[len(r.woken)-1] != 0 {
		t.Error("the caller was not woken by the last")
	}
	if n := r.harts[1].Stats().Fences - before; n != 2 {
		t.Errorf("%d fences for two pages", n)
	}
	r.begin(0, extRFNC, 2, all, all, 0, all, 9)
	r.begin(1, extRFNC, 0, all, all)
	for range 4 {
		for i := range r.harts {
			r.step(i)
		}
	}
	for i, h := range r.harts {
		if h.Held() {
			t.Errorf("hart %d waits for ever", i)
		}
	}
	for _, x := range []struct {
		fid  uint64
		a    []uint64
		want int64
	}{
		{1, []uint64{1, 0, 0x1000, all - 1}, errInvalidAddr}, {2, []uint64{1, 0, 0, 4096, 1 << 16}, errInvalidParam},
		{1, []uint64{8, 0, 0, 4096}, errInvalidParam}, {3, nil, errNotSupported}, {6, nil, errNotSupported}, {7, nil, errNotSupported},
		{1, []uint64{7, 0, 0, 0}, success}, {1, []uint64{7, 0, 5, 1 << 40}, success}, {2, []uint64{1, 0, all, 1, 3}, success},
	} {
		if err, _ := r.call(0, extRFNC, x.fid, x.a...); err != x.want {
			t.Errorf("function %d %#x: error %d, want %d", x.fid, x.a, err, x.want)
		}
	}
}

// IPIs arrive as SSIP, which S-mode clears itself.
func TestIPI(t *testing.T) {
	r := newRig(t, 2, 0)
	r.start()
	if err, _ := r.call(0, extIPI, 0, 3, 0); err != success {
		t.Fatalf("error %d", err)
	}
	for i, h := range r.harts {
		r.step(i)
		if h.CSR(csrMip)&bitSSI == 0 || h.CSR(csrMip)&bitMSI != 0 || h.Priv() != core.Supervisor {
			t.Errorf("hart %d: %s", i, h.State())
		}
	}
}

// Without Sstc the firmware's own timer stands in.
func TestTimer(t *testing.T) {
	r := newRig(t, 1, isa.ExtSstc)
	if err, _ := r.call(0, extTime, 0, 5000); err != success || r.timers[0] != 5000 {
		t.Fatalf("error %d, mtimecmp %d", err, r.timers[0])
	}
	h := r.harts[0]
	h.SetTimer(h.Clock() + 10)
	r.step(0)
	if h.CSR(csrMip)&bitSTI == 0 || h.CSR(csrMie)&bitMTI != 0 || h.Priv() != core.Supervisor {
		t.Errorf("the timer came: %s", h.State())
	}
	h.SetTimer(^uint64(0))
	r.call(0, extTime, 0, 9000)
	if h.CSR(csrMip)&bitSTI != 0 {
		t.Error("a new time leaves the interrupt pending")
	}
	r = newRig(t, 1, 0)
	if r.call(0, extTime, 0, 1<<50); r.harts[0].CSR(csrStimecmp) != 1<<50 || len(r.timers) != 0 {
		t.Error("with Sstc, stimecmp is not set")
	}
}

// Without Zicntr a read of the time is carried out for S-mode, and anything else
// illegal is S-mode's trap.
func TestIllegal(t *testing.T) {
	r := newRig(t, 1, isa.ExtZicntr|isa.ExtZihpm)
	h := r.harts[0]
	put := func(in uint32) {
		r.WritePhys(0, entryAt, binary.LittleEndian.AppendUint32(nil, in))
		h.FenceI()
		h.SetPC(entryAt)
	}
	put(0xc01022f3) // rdtime t0
	h.SetX(5, 99999999)
	r.step(0)
	if h.X(5) > h.Time() || h.PC() != entryAt+4 {
		t.Errorf("rdtime gave %d at %d: %s", h.X(5), h.Time(), h.State())
	}
	h.SetCSR(csrStvec, otherAt+8)
	put(0xffff_ffff)
	r.step(0)
	if h.CSR(0x142) != causeIllegal || h.CSR(0x141) != entryAt || h.PC() != otherAt+8 {
		t.Errorf("scause %d sepc %#x: %s", h.CSR(0x142), h.CSR(0x141), h.State())
	}
}

// Memory of the firmware is out of S-mode's reach, also through a call.
func TestProtected(t *testing.T) {
	r := newRig(t, 1, 0)
	for _, pa := range []uint64{ramBase, ramBase + 512<<10 - 4} {
		if h := r.harts[0]; h.Allowed(pa, 4, false, false) || h.Allowed(pa, 4, true, false) || h.Allowed(pa, 4, false, true) {
			t.Errorf("S-mode may access %#x", pa)
		}
		if err, _ := r.call(0, extDBCN, 0, 16, pa); err != errInvalidParam {
			t.Errorf("printing %#x: error %d", pa, err)
		}
		if err, _ := r.call(0, extDBCN, 1, 16, pa); err != errInvalidParam {
			t.Errorf("reading to %#x: error %d", pa, err)
		}
	}
	if !r.harts[0].Allowed(ramBase+512<<10, 4, true, true) {
		t.Error("S-mode may not use its own memory")
	}
}

// The console, by DBCN and by the legacy calls.
func TestConsole(t *testing.T) {
	r := newRig(t, 1, 0)
	r.WritePhys(0, dataAt, []byte("hello"))
	if err, n := r.call(0, extDBCN, 0, 5, dataAt); err != success || n != 5 {
		t.Errorf("write: error %d, %d bytes", err, n)
	}
	r.call(0, extDBCN, 2, '!')
	r.call(0, extPutchar, 0, '?')
	if string(r.out) != "hello!?" {
		t.Errorf("printed %q", r.out)
	}
	if err, _ := r.call(0, extGetchar, 0); err != -1 {
		t.Errorf("getchar of nothing: %d", err)
	}
	r.in = []byte("abcdef")
	if c, a1 := r.call(0, extGetchar, 0, 0, 42); c != 'a' || a1 != 42 {
		t.Errorf("getchar: %d, a1 %d", c, a1)
	}
	if err, n := r.call(0, extDBCN, 1, 3, dataAt); err != success || n != 3 {
		t.Errorf("read: error %d, %d bytes", err, n)
	}
	b := make([]byte, 4)
	if r.ReadPhys(0, dataAt, b); string(b) != "bcdl" {
		t.Errorf("read %q", b)
	}
	if err, n := r.call(0, extDBCN, 0, 1<<20, dataAt); err != success || n != consoleChunk {
		t.Errorf("long write: error %d, %d bytes", err, n)
	}
	for _, a := range [][]uint64{{1, dataAt, 1}, {all, dataAt}, {ramSize, dataAt}, {16, ramBase + ramSize - 8}, {8, all - 3}} {
		if err, _ := r.call(0, extDBCN, 0, a...); err != errInvalidParam {
			t.Errorf("write of %#x: error %d", a, err)
		}
	}
}

// The legacy calls find their mask by S-mode's translation; its fault is S-mode's.
func TestLegacyMask(t *testing.T) {
	r := newRig(t, 2, 0)
	r.start()
	r.WritePhys(0, dataAt, []byte{2, 0, 0, 0, 0, 0, 0, 0})
	if err, _ := r.call(0, extSendIPI, 0, dataAt); err != success {
		t.Fatalf("error %d", err)
	}
	r.step(1)
	if r.harts[1].CSR(csrMip)&bitSSI == 0 {
		t.Error("no IPI arrived")
	}
	h := r.harts[0]
	h.SetCSR(csrStvec, otherAt+8)
	r.begin(0, extSFence, 0, 0x1000)
	if h.CSR(0x142) != 5 || h.CSR(0x141) != entryAt || h.CSR(csrMstatus)>>17&1 != 0 {
		t.Errorf("scause %d, sepc %#x, mstatus %#x", h.CSR(0x142), h.CSR(0x141), h.CSR(csrMstatus))
	}
}

func TestReset(t *testing.T) {
	for _, x := range []struct {
		kind, reason uint64
		code         int64
		reset        bool
	}{{0, 0, 0, false}, {0, 1, 1, false}, {1, 0, 0, true}, {2, 0, 0, true}} {
		r := newRig(t, 1, 0)
		r.begin(0, extSRST, 0, x.kind, x.reason)
		n := r.harts[0].Instret()
		r.step(0)
		if len(r.exits) != 1 || r.exits[0] != x.code || r.reset != x.reset || r.harts[0].Instret() != n {
			t.Errorf("%+v: %v %v", x, r.exits, r.reset)
		}
	}
	r := newRig(t, 1, 0)
	for _, a := range [][]uint64{{3, 0}, {0xf0000000, 0}, {0, 2}, {0, 0xe0000000}} {
		if err, _ := r.call(0, extSRST, 0, a...); err != errInvalidParam {
			t.Errorf("%#x: error %d", a, err)
		}
	}
}
