package machine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/u-root/u-root/pkg/dt"

	"mcsim/addr"
)

// DTConfig is what a device tree says of a machine. Devices whose Base is 0
// are left out.
type DTConfig struct {
	Harts      int
	TimebaseHz uint64   // ticks of mtime per second
	MMU        string   // "sv39", "sv48" or "sv57"; "" for none
	Extensions []string // of every hart, in lower case: "i", "m", "zba", "sstc", ...

	// Bytes that cache management instructions work on; 0 if there are none.
	CBOMBlock, CBOZBlock, CBOPBlock uint32

	L1I, L1D    DTCache // of each hart
	L2          DTCache // of each hart; Size 0 if there is none
	LLC         DTCache // of all; Size 0 if there is none
	ITLB, DTLB  DTCache // entries, not bytes, with Line 1; Size 0 to say nothing
	MemoryBase  addr.PA
	MemorySize  uint64
	CLINT, SSWI DTRange
	PLIC        DTRange
	PLICSources uint32
	UART        DTRange
	UARTSource  uint32
	UARTClockHz uint32
	RTC         DTRange
	RTCSource   uint32
	Virtio      []DTVirtio
	PCI         DTPCI
	AIA         DTAIA   // instead of the PLIC
	PMU         bool    // harts have programmable counters: core.EventNumber
	Reserved    DTRange // memory of the firmware; Size 0 if it says so itself
	RNGSeed     []byte
	Test        DTRange // the finisher: also power-off and reboot
	ToHost      addr.PA // HTIF; 0 if there is none
	FromHost    addr.PA
	BootArgs    string
	InitrdStart addr.PA
	InitrdEnd   addr.PA // first byte after it; 0 if there is none
}

// DTCache is the shape of a cache.
type DTCache struct {
	Size, Ways, Line uint64 // bytes, lines per set, bytes
}

// DTRange is where a device's registers are.
type DTRange struct {
	Base addr.PA
	Size uint64
}

// Interrupt numbers of a hart's own controller (privileged manual, "mip").
const (
	irqSSoft, irqMSoft, irqMTimer, irqSExt, irqMExt = 1, 3, 7, 9, 11
)

// BuildDTB returns the flattened device tree of a machine (Devicetree
// Specification 0.4, chapter 5; CPU and cache nodes as in Linux's
// Documentation/devicetree/bindings/riscv).
func BuildDTB(c DTConfig) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	b := &dtBuilder{c: c}
	tree := dt.FDT{
		// Version 17, readable by all readers since 16.
		Header:   dt.Header{Magic: dt.Magic, Version: 17, LastCompVersion: 16},
		RootNode: b.root(),
	}
	var out bytes.Buffer
	if _, err := tree.Write(&out); err != nil {
		return nil, fmt.Errorf("device tree: %w", err)
	}
	return out.Bytes(), nil
}

// dtbFree is how much a loader may add to a device tree where it lies, in bytes.
const dtbFree = 4096

// withRoom gives a flattened device tree free space at its end (specification,
// section 5.1, totalsize). Firmware that changes the tree leaves some, and U-Boot
// counts on it: told to use the tree in place, it adds to /chosen what would else
// run into its own data behind.
func withRoom(blob []byte) []byte {
	blob = append(blob, make([]byte, dtbFree)...)
	binary.BigEndian.PutUint32(blob[4:], uint32(len(blob)))
	return blob
}

func (c *DTConfig) check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("device tree: "+format, args...))
	}
	if c.Harts < 1 || c.Harts > 4096 {
		bad("%d harts", c.Harts)
	}
	if c.TimebaseHz < 1 || c.TimebaseHz > math.MaxUint32 {
		bad("a time base of %d Hz, want 1 to %d", c.TimebaseHz, uint32(math.MaxUint32))
	}
	if c.MemorySize == 0 {
		bad("no memory")
	}
	if strings.ContainsRune(c.BootArgs, 0) {
		bad("the boot arguments contain a NUL")
	}
	if c.UART.Base != 0 && c.PLIC.Base == 0 && c.AIA.APLICS.Base == 0 {
		bad("a UART without a PLIC to interrupt")
	}
	if c.RTC.Base != 0 && c.PLIC.Base == 0 {
		c.RTC = DTRange{} // polled, and of no use to a driver
	}
	for _, e := range c.Extensions {
		if e == "" || strings.Trim(e, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			bad("%q is not the name of an extension", e)
		}
	}
	for _, x := range []struct {
		name string
		DTCache
	}{{"l1i", c.L1I}, {"l1d", c.L1D}, {"l2", c.L2}, {"llc", c.LLC}, {"itlb", c.ITLB}, {"dtlb", c.DTLB}} {
		if x.Size == 0 {
			continue
		}
		if x.Size > math.MaxUint32 || x.Ways == 0 || x.Line == 0 || x.Ways > x.Size || x.Line > x.Size || x.Size%(x.Ways*x.Line) != 0 {
			bad("%s: %d bytes do not make sets of %d lines of %d bytes", x.name, x.Size, x.Ways, x.Line)
		}
	}
	return errors.Join(errs...)
}

// dtBuilder builds the tree; it gives out phandles in the order of the nodes
// that others point to.
type dtBuilder struct {
	c DTConfig
}

// Phandles: of the single nodes first, then two per hart.
const (
	phPLIC = 1 + iota
	phTest
	phLLC
	phAPLICM
	phAPLICS
	phIMSICM
	phIMSICS
	phHarts
)

func (b *dtBuilder) phCPU(hart int) uint32  { return uint32(phHarts + 3*hart) }
func (b *dtBuilder) phIntc(hart int) uint32 { return uint32(phHarts + 3*hart + 1) }
func (b *dtBuilder) phL2(hart int) uint32   { return uint32(phHarts + 3*hart + 2) }

