package traces

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// samples has a small trace in every format, and how many references it holds.
var samples = []struct {
	format  string
	content string
	refs    int
}{
	{"lackey", "==12== Lackey\nI  04001f00,3\n L 1ffefff6c8,8\n M 0421b4f0,4\nI  04001f03,1\n", 5},
	{"din", "2 400120\n0 7ffe0010 a comment\n1 0x7ffe0a14\n2 400124\n", 4},
	{"xdin", "i 400120 4\nr 7ffe0010 8 a comment\nW 0x7ffe0014 0x10\nm 10 4\n", 4},
	{"champsim", champsimSample(), 9},
	{"champsim-cloudsuite", cloudsuiteSample(), 12},
	{"drmemtrace", drSample(), 5},
	{"spike", spikeSample, 9},
	{"dramsim3", "0x3a5c0 READ 12\n0x3a600 WRITE 12\n3a640 P_MEM_RD 20\n", 3},
	{"ramulator", "3 20734016\n8 20841280 20841344\n120 0x1000 W\n", 4},
	{"ramulator-dram", "0x12345680 R\n0x4cbd56c0 W\n", 2},
	{"ramulator2", "LD 0x12340\nST 4096\n", 2},
	{"text", "# hart kind address size\n0 R 0x1ff0 8\n1 W 2000 4\n0 I 80000000 2\n1 amo 2008 8\n", 4},
	{"text", "0 0 R 0x1ff0\n3 1 W 0x2000\n3 0 I 80000000\n", 3},
	{"text", "1 0 W 0x1000 8\n2 1 R 0x1000 8\n", 2},
}

const spikeSample = `core   0: 3 0x0000000080000000 (0x00000297) x5  0x0000000080000000
core   0: 3 0x0000000080000004 (0x0002b303) x6  0x0000000000000297 mem 0x0000000080001000
core   1: 1 0x0000000080000008 (0x0062b023) mem 0x0000000080001000 0x0000000000000297
core   1: exception trap_illegal_instruction, epc 0x000000008000000c
core   1:           tval 0x0000000000000000
>>>>  main
core   0: 3 0x000000008000000c (0x4108) x10 0x0000000000000001 mem 0x0000000080001004
core   0: 3 0x000000008000000e (0x00a6a62f) x12 0x0000000000000001 mem 0x0000000080001008 mem 0x0000000080001008 0x0000000b
`

func TestDetect(t *testing.T) {
	for _, s := range samples {
		refs, err := readString(t, s.content, "")
		if err != nil {
			t.Errorf("%s: %v", s.format, err)
			continue
		}
		trace, err := Open("-", Options{Stdin: strings.NewReader(s.content)})
		if err != nil {
			t.Fatal(err)
		}
		if trace.Info.Format != s.format {
			t.Errorf("%s was taken for %s", s.format, trace.Info.Format)
		}
		if len(refs) != s.refs {
			t.Errorf("%s: %d references, want %d: %+v", s.format, len(refs), s.refs, refs)
		}
		for _, r := range refs {
			if r.Has&^trace.Info.Has != 0 {
				t.Errorf("%s: a reference tells %b, the trace %b", s.format, r.Has, trace.Info.Has)
			}
		}
		if err := trace.Close(); err != nil {
			t.Error(err)
		}
	}
}

// One sample for each row of the table of formats.
func TestEveryFormatHasASample(t *testing.T) {
	for _, f := range formats {
		found := false
		for _, s := range samples {
			found = found || s.format == f.name
		}
		if !found && f.name != "mcsim" {
			t.Errorf("no sample of %s", f.name)
		}
	}
}

func TestAmbiguous(t *testing.T) {
	const either = "1 400120\n2 400124\n"
	_, err := readString(t, either, "")
	if err == nil || !strings.Contains(err.Error(), "din and ramulator") || !strings.Contains(err.Error(), "--format") {
		t.Errorf("%v", err)
	}
	for format, kind := range map[string]Kind{"din": Store, "ramulator": Load} {
		refs, err := readString(t, either, format)
		if err != nil || len(refs) != 2 || refs[0].Kind != kind {
			t.Errorf("%s: %+v, %v", format, refs, err)
		}
	}
}

