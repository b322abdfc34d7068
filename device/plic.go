package device

import (
	"fmt"
	"math/bits"
)

// The PLIC's memory map (RISC-V PLIC specification 1.0.0, "Memory Map").
const (
	PLICSize = 0x600000 // as much as QEMU's virt board gives it

	plicPriority = 0x000000 // 4 bytes per source
	plicPending  = 0x001000 // 1 bit per source
	plicEnable   = 0x002000 // 1 bit per source, 0x80 bytes per context
	plicEnableTo = 0x1f2000
	plicContext  = 0x200000 // threshold at +0, claim/complete at +4, 0x1000 bytes per context

	maxSources = 1024 // with source 0, which does not exist
	plicWords  = maxSources / 32
)

// PLICMaxPriority is the highest priority; priorities and thresholds keep its
// bits, as on QEMU's virt board.
const PLICMaxPriority = 7

// PLICNotify drives MEIP (machine) or SEIP of a hart.
type PLICNotify func(hart int, machine, level bool)

// PLICContextState is what the PLIC remembers for one context. Context 2h is
// hart h in M-mode, 2h+1 hart h in S-mode.
type PLICContextState struct {
	Enable    [plicWords]uint32
	Threshold uint32
}

// PLICState is all that a PLIC remembers. Bit i%32 of word i/32 is source i.
type PLICState struct {
	Priority  [maxSources]uint32
	Level     [plicWords]uint32 // the wires of the sources
	Pending   [plicWords]uint32 // IP bits
	InService [plicWords]uint32 // gateways that wait for completion
	Heard     [plicWords]uint32 // pulsed sources: the wire is high as it was when it was claimed
	Contexts  []PLICContextState
}

// PLIC is the platform-level interrupt controller, with level-triggered
// gateways, and edge-triggered ones for pulsed sources.
type PLIC struct {
	st     PLICState
	pulsed [plicWords]uint32
	last   int               // the highest source
	mask   [plicWords]uint32 // sources that exist
	wires  []bool            // per context: the notification as driven
	notify PLICNotify
}

// NewPLIC returns a PLIC with sources 1 to sources and two contexts per hart.
func NewPLIC(harts, sources int, notify PLICNotify) (*PLIC, error) {
	if harts < 1 || harts > MaxHarts {
		return nil, fmt.Errorf("plic: %d harts, want 1 to %d", harts, MaxHarts)
	}
	if sources < 1 || sources >= maxSources {
		return nil, fmt.Errorf("plic: %d sources, want 1 to %d", sources, maxSources-1)
	}
	p := &PLIC{last: sources, notify: notify, wires: make([]bool, 2*harts)}
	p.st.Contexts = make([]PLICContextState, 2*harts)
	for i := 1; i <= sources; i++ {
		p.mask[i/32] |= 1 << (i % 32)
	}
	return p, nil
}

// Line returns the wire of a source. A source outside of 1 to the last gives a
// wire that leads nowhere.
func (p *PLIC) Line(source int) Line {
	return func(level bool) { p.SetLevel(source, level) }
}

// PulsedLine returns the wire of a source whose device drives it anew, high or low,
// whenever anything about its interrupt changes. Its gateway is edge-triggered in
// that it asks again after completion only if the wire is high and has been driven
// since the claim: a handler that leaves its device as it was is not called for
// ever. QEMU's PLIC forgets the level likewise, and systems made for its virt board
// rely on that: xv6 never resets the UART's transmitter interrupt.
func (p *PLIC) PulsedLine(source int) Line {
	if source >= 1 && source <= p.last {
		p.pulsed[source/32] |= 1 << (source % 32)
	}
	return p.Line(source)
}

// SetLevel drives the wire of a source. A request that its gateway has passed
// on stays, even if the wire falls ("Interrupt Gateways").
func (p *PLIC) SetLevel(source int, level bool) {
	if source < 1 || source > p.last {
		return
	}
	w, bit := source/32, uint32(1)<<(source%32)
	p.st.Heard[w] &^= bit
	if !level {
		p.st.Level[w] &^= bit
		return
	}
	p.st.Level[w] |= bit
	if p.gateway(w, bit) {
		p.update()
	}
}

