// Package addr gives each address space of the machine a type of its own, so
// that an address of one space cannot be used in another by mistake.
package addr

// GVA is a virtual address as a program uses it: the input of the VS stage, or
// of the only stage where no guest runs.
type GVA uint64

// GPA is a guest physical ("real") address: the output of the VS stage and the
// input of the G stage.
type GPA uint64

// PA is a physical address of the machine: what the bus and the caches see.
type PA uint64

// IOVA is an address as a device uses it: the input of the IOMMU.
type IOVA uint64
