package coherence

import (
	"testing"

	"mcsim/addr"
	"mcsim/cache"
)

const ramBase = 0x8000_0000

// testConfig is a machine of small, fast caches: L1 32 KiB, LLC 1 MiB.
func testConfig(harts int) Config {
	return Config{
		Harts: harts, Protocol: MESI, Inclusive: true,
		L1I: cache.Config{Size: 32 << 10, Ways: 8, Line: 64},
		L1D: cache.Config{Size: 32 << 10, Ways: 8, Line: 64},
		LLC: cache.Config{Size: 1 << 20, Ways: 16, Line: 64},

		L2Hit: 8, Arbitration: 4, BusWidth: 16, Snoop: 12, LLCHit: 20, LLCBanks: 4, LLCBusy: 2, IO: 30,
	}
}

func testDRAM() DRAMConfig {
	return DRAMConfig{Channels: 2, Banks: 16, RowBytes: 8192, Controller: 20,
		TRCD: 28, TCL: 28, TRP: 28, TBurst: 8, TREFI: 15600, TRFC: 700}
}

// newMachine returns a bus over ram bytes of DRAM at ramBase.
func newMachine(t testing.TB, cfg Config, ram uint64) (*Bus, *DRAM) {
	t.Helper()
	var m Map
	if err := m.Add(Region{Name: "ram", Base: ramBase, Size: ram}); err != nil {
		t.Fatal(err)
	}
	d, err := NewDRAM(testDRAM(), cfg.L1D.Line, &m)
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(cfg, m, d)
	if err != nil {
		t.Fatal(err)
	}
	return b, d
}

func load(p *Private, pa addr.PA, now uint64) (v, done uint64) {
	a := Access{Op: OpLoad, Size: 8, PA: pa}
	done = p.Do(&a, now)
	return a.Result, done
}

func store(p *Private, pa addr.PA, v, now uint64) (done uint64) {
	a := Access{Op: OpStore, Size: 8, PA: pa, Value: v}
	return p.Do(&a, now)
}