func (b *dtBuilder) root() *dt.Node {
	c := &b.c
	root := node("",
		cells("#address-cells", 2), cells("#size-cells", 2),
		text("compatible", "mcsim,virt", "riscv-virtio"), text("model", "mcsim,virt"))
	memory := node(unit("memory", c.MemoryBase), text("device_type", "memory"), reg(DTRange{c.MemoryBase, c.MemorySize}))
	root.Children = append(root.Children, b.chosen(), b.cpus(), memory)
	if c.Reserved.Size != 0 {
		reserved := node("reserved-memory", cells("#address-cells", 2), cells("#size-cells", 2), empty("ranges"))
		reserved.Children = []*dt.Node{node(unit("mmode_resv0", c.Reserved.Base), reg(c.Reserved), empty("no-map"))}
		root.Children = append(root.Children, reserved)
	}
	if c.PMU {
		root.Children = append(root.Children, b.pmu())
	}
	root.Children = append(root.Children, b.soc())
	if c.Test.Base != 0 {
		for _, x := range []struct {
			name  string
			value uint32
		}{{"poweroff", 0x5555}, {"reboot", 0x7777}} {
			root.Children = append(root.Children, node(x.name, text("compatible", "syscon-"+x.name),
				cells("regmap", phTest), cells("offset", 0), cells("value", x.value)))
		}
	}
	if c.ToHost != 0 && c.FromHost != 0 {
		// fromhost comes first: so OpenSBI reads it.
		root.Children = append(root.Children, node(unit("htif", c.FromHost), text("compatible", "ucb,htif0"),
			reg(DTRange{c.FromHost, 8}, DTRange{c.ToHost, 8})))
	}
	return root
}

func (b *dtBuilder) chosen() *dt.Node {
	n := node("chosen")
	if b.c.UART.Base != 0 {
		n.Properties = append(n.Properties, text("stdout-path", "/soc/"+unit("serial", b.c.UART.Base)))
	}
	if b.c.BootArgs != "" {
		n.Properties = append(n.Properties, text("bootargs", b.c.BootArgs))
	}
	if len(b.c.RNGSeed) > 0 {
		n.Properties = append(n.Properties, dt.Property{Name: "rng-seed", Value: b.c.RNGSeed})
	}
	if b.c.InitrdEnd != 0 {
		n.Properties = append(n.Properties,
			dt.PropertyU64("linux,initrd-start", uint64(b.c.InitrdStart)),
			dt.PropertyU64("linux,initrd-end", uint64(b.c.InitrdEnd)))
	}
	return n
}

// soc holds the devices on the bus.
func (b *dtBuilder) soc() *dt.Node {
	c := &b.c
	soc := node("soc", cells("#address-cells", 2), cells("#size-cells", 2), text("compatible", "simple-bus"), empty("ranges"))
	add := func(r DTRange, name string, props ...dt.Property) {
		if r.Base != 0 {
			soc.Children = append(soc.Children, node(unit(name, r.Base), append(props, reg(r))...))
		}
	}
	add(c.Test, "test", text("compatible", "sifive,test1", "sifive,test0", "syscon"), cells("phandle", phTest))
	add(c.CLINT, "clint", text("compatible", "sifive,clint0", "riscv,clint0"), b.interrupts(irqMSoft, irqMTimer))
	add(c.SSWI, "sswi", text("compatible", "riscv,aclint-sswi"), b.interrupts(irqSSoft),
		empty("interrupt-controller"), cells("#interrupt-cells", 0), cells("#address-cells", 0))
	add(c.PLIC, "plic", text("compatible", "sifive,plic-1.0.0", "riscv,plic0"), b.interrupts(irqMExt, irqSExt),
		empty("interrupt-controller"), cells("#interrupt-cells", 1), cells("#address-cells", 0),
		cells("riscv,ndev", c.PLICSources), cells("phandle", phPLIC))
	add(c.UART, "serial", text("compatible", "ns16550a"), cells("clock-frequency", c.UARTClockHz),
		cells("interrupt-parent", b.phIRQ()), cells("interrupts", b.specifier(c.UARTSource)...))
	add(c.RTC, "rtc", text("compatible", "google,goldfish-rtc"),
		cells("interrupt-parent", b.phIRQ()), cells("interrupts", b.specifier(c.RTCSource)...))
	b.addAIA(soc)
	b.addVirtio(soc)
	b.addPCI(soc)
	return soc
}

// interrupts connects a device to the same inputs of every hart.
func (b *dtBuilder) interrupts(irqs ...uint32) dt.Property {
	var v []uint32
	for h := range b.c.Harts {
		for _, irq := range irqs {
			v = append(v, b.phIntc(h), irq)
		}
	}
	return cells("interrupts-extended", v...)
}

func node(name string, props ...dt.Property) *dt.Node {
	return dt.NewNode(name, dt.WithProperty(props...))
}

func unit(name string, base addr.PA) string { return fmt.Sprintf("%s@%x", name, uint64(base)) }

func cells(name string, v ...uint32) dt.Property { return dt.PropertyU32Array(name, v) }

func text(name string, v ...string) dt.Property {
	return dt.PropertyString(name, strings.Join(v, "\x00"))
}

func empty(name string) dt.Property { return dt.Property{Name: name} }

func reg(ranges ...DTRange) dt.Property {
	var v []uint32
	for _, r := range ranges {
		v = append(v, uint32(r.Base>>32), uint32(r.Base), uint32(r.Size>>32), uint32(r.Size))
	}
	return cells("reg", v...)
}
