package traces

import (
	"bytes"
	"slices"
	"testing"
)

// written is what a writer makes of references, read again.
func rewritten(t *testing.T, format string, info Info, refs []Ref) []Ref {
	t.Helper()
	var b bytes.Buffer
	w, err := Create(&b, format, &info)
	if err != nil {
		t.Fatal(err)
	}
	for len(refs) > 0 { // in pieces, as they come
		n := min(len(refs), 3)
		if err := w.Write(refs[:n]); err != nil {
			t.Fatal(err)
		}
		refs = refs[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := readString(t, b.String(), format)
	if err != nil {
		t.Fatalf("%s: %v in\n%s", format, err, b.String())
	}
	return again
}

// Everything that a format's own sample says survives its writer.
func TestRoundTrip(t *testing.T) {
	for _, s := range samples {
		f := formatNamed(s.format)
		if f.create == nil {
			continue
		}
		refs, err := readString(t, s.content, s.format)
		if err != nil {
			t.Fatal(err)
		}
		again := rewritten(t, s.format, Info{Has: refs[0].Has}, refs)
		switch s.format {
		case "ramulator": // the unfiltered form counts each reference as an instruction
			for i := range again {
				if refs[i].Instructions == 0 {
					refs[i].Instructions = again[i].Instructions
				}
			}
		}
		if !slices.Equal(again, refs) {
			t.Errorf("%s: read\n%+v\nand written and read again\n%+v", s.format, refs, again)
		}
	}
}

// A trace of another kind loses what a format has no place for, and no more.
func TestConvert(t *testing.T) {
	const has = HasVA | HasPA | HasPC | HasCycle | HasSize
	refs := []Ref{
		{VA: 0x1000, PA: 0x81000, PC: 0x1000, Cycle: 10, Size: 4, Instructions: 1, Kind: Fetch, Has: has, Thread: 1},
		{VA: 0x2006, PA: 0x82006, PC: 0x1000, Cycle: 10, Size: 4, Kind: AMO, Has: has, Thread: 1},
		{VA: 0x3000, PA: 0x83000, PC: 0x1000, Cycle: 11, Size: 8, Kind: Walk, Has: has, Thread: 1},
		{Kind: Fence, PC: 0x1004, Cycle: 12, Size: 1, Has: HasPC | HasCycle, Thread: 1},
		{VA: 0x4000, PA: 0x84000, PC: 0x1008, Cycle: 13, Size: 64, Kind: Flush, Has: has, Thread: 2},
		{VA: 0x5000, PA: 0x85000, PC: 0x1008, Cycle: 13, Size: 8, Kind: SC, Has: has, Thread: 2},
	}
	type access struct {
		kind Kind
		addr uint64
		size uint32
	}
	tests := map[string][]access{
		"lackey":   {{Fetch, 0x1000, 4}, {Load, 0x2006, 4}, {Store, 0x2006, 4}, {Load, 0x3000, 8}, {Store, 0x5000, 8}},
		"din":      {{Fetch, 0x1000, 4}, {Load, 0x2004, 4}, {Store, 0x2004, 4}, {Load, 0x2008, 4}, {Store, 0x2008, 4}, {Load, 0x3000, 4}, {Load, 0x3004, 4}},
		"xdin":     {{Fetch, 0x1000, 4}, {Load, 0x2006, 4}, {Store, 0x2006, 4}, {Load, 0x3000, 8}, {Clean, 0x4000, 64}, {Inval, 0x4000, 64}, {Store, 0x5000, 8}},
		"champsim": {{Fetch, 0x1000, 1}, {Load, 0x2006, 1}, {Load, 0x3000, 1}, {Store, 0x2006, 1}, {Fetch, 0x1008, 1}, {Store, 0x5000, 1}},
		"champsim-cloudsuite": {{Fetch, 0x1000, 1}, {Load, 0x2006, 1}, {Load, 0x3000, 1}, {Store, 0x2006, 1},
			{Fetch, 0x1008, 1}, {Store, 0x5000, 1}},
		"drmemtrace":     {{Fetch, 0x1000, 4}, {Load, 0x2006, 4}, {Store, 0x2006, 4}, {Load, 0x3000, 8}, {Flush, 0x4000, 64}, {Store, 0x5000, 8}},
		"dramsim3":       {{Load, 0x81000, 1}, {Load, 0x82006, 1}, {Store, 0x82006, 1}, {Load, 0x83000, 1}, {Store, 0x85000, 1}},
		"ramulator":      {{Load, 0x2006, 1}, {Store, 0x2006, 1}, {Load, 0x3000, 1}, {Store, 0x5000, 1}},
		"ramulator-dram": {{Load, 0x82006, 1}, {Store, 0x82006, 1}, {Load, 0x83000, 1}, {Store, 0x85000, 1}},
		"ramulator2":     {{Load, 0x82006, 1}, {Store, 0x82006, 1}, {Load, 0x83000, 1}, {Store, 0x85000, 1}},
		"text":           {{Fetch, 0x1000, 4}, {AMO, 0x2006, 4}, {Walk, 0x3000, 8}, {Fence, 0, 1}, {Flush, 0x4000, 64}, {SC, 0x5000, 8}},
	}
	for format, want := range tests {
		again := rewritten(t, format, Info{Has: has}, refs)
		var got []access
		for _, r := range again {
			got = append(got, access{r.Kind, r.address(), r.Size})
		}
		if format == "din" {
			got = got[:min(len(got), len(want))] // then 16 words of the flush
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", format, got, want)
		}
		if format == "drmemtrace" || format == "text" {
			last := again[len(again)-1]
			if last.Thread != 2 || last.Cycle != 13 || format == "drmemtrace" && last.PC != 0x1008 {
				t.Errorf("%s: the last reference is %+v", format, last)
			}
		}
	}
	for _, f := range formats {
		if tests[f.name] == nil && f.create != nil && f.name != "mcsim" {
			t.Errorf("%s has a writer that is not tested", f.name)
		}
	}
}

// Without anything to write, a writer leaves a trace that can be read or at
// least nothing.
func TestWriteNothing(t *testing.T) {
	var b bytes.Buffer
	w, err := Create(&b, "drmemtrace", &Info{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if refs, err := readString(t, b.String(), ""); err != nil || len(refs) != 0 {
		t.Errorf("%v, %v", refs, err)
	}
	if _, err := Create(&b, "spike", &Info{}); err == nil {
		t.Error("Spike's log can be written")
	}
}
