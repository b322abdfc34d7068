package coherence

import "mcsim/addr"

// NoteKind is what a Note tells.
type NoteKind uint8

const (
	NoteBus       NoteKind = iota // a transaction begins: Agent, Kind, Line; Value is the cycle of its request
	NoteSnoop                     // Agent's copy went From, To, because of a request of Source
	NoteFill                      // Agent got Line in state To; Source says where from
	NoteEvict                     // Agent (Home: the LLC) gave Line up in state From
	NoteWriteBack                 // dirty Line went to Source (Home or FromMemory), because of a request of Agent
	NoteDevice                    // Agent has read or written (Kind) a device: PA, Size, Value
)

// Home and FromMemory stand for the LLC and for memory in Agent and Source.
const (
	Home       int32 = -1
	FromMemory int32 = -2
	NoSource   int32 = -3 // no data were needed
)

// Note is one step of coherence, for logs and tests.
type Note struct {
	Cycle    uint64
	Line     uint64
	Value    uint64
	PA       addr.PA
	What     NoteKind
	Kind     Kind
	From, To State
	Agent    int32
	Source   int32
	Size     uint8
}

// Tap hears of what happens in the serial phase and is not in any hart's own
// hands: for a recording, and for whoever does again what was recorded.
type Tap interface {
	// Serving: a request is served next, and devices whose time has come before
	// it act first.
	Serving(r *Request)
	// Accessing: the request in progress comes to its device.
	Accessing(r *Request)
	// Refused: its device has not accepted it.
	Refused(r *Request)
	// DMA: a device reads or writes n bytes of RAM, with kind DMARead or DMAWrite, or
	// past the caches with MemoryRead or MemoryWrite.
	DMA(kind Kind, pa addr.PA, n int, now uint64)
}
