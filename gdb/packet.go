package gdb

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
)

// reader takes packets from a connection.
type reader struct {
	in        *bufio.Reader
	ack       func(ok bool) // answers a packet, in the mode with acknowledgements
	interrupt func()        // Ctrl-C
}

// next is the next packet's contents. Packets with a wrong checksum are refused and
// passed over, as are bytes outside of packets.
func (r *reader) next() ([]byte, error) {
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return nil, err
		}
		switch c {
		case 3:
			r.interrupt()
		case '$':
			p, ok, err := r.body()
			if err != nil {
				return nil, err
			}
			r.ack(ok)
			if ok {
				return p, nil
			}
		}
	}
}

// body reads what follows $. A packet that is too long is read and refused.
func (r *reader) body() (p []byte, ok bool, err error) {
	var sum byte
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return nil, false, err
		}
		if c == '#' {
			break
		}
		if c == '$' { // the packet before was cut off
			p, sum = p[:0], 0
			continue
		}
		sum += c
		if len(p) <= maxPacket {
			p = append(p, c)
		}
	}
	var digits [2]byte
	if _, err := io.ReadFull(r.in, digits[:]); err != nil {
		return nil, false, err
	}
	var want [1]byte
	if _, err := hex.Decode(want[:], digits[:]); err != nil || want[0] != sum || len(p) > maxPacket {
		return nil, false, nil
	}
	return unescape(p), true, nil
}

// unescape undoes the escaping of binary data.
func unescape(p []byte) []byte {
	out := p[:0]
	for i := 0; i < len(p); i++ {
		if p[i] == '}' && i+1 < len(p) {
			i++
			out = append(out, p[i]^0x20)
		} else {
			out = append(out, p[i])
		}
	}
	return out
}

// frame makes a packet.
func frame(body string) []byte {
	var sum byte
	escaped := make([]byte, 0, len(body)+4)
	for i := range len(body) {
		switch c := body[i]; c {
		case '$', '#', '}', '*':
			escaped = append(escaped, '}', c^0x20)
		default:
			escaped = append(escaped, c)
		}
	}
	for _, c := range escaped {
		sum += c
	}
	return fmt.Appendf(nil, "$%s#%02x", escaped, sum)
}
