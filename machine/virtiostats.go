package machine

import (
	"mcsim/device/virtio"
	"mcsim/stats"
)

// registerVirtio names the counters of virtio devices.
func (m *Machine) registerVirtio() {
	r := &m.reg
	for i := range m.virtio {
		d := &m.virtio[i]
		at := "virtio." + d.name + "."
		s := &d.Stats
		r.Counter(at+"notifications", stats.Events, "times that the driver rang", &s.Notifications)
		r.Counter(at+"chains", stats.Events, "chains of buffers taken", &s.Chains)
		r.Counter(at+"interrupts", stats.Events, "interrupts raised", &s.Interrupts)
		r.Counter(at+"broken", stats.Events, "times that the device stopped because of its driver", &s.Broken)
		r.Counter(at+"dma_read", stats.Bytes, "read from the driver's buffers", &s.BytesRead)
		r.Counter(at+"dma_written", stats.Bytes, "written to the driver's buffers", &s.BytesWritten)
		switch x := d.Model().(type) {
		case *virtio.Blk:
			r.Counter(at+"reads", stats.Events, "read requests", &x.Stats.Reads)
			r.Counter(at+"writes", stats.Events, "write requests", &x.Stats.Writes)
			r.Counter(at+"flushes", stats.Events, "flush requests", &x.Stats.Flushes)
			r.Counter(at+"discards", stats.Events, "requests to discard or zero", &x.Stats.Discards)
			r.Counter(at+"errors", stats.Events, "requests that failed", &x.Stats.Errors)
			r.Counter(at+"bytes_read", stats.Bytes, "read from the disk", &x.Stats.BytesRead)
			r.Counter(at+"bytes_written", stats.Bytes, "written to the disk", &x.Stats.BytesWritten)
		case *virtio.Net:
			r.Counter(at+"frames_sent", stats.Events, "frames sent", &x.Stats.Sent)
			r.Counter(at+"frames_received", stats.Events, "frames received", &x.Stats.Received)
			r.Counter(at+"frames_dropped", stats.Events, "frames lost: malformed, or without a buffer", &x.Stats.Dropped)
			r.Counter(at+"bytes_sent", stats.Bytes, "of frames sent", &x.Stats.BytesSent)
			r.Counter(at+"bytes_received", stats.Bytes, "of frames received", &x.Stats.BytesReceived)
		}
	}
}
