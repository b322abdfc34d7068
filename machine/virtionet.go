package machine

import (
	"fmt"
	"net"

	"mcsim/device/virtio"
	"mcsim/machine/config"
	"mcsim/machine/usernet"
)

// mtu is that of Ethernet.
const mtu = 1500

// network is the virtio network card and the network that it is on.
type network struct {
	card *virtio.Net
	dev  *virtio.Device
	user *usernet.Network
	came [][]byte // taken from it while the machine waited
}

// Send gives the network a frame; what comes back arrives at quantum ends.
func (n *network) Send(_ uint64, frame []byte) { n.user.Send(frame) }

func (m *Machine) newNet() (*virtio.Net, error) {
	c := &m.cfg.Machine
	v := &c.Virtio.Network
	mac := [6]byte{0x52, 0x54, 0x00, 0x12, 0x34, 0x56} // as QEMU's first card
	cfg := usernet.Config{MAC: net.HardwareAddr(mac[:]), MTU: mtu}
	for _, f := range v.Forward {
		host, guest, err := config.ParseForward(f)
		if err != nil {
			return nil, fmt.Errorf("machine.virtio.network.forward: %w", err)
		}
		cfg.Forward = append(cfg.Forward, usernet.Forward{Host: host, Guest: guest})
	}
	user, err := usernet.New(cfg)
	if err != nil {
		return nil, err
	}
	m.net = &network{user: user}
	m.net.card = virtio.NewNet(virtio.NetConfig{
		Wire: m.net, MAC: mac, MTU: mtu, Latency: v.Latency.Cycles(c.Clock),
		Rate: virtio.Rate{Bytes: uint64(v.Bandwidth) * 125_000, Cycles: uint64(c.Clock)},
	})
	return m.net.card, nil
}

// deliver hands the frames that have come to the guest, at cycle now.
func (n *network) deliver(now uint64) (some bool) {
	if n == nil {
		return false
	}
	for _, f := range n.came {
		n.receive(f, now)
		some = true
	}
	n.came = n.came[:0]
	for f := n.user.Take(); f != nil; f = n.user.Take() {
		n.receive(f, now)
		some = true
	}
	return some
}

func (n *network) receive(frame []byte, now uint64) {
	n.card.Receive(frame)
	n.dev.Look(0, now)
}
