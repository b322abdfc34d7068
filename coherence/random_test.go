package coherence

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the random tester's first run; 0: the fixed ones")
	stepsFlag = flag.Int("steps", 4000, "accesses per run of the random tester")
)

// The random tester, in the manner of gem5's Ruby tester: many harts, few
// lines, caches of a few slots. Every value read is compared with a flat memory
// that is written in bus order.
type tester struct {
	rng  *rand.Rand
	bus  *Bus
	ref  []byte
	mem  *DRAM
	res  []uint64 // per hart: reserved line, or NoLine
	now  []uint64
	step int
	desc string
}

const testRAM = 1 << 14

// randomConfig draws a machine.
func randomConfig(rng *rand.Rand) (Config, string) {
	line := 16 << rng.IntN(3)
	small := func(sets, ways int) cache.Config {
		policies := []cache.Policy{cache.LRU, cache.TreePLRU, cache.SRRIP, cache.FIFO, cache.Random}
		return cache.Config{Size: sets * ways * line, Ways: ways, Line: line, Replacement: policies[rng.IntN(len(policies))]}
	}
	cfg := testConfig(2 + rng.IntN(15))
	cfg.Protocol = []*Protocol{MSI, MESI, MOESI, MESIF}[rng.IntN(4)]
	cfg.L1D, cfg.L1I = small(2, 2), small(1, 2)
	if rng.IntN(2) == 0 {
		cfg.L2 = small(4, 2)
	}
	home := rng.IntN(3)
	cfg.Inclusive = home == 0
	cfg.LLC = cache.Config{}
	if home < 2 {
		cfg.LLC = small(4, 4)
	}
	if rng.IntN(2) == 0 {
		cfg.FilterEntries, cfg.FilterWays = 16, 4 // far too few: recalls all the time
	}
	cfg.Announce = rng.IntN(2) == 0
	cfg.IncoherentL1I = rng.IntN(4) == 0
	cfg.Jitter = uint64(max(0, rng.IntN(20)-10))
	cfg.Check = true
	return cfg, fmt.Sprintf("%s, %d harts, %d-byte lines, L2 %d, home %d, filter %d, announce %v, incoherent L1I %v",
		cfg.Protocol.Name, cfg.Harts, line, cfg.L2.Size, home, cfg.FilterEntries, cfg.Announce, cfg.IncoherentL1I)
}

// newTester draws a machine. change, if not nil, has the last word.
func newTester(t *testing.T, seed uint64, change func(*Config)) *tester {
	rng := rand.New(rand.NewPCG(seed, 0))
	cfg, desc := randomConfig(rng)
	if change != nil {
		change(&cfg)
	}
	b, d := newMachine(t, cfg, testRAM)
	x := &tester{rng: rng, bus: b, mem: d, ref: make([]byte, testRAM),
		res: make([]uint64, cfg.Harts), now: make([]uint64, cfg.Harts), desc: desc}
	for i := range x.res {
		x.res[i] = cache.NoLine
	}
	for i := range x.ref {
		x.ref[i] = byte(rng.Uint32())
	}
	copy(d.Bytes(ramBase, testRAM), x.ref)
	return x
}

// draw makes up an access: a few lines, most of them shared, all offsets.
func (x *tester) draw() Access {
	ops := []Op{OpLoad, OpLoad, OpLoad, OpStore, OpStore, OpStore, OpFetch, OpFetch, OpLR, OpSC, OpSC, OpWalk, OpCAS,
		OpPrefetchR, OpPrefetchW, OpPrefetchI, OpClean, OpFlush, OpInval, OpZero,
		OpAMOSwap, OpAMOAdd, OpAMOXor, OpAMOAnd, OpAMOOr, OpAMOMin, OpAMOMax, OpAMOMinU, OpAMOMaxU}
	line := x.bus.LineBytes()
	a := Access{Op: ops[x.rng.IntN(len(ops))], Size: 1 << x.rng.IntN(4), Value: x.rng.Uint64()}
	atomic := classOf[a.Op] == classWrite && a.Op != OpStore || a.Op == OpLR
	if atomic && a.Size < 4 {
		a.Size = 4
	}
	at := x.rng.IntN(24) * line
	if x.rng.IntN(8) == 0 {
		at = x.rng.IntN(testRAM/line) * line
	}
	off := x.rng.IntN(line/8) * 8
	switch room := 8 - int(a.Size); {
	case atomic && room > 0:
		off += x.rng.IntN(2) * 4
	case room > 0:
		off += x.rng.IntN(room + 1)
	}
	a.PA = ramBase + addr.PA(at+off)
	if a.Op == OpSC && x.rng.IntN(2) == 0 {
		a.PA = ramBase + addr.PA(at) // may well miss the reservation
	}
	a.Uncached = x.rng.IntN(16) == 0
	if a.Op == OpCAS {
		a.Compare = x.old(&a)
		if x.rng.IntN(3) == 0 {
			a.Compare++
		}
	}
	return a
}

