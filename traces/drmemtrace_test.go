package traces

import (
	"strings"
	"testing"
)

// A record as DynamoRIO declares it, _trace_entry_t.
type traceEntry struct {
	Type, Size uint16
	Addr       uint64
}

// The numbers of trace_type_t and trace_marker_type_t as their declaration
// counts them: written out here on their own.
var drHead = []traceEntry{
	{25, 0, 7},           // TRACE_TYPE_HEADER
	{28, 12, 7},          // MARKER, VERSION
	{28, 9, 0x240},       // MARKER, FILETYPE: x86_64, encodings
	{22, 0, 4711},        // THREAD
	{24, 0, 4700},        // PID
	{28, 10, 64},         // MARKER, CACHE_LINE_SIZE
	{28, 18, 4096},       // MARKER, PAGE_SIZE
	{28, 2, 13352268558}, // MARKER, TIMESTAMP
	{28, 3, 2},           // MARKER, CPU_ID
}

func drSample() string {
	return encoded(append(append([]traceEntry{}, drHead...),
		traceEntry{47, 3, 0x00e58948}, // ENCODING
		traceEntry{10, 3, 0x401000},   // INSTR
		traceEntry{0, 8, 0x7ffe0010},  // READ
		traceEntry{1, 4, 0x7ffe0018},  // WRITE
		traceEntry{28, 29, 0x401100},  // MARKER, BRANCH_TARGET
		traceEntry{16, 1, 0x401003},   // INSTR_RETURN
		traceEntry{29, 2, 0x401100},   // INSTR_NO_FETCH
		traceEntry{0, 1, 0x7ffe0020},  // READ
		traceEntry{23, 0, 4711},       // THREAD_EXIT
		traceEntry{26, 0, 0}))         // FOOTER
}