// What is wrong is found where it is, and what was before it is delivered.
func TestBadInput(t *testing.T) {
	tests := []struct {
		name, format, content string
		refs                  int
		line, offset          int64
		says                  string
	}{
		{"empty", "", "", 0, 0, 0, "empty"},
		{"no trace", "", "Dear Sir,\nI write to you\n", 0, 0, 0, "--format"},
		{"unknown format", "elf", "", 0, 0, 0, "lackey"},
		{"mixed", "", "I  04001f00,3\n L 1000,8\nI  1,1\nI  1,1\nI  1,1\nhello\n", 5, 6, 0, "--log-file"},
		{"cut off in a line", "", "I  04001f00,3\n L 1000,8\n S 10", 2, 3, 0, "Lackey"},
		{"size 0", "lackey", "I  04001f00,3\n L 1000,0\n", 1, 2, 0, "size from 1"},
		{"size of gigabytes", "lackey", "I  04001f00,3\n L 1000,4294967296\n", 1, 2, 0, "size from 1"},
		{"wraps", "lackey", " L ffffffffffffffff,2\n", 0, 1, 0, "wrap"},
		{"address too long", "lackey", " L 10000000000000000,2\n", 0, 1, 0, "Lackey"},
		{"endless line", "lackey", "I  04001f00,3\n" + strings.Repeat("0", 1<<20), 1, 2, 0, "16384"},
		{"endless comment", "text", "0 R 10\n#" + strings.Repeat("0", 20<<10) + "\n0 R 10\n", 1, 2, 0, "16384"},
		{"din label", "din", "0 10\n7 20\n", 1, 2, 0, "label from 0 to 5"},
		{"din empty line", "din", "0 10\n\n", 1, 2, 0, "label"},
		{"xdin size", "xdin", "r 10 4\nr 10\n", 1, 2, 0, "size"},
		{"clock", "text", "5 0 R 10\n4 1 R 10\n4 0 R 10\n", 2, 3, 0, "backwards"},
		{"clock of memory", "dramsim3", "10 READ 5\n10 READ 4\n", 1, 2, 0, "backwards"},
		{"columns change", "text", "5 0 R 10\n0 R 10\n", 1, 2, 0, "hart"},
		{"hart", "text", "0 R 10\n70000 R 10\n", 1, 2, 0, "hart below"},
		{"kind", "text", "0 R 10\n0 Q 10\n", 1, 2, 0, "hart R|W|I"},
		{"operation", "dramsim3", "10 READ 5\n10 ERASE 6\n", 1, 2, 0, "READ or WRITE"},
		{"bubbles", "ramulator", "3 100\n99999999999 200\n", 1, 2, 0, "instructions"},
		{"LD", "ramulator2", "LD 5\nLW 6\n", 1, 2, 0, "LD or ST"},
		{"R", "ramulator-dram", "0x5 R\n0x5 X\n", 1, 2, 0, "R or W"},
		{"spike's program talks", "", spikeSample + "hello\n", 9, 9, 0, "--log=FILE"},
		{"spike's address", "spike", spikeSample + "core   0: 3 0x80000000 (0x00000297) mem 0x\n", 9, 9, 0, "commit log"},
		{"champsim cut off", "", champsimSample()[:300], 8, 0, 256, "cut off"},
		{"champsim flags", "champsim", champsimSample()[:64] + strings.Repeat("\x07", 64), 4, 0, 64, "is_branch 7"},
	}
	for _, test := range tests {
		refs, err := readString(t, test.content, test.format)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want an error with %q", test.name, err, test.says)
			continue
		}
		if len(refs) != test.refs {
			t.Errorf("%s: %d references before it, want %d", test.name, len(refs), test.refs)
		}
		var placed *Error
		if test.line+test.offset > 0 && (!errors.As(err, &placed) || placed.Line != test.line || placed.Offset != test.offset) {
			t.Errorf("%s: the place is wrong in %v", test.name, err)
		}
	}
}

func TestTolerateClock(t *testing.T) {
	trace, err := Open("-", Options{TolerateClock: true, Stdin: strings.NewReader("5 0 R 10\n4 0 R 10\n")})
	if err != nil {
		t.Fatal(err)
	}
	if refs, err := readAll(trace.Readers()[0], 8); err != nil || len(refs) != 2 || refs[1].Cycle != 4 {
		t.Errorf("%+v, %v", refs, err)
	}
}

// What is no trace is taken for none: this repository's own files.
func TestDetectsNothingElse(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		switch {
		case strings.HasPrefix(path, "../.git") || strings.Contains(path, "traces/"), strings.Contains(path, "testdata"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		head := content[:min(len(content), sniffBytes)]
		for _, f := range formats {
			if s := f.sniff(head, len(head) == len(content)); s > no {
				t.Errorf("%s may be %s: %d", path, f.name, s)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A file that begins like a compressed one, and is none.
func TestWrongCompression(t *testing.T) {
	for i := range codecs {
		for _, magic := range codecs[i].magic {
			_, err := readString(t, magic+strings.Repeat("\x5a is not compressed", 20), "")
			if err == nil || !strings.Contains(err.Error(), codecs[i].name+": ") {
				t.Errorf("%s: %v", codecs[i].name, err)
			}
		}
	}
}
