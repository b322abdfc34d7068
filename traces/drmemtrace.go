package traces

import (
	"encoding/binary"
	"fmt"
	"io"
)

// DynamoRIO's drmemtrace, after post-processing. drentry.go has its records. A
// trace has a file for each thread, or for each core, in a directory; files are
// plain, gzip, lz4, snappy, or zip with a member for each chunk.
var drmemtraceFormat = format{
	name:   "drmemtrace",
	title:  "DynamoRIO drmemtrace, post-processed",
	has:    HasVA | HasPC | HasSize | HasCycle,
	sniff:  sniffDrmemtrace,
	open:   openDrmemtrace,
	create: func(w io.Writer, _ *Info) Writer { return newDrWriter(w) },
}

// A flush of a range becomes references of drFlush bytes, whole lines, and
// drMaxFlush bounds it. DynamoRIO records a range only where a system call
// flushes one.
const (
	drFlush    = 1 << 15
	drMaxFlush = 512 * drFlush
)

type drmemtrace struct {
	in   *input
	opts *Options

	ref     Ref    // what the next reference has in common with the last: thread, time, PC, mode
	nextPC  uint64 // behind the last instruction
	lastPC  uint64 // address of the last instruction, for maybe-fetch
	clocks  map[uint32]uint64
	pages   *drPages // if the trace tells physical addresses
	bundle  [8]byte  // lengths of instructions to come
	bundled []byte
	flushAt uint64 // a range to flush: what is left of it
	flushTo uint64
	footer  bool // the last record was one
	err     error
}

func (d *drmemtrace) Read(refs []Ref) (n int, err error) {
	for n < len(refs) && d.err == nil {
		from := n
		if d.flushAt < d.flushTo || len(d.bundled) > 0 {
			n += d.unfold(refs[n:])
			d.locate(refs[from:n])
			continue
		}
		if n > 0 && d.in.end-d.in.pos < drSize {
			break
		}
		var count int
		if count, d.err = d.in.records(drSize); d.err != nil {
			if d.err == io.EOF && !d.footer {
				d.err = d.in.badRecord("the end", "a footer: the trace was cut off, or is still being written")
			}
			break
		}
		n += d.parse(refs[n:], count)
		d.locate(refs[from:n])
	}
	if n < len(refs) {
		err = d.err
	}
	return n, err
}

func (d *drmemtrace) locate(refs []Ref) {
	if d.pages != nil {
		d.pages.translate(refs)
	}
}

// parse takes up to count records, until refs is full, a record needs more than
// one reference, or a page moves.
func (d *drmemtrace) parse(refs []Ref, count int) (n int) {
	in := d.in
	buf, pos := in.buf, in.pos
	ref := d.ref
	for ; count > 0 && n < len(refs); count-- {
		head := binary.LittleEndian.Uint32(buf[pos:])
		addr := binary.LittleEndian.Uint64(buf[pos+4:])
		size := head >> 16
		class := drIsOther
		if kind := head & 0xffff; kind < drTypes {
			class = drClasses[kind]
		}
		if class >= drIsInstr && addr+uint64(size) < addr && addr+uint64(size) != 0 {
			class = drWraps
		}
		switch class {
		case drIsInstr:
			ref.PC = addr
			ref.Has |= HasPC
			if size > 0 { // 0 only tells the PC of the data that follows
				d.lastPC, d.nextPC = addr, addr+uint64(size)
				r := &refs[n]
				*r = ref
				r.VA, r.Size, r.Instructions, r.Kind = addr, size, 1, Fetch
				n++
			}
		case drIsData:
			r := &refs[n]
			*r = ref
			r.VA, r.Size, r.Kind = addr, size, Load+Kind(head&1)
			if size == 0 { // of an instruction whose size is not fixed, such as xsave
				r.Size = 1
				r.Has &^= HasSize
			}
			n++
		case drIsPrefetch:
			r := &refs[n]
			*r = ref
			r.VA, r.Size, r.Kind = addr, max(size, 1), Prefetch
			n++
		case drIsOther:
			d.ref, in.pos = ref, pos
			if n > 0 && d.pages != nil && isPageMarker(uint16(head), uint16(size)) {
				return n
			}
			if !d.other(uint16(head), uint16(size), addr) {
				return n
			}
			ref = d.ref
			pos = in.pos
			if d.flushAt < d.flushTo || len(d.bundled) > 0 {
				return n
			}
			continue
		}
		if class == drWraps {
			d.ref, in.pos = ref, pos
			d.err = in.badRecord(fmt.Sprintf("address %#x, size %d", addr, size), wantSize)
			return n
		}
		pos += drSize
		d.footer = false
	}
	d.ref, in.pos = ref, pos
	return n
}

