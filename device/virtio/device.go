package virtio

import (
	"slices"

	"mcsim/addr"
	"mcsim/device"
)

// Status bits (specification, "Device Status Field").
const (
	StatusAcknowledge = 1
	StatusDriver      = 2
	StatusDriverOK    = 4
	StatusFeaturesOK  = 8
	StatusNeedsReset  = 64
	StatusFailed      = 128
)

// Feature bits of all devices ("Reserved Feature Bits").
const (
	FeatureIndirect       = 28
	FeatureEventIdx       = 29
	FeatureVersion1       = 32
	FeatureAccessPlatform = 33
	FeatureRingReset      = 40
)

// Causes of an interrupt, as in virtio-mmio's InterruptStatus and PCI's ISR.
const (
	causeUsed   = 1
	causeConfig = 2
)

// lookAfter is how long a device takes from a notification to the queue, in
// cycles.
const lookAfter = 20

// Model is what makes a device a disk or a network card. Its methods are
// called in the serial phase and must not keep the chains' slices after Finish.
type Model interface {
	// ID is the device's type, Features the bits of that type that it offers,
	// Queues how many queues it has.
	ID() uint32
	Features() uint64
	Queues() int
	// ReadConfig fills buf with the configuration space from off. What lies
	// beyond it reads as 0.
	ReadConfig(off uint64, buf []byte)
	WriteConfig(off uint64, buf []byte)
	// Reset forgets what drivers did. driver has the features negotiated.
	Reset()
	// Ready says whether the device would take a chain of queue q now.
	Ready(q int) bool
	// Serve begins work on r, whose chain the device has read by cycle now. It
	// returns when that will be done, or what is wrong with the chain.
	Serve(d *Device, r *Request, now uint64) (at uint64, wrong string)
	// Finish ends it: it moves the data, and sets r.Written. It returns when
	// that is over.
	Finish(d *Device, r *Request, now uint64) (done uint64, wrong string)
}

// Request is a chain in flight.
type Request struct {
	Queue   int
	Chain   Chain
	At      uint64 // the cycle of its next event
	Done    bool   // Finish has been called: the event is to make it used
	Written uint32 // bytes written to the chain
	Op      uint32 // for the model
	Sector  uint64 // for the model
	Data    []byte // for the model
}

// State is all that a device remembers, but for what its Model does.
type State struct {
	Status      uint8
	Driver      uint64 // features negotiated
	Generation  uint8
	Queues      []QueueState
	InFlight    []Request // by cycle, then in the order in which they were begun
	Causes      uint8     // of the interrupts that wait for SignalAt
	SignalAt    uint64
	SignalQueue uint64 // queues of them, as bits
	Broken      string // why it needs a reset
}

// Device is a virtio device without its transport.
type Device struct {
	st       State
	model    Model
	dma      device.DMA
	platform bool // its DMA is not plain physical memory to the driver
	// signal is the transport's: raise an interrupt for these causes; for used
	// buffers, of these queues.
	signal func(now uint64, causes uint8, queues uint64)
	table  []byte // scratch, for indirect tables
	Stats  Stats
}

// Stats counts what a device did.
type Stats struct {
	Notifications, Chains, Interrupts, Resets, Broken uint64
	BytesRead, BytesWritten                           uint64 // by DMA, of buffers
}

// New returns a device after reset. platform says that drivers must use the
// platform's own way to DMA (VIRTIO_F_ACCESS_PLATFORM), as where caches are not
// snooped.
func New(m Model, dma device.DMA, platform bool) *Device {
	d := &Device{model: m, dma: dma, platform: platform, signal: func(uint64, uint8, uint64) {}}
	d.Reset()
	d.Stats.Resets = 0
	return d
}

// Model is what the device does.
func (d *Device) Model() Model { return d.model }

// Offered are the feature bits that the device offers.
func (d *Device) Offered() uint64 {
	f := d.model.Features() | 1<<FeatureVersion1 | 1<<FeatureIndirect | 1<<FeatureEventIdx | 1<<FeatureRingReset
	if d.platform {
		f |= 1 << FeatureAccessPlatform
	}
	return f
}

// Negotiated says whether the driver has taken a feature.
func (d *Device) Negotiated(bit int) bool { return d.st.Driver>>bit&1 != 0 }

// Reset makes the device as after power-on ("Device Reset"): whatever was in
// flight is forgotten.
func (d *Device) Reset() {
	d.st = State{Generation: d.st.Generation, Queues: make([]QueueState, d.model.Queues()), SignalAt: device.NoDeadline}
	for i := range d.st.Queues {
		d.resetQueue(i)
	}
	d.Stats.Resets++
	d.model.Reset()
}

