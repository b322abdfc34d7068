package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mcsim/core/isa"
)

// Virtio has the virtio devices: disks first, then network, console and
// entropy, from 0x10001000 and interrupt source 1 up, or from PCI slot 1 up.
type Virtio struct {
	Transport string   `yaml:"transport" doc:"how virtio devices are attached: as register pages on the bus or as functions on the PCI bus" enum:"mmio|pci"`
	Coherent  bool     `yaml:"coherent" doc:"DMA of virtio devices snoops the caches; if not, it goes straight to memory, and drivers must clean and invalidate (Zicbom; Linux also needs Svpbmt, and waits for its disk for ever without)"`
	Disks     []string `yaml:"disks" doc:"images, each FILE[,ro|overlay|overlay=FILE][,format=raw|qcow2]; see mcsim run --help" whole:"true"`
	Net       string   `yaml:"net" doc:"network: none, or user for a private one with DHCP, DNS and a gateway through the host's own connections" enum:"none|user"`
	Console   string   `yaml:"console" doc:"console device: none; stdio for the terminal; pty for a pseudo-terminal of its own; or a file that takes what the guest prints"`
	RNG       bool     `yaml:"rng" doc:"entropy device, whose bytes follow from the seed"`

	Block   VirtioBlock   `yaml:"block" doc:"time that disks take"`
	Network VirtioNetwork `yaml:"network" doc:"the network card, and the time that it takes"`
}

// VirtioBlock charges for disks.
type VirtioBlock struct {
	Queues    int   `yaml:"queues" doc:"request queues of each disk" min:"1" max:"16"`
	Latency   Nanos `yaml:"latency" doc:"from a request to the end of its data, beside their transfer" min:"0" max:"1000ms"`
	Flush     Nanos `yaml:"flush" doc:"a flush" min:"0" max:"1000ms"`
	Bandwidth int   `yaml:"bandwidth" doc:"data moved, by all requests of a disk together" unit:"MB/s" min:"1" max:"1000000"`
}

// VirtioNetwork charges for the network.
type VirtioNetwork struct {
	Latency   Nanos    `yaml:"latency" doc:"between buffer and wire, each way" min:"0" max:"1000ms"`
	Bandwidth int      `yaml:"bandwidth" doc:"of the wire, each way" unit:"Mbit/s" min:"1" max:"1000000"`
	Forward   []string `yaml:"forward" doc:"TCP ports of this machine that lead to the guest's, as in 2222:22"`
}

// Any tells whether there is any virtio device.
func (v *Virtio) Any() bool {
	return len(v.Disks) > 0 || v.Net != "none" || v.Console != "none" || v.RNG
}

// Micros is n microseconds in cycles.
func (m *Machine) Micros(n uint64) uint64 { return Nanos(n * 1e6).Cycles(m.Clock) }

// mmioSlots is how many register pages for virtio there are.
const mmioSlots = 8

// pciSlots is how many devices fit on the PCI bus beside its bridge.
const pciSlots = 31

// virtio checks what is attached.
func (c *checker) virtio(v *Virtio) {
	const disks, forward, transport, coherent = "machine.virtio.disks", "machine.virtio.network.forward", "machine.virtio.transport", "machine.virtio.coherent"
	for _, d := range v.Disks {
		if _, err := ParseDisk(d); err != nil {
			c.refused(disks, fmt.Errorf("%q: %w", clipped(d), err))
		}
	}
	seen := map[uint16]bool{}
	for _, f := range v.Network.Forward {
		host, _, err := ParseForward(f)
		c.refused(forward, err)
		if err == nil && seen[host] {
			c.add(conflict{rule: "port twice " + f, at: forward, hint: "forward another one"}, "port %d of this machine is forwarded twice", host)
		}
		seen[host] = true
	}
	var attached []string
	for _, k := range []struct {
		path string
		n    int
	}{{disks, len(v.Disks)}, {"machine.virtio.net", b2i(v.Net != "none")}, {"machine.virtio.console", b2i(v.Console != "none")}, {"machine.virtio.rng", b2i(v.RNG)}} {
		for range k.n {
			attached = append(attached, k.path)
		}
	}
	n := len(attached)
	attached = slices.Compact(attached)
	switch {
	case v.Transport == "mmio" && n > mmioSlots && n <= pciSlots:
		c.add(conflict{rule: "places", at: transport, with: attached, fixes: []Fix{fix(transport, "pci")}}, "%d devices do not fit into %d places", n, mmioSlots)
	case n > pciSlots:
		c.add(conflict{rule: "places", at: disks, with: append(without(disks, attached...), transport), hint: fmt.Sprintf("leave %d disks out", n-pciSlots)},
			"%d devices do not fit on the PCI bus, which has room for %d", n, pciSlots)
	}
	if len(v.Network.Forward) > 0 && v.Net == "none" {
		c.add(conflict{rule: "forward", at: forward, with: []string{"machine.virtio.net"}, fixes: []Fix{fix("machine.virtio.net", "user")}}, "there is no network to forward ports to")
	}
	if ext, err := parseISA(c.cfg.Machine.ISA); err == nil && n > 0 && !v.Coherent && !ext.Has(isa.ExtZicbom) {
		const isaField = "machine.isa"
		at := c.last(coherent, isaField)
		c.add(conflict{rule: "Zicbom", at: at, with: without(at, coherent, isaField), fixes: []Fix{fix(coherent, true), fix(isaField, (ext | isa.ExtZicbom).String())}},
			"without snooping, drivers must clean and invalidate lines, which takes Zicbom")
	}
	c.interrupts(attached)
}

// interrupts checks that devices have a controller to interrupt.
func (c *checker) interrupts(attached []string) {
	const plic, uart, interrupts = "machine.devices.plic", "machine.devices.uart", "machine.interrupts"
	d := &c.cfg.Machine.Devices
	if c.cfg.Machine.Interrupts != "plic" || d.PLIC {
		return
	}
	if d.UART {
		attached = append(attached, uart)
	}
	if len(attached) == 0 {
		return
	}
	fixes := []Fix{fix(plic, true), fix(interrupts, "aplic")}
	if len(attached) == 1 && d.UART {
		fixes = append([]Fix{fix(uart, false)}, fixes...)
	}
	c.add(conflict{rule: "plic", at: plic, with: append([]string{interrupts}, attached...), fixes: fixes},
		"these devices need an interrupt controller")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ParseForward reads a forwarded port, HOST:GUEST.
func ParseForward(s string) (host, guest uint16, err error) {
	a, b, ok := strings.Cut(s, ":")
	x, errX := strconv.ParseUint(a, 10, 16)
	y, errY := strconv.ParseUint(b, 10, 16)
	if !ok || errX != nil || errY != nil || x == 0 || y == 0 {
		return 0, 0, fmt.Errorf("%q are no ports; write HOST:GUEST, as in 2222:22", s)
	}
	return uint16(x), uint16(y), nil
}
