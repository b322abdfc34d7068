package machine

import "github.com/u-root/u-root/pkg/dt"

// DTVirtio is a virtio-mmio device.
type DTVirtio struct {
	DTRange
	Source   uint32
	Coherent bool // its DMA snoops the caches
}

// addVirtio adds the nodes of virtio-mmio devices (Linux,
// Documentation/devicetree/bindings/virtio/mmio.yaml). Devices are coherent to
// Linux on RISC-V unless it is told otherwise; other systems ask.
func (b *dtBuilder) addVirtio(soc *dt.Node) {
	for _, v := range b.c.Virtio {
		soc.Children = append(soc.Children, node(unit("virtio_mmio", v.Base), text("compatible", "virtio,mmio"),
			b.source(v.Source), dmaCoherence(v.Coherent), reg(v.DTRange)))
	}
}

// source connects a device to a source of the interrupt controller.
func (b *dtBuilder) source(source uint32) dt.Property {
	return cells("interrupts-extended", b.route(source)...)
}

// route is a source as a link to the interrupt controller.
func (b *dtBuilder) route(source uint32) []uint32 {
	return append([]uint32{b.phIRQ()}, b.specifier(source)...)
}

// phIRQ is the interrupt controller of devices.
func (b *dtBuilder) phIRQ() uint32 {
	if b.c.AIA.APLICS.Base != 0 {
		return phAPLICS
	}
	return phPLIC
}

// specifier is a source in the interrupt controller's cells: the APLIC wants to
// know that it is active while high.
func (b *dtBuilder) specifier(source uint32) []uint32 {
	const levelHigh = 4
	if b.c.AIA.APLICS.Base != 0 {
		return []uint32{source, levelHigh}
	}
	return []uint32{source}
}

func dmaCoherence(yes bool) dt.Property {
	if yes {
		return empty("dma-coherent")
	}
	return empty("dma-noncoherent")
}
