package core

import (
	"errors"
	"fmt"
	"io"
	"math/bits"

	"mcsim/addr"
	"mcsim/coherence"
	"mcsim/record"
)

// Source yields the records that a hart is to follow.
type Source interface {
	// Read fills recs and returns how many; io.EOF after the last.
	Read(recs []record.Record) (n int, err error)
}

// follower makes a hart do what was recorded (record.go): the same accesses at
// the same cycles, stopped by the same ends of quanta. TLBs, walks, store
// buffer and caches are the hart's own and do what they do. Only the values are
// missing, so page-table entries are those that were recorded.
//
// Where the machine does something else than the one that was recorded, the
// two part: see FollowError.
type follower struct {
	h     *Hart
	src   Source
	buf   []record.Record
	recs  []record.Record // of buf, that are left
	count uint64          // records that were taken
	other uint64          // of those, what is no reference
	err   error
}

// FollowError says that a hart could not follow a recording: the machine is not
// the one that was recorded, or the recording is damaged.
type FollowError struct {
	Hart   int
	Record uint64 // its number in the hart's stream, from 1
	Cycle  uint64
	What   string
	Err    error // of the source
}

func (e *FollowError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("hart %d: after %d records: %v", e.Hart, e.Record, e.Err)
	}
	return fmt.Sprintf("hart %d: record %d, cycle %d: %s", e.Hart, e.Record, e.Cycle, e.What)
}

func (e *FollowError) Unwrap() error { return e.Err }

const followBatch = 1024

// Follow makes the hart follow a recording. It is for a hart that has not run.
func (h *Hart) Follow(src Source) {
	f := &follower{h: h, src: src, buf: make([]record.Record, followBatch)}
	h.follow, h.mmu.tables = f, f
}

// FollowErr is why the hart could not follow its recording further, nil if it
// could. io.EOF is the recording's end.
func (h *Hart) FollowErr() error {
	if h.follow == nil {
		return nil
	}
	return h.follow.err
}

// Followed is the number of references that the hart made of its recording.
func (h *Hart) Followed() uint64 {
	if h.follow == nil {
		return 0
	}
	return h.follow.count - h.follow.other
}

// FollowInstret sets the count of instructions to what the recorded hart ended
// with, in the middle of an instruction perhaps.
func (h *Hart) FollowInstret() {
	if f := h.follow; f != nil && f.ready() && f.recs[0].Op == record.Final {
		f.count32(f.recs[0].Instret)
	}
}

// ready makes f.recs[0] the next record; false at the end.
func (f *follower) ready() bool {
	if len(f.recs) > 0 {
		return true
	}
	if f.err != nil {
		return false
	}
	n, err := f.src.Read(f.buf)
	if n == 0 {
		f.err = err
		if err != io.EOF || err == nil {
			f.err = &FollowError{Hart: f.h.cfg.ID, Record: f.count, Err: err}
		}
		return false
	}
	f.recs = f.buf[:n]
	return true
}

func (f *follower) fail(r *record.Record, format string, args ...any) {
	if f.err == nil {
		f.err = &FollowError{Hart: f.h.cfg.ID, Record: f.count, Cycle: r.Cycle, What: fmt.Sprintf(format, args...)}
	}
	f.recs = nil
}

