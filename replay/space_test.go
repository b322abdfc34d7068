package replay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mcsim/core"
	"mcsim/machine"
	"mcsim/replay"
	"mcsim/traces"
)

// stores write one word at each address, on one hart.
func stores(vas ...uint64) []traces.Ref {
	var refs []traces.Ref
	for _, va := range vas {
		refs = append(refs, traces.Ref{VA: va, Size: 8, Kind: traces.Store, Instructions: 1, Has: traces.HasVA})
	}
	return refs
}

// Tables grow with the addresses that they are to hold, in both halves of the
// address space, and what was mapped before stays mapped.
func TestTablesGrow(t *testing.T) {
	vas := []uint64{0x1000, 0x3f_ffff_f000, ^uint64(0xfff), 0xffff_ffc0_0000_0000, // Sv39
		0x40_0000_0000, 0x7fff_ffff_f000, 0xffff_8000_0000_0000, // Sv48
		0xff_ffff_ffff_f000, 0xff00_0000_0000_0000} // Sv57
	var refs []traces.Ref
	for range 3 {
		refs = append(refs, stores(vas...)...)
		for _, va := range vas {
			refs = append(refs, traces.Ref{VA: va, Size: 8, Kind: traces.Load, Instructions: 1, Has: traces.HasVA})
		}
	}
	for _, pages := range []replay.Pages{replay.Pages4K, replay.Pages2M, replay.PagesNone} {
		m, s := play(t, settings(t, "machine.dtlb.entries=4", "machine.dtlb.ways=4", "machine.l2tlb.entries=0", "machine.walk_cache.entries=4"),
			replay.Config{VMs: all(inMemory(refs)), Pages: pages})
		got := words(t, m)
		if len(got) != len(vas) {
			t.Errorf("%d words, want %d: %x", len(got), len(vas), got)
		}
		if n := get(t, s, "replay.pages"); n != uint64(len(vas)) {
			t.Errorf("%d pages, want %d", n, len(vas))
		}
		if n := get(t, s, "replay.folded"); n != 0 {
			t.Errorf("%d addresses folded", n)
		}
	}
}

// A cold walk of a table with n levels reads n entries; pages of 2 MiB have one
// level less (privileged manual, Sv39 and following).
func TestWalksReadTheirLevels(t *testing.T) {
	for _, test := range []struct {
		va     uint64
		pages  replay.Pages
		levels uint64
	}{
		{0x1000, replay.Pages4K, 3}, {0x1000, replay.Pages2M, 2}, {0x7fff_0000_0000, replay.Pages4K, 4}, {0xff_0000_0000_0000, replay.Pages4K, 5},
	} {
		// The first touch grows the table and faults; another page of a branch of
		// its own is then walked to twice: for the fault and after it. A third
		// time it is in the TLB.
		other := test.va + 1<<32
		refs := append(stores(test.va), stores(other, other+8)...)
		c := replay.Config{VMs: all(inMemory(refs)), Pages: test.pages}
		_, before := play(t, settings(t, "machine.walk_cache.entries=0"), replay.Config{VMs: all(inMemory(refs[:1])), Pages: test.pages})
		_, s := play(t, settings(t, "machine.walk_cache.entries=0"), c)
		n := get(t, s, "harts[0].walker.accesses") - get(t, before, "harts[0].walker.accesses")
		// The walk that faults ends where the branch is missing.
		if n <= test.levels || n > 2*test.levels {
			t.Errorf("%+v: the walker made %d accesses", test, n)
		}
	}
}

// An address that the largest mode cannot express loses its upper bits, and is
// counted.
func TestFoldedAddresses(t *testing.T) {
	tagged := uint64(0xb4<<56 | 0x7000_1000)
	refs := append(stores(0x7000_1000), stores(tagged)...)
	m, s := play(t, settings(t), replay.Config{VMs: all(inMemory(refs))})
	if n := get(t, s, "replay.folded"); n == 0 {
		t.Error("nothing was folded")
	}
	if got := words(t, m); len(got) != 1 || got[0x7000_1000] != 1<<48+2 {
		t.Errorf("%x", got)
	}
	_, s = play(t, settings(t, "machine.mmu=sv39"), replay.Config{VMs: all(inMemory(stores(0x7fff_ffff_f000)))})
	if n := get(t, s, "replay.folded"); n == 0 {
		t.Error("Sv39 holds 47 bits")
	}
}

// Frames: in the order of first touch, by the seed without one twice, or that of
// the address.
func TestFrames(t *testing.T) {
	var vas []uint64
	for i := range uint64(500) {
		vas = append(vas, 0x10_0000+i*4096)
	}
	refs := stores(vas...)
	for _, how := range []replay.Frames{replay.FirstTouch, replay.Random, replay.Identity} {
		m, _ := play(t, settings(t, "machine.memory=4MiB"), replay.Config{VMs: all(inMemory(refs)), Frames: how})
		if n := len(words(t, m)); n != len(vas) {
			t.Errorf("frames %d: %d words, want %d", how, n, len(vas))
		}
	}
	m, _ := play(t, settings(t), replay.Config{VMs: all(inMemory(refs)), Frames: replay.Identity})
	var b [8]byte
	if err := m.ReadMemory(0x10_0000, b[:]); err != nil || b[6] != 1 || b[0] != 1 {
		t.Errorf("the word at its own address is %x, %v", b, err)
	}
}

// fails replays and returns the error and what was replayed.
func fails(t *testing.T, c replay.Config, set ...string) (uint64, error) {
	t.Helper()
	m := machineFor(t, settings(t, set...), c)
	res, err := m.Run(context.Background(), machine.Limits{})
	if err == nil || res.Reason != "trace-error" {
		t.Errorf("ended by %q: %v", res.Reason, err)
	}
	return res.References, err
}

