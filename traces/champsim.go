package traces

import (
	"encoding/binary"
	"fmt"
	"io"
)

// ChampSim's records, one for each instruction (inc/trace_instruction.h), little
// endian; an address of 0 is none:
//
//	        input_instr  cloudsuite_instr
//	 0  8   ip           ip
//	 8  1   is_branch    is_branch
//	 9  1   branch_taken branch_taken
//	10      2 destination registers, 4 source registers   4 and 4
//	16  2×8 stores                                        24 4×8
//	32  4×8 loads                                         56 4×8
//	64      the end                                       88 asid, 96 the end
//
// Sizes are not told. An instruction is fetched, then loads, then stores.
var champsimFormat = champsimLayout{size: 64, stores: 16, numStores: 2, loads: 32}.format(
	"champsim", "ChampSim, records of 64 bytes")

var cloudsuiteFormat = champsimLayout{size: 96, stores: 24, numStores: 4, loads: 56, asid: 88}.format(
	"champsim-cloudsuite", "ChampSim's cloudsuite variant, records of 96 bytes")

const champsimLoads = 4

// champsimLayout is what the two kinds of record differ in.
type champsimLayout struct {
	size, stores, numStores, loads int
	asid                           int // 0 if there is none
}

func (l champsimLayout) format(name, title string) format {
	return format{
		name:  name,
		title: title,
		has:   HasVA | HasPC,
		sniff: l.sniff,
		open: func(in *input, _ *Options, info *Info) ([]Reader, error) {
			info.Instructions = true
			return []Reader{&champsim{champsimLayout: l, in: in}}, nil
		},
		create: func(w io.Writer, _ *Info) Writer { return newChampsimWriter(w, l) },
	}
}

// sniff looks at the fields that can be wrong: the records have no magic
// number. Code that mostly runs straight on tells the two kinds apart.
func (l champsimLayout) sniff(head []byte, whole bool) score {
	n := len(head) / l.size
	if n == 0 {
		return no
	}
	good, near := 0, 0
	var previous uint64
	for i := range n {
		record := head[i*l.size:][:l.size]
		ip := binary.LittleEndian.Uint64(record)
		ok := ip != 0 && canonical(ip) && record[8] <= 1 && record[9] <= 1
		for at := l.stores; at < l.stores+8*l.numStores; at += 8 {
			ok = ok && canonical(binary.LittleEndian.Uint64(record[at:]))
		}
		for at := l.loads; at < l.loads+8*champsimLoads; at += 8 {
			ok = ok && canonical(binary.LittleEndian.Uint64(record[at:]))
		}
		if ok {
			good++
			if distance := ip - previous; distance+1<<16 < 2<<16 {
				near++
			}
		}
		previous = ip
	}
	found := possible
	switch {
	case good*10 < n*9:
		return no
	case near*2 > n-1 && n > 3:
		found = likely
	}
	if whole && len(head)%l.size != 0 {
		found -= 10 // cut off, or the other kind
	}
	return found
}

// canonical reports whether an address is one that 57 bits can reach.
func canonical(addr uint64) bool {
	top := int64(addr) >> 56
	return top == 0 || top == -1
}

type champsim struct {
	champsimLayout
	in      *input
	pending []Ref
	made    [1 + champsimLoads + 4]Ref
	err     error
}

func (c *champsim) Read(refs []Ref) (n int, err error) {
	n = copy(refs, c.pending)
	c.pending = c.pending[n:]
	for n < len(refs) && c.err == nil {
		if n > 0 && c.in.end-c.in.pos < c.size {
			break
		}
		var count int
		if count, c.err = c.in.records(c.size); c.err != nil {
			break
		}
		for ; count > 0 && n < len(refs) && c.err == nil; count-- {
			if len(refs)-n >= len(c.made) {
				n += c.record(refs[n:])
				continue
			}
			made := c.made[:c.record(c.made[:])]
			got := copy(refs[n:], made)
			n += got
			c.pending = made[got:]
		}
	}
	if n < len(refs) {
		err = c.err
	}
	return n, err
}

// record takes one record into refs, which has room for the most it can make.
func (c *champsim) record(refs []Ref) (n int) {
	record := c.in.buf[c.in.pos:][:c.size]
	if record[8]|record[9] > 1 {
		c.err = c.in.badRecord(fmt.Sprintf("is_branch %d, branch_taken %d", record[8], record[9]),
			fmt.Sprintf("0 or 1 in each, as in a %d-byte record of ChampSim (--format to name another)", c.size))
		return 0
	}
	ip := binary.LittleEndian.Uint64(record)
	asid := uint16(0)
	if c.asid > 0 {
		asid = binary.LittleEndian.Uint16(record[c.asid:])
	}
	refs[0] = Ref{VA: ip, PC: ip, Instructions: 1, Size: 1, Thread: c.in.shard, ASID: asid, Kind: Fetch, Has: HasVA | HasPC}
	n = c.memory(refs, 1, record[c.loads:][:8*champsimLoads], Load)
	n = c.memory(refs, n, record[c.stores:][:8*c.numStores], Store)
	c.in.pos += c.size
	return n
}

// memory takes the addresses that are some, most often none.
func (c *champsim) memory(refs []Ref, n int, addrs []byte, kind Kind) int {
	for ; len(addrs) >= 16; addrs = addrs[16:] {
		first, second := binary.LittleEndian.Uint64(addrs), binary.LittleEndian.Uint64(addrs[8:])
		if first|second == 0 {
			continue
		}
		ref := Ref{VA: first, PC: refs[0].PC, Size: 1, Thread: refs[0].Thread, ASID: refs[0].ASID, Kind: kind, Has: HasVA | HasPC}
		if first != 0 {
			refs[n] = ref
			n++
		}
		if second != 0 {
			ref.VA = second
			refs[n] = ref
			n++
		}
	}
	return n
}
