package traces

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"mcsim/record"
)

// Filter says which references a recording is made of. The zero Filter wants
// none: begin with NewFilter.
type Filter struct {
	Harts    []int    // nil: all; devices are -1
	VMIDs    []uint16 // nil: all
	Kinds    []Kind   // nil: all
	From, To uint64   // cycles, both inclusive
	Ranges   []Range  // nil: all
}

// Range is of addresses, both ends inclusive, virtual or physical.
type Range struct {
	First, Last uint64
}

// NewFilter returns a filter that wants everything.
func NewFilter() *Filter { return &Filter{To: math.MaxUint64} }

// Any says whether the filter leaves anything out.
func (f *Filter) Any() bool {
	return f.Harts != nil || f.VMIDs != nil || f.Kinds != nil || f.From != 0 || f.To != math.MaxUint64 || f.Ranges != nil
}

// Texts describes the filter, for the header of a recording.
func (f *Filter) Texts() (texts []string) {
	say := func(there bool, format string, v any) {
		if there {
			texts = append(texts, fmt.Sprintf(format, v))
		}
	}
	say(f.Harts != nil, "harts %v", f.Harts)
	say(f.VMIDs != nil, "VMIDs %v", f.VMIDs)
	say(f.Kinds != nil, "kinds %v", f.Kinds)
	if f.From != 0 || f.To != math.MaxUint64 {
		texts = append(texts, fmt.Sprintf("cycles %d to %d", f.From, f.To))
	}
	for _, r := range f.Ranges {
		texts = append(texts, fmt.Sprintf("addresses %#x to %#x", r.First, r.Last))
	}
	return texts
}

// ParseKinds finds kinds by name, separated by commas. "data" stands for loads,
// stores and atomics, "dma" for both directions.
func ParseKinds(names []string) (kinds []Kind, err error) {
	for _, name := range names {
		switch name {
		case "data":
			kinds = append(kinds, Load, Store, LR, SC, AMO)
			continue
		case "dma":
			kinds = append(kinds, DMARead, DMAWrite)
			continue
		}
		k := Kind(0)
		for k < NumKinds && kindNames[k] != name {
			k++
		}
		if k == NumKinds {
			return nil, fmt.Errorf("no kind of reference %q; there are %s, data and dma", name, strings.Join(kindNames[:], ", "))
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

// ParseRange parses FIRST-LAST or FIRST+SIZE, in decimal or with 0x.
func ParseRange(s string) (r Range, err error) {
	bad := fmt.Errorf("%q is no range of addresses; write FIRST-LAST or FIRST+SIZE, as in 0x80000000+4096", s)
	at := strings.IndexAny(s, "-+")
	if at < 0 {
		return r, bad
	}
	a, err1 := strconv.ParseUint(s[:at], 0, 64)
	b, err2 := strconv.ParseUint(s[at+1:], 0, 64)
	if err1 != nil || err2 != nil {
		return r, bad
	}
	if s[at] == '+' {
		if b == 0 || a+b-1 < a {
			return r, bad
		}
		b = a + b - 1
	}
	if b < a {
		return r, bad
	}
	return Range{a, b}, nil
}

// ParseWindow parses FROM-TO in cycles, of which one may be left out.
func ParseWindow(s string) (from, to uint64, err error) {
	a, b, ok := strings.Cut(s, "-")
	from, to = 0, math.MaxUint64
	var err1, err2 error
	if a != "" {
		from, err1 = strconv.ParseUint(a, 10, 64)
	}
	if b != "" {
		to, err2 = strconv.ParseUint(b, 10, 64)
	}
	if !ok || err1 != nil || err2 != nil || to < from {
		return 0, 0, fmt.Errorf("%q is no window of cycles; write FROM-TO, as in 1000-2000 or 1000-", s)
	}
	return from, to, nil
}

// filtered applies a filter to the streams of a recording.
type filtered struct {
	kept  []record.Record
	vmid  map[int]uint16 // by stream
	kinds uint32
}

func (k *filtered) apply(f *Filter, stream int, recs []record.Record) []record.Record {
	if k.vmid == nil {
		k.vmid = map[int]uint16{}
		for _, kind := range f.Kinds {
			k.kinds |= 1 << kind
		}
		if f.Kinds == nil {
			k.kinds = ^uint32(0)
		}
	}
	k.kept = k.kept[:0]
	vmid := k.vmid[stream]
	for i := range recs {
		r := &recs[i]
		if r.Op == record.Context {
			_, _, vmid, _ = record.SplitContext(r.VA)
			k.kept = append(k.kept, *r)
			continue
		}
		if r.Op >= record.NumRefs || k.kinds>>r.Op&1 == 0 || r.Cycle < f.From || r.Cycle > f.To ||
			r.Flags&record.Fault != 0 || !f.wantsVM(vmid) || !f.wantsAddress(r) {
			continue
		}
		k.kept = append(k.kept, *r)
	}
	k.vmid[stream] = vmid
	return k.kept
}

func (f *Filter) wantsVM(vmid uint16) bool {
	if f.VMIDs == nil {
		return true
	}
	for _, v := range f.VMIDs {
		if v == vmid {
			return true
		}
	}
	return false
}

func (f *Filter) wantsAddress(r *record.Record) bool {
	if f.Ranges == nil {
		return true
	}
	size := uint64(max(r.Size, 1))
	if r.Op >= record.DMARead {
		size = max(r.VA, 1)
	}
	for _, g := range f.Ranges {
		if g.meets(r.PA, size) || r.Op < record.Walk && g.meets(r.VA, size) {
			return true
		}
	}
	return false
}

// meets says whether [a, a+size) and the range have a byte in common.
func (r Range) meets(a, size uint64) bool {
	last := a + size - 1
	if last < a {
		last = math.MaxUint64
	}
	return a <= r.Last && last >= r.First
}

// WantsHart says whether a hart is recorded; -1 stands for the devices.
func (f *Filter) WantsHart(hart int) bool {
	return f.Harts == nil || slices.Contains(f.Harts, hart)
}
