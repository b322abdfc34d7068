package device

import "fmt"

// Registers of an interrupt domain of an APLIC (AIA, "Memory-mapped control
// region for an interrupt domain").
const (
	aplicDomainCfg  = 0x0000
	aplicSourceCfg  = 0x0004 // of source 1
	aplicSourceEnd  = 0x1000
	aplicMMSIAddrH  = 0x1bc4
	aplicSetIP      = 0x1c00
	aplicSetIPNum   = 0x1cdc
	aplicClrIP      = 0x1d00
	aplicClrIPNum   = 0x1ddc
	aplicSetIE      = 0x1e00
	aplicSetIENum   = 0x1edc
	aplicClrIE      = 0x1f00
	aplicClrIENum   = 0x1fdc
	aplicSetIPNumLE = 0x2000
	aplicGenMSI     = 0x3000
	aplicTarget     = 0x3004 // of source 1
	aplicIDC        = 0x4000

	aplicArray = 0x80 // bytes of an array of bits
	idcBytes   = 32

	domainIE, domainDM = 1 << 8, 1 << 2
	domainRO           = 0x80 << 24

	sourceDelegated = 1 << 10

	mmsiLocked = 1 << 31

	targetHart  = 18 // shift
	targetGuest = 12 // shift
	targetEIID  = 0x7ff
)

// Modes of a source.
const (
	sourceInactive = 0
	sourceDetached = 1
	sourceEdge1    = 4
	sourceEdge0    = 5
	sourceLevel1   = 6
	sourceLevel0   = 7
)

// APLICSource is what a domain remembers of a source.
type APLICSource struct {
	Config           uint32 // sourcecfg
	Target           uint32
	Wire             bool
	Pending, Enabled bool
}

// APLICDelivery is what a domain remembers of a hart in direct mode.
type APLICDelivery struct {
	Delivery, Force bool
	Threshold       uint8
	Level           bool // the wire to the hart
}

// APLICState is all that a domain remembers.
type APLICState struct {
	Config  uint32        // domaincfg
	Sources []APLICSource // by number; 0 does not exist
	Harts   []APLICDelivery
}

// APLICConfig is what a domain is made of.
type APLICConfig struct {
	Sources int // 1 to Sources
	Harts   int
	Child   *APLIC // the domain that sources may be delegated to, or nil
	// Notify drives the external interrupt of a hart, in direct mode.
	Notify func(hart int, level bool)
	// Send sends a message to a hart, in MSI mode. Nil: harts have no IMSIC, and
	// there is no such mode. The addresses are the machine's and cannot be
	// configured, as the manual recommends.
	Send func(hart, guest int, id uint32)
	// Guests is how many guest interrupt files a hart has.
	Guests int
	Root   bool // it has the (locked) registers for message addresses
}

// APLIC is one interrupt domain of an Advanced PLIC.
type APLIC struct {
	st     APLICState
	cfg    APLICConfig
	parent *APLIC
}

// NewAPLIC returns a domain after reset.
func NewAPLIC(cfg APLICConfig) (*APLIC, error) {
	if cfg.Harts < 1 || cfg.Harts > MaxHarts || cfg.Sources < 1 || cfg.Sources >= maxSources {
		return nil, fmt.Errorf("aplic: %d harts and %d sources, want 1 to %d and 1 to %d", cfg.Harts, cfg.Sources, MaxHarts, maxSources-1)
	}
	a := &APLIC{cfg: cfg}
	a.st.Sources = make([]APLICSource, cfg.Sources+1)
	a.st.Harts = make([]APLICDelivery, cfg.Harts)
	if cfg.Child != nil {
		cfg.Child.parent = a
	}
	return a, nil
}

// APLICSize is the size of a domain's control region, as on QEMU's virt board.
const APLICSize = 0x8000

// Line returns the wire of a source, into the root domain.
func (a *APLIC) Line(source int) Line {
	return func(level bool) { a.SetLevel(source, level) }
}

