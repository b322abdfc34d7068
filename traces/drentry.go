package traces

// The records of DynamoRIO's drmemtrace after post-processing: 12 bytes, little
// endian, packed (clients/drcachesim/common/trace_entry.h, _trace_entry_t):
//
//	0  2  type, below
//	2  2  size of a reference or an instruction, or a marker's type, or how
//	      many instructions are in a bundle
//	4  8  address, or a marker's value, or the lengths in a bundle, or the bytes
//	      of an encoding
const drSize = 12

// trace_type_t.
const (
	drRead          = 0
	drWrite         = 1
	drPrefetch      = 2 // to 9: kinds of software prefetch
	drInstr         = 10
	drInstrReturn   = 16 // 10 to 16 are instructions
	drBundle        = 17
	drInstrFlush    = 18
	drInstrFlushEnd = 19
	drDataFlush     = 20
	drDataFlushEnd  = 21
	drThread        = 22
	drThreadExit    = 23
	drPID           = 24
	drHeader        = 25
	drFooter        = 26
	drHWPrefetch    = 27 // made by a simulator
	drMarker        = 28
	drNoFetch       = 29 // an instruction without a fetch, such as of a rep loop
	drMaybeFetch    = 30 // a fetch unless at the previous instruction's address
	drSysenter      = 31
	drPrefetchNT    = 32 // to 46: more kinds of software prefetch
	drEncoding      = 47
	drTaken         = 48 // conditional jumps
	drUntaken       = 49
	drTypes         = 50
)

// trace_marker_type_t, as far as it matters here. The others are passed over.
const (
	drTimestamp    = 2 // microseconds since 1601
	drSplitValue   = 8 // in raw traces only
	drFileType     = 9
	drVersion      = 12
	drSyscallStart = 27 // of kernel code
	drSyscallEnd   = 28
	drSwitchStart  = 34
	drSwitchEnd    = 35
)

// trace_version_t: what is known. Version 1 lacks some markers, 2 tells
// interruptions otherwise, 5 changes the types of conditional jumps; all have
// these records.
const (
	drOldest = 1
	drNewest = 7
)

// offline_file_type_t.
const (
	drFiltered       = 0x1
	drInstrOnly      = 0x4
	drInstrFiltered  = 0x80
	drDataFiltered   = 0x100
	drKernelSyscalls = 0x1000
	drTemplates      = 0x4000
	drKernelInstrs   = 0x8000
	drCoreSharded    = 0x10000
)

// drClass is what the reader does about a type.
type drClass uint8

const (
	drIsOther drClass = iota // a marker, or what only the slow path knows
	drIsEncoding
	drIsInstr // from here on with an address
	drIsData
	drIsPrefetch
	drWraps // around the end of the address space
)

var drClasses = func() (t [drTypes]drClass) {
	for i := range drTypes {
		switch {
		case i <= drWrite:
			t[i] = drIsData
		case i < drInstr || i == drHWPrefetch || i >= drPrefetchNT && i < drEncoding:
			t[i] = drIsPrefetch
		case i <= drInstrReturn || i == drSysenter || i >= drTaken:
			t[i] = drIsInstr
		case i == drEncoding:
			t[i] = drIsEncoding
		}
	}
	return t
}()
