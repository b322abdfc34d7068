package core

import (
	"bytes"
	"unsafe"

	"mcsim/cache"
	"mcsim/hostmem"
)

// A block has what was decoded of one line of physical memory, and the line's bytes. It holds runs:
// instructions that follow each other, from where execution has come into the line
// to a jump or the line's end. For each halfword it has an entry, which says where
// the run that begins there is: the bytes from the block's begin to the step before the
// run's first, which knows what comes after it; there the loop begins, by moving on.
// 0 is a halfword at which nothing was decoded yet. The run loop charges and counts
// a run whole when it enters it, and takes back what it leaves out: each step knows
// what comes after it.
//
// Blocks outlive the line's stay in the L1I, since they save time only: one that is
// wanted again is good if the line's bytes are still the same.
type blocks struct {
	mem    []byte
	base   unsafe.Pointer // of mem
	info   []blockInfo
	ofSlot []int32 // by L1I slot: its block, or -1
	halves int     // halfwords in a line
	stride int     // bytes of a block
	size   int     // bytes of a line
	ways   int     // of the L1I, and blocks in a group
	groups uint64  // less one
	turn   uint32  // which block of a group is given up next
	used   int     // blocks that a line has or had
}

// blockInfo is what the run loop need not know of a block. Its zero value is that of
// an empty one, so that only those in use take memory of the host.
type blockInfo struct {
	key  uint64 // 1 + its physical line, 0 if it has none
	slot int32  // 1 + the L1I slot whose line it is, 0 if there is none
	used int32  // steps
}

const (
	entryBytes = 2

	// blocksPerSlot is how many blocks there are for each slot of the L1I. They take
	// memory of the host only when they are used.
	blocksPerSlot = 8
)

// room is how many steps a block has. A run in it brings at least one instruction
// that no other has, and one step for its end, which is also the one before the
// next run; before the first of them is one more.
func (b *blocks) room() int32 { return int32(1 + 2*b.halves) }

// first is the place of a block's first step: behind its entries and the line's bytes.
func (b *blocks) first() int32 { return int32((b.halves*entryBytes + b.size) / int(stepBytes)) }

// shape is for lines like those of i. It returns how many bytes the blocks need.
func (b *blocks) shape(i *cache.Array) int {
	b.size, b.halves, b.ways = i.LineBytes(), i.LineBytes()/2, i.Ways()
	b.stride = (int(b.first()+b.room())*int(stepBytes) + 63) &^ 63 // entries in one line of the host
	b.groups = uint64(i.Sets()*blocksPerSlot - 1)
	return i.Slots() * blocksPerSlot * b.stride
}

func (b *blocks) init(i *cache.Array, mem []byte) {
	b.mem, b.base = mem, unsafe.Pointer(&mem[0])
	b.info = make([]blockInfo, i.Slots()*blocksPerSlot)
	b.ofSlot = make([]int32, i.Slots())
	for i := range b.ofSlot {
		b.ofSlot[i] = -1
	}
}

func (b *blocks) at(i int32) unsafe.Pointer { return unsafe.Pointer(&b.mem[int(i)*b.stride]) }

// index is the block at p.
func (b *blocks) index(p unsafe.Pointer) int32 {
	return int32((uintptr(p) - uintptr(unsafe.Pointer(&b.mem[0]))) / uintptr(b.stride))
}

// entries are a block's entries, one for each halfword of the line.
func (b *blocks) entries(i int32) []uint16 { return unsafe.Slice((*uint16)(b.at(i)), b.halves) }

// bytes is the line as it was decoded.
func (b *blocks) bytes(i int32) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(b.at(i), b.halves*entryBytes)), b.size)
}

// clear forgets what was decoded.
func (b *blocks) clear(i int32) {
	clear(b.entries(i))
	b.info[i].used = 0
}

// forget forgets what was decoded of all lines.
func (b *blocks) forget() {
	for i := range b.info {
		if b.info[i].key != 0 {
			b.clear(int32(i))
		}
	}
}

// claim is the block for the L1I slot that holds line, with these bytes.
//
// Lines that share a group share a set of the L1I too, and a group has as many
// blocks as a set has slots: there is always one that no slot has.
func (b *blocks) claim(slot int32, line uint64, data []byte) int32 {
	if i := b.ofSlot[slot]; i >= 0 {
		return i
	}
	i := b.find(line)
	f := &b.info[i]
	if f.slot > 0 { // a slot that has lost the line
		b.ofSlot[f.slot-1] = -1
	}
	f.slot, b.ofSlot[slot] = slot+1, i
	if f.key == 0 {
		b.used++
	}
	if f.key != line+1 || !bytes.Equal(b.bytes(i), data) {
		f.key = line + 1
		copy(b.bytes(i), data)
		b.clear(i)
	}
	return i
}