// other takes a record that isn't plain, and reports whether it could.
func (d *drmemtrace) other(kind, size uint16, addr uint64) bool {
	d.footer = kind == drFooter
	ok := true
	switch kind {
	case drFooter, drThreadExit:
	case drPID:
		if d.pages != nil {
			d.pages.belongs(addr)
		}
	case drHeader:
		ok = d.version(addr)
	case drThread:
		ok = d.thread(addr)
	case drMarker:
		ok = d.marker(size, addr)
	case drNoFetch:
		d.ref.PC, d.lastPC, d.nextPC = addr, addr, addr+uint64(size)
		d.ref.Has |= HasPC
	case drMaybeFetch:
		if addr == d.lastPC || size == 0 {
			d.ref.PC = addr
			d.ref.Has |= HasPC
			break
		}
		d.nextPC = addr
		d.bundle[0] = byte(size)
		d.bundled = d.bundle[:1]
	case drBundle:
		if size == 0 || size > 8 {
			d.err = d.in.badRecord(fmt.Sprintf("a bundle of %d instructions", size), "1 to 8")
			return false
		}
		binary.LittleEndian.PutUint64(d.bundle[:], addr)
		d.bundled = d.bundle[:size]
	case drInstrFlush, drInstrFlushEnd: // of instruction caches, which replay keeps coherent
	case drDataFlush:
		d.flushAt, d.flushTo = addr, addr+uint64(size)
	case drDataFlushEnd:
		d.flushTo = addr
	default:
		d.err = d.in.badRecord(fmt.Sprintf("a record of type %d", kind),
			fmt.Sprintf("types below %d: the trace is corrupt, or made by a newer DynamoRIO", drTypes))
		return false
	}
	if d.flushTo > d.flushAt && d.flushTo-d.flushAt > drMaxFlush {
		d.err = d.in.badRecord(fmt.Sprintf("a flush of %d bytes", d.flushTo-d.flushAt), fmt.Sprintf("at most %d", drMaxFlush))
		d.flushTo = d.flushAt
		return false
	}
	if ok {
		d.in.pos += drSize
	}
	return ok
}

// unfold makes the references of a bundle or a flush.
func (d *drmemtrace) unfold(refs []Ref) (n int) {
	for ; n < len(refs) && len(d.bundled) > 0; d.bundled = d.bundled[1:] {
		d.ref.PC, d.lastPC = d.nextPC, d.nextPC
		d.ref.Has |= HasPC
		d.nextPC += uint64(d.bundled[0])
		if d.bundled[0] == 0 {
			continue
		}
		refs[n] = d.ref
		refs[n].VA, refs[n].Size, refs[n].Instructions, refs[n].Kind = d.ref.PC, uint32(d.bundled[0]), 1, Fetch
		n++
	}
	for ; n < len(refs) && d.flushAt < d.flushTo; n++ {
		size := min(d.flushTo-d.flushAt, drFlush)
		refs[n] = d.ref
		refs[n].VA, refs[n].Size, refs[n].Kind = d.flushAt, uint32(size), Flush
		d.flushAt += size
	}
	return n
}

// marker takes what a marker says of the references to come.
func (d *drmemtrace) marker(kind uint16, value uint64) bool {
	switch kind {
	case drVersion:
		return d.version(value)
	case drTimestamp:
		if d.ref.Has&HasCycle != 0 && value < d.ref.Cycle && !d.opts.TolerateClock {
			d.err = d.in.badRecord(fmt.Sprintf("time stamp %d after %d", value, d.ref.Cycle), wantClock)
			return false
		}
		d.ref.Cycle = value
		d.ref.Has |= HasCycle
	case drSyscallStart, drSwitchStart:
		d.ref.Mode = 1
	case drSyscallEnd, drSwitchEnd:
		d.ref.Mode = 0
	case drPhysical, drNoPhysical, drVirtual, drPageSize:
		if d.pages != nil && !d.pages.marker(kind, value) {
			d.err = d.in.badRecord("yet another page", drWantPageMarker)
			return false
		}
	case drSplitValue:
		d.err = d.in.badRecord("a marker of raw traces", wantPostprocessed)
		return false
	}
	return true
}

func (d *drmemtrace) version(v uint64) bool {
	if v >= drOldest && v <= drNewest {
		return true
	}
	d.err = d.in.badRecord(fmt.Sprintf("version %d", v), fmt.Sprintf("a trace of version %d to %d", drOldest, drNewest))
	return false
}

// thread switches to another thread, in files that have several.
func (d *drmemtrace) thread(id uint64) bool {
	if d.ref.Has&HasCycle != 0 {
		if d.clocks == nil {
			d.clocks = map[uint32]uint64{}
		}
		d.clocks[d.ref.Thread] = d.ref.Cycle
		if len(d.clocks) > maxHarts {
			d.err = d.in.badRecord("yet another thread", "at most 65536 in a file")
			return false
		}
	}
	// A trace of several workloads has their number in the top 16 bits (memref.h);
	// Linux's own thread ids have at most 22.
	name := uint32(id) + uint32(id>>48)<<22
	d.ref = Ref{Thread: name, Has: d.ref.Has &^ (HasCycle | HasPC)}
	if cycle, known := d.clocks[d.ref.Thread]; known {
		d.ref.Cycle = cycle
		d.ref.Has |= HasCycle
	}
	return true
}
