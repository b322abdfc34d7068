package coherence

import (
	"encoding/binary"
	"unsafe"

	"mcsim/cache"
)

// perform carries a out on L1D slot s, whose state permits it.
func (p *Private) perform(a *Access, s int32) {
	if p.oracle != nil {
		p.performSeen(a, s)
		return
	}
	p.carryOut(a, s)
}

func (p *Private) carryOut(a *Access, s int32) {
	a.Slot = s
	if a.Op == OpLoad && a.Size == 8 { // by far the most
		off := uintptr(a.PA) & (1<<(p.shift&63) - 1)
		a.Result = binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p.d.LineAt(s), off))[:])
		return
	}
	p.carryOutAny(a, s)
}

func (p *Private) carryOutAny(a *Access, s int32) {
	lo := int(s) << (p.shift & 63)
	if a.Op == OpZero {
		clear(p.d.LineData(s))
		return
	}
	b := p.d.Data[lo+int(a.PA)&(1<<(p.shift&63)-1):]
	switch a.Op {
	case OpLoad:
		a.Result = get(b, a.Size)
	case OpStore:
		put(b, a.Size, a.Value)
	case OpWalk:
		p.Walk++
		a.Result = get(b, a.Size)
	case OpLoadWords:
		a.Result = get(b, 8)
	case OpStoreWords:
		for i := range int(a.Size) {
			put(b[8*i:], 8, a.Value)
		}
	default:
		p.atomic(a, b)
	}
}

// atomic carries out LR, SC, CAS and the AMOs on the bytes at b.
func (p *Private) atomic(a *Access, b []byte) {
	switch a.Op {
	case OpPrefetchR, OpPrefetchW:
	case OpLR:
		p.reserved = uint64(a.PA) >> (p.shift & 63)
		a.Result = get(b, a.Size)
	case OpSC:
		put(b, a.Size, a.Value)
		p.reserved = cache.NoLine
		a.OK = true
	case OpCAS:
		a.Result = get(b, a.Size)
		if a.OK = a.Result == a.Compare; a.OK {
			put(b, a.Size, a.Value)
		}
	default:
		a.Result = get(b, a.Size)
		put(b, a.Size, AMO(a.Op, a.Size, a.Result, a.Value))
	}
}

// performFetch carries a fetch out on L1I slot s.
func (p *Private) performFetch(a *Access, s int32) {
	a.Slot = s
	if p.oracle != nil && p.snoopI && a.Op == OpFetch {
		p.compare(a.Op, p.i.Tags[s], p.i.LineData(s), int(a.PA)&(1<<p.shift-1), int(a.Size))
	}
	if a.Op == OpFetch {
		a.Result = get(p.i.Data[int(s)<<(p.shift&63)+int(a.PA)&(1<<(p.shift&63)-1):], a.Size)
	}
}

// get is the little-endian value of the first size bytes of b, 1 to 8.
func get(b []byte, size uint8) uint64 {
	switch size {
	case 8:
		return binary.LittleEndian.Uint64(b)
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 1:
		return uint64(b[0])
	}
	var v uint64
	for i := range min(size, 8) {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

// put writes the low size bytes of v, 1 to 8.
func put(b []byte, size uint8, v uint64) {
	switch size {
	case 8:
		binary.LittleEndian.PutUint64(b, v)
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	default:
		for i := range min(size, 8) {
			b[i] = uint8(v >> (8 * i))
		}
	}
}

// AMO is what the AMO op of size bytes writes where old was.
func AMO(op Op, size uint8, old, v uint64) uint64 {
	up := 64 - 8*uint(size)
	signed := func(x uint64) int64 { return int64(x<<up) >> up }
	v = v << up >> up
	switch op {
	case OpAMOAdd:
		return old + v
	case OpAMOXor:
		return old ^ v
	case OpAMOAnd:
		return old & v
	case OpAMOOr:
		return old | v
	case OpAMOMin:
		if signed(old) < signed(v) {
			return old
		}
	case OpAMOMax:
		if signed(old) > signed(v) {
			return old
		}
	case OpAMOMinU:
		return min(old, v)
	case OpAMOMaxU:
		return max(old, v)
	}
	return v
}
