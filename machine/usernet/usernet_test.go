package usernet_test

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"mcsim/machine/usernet"
)

var mac = net.HardwareAddr{0x52, 0x54, 0, 0x12, 0x34, 0x56}

// guest is a stack on the guest's side of a network, with the guest's address.
func guest(t *testing.T, n *usernet.Network) *stack.Stack {
	t.Helper()
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	ch := channel.New(256, 1500, tcpip.LinkAddress(mac))
	if err := s.CreateNIC(1, ethernet.New(ch)); err != nil {
		t.Fatal(err)
	}
	addr := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{
		Address: tcpip.AddrFrom4([4]byte{10, 0, 2, 15}), PrefixLen: 24}}
	if err := s.AddProtocolAddress(1, addr, stack.AddressProperties{}); err != nil {
		t.Fatal(err)
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, Gateway: tcpip.AddrFrom4([4]byte{10, 0, 2, 2}), NIC: 1}})
	done := make(chan struct{})
	t.Cleanup(func() { close(done); s.Destroy() })
	notify := make(chan struct{}, 1)
	ch.AddNotify(wake(notify))
	go func() {
		for {
			for p := ch.Read(); p != nil; p = ch.Read() {
				v := p.ToView()
				n.Send(append([]byte(nil), v.AsSlice()...))
				p.DecRef()
			}
			select {
			case <-notify:
			case f := <-n.Arrived():
				p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(f)})
				ch.InjectInbound(tcpip.NetworkProtocolNumber(binary.BigEndian.Uint16(f[12:])), p)
				p.DecRef()
			case <-done:
				return
			}
		}
	}()
	return s
}

type wake chan struct{}

func (w wake) WriteNotify() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// A connection to the gateway is one to the host's loopback; one to a port where
// nobody listens is refused, and neither hurts the network.
func TestGatewayIsTheHost(t *testing.T) {
	n, err := usernet.New(usernet.Config{MAC: mac, MTU: 1500})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s := guest(t, n)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "from the host") }))
	defer server.Close()
	dial := func(port int) (net.Conn, error) {
		return gonet.DialTCP(s, tcpip.FullAddress{Addr: tcpip.AddrFrom4([4]byte{10, 0, 2, 2}), Port: uint16(port)}, ipv4.ProtocolNumber)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().(*net.TCPAddr).Port
	closed.Close()
	if c, err := dial(port); err == nil {
		c.Close()
		t.Error("a connection to nobody")
	}
	c, err := dial(server.Listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	if all, err := io.ReadAll(c); err != nil || string(all[len(all)-13:]) != "from the host" {
		t.Errorf("%v: %q", err, all)
	}
}

// A forwarded port leads to the guest; one that is taken is an error.
func TestForward(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	cfg := usernet.Config{MAC: mac, MTU: 1500, Forward: []usernet.Forward{{Host: port, Guest: 7}}}
	if n, err := usernet.New(cfg); err == nil {
		n.Close()
		t.Error("a port that is taken is forwarded")
	}
	l.Close()
	n, err := usernet.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s := guest(t, n)
	echo, err := gonet.ListenTCP(s, tcpip.FullAddress{Addr: tcpip.AddrFrom4([4]byte{10, 0, 2, 15}), Port: 7}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		c, err := echo.Accept()
		if err == nil {
			io.Copy(c, c)
			c.Close()
		}
	}()
	// The switch learns where the guest is from its first frame.
	hello := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, mac...)
	n.Send(append(append(hello, 0x08, 0x06), make([]byte, 46)...))
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, "ping")
	b := make([]byte, 4)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "ping" {
		t.Errorf("%v: %q", err, b)
	}
}

// Whatever a guest sends, the network stands, and nobody waits.
func TestHostileFrames(t *testing.T) {
	n, err := usernet.New(usernet.Config{MAC: mac, MTU: 1500})
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	gateway := []byte{0x52, 0x55, 0x0a, 0, 2, 2}
	for range 20000 {
		f := make([]byte, 14+rnd.IntN(200))
		for i := range f {
			f[i] = byte(rnd.Uint32())
		}
		copy(f, gateway)
		copy(f[6:], mac)
		binary.BigEndian.PutUint16(f[12:], []uint16{0x0800, 0x0806, 0x86dd}[rnd.IntN(3)])
		if len(f) > 40 && rnd.IntN(2) == 0 { // an IPv4 header that nearly holds
			f[14] = 0x45
			binary.BigEndian.PutUint16(f[16:], uint16(len(f)-14))
			f[23] = []byte{1, 6, 17}[rnd.IntN(3)]
			copy(f[26:], []byte{10, 0, 2, 15, 10, 0, 2, 2})
			binary.BigEndian.PutUint16(f[24:], 0)
			binary.BigEndian.PutUint16(f[24:], ^header.IPv4(f[14:]).CalculateChecksum())
		}
		n.Send(f)
		for n.Take() != nil {
		}
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	n.Send(make([]byte, 60))
	if n.Take(); n.Close() != nil {
		t.Error("closed twice")
	}
}
