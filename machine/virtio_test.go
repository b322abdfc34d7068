package machine_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcsim/machine"
)

func newMachine(t *testing.T, set ...string) (*machine.Machine, error) {
	t.Helper()
	m, err := machine.New(configure(t, append([]string{"machine.memory=16MiB"}, set...)), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, m.LoadELF("wait", assemble(0x10500073)) // wfi
}

// Images, files and ports that cannot be had are refused before anything runs.
func TestDevicesRefused(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, "odd.img")
	if err := os.WriteFile(odd, make([]byte, 1000), 0o666); err != nil {
		t.Fatal(err)
	}
	for set, want := range map[string]string{
		"machine.virtio.disks=" + dir + "/none.img":           "no such file",
		"machine.virtio.disks=" + odd:                         "1000 bytes",
		"machine.virtio.console=" + dir + "/no/such/dir/file": "machine.virtio.console",
	} {
		if _, err := newMachine(t, set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", set, err)
		}
	}
}

// Every mix of devices, transports and controllers makes a machine, whose
// counters have names of their own and whose notes say what is lost.
func TestDevicesAttach(t *testing.T) {
	img := filepath.Join(t.TempDir(), "a.img")
	if err := os.WriteFile(img, make([]byte, 4096), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, transport := range []string{"mmio", "pci"} {
		for _, interrupts := range []string{"plic", "aplic", "aia"} {
			for _, memory := range []string{"16MiB", "64GiB"} {
				m, err := newMachine(t, "machine.virtio.transport="+transport, "machine.interrupts="+interrupts, "machine.memory="+memory,
					`machine.virtio.disks=["`+img+`,overlay", "`+img+`,ro"]`, "machine.virtio.rng=true", "machine.virtio.console=stdio", "machine.virtio.net=user", "machine.harts=3")
				if err != nil {
					t.Errorf("%s, %s, %s: %v", transport, interrupts, memory, err)
					continue
				}
				for _, name := range []string{"virtio.blk0.reads", "virtio.blk1.reads", "virtio.net0.frames_sent", "virtio.rng0.chains", "virtio.console0.interrupts"} {
					if _, ok := m.Stats().Snapshot().Get(name); !ok {
						t.Errorf("no statistic %s", name)
					}
				}
				if notes := m.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "lost") {
					t.Errorf("notes %q", notes)
				}
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// A bare-metal driver in machine code: it asks the entropy device for 8 bytes at
// 0x80002000 through a queue at 0x80003000 and waits for them. With the same
// seed the same bytes come, at the same cycle.
func TestEntropyRepeats(t *testing.T) {
	run := func(set ...string) (data []byte, cycles uint64) {
		m, err := machine.New(configure(t, append([]string{"machine.memory=16MiB", "machine.virtio.rng=true"}, set...)), machine.Options{Check: true})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.LoadELF("rng", entropyDriver()); err != nil {
			t.Fatal(err)
		}
		r, err := m.Run(t.Context(), machine.Limits{Cycles: 10e6})
		if err != nil || r.Reason != "exit" {
			t.Fatalf("%v: ended by %s", err, r.Reason)
		}
		data = make([]byte, 8)
		if err := m.ReadMemory(0x8000_2000, data); err != nil {
			t.Fatal(err)
		}
		return data, r.Cycles
	}
	a, at := run()
	b, bt := run()
	c, _ := run("machine.seed=2")
	if bytes.Equal(a, make([]byte, 8)) || !bytes.Equal(a, b) || at != bt || bytes.Equal(a, c) {
		t.Errorf("%x at cycle %d, again %x at %d, with another seed %x", a, at, b, bt, c)
	}
}

// entropyDriver is the program of TestEntropyRepeats.
func entropyDriver() []byte {
	const (
		x0, base, ram, t0, t1 = 0, 5, 6, 7, 28
	)
	var code []uint32
	li := func(rd, v uint32) { // lui and addiw
		code = append(code, (v+0x800)&^0xfff|rd<<7|0x37, v<<20|rd<<15|rd<<7|0x1b)
	}
	store := func(funct, rs2, rs1, off uint32) {
		code = append(code, off>>5<<25|rs2<<20|rs1<<15|funct<<12|off&31<<7|0x23)
	}
	reg := func(off, v uint32) { // a register of the device
		li(t0, v)
		store(2, t0, base, off)
	}
	li(base, 0x1000_1000)
	// A descriptor for 8 bytes to be written, and the available ring with it.
	code = append(code, 1<<20|x0<<15|ram<<7|0x13, 31<<20|ram<<15|1<<12|ram<<7|0x13) // ram = 1 << 31
	li(t0, 0x2000)
	code = append(code, ram<<20|t0<<15|t0<<7|0x33) // t0 = ram + 0x2000
	li(t1, 0x3000)
	code = append(code, ram<<20|t1<<15|t1<<7|0x33)
	store(3, t0, t1, 0)
	li(t0, 8)
	store(2, t0, t1, 8)
	li(t0, 2)
	store(2, t0, t1, 12)
	li(t0, 1)
	store(1, t0, t1, 0x102)
	reg(0x70, 3)
	reg(0x24, 1)
	reg(0x20, 1)
	reg(0x70, 11)
	reg(0x38, 4)
	for _, p := range [][2]uint32{{0x80, 0x3000}, {0x90, 0x3100}, {0xa0, 0x3200}} {
		li(t0, p[1])
		code = append(code, ram<<20|t0<<15|t0<<7|0x33)
		store(2, t0, base, p[0])
	}
	reg(0x44, 1)
	reg(0x70, 15)
	store(2, x0, base, 0x50)
	// Wait for the used index, then power off.
	code = append(code, 0x202<<20|t1<<15|5<<12|t0<<7|0x03) // lhu t0, 0x202(t1)
	code = append(code, 0xfe038ee3)                        // beqz t0, .-4
	li(base, 0x0010_0000)
	reg(0, 0x5555)
	return assemble(append(code, 0x0000006f)...)
}

// A restored machine may have its images elsewhere, if they are the same; another
// image, or a disk that was something else to the guest, is refused.
func TestRestoredDisks(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, fill byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, bytes.Repeat([]byte{fill}, 1<<20), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	first, moved, other := write("first.img", 1), write("moved.img", 1), write("other.img", 2)
	code := append([]uint32{lui(t1, 32), addi(t1, t1, -1), bne(t1, zero, -4)}, powerOff()...)
	s := &saving{job: job{image: assemble(code...), set: []string{"machine.virtio.disks=" + first + ",overlay"}}, at: "cycle:50000"}
	s.run(t)
	for disk, want := range map[string]string{
		moved + ",overlay": "",
		other + ",overlay": "is not the image",
		moved + ",ro":      "cannot change",
		`["` + moved + `,overlay","` + other + `,ro"]`: "cannot change",
	} {
		r, err := restore(t, s.file.Bytes(), "machine.virtio.disks="+disk)
		if want == "" && err == nil {
			r.run(t)
		} else if want == "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", disk, err, want)
		}
	}
}
