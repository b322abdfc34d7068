package machine

import (
	"github.com/u-root/u-root/pkg/dt"

	"mcsim/device/pci"
)

// DTPCI is a PCI host bridge.
type DTPCI struct {
	ECAM, Low, High DTRange // configuration space, and the windows for BARs
	Source          uint32  // of the first INTx wire
	Coherent        bool
}

// Space codes of a PCI address (PCI Bus Binding to IEEE 1275, section 2.2.1.1).
const (
	pciMemory32 = 0x0200_0000
	pciMemory64 = 0x0300_0000
)

// addPCI adds the node of the PCI host (Linux,
// Documentation/devicetree/bindings/pci/host-generic-pci.yaml).
func (b *dtBuilder) addPCI(soc *dt.Node) {
	p := &b.c.PCI
	if p.ECAM.Base == 0 {
		return
	}
	window := func(space uint32, r DTRange) []uint32 {
		hi, lo := uint32(r.Base>>32), uint32(r.Base)
		return []uint32{space, hi, lo, hi, lo, uint32(r.Size >> 32), uint32(r.Size)}
	}
	// Wires are dealt out to slots in turn: what the map says of the first four
	// holds for all.
	var wires []uint32
	for slot := range uint32(pci.Pins) {
		for pin := range uint32(pci.Pins) {
			wires = append(wires, slot<<11, 0, 0, pin+1)
			wires = append(wires, b.route(p.Source+(slot+pin)%pci.Pins)...)
		}
	}
	n := node(unit("pci", p.ECAM.Base), text("compatible", "pci-host-ecam-generic"), text("device_type", "pci"),
		cells("#address-cells", 3), cells("#size-cells", 2), cells("#interrupt-cells", 1),
		cells("linux,pci-domain", 0), cells("bus-range", 0, 0xff), dmaCoherence(p.Coherent), reg(p.ECAM),
		cells("ranges", append(window(pciMemory32, p.Low), window(pciMemory64, p.High)...)...),
		cells("interrupt-map-mask", (pci.Pins-1)<<11, 0, 0, 7), cells("interrupt-map", wires...))
	if b.c.AIA.IMSICS.Base != 0 {
		n.Properties = append(n.Properties, cells("msi-parent", phIMSICS))
	}
	soc.Children = append(soc.Children, n)
}
