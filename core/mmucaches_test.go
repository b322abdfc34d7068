package core

import (
	"encoding/binary"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/coherence"
	"mcsim/core/isa"
)

// plainMemory is memory without time.
type plainMemory []byte

const plainBase = 0x8000_0000

func (m plainMemory) ReadLine(_ *coherence.Request, line addr.PA, dst []byte, now uint64) uint64 {
	copy(dst, m[line-plainBase:])
	return now + 50
}

func (m plainMemory) WriteLine(_ *coherence.Request, line addr.PA, src []byte, now uint64) uint64 {
	copy(m[line-plainBase:], src)
	return now
}

// twoHarts are two harts with caches on one bus, which serves each request as
// it is made, and 64 KiB of memory.
func twoHarts(t *testing.T) (h [2]*Hart, mem plainMemory) {
	t.Helper()
	var amap coherence.Map
	if err := amap.Add(coherence.Region{Name: "ram", Base: plainBase, Size: 1 << 16}); err != nil {
		t.Fatal(err)
	}
	mem = make(plainMemory, 1<<16)
	l1 := cache.Config{Size: 4096, Ways: 4, Line: 64}
	bus, err := coherence.New(coherence.Config{
		Harts: 2, Protocol: coherence.MESI, L1I: l1, L1D: l1, LLC: cache.Config{Size: 1 << 16, Ways: 8, Line: 64},
		Inclusive: true, BusWidth: 16, LLCHit: 10, LLCBanks: 1, Check: true,
	}, amap, mem)
	if err != nil {
		t.Fatal(err)
	}
	ext, err := isa.ParseISA("rv64gc")
	if err != nil {
		t.Fatal(err)
	}
	for i := range h {
		cfg := smallMMU()
		cfg.ID, cfg.ISA = i, ext
		h[i] = New(cfg, bus.Private(i), isa.NewDecoder(ext), nil)
		h[i].limit, h[i].left = 1<<40, 1<<40
	}
	return h, mem
}

// TestTablesAreCoherent: the walker sees an entry that is dirty in another
// hart's cache, and what it writes is seen there; both cost time, neither is an
// access of the DTLB; tables outside memory are access faults.
func TestTablesAreCoherent(t *testing.T) {
	harts, mem := twoHarts(t)
	writer, walker := harts[0], harts[1]
	do := func(op coherence.Op, pa, v uint64) uint64 {
		a := coherence.Access{Op: op, Size: 8, PA: addr.PA(pa), Value: v}
		writer.do(&a)
		return a.Result
	}
	const table, leafAt = plainBase + 0x1000, plainBase + 0x3000 + 4*8
	binary.LittleEndian.PutUint64(mem[0x1000:], pte(plainBase+0x2000, pteV))
	do(coherence.OpStore, plainBase+0x2000, pte(plainBase+0x3000, pteV))
	do(coherence.OpStore, plainBase+0x2008, pte(plainBase+1<<16, pteV))
	do(coherence.OpStore, leafAt, pte(plainBase+0x5000, rw&^(pteA|pteD)))

	walker.csr.menvcfg = menvcfgADUE
	walker.priv = Supervisor
	walker.mmu.writeSATP(satpSv39<<satpModeShift | table>>12)
	walker.setContext()
	before := walker.Clock()
	var tr translation
	if !walker.translate(0x4010, 8, accStore, &tr) || tr.PA != plainBase+0x5010 {
		t.Fatalf("cause %d, %#x", walker.trap.cause, uint64(tr.PA))
	}
	if walker.Clock() < before+50 {
		t.Errorf("the walk took %d cycles", walker.Clock()-before)
	}
	if got := do(coherence.OpLoad, leafAt, 0); got != pte(plainBase+0x5000, rw) {
		t.Errorf("the other hart sees the PTE %#x", got)
	}
	walker.SyncMMUStats()
	if n := walker.MMUStats().DTLB.Accesses; n != 0 {
		t.Errorf("%d DTLB accesses; want none but the walker's, which are not", n)
	}
	if walker.translate(0x20_0000, 8, accLoad, &tr) || walker.trap.cause != causeLoadAccess {
		t.Errorf("a table beyond memory: cause %d", walker.trap.cause)
	}
}