// Memory that runs out is said, with the field that gives more.
func TestMemoryRunsOut(t *testing.T) {
	var vas []uint64
	for i := range uint64(300) {
		vas = append(vas, i*4096)
	}
	n, err := fails(t, replay.Config{VMs: all(inMemory(stores(vas...)))}, "machine.memory=1MiB")
	if err == nil || !strings.Contains(err.Error(), "1024 KiB; a larger one: --set machine.memory=4MiB") {
		t.Error(err)
	}
	if n < 240 || n > 256 { // what the page table leaves
		t.Errorf("%d references", n)
	}
	phys := inMemory([]traces.Ref{{PA: 0x1000, Size: 4, Kind: traces.Store, Has: traces.HasPA}, {PA: 1 << 40, Size: 4, Kind: traces.Load, Has: traces.HasPA}})
	phys.Info.Has = traces.HasPA
	n, err = fails(t, replay.Config{VMs: all(phys)})
	if !errors.Is(err, core.ErrNoMemory) || !strings.Contains(err.Error(), "0x10000000000") || n != 1 {
		t.Errorf("%d references, %v", n, err)
	}
	// No setting helps there, but one does below 64 GiB from where programs begin.
	if err == nil || strings.Contains(err.Error(), "--set") || !strings.Contains(err.Error(), "mcsim trace slice") {
		t.Error(err)
	}
	phys = inMemory([]traces.Ref{{PA: 66<<30 - 4, Size: 4, Kind: traces.Load, Has: traces.HasPA}})
	phys.Info.Has = traces.HasPA
	if _, err = fails(t, replay.Config{VMs: all(phys)}); err == nil || !strings.Contains(err.Error(), "--set machine.memory=SIZE") {
		t.Error(err)
	}
}

// What is wrong in a reference ends its trace there, and all before is counted.
func TestOddReferences(t *testing.T) {
	ok := loads(5000, 0x1000, 1)
	for _, test := range []struct {
		ref  traces.Ref
		want string
	}{
		{traces.Ref{VA: 0x5000, Kind: traces.Load, Has: traces.HasVA}, "its size is 0; it should be 1 to 65535 bytes"},
		{traces.Ref{VA: 0x5000, Size: 1 << 30, Kind: traces.Store, Has: traces.HasVA}, "its size is 1073741824"},
		{traces.Ref{VA: ^uint64(3), Size: 8, Kind: traces.Load, Has: traces.HasVA}, "wrap around"},
		{traces.Ref{VA: 0x5000, Size: 8, Kind: traces.NumKinds + 3, Has: traces.HasVA}, "kind is unknown"},
	} {
		refs := append(append([]traces.Ref{}, ok...), test.ref)
		refs = append(refs, ok...)
		n, err := fails(t, replay.Config{VMs: all(inMemory(refs))})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "memory: reference 5001 ") || n != 5000 {
			t.Errorf("%d references: %v", n, err)
		}
	}
	// The largest size, and the last byte of the address space, are fine.
	refs := []traces.Ref{{VA: 0x5000, Size: 65535, Kind: traces.Load, Has: traces.HasVA, Instructions: 1}, {VA: ^uint64(7), Size: 8, Kind: traces.Store, Has: traces.HasVA, Instructions: 1}}
	_, s := play(t, settings(t), replay.Config{VMs: all(inMemory(refs))})
	if n := get(t, s, "harts[0].l1d.accesses") - get(t, s, "harts[0].walker.accesses"); n != 1024+1 {
		t.Errorf("%d accesses of 65535 and of 8 bytes", n)
	}
}

// badReader fails after some references.
type badReader struct {
	left  int
	panic bool
}

func (r *badReader) Read(refs []traces.Ref) (int, error) {
	if r.left == 0 {
		if r.panic {
			panic("a hostile file")
		}
		return 0, fmt.Errorf("x.trace:17: what is this?")
	}
	n := min(r.left, len(refs), 100)
	copy(refs, loads(n, 0x1000, 1))
	r.left -= n
	return n, nil
}

func TestReadersFail(t *testing.T) {
	for _, panics := range []bool{false, true} {
		tr := inMemory()
		tr.Readers = []traces.Reader{&badReader{left: 12345, panic: panics}, replay.FromMemory(loads(3000, 0x1000, 1))}
		n, err := fails(t, replay.Config{VMs: all(tr)}, "machine.harts=2")
		if panics && !strings.Contains(err.Error(), "a hostile file") || !panics && err.Error() != "x.trace:17: what is this?" {
			t.Error(err)
		}
		// All that came before it is replayed, and some of the other stream.
		if n <= 12345 || n > 12345+3000 {
			t.Errorf("%d references before the error", n)
		}
	}
}

// A configuration that cannot be is refused, with all of its mistakes.
func TestConfigMistakes(t *testing.T) {
	m, err := machine.New(settings(t), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = m.LoadReplay(replay.Config{
		VMs: []replay.VM{{Name: "a", Traces: []replay.Trace{inMemory(loads(1, 0, 1))}}, {Name: "b"}},
		Map: map[uint32]int{3: 5}, Regions: []replay.Region{{"heap", 9, 3}}, Pages: replay.PagesNone, Frames: replay.Random,
	})
	for _, want := range []string{"2 virtual machines need a hart each", "VM b has no trace", "thread 3 is mapped to hart 5", "region heap ends at 0x3", "without page tables"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: no %q", err, want)
		}
	}
}
