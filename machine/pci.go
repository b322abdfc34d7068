package machine

import (
	"fmt"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/device"
	"mcsim/device/pci"
)

// Places of the PCI host, as on QEMU's virt board.
const (
	ecamBase   addr.PA = 0x3000_0000
	pciBase    addr.PA = 0x4000_0000
	pciSize            = 0x4000_0000
	pciHigh            = 16 << 30 // size of the window above memory, and its alignment
	pciSource          = 32       // of the first INTx wire
	pciWindows         = "pci-window"
)

// addPCI puts the PCI host on the map.
func (m *Machine) addPCI(line func(source int) device.Line) error {
	var wires [pci.Pins]device.Line
	for i := range wires {
		wires[i] = line(pciSource + i)
	}
	m.pci = pci.NewHost(wires)
	high := addr.PA((uint64(RAMBase) + uint64(m.cfg.Machine.Memory) + pciHigh - 1) &^ (pciHigh - 1))
	for _, g := range []coherence.Region{
		{Name: "pci-ecam", Base: ecamBase, Size: pci.ECAMSize, Dev: pci.ECAM{Host: m.pci}},
		{Name: pciWindows, Base: pciBase, Size: pciSize, Dev: pci.Window{Host: m.pci, Base: pciBase}},
		{Name: pciWindows, Base: high, Size: pciHigh, Dev: pci.Window{Host: m.pci, Base: high}},
	} {
		if err := m.amap.Add(g); err != nil {
			return fmt.Errorf("machine.virtio.transport: %w", err)
		}
	}
	return nil
}
