package machine

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/u-root/u-root/pkg/dt"

	"mcsim/core"
)

// virt describes a machine with the layout of QEMU's virt board.
func virt() DTConfig {
	return DTConfig{
		Harts: 2, TimebaseHz: 10_000_000, MMU: "sv57",
		Extensions: []string{"c", "i", "m", "a", "f", "d", "sstc", "zba", "zicsr", "zbb", "zifencei", "zicbom", "svade"},
		CBOMBlock:  64, CBOZBlock: 64,
		L1I: DTCache{32 << 10, 4, 64}, L1D: DTCache{32 << 10, 8, 64}, L2: DTCache{256 << 10, 8, 64}, LLC: DTCache{2 << 20, 16, 64},
		ITLB: DTCache{32, 32, 1}, DTLB: DTCache{64, 4, 1},
		MemoryBase: 0x80000000, MemorySize: 256 << 20,
		CLINT: DTRange{0x2000000, 0x10000}, SSWI: DTRange{0x2f00000, 0x4000},
		PLIC: DTRange{0xc000000, 0x600000}, PLICSources: 0x5f,
		UART: DTRange{0x10000000, 0x100}, UARTSource: 10, UARTClockHz: 3686400,
		Test:     DTRange{0x100000, 0x1000},
		BootArgs: "console=ttyS0", InitrdStart: 0x84000000, InitrdEnd: 0x84001234,
	}
}