const noVector = 0xffff

func (d *Device) resetQueue(i int) {
	d.disable(i)
	d.st.Queues[i] = QueueState{Size: MaxQueueSize, Look: device.NoDeadline, Vector: noVector}
}

// disable takes a queue out of use: none of its memory is touched any more.
func (d *Device) disable(i int) {
	d.st.Queues[i].Enabled, d.st.Queues[i].Look = false, device.NoDeadline
	d.st.InFlight = slices.DeleteFunc(d.st.InFlight, func(r Request) bool { return r.Queue == i })
	d.st.SignalQueue &^= 1 << i
}

// SetStatus is a write to the status register: 0 resets, no other write clears
// a bit.
func (d *Device) SetStatus(now uint64, v uint8) {
	if v == 0 {
		d.Reset()
		return
	}
	s := &d.st
	v &= StatusAcknowledge | StatusDriver | StatusDriverOK | StatusFeaturesOK | StatusFailed
	if v&StatusFeaturesOK != 0 && s.Status&StatusFeaturesOK == 0 && !d.acceptable() {
		v &^= StatusFeaturesOK
	}
	if (v|s.Status)&StatusFeaturesOK == 0 {
		v &^= StatusDriverOK
	}
	live := v&^s.Status&StatusDriverOK != 0
	s.Status |= v
	if live {
		for i := range s.Queues { // buffers may be there already
			d.Look(i, now)
		}
	}
}

// acceptable says whether the device works with the features that the driver
// wants ("Feature Bits"). Version 1 may be missing, as the specification leaves to
// the device ("Reserved Feature Bits"): small drivers never look beyond bit 31. All
// layouts are those of version 1 then too.
func (d *Device) acceptable() bool {
	need := uint64(0)
	if d.platform {
		need = 1 << FeatureAccessPlatform
	}
	return d.st.Driver&need == need && d.st.Driver&^d.Offered() == 0
}

// setFeatures is a write of half of the driver's features; w is 0 or 1.
func (d *Device) setFeatures(w, v uint32) {
	if d.st.Status&StatusFeaturesOK == 0 && w < 2 {
		d.st.Driver = d.st.Driver&^(0xffff_ffff<<(32*w)) | uint64(v)<<(32*w)
	}
}

// Live says whether a driver uses the device.
func (d *Device) Live() bool {
	return d.st.Status&(StatusDriverOK|StatusNeedsReset|StatusFailed) == StatusDriverOK
}

// Notify says that the driver has made chains of a queue available.
func (d *Device) Notify(now uint64, q uint32) {
	d.Stats.Notifications++
	if int(q) < len(d.st.Queues) && q < 1<<16 {
		d.Look(int(q), now)
	}
}

// Look makes the device look at a queue soon.
func (d *Device) Look(q int, now uint64) {
	if s := &d.st.Queues[q]; s.Enabled && d.Live() {
		s.Look = min(s.Look, now+lookAfter)
	}
}

// ConfigChanged tells the driver that the configuration space has changed
// ("Device Configuration Space", the generation).
func (d *Device) ConfigChanged(now uint64) {
	d.st.Generation++
	if d.st.Status&StatusDriverOK != 0 {
		d.interrupt(now+1, causeConfig, 0)
	}
}

// enable takes a queue into use, if what the driver has said of it can be.
func (d *Device) enable(i int) {
	q := &d.st.Queues[i]
	// Alignments of "Split Virtqueues": 16, 2 and 4 bytes.
	if q.Enabled || q.Size == 0 || q.Size > MaxQueueSize || q.Size&(q.Size-1) != 0 ||
		q.Desc&15 != 0 || q.Driver&1 != 0 || q.Device&3 != 0 {
		return
	}
	q.Enabled = true
}

// broke stops the device until it is reset.
func (d *Device) broke(now uint64, why string) {
	d.Stats.Broken++
	d.st.Status |= StatusNeedsReset
	d.st.Broken = why
	d.st.InFlight = nil
	for i := range d.st.Queues {
		d.st.Queues[i].Look = device.NoDeadline
	}
	if d.st.Status&StatusDriverOK != 0 {
		d.interrupt(now+1, causeConfig, 0)
	}
}

// Broken says why the device needs a reset, or "".
func (d *Device) Broken() string { return d.st.Broken }

func (d *Device) interrupt(at uint64, causes uint8, queues uint64) {
	d.st.Causes |= causes
	d.st.SignalQueue |= queues
	d.st.SignalAt = min(d.st.SignalAt, at)
}

