package coherence

import (
	"sync/atomic"

	"mcsim/addr"
)

// Kind is the kind of a bus request.
type Kind uint8

const (
	GetS        Kind = iota // read a line and keep it
	GetM                    // read a line and become its only holder, to write it
	Upgrade                 // become the only holder of a line that the agent has
	PutM                    // write back a Modified line (the bus makes these itself, while it fills)
	PutO                    // write back an Owned line
	PutS                    // announce that a clean line is gone, if configured
	ReadOnce                // an uncached access to RAM, or an unsnooped fetch: reads, keeps no copy
	WriteOnce               // an uncached store, AMO or SC to RAM
	ReadIO                  // a device's Read
	WriteIO                 // a device's Write
	Clean                   // cbo.clean: memory is up to date afterwards
	Flush                   // cbo.flush: and no cache has the line
	Inval                   // cbo.inval: no cache has the line, dirty data is discarded
	DMARead                 // a device reads RAM, coherently
	DMAWrite                // a device writes RAM, coherently
	Recall                  // the home takes a line from its holders to make room
	MemoryRead              // a device that does not snoop reads memory
	MemoryWrite             // a device that does not snoop writes memory
	Firmware                // M-mode firmware that the simulator supplies acts on what all share

	// The rest are for the engine; Serve never sees them.
	Quantum // the agent has come to the end of the quantum
	Sleep   // the agent has nothing to do before WakeAt, or until it is woken
	Halt    // the agent has ended

	Service // work for an agent by the machine around it, at no cost: see Private.Service
	Notice  // the agent has something to tell the engine's owner, and goes on afterwards
	NumKinds
)

var kindNames = [NumKinds]string{
	"GetS", "GetM", "Upgrade", "PutM", "PutO", "PutS", "ReadOnce", "WriteOnce", "ReadIO", "WriteIO",
	"Clean", "Flush", "Inval", "DMARead", "DMAWrite", "Recall",
	"MemoryRead", "MemoryWrite", "Firmware", "Quantum", "Sleep", "Halt", "Service", "Notice",
}

func (k Kind) String() string { return kindNames[k] }

// Request is what an agent asks the bus for. A hart has one outstanding at a
// time and reuses its Request; the bus owns it from Call until it returns.
type Request struct {
	Kind   Kind // the bus changes an Upgrade that lost its race to GetM
	Priv   uint8
	VMID   uint16
	Domain uint16 // owner domain, for the memory controller
	Agent  int32  // a hart's index, or that of a device agent behind the harts
	Line   uint64 // physical address >> line shift
	Cycle  uint64 // when it was made
	Seq    uint64 // of this agent
	WakeAt uint64 // Sleep: the cycle to wake at, ^0 for never
	Done   uint64 // set by the bus: the cycle when the agent has its result

	access  *Access
	service func()                         // Service
	act     func(now uint64) (done uint64) // Firmware: what is to be done
}

// Access is the hart's access that the request is for, or nil.
func (r *Request) Access() *Access { return r.access }

// Port is an agent's end of the bus.
type Port struct {
	// Park, if not nil, takes the request to the bus and returns when it is
	// served: the engine's way. Nil serves it at once, on the caller's stack.
	Park func(*Request)
	bus  *Bus
	seq  uint64

	alone   *Engine // whose only running agent this one is: then nobody has to be waited for
	waiting bool    // for the bus to serve a request

	interrupted *atomic.Bool // the engine's; nil without one
}

// Waiting says whether the agent is parked with a request.
func (p *Port) Waiting() bool { return p.waiting }

// Interrupted says that the agent is to come to the end of its quantum now, wherever
// it is: see Engine.Interrupt.
func (p *Port) Interrupted() bool { return p.interrupted != nil && p.interrupted.Load() }

// Call hands r to the bus and returns when it is served.
func (p *Port) Call(r *Request) {
	p.seq++
	r.Seq = p.seq
	p.waiting = true
	switch {
	case p.alone != nil:
		p.bus.Serve(r)
		p.alone.servedAlone(p)
	case p.Park != nil:
		p.Park(r)
	default:
		p.bus.Serve(r)
	}
	p.waiting = false
}

// Tell parks the agent until the engine's owner has heard it: Engine.OnNotice. It
// is no request, and counts as none. Without an engine nobody hears.
func (p *Port) Tell(r *Request) {
	if p.Park != nil {
		r.Kind = Notice
		p.Park(r)
	}
}

// Arbiter gives the requests of one round their order: by cycle, then by an
// order of the agents that changes with every round, then by sequence.
type Arbiter struct {
	Seed  uint64
	round uint64
}

// Sort orders a round's requests and begins the next round.
func (a *Arbiter) Sort(rs []*Request) {
	key := splitmix64(a.Seed ^ splitmix64(a.round))
	a.round++
	// By insertion: mostly there are few.
	for i := 1; i < len(rs); i++ {
		r, at := rs[i], i
		for ; at > 0 && r.before(rs[at-1], key); at-- {
			rs[at] = rs[at-1]
		}
		rs[at] = r
	}
}

// before is the order of requests in the round of key.
func (r *Request) before(other *Request, key uint64) bool {
	if r.Cycle != other.Cycle {
		return r.Cycle < other.Cycle
	}
	if r.Agent != other.Agent {
		// splitmix64 is a permutation of the 64-bit words: no two are equal.
		return splitmix64(key+uint64(r.Agent)) < splitmix64(key+uint64(other.Agent))
	}
	return r.Seq < other.Seq
}

// splitmix64 is the generator's output function (Steele, Lea and Flood, OOPSLA
// 2014): a mixing permutation.
func splitmix64(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// lineAddr is the physical address of a line.
func lineAddr(line uint64, shift uint8) addr.PA { return addr.PA(line << shift) }