func (x *tester) old(a *Access) uint64 { return get(x.ref[a.PA-ramBase:], a.Size) }

// expect applies a, by hart, to the reference memory and checks its results.
func (x *tester) expect(hart int, a *Access) {
	line := uint64(a.PA) / uint64(x.bus.LineBytes())
	at := int(a.PA - ramBase)
	old := x.old(a)
	if a.Fault {
		x.fail(hart, a, "fault")
	}
	wrote := false
	switch a.Op {
	case OpLoad, OpWalk, OpLR:
		if a.Result != old {
			x.fail(hart, a, "read %#x, want %#x", a.Result, old)
		}
		if a.Op == OpLR {
			x.res[hart] = line
		}
	case OpFetch:
		if a.Result != old && (!x.bus.cfg.IncoherentL1I || a.Uncached) {
			x.fail(hart, a, "fetched %#x, want %#x", a.Result, old)
		}
	case OpStore:
		put(x.ref[at:], a.Size, a.Value)
		wrote = true
	case OpSC:
		if want := x.res[hart] == line; a.OK != want {
			x.fail(hart, a, "success %v, want %v", a.OK, want)
		}
		x.res[hart] = cache.NoLine
		if a.OK {
			put(x.ref[at:], a.Size, a.Value)
			wrote = true
		}
	case OpCAS:
		if a.Result != old || a.OK != (old == a.Compare) {
			x.fail(hart, a, "read %#x, %v, want %#x", a.Result, a.OK, old)
		}
		if a.OK {
			put(x.ref[at:], a.Size, a.Value)
		}
		wrote = true // the line was taken, whether or not it was changed
	case OpZero:
		lo := at &^ (x.bus.LineBytes() - 1)
		clear(x.ref[lo : lo+x.bus.LineBytes()])
		wrote = true
	case OpPrefetchW:
		wrote = !a.Uncached
	case OpInval:
		// The line is memory's now. What memory has depends on evictions.
		lo := at &^ (x.bus.LineBytes() - 1)
		x.mem.PeekLine(a.PA-addr.PA(at-lo), x.ref[lo:lo+x.bus.LineBytes()])
		for h := range x.res {
			if x.res[h] == line {
				x.res[h] = cache.NoLine
			}
		}
	case OpClean, OpFlush, OpPrefetchR, OpPrefetchI:
	default:
		if a.Result != old {
			x.fail(hart, a, "read %#x, want %#x", a.Result, old)
		}
		put(x.ref[at:], a.Size, naiveAMO(a.Op, a.Size, old, a.Value))
		wrote = true
	}
	if wrote {
		x.wrote(hart, line)
	}
}

// wrote ends the others' reservations.
func (x *tester) wrote(hart int, line uint64) {
	for h := range x.res {
		if h != hart && x.res[h] == line {
			x.res[h] = cache.NoLine
		}
	}
}

func naiveAMO(op Op, size uint8, old, v uint64) uint64 {
	if size == 4 {
		o, w := int32(old), int32(v)
		return uint64(map[Op]uint32{
			OpAMOSwap: uint32(w), OpAMOAdd: uint32(o + w), OpAMOXor: uint32(o ^ w), OpAMOAnd: uint32(o & w), OpAMOOr: uint32(o | w),
			OpAMOMin: uint32(min(o, w)), OpAMOMax: uint32(max(o, w)),
			OpAMOMinU: min(uint32(o), uint32(w)), OpAMOMaxU: max(uint32(o), uint32(w)),
		}[op])
	}
	o, w := int64(old), int64(v)
	return map[Op]uint64{
		OpAMOSwap: v, OpAMOAdd: old + v, OpAMOXor: old ^ v, OpAMOAnd: old & v, OpAMOOr: old | v,
		OpAMOMin: uint64(min(o, w)), OpAMOMax: uint64(max(o, w)), OpAMOMinU: min(old, v), OpAMOMaxU: max(old, v),
	}[op]
}

// failure is what the tester has found, thrown and caught in run.
type failure string

func (x *tester) failf(format string, args ...any) {
	panic(failure(fmt.Sprintf("%s: step %d: %s", x.desc, x.step, fmt.Sprintf(format, args...))))
}

