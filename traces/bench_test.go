package traces

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// benchRefs is a program's like: fetches mostly in order, a load for every
// third and a store for every sixth.
func benchRefs() (refs []Ref) {
	random := rand.New(rand.NewPCG(1, 2))
	const has = HasVA | HasPA | HasPC | HasCycle | HasSize
	pc := uint64(0x4001f00)
	for i := range uint64(200000) {
		pc += 1 + random.Uint64N(7)
		refs = append(refs, Ref{VA: pc, PA: pc, PC: pc, Cycle: i / 500, Size: 4, Instructions: 1, Kind: Fetch, Has: has})
		r := Ref{PC: pc, Cycle: i / 500, Size: 8, Kind: Load, Has: has}
		r.VA = 0x1ffefff000 + random.Uint64N(4096)
		r.PA = r.VA
		switch random.IntN(6) {
		case 0, 1:
			refs = append(refs, r)
		case 2:
			r.Kind = Store
			refs = append(refs, r)
		}
	}
	return refs
}

// Every reader alone, from memory.
func BenchmarkReaders(b *testing.B) {
	refs := benchRefs()
	for _, f := range formats {
		if f.create == nil || f.name == "mcsim" {
			continue
		}
		var content bytes.Buffer
		w := f.create(&content, &Info{Has: refs[0].Has})
		if err := w.Write(refs); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		b.Run(f.name, func(b *testing.B) { benchmarkReader(b, content.Bytes(), f) })
	}
	b.Run("spike", func(b *testing.B) {
		benchmarkReader(b, []byte(strings.Repeat(spikeSample, 10000)), &spikeFormat)
	})
}

func benchmarkReader(b *testing.B, content []byte, f *format) {
	refs := make([]Ref, 512)
	b.SetBytes(int64(len(content)))
	total := 0
	for b.Loop() {
		readers, err := f.open(newInput(bytes.NewReader(content), "bench", maxBuffer), &Options{}, &Info{})
		if err != nil {
			b.Fatal(err)
		}
		total += drain(b, readers[0], refs)
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "refs/s")
}

func drain(b *testing.B, r Reader, refs []Ref) (total int) {
	for {
		n, err := r.Read(refs)
		total += n
		if err == io.EOF {
			return total
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// Lackey's text with each compression, decompressed ahead of the parser. The
// bytes are those of the text.
func BenchmarkCompressed(b *testing.B) {
	var text bytes.Buffer
	w := lackeyFormat.create(&text, &Info{})
	if err := w.Write(benchRefs()); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"gzip", "zstd", "xz", "lz4", "snappy"} {
		packed := compressors[name](b, text.Bytes())
		b.Run(name, func(b *testing.B) {
			refs := make([]Ref, 512)
			b.SetBytes(int64(text.Len()))
			total := 0
			for b.Loop() {
				trace, err := Open("-", Options{Stdin: bytes.NewReader(packed)})
				if err != nil {
					b.Fatal(err)
				}
				total += drain(b, trace.Readers()[0], refs)
				if err := trace.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "refs/s")
		})
	}
}
