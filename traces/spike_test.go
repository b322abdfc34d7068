package traces

import (
	"compress/gzip"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"mcsim/core/isa"
)

func TestSpike(t *testing.T) {
	refs, err := readString(t, spikeSample, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Ref{
		{VA: 0x80000000, PC: 0x80000000, Size: 4, Instructions: 1, Mode: 3},
		{VA: 0x80000004, PC: 0x80000004, Size: 4, Instructions: 1, Mode: 3},
		{VA: 0x80001000, PC: 0x80000004, Size: 8, Kind: Load, Mode: 3},
		{VA: 0x80000008, PC: 0x80000008, Size: 4, Instructions: 1, Mode: 1, Thread: 1},
		{VA: 0x80001000, PC: 0x80000008, Size: 8, Kind: Store, Mode: 1, Thread: 1},
		{VA: 0x8000000c, PC: 0x8000000c, Size: 2, Instructions: 1, Mode: 3},
		{VA: 0x80001004, PC: 0x8000000c, Size: 4, Kind: Load, Mode: 3},
		{VA: 0x8000000e, PC: 0x8000000e, Size: 4, Instructions: 1, Mode: 3},
		{VA: 0x80001008, PC: 0x8000000e, Size: 4, Kind: AMO, Mode: 3},
	}
	for i := range want {
		want[i].Has = HasVA | HasPC | HasSize | HasMode
	}
	if !slices.Equal(refs, want) {
		t.Errorf("%+v\nwant %+v", refs, want)
	}
}

// The sizes that the log does not tell, against the decoder of the harts: every
// compressed instruction, and every load and atomic in 32 bits.
func TestRVAccess(t *testing.T) {
	sizes := map[string]uint32{
		"lb": 1, "lbu": 1, "lh": 2, "lhu": 2, "lw": 4, "lwu": 4, "ld": 8, "flh": 2, "flw": 4, "fld": 8,
		"c.lw": 4, "c.ld": 8, "c.fld": 8, "c.lwsp": 4, "c.ldsp": 8, "c.fldsp": 8, "c.lbu": 1, "c.lhu": 2, "c.lh": 2,
		"fence": 0, "fence.i": 0,
	}
	decoder := isa.NewDecoder(isa.AllExtensions)
	seen := map[string]bool{}
	check := func(raw uint32) {
		name, _, _ := strings.Cut(isa.Disassemble(decoder.Decode(raw), 0), "\t")
		name, _, _ = strings.Cut(name, " ")
		kind, size := rvAccess(raw, 8)
		want, isLoad := sizes[name]
		wantKind := Load
		switch base, width, _ := strings.Cut(name, "."); {
		case base == "fence":
			wantKind = Fence
		case base == "lr":
			wantKind, isLoad = LR, true
		case base == "sc":
			wantKind, isLoad = SC, true
		case strings.HasPrefix(base, "amo"):
			wantKind, isLoad = AMO, true
			fallthrough
		default:
			if strings.HasPrefix(width, "w") && wantKind != Load {
				want = 4
			} else if wantKind != Load {
				want = 8
			}
		}
		if wantKind == LR || wantKind == SC {
			want = 8
			if strings.Contains(name, ".w") {
				want = 4
			}
		}
		if !isLoad {
			return
		}
		seen[name] = true
		if kind != wantKind || size != want {
			t.Errorf("%#x, %s: %v of %d bytes, want %v of %d", raw, name, kind, size, wantKind, want)
		}
	}
	for raw := range uint32(1 << 16) {
		if raw&3 != 3 {
			check(raw)
		}
	}
	for _, opcode := range []uint32{0x03, 0x07, 0x0f, 0x2f} {
		for high := range uint32(1 << 10) { // funct3 and funct7
			check(opcode | high&7<<12 | high>>3<<25 | 5<<7 | 6<<15)
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %v were seen", seen)
	}
}

// The beginning of Spike's log of guests/bin/hello.elf, read and counted by
// searching for Spike's own words.
func TestSpikeLog(t *testing.T) {
	file, err := os.Open("testdata/spike-hello.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if _, err := io.Copy(&text, z); err != nil {
		t.Fatal(err)
	}
	trace, err := Open("testdata/spike-hello.log.gz", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer trace.Close()
	refs, err := readAll(trace.Readers()[0], 100)
	if err != nil {
		t.Fatal(err)
	}
	var counts [NumKinds]int
	harts := map[uint32]bool{}
	for _, r := range refs {
		counts[r.Kind]++
		harts[r.Thread] = true
	}
	lines, loads, stores, atomics := 0, 0, 0, 0
	for line := range strings.Lines(text.String()) {
		lines++
		parts := strings.Split(strings.TrimSpace(line), " mem ")
		written := 0
		for _, p := range parts[1:] {
			if strings.Contains(p, " ") {
				written++
			}
		}
		switch read := len(parts) - 1 - written; {
		case read > 0 && written > 0:
			atomics++
		default:
			loads += read
			stores += written
		}
	}
	if counts[Fetch] != lines || counts[Load]+counts[LR] != loads || counts[Store]+counts[SC] != stores || counts[AMO] != atomics {
		t.Errorf("counted %v; the text has %d lines, %d loads, %d stores, %d AMOs", counts, lines, loads, stores, atomics)
	}
	if stores == 0 || loads == 0 || trace.Info.Compression != "gzip" {
		t.Errorf("the excerpt is poor: %d loads, %d stores, %s", loads, stores, trace.Info.Compression)
	}
}
