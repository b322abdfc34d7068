package config

import (
	"fmt"
	"strconv"
	"strings"

	"mcsim/core/isa"
)

// Virtio has the virtio devices: disks first, then network, console and
// entropy, from 0x10001000 and interrupt source 1 up, or from PCI slot 1 up.
type Virtio struct {
	Transport string   `yaml:"transport" doc:"how virtio devices are attached: as register pages on the bus or as functions on the PCI bus" enum:"mmio|pci"`
	Coherent  bool     `yaml:"coherent" doc:"DMA of virtio devices snoops the caches; if not, it goes straight to memory, and drivers must clean and invalidate (Zicbom)"`
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

// virtio checks what is attached.
func (c *checker) virtio(v *Virtio) {
	for _, d := range v.Disks {
		if _, err := ParseDisk(d); err != nil {
			msg, hint, _ := strings.Cut(err.Error(), "; ")
			c.blame([]string{"machine.virtio.disks"}, hint, "%q: %s", d, msg)
		}
	}
	for _, f := range v.Network.Forward {
		if _, _, err := ParseForward(f); err != nil {
			msg, hint, _ := strings.Cut(err.Error(), "; ")
			c.blame([]string{"machine.virtio.network.forward"}, hint, "%s", msg)
		}
	}
	n := len(v.Disks)
	for _, there := range []bool{v.Net != "none", v.Console != "none", v.RNG} {
		if there {
			n++
		}
	}
	if v.Transport == "mmio" && n > mmioSlots {
		c.blame([]string{"machine.virtio.disks", "machine.virtio.transport"}, "take fewer, or transport pci", "%d devices do not fit into %d places", n, mmioSlots)
	} else if n > 31 {
		c.blame([]string{"machine.virtio.disks"}, "", "%d devices do not fit on the PCI bus, which has room for 31", n)
	}
	if ext, err := parseISA(c.cfg.Machine.ISA); err == nil && v.Any() && !v.Coherent && !ext.Has(isa.ExtZicbom) {
		c.blame([]string{"machine.virtio.coherent", "machine.isa"}, "add _zicbom to machine.isa, or let virtio be coherent",
			"without snooping, drivers must clean and invalidate lines, which takes Zicbom")
	}
	if v.Any() && c.cfg.Machine.Interrupts == "plic" && !c.cfg.Machine.Devices.PLIC {
		c.blame([]string{"machine.devices.plic", "machine.virtio.disks"}, "", "virtio devices need an interrupt controller")
	}
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