// run is Hart.Run of a hart that follows.
func (f *follower) run(end uint64) (asleep bool, wake uint64) {
	h := f.h
	for {
		if len(f.recs) == 0 && h.mem.Port.Interrupted() {
			return false, 0
		}
		if !f.ready() {
			break
		}
		r := f.recs[0]
		if r.Op == record.Final { // the run ended before the hart went on
			break
		}
		f.recs = f.recs[1:]
		f.count++
		if h.Clock() > r.Cycle {
			f.fail(&r, "the hart comes to %v only at cycle %d", r.Op, h.Clock())
			break
		}
		h.limit, h.left = r.Cycle, 0
		switch r.Op {
		case record.Quantum:
			f.other++
			f.count32(r.Instret)
			if r.Cycle < end && (!f.ready() || f.recs[0].Op != record.Final) { // a run may end within one
				f.fail(&r, "a quantum ended there, and now at cycle %d", end)
				return true, ^uint64(0)
			}
			return false, 0
		case record.Sleep:
			f.other++
			f.count32(r.Instret)
			return true, r.VA
		case record.Load:
			if e, tag := f.line(&r); e.rtag == tag {
				h.touch(e)
				f.count32(r.Instret)
				continue
			}
		case record.Store:
			if e, tag := f.line(&r); e.wtag == tag && h.sbCount == 0 {
				h.touch(e)
				f.count32(r.Instret)
				continue
			}
		}
		f.count32(r.Instret)
		f.slow(&r)
	}
	return true, ^uint64(0)
}

// count32 sets the count of instructions from its low bits. It goes back where
// one trapped.
func (f *follower) count32(low uint32) {
	f.h.instret += uint64(int32(low - uint32(f.h.instret)))
}

// line is the line table's entry for an access, and the part of its address that
// the entry's tags are compared with.
func (f *follower) line(r *record.Record) (e *lineEntry, tag uint64) {
	if r.Size > 8 || r.Size&(r.Size-1) != 0 {
		return &nowhere, 0
	}
	h := f.h
	return &h.lines[r.VA>>(h.shift&63)&(lineTableSize-1)], r.VA & h.mask[bits.TrailingZeros16(r.Size)&3]
}

var nowhere = lineEntry{rtag: noTag, wtag: noTag}

// slow does what one record says, where the line tables do not answer.
func (f *follower) slow(r *record.Record) {
	h := f.h
	if r.Op < record.NumRefs && r.Flags&record.Fault != 0 {
		f.other++ // it accesses nothing
	}
	switch r.Op {
	case record.Fetch:
		h.fetchLine(r.VA)
	case record.Load, record.Store, record.LR, record.SC, record.AMO, record.Clean, record.Flush, record.Inval, record.Zero:
		h.instret-- // while it executes, as in Hart.slow
		f.access(r)
		h.instret++
	case record.Prefetch:
		op := coherence.OpPrefetchR
		if r.Flags&record.Code != 0 {
			op = coherence.OpPrefetchI
		} else if r.Flags&record.Write != 0 {
			op = coherence.OpPrefetchW
		}
		h.prefetch(op, r.VA)
	case record.Fence:
		f.fence(r)
	default:
		f.other++
		f.control(r)
	}
}

// control does what is no reference.
func (f *follower) control(r *record.Record) {
	h := f.h
	switch r.Op {
	case record.Drain:
		if h.sbCount == 0 {
			f.fail(r, "the store buffer drained there, and now it is empty")
			return
		}
		h.drainSome(h.sbCount)
	case record.Serial:
		h.Serially(func(now uint64) uint64 { return now })
	case record.Regime:
		f.regime(r)
	case record.PMP:
		f.pmp(r)
	case record.Context:
	case record.Trap:
		if r.VA&causeInterrupt != 0 {
			h.stats.Interrupts++
		} else {
			h.stats.Exceptions++
		}
	default:
		f.fail(r, "a record of kind %d, which no hart makes there", r.Op)
	}
}

// access makes one access of an instruction.
func (f *follower) access(r *record.Record) {
	h, size := f.h, uint64(r.Size)
	if r.Op <= record.AMO && (size == 0 || size > 8 || size&(size-1) != 0 || r.Op > record.Store && (size < 4 || r.VA&(size-1) != 0)) {
		f.fail(r, "a reference of %d bytes at %#x", size, r.VA)
		return
	}
	switch r.Op {
	case record.Load:
		h.loadSlow(r.VA, size)
	case record.Store:
		h.storeSlow(r.VA, size, 0)
	case record.LR:
		h.atomic(coherence.OpLR, r.VA, size, 0, accLoad, causeLoadAccess)
	case record.SC:
		h.atomic(coherence.OpSC, r.VA, size, 0, accStore, causeStoreAccess)
	case record.AMO:
		h.atomic(coherence.OpAMOSwap, r.VA, size, 0, accStore, causeStoreAccess)
	case record.Clean:
		h.block(coherence.OpClean, r.VA)
	case record.Flush:
		h.block(coherence.OpFlush, r.VA)
	case record.Inval:
		h.block(coherence.OpInval, r.VA)
	case record.Zero:
		h.block(coherence.OpZero, r.VA)
	}
}

