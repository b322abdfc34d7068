package virtio

import (
	"encoding/binary"
	"slices"
)

// Features of network cards (specification, "Network Device", "Feature bits").
const (
	netChecksum = 0
	netMTU      = 3
	netMAC      = 5
	netStatus   = 16

	netRX = 0
	netTX = 1

	netHeader    = 12 // struct virtio_net_hdr with num_buffers
	netNeedsSum  = 1  // in its flags
	netMostFrame = 64 << 10
	netWaiting   = 256 // frames that wait for buffers of the driver

	ethernetHeader = 14
)

// Wire takes the frames that a guest sends. The slice is the receiver's.
type Wire interface {
	Send(now uint64, frame []byte)
}

// NetConfig is what a network card is made of.
type NetConfig struct {
	Wire    Wire
	MAC     [6]byte
	MTU     uint16
	Latency uint64 // cycles from a buffer to the wire, and back
	Rate    Rate   // of the wire, each way
}

// NetState is all that a network card remembers.
type NetState struct {
	TXFreeAt, RXFreeAt uint64   // cycles at which the wire is free
	Waiting            [][]byte // frames that came and found no buffer yet
}

// NetStats counts a card's frames.
type NetStats struct{ Sent, Received, Dropped, BytesSent, BytesReceived uint64 }

// Net is a network card with one pair of queues. It computes checksums for the
// driver, and leaves segmentation to it.
type Net struct {
	Stats NetStats
	cfg   NetConfig
	st    NetState
}

// NewNet returns a network card.
func NewNet(cfg NetConfig) *Net { return &Net{cfg: cfg} }

func (*Net) ID() uint32                 { return 1 }
func (*Net) Queues() int                { return 2 }
func (*Net) Features() uint64           { return 1<<netChecksum | 1<<netMTU | 1<<netMAC | 1<<netStatus }
func (*Net) WriteConfig(uint64, []byte) {}

// Reset forgets the frames that wait.
func (n *Net) Reset() { n.st.Waiting = nil }

// ReadConfig gives struct virtio_net_config.
func (n *Net) ReadConfig(off uint64, buf []byte) {
	var c [12]byte
	copy(c[:], n.cfg.MAC[:])
	binary.LittleEndian.PutUint16(c[6:], 1) // the link is up
	binary.LittleEndian.PutUint16(c[8:], 1) // pairs of queues
	binary.LittleEndian.PutUint16(c[10:], n.cfg.MTU)
	copyConfig(buf, c[:], off)
}

// Receive hands over a frame that came on the wire. The caller makes the device
// look at queue 0. A frame for which there is no room is lost.
func (n *Net) Receive(frame []byte) {
	if len(n.st.Waiting) >= netWaiting || len(frame) > netMostFrame {
		n.Stats.Dropped++
		return
	}
	n.st.Waiting = append(n.st.Waiting, frame)
}

// Ready says that frames can always be sent, and buffers are wanted for those
// that came.
func (n *Net) Ready(q int) bool { return q == netTX || len(n.st.Waiting) > 0 }

// Serve takes a frame to send, or a buffer for one that came.
func (n *Net) Serve(d *Device, r *Request, now uint64) (at uint64, wrong string) {
	if r.Queue == netTX {
		return n.send(d, r, now)
	}
	r.Data = n.st.Waiting[0]
	n.st.Waiting = slices.Delete(n.st.Waiting, 0, 1)
	n.st.RXFreeAt = max(now, n.st.RXFreeAt) + n.cfg.Rate.For(uint64(len(r.Data)))
	return n.st.RXFreeAt + n.cfg.Latency, ""
}

func (n *Net) send(d *Device, r *Request, now uint64) (at uint64, wrong string) {
	length := Length(r.Chain.Out)
	if length < netHeader {
		return 0, "a buffer to send has no header"
	}
	if length -= netHeader; length > netMostFrame || length < ethernetHeader {
		n.Stats.Dropped++
		return now, ""
	}
	buf := make([]byte, netHeader+length)
	done, ok := d.Read(now, r.Chain.Out, 0, buf)
	if !ok {
		return 0, "a buffer to send is no memory"
	}
	if r.Data = buf[netHeader:]; !sum(buf[:netHeader], r.Data) {
		n.Stats.Dropped++
		r.Data = nil
		return done, ""
	}
	n.st.TXFreeAt = max(done, n.st.TXFreeAt) + n.cfg.Rate.For(length)
	return n.st.TXFreeAt + n.cfg.Latency, ""
}

// sum completes the checksum that a header asks for ("Packet Transmission"). It
// returns false for a header that cannot be.
func sum(header, frame []byte) bool {
	if header[1] != 0 { // segmentation, which was not offered
		return false
	}
	if header[0]&netNeedsSum == 0 {
		return true
	}
	start := int(binary.LittleEndian.Uint16(header[6:]))
	at := start + int(binary.LittleEndian.Uint16(header[8:]))
	if start >= len(frame) || at+2 > len(frame) {
		return false
	}
	// The field holds the sum of the pseudo-header, and takes part.
	s := uint32(0)
	for i := start; i < len(frame); i += 2 {
		s += uint32(frame[i]) << 8
		if i+1 < len(frame) {
			s += uint32(frame[i+1])
		}
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	binary.BigEndian.PutUint16(frame[at:], ^uint16(s))
	return true
}

// Finish sends the frame, or writes the one that came to the driver's buffer.
func (n *Net) Finish(d *Device, r *Request, now uint64) (done uint64, wrong string) {
	if r.Queue == netTX {
		if r.Data != nil {
			n.Stats.Sent++
			n.Stats.BytesSent += uint64(len(r.Data))
			n.cfg.Wire.Send(now, r.Data)
		}
		return now, ""
	}
	if Length(r.Chain.In) < netHeader+uint64(len(r.Data)) {
		n.Stats.Dropped++ // the buffer goes back empty
		return now, ""
	}
	n.Stats.Received++
	n.Stats.BytesReceived += uint64(len(r.Data))
	buf := make([]byte, netHeader, netHeader+len(r.Data))
	binary.LittleEndian.PutUint16(buf[10:], 1) // buffers that the frame takes
	buf = append(buf, r.Data...)
	r.Written = uint32(len(buf))
	done, ok := d.Write(now, r.Chain.In, 0, buf)
	return done, unless(ok, "a buffer for a frame is no memory")
}