// gateway passes a high wire on as a request, unless one is under way.
func (p *PLIC) gateway(w int, bit uint32) bool {
	if p.st.Level[w]&^p.st.InService[w]&^p.st.Pending[w]&^p.st.Heard[w]&bit == 0 {
		return false
	}
	p.st.Pending[w] |= bit
	return true
}

// Read takes aligned accesses of 4 bytes, the only width that the
// specification has ("Register Width"). Reserved registers read as zero.
func (p *PLIC) Read(_, off uint64, size int) (uint64, bool) {
	if !plicAccess(off, size) {
		return 0, false
	}
	switch {
	case off < plicPending:
		return uint64(p.st.Priority[off/4]), true
	case off < plicPending+plicWords*4:
		return uint64(p.st.Pending[(off-plicPending)/4]), true
	case off >= plicEnable && off < plicEnableTo:
		if c := p.context((off - plicEnable) / 0x80); c != nil {
			return uint64(c.Enable[off%0x80/4]), true
		}
	case off >= plicContext:
		c := p.context((off - plicContext) / 0x1000)
		if c == nil {
			break
		}
		switch off % 0x1000 {
		case 0:
			return uint64(c.Threshold), true
		case 4:
			return uint64(p.claim(c)), true
		}
	}
	return 0, true
}

// Write takes aligned accesses of 4 bytes. Writes to reserved and read-only
// registers are ignored.
func (p *PLIC) Write(_, off uint64, size int, v uint64) bool {
	if !plicAccess(off, size) {
		return false
	}
	switch {
	case off < plicPending:
		if i := off / 4; i >= 1 && i <= uint64(p.last) {
			p.st.Priority[i] = uint32(v) & PLICMaxPriority
		}
	case off >= plicEnable && off < plicEnableTo:
		if c := p.context((off - plicEnable) / 0x80); c != nil {
			w := off % 0x80 / 4
			c.Enable[w] = uint32(v) & p.mask[w]
		}
	case off >= plicContext:
		c := p.context((off - plicContext) / 0x1000)
		if c == nil {
			break
		}
		switch off % 0x1000 {
		case 0:
			c.Threshold = uint32(v) & PLICMaxPriority
		case 4:
			p.complete(c, uint32(v))
		}
	}
	p.update()
	return true
}

// claim takes the best request of a context. The threshold has no say in it
// ("Interrupt Claim Process").
func (p *PLIC) claim(c *PLICContextState) uint32 {
	id, _ := p.best(c)
	if id != 0 {
		w, bit := id/32, uint32(1)<<(id%32)
		p.st.Pending[w] &^= bit
		p.st.InService[w] |= bit
		p.st.Heard[w] |= bit & p.pulsed[w] & p.st.Level[w]
		p.update()
	}
	return id
}

// complete tells the gateway of a source that its handler is done. An id that
// the context has not enabled is ignored ("Interrupt Completion").
func (p *PLIC) complete(c *PLICContextState, id uint32) {
	if id >= maxSources {
		return
	}
	w, bit := int(id/32), uint32(1)<<(id%32)
	if c.Enable[w]&bit == 0 {
		return
	}
	p.st.InService[w] &^= bit
	p.gateway(w, bit)
}

// best returns the enabled pending source of the highest priority, the lowest
// id among equals, or 0. Priority 0 never interrupts ("Interrupt Priorities").
func (p *PLIC) best(c *PLICContextState) (id, priority uint32) {
	for w, enable := range c.Enable {
		for m := p.st.Pending[w] & enable; m != 0; m &= m - 1 {
			i := uint32(w*32 + bits.TrailingZeros32(m))
			if pr := p.st.Priority[i]; pr > priority {
				id, priority = i, pr
			}
		}
	}
	return id, priority
}

// update drives the notifications that changed.
func (p *PLIC) update() {
	for i := range p.st.Contexts {
		if level := p.level(i); level != p.wires[i] {
			p.wires[i] = level
			p.notify(i/2, i%2 == 0, level)
		}
	}
}

func (p *PLIC) level(i int) bool {
	c := &p.st.Contexts[i]
	_, priority := p.best(c)
	return priority > c.Threshold
}

func (p *PLIC) context(i uint64) *PLICContextState {
	if i >= uint64(len(p.st.Contexts)) {
		return nil
	}
	return &p.st.Contexts[i]
}

func plicAccess(off uint64, size int) bool {
	return size == 4 && off&3 == 0 && off < PLICSize
}
