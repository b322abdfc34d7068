package coherence

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/snapshot"
)

// saved is all that a machine is: its checkpoint and its memory.
func saved(t *testing.T, b *Bus, d *DRAM, ram uint64) []byte {
	t.Helper()
	var out bytes.Buffer
	err := snapshot.Save(&out, snapshot.Header{}, func(c *snapshot.Coder) {
		c.Section("all", 1, func(c *snapshot.Coder) {
			b.SnapshotCounters(c)
			b.SnapshotCaches(c)
			b.SnapshotTiming(c)
			d.SnapshotTiming(c)
			c.Bytes(d.Bytes(ramBase, ram))
			snapshot.Uint(c, &d.Stats.Reads, &d.Stats.Writes, &d.Stats.RowHits, &d.Stats.RowMisses, &d.Stats.Refreshes)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPlain makes the same accesses on two machines, of which one has no plain way.
// They agree on every cycle and value, and in the end on everything.
func TestPlain(t *testing.T) {
	const ram = 64 << 10
	alone := 0 // misses on lines that nobody else has
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		cfg := testConfig(1 + rng.IntN(4))
		cfg.Protocol = []*Protocol{MSI, MESI, MOESI, MESIF}[rng.IntN(4)]
		line := 32 << rng.IntN(2)
		cfg.L1D = cache.Config{Size: 16 * line, Ways: 4, Line: line, Replacement: cache.Policy(rng.IntN(4))}
		cfg.L1I = cache.Config{Size: 4 * line, Ways: 2, Line: line}
		cfg.LLC = cache.Config{Size: 64 * line << rng.IntN(3), Ways: 8, Line: line, Replacement: cache.Policy(rng.IntN(4))}
		cfg.Announce, cfg.IncoherentL1I = rng.IntN(4) == 0, rng.IntN(4) == 0
		cfg.Check = rng.IntN(4) == 0
		desc := fmt.Sprintf("seed %d: %s, %d harts, lines of %d", seed, cfg.Protocol.Name, cfg.Harts, line)
		plain, d1 := newMachine(t, cfg, ram)
		general, d2 := newMachine(t, cfg, ram)
		if general.plain = false; !plain.plain {
			t.Fatal(desc, ": no plain way")
		}
		now := make([]uint64, cfg.Harts)
		for step := range 4000 {
			if step%500 == 0 {
				fast := rng.IntN(3) == 0
				plain.setFast(fast)
				general.setFast(fast)
			}
			i := rng.IntN(cfg.Harts)
			a := Access{Op: []Op{OpLoad, OpLoad, OpStore, OpStore, OpFetch, OpLR, OpSC, OpAMOAdd, OpCAS, OpWalk, OpZero,
				OpPrefetchR, OpPrefetchW, OpFlush, OpClean}[rng.IntN(15)], Size: 8, Value: rng.Uint64()}
			a.PA = addr.PA(ramBase + rng.Uint64N(ram/64)*8<<rng.IntN(4)&^7)
			if rng.IntN(3) > 0 && cfg.Harts > 1 { // mostly its own part of memory
				a.PA = ramBase + (a.PA-ramBase)/addr.PA(cfg.Harts)&^7 + addr.PA(i*ram/cfg.Harts)&^7
			}
			other, kinds := a, plain.Stats.Kinds[GetS]+plain.Stats.Kinds[GetM]
			done, want := plain.Private(i).Do(&a, now[i]), general.Private(i).Do(&other, now[i])
			if done != want || a != other {
				t.Fatalf("%s, step %d, hart %d in cycle %d: done %d, %+v; in the general way %d, %+v",
					desc, step, i, now[i], done, a, want, other)
			}
			if plain.Stats.Kinds[GetS]+plain.Stats.Kinds[GetM] > kinds {
				if e := plain.home.tags.Lookup(uint64(a.PA) >> plain.shift); e >= 0 && plain.home.sharers[e] == bit(int32(i)) {
					alone++
				}
			}
			now[i] = done + rng.Uint64N(20)
		}
		if err := plain.Check(); err != nil {
			t.Fatal(desc, err)
		}
		if !bytes.Equal(saved(t, plain, d1, ram), saved(t, general, d2, ram)) {
			t.Fatal(desc, ": the machines differ in the end")
		}
	}
	if alone < 20000 {
		t.Fatalf("only %d misses on lines that nobody else has", alone)
	}
}