func build(t *testing.T, c DTConfig) []byte {
	t.Helper()
	b, err := BuildDTB(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t *testing.T, b []byte) *dt.Node {
	t.Helper()
	f, err := dt.ReadFDT(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return f.RootNode
}

// find returns the node at a path, or fails.
func find(t *testing.T, n *dt.Node, path string) *dt.Node {
	t.Helper()
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		child, ok := n.LookupChildByName(name)
		if !ok {
			t.Fatalf("no node %s in %q on the way to %s", name, n.Name, path)
		}
		n = child
	}
	return n
}

// value returns a property's bytes, or fails.
func value(t *testing.T, n *dt.Node, name string) string {
	t.Helper()
	p, ok := n.LookProperty(name)
	if !ok {
		t.Fatalf("node %s has no property %s", n.Name, name)
	}
	return string(p.Value)
}

func wantCells(t *testing.T, n *dt.Node, name string, want ...uint32) {
	t.Helper()
	v := value(t, n, name)
	var got []uint32
	for ; len(v) >= 4; v = v[4:] {
		got = append(got, binary.BigEndian.Uint32([]byte(v)))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s of %s is %#x, want %#x", name, n.Name, got, want)
	}
}

func TestDeviceTreeHarts(t *testing.T) {
	root := parse(t, build(t, virt()))
	cpus := find(t, root, "cpus")
	wantCells(t, cpus, "timebase-frequency", 10_000_000)
	cpu := find(t, cpus, "cpu@1")
	wantCells(t, cpu, "reg", 1)
	for name, want := range map[string]string{
		"riscv,isa":            "rv64imafdc_zicbom_zicsr_zifencei_zba_zbb_sstc_svade\x00",
		"riscv,isa-base":       "rv64i\x00",
		"riscv,isa-extensions": "i\x00m\x00a\x00f\x00d\x00c\x00zicbom\x00zicsr\x00zifencei\x00zba\x00zbb\x00sstc\x00svade\x00",
		"mmu-type":             "riscv,sv57\x00",
	} {
		if got := value(t, cpu, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	wantCells(t, cpu, "riscv,cbom-block-size", 64)
	wantCells(t, cpu, "d-cache-size", 32<<10)
	wantCells(t, cpu, "d-cache-sets", 64)
	wantCells(t, cpu, "d-cache-block-size", 64)
	wantCells(t, cpu, "i-cache-sets", 128)
	wantCells(t, cpu, "d-tlb-sets", 16)
	// L1 to L2 to the LLC, which all harts share.
	l2, llc := find(t, cpu, "l2-cache"), find(t, cpus, "l3-cache")
	if value(t, cpu, "next-level-cache") != value(t, l2, "phandle") || value(t, l2, "next-level-cache") != value(t, llc, "phandle") {
		t.Error("the caches are not chained")
	}
	wantCells(t, llc, "cache-level", 3)
	wantCells(t, llc, "cache-sets", 2048)
	core := find(t, cpus, "cpu-map/cluster0/core1")
	if value(t, core, "cpu") != value(t, cpu, "phandle") {
		t.Error("core1 is not cpu@1")
	}
}

func TestDeviceTreeLeavesOut(t *testing.T) {
	root := parse(t, build(t, DTConfig{
		Harts: 1, TimebaseHz: 1, MemoryBase: 0x80000000, MemorySize: 1 << 33, Extensions: []string{"i"},
		LLC: DTCache{1 << 20, 8, 128}, ToHost: 0x80001000, FromHost: 0x80001040,
	}))
	cpu := find(t, root, "cpus/cpu@0")
	for _, name := range []string{"mmu-type", "riscv,cbom-block-size", "i-cache-size", "d-tlb-size"} {
		if _, ok := cpu.LookProperty(name); ok {
			t.Errorf("cpu@0 has %s", name)
		}
	}
	if n := len(find(t, root, "soc").Children); n != 0 {
		t.Errorf("%d devices", n)
	}
	wantCells(t, find(t, root, "cpus/l2-cache"), "cache-level", 2)
	wantCells(t, find(t, root, "memory@80000000"), "reg", 0, 0x80000000, 2, 0)
	wantCells(t, find(t, root, "htif@80001040"), "reg", 0, 0x80001040, 0, 8, 0, 0x80001000, 0, 8)
}

func TestDeviceTreeMistakes(t *testing.T) {
	c := virt()
	c.Harts, c.TimebaseHz, c.MemorySize, c.BootArgs, c.PLIC.Base = 0, 1<<32, 0, "a\x00b", 0
	c.Extensions = append(c.Extensions, "Zba", "")
	c.L1D.Ways, c.L2.Line, c.LLC.Size = 0, 1<<63, 1000
	_, err := BuildDTB(c)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"0 harts", "4294967296 Hz", "no memory", "NUL", "PLIC", `"Zba"`, `""`, "l1d", "l2", "llc"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
}

// withDevices is virt with virtio and PCI, and the AIA in place of the PLIC.
func withDevices(aia bool) DTConfig {
	c := virt()
	c.Virtio = []DTVirtio{{DTRange{0x10001000, 0x1000}, 1, true}, {DTRange{0x10002000, 0x1000}, 2, false}}
	c.PCI = DTPCI{
		ECAM: DTRange{0x30000000, 0x10000000}, Low: DTRange{0x40000000, 0x40000000}, High: DTRange{0x400000000, 0x400000000},
		Source: 32, Coherent: true,
	}
	if aia {
		c.PLIC = DTRange{}
		c.AIA = DTAIA{
			APLICM: DTRange{0xc000000, 0x8000}, APLICS: DTRange{0xd000000, 0x8000},
			IMSICM: DTRange{0x24000000, 0x2000}, IMSICS: DTRange{0x28000000, 0x2000},
			Sources: 95, Identities: 255, Firmware: true,
		}
	}
	return c
}

// Nodes of virtio, PCI and AIA, as their bindings have them.
func TestDeviceTreeDevices(t *testing.T) {
	root := parse(t, build(t, withDevices(false)))
	v := find(t, root, "soc/virtio_mmio@10001000")
	if _, ok := v.LookProperty("dma-coherent"); !ok {
		t.Error("virtio is not coherent")
	}
	if _, ok := find(t, root, "soc/virtio_mmio@10002000").LookProperty("dma-noncoherent"); !ok {
		t.Error("Linux takes devices for coherent unless it is told otherwise")
	}
	wantCells(t, v, "interrupts-extended", phPLIC, 1)
	p := find(t, root, "soc/pci@30000000")
	wantCells(t, p, "interrupt-map-mask", 0x1800, 0, 0, 7)
	m := value(t, p, "interrupt-map")
	if len(m) != 16*6*4 {
		t.Errorf("an interrupt-map of %d bytes", len(m))
	}
	// Slot 2's pin B is wire 3: PCI-to-PCI Bridge Architecture, table 9-1.
	row := []byte(m[(2*4+1)*24:][:24])
	if be := binary.BigEndian; be.Uint32(row) != 2<<11 || be.Uint32(row[12:]) != 2 || be.Uint32(row[20:]) != 32+3 {
		t.Errorf("slot 2, pin B: % x", row)
	}
	root = parse(t, build(t, withDevices(true)))
	wantCells(t, find(t, root, "soc/virtio_mmio@10001000"), "interrupts-extended", phAPLICS, 1, 4)
	wantCells(t, find(t, root, "soc/pci@30000000"), "msi-parent", phIMSICS)
	wantCells(t, find(t, root, "soc/serial@10000000"), "interrupts", 10, 4)
	wantCells(t, find(t, root, "soc/interrupt-controller@d000000"), "msi-parent", phIMSICS)
	am := find(t, root, "soc/interrupt-controller@c000000")
	wantCells(t, am, "riscv,delegation", phAPLICS, 1, 95)
	if s := value(t, am, "status"); s != "disabled\x00" {
		t.Errorf("the machine's domain is %q, though the firmware has it", s)
	}
	wantCells(t, find(t, root, "soc/interrupt-controller@28000000"), "riscv,num-ids", 255)
}

// The device tree compiler reads the tree without a warning, and what it
// writes back is the same tree.
func TestDeviceTreeCompiler(t *testing.T) {
	dtc, err := exec.LookPath("dtc")
	if err != nil {
		t.Skip("dtc is not installed (Debian: device-tree-compiler)")
	}
	withHTIF := virt()
	withHTIF.Harts, withHTIF.ToHost, withHTIF.FromHost = 64, 0x80001000, 0x80001040
	for name, c := range map[string]DTConfig{
		"virt":  virt(),
		"small": {Harts: 1, TimebaseHz: 1, MemoryBase: 0x80000000, MemorySize: 1 << 20, Extensions: []string{"i"}},
		"64":    withHTIF,
		"mmio":  withDevices(false),
		"aia":   withDevices(true),
	} {
		blob := build(t, c)
		source := run(t, dtc, blob, "-I", "dtb", "-O", "dts", "-")
		// Quiet: in a source without labels, every phandle earns a warning.
		again := run(t, dtc, source, "-q", "-I", "dts", "-O", "dtb", "-")
		if a, b := parse(t, blob), parse(t, again); !reflect.DeepEqual(flat(a), flat(b)) {
			t.Errorf("%s: dtc writes back another tree:\n%s", name, source)
		}
	}
}

// A loader finds room behind the strings, the last section, and dtc the same tree.
func TestDeviceTreeRoom(t *testing.T) {
	blob := build(t, virt())
	roomy := withRoom(bytes.Clone(blob))
	cell := func(i int) int { return int(binary.BigEndian.Uint32(roomy[4*i:])) }
	// Section 5.2: totalsize is cell 1, off_dt_strings 3, size_dt_strings 8.
	if end := cell(3) + cell(8); cell(1) != len(roomy) || cell(1)-end < dtbFree || cell(1) > end+2*dtbFree {
		t.Errorf("the strings end at %d of %d, in a file of %d", end, cell(1), len(roomy))
	}
	if !reflect.DeepEqual(flat(parse(t, roomy)), flat(parse(t, blob))) {
		t.Error("the tree has changed")
	}
	dtc, err := exec.LookPath("dtc")
	if err != nil {
		t.Skip("dtc is not installed (Debian: device-tree-compiler)")
	}
	if again := run(t, dtc, roomy, "-q", "-I", "dtb", "-O", "dtb", "-"); !reflect.DeepEqual(flat(parse(t, again)), flat(parse(t, blob))) {
		t.Error("dtc reads another tree")
	}
}

// run gives a command's output; any word on stderr is a failure.
func run(t *testing.T, command string, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(command, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("%s %v: %v\n%s", command, args, err, errs.Bytes()[:min(2000, errs.Len())])
	}
	return out.Bytes()
}

// flat maps the path of each property to its value.
func flat(n *dt.Node) map[string]string {
	m := map[string]string{}
	var walk func(path string, n *dt.Node)
	walk = func(path string, n *dt.Node) {
		m[path] = ""
		for _, p := range n.Properties {
			m[path+":"+p.Name] = string(p.Value)
		}
		for _, c := range n.Children {
			walk(path+"/"+c.Name, c)
		}
	}
	walk("", n)
	return m
}

// The devices are declared as on QEMU's virt board, phandles aside.
func TestDeviceTreeLikeQEMU(t *testing.T) {
	qemu, err := exec.LookPath("qemu-system-riscv64")
	if err != nil {
		t.Skip("QEMU is not installed (Debian: qemu-system-misc)")
	}
	file := filepath.Join(t.TempDir(), "virt.dtb")
	cmd := exec.Command(qemu, "-M", "virt,dumpdtb="+file, "-smp", "2", "-m", "256M", "-display", "none")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	blob, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := parse(t, blob), parse(t, build(t, virt()))
	for path, props := range map[string][]string{
		"soc":                             {"#address-cells", "#size-cells", "compatible", "ranges"},
		"soc/serial@10000000":             {"compatible", "reg", "interrupts", "clock-frequency"},
		"soc/test@100000":                 {"compatible", "reg"},
		"soc/clint@2000000":               {"compatible", "reg"},
		"soc/plic@c000000":                {"compatible", "reg", "#interrupt-cells", "#address-cells", "interrupt-controller"},
		"memory@80000000":                 {"device_type", "reg"},
		"poweroff":                        {"compatible", "value", "offset"},
		"reboot":                          {"compatible", "value", "offset"},
		"chosen":                          {"stdout-path"},
		"cpus":                            {"#address-cells", "#size-cells", "timebase-frequency"},
		"cpus/cpu@1":                      {"device_type", "reg", "status", "compatible"},
		"cpus/cpu@1/interrupt-controller": {"compatible", "#interrupt-cells", "interrupt-controller"},
	} {
		a, b := find(t, ours, path), find(t, theirs, path)
		for _, p := range props {
			if x, y := value(t, a, p), value(t, b, p); x != y {
				t.Errorf("%s of %s is %q, on QEMU %q", p, path, x, y)
			}
		}
	}
	// The same inputs of the harts, whatever their phandles.
	for _, path := range []string{"soc/clint@2000000", "soc/plic@c000000"} {
		x, y := value(t, find(t, ours, path), "interrupts-extended"), value(t, find(t, theirs, path), "interrupts-extended")
		for i := 0; i < max(len(x), len(y)); i += 8 {
			if i >= len(x) || i >= len(y) || x[i+4:i+8] != y[i+4:i+8] {
				t.Errorf("interrupts of %s: %q, on QEMU %q", path, x, y)
				break
			}
		}
	}
}

// What M-mode firmware is told of counters (OpenSBI, docs/pmu_support.md): cache misses
// in general and of the last level are the LLC's; raw events are those that harts
// have, each by its whole number; with Sscofpmf cycles and instructions are
// programmable events, for only those interrupt.
func TestDTPMU(t *testing.T) {
	for _, x := range []struct {
		extensions []string
		l2         uint64
		cycles     bool // programmable
	}{{[]string{"i", "zihpm"}, 0, false}, {[]string{"i", "sscofpmf", "zihpm"}, 256 << 10, true}} {
		root := parse(t, build(t, DTConfig{Harts: 1, TimebaseHz: 1, MemoryBase: 0x80000000, MemorySize: 1 << 20, Extensions: x.extensions,
			L2: DTCache{x.l2, 8, 64}, LLC: DTCache{1 << 20, 8, 64}, PMU: true}))
		cells := func(name string) (v []uint32) {
			for text := value(t, find(t, root, "pmu"), name); len(text) >= 4; text = text[4:] {
				v = append(v, binary.BigEndian.Uint32([]byte(text)))
			}
			return v
		}
		selector := map[uint32]uint32{}
		for v := cells("riscv,event-to-mhpmevent"); len(v) >= 3; v = v[3:] {
			selector[v[0]] = v[2]
		}
		for sbi, event := range map[uint32]core.EventNumber{3: core.EventLLCAccess, 4: core.EventLLCMiss, 0x10011: core.EventLLCMiss, 0x10001: core.EventL1DMiss, 0x10019: core.EventDTLBMiss} {
			if selector[sbi] != uint32(event) {
				t.Errorf("event %#x is mhpmevent %d, want %d", sbi, selector[sbi], event)
			}
		}
		if selector[1] == uint32(core.EventCycles) != x.cycles {
			t.Errorf("%v: cycles are mhpmevent %d", x.extensions, selector[1])
		}
		counters := map[uint32]uint32{}
		for v := cells("riscv,event-to-mhpmcounters"); len(v) >= 3; v = v[3:] {
			counters[v[0]] = v[2]
		}
		if (counters[1] == 1) == x.cycles || counters[4] != 0xffff_fff8 {
			t.Errorf("%v: cycles have counters %#x, misses %#x", x.extensions, counters[1], counters[4])
		}
		raw := map[uint32]bool{}
		for v := cells("riscv,raw-event-to-mhpmcounters"); len(v) >= 5; v = v[5:] {
			if raw[v[1]] = true; v[0] != 0 || v[2] != 0xffff_ffff || v[3] != 0xffff_ffff || v[4] != 0xffff_fff8 {
				t.Errorf("raw event %#x", v[:5])
			}
		}
		for e := core.EventNone; e <= core.NumEvents; e++ {
			l2 := e == core.EventL2Access || e == core.EventL2Miss
			if want := e > 0 && e < core.NumEvents && (!l2 || x.l2 > 0); raw[uint32(e)] != want {
				t.Errorf("%v: raw event %d is offered: %v", x.extensions, e, raw[uint32(e)])
			}
		}
	}
}