func TestDrmemtrace(t *testing.T) {
	refs, err := readString(t, drSample(), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Ref{
		{VA: 0x401000, PC: 0x401000, Kind: Fetch, Size: 3, Instructions: 1},
		{VA: 0x7ffe0010, PC: 0x401000, Kind: Load, Size: 8},
		{VA: 0x7ffe0018, PC: 0x401000, Kind: Store, Size: 4},
		{VA: 0x401003, PC: 0x401003, Kind: Fetch, Size: 1, Instructions: 1},
		{VA: 0x7ffe0020, PC: 0x401100, Kind: Load, Size: 1},
	}
	if len(refs) != len(want) {
		t.Fatalf("%d references: %+v", len(refs), refs)
	}
	for i, w := range want {
		w.Has, w.Thread, w.Cycle = HasVA|HasPC|HasSize|HasCycle, 4711, 13352268558
		if refs[i] != w {
			t.Errorf("reference %d is %+v, want %+v", i, refs[i], w)
		}
	}
}

// drBody reads records behind a header and before a footer.
func drBody(t *testing.T, body ...traceEntry) ([]Ref, error) {
	t.Helper()
	return readString(t, encoded(append(append(append([]traceEntry{}, drHead...), body...), traceEntry{26, 0, 0})), "")
}

func TestDrmemtraceRecords(t *testing.T) {
	tests := []struct {
		name string
		body []traceEntry
		want []Ref // VA, Size, Kind, Instructions, PC, Mode, Thread if not 0
	}{
		{"bundle", []traceEntry{{10, 3, 0x1000}, {17, 3, 0x020401}}, []Ref{
			{VA: 0x1000, Size: 3}, {VA: 0x1003, Size: 1}, {VA: 0x1004, Size: 4}, {VA: 0x1008, Size: 2}}},
		{"maybe fetch", []traceEntry{{30, 2, 0x1000}, {30, 2, 0x1000}, {0, 1, 0x10}, {30, 2, 0x1002}}, []Ref{
			{VA: 0x1000, Size: 2}, {VA: 0x10, Size: 1, Kind: Load, PC: 0x1000}, {VA: 0x1002, Size: 2}}},
		{"only the PC, of a filtered trace", []traceEntry{{10, 0, 0x1000}, {1, 8, 0x10}}, []Ref{
			{VA: 0x10, Size: 8, Kind: Store, PC: 0x1000}}},
		{"prefetches", []traceEntry{{2, 1, 0x40}, {9, 1, 0x80}, {32, 1, 0xc0}, {46, 0, 0x100}}, []Ref{
			{VA: 0x40, Size: 1, Kind: Prefetch}, {VA: 0x80, Size: 1, Kind: Prefetch},
			{VA: 0xc0, Size: 1, Kind: Prefetch}, {VA: 0x100, Size: 1, Kind: Prefetch}}},
		{"conditional jumps", []traceEntry{{48, 2, 0x1000}, {49, 2, 0x1010}, {13, 2, 0x1012}, {31, 2, 0x1014}}, []Ref{
			{VA: 0x1000, Size: 2}, {VA: 0x1010, Size: 2}, {VA: 0x1012, Size: 2}, {VA: 0x1014, Size: 2}}},
		{"flushes", []traceEntry{{20, 64, 0x1000}, {20, 0, 0x2000}, {21, 0, 0x2000 + drFlush + 1}, {18, 64, 0x3000}}, []Ref{
			{VA: 0x1000, Size: 64, Kind: Flush}, {VA: 0x2000, Size: drFlush, Kind: Flush}, {VA: 0x2000 + drFlush, Size: 1, Kind: Flush}}},
		{"threads", []traceEntry{{0, 4, 0x10}, {22, 0, 9}, {24, 0, 1}, {0, 4, 0x20}}, []Ref{
			{VA: 0x10, Size: 4, Kind: Load}, {VA: 0x20, Size: 4, Kind: Load, Thread: 9}}},
		{"traces one behind the other", []traceEntry{{0, 4, 0x10}, {26, 0, 0}, {25, 0, 6}, {22, 0, 9}, {1, 4, 0x20}}, []Ref{
			{VA: 0x10, Size: 4, Kind: Load}, {VA: 0x20, Size: 4, Kind: Store, Thread: 9}}},
		{"no size, as of xsave", []traceEntry{{10, 4, 0x1000}, {1, 0, 0x10}}, []Ref{{VA: 0x1000, Size: 4}, {VA: 0x10, Size: 1, Kind: Store}}},
		{"a long encoding", []traceEntry{{47, 8, 1<<64 - 1}, {47, 7, 1<<64 - 1}, {10, 15, 0x1000}}, []Ref{{VA: 0x1000, Size: 15}}},
		{"an interrupted instruction", []traceEntry{{28, 41, 0x90}, {28, 0, 0x1000}, {28, 40, 11}, {28, 1, 0x1000}, {28, 13, 1}, {28, 200, 5}}, nil},
	}
	for _, test := range tests {
		refs, err := drBody(t, test.body...)
		if err != nil || len(refs) != len(test.want) {
			t.Errorf("%s: %+v, %v", test.name, refs, err)
			continue
		}
		for i, w := range test.want {
			r := refs[i]
			thread := uint32(4711)
			if w.Thread != 0 {
				thread = w.Thread
			}
			fetch := uint32(0)
			if w.Kind == Fetch {
				fetch = 1
			}
			if r.VA != w.VA || r.Size != w.Size || r.Kind != w.Kind || r.Instructions != fetch || w.PC != 0 && r.PC != w.PC || r.Thread != thread {
				t.Errorf("%s: reference %d is %+v, want %+v", test.name, i, r, w)
			}
		}
	}
}

func TestDrmemtraceKernel(t *testing.T) {
	head := append([]traceEntry{}, drHead...)
	head[2].Addr |= 0x1000 // KERNEL_SYSCALLS
	refs, err := readString(t, encoded(append(head, traceEntry{0, 4, 0x10}, traceEntry{28, 27, 1}, traceEntry{0, 4, 0x20},
		traceEntry{28, 28, 1}, traceEntry{0, 4, 0x30}, traceEntry{26, 0, 0})), "")
	if err != nil || len(refs) != 3 || refs[0].Mode != 0 || refs[1].Mode != 1 || refs[2].Mode != 0 || refs[0].Has&HasMode == 0 {
		t.Errorf("%+v, %v", refs, err)
	}
}

// Physical addresses are those that the markers before a reference tell.
func TestDrmemtracePhysical(t *testing.T) {
	refs, err := drBody(t,
		traceEntry{28, 15, 0x77000}, traceEntry{28, 17, 0x401000}, // PHYSICAL_ADDRESS, VIRTUAL_ADDRESS
		traceEntry{10, 4, 0x401008},
		traceEntry{28, 15, 0x5000}, traceEntry{28, 17, 0x7ffe0000},
		traceEntry{0, 8, 0x7ffe0010},
		traceEntry{28, 15, 0x6000}, traceEntry{28, 17, 0x7ffe0000}, // it moved
		traceEntry{1, 8, 0x7ffe0010},
		traceEntry{28, 16, 0x7ffe0000}, // PHYSICAL_ADDRESS_NOT_AVAILABLE
		traceEntry{1, 8, 0x7ffe0018})
	if err != nil || len(refs) != 4 {
		t.Fatalf("%+v, %v", refs, err)
	}
	for i, want := range []uint64{0x77008, 0x5010, 0x6010, 0} {
		if refs[i].PA != want || refs[i].Has&HasPA != 0 != (want != 0) {
			t.Errorf("reference %d is %+v, want it at %#x", i, refs[i], want)
		}
	}
}

func TestDrmemtraceRefused(t *testing.T) {
	at := func(n int) int64 { return int64(n) * drSize }
	whole := drSample()
	tests := []struct {
		name, content string
		refs          int
		offset        int64
		says          string
	}{
		{"unknown version", encoded([]traceEntry{{25, 0, 8}, {28, 12, 8}}), 0, 0, "version 8"},
		{"version 0", encoded([]traceEntry{{25, 0, 0}, {28, 12, 0}}), 0, 0, "version 1 to 7"},
		{"version marker", encoded([]traceEntry{{25, 0, 7}, {28, 12, 9}}), 0, at(1), "version 9"},
		{"cut off between records", whole[:len(whole)-drSize], 5, int64(len(whole)) - drSize, "footer"},
		{"cut off in a record", whole[:len(whole)-5], 5, int64(len(whole)) - drSize, "whole record"},
		{"unknown type", encoded([]traceEntry{{25, 0, 7}, {0, 4, 16}, {50, 0, 0}, {26, 0, 0}}), 1, at(2), "type 50"},
		{"type beyond a byte", encoded([]traceEntry{{25, 0, 7}, {0, 4, 16}, {256, 4, 0}, {26, 0, 0}}), 1, at(2), "type 256"},
		{"wraps", encoded([]traceEntry{{25, 0, 7}, {0, 4, 1<<64 - 2}, {26, 0, 0}}), 0, at(1), "wrap"},
		{"time runs backwards", encoded([]traceEntry{{25, 0, 7}, {28, 2, 9}, {28, 2, 8}, {26, 0, 0}}), 0, at(2), "backwards"},
		{"raw", "\x42\x02\x00\x00\x00\x00\x08\xc4\x72\x6d\x08\x00\x00\x00\x00\x40", 0, 0, "drraw2trace"},
		{"old raw", "\x03\x00\x00\x00\x00\x00\x00\xc0\x72\x6d\x08\x00\x00\x00\x00\x40", 0, 0, "drraw2trace"},
		{"32 bit", encoded([]struct {
			Type, Size uint16
			Addr       uint32
		}{{25, 0, 4}, {28, 12, 4}, {22, 0, 7}}), 0, 0, "32-bit"},
		{"endless flush", encoded([]traceEntry{{25, 0, 7}, {20, 0, 0}, {21, 0, 1 << 40}, {26, 0, 0}}), 0, at(2), "flush"},
		{"bundle of 9", encoded([]traceEntry{{25, 0, 7}, {17, 9, 0}, {26, 0, 0}}), 0, at(1), "1 to 8"},
	}
	for _, test := range tests {
		refs, err := readString(t, test.content, "")
		placed, ok := err.(*Error)
		if !ok || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want an error with %q", test.name, err, test.says)
			continue
		}
		if placed.Offset != test.offset || len(refs) != test.refs {
			t.Errorf("%s: %d references, want %d, then %v, want offset %d", test.name, len(refs), test.refs, err, test.offset)
		}
	}
}