// Deadline is the cycle of the next event.
func (d *Device) Deadline() uint64 {
	at := d.st.SignalAt
	for i := range d.st.Queues {
		at = min(at, d.st.Queues[i].Look)
	}
	if len(d.st.InFlight) > 0 {
		at = min(at, d.st.InFlight[0].At)
	}
	return at
}

// Fire carries out what is due at cycle now.
func (d *Device) Fire(now uint64) {
	if s := &d.st; s.SignalAt <= now {
		causes, queues := s.Causes, s.SignalQueue
		s.Causes, s.SignalQueue, s.SignalAt = 0, 0, device.NoDeadline
		d.Stats.Interrupts++
		d.signal(now, causes, queues)
	}
	for len(d.st.InFlight) > 0 && d.st.InFlight[0].At <= now {
		d.advance(now)
	}
	for i := range d.st.Queues {
		if d.st.Queues[i].Look <= now {
			d.take(i, now)
		}
	}
}

// take takes one chain off queue i, if the model wants one.
func (d *Device) take(i int, now uint64) {
	q := &d.st.Queues[i]
	q.Look = device.NoDeadline
	if !d.model.Ready(i) {
		return // it looks again when it is
	}
	c, done, found, wrong := d.pop(q, now)
	if wrong == "" && !found {
		var more bool
		if done, more, wrong = d.listen(q, done); more {
			q.Look = max(done, now+1)
		}
	}
	if found && d.InFlight(i) >= int(q.Size) {
		wrong = "chains are available that were not returned yet"
	}
	if wrong == "" && found {
		d.Stats.Chains++
		r := Request{Queue: i, Chain: c}
		if r.At, wrong = d.model.Serve(d, &r, done); wrong == "" {
			r.At = max(r.At, now+1)
			d.launch(r)
			q.Look = max(done, now+1)
		}
	}
	if wrong != "" {
		d.broke(now, wrong)
	}
}

// launch puts a request among those in flight.
func (d *Device) launch(r Request) {
	f := d.st.InFlight
	i := len(f)
	for i > 0 && f[i-1].At > r.At {
		i--
	}
	d.st.InFlight = slices.Insert(f, i, r)
}

// advance takes the first request in flight a step further.
func (d *Device) advance(now uint64) {
	r := d.st.InFlight[0]
	d.st.InFlight = slices.Delete(d.st.InFlight, 0, 1)
	if !r.Done {
		done, wrong := d.model.Finish(d, &r, now)
		if wrong != "" {
			d.broke(now, wrong)
			return
		}
		r.Done, r.At, r.Data = true, max(done, now), nil
		d.launch(r)
		return
	}
	q := &d.st.Queues[r.Queue]
	done, interrupt, wrong := d.push(q, r.Chain.Head, r.Written, now)
	if wrong != "" {
		d.broke(now, wrong)
		return
	}
	if interrupt {
		d.interrupt(max(done, now+1), causeUsed, 1<<r.Queue)
	}
	if q.Look == device.NoDeadline { // it may have waited for room
		d.Look(r.Queue, now)
	}
}

// InFlight is how many chains of queue q are being worked on.
func (d *Device) InFlight(q int) (n int) {
	for i := range d.st.InFlight {
		if d.st.InFlight[i].Queue == q {
			n++
		}
	}
	return n
}

// Read copies from the stream of bytes in segments, from byte off, to buf.
func (d *Device) Read(now uint64, s []Segment, off uint64, buf []byte) (done uint64, ok bool) {
	d.Stats.BytesRead += uint64(len(buf))
	return d.stream(now, s, off, buf, d.dma.ReadAt)
}

// Write copies buf to the stream of bytes in segments, from byte off.
func (d *Device) Write(now uint64, s []Segment, off uint64, buf []byte) (done uint64, ok bool) {
	d.Stats.BytesWritten += uint64(len(buf))
	return d.stream(now, s, off, buf, d.dma.WriteAt)
}

func (d *Device) stream(now uint64, s []Segment, off uint64, buf []byte, move func(uint64, addr.PA, []byte) (uint64, bool)) (done uint64, ok bool) {
	done = now
	for _, x := range s {
		if len(buf) == 0 {
			break
		}
		if off >= uint64(x.Len) {
			off -= uint64(x.Len)
			continue
		}
		n := min(uint64(len(buf)), uint64(x.Len)-off)
		if uint64(x.Addr)+off < uint64(x.Addr) {
			return done, false
		}
		at, ok := move(now, x.Addr+addr.PA(off), buf[:n])
		if !ok {
			return at, false
		}
		done, buf, off = max(done, at), buf[n:], 0
	}
	return done, len(buf) == 0
}
