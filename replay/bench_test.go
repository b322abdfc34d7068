package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"mcsim/machine"
	"mcsim/replay"
	"mcsim/traces"
)

// streamRefs is a loop over an array of span bytes from base, by words: four
// loads and a store, with three instructions each.
func streamRefs(n int, base, span uint64) []traces.Ref {
	refs := make([]traces.Ref, n)
	at := uint64(0)
	for i := range refs {
		refs[i] = traces.Ref{VA: base + at, Size: 8, Kind: traces.Load, Instructions: 3, Has: traces.HasVA}
		if i%5 == 4 {
			refs[i].Kind = traces.Store
			continue
		}
		at = (at + 8) % span
	}
	return refs
}

// benchRefs is how many references each hart replays in a benchmark's iteration.
const benchRefs = 4 << 20

// bench replays once per iteration, after the machine is built and what is to be
// in memory is there.
func bench(b *testing.B, harts int, c func() replay.Config, set ...string) {
	set = append(set, fmt.Sprintf("machine.harts=%d", harts), "machine.quantum=10000")
	refs := uint64(0)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		m := machineFor(b, settings(b, set...), c())
		runtime.GC()
		b.StartTimer()
		res, err := m.Run(context.Background(), machine.Limits{})
		if err != nil || res.Reason != "trace-end" {
			b.Fatal(res.Reason, err)
		}
		refs += res.References
	}
	b.ReportMetric(float64(refs)/b.Elapsed().Seconds()/1e6, "Mref/s")
	b.ReportMetric(0, "ns/op")
}

// Memory: from references in memory, of arrays that fit in the L1D, in the LLC or
// in neither.
func BenchmarkMemory(b *testing.B) {
	for _, span := range []uint64{16 << 10, 256 << 10, 16 << 20} {
		for _, harts := range []int{1, 2, 64} {
			b.Run(fmt.Sprintf("span=%dKiB/harts=%d", span>>10, harts), func(b *testing.B) {
				bench(b, harts, func() replay.Config {
					var lists [][]traces.Ref
					for i := range harts {
						lists = append(lists, streamRefs(2*benchRefs/max(2, harts), uint64(i)<<32, span))
					}
					return replay.Config{VMs: all(inMemory(lists...)), Preload: true}
				}, "machine.memory=4GiB")
			})
		}
	}
}

// fromFile replays a file of the benchmark's folder.
func fromFile(b *testing.B, name string, harts int, preload bool) {
	bench(b, harts, func() replay.Config {
		t, err := traces.Open(name, traces.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { t.Close() })
		return replay.Config{VMs: all(replay.Trace{Name: name, Info: t.Info, Readers: t.Readers()}), Preload: preload}
	})
}

// Lackey: from uncompressed text, an instruction fetch before each load or store.
func BenchmarkLackey(b *testing.B) {
	var text bytes.Buffer
	for i, r := range streamRefs(benchRefs/2, 0x4a000, 16<<10) {
		fmt.Fprintf(&text, "I  %08x,4\n", 0x400000+4*(i%40))
		if r.Kind == traces.Store {
			fmt.Fprintf(&text, " S %08x,8\n", r.VA)
		} else {
			fmt.Fprintf(&text, " L %08x,8\n", r.VA)
		}
	}
	name := filepath.Join(b.TempDir(), "stream.lackey")
	if err := os.WriteFile(name, text.Bytes(), 0o666); err != nil {
		b.Fatal(err)
	}
	fromFile(b, name, 1, false)
}

// Native: from a compressed file of mcsim's own format, as it is read and from
// memory.
func BenchmarkNative(b *testing.B) {
	name := filepath.Join(b.TempDir(), "stream.mct")
	if err := writeNative(name, streamRefs(benchRefs, 0x4a000, 16<<10)); err != nil {
		b.Fatal(err)
	}
	for _, preload := range []bool{false, true} {
		b.Run(fmt.Sprintf("preload=%v", preload), func(b *testing.B) { fromFile(b, name, 1, preload) })
	}
}

func writeNative(name string, refs []traces.Ref) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w, err := traces.Create(f, "mcsim", &traces.Info{Has: traces.HasVA, Instructions: true, Threads: 1, Shards: 1})
	if err == nil {
		err = w.Write(refs)
	}
	if err == nil {
		err = w.Close()
	}
	return errors.Join(err, f.Close())
}
