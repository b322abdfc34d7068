package core

import (
	"slices"

	"mcsim/addr"
)

// debugger is what a hart is asked to stop for. A hart has none until it is asked,
// and then the run loop is as fast as ever: an instruction with a breakpoint is
// never kept decoded, and a line with a watched address never enters the line
// tables, so that both come to the slow paths. Stopping is a Notice, which takes no
// time and changes no result.
type debugger struct {
	breaks  []uint64 // virtual addresses
	watches []Watch
	step    bool
	late    bool   // a breakpoint was set at the pc, perhaps while the instruction there was fetched
	told    uint64 // the pc, and 1, where a breakpoint was told of ahead; 0: nowhere
	hit     Notice // of a watch, to be told when the instruction is done
	isHit   bool
}

// Watch is a range of virtual addresses whose accesses stop the hart.
type Watch struct {
	Addr, Size  uint64
	Read, Write bool
}

func (w *Watch) covers(va, size uint64, write bool) bool {
	return (write && w.Write || !write && w.Read) && va < w.Addr+w.Size && w.Addr < va+size
}

// SetBreaks replaces the hart's breakpoints: virtual addresses of instructions,
// in whatever address space the hart is in.
func (h *Hart) SetBreaks(at []uint64) {
	d := h.debug()
	d.late = slices.Contains(at, h.pc) && !slices.Contains(d.breaks, h.pc)
	d.breaks = slices.Clone(at)
	h.tab.blocks.forget() // what was decoded may be at a breakpoint
}

// SetWatches replaces the hart's watched ranges. Accesses by others, by DMA, and by
// other virtual addresses of the same memory are not seen.
func (h *Hart) SetWatches(list []Watch) {
	h.debug().watches = slices.Clone(list)
	h.ForgetLines()
}

// SetStep says that the hart is to tell when it has executed one instruction, or
// entered a trap instead.
func (h *Hart) SetStep(on bool) {
	if !on && h.dbg == nil {
		return
	}
	h.debug().step = on
	if on && !h.Between() {
		h.yank() // the instruction in execution is the step
	}
}

func (h *Hart) debug() *debugger {
	if h.dbg == nil {
		h.dbg = new(debugger)
	}
	return h.dbg
}

// mayBreak says whether a breakpoint may be at pc, or at another virtual address of
// the same memory.
func (d *debugger) mayBreak(pc uint64) bool {
	return slices.ContainsFunc(d.breaks, func(at uint64) bool { return (at^pc)&4095 == 0 })
}

// breakAt stops at a breakpoint before the instruction at pc. It returns false if
// the debugger has sent the hart elsewhere.
func (h *Hart) breakAt(pc uint64) bool {
	d := h.dbg
	told := d.told == pc|1
	d.late, d.told = false, 0
	if told || !slices.Contains(d.breaks, pc) {
		return true
	}
	h.tell(Notice{Kind: NoticeBreak})
	if d.step {
		h.yank() // one instruction only
	}
	return h.pc == pc
}

// breakAhead stops at a breakpoint at the pc where the hart comes to the end of its
// quantum, or to sleep: who is led there alone is to be there before others move on.
func (h *Hart) breakAhead() {
	if d := h.dbg; d.told != h.pc|1 && slices.Contains(d.breaks, h.pc) {
		d.told = h.pc | 1
		h.tell(Notice{Kind: NoticeBreak})
	}
}

// fetched follows a fetch of the instruction at pc, or of its second half, in which
// the hart may have waited for the bus while its debugger set a breakpoint there. It
// returns false if the hart is not to go on with what was fetched.
func (h *Hart) fetched(pc, part uint64) bool {
	if d := h.dbg; d == nil || !d.late {
		return true
	}
	return h.breakAt(pc) && (h.singleOK || h.lineIs(part)) // it may have been overwritten
}

// executed follows every instruction outside of the fast paths.
func (h *Hart) executed() {
	if h.dbg.isHit {
		h.yank()
	}
}

// stepped follows every stretch of execution.
func (h *Hart) stepped() {
	d := h.dbg
	switch {
	case d.isHit:
		d.isHit, d.step = false, false
		h.tell(d.hit)
	case d.step:
		d.step = false
		h.tell(Notice{Kind: NoticeStep})
	}
}

