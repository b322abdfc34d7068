package traces

import (
	"bytes"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"mcsim/record"
)

// vmRecords are what a hart records that goes from one VM to the other, a few
// references at a time; want are those that were made for a VM of the list, as
// whoever reads the file should see them.
func vmRecords(rng *rand.Rand, n int, hart uint32, vmids []uint16) (recs []record.Record, want []Ref) {
	r := record.Record{Cycle: 10}
	var ref Ref
	for len(recs) < n {
		if rng.IntN(5) == 0 || len(recs) == 0 {
			ref = Ref{Mode: uint8(rng.IntN(2)), ASID: uint16(rng.IntN(3)), VMID: uint16(rng.IntN(4)), Has: HasVA | HasPA | HasPC | HasCycle | HasMode, Thread: hart}
			recs = append(recs, record.Record{Op: record.Context, VA: record.ContextOf(ref.Mode, ref.ASID, ref.VMID, record.HasAll), PA: uint64(hart), Cycle: r.Cycle, Instret: r.Instret})
			continue
		}
		r.VA, r.PC, r.Op, r.Size = rng.Uint64()&^7, rng.Uint64()&^1, record.Op(rng.IntN(int(record.Fence))), 8
		r.PA = r.VA + 0x1000
		r.Cycle += uint64(rng.IntN(30))
		r.Instret++
		recs = append(recs, r)
		if slices.Contains(vmids, ref.VMID) {
			ref.VA, ref.PA, ref.PC, ref.Kind, ref.Size, ref.Cycle = r.VA, r.PA, r.PC, Kind(r.Op), 8, r.Cycle
			want = append(want, ref)
		}
	}
	return recs, want
}

// A filter of VMIDs keeps the references of those VMs, whichever buffer or chunk
// says which VM a hart is in.
func TestVMIDFilter(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 0))
		vmids := [][]uint16{{2}, {0}, {1, 3}, {0, 1, 2, 3}, {9}}[seed%5]
		f := NewFilter()
		f.VMIDs = vmids
		h := Header{Has: record.HasAll, CycleUnit: "cycle", Filters: f.Texts(), Streams: []StreamHeader{{Name: "hart 0"}, {Name: "hart 1", Hart: 1}}}
		var file bytes.Buffer
		p, err := NewRecordPipe(&file, &h, f)
		if err != nil {
			t.Fatal(err)
		}
		var recs [2][]record.Record
		var want [2][]Ref
		for hart := range recs {
			recs[hart], want[hart] = vmRecords(rng, 60_000, uint32(hart), vmids)
		}
		for len(recs[0])+len(recs[1]) > 0 { // in buffers of any length, by turns
			hart := rng.IntN(2)
			n := min(1+rng.IntN(record.BufferRecords), len(recs[hart]))
			p.Put(hart, append(make([]record.Record, 0, record.BufferRecords), recs[hart][:n]...))
			recs[hart] = recs[hart][n:]
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		rec, err := OpenRecording(bytes.NewReader(file.Bytes()), int64(file.Len()), "x")
		if err != nil {
			t.Fatal(err)
		}
		for hart := range want {
			got := refsOf(t, rec.Records(hart))
			if len(got) != len(want[hart]) {
				t.Fatalf("seed %d, VMIDs %v, hart %d: %d references, want %d", seed, vmids, hart, len(got), len(want[hart]))
			}
			for i := range got {
				got[i].Instructions = 0 // counts what was left out, too
				if !reflect.DeepEqual(got[i], want[hart][i]) {
					t.Fatalf("seed %d, hart %d: reference %d is %+v, want %+v", seed, hart, i, got[i], want[hart][i])
				}
			}
		}
	}
}

// refsOf reads the references of a stream.
func refsOf(t *testing.T, r *RecordReader) (refs []Ref) {
	t.Helper()
	var d refDecoder
	buf := make([]record.Record, 1000)
	out := make([]Ref, len(buf))
	for {
		n, err := r.Read(buf)
		refs = append(refs, out[:d.decode(out, buf[:n])]...)
		if err == io.EOF {
			return refs
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