// find is the block that line has, or else the one that it is to have.
func (b *blocks) find(line uint64) int32 {
	first := int(line&b.groups) * b.ways
	group := b.info[first : first+b.ways]
	for w := range group {
		if group[w].key == line+1 {
			return int32(first + w)
		}
	}
	w := int(b.turn) % b.ways
	b.turn++
	for range group {
		if group[w].slot == 0 {
			break
		}
		if w++; w == b.ways {
			w = 0
		}
	}
	return int32(first + w)
}

// expect has the host fetch the block that line has or may get: entries, bytes and the
// first steps.
func (b *blocks) expect(line uint64) {
	first := int(line&b.groups) * b.ways
	for i := first; i < first+b.ways; i++ {
		if b.info[i].key == line+1 {
			p := b.at(int32(i))
			hostmem.Warm(p, unsafe.Add(p, 64), unsafe.Add(p, 128), unsafe.Add(p, 192))
			return
		}
	}
}

// release says that the slot has another line now.
func (b *blocks) release(slot int32) {
	if i := b.ofSlot[slot]; i >= 0 {
		b.info[i].slot, b.ofSlot[slot] = 0, -1
	}
}

// enter decodes the current line from pc on, up to a jump, to what is decoded
// already or to the line's end, and returns the entry of pc: 0 if the instruction
// there cannot be kept.
func (h *Hart) enter(pc uint64) uint16 {
	b := &h.tab.blocks
	i := b.index(h.fdec)
	entries, f := b.entries(i), &b.info[i]
	off := pc - h.fbase
	if h.standsAlone(off) {
		return 0
	}
	// The first of steps is before the run.
	steps := unsafe.Slice((*step)(unsafe.Add(h.fdec, uintptr(b.first()+f.used)*stepBytes)), b.room()-f.used)
	last, rest := 0, step{}
	for open, jumped := true, false; open; {
		last++
		s := &steps[last]
		switch open = false; {
		case jumped || off == h.lineSize:
			*s = step{op: stepRunEnd, at: placeOf(off)}
		case entries[off/2] != 0:
			*s = step{op: stepJoin, imm: int32(entries[off/2])}
			rest = *(*step)(unsafe.Add(h.fdec, s.imm))
		case h.standsAlone(off):
			*s = step{op: stepNotKept, at: placeOf(off), imm: int32(h.half(off))}
		default:
			open = true
			in := h.decode(h.rawAt(off))
			*s = h.stepFor(in, off)
			s.after = uint16(in.Cost) // its own, until all are known
			off += uint64(in.Size)
			jumped = endsRun(in.Op)
		}
	}
	after, n := rest.after, rest.n
	for k := last - 1; k > 0; k-- {
		s := &steps[k]
		cost := s.after
		s.after, s.n = after, n
		join(steps[k : last+1])
		after, n = after+cost, n+1
		entries[s.at-1] = uint16(b.first()+f.used+int32(k)-1) * uint16(stepBytes)
	}
	steps[0].after, steps[0].n = after, n
	f.used += int32(last)
	return entries[(pc-h.fbase)/2]
}

// placeOf is step.at of what stands at byte off of its line, from -2 on.
func placeOf(off uint64) uint8 { return uint8(off/2 + 1) }

// standsAlone says whether the instruction at byte off of the current line cannot be kept
// in a block: it crosses the line's end, or a breakpoint may be there. A
// block belongs to physical memory, which may have other addresses as well, but
// within a page all of them are alike.
func (h *Hart) standsAlone(off uint64) bool {
	if off == h.lineSize-2 && h.half(off)&3 == 3 {
		return true
	}
	return h.dbg != nil && h.dbg.mayBreak(h.fbase+off)
}

// rawAt is the encoding of the instruction at byte off of the current line, in which
// it ends.
func (h *Hart) rawAt(off uint64) uint32 {
	raw := uint32(h.half(off))
	if raw&3 == 3 {
		raw |= uint32(h.half(off+2)) << 16
	}
	return raw
}

// half is the 16 bits at byte off of the current line.
func (h *Hart) half(off uint64) uint16 { return *(*uint16)(unsafe.Add(h.fdec, off+h.lineSize)) }

// cutRun is for a run, behind in, that has more cycles than are left: it copies it up
// to the first instruction that is not to be begun, and returns what is before the
// copy. The whole run has been charged.
func (h *Hart) cutRun(in *step) *step {
	cycles := int64(in.after)
	left := h.left + cycles
	for i := 1; ; {
		if in = in.next(); in.op == stepJoin {
			in = (*step)(unsafe.Add(h.fdec, in.imm))
			continue
		}
		h.cut[i] = *in
		i++
		if cycles-int64(in.after) >= left {
			for k := max(0, i+1-longestGram); k < i; k++ { // which stand for what is left out, too
				h.cut[k].op = h.cut[k].op.first()
			}
			h.cut[i] = step{op: stepCut, after: in.after, n: in.n, at: in.at + in.size()/2}
			return &h.cut[0]
		}
	}
}
