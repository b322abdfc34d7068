package machine_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"mcsim/machine"
	"mcsim/machine/config"
)

// A configuration that is accepted can be built: what the parts of a machine refuse,
// the configuration's checks have found before, with file and line.
func TestAcceptedConfigurationsBuild(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	choices := []string{
		"preset: default server inorder-soc",
		"machine.harts: 1 2 3", "machine.protocol: MSI MESI MOESI MESIF", "machine.evictions: silent announced",
		"machine.isa: rv64i rv64imac rv64gc rv64imafdc_zicbom", "machine.mmu: none sv39 sv48 sv57", "machine.pmp: 0 16",
		"machine.memory: 1MiB 3MiB 1028KiB", "machine.clock: 1MHz 10GHz", "machine.timebase: 1kHz 1MHz 1GHz",
		"machine.l1i.size: 256 1KiB 4KiB 64KiB", "machine.l1i.ways: 1 2 3 4 64", "machine.l1i.coherent: true false",
		"machine.l1d.size: 256 1KiB 4KiB 64KiB", "machine.l1d.ways: 1 2 5 16 64", "machine.l1d.line: 16 32 128 256",
		"machine.l1d.replacement: lru plru srrip fifo random",
		"machine.l2.size: 0 512 8KiB 1MiB", "machine.l2.ways: 1 2 3 64", "machine.l2.replacement: lru plru srrip fifo random",
		"machine.llc.size: 256 4KiB 64KiB 3MiB", "machine.llc.ways: 1 3 16 64", "machine.llc.inclusive: true false", "machine.llc.banks: 1 2 64",
		"machine.itlb.entries: 1 2 4096", "machine.itlb.ways: 1 2 4096", "machine.itlb.replacement: lru plru fifo random",
		"machine.dtlb.entries: 1 48", "machine.dtlb.ways: 1 3 48", "machine.dtlb.page_sizes: 4KiB 4KiB,256TiB 1GiB,4KiB",
		"machine.l2tlb.entries: 0 8 1536", "machine.l2tlb.ways: 1 6 12", "machine.walk_cache.entries: 0 1 256",
		"machine.store_buffer.depth: 0 1 64", "machine.bus.width: 1 8 256", "machine.dram.channels: 1 2 64", "machine.dram.banks: 1 256",
		"machine.dram.row: 256 64KiB", "machine.dram.policy: open closed", "machine.dram.width: 1 256", "machine.dram.t_refi: 0 1ps 1ms",
		"machine.interrupts: plic aplic aia", "machine.devices.plic: true false", "machine.devices.aclint: true false", "machine.devices.uart: true false",
		"machine.virtio.rng: true false", "machine.virtio.transport: mmio pci", "machine.virtio.coherent: true false",
	}
	built := 0
	program := assemble(0x0000006f) // j .
	for range 300 {
		var in config.Input
		for range 1 + r.IntN(6) {
			path, values, _ := strings.Cut(choices[r.IntN(len(choices))], ": ")
			list := strings.Fields(values)
			s, err := config.ParseSetting(path + "=" + list[r.IntN(len(list))])
			if err != nil {
				t.Fatal(err)
			}
			in.Set = append(in.Set, s)
		}
		cfg, err := config.Load(in)
		if err != nil {
			continue
		}
		cfg.Machine.Harts = min(cfg.Machine.Harts, 3) // the server's are many
		cfg.Machine.Memory = min(cfg.Machine.Memory, 64<<20)
		m, err := machine.New(cfg, machine.Options{})
		if err != nil {
			t.Fatalf("%v: %v", in.Set, err)
		}
		if err := m.LoadELF("nothing", program); err != nil {
			t.Fatalf("%v: %v", in.Set, err)
		}
		built++
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d built", built)
	if built < 50 {
		t.Errorf("only %d of 300 were accepted", built)
	}
}