// SetLevel drives the wire of a source, in this domain and those below.
func (a *APLIC) SetLevel(source int, level bool) {
	if source < 1 || source > a.cfg.Sources {
		return
	}
	s := &a.st.Sources[source]
	was := s.input()
	s.Wire = level
	a.edge(s, was)
	if a.cfg.Child != nil {
		a.cfg.Child.SetLevel(source, level)
	}
	a.update()
}

// mode is a source's mode in a domain; a delegated one is inactive.
func (s *APLICSource) mode() uint32 {
	if s.Config&sourceDelegated != 0 {
		return sourceInactive
	}
	return s.Config
}

func (s *APLICSource) active() bool { return s.mode() != sourceInactive }
func (s *APLICSource) level() bool  { return s.mode() >= sourceLevel1 }

// input is the rectified input value.
func (s *APLICSource) input() bool {
	return s.mode() >= sourceEdge1 && s.Wire != (s.mode()&1 != 0)
}

// edge follows a change of a source's input (AIA, "Precise effects on
// interrupt-pending bits").
func (a *APLIC) edge(s *APLICSource, was bool) {
	in := s.input()
	if in && !was {
		s.Pending = true
	}
	if s.level() && !in {
		s.Pending = false
	}
}

// setPending is a write to setip or setipnum.
func (a *APLIC) setPending(s *APLICSource) {
	if s.active() && (!s.level() || a.msi() && s.input()) {
		s.Pending = true
	}
}

// clearPending is a write to in_clrip or clripnum, a claim, or a message sent.
func (a *APLIC) clearPending(s *APLICSource) {
	if !s.level() || a.msi() {
		s.Pending = false
	}
}

func (a *APLIC) msi() bool { return a.st.Config&domainDM != 0 }

// there says whether this domain has the source: its parent has delegated it.
func (a *APLIC) there(i uint64) bool {
	return i >= 1 && i < uint64(len(a.st.Sources)) &&
		(a.parent == nil || a.parent.there(i) && a.parent.st.Sources[i].Config&sourceDelegated != 0)
}

// configure is a write to sourcecfg.
func (a *APLIC) configure(i uint64, v uint32) {
	s := &a.st.Sources[i]
	if v&sourceDelegated != 0 {
		if v = sourceDelegated; a.cfg.Child == nil {
			v = 0
		}
	} else if v &= 7; v == 2 || v == 3 {
		v = sourceInactive
	}
	if v == s.Config {
		return
	}
	s.Config = v
	if !s.active() {
		s.Pending, s.Enabled, s.Target = false, false, 0
	} else if s.level() {
		s.Pending = s.input()
	}
	if a.cfg.Child != nil && v&sourceDelegated == 0 {
		a.cfg.Child.configure(i, sourceInactive)
		a.cfg.Child.update()
	}
}

// top is the best source for a hart in direct mode: the smallest priority
// number, then the smallest number of a source.
func (a *APLIC) top(hart int) (id, priority uint32) {
	h := &a.st.Harts[hart]
	best := uint32(1 << 8)
	if h.Threshold != 0 {
		best = uint32(h.Threshold)
	}
	for i := range a.st.Sources {
		s := &a.st.Sources[i]
		if !s.Pending || !s.Enabled || s.Target>>targetHart != uint32(hart) {
			continue
		}
		if p := max(1, s.Target&0xff); p < best {
			id, priority, best = uint32(i), p, p
		}
	}
	return id, priority
}

// update sends messages, or drives the wires to the harts.
func (a *APLIC) update() {
	ie := a.st.Config&domainIE != 0
	if a.msi() && ie {
		for i := range a.st.Sources {
			if s := &a.st.Sources[i]; s.Pending && s.Enabled {
				s.Pending = false
				a.send(s.Target)
			}
		}
	}
	for i := range a.st.Harts {
		h := &a.st.Harts[i]
		id, _ := a.top(i)
		level := ie && !a.msi() && h.Delivery && (h.Force || id != 0)
		if level != h.Level {
			h.Level = level
			a.cfg.Notify(i, level)
		}
	}
}

func (a *APLIC) send(target uint32) {
	if hart := int(target >> targetHart); hart < a.cfg.Harts {
		a.cfg.Send(hart, int(target>>targetGuest&63), target&targetEIID)
	}
}
