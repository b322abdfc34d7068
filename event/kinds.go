package event

import "fmt"

// Category groups kinds for --log-only.
type Category uint8

const (
	Run       Category = iota // begin and end of the run, harts starting and stopping
	Trap                      // traps, returns and interrupts
	Coherence                 // states of lines: snoops, fills, evictions, write-backs
	Bus                       // transactions
	Memory                    // DRAM
	TLB                       // translation: misses, walks, fences
	Device                    // accesses to devices, their interrupts, DMA
	Inst                      // every instruction that retires
	numCategories
)

var categoryNames = [numCategories]string{"run", "trap", "coherence", "bus", "memory", "tlb", "device", "inst"}

func (c Category) String() string {
	if c < numCategories {
		return categoryNames[c]
	}
	return fmt.Sprintf("category(%d)", uint8(c))
}

// Categories lists the names that ParseCategory takes.
func Categories() []string { return categoryNames[:] }

// ParseCategory finds a category by its name.
func ParseCategory(name string) (Category, bool) {
	for i, n := range categoryNames {
		if n == name {
			return Category(i), true
		}
	}
	return 0, false
}

// Level says how much a reader wants to know.
type Level uint8

const (
	Debug Level = iota // every access and transaction
	Info               // what a user of the machine would call an event
	Warn               // what a user should look at
	numLevels
)

var levelNames = [numLevels]string{"debug", "info", "warn"}

