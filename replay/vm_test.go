package replay_test

import (
	"fmt"
	"testing"

	"mcsim/replay"
	"mcsim/traces"
)

// sweeps are passes over an array of span bytes.
func sweeps(passes int, va, span uint64) (refs []traces.Ref) {
	for range passes {
		refs = append(refs, loads(int(span/64), va, 2)...)
	}
	return refs
}

// VMs have harts, memory and page tables of their own, their statistics add up to
// the machine's, and each is slowed down by the others, not by its own replay:
// one that is alone in a wider machine takes exactly as long as ever.
func TestVMs(t *testing.T) {
	trace := func() []replay.Trace {
		return []replay.Trace{inMemory(append(sweeps(4, 0x10000, 96<<10), stores(0x10000)...))}
	}
	set := []string{"machine.harts=4", "machine.llc.size=128KiB", "machine.l1i.size=4KiB", "machine.l1d.size=4KiB"}
	vms := func(n int) (out []replay.VM) {
		for i := range n {
			out = append(out, replay.VM{Name: fmt.Sprint(i), Traces: trace()})
		}
		return out
	}
	alone := func(i int) uint64 {
		_, s := play(t, settings(t, set...), replay.Config{VMs: vms(2), Alone: i + 1})
		if n := get(t, s, fmt.Sprintf("vms[%d].references", 1-i)); n != 0 {
			t.Errorf("the other VM made %d references", n)
		}
		return get(t, s, fmt.Sprintf("vms[%d].cycles", i))
	}
	m, s := play(t, settings(t, set...), replay.Config{VMs: vms(2)})
	var requests, misses uint64
	for i := range 2 {
		at := fmt.Sprintf("vms[%d].", i)
		requests += get(t, s, at+"requests")
		misses += get(t, s, at+"llc.misses")
		together, single := get(t, s, at+"cycles"), alone(i)
		// 96 KiB fit in the LLC once, and not twice.
		if together < single*11/10 {
			t.Errorf("VM %d takes %d cycles beside the other, and %d alone", i, together, single)
		}
		if n := get(t, s, fmt.Sprintf("harts[%d].instructions", 2*i)); n == 0 {
			t.Errorf("VM %d does not begin at hart %d", i, 2*i)
		}
	}
	if n := get(t, s, "llc.misses"); n != misses {
		t.Errorf("%d misses of the LLC, and %d of the VMs", n, misses)
	}
	lines := get(t, s, "vms[0].llc.lines") + get(t, s, "vms[1].llc.lines")
	if lines == 0 || lines > 2048 {
		t.Errorf("the VMs have %d lines in an LLC of 2048", lines)
	}
	// Each has a word at the same virtual address, in memory of its own.
	for i := range 2 {
		n := 0
		if err := m.Replay().Image(i, func(_ int, va, word uint64) {
			n++
			if va != 0x10000 || word>>48 != uint64(i+1) {
				t.Errorf("VM %d holds %#x at %#x", i, word, va)
			}
		}); err != nil || n != 1 {
			t.Errorf("VM %d: %d words, %v", i, n, err)
		}
	}
}
