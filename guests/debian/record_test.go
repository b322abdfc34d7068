package debian_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcsim/machine"
	"mcsim/traces"
)

// A boot of Linux from firmware to power-off is recorded: its timers, idle harts,
// interrupts, page tables and a disk. Followed exactly, by a machine that has
// neither devices nor memory contents, it counts the same in every cache, TLB and
// walker, on the bus and in memory.
func TestBootRecorded(t *testing.T) {
	if testing.Short() {
		t.Skip("a boot takes seconds")
	}
	file, _ := image(t)
	f, err := os.Create(filepath.Join(t.TempDir(), "boot.mct"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := boot{
		harts: 2, args: "quiet selftest.only=drivers,disk selftest.devices=1 selftest.disk=1", record: f,
		set: []string{"machine.virtio.transport=pci", "machine.interrupts=aia", "machine.virtio.rng=true", "machine.virtio.coherent=false",
			"machine.virtio.disks=" + file + ",overlay", "machine.memory=256MiB", "machine.protocol=MOESI"},
	}.run(t)
	want.passed(t)
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %.2f for an instruction", info.Size(), float64(info.Size())/float64(want.Instructions))
	follow(t, f, info.Size(), want)
}

// follow replays a recording exactly and compares all statistics with those of the
// recorded run, but for the devices', which a replay does not have.
func follow(t *testing.T, f *os.File, size int64, want outcome) {
	t.Helper()
	rec, err := traces.OpenRecording(f, size, f.Name())
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := machine.ExactConfig(rec)
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine.New(cfg, machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.LoadRecording(rec); err != nil {
		t.Fatal(err)
	}
	res, err := m.Run(context.Background(), machine.Limits{})
	if err != nil || res.Reason != "trace-end" {
		t.Fatalf("the replay ended by %q: %v", res.Reason, err)
	}
	compared := 0
	for _, v := range m.Stats().Snapshot().Values {
		if v.Name == "sim.mips" || strings.HasPrefix(v.Name, "sim.host_") {
			continue
		}
		compared++
		if got := fmt.Sprint(v.U, v.F); got != want.values[v.Name] {
			t.Errorf("%s is %s, in the recorded run %s", v.Name, got, want.values[v.Name])
		}
	}
	for name := range want.values {
		if !strings.HasPrefix(name, "virtio.") {
			compared--
		}
	}
	if compared != 0 {
		t.Errorf("the replay has %d statistics more than the recorded run", compared)
	}
}
