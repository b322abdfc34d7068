package core

import (
	"errors"
	"unsafe"

	"mcsim/addr"
	"mcsim/coherence"
)

// RefOp is what a reference does.
type RefOp uint8

const (
	RefFetch RefOp = iota
	RefLoad
	RefStore
	RefLR
	RefSC
	RefAMO
	RefFence
	RefClean
	RefFlush
	RefInval
	RefZero
	RefPrefetch
	RefWalk // a page walker's load, in traces of physical addresses
	RefNone // no access: instructions that pass
	NumRefOps

	RefOther = NumRefOps // for whoever drives the hart; Drive stops in front of it
)

var refOpNames = [NumRefOps]string{
	"fetch", "load", "store", "lr", "sc", "amo", "fence", "clean", "flush", "inval", "zero", "prefetch", "walk", "none",
}

func (op RefOp) String() string {
	if op < NumRefOps {
		return refOpNames[op]
	}
	return "other"
}

// Ref is one memory reference that a hart is driven by. It may be of any size
// and cross lines and pages: it is one access of the caches for every line that
// it touches.
type Ref struct {
	VA     uint64
	Cycle  uint64 // not before this cycle
	Work   uint32 // instructions begun since the reference before, up to and including this one's
	Size   uint16 // bytes, at least 1
	Op     RefOp
	Region uint8 // whose counters it goes to
}

// NumRegions bounds Ref.Region.
const NumRegions = 64

// RefStats counts what references did.
type RefStats struct {
	Refs   uint64
	Misses uint64 // references that missed the L1 with a line or more
}

// DriveStats are the counters of a driven hart, beside the hart's own.
type DriveStats struct {
	Ops     [NumRefOps + 1]RefStats // by RefOp; the last for RefOther
	Regions [NumRegions]RefStats
	Split   uint64 // references that touched more than one line
	Faults  uint64 // pages that were not there when they were touched
}

// OS answers the page faults of a driven hart.
type OS interface {
	// Fault is told of an address without a translation. It makes one, parking
	// on the bus, and returns true; or false, and the hart stops.
	Fault(va uint64) bool
	// Canonical is the address to use for one that the hart's translation mode
	// cannot express, once there is a mode that can express it.
	Canonical(va uint64) (uint64, bool)
	// Physical translates where the hart does not, without TLB and page table.
	Physical(va uint64) (addr.PA, bool)
}

// Driver drives a hart by references instead of instructions. Everything that
// an access meets is the same: line tables, TLBs and walker, caches, store buffer
// and what they cost. Every store writes a number of its own to the words that
// it touches, and every load is compared with what the oracle expects.
type Driver struct {
	h       *Hart
	os      OS
	oracle  *coherence.Oracle
	soft    bool // os.Physical translates
	each    bool // every fetch is an access of the L1I, even from the line of the one before
	regions bool

	missed bool // the reference in progress missed an L1

	// Version is what the last store wrote; the next one writes one more.
	Version uint64
	Stats   DriveStats
}

// DriveConfig is what a Driver is made from.
type DriveConfig struct {
	OS          OS
	Oracle      *coherence.Oracle // nil: loads are not checked
	EachFetch   bool              // count every fetch as an access; else those from one line in a row are one, as in execution
	WithRegions bool              // count by Ref.Region
}

// NewDriver takes over a hart, which executes no instructions from now on. It
// runs in U-mode.
func NewDriver(h *Hart, c DriveConfig) *Driver {
	d := &Driver{h: h, os: c.OS, oracle: c.Oracle, each: c.EachFetch, regions: c.WithRegions}
	h.priv = User
	h.setContext()
	return d
}

// Hart is the hart that is driven.
func (d *Driver) Hart() *Hart { return d.h }

// UseTable makes the page table that satp names the one in use, on behalf of a
// virtual machine.
func (d *Driver) UseTable(satp uint64, vmid uint16) {
	d.soft = false
	if m := &d.h.mmu; m.vmid != vmid {
		m.vmid = vmid
		d.h.setContext()
	}
	d.h.mmu.writeSATP(satp)
}

// UseBare has addresses taken for physical ones.
func (d *Driver) UseBare(vmid uint16) {
	d.UseSoft(vmid)
	d.soft = false
}

// UseSoft has OS.Physical translate, with no TLB and no page table.
func (d *Driver) UseSoft(vmid uint16) {
	d.soft = true
	d.h.mmu.vmid = vmid
	d.h.mmu.writeSATP(0)
	d.h.setContext()
	d.h.flushContext(ctxBare) // another address space may have filled it
}

// Stop says why Run came back.
type Stop uint8

const (
	StopTime  Stop = iota // the clock has reached the end
	StopRefs              // all references are done
	StopEarly             // the next reference is for a later cycle
	StopOther             // the next reference is for the caller
	StopError             // the next reference cannot be done: see Err
)

// ErrNoMemory is a reference to an address with nothing behind it.
var ErrNoMemory = errors.New("there is no memory at this address")

