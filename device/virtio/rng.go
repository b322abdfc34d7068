package virtio

import "mcsim/device"

// RNG is an entropy device (specification, "Entropy Device"). Its bytes come
// from a generator with a seed, so that a run can be repeated: they are no
// secret.
type RNG struct {
	st      RNGState
	latency uint64
	rate    Rate
}

// RNGState is all that an entropy device remembers.
type RNGState struct {
	Counter uint64 // words drawn
	Seed    uint64
}

// maxEntropy is the most that one chain gets: drivers ask again.
const maxEntropy = 4096

// NewRNG returns an entropy device that needs latency cycles for a chain, and
// time by rate for its bytes.
func NewRNG(seed, latency uint64, rate Rate) *RNG {
	return &RNG{st: RNGState{Seed: seed}, latency: latency, rate: rate}
}

func (*RNG) ID() uint32                 { return 4 }
func (*RNG) Features() uint64           { return 0 }
func (*RNG) Queues() int                { return 1 }
func (*RNG) ReadConfig(uint64, []byte)  {}
func (*RNG) WriteConfig(uint64, []byte) {}
func (*RNG) Reset()                     {} // the generator runs on: no bytes come twice
func (*RNG) Ready(int) bool             { return true }

// Serve takes a chain of buffers to be filled.
func (g *RNG) Serve(_ *Device, r *Request, now uint64) (uint64, string) {
	n := min(Length(r.Chain.In), maxEntropy)
	if n == 0 {
		return 0, "an entropy buffer has no room"
	}
	return now + g.latency + g.rate.For(n), ""
}

// Finish fills the buffer.
func (g *RNG) Finish(d *Device, r *Request, now uint64) (uint64, string) {
	buf := make([]byte, min(Length(r.Chain.In), maxEntropy))
	for i := range buf {
		if i%8 == 0 {
			g.st.Counter++
		}
		buf[i] = byte(device.Mix(g.st.Seed^device.Mix(g.st.Counter)) >> (i % 8 * 8))
	}
	r.Written = uint32(len(buf))
	done, ok := d.Write(now, r.Chain.In, 0, buf)
	return done, unless(ok, "an entropy buffer is no memory")
}
