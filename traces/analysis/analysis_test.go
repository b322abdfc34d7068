package analysis

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"mcsim/traces"
)

func TestFootprint(t *testing.T) {
	a := New(Options{})
	a.Add([]traces.Ref{
		{VA: 0x400000, Size: 4, Kind: traces.Fetch, Instructions: 1, Has: traces.HasVA},
		{VA: 0x1003c, Size: 8, Kind: traces.Load, Has: traces.HasVA},            // the last 4 bytes of a line, the first 4 of the next
		{VA: 0x10ffe, Size: 4, Kind: traces.Store, Has: traces.HasVA},           // two pages
		{VA: math.MaxUint64 - 1, Size: 4, Kind: traces.Load, Has: traces.HasVA}, // wraps to 0
		{Kind: traces.Fence},
		{VA: 0x5000_0000, Size: 1 << 31, Kind: traces.Load, Has: traces.HasVA}, // absurd
		{VA: 0x10000, Size: 0, Kind: traces.AMO, Has: traces.HasVA},
	})
	r := a.Result(10)
	if got := r.Kinds; got["fetch"] != 1 || got["load"] != 3 || got["store"] != 1 || got["amo"] != 1 || got["fence"] != 1 {
		t.Errorf("kinds %v", got)
	}
	// 2 + 2 + 2 lines, 1024 of the absurd one and none new of the last.
	if r.Data.Lines != 2+2+2+1024 || r.Data.Touches != 2+2+2+1024+1 || r.Cut != 1 {
		t.Errorf("%v lines, %d touches, %d cut", r.Data.Lines, r.Data.Touches, r.Cut)
	}
	// The AMO of size 0 counts as one byte, in a line that is known.
	if want := 8.0 + 4 + 4 + 1024*64 + 1; r.Data.Bytes != want || r.Data.Written != 4+1 {
		t.Errorf("%v bytes, %v written", r.Data.Bytes, r.Data.Written)
	}
	if r.Code.Lines != 1 || r.Code.Bytes != 4 || r.Instructions != 1 {
		t.Errorf("%v lines of code, %v bytes, %d instructions", r.Code.Lines, r.Code.Bytes, r.Instructions)
	}
}

func TestStridesByPC(t *testing.T) {
	a := New(Options{})
	for i := range uint64(100) {
		// Two interleaved streams, whose strides only pcs can tell apart.
		a.Add([]traces.Ref{
			{VA: 0x1000 + 24*i, PC: 0x10, Size: 8, Kind: traces.Load, Has: traces.HasVA | traces.HasPC},
			{VA: 0x900000 - 65536*i, PC: 0x14, Size: 8, Kind: traces.Store, Has: traces.HasVA | traces.HasPC},
		})
	}
	r := a.Result(10)
	want := []StrideBucket{{-131071, -65536, 99}, {16, 31, 99}}
	if !slices.Equal(r.Strides, want) || r.StridesBy != "pc" {
		t.Errorf("strides %v by %s, want %v", r.Strides, r.StridesBy, want)
	}
	if !slices.Equal(r.TopStrides, []StrideBucket{{24, 24, 99}}) {
		t.Errorf("top strides %v", r.TopStrides)
	}
	if r.PCs[0].PC != "0x10" || *r.PCs[0].Stride != 24 || r.PCs[0].Reads != 100 || *r.PCs[1].Stride != -65536 || r.PCs[1].Writes != 100 {
		t.Errorf("pcs %+v", r.PCs)
	}
	// A pc whose strides have no majority has none, whatever the last ones were.
	a = New(Options{})
	for i := range uint64(100) {
		a.Add([]traces.Ref{{VA: hash(i), PC: 1, Size: 1, Kind: traces.Load, Has: traces.HasVA | traces.HasPC}})
	}
	if p := a.Result(1).PCs[0]; p.Stride != nil {
		t.Errorf("a stride of %d in noise", *p.Stride)
	}
}

// Millions of pcs, threads and sizes: nothing grows without bound, the frequent
// ones stay, and the same stream gives the same text.
func TestBounds(t *testing.T) {
	run := func() []byte {
		a := New(Options{Lines: 1 << 10})
		for i := range uint64(300_000) {
			x := hash(i)
			a.Add([]traces.Ref{
				{VA: x, PC: x >> 8, Size: uint32(x >> 50), Thread: uint32(x >> 40), Kind: traces.Kind(x>>30) % traces.NumKinds, Cycle: x, Has: 31},
				{VA: 0x40, PC: 0x77, Size: 8, Thread: uint32(i % 5000), Kind: traces.Store, Has: 31},
			})
		}
		if len(a.pcs.at) > maxPCs || len(a.threads) > maxThreads || len(a.sizes) > maxSizes || len(a.data.index) > 1<<10 || len(a.pages.seen) > maxPages {
			t.Errorf("%d pcs, %d threads, %d sizes, %d lines, %d pages", len(a.pcs.at), len(a.threads), len(a.sizes), len(a.data.index), len(a.pages.seen))
		}
		r := a.Result(5)
		if r.PCs[0].PC != "0x77" || r.PCs[0].Writes+r.PCsLost < 300_000 {
			t.Errorf("top pc %+v", r.PCs[0])
		}
		var b bytes.Buffer
		if err := json.NewEncoder(&b).Encode(r); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if a, b := run(), run(); !bytes.Equal(a, b) {
		t.Error("two runs differ")
	}
}

func BenchmarkAnalysis(b *testing.B) {
	lines := walkOfLines(1, 1<<16, 20000)
	refs := make([]traces.Ref, len(lines))
	for i, l := range lines {
		refs[i] = traces.Ref{VA: l * 64, PC: l % 100, Size: 8, Kind: traces.Load, Has: traces.HasVA | traces.HasPC}
	}
	a := New(Options{})
	b.ResetTimer()
	for i := 0; i < b.N; i += len(refs) {
		a.Add(refs)
	}
}
