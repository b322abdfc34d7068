package traces

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"mcsim/record"
)

// loopRecords are like those of a program: loops over arrays, branches, misses.
func loopRecords(rng *rand.Rand, n int) []record.Record {
	var recs []record.Record
	cycle, inst := uint64(0), uint32(0)
	bases := [4]uint64{0x8000_0000, 0x8010_0000, 0x9000_0040, 0xffff_ffc0_0000_1000}
	for i := 0; len(recs) < n; i++ {
		recs = append(recs, record.Record{Op: record.Fetch, VA: 0x8000_1000, PA: 0x8000_1000, PC: 0x8000_1000, Size: 8, Cycle: cycle, Instret: inst})
		for k, b := range bases {
			cycle += 2
			inst += 2
			if rng.IntN(50) == 0 {
				cycle += uint64(rng.IntN(100))
			}
			r := record.Record{Op: record.Load + record.Op(k&1), VA: b + uint64(i)*8, PC: 0x8000_1000 + uint64(k)*4, Size: 8, Cycle: cycle, Instret: inst}
			r.PA = r.VA & 0xffff_ffff
			recs = append(recs, r)
		}
		if rng.IntN(1000) == 0 {
			recs = append(recs, record.Record{Op: record.Context, VA: rng.Uint64() & 0xffff_ffff_ffff, PA: uint64(rng.IntN(4)), Cycle: cycle, Instret: inst})
		}
	}
	return recs[:n]
}

func wildRecords(rng *rand.Rand, n int) []record.Record {
	recs := make([]record.Record, n)
	for i := range recs {
		recs[i] = record.Record{
			VA: rng.Uint64() >> rng.IntN(64), PA: rng.Uint64() >> rng.IntN(64), PC: rng.Uint64() >> rng.IntN(64),
			Cycle: rng.Uint64() >> rng.IntN(64), Instret: rng.Uint32(), Size: uint16(rng.Uint32()), Op: record.Op(rng.Uint32()), Flags: uint8(rng.Uint32()),
		}
	}
	return recs
}