func (l Level) String() string {
	if l < numLevels {
		return levelNames[l]
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// Levels lists the names that ParseLevel takes.
func Levels() []string { return levelNames[:] }

// ParseLevel finds a level by its name.
func ParseLevel(name string) (Level, bool) {
	for i, n := range levelNames {
		if n == name {
			return Level(i), true
		}
	}
	return 0, false
}

// Format says how an argument is written.
type Format uint8

const (
	None   Format = iota // the argument is not used
	Dec                  // unsigned decimal
	Signed               // the bits as int64
	Hex                  // 0x and lower-case digits: addresses, instructions
	Bool                 // 0 is false

	// The rest are small numbers with names. Event knows those of the
	// RISC-V manuals; the owner of the others passes them to the writer.
	Cause     // mcause, with the interrupt bit
	Mode      // privilege: 0 U, 1 S, 3 M; 4 VU, 5 VS
	LineState // of the coherence protocol that runs
	BusOp     // coherence's kinds of request
	Reason    // why a hart or the run stopped
	AccessOp  // coherence.Op
	Agent     // a hart, a device, the LLC or memory
	Marker    // what a marker asks for
	Packed    // up to eight characters, the first in the low byte
	NumFormats
)

// Arg is an argument of a kind: its name in the log, and its format.
type Arg struct {
	Name   string
	Format Format
}

// Kind says what happened. Its row in the table names its arguments.
type Kind uint8

const (
	RunBegin Kind = iota
	RunEnd
	EventsLost
	HartStart
	HartWFI
	HartWake
	TrapTaken
	TrapReturn
	Interrupt
	TLBMiss
	PageWalk
	PageFault
	SFence
	BusTransaction
	SnoopChange
	Fill
	Evict
	WriteBack
	DRAMAccess
	DeviceRead
	DeviceWrite
	Retire
	RunRestored
	RunTimed
	MarkerHit
	TrapLoop
	HTIFWarning
	NumKinds
)

// Description is a row of the table of kinds.
type Description struct {
	Name     string
	Category Category
	Level    Level
	Doc      string
	Args     [4]Arg
}

var table = [NumKinds]Description{
	RunBegin:   {"run-begin", Run, Info, "the machine starts", args("harts", Dec, "seed", Dec, "quantum", Dec)},
	RunEnd:     {"run-end", Run, Info, "the machine has stopped", args("reason", Reason, "exit_code", Signed, "instructions", Dec)},
	EventsLost: {"events-lost", Run, Warn, "an agent emitted more in one quantum than its buffer holds", args("count", Dec, "agent", Dec)},
	HartStart:  {"hart-start", Run, Info, "a hart begins to execute", args("pc", Hex)},
	HartWFI:    {"hart-wfi", Run, Debug, "a hart waits for an interrupt", args("pc", Hex)},
	HartWake:   {"hart-wake", Run, Debug, "a waiting hart goes on", args("waited", Dec)},

	TrapTaken:  {"trap", Trap, Info, "an exception is taken", args("cause", Cause, "pc", Hex, "tval", Hex, "to", Mode)},
	TrapReturn: {"trap-return", Trap, Debug, "mret or sret", args("pc", Hex, "from", Mode, "to", Mode)},
	TrapLoop:   {"trap-loop", Trap, Warn, "the same exception was taken over and over: see run.trap_loop", args("cause", Cause, "pc", Hex, "tval", Hex, "times", Dec)},
	Interrupt:  {"interrupt", Trap, Info, "an interrupt is taken", args("cause", Cause, "pc", Hex, "to", Mode)},

	TLBMiss:   {"tlb-miss", TLB, Debug, "no translation was cached", args("va", Hex, "access", AccessOp, "asid", Dec, "level2", Bool)},
	PageWalk:  {"page-walk", TLB, Debug, "the walker found a translation", args("va", Hex, "pa", Hex, "pte", Hex, "page", Hex)},
	PageFault: {"page-fault", TLB, Info, "the walker found none", args("va", Hex, "access", AccessOp, "cause", Cause)},
	SFence:    {"sfence", TLB, Debug, "translations are dropped", args("va", Hex, "asid", Dec, "all_addresses", Bool, "all_asids", Bool)},

	BusTransaction: {"bus", Bus, Debug, "the bus serves a request", args("op", BusOp, "line", Hex, "asked", Dec)},
	SnoopChange:    {"snoop", Coherence, Debug, "another's request changed a line's state", args("line", Hex, "from", LineState, "to", LineState, "by", Agent)},
	Fill:           {"fill", Coherence, Debug, "a line arrives", args("line", Hex, "to", LineState, "source", Agent)},
	Evict:          {"evict", Coherence, Debug, "a line makes room", args("line", Hex, "from", LineState)},
	WriteBack:      {"write-back", Coherence, Debug, "a dirty line goes to the LLC or to memory", args("line", Hex, "to", Agent)},

	DRAMAccess: {"dram", Memory, Debug, "DRAM reads or writes a line", args("line", Hex, "write", Bool, "row_hit", Bool, "done", Dec)},

	DeviceRead:  {"device-read", Device, Debug, "a hart reads a device", args("pa", Hex, "size", Dec, "value", Hex)},
	DeviceWrite: {"device-write", Device, Debug, "a hart writes a device", args("pa", Hex, "size", Dec, "value", Hex)},
	HTIFWarning: {"htif-warning", Device, Warn, "the program asks what HTIF cannot do", args("what", Packed, "value", Hex)},

	RunRestored: {"run-restored", Run, Info, "the machine goes on from a checkpoint", args("harts", Dec, "seed", Dec, "quantum", Dec)},
	RunTimed:    {"run-timed", Run, Info, "functional mode ends", args("instructions", Dec)},
	MarkerHit:   {"marker", Run, Info, "a hart executes a marker", args("what", Marker, "name", Packed, "pc", Hex)},

	Retire: {"retire", Inst, Debug, "an instruction retires", args("pc", Hex, "instret", Dec, "mode", Mode)},
}

// args turns name, format pairs into a row's arguments.
func args(pairs ...any) (a [4]Arg) {
	for i := 0; i < len(pairs); i += 2 {
		a[i/2] = Arg{pairs[i].(string), pairs[i+1].(Format)}
	}
	return a
}

// Describe returns the kind's row.
func (k Kind) Describe() *Description { return &table[k] }

func (k Kind) String() string {
	if k < NumKinds {
		return table[k].Name
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}
