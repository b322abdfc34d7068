// Package virtio has devices of the Virtual I/O Device specification 1.2:
// block (blk.go), network (net.go), console (console.go) and entropy (rng.go),
// behind the register file of virtio-mmio (mmio.go) or as functions of a PCI
// bus (pci.go).
//
//	driver --Notify--> Device --Ring.pop--> Chain --Serve--> Model
//	                     |                                     |
//	driver <-interrupt-- Device <--Ring.push-- in flight <-----/
//
// Device (device.go) has what all share: status, features, queues, reset. A Model
// says what the device does with a chain of buffers. Everything happens at a
// cycle: a notification makes the device look at the queue some time later;
// each chain is taken by an event of its own, is in flight as long as the Model
// says, and ends with an event that writes the data, one that makes it used, and
// one that raises the interrupt. Between them the driver and everybody else run.
// So a driver gets no more than one chain's work out of one event, and what
// it may put into a chain is bounded (maxSegments).
//
// Drivers are not trusted. A queue in a hole, an index or a descriptor that
// cannot be, a chain without an end set DEVICE_NEEDS_RESET (specification,
// "Device Status Field"): the device stops until it is reset.
//
// Nothing here knows a bus: memory is reached through device.DMA.
package virtio