func (f *follower) fence(r *record.Record) {
	h := f.h
	switch {
	case r.Flags&record.TLB != 0:
		h.stats.Fences++
		asid, hasVA, hasASID := record.SplitFence(r.PA)
		h.sfence(r.VA, asid, hasVA, hasASID)
	case r.Flags&record.Inst != 0:
		h.fenceI()
	case r.Flags&record.Wait != 0:
		h.drainAll()
	}
}

func (f *follower) regime(r *record.Record) {
	h, m := f.h, &f.h.mmu
	mode := r.VA >> satpModeShift
	priv := Priv(r.Size)
	if mode != satpBare && (mode < satpSv39 || mode > uint64(h.cfg.MaxSATP)) || priv > Machine || priv == 2 {
		f.fail(r, "translation by satp %#x in mode %d, which the hart does not have", r.VA, priv)
		return
	}
	if r.VA != m.satp {
		m.satp = r.VA
		h.flushTranslated()
	}
	h.priv = priv
	h.csr.mstatus = h.csr.mstatus&^regimeStatus | r.PA&regimeStatus
	if env := r.PC & regimeEnvcfg; env != h.csr.menvcfg&regimeEnvcfg {
		h.csr.menvcfg = h.csr.menvcfg&^regimeEnvcfg | env
		h.flushLines()
	}
	h.setContext()
}

func (f *follower) pmp(r *record.Record) {
	p := &f.h.mmu.pmp
	if r.PC >= uint64(p.regions) {
		f.fail(r, "region %d of PMP, which the hart does not have", r.PC)
		return
	}
	p.addr[r.PC], p.cfg[r.PC] = r.VA&pmpAddrMask, uint8(r.PA)
	if r.PC == uint64(p.regions-1) { // the last of them
		f.h.pmpChanged()
	}
}

var errNoWalk = errors.New("the walker reads an entry that it did not read when it was recorded")

// walk takes the record of the walker's access to pa.
func (f *follower) walk(pa addr.PA) (r record.Record, ok bool) {
	if !f.ready() {
		return r, false
	}
	r = f.recs[0]
	if r.Op != record.Walk || r.PA != uint64(pa) {
		f.fail(&r, "%v: at %#x; it reads %#x", errNoWalk, r.PA, uint64(pa))
		return r, false
	}
	f.recs = f.recs[1:]
	f.count++
	if r.Flags&record.Fault != 0 {
		f.other++
	}
	return r, true
}

// loadPTE implements tableMemory.
func (f *follower) loadPTE(pa addr.PA) (uint64, bool) {
	h := f.h
	if h.mem.Attr(pa, 8) != coherence.AttrRAM {
		return 0, false
	}
	r, ok := f.walk(pa)
	if !ok {
		return 0, false
	}
	h.acc = coherence.Access{Op: coherence.OpWalk, Size: 8, PA: pa}
	h.do(&h.acc)
	return r.VA, !h.acc.Fault
}

// swapPTE implements tableMemory.
func (f *follower) swapPTE(pa addr.PA, _, _ uint64) (bool, bool) {
	h := f.h
	r, ok := f.walk(pa)
	if !ok {
		return false, false
	}
	h.acc = coherence.Access{Op: coherence.OpCAS, Size: 8, PA: pa}
	h.do(&h.acc)
	return r.Flags&record.Swap != 0, !h.acc.Fault
}