// watch notes an access of size bytes at va, if someone wants to know.
func (h *Hart) watch(va, size uint64, write bool) {
	for i := range h.dbg.watches {
		if w := &h.dbg.watches[i]; !h.dbg.isHit && w.covers(va, size, write) {
			h.dbg.hit = Notice{Kind: NoticeWatch, Value: max(va, w.Addr), Write: write}
			h.dbg.isHit = true
		}
	}
}

// watchesLine says whether the line of va must not be kept in a line table.
func (h *Hart) watchesLine(va uint64) bool {
	for i := range h.dbg.watches {
		w := &h.dbg.watches[i]
		if line := va & h.lineMask; line < w.Addr+w.Size && w.Addr < line+h.lineSize {
			return true
		}
	}
	return false
}

// Look translates a virtual address as the hart's data accesses would now, for a
// debugger: permissions do not count, and nothing is changed, not even the age of
// a TLB entry. What the TLBs have is believed before the tables in memory, which
// read gives. ok is false where nothing is mapped.
func (h *Hart) Look(va uint64, read func(pa addr.PA) (uint64, bool)) (pa addr.PA, ok bool) {
	m := &h.mmu
	r := &m.data
	if r.levels == 0 {
		return addr.PA(va), true
	}
	if uint64(int64(va<<r.spare)>>r.spare) != va {
		return 0, false
	}
	for _, t := range []*tlb{&m.dtlb, &m.itlb, &m.l2} {
		for i := range t.entries {
			if e := &t.entries[i]; t.valid > 0 && e.tag != invalidTag && e.matches(va&^4095, r.key) {
				return addr.PA(e.pa + (va - e.tag)), true
			}
		}
	}
	table := r.root
	for level := r.levels - 1; level >= 0; level-- {
		pte, ok := read(addr.PA(table + va>>(12+9*uint(level))&511*8))
		if !ok || pte&pteV == 0 || h.reservedPTE(pte, level) {
			return 0, false
		}
		if pte&(pteR|pteX) != 0 {
			var p tlbEntry
			describe(&p, pte, va, level, r.key, 0)
			return addr.PA(p.pa + (va - p.tag)), true
		}
		table = pte >> ptePPNShift & ptePPN << 12
	}
	return 0, false
}

// WaitingStores calls f for each store that waits in the store buffer, the oldest first.
func (h *Hart) WaitingStores(f func(pa addr.PA, size uint64, v *uint64)) {
	for i := range h.sb.entry {
		e := &h.sb.entry[i]
		f(e.pa, e.size, &e.value)
	}
}

// Between says whether the hart is between two instructions. One that is not has
// begun the instruction at PC and waits for the bus.
func (h *Hart) Between() bool { return !h.executing && !h.mem.Port.Waiting() }

// SetPC makes the hart go on at pc. It must be between two instructions.
func (h *Hart) SetPC(pc uint64) {
	h.pc = pc &^ (1 | h.alignMask)
	if h.dbg != nil {
		h.dbg.told = 0
	}
}

// SetX sets integer register i, 0 to 31. x0 stays 0.
func (h *Hart) SetX(i int, v uint64) {
	if i &= 31; i != 0 {
		h.x[i] = v
	}
}

// SetF sets floating-point register i, as bits.
func (h *Hart) SetF(i int, v uint64) {
	if i >= 0 && i < 32 {
		h.f[i] = v
	}
}

// ReadCSR reads a register as M-mode would, without the reading's side effects, of
// which there are none. ok is false if the hart has no such register.
func (h *Hart) ReadCSR(num uint16) (v uint64, ok bool) {
	r := h.csrRow(num)
	if r == nil {
		return 0, false
	}
	return r.read(h, num), true
}

// WriteCSR writes a register as M-mode would. ok is false if the hart has no such
// register, or it is read-only.
func (h *Hart) WriteCSR(num uint16, v uint64) bool {
	r := h.csrRow(num)
	if r == nil || num>>10 == 3 {
		return false
	}
	r.write(h, num, v)
	return true
}

func (h *Hart) csrRow(num uint16) *csrReg {
	r := csrTable[num&4095]
	if r == nil {
		return nil
	}
	if r.check != nil {
		priv, off := h.priv, h.fpOff
		h.priv, h.fpOff = Machine, false
		ok := r.check(h, num)
		h.priv, h.fpOff = priv, off
		if !ok {
			return nil
		}
	}
	return r
}
