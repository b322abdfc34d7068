package traces

import "bytes"

// Spike's commit log, spike --log-commits (riscv/execute.cc,
// commit_log_print_insn): core, privilege, pc, instruction, what was written to
// registers, then the addresses of loads, then those of stores with the value,
// whose digits tell the size. The size of a load is that of the instruction.
//
//	core   0: 3 0x0000000080000010 (0x00053303) x6  0x0000000000000007 mem 0x0000000080001000
//	core   0: 3 0x0000000080000014 (0x00653023) mem 0x0000000080001000 0x0000000000000007
//
// Lines of -l and of exceptions, which begin with the core as well, are passed
// over, as are those of symbols (>>>>). References to page tables are not in it.
var spikeFormat = format{
	name:  "spike",
	title: "Spike commit log, --log-commits",
	has:   HasVA | HasPC | HasSize | HasMode,
	sniff: sniffSpike,
	open: func(in *input, _ *Options, info *Info) ([]Reader, error) {
		info.Instructions = true
		s := &spike{in: in}
		return []Reader{&textReader{in: in, lines: oneByOne(s.line)}}, nil
	},
}

const wantSpike = "a line of Spike's commit log such as " +
	"`core   0: 3 0x0000000080000000 (0x00000297) x5 0x0000000080000000` " +
	"(spike --log-commits --log=FILE keeps the program's own output out of it)"

type spike struct {
	in *input
}

// spikeCommit is the fixed part of a commit's line.
type spikeCommit struct {
	core, pc  uint64
	mode      uint8
	insn      uint32
	insnBytes uint32
	xlen      uint32 // in bytes
	rest      []byte // of the line: registers and memory
}

// parseSpike splits a line. other: it is one of Spike's that is no commit.
func parseSpike(line []byte) (c spikeCommit, other, ok bool) {
	rest, found := bytes.CutPrefix(line, []byte("core"))
	if !found {
		return c, len(line) == 0 || bytes.HasPrefix(line, []byte(">>>>")), false
	}
	rest = bytes.TrimLeft(rest, " ")
	core, n, ok := decimalAt(rest, 0)
	if !ok || !bytes.HasPrefix(rest[n:], []byte(": ")) {
		return c, false, false
	}
	rest = rest[n+2:]
	// "3 0x" and 8 or 16 digits " (0x" and 4 to 16 digits ")"
	if len(rest) < 4 || rest[0] < '0' || rest[0] > '3' || string(rest[1:4]) != " 0x" {
		return c, true, false
	}
	c.core, c.mode = core, rest[0]-'0'
	pc, next, ok := hexAt(rest, 4)
	if !ok || !bytes.HasPrefix(rest[next:], []byte(" (0x")) {
		return c, false, false
	}
	c.pc, c.xlen = pc, uint32(next-4)/2
	insn, end, ok := hexAt(rest, next+4)
	if !ok || end == len(rest) || rest[end] != ')' {
		return c, false, false
	}
	c.insn, c.insnBytes = uint32(insn), uint32(end-next-4)/2
	c.rest = rest[end+1:]
	return c, false, c.insnBytes > 0 && (c.xlen == 4 || c.xlen == 8)
}

func sniffSpike(head []byte, whole bool) score {
	return sniffLines(head, whole, func(line []byte) verdict {
		switch _, other, ok := parseSpike(line); {
		case ok:
			return fits
		case other:
			return neutral
		}
		return misfits
	}, likely)
}

func (s *spike) line(line []byte, refs []Ref) ([]Ref, error) {
	c, other, ok := parseSpike(line)
	switch {
	case other:
		return refs, nil
	case !ok:
		return refs, s.in.badLine(line, wantSpike)
	case c.core >= maxHarts:
		return refs, s.in.badLine(line, wantHart)
	}
	const has = HasVA | HasPC | HasSize | HasMode
	ref := Ref{VA: c.pc, PC: c.pc, Size: c.insnBytes, Instructions: 1, Thread: uint32(c.core), Mode: c.mode, Has: has}
	refs = append(refs, ref)
	ref.Instructions = 0
	kind, size := rvAccess(c.insn, c.xlen)
	if kind == Fence {
		ref.VA, ref.Size, ref.Kind, ref.Has = 0, 1, Fence, HasPC|HasMode
		return append(refs, ref), nil
	}
	if refs, ok = s.memory(c, ref, kind, size, refs); !ok {
		return refs, s.in.badLine(line, wantSpike)
	}
	return refs, nil
}

// memory appends what the line says of memory. The load and the store of an
// AMO are one reference.
func (s *spike) memory(c spikeCommit, ref Ref, kind Kind, size uint32, refs []Ref) ([]Ref, bool) {
	rest := c.rest
	for {
		i := bytes.Index(rest, []byte(" mem 0x"))
		if i < 0 {
			return refs, true
		}
		addr, next, ok := hexAt(rest, i+7)
		if !ok {
			return refs, false
		}
		rest = rest[next:]
		ref.VA, ref.Kind, ref.Size = addr, Load, size
		if kind == LR || kind == AMO {
			ref.Kind = kind
		}
		if bytes.HasPrefix(rest, []byte(" 0x")) {
			n := 3
			for n < len(rest) && hexValue[rest[n]] != 0xff {
				n++
			}
			ref.Kind, ref.Size = Store, uint32(n-3)/2
			rest = rest[n:]
			if kind == SC {
				ref.Kind = SC
			}
			if kind == AMO {
				continue // its load has it
			}
		}
		if !sized(ref.VA, uint64(ref.Size)) {
			return refs, false
		}
		refs = append(refs, ref)
	}
}
