package machine

import "github.com/u-root/u-root/pkg/dt"

// DTAIA is the parts of the Advanced Interrupt Architecture. Without IMSICs
// interrupts go by wire.
type DTAIA struct {
	APLICM, APLICS DTRange
	IMSICM, IMSICS DTRange
	Sources        uint32
	GuestBits      uint32 // of the supervisor's IMSIC pages
	Identities     uint32
	// Firmware says that the machine's level is in the hands of a firmware that
	// the kernel cannot see.
	Firmware bool
}

// addAIA adds the nodes (Linux,
// Documentation/devicetree/bindings/interrupt-controller/riscv,aplic.yaml and
// riscv,imsics.yaml).
func (b *dtBuilder) addAIA(soc *dt.Node) {
	a := &b.c.AIA
	if a.APLICM.Base == 0 {
		return
	}
	for _, x := range []struct {
		aplic, imsic     DTRange
		phAPLIC, phIMSIC uint32
		irq              uint32
		machine          bool
	}{
		{a.APLICM, a.IMSICM, phAPLICM, phIMSICM, irqMExt, true},
		{a.APLICS, a.IMSICS, phAPLICS, phIMSICS, irqSExt, false},
	} {
		n := node(unit("interrupt-controller", x.aplic.Base), text("compatible", "riscv,aplic"), reg(x.aplic),
			empty("interrupt-controller"), cells("#interrupt-cells", 2), cells("#address-cells", 0),
			cells("riscv,num-sources", a.Sources), cells("phandle", x.phAPLIC))
		if a.IMSICM.Base != 0 {
			n.Properties = append(n.Properties, cells("msi-parent", x.phIMSIC))
			soc.Children = append(soc.Children, b.imsic(x.imsic, x.phIMSIC, x.irq, x.machine))
		} else {
			n.Properties = append(n.Properties, b.interrupts(x.irq))
		}
		if x.machine {
			n.Properties = append(n.Properties, cells("riscv,children", phAPLICS),
				cells("riscv,delegation", phAPLICS, 1, a.Sources))
			n.Properties = append(n.Properties, b.hidden()...)
		}
		soc.Children = append(soc.Children, n)
	}
}

func (b *dtBuilder) imsic(r DTRange, phandle, irq uint32, machine bool) *dt.Node {
	n := node(unit("interrupt-controller", r.Base), text("compatible", "riscv,imsics"), reg(r), b.interrupts(irq),
		empty("interrupt-controller"), cells("#interrupt-cells", 0), cells("#address-cells", 0), empty("msi-controller"), cells("#msi-cells", 0),
		cells("riscv,num-ids", b.c.AIA.Identities), cells("phandle", phandle))
	if !machine && b.c.AIA.GuestBits > 0 {
		n.Properties = append(n.Properties, cells("riscv,guest-index-bits", b.c.AIA.GuestBits))
	}
	if machine {
		n.Properties = append(n.Properties, b.hidden()...)
	}
	return n
}

// hidden marks what belongs to the firmware.
func (b *dtBuilder) hidden() []dt.Property {
	if b.c.AIA.Firmware {
		return []dt.Property{text("status", "disabled")}
	}
	return nil
}