func nativeFile(t testing.TB, streams ...[]record.Record) []byte {
	t.Helper()
	var buf bytes.Buffer
	h := Header{Version: "test", Seed: 7, Has: HasVA | HasPA | HasPC | HasCycle}
	for range streams {
		h.Streams = append(h.Streams, StreamHeader{Name: "hart"})
	}
	w, err := NewRecordWriter(&buf, &h)
	if err != nil {
		t.Fatal(err)
	}
	const piece = 5000
	for at, more := 0, true; more; at += piece {
		more = false
		for i, s := range streams {
			if at < len(s) {
				more = true
				if err := w.WriteRecords(i, s[at:min(at+piece, len(s))]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func readRecords(rec *Recording, stream int) (all []record.Record, err error) {
	r := rec.Records(stream)
	buf := make([]record.Record, 777)
	for {
		n, err := r.Read(buf)
		all = append(all, buf[:n]...)
		if err != nil {
			return all, err
		}
	}
}

// What is written is read again, field by field, whatever it is.
func TestNativeRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	streams := [][]record.Record{loopRecords(rng, 100_000), wildRecords(rng, 40_000), nil, loopRecords(rng, chunkRecords)}
	b := nativeFile(t, streams...)
	rec, err := OpenRecording(bytes.NewReader(b), int64(len(b)), "test")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range streams {
		got, err := readRecords(rec, i)
		if err != io.EOF {
			t.Fatalf("seed %d: stream %d: %v", seed, i, err)
		}
		if len(got) != len(want) || uint64(len(want)) != rec.Count(i) {
			t.Fatalf("seed %d: stream %d: %d records (%d by the index), want %d", seed, i, len(got), rec.Count(i), len(want))
		}
		for k := range want {
			if got[k] != want[k] {
				t.Fatalf("seed %d: stream %d: record %d is\n%+v, want\n%+v", seed, i, k, got[k], want[k])
			}
		}
	}
	t.Logf("%.2f bytes per record", float64(len(b))/float64(180_000))
}

// A file that ends anywhere gives its whole chunks, and says what it lost.
func TestNativeCut(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := loopRecords(rng, 3*chunkRecords+10)
	b := nativeFile(t, want)
	whole, err := OpenRecording(bytes.NewReader(b), int64(len(b)), "test")
	if err != nil {
		t.Fatal(err)
	}
	ends := []int64{}
	for _, p := range whole.places[0] {
		ends = append(ends, p.at+chunkHeader+int64(binary.LittleEndian.Uint32(b[p.at+16:])))
	}
	first := whole.places[0][0].at
	for cut := int64(0); cut < int64(len(b)); cut += 1 + rng.Int64N(300) {
		rec, err := OpenRecording(bytes.NewReader(b[:cut]), cut, "test")
		var lost *CutError
		if cut < first {
			if !errors.As(err, &lost) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		chunks := 0
		for _, e := range ends {
			if e <= cut {
				chunks++
			}
		}
		got, err := readRecords(rec, 0)
		if !errors.As(err, &lost) || lost.Chunks != chunks || lost != rec.Cut() {
			t.Fatalf("cut at %d: %v, want %d chunks", cut, err, chunks)
		}
		if n := min(chunks*chunkRecords, len(want)); !slices.Equal(got, want[:n]) {
			t.Fatalf("cut at %d: %d records, want %d", cut, len(got), n)
		}
	}
}

// Where the file system has left zeros, or there is anything else, the chunks
// before are read.
func TestNativeGarbageAtEnd(t *testing.T) {
	want := loopRecords(rand.New(rand.NewPCG(1, 2)), 2*chunkRecords)
	b := nativeFile(t, want)
	whole, err := OpenRecording(bytes.NewReader(b), int64(len(b)), "test")
	if err != nil {
		t.Fatal(err)
	}
	second := whole.places[0][1].at
	for _, garbage := range [][]byte{make([]byte, 4096), bytes.Repeat([]byte("mctC"), 100)} {
		b := append(bytes.Clone(b[:second]), garbage...)
		rec, err := OpenRecording(bytes.NewReader(b), int64(len(b)), "test")
		if err != nil {
			t.Fatal(err)
		}
		got, err := readRecords(rec, 0)
		var lost *CutError
		if !errors.As(err, &lost) || lost.Offset != second || lost.Chunks != 1 || !slices.Equal(got, want[:chunkRecords]) {
			t.Errorf("%d records, %v", len(got), err)
		}
	}
}

// Every flipped bit is noticed, or was in the padding.
func TestNativeDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	want := loopRecords(rng, chunkRecords+500)
	b := nativeFile(t, want)
	for range 2000 {
		d := bytes.Clone(b)
		at := rng.IntN(len(d))
		d[at] ^= 1 << rng.IntN(8)
		rec, err := OpenRecording(bytes.NewReader(d), int64(len(d)), "test")
		if err != nil {
			continue
		}
		got, err := readRecords(rec, 0)
		if err == io.EOF && !reflect.DeepEqual(got, want) {
			t.Fatalf("byte %d: the damage went unnoticed", at)
		}
	}
}

func TestNativeRefs(t *testing.T) {
	refs := []Ref{
		{VA: 0x1000, PA: 0x8000_1000, PC: 0x1000, Cycle: 5, Instructions: 1, Size: 4, Has: 31, Mode: 1, ASID: 3, VMID: 2},
		{VA: 0x2000, PA: 0x8000_2000, PC: 0x1000, Cycle: 6, Size: 8, Kind: Load, Has: 31, Mode: 1, ASID: 3, VMID: 2},
		{VA: 0x2008, Size: 8, Kind: Store, Has: HasVA, Thread: 9, Instructions: 7},
		{PA: 0x2008, Size: 2, Kind: AMO, Has: HasPA, Thread: 9},
		{PA: 0x9000, Size: 100_000, Kind: DMAWrite, Has: HasPA, Thread: 9},
	}
	var buf bytes.Buffer
	w, err := Create(&buf, "mcsim", &Info{Has: HasVA | HasPA})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(refs); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rec, err := OpenRecording(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "test")
	if err != nil {
		t.Fatal(err)
	}
	got := make([]Ref, 10)
	n, err := rec.Refs(0).Read(got)
	if err != nil || !reflect.DeepEqual(got[:n], refs) {
		t.Fatalf("%v, got\n%+v, want\n%+v", err, got[:n], refs)
	}
}

func FuzzNative(f *testing.F) {
	rng := rand.New(rand.NewPCG(5, 6))
	f.Add(nativeFile(f, loopRecords(rng, 300), wildRecords(rng, 20)))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := OpenRecording(bytes.NewReader(b), int64(len(b)), "fuzz")
		if err != nil {
			return
		}
		for i := range rec.Header.Streams {
			r := rec.Refs(i)
			buf := make([]Ref, 100)
			for range 10_000 {
				if _, err := r.Read(buf); err != nil {
					break
				}
			}
		}
	})
}

// FuzzNativeRows feeds a chunk's rows, which no checksum protects from us.
func FuzzNativeRows(f *testing.F) {
	rng := rand.New(rand.NewPCG(7, 8))
	var s stream
	run := 0
	f.Add(s.encode(nil, loopRecords(rng, 100), &run))
	f.Add(s.encode(nil, wildRecords(rng, 10), &run))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c coder
		recs := make([]record.Record, 64)
		left := 0
		for {
			n, used, err := c.decode(recs, b, &left)
			if err != nil || n < len(recs) {
				return
			}
			b = b[used:]
		}
	})
}

func BenchmarkNative(b *testing.B) {
	recs := loopRecords(rand.New(rand.NewPCG(1, 1)), 1<<20)
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			var s stream
			for r := recs; len(r) > 0; {
				_, r = s.add(r, func() *chunk { return new(chunk) })
			}
		}
		b.ReportMetric(float64(len(recs))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrefs/s")
	})
	file := nativeFile(b, recs)
	b.Run("decode", func(b *testing.B) {
		b.ReportMetric(float64(len(file))/float64(len(recs)), "B/ref")
		rec, err := OpenRecording(bytes.NewReader(file), int64(len(file)), "test")
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]record.Record, 4096)
		for b.Loop() {
			r := rec.Records(0)
			for {
				if _, err := r.Read(buf); err != nil {
					break
				}
			}
		}
		b.ReportMetric(float64(len(recs))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrefs/s")
	})
	b.Run("refs", func(b *testing.B) {
		rec, _ := OpenRecording(bytes.NewReader(file), int64(len(file)), "test")
		buf := make([]Ref, 4096)
		for b.Loop() {
			r := rec.Refs(0)
			for {
				if _, err := r.Read(buf); err != nil {
					break
				}
			}
		}
		b.ReportMetric(float64(len(recs))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrefs/s")
	})
}
