// Package usernet is a private network for one guest, as QEMU's user network is:
// Ethernet frames on one side, the host's own sockets on the other, and no
// privileges needed.
//
//	guest --Send--> switch --> gateway: DHCP, DNS, NAT --> sockets of this process
//	guest <-Take--- arrivals <--/
//
// The gateway, 10.0.2.2, is this machine too: a connection to it is one to
// the host's loopback. The guest is 10.0.2.15. gVisor's network stack does the
// work, in goroutines of its own and in the time of the wall clock: frames that
// arrive are the one thing here that no seed repeats.
package usernet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/containers/gvisor-tap-vsock/pkg/types"
	"github.com/containers/gvisor-tap-vsock/pkg/virtualnetwork"
	"github.com/inetaf/tcpproxy"
	"github.com/sirupsen/logrus"
)

// Addresses of the network.
const (
	Subnet  = "10.0.2.0/24"
	Gateway = "10.0.2.2"
	Guest   = "10.0.2.15"

	gatewayMAC = "52:55:0a:00:02:02"
	waiting    = 1024 // frames on their way, each way; what does not fit is lost
)

// Config is what a network is made of.
type Config struct {
	MAC     net.HardwareAddr // the guest's
	MTU     int
	Forward []Forward
}

// Forward leads a TCP port of the host's loopback to one of the guest's.
type Forward struct{ Host, Guest uint16 }

// Network is a network with its guest. Send, Take and Arrived may be used by
// one goroutine while the stack works in others.
type Network struct {
	wire  *wire
	proxy *tcpproxy.Proxy
}

// New makes a network. It fails if a port to be forwarded is taken.
func New(cfg Config) (*Network, error) {
	logrus.SetOutput(io.Discard) // the stack's; a guest's mistakes are no news
	vn, err := virtualnetwork.New(&types.Configuration{
		MTU: cfg.MTU, Subnet: Subnet, GatewayIP: Gateway, GatewayMacAddress: gatewayMAC,
		NAT:              map[string]string{Gateway: "127.0.0.1"},
		DHCPStaticLeases: map[string]string{Guest: cfg.MAC.String()},
	})
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	n := &Network{wire: newWire()}
	if len(cfg.Forward) > 0 {
		n.proxy = &tcpproxy.Proxy{}
		for _, f := range cfg.Forward {
			n.proxy.AddRoute(fmt.Sprintf("127.0.0.1:%d", f.Host), &tcpproxy.DialProxy{
				Addr:        fmt.Sprintf("%s:%d", Guest, f.Guest),
				DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return vn.DialContextTCP(ctx, addr) },
				DialTimeout: -1, // a guest that is simulated may take its time
			})
		}
		if err := n.proxy.Start(); err != nil {
			return nil, fmt.Errorf("network: %w", err)
		}
	}
	go n.wire.serve(vn)
	return n, nil
}

// Send gives a frame of the guest's to the network. It never waits.
func (n *Network) Send(frame []byte) { n.wire.offer(n.wire.out, frame) }

// Take returns a frame that has come for the guest, or nil.
func (n *Network) Take() []byte {
	select {
	case f := <-n.wire.in:
		return f
	default:
		return nil
	}
}

// Arrived gives the frames that Take would return.
func (n *Network) Arrived() <-chan []byte { return n.wire.in }

// Close ends all connections.
func (n *Network) Close() error {
	var err error
	if n.proxy != nil {
		err = n.proxy.Close()
	}
	return errors.Join(err, n.wire.Close())
}

// wire joins the guest and the switch: the switch sees it as a connection on
// which each read and write is a frame.
type wire struct {
	in, out chan []byte // to the guest, from the guest
	closed  chan struct{}
	once    sync.Once
}

func newWire() *wire {
	return &wire{in: make(chan []byte, waiting), out: make(chan []byte, waiting), closed: make(chan struct{})}
}

// serve is the switch's goroutine. A frame that is more than it can bear costs
// the guest its network, and nobody else anything.
func (w *wire) serve(vn *virtualnetwork.VirtualNetwork) {
	defer w.Close() //nolint:errcheck // it never fails
	defer func() { _ = recover() }()
	_ = vn.AcceptBess(context.Background(), w) // ends with Close
}

func (w *wire) offer(c chan []byte, frame []byte) {
	select {
	case c <- frame:
	default:
	}
}

// Read gives the switch a frame of the guest's.
func (w *wire) Read(p []byte) (int, error) {
	select {
	case f := <-w.out:
		return copy(p, f), nil
	case <-w.closed:
		return 0, io.EOF
	}
}

// Write takes a frame for the guest. The slice stays the switch's.
func (w *wire) Write(p []byte) (int, error) {
	w.offer(w.in, append([]byte(nil), p...))
	return len(p), nil
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (*wire) LocalAddr() net.Addr              { return &net.UnixAddr{Name: "guest"} }
func (*wire) RemoteAddr() net.Addr             { return &net.UnixAddr{Name: "guest"} }
func (*wire) SetDeadline(time.Time) error      { return nil }
func (*wire) SetReadDeadline(time.Time) error  { return nil }
func (*wire) SetWriteDeadline(time.Time) error { return nil }
