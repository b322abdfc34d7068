package device

import (
	"fmt"
	"math/bits"
)

// MaxHarts is how many harts the interrupt devices serve at most.
const MaxHarts = 64

// Where the ACLINT's registers lie from its base: the MSWI and MTIMER devices
// at the offsets of the SiFive CLINT, as in the RISC-V ACLINT specification
// 1.0-rc4, "Backward compatibility with SiFive CLINT", and in QEMU's virt.
const (
	ACLINTSize = 0x10000

	aclintMSIP     = 0x0000 // 4 bytes per hart
	aclintMTimeCmp = 0x4000 // 8 bytes per hart
	aclintMTime    = 0xbff8
	aclintEnd      = 0xc000
)

// ACLINTPins is what the ACLINT drives. Levels and times are told when they
// change, and all of them on Restore.
type ACLINTPins interface {
	// SetSoftware drives MSIP of a hart.
	SetSoftware(hart int, level bool)
	// SetTimer says from which cycle on MTIP of a hart is high: 0 for now and
	// for all later cycles, ^0 for never.
	SetTimer(hart int, cycle uint64)
	// SetTimeOffset gives the offset of mtime, and so of every hart's time
	// CSR: mtime = cycle/divider + offset, modulo 2^64.
	SetTimeOffset(offset uint64)
}

// ACLINTState is all that an ACLINT remembers.
type ACLINTState struct {
	Offset   uint64   // of mtime, in ticks
	MSIP     []bool   // per hart
	MTimeCmp []uint64 // per hart, in ticks
}

// ACLINT is the machine-level timer and software interrupt device (MTIMER and
// MSWI). It keeps no clock: mtime follows from the cycle of the access, and
// harts raise their own MTIP at the cycle they were given.
type ACLINT struct {
	st      ACLINTState
	divider uint64
	pins    ACLINTPins
	wrap    uint64 // cycle at which mtime wraps to 0, or NoDeadline
}

// NewACLINT returns an ACLINT for harts 0 to harts-1 whose mtime ticks every
// divider cycles. No timer is set and no interrupt pending.
func NewACLINT(harts int, divider uint64, pins ACLINTPins) (*ACLINT, error) {
	if harts < 1 || harts > MaxHarts {
		return nil, fmt.Errorf("aclint: %d harts, want 1 to %d", harts, MaxHarts)
	}
	if divider == 0 {
		return nil, fmt.Errorf("aclint: the timer's divider is 0 cycles per tick, want at least 1")
	}
	a := &ACLINT{divider: divider, pins: pins, wrap: NoDeadline}
	a.st.MSIP = make([]bool, harts)
	a.st.MTimeCmp = make([]uint64, harts)
	for i := range a.st.MTimeCmp {
		a.st.MTimeCmp[i] = ^uint64(0)
	}
	return a, nil
}

// Time returns mtime at a cycle.
func (a *ACLINT) Time(now uint64) uint64 { return now/a.divider + a.st.Offset }

// Read takes naturally aligned accesses of 4 and 8 bytes. Registers of harts
// that do not exist read as zero.
func (a *ACLINT) Read(now, off uint64, size int) (uint64, bool) {
	if !wordAccess(off, size) || off >= aclintEnd {
		return 0, false
	}
	if off < aclintMTimeCmp {
		v := a.msip(off / 4)
		if size == 8 {
			v |= a.msip(off/4+1) << 32
		}
		return v, true
	}
	v := uint64(0)
	if off >= aclintMTime {
		v = a.Time(now)
	} else if h := (off - aclintMTimeCmp) / 8; h < uint64(len(a.st.MTimeCmp)) {
		v = a.st.MTimeCmp[h]
	}
	return part(v, off, size), true
}

// Write takes naturally aligned accesses of 4 and 8 bytes. Writes to harts
// that do not exist are ignored.
func (a *ACLINT) Write(now, off uint64, size int, v uint64) bool {
	if !wordAccess(off, size) || off >= aclintEnd {
		return false
	}
	switch {
	case off < aclintMTimeCmp:
		a.setMSIP(off/4, v&1 != 0)
		if size == 8 {
			a.setMSIP(off/4+1, v>>32&1 != 0)
		}
	case off >= aclintMTime:
		t := merge(a.Time(now), off, size, v)
		a.st.Offset = t - now/a.divider
		a.drive(now)
	default:
		h := (off - aclintMTimeCmp) / 8
		if h < uint64(len(a.st.MTimeCmp)) {
			a.st.MTimeCmp[h] = merge(a.st.MTimeCmp[h], off, size, v)
			a.pins.SetTimer(int(h), a.expiry(now, a.st.MTimeCmp[h]))
		}
	}
	return true
}

// SetTimer writes a hart's mtimecmp.
func (a *ACLINT) SetTimer(now uint64, hart int, ticks uint64) {
	a.st.MTimeCmp[hart] = ticks
	a.pins.SetTimer(hart, a.expiry(now, ticks))
}

// Deadline returns the cycle at which mtime wraps, which may lower MTIP again.
func (a *ACLINT) Deadline() uint64 { return a.wrap }

// Fire gives every hart its timer anew after mtime wrapped.
func (a *ACLINT) Fire(now uint64) {
	if now >= a.wrap {
		a.drive(now)
	}
}

func (a *ACLINT) msip(h uint64) uint64 {
	if h < uint64(len(a.st.MSIP)) && a.st.MSIP[h] {
		return 1
	}
	return 0
}

func (a *ACLINT) setMSIP(h uint64, level bool) {
	if h < uint64(len(a.st.MSIP)) && a.st.MSIP[h] != level {
		a.st.MSIP[h] = level
		a.pins.SetSoftware(int(h), level)
	}
}

// drive tells all harts the offset and their timers.
func (a *ACLINT) drive(now uint64) {
	a.wrap = a.cycleOf(now, -a.Time(now))
	a.pins.SetTimeOffset(a.st.Offset)
	for h, cmp := range a.st.MTimeCmp {
		a.pins.SetTimer(h, a.expiry(now, cmp))
	}
}

// expiry returns from which cycle on mtime >= cmp; a wrap of mtime is left to
// Fire.
func (a *ACLINT) expiry(now, cmp uint64) uint64 {
	t := a.Time(now)
	if t >= cmp {
		return 0
	}
	return a.cycleOf(now, cmp-t)
}

// cycleOf returns the first cycle of the tick that is some ticks after the one
// of now, or ^0 if that is never. Zero ticks stand for 2^64.
func (a *ACLINT) cycleOf(now, ticks uint64) uint64 {
	tick, carry := bits.Add64(now/a.divider, ticks, 0)
	hi, lo := bits.Mul64(tick, a.divider)
	if ticks == 0 || carry != 0 || hi != 0 {
		return ^uint64(0)
	}
	return lo
}

// wordAccess says whether an access is naturally aligned and of 4 or 8 bytes.
func wordAccess(off uint64, size int) bool {
	return size == 4 && off&3 == 0 || size == 8 && off&7 == 0
}

// part returns the 4 or 8 bytes at off of an aligned 8-byte register.
func part(v, off uint64, size int) uint64 {
	if size == 8 {
		return v
	}
	return v >> (off & 4 * 8) & 0xffff_ffff
}

// merge returns old with the 4 or 8 bytes at off of the register replaced.
func merge(old, off uint64, size int, v uint64) uint64 {
	if size == 8 {
		return v
	}
	sh := off & 4 * 8
	return old&^(0xffff_ffff<<sh) | v&0xffff_ffff<<sh
}