func (x *tester) fail(hart int, a *Access, format string, args ...any) {
	x.failf("hart %d, op %d, %d bytes at %#x, uncached %v: %s",
		hart, a.Op, a.Size, uint64(a.PA), a.Uncached, fmt.Sprintf(format, args...))
}

// dma reads or writes as a device.
func (x *tester) dma() {
	at := x.rng.IntN(24 * x.bus.LineBytes())
	buf := make([]byte, x.rng.IntN(3*x.bus.LineBytes()))
	pa := ramBase + addr.PA(at)
	if x.rng.IntN(2) == 0 {
		if _, ok := x.bus.DMARead(x.bus.Harts(), pa, buf, x.now[0]); !ok || string(buf) != string(x.ref[at:at+len(buf)]) {
			x.failf("DMARead of %d bytes at %#x differs", len(buf), uint64(pa))
		}
		return
	}
	for i := range buf {
		buf[i] = byte(x.rng.Uint32())
	}
	x.bus.DMAWrite(x.bus.Harts(), pa, buf, x.now[0])
	copy(x.ref[at:], buf)
	for i := range buf {
		x.wrote(-1, (uint64(pa)+uint64(i))/uint64(x.bus.LineBytes()))
	}
}

// finish reads all of memory through the caches and checks the whole machine.
func (x *tester) finish() {
	if err := x.bus.Check(); err != nil {
		x.failf("%v", err)
	}
	buf := make([]byte, testRAM)
	x.bus.DMARead(x.bus.Harts(), ramBase, buf, 0)
	if string(buf) != string(x.ref) {
		x.failf("memory differs at the end")
	}
	for i := range x.bus.Harts() {
		p := x.bus.Private(i)
		for _, a := range []*cache.Array{p.L1D(), p.L1I(), p.L2()} {
			if a == nil {
				continue
			}
			if err := a.Check(); err != nil {
				x.failf("hart %d: %v", i, err)
			}
		}
	}
}

func seeds(t *testing.T, n int) []uint64 {
	var s []uint64
	first := *seedFlag
	if first != 0 {
		n = 1
	}
	for i := range n {
		s = append(s, first+uint64(i))
	}
	t.Logf("seeds %d to %d; -seed N runs one", s[0], s[len(s)-1])
	return s
}

// run makes the accesses one after the other, and returns what was found wrong.
func (x *tester) run(steps int) (found error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			found = errors.New(string(r))
		default: // the machine's own checks, or what a broken one trips over
			found = fmt.Errorf("%s: step %d: %v", x.desc, x.step, r)
		}
	}()
	for x.step = range steps {
		if x.rng.IntN(50) == 0 {
			x.dma()
			continue
		}
		hart := x.rng.IntN(x.bus.Harts())
		a := x.draw()
		done := x.bus.Private(hart).Do(&a, x.now[hart])
		if done < x.now[hart] {
			x.fail(hart, &a, "done at %d, before it began at %d", done, x.now[hart])
		}
		x.now[hart] = done + uint64(x.rng.IntN(3))
		x.expect(hart, &a)
		if x.step%256 == 0 {
			x.bus.Private(hart).FenceI()
		}
	}
	x.finish()
	return nil
}

func TestRandomAccesses(t *testing.T) {
	for _, seed := range seeds(t, 100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			if err := newTester(t, seed, nil).run(*stepsFlag); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The tester finds every mistake in a table that the exploration finds, with the
// machine's invariants checked at each request or only at the end; and it has nothing
// against a change that the exploration accepts.
func TestRandomFindsMutants(t *testing.T) {
	const most, steps = 40, 3000
	for _, p := range protocols {
		for _, check := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/check=%v", p.Name, check), func(t *testing.T) {
				t.Parallel()
				run := func(p *Protocol, seed uint64) error {
					return newTester(t, seed, func(c *Config) { c.Protocol, c.Check = p, check }).run(steps)
				}
				var found, hardest uint64
				for _, m := range mutants(p) {
					switch judge(t, m.p) {
					case "exploration":
						seed := uint64(0)
						for seed < most && run(m.p, seed) == nil {
							seed++
						}
						if seed == most {
							t.Errorf("not found: %s", m.name)
						}
						found, hardest = found+1, max(hardest, seed)
					case "":
						for seed := range uint64(most / 10) {
							if err := run(m.p, seed); err != nil {
								t.Errorf("%s: %v", m.name, err)
							}
						}
					}
				}
				if t.Logf("%d found, the hardest with seed %d", found, hardest); found == 0 {
					t.Error("no mutant was tried")
				}
			})
		}
	}
}