// Run carries references out, in order, until the clock reaches end. It returns
// how many are done. It parks on the bus in between.
func (d *Driver) Run(refs []Ref, end uint64) (done int, why Stop) {
	h := d.h
	for {
		now := h.Clock()
		if now >= end {
			return done, StopTime
		}
		limit := end
		if h.sbCount > 0 {
			if now >= h.sb.next {
				h.limit, h.left = end, int64(end-now)
				h.drainSome(h.sbCount)
				continue
			}
			limit = min(limit, h.sb.next)
		}
		if done == len(refs) {
			return done, StopRefs
		}
		h.limit, h.left = limit, int64(limit-now)
		n, stop := d.exec(refs[done:])
		done += n
		switch stop {
		case StopTime, StopRefs:
		case StopEarly:
			// What waits in the store buffer leaves in the meantime.
			if h.sbCount == 0 {
				return done, stop
			}
			h.waitUntil(min(h.sb.next, end))
		default:
			return done, stop
		}
	}
}

// Drain empties the store buffer, as before a switch to another address space.
func (d *Driver) Drain() { d.h.drainAll() }

// Pass lets cycles pass without instructions.
func (d *Driver) Pass(cycles uint64) { d.h.left -= int64(cycles) }

// exec is Run's hot loop.
func (d *Driver) exec(refs []Ref) (n int, why Stop) {
	var (
		h    = d.h
		left = h.left
		load = int64(h.cfg.Latency.Load) - 1
		base uint64
		r    *Ref
		slow bool
	)
	var words, last []uint64
	if d.oracle != nil {
		words, last, base = d.oracle.Words, d.oracle.Last, d.oracle.Base
	}
	for n < len(refs) && left > 0 {
		r = &refs[n]
		if r.Cycle > h.limit-uint64(left) {
			why = StopEarly
			break
		}
		size := uint64(r.Size)
		off := r.VA & h.offMask
		slow = true
		switch r.Op {
		case RefFetch:
			if r.VA-h.fbase < h.lineSize && off+size <= h.lineSize && !d.each {
				slow = false
				break
			}
			f := h.fetchOf(r.VA)
			if r.VA&h.lineMask == f.tag && off+size <= h.lineSize {
				h.l1i.Clock++
				*f.stamp = h.l1i.Clock
				*f.tlb = h.l1i.Clock
				h.fbase, h.fdec = f.tag, f.dec
				slow = false
			}
		case RefLoad:
			e := &h.lines[r.VA>>(h.shift&63)&(lineTableSize-1)]
			if r.VA-off != e.rtag || off+size > h.lineSize {
				break
			}
			h.touch(e)
			slow = false
			left -= load
			if words != nil {
				slot := slotOf(h.l1d.Stamp, e.stamp)
				at := (h.l1d.Tags[slot]<<(h.shift&63) - base + off) >> 3
				p := unsafe.Add(e.data, off&^7)
				if *(*uint64)(p) != words[at] || off&7+size > 8 {
					d.compare(r, slot, off, size, h.limit-uint64(left))
				}
			}
		case RefStore:
			e := &h.lines[r.VA>>(h.shift&63)&(lineTableSize-1)]
			if r.VA-off != e.wtag || off+size > h.lineSize || h.sbCount > 0 {
				break
			}
			h.touch(e)
			slow = false
			d.Version++
			v := d.Version
			p := unsafe.Add(e.data, off&^7)
			*(*uint64)(p) = v
			if words != nil {
				slot := slotOf(h.l1d.Stamp, e.stamp)
				line := h.l1d.Tags[slot]<<(h.shift&63) - base
				words[(line+off)>>3] = v
				last[line>>(h.shift&63)] = coherence.Stamp(int32(h.cfg.ID), h.limit-uint64(left))
			}
			if off&7+size > 8 {
				d.spread(e, off, size, v)
			}
		case RefNone:
			slow = false
		case RefOther:
			why = StopOther
		}
		if why == StopOther {
			break
		}
		left -= int64(r.Work)
		h.instret += uint64(r.Work)
		if slow {
			h.left = left
			if !d.slow(r) {
				h.left += int64(r.Work)
				h.instret -= uint64(r.Work)
				return n, StopError
			}
			left = h.left
		}
		d.Stats.Ops[r.Op].Refs++
		if d.regions {
			d.Stats.Regions[r.Region%NumRegions].Refs++
		}
		n++
	}
	h.left = left
	if n == len(refs) && why == StopTime {
		why = StopRefs
	}
	return n, why
}

// compare checks every word of a load that the line table answered. It is the
// slow way, for loads of several words and for what the fast way found wrong.
func (d *Driver) compare(r *Ref, slot int32, off, size, now uint64) {
	h := d.h
	line := h.l1d.Tags[slot] << h.shift
	data := h.l1d.LineData(slot)
	for w := off >> 3; w < (off+size+7)>>3; w++ {
		got := *(*uint64)(unsafe.Pointer(&data[8*w]))
		if got != d.oracle.Words[(line-d.oracle.Base)>>3+w] {
			h.mem.Stale(d.oracle.Explain(coherence.OpLoad, addr.PA(line+8*w), int32(h.cfg.ID), now, got))
		}
	}
}

// spread writes the words of a store beyond its first.
func (d *Driver) spread(e *lineEntry, off, size, v uint64) {
	h := d.h
	slot := slotOf(h.l1d.Stamp, e.stamp)
	line := h.l1d.Tags[slot] << h.shift
	for w := off>>3 + 1; w < (off+size+7)>>3; w++ {
		*(*uint64)(unsafe.Add(e.data, 8*w)) = v
		if d.oracle != nil {
			d.oracle.Words[(line-d.oracle.Base)>>3+w] = v
		}
	}
}
