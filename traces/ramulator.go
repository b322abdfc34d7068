package traces

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Ramulator has three forms of text.
//
// For its cores (Ramulator, README and Processor.cpp; Ramulator 2,
// frontend/impl/processor/simpleO3): how many instructions come before the
// memory request, the address of the load, and that of the line that it writes
// back; or R or W in the unfiltered form. Numbers are decimal, or hexadecimal
// with 0x.
//
//	3 20734016
//	8 20841280 20841344
var ramulatorFormat = format{
	name:  "ramulator",
	title: "Ramulator, for cores: instructions load [writeback | R|W]",
	has:   HasVA,
	sniff: func(head []byte, whole bool) score { return sniffRamulator(head, whole, ramulatorCPU) },
	open: func(in *input, _ *Options, info *Info) ([]Reader, error) {
		info.Instructions = true
		return openRamulator(in, ramulatorCPU,
			"a line of Ramulator's traces for cores such as `3 20734016 20841280`: instructions, load, and possibly a write-back")
	},
	create: newRamulatorWriter(ramulatorFormCPU),
}

// For its memory (Ramulator, README, "Memory Trace Driven"): a hexadecimal
// address and R or W.
//
//	0x12345680 R
var ramulatorDRAMFormat = format{
	name:  "ramulator-dram",
	title: "Ramulator, for memory: address R|W",
	has:   HasPA,
	sniff: func(head []byte, whole bool) score { return sniffRamulator(head, whole, ramulatorDRAM) },
	open: func(in *input, _ *Options, _ *Info) ([]Reader, error) {
		return openRamulator(in, ramulatorDRAM,
			"a line of Ramulator's traces for memory such as `0x12345680 R`: a hexadecimal address, then R or W")
	},
	create: newRamulatorWriter(ramulatorFormDRAM),
}

// Ramulator 2's loads and stores (frontend/impl/memory_trace/loadstore_trace.cpp).
//
//	LD 0x12340
//	ST 4096
var ramulator2Format = format{
	name:  "ramulator2",
	title: "Ramulator 2, for memory: LD|ST address",
	has:   HasPA,
	sniff: func(head []byte, whole bool) score { return sniffRamulator(head, whole, ramulatorLDST) },
	open: func(in *input, _ *Options, _ *Info) ([]Reader, error) {
		return openRamulator(in, ramulatorLDST,
			"a line of Ramulator 2 such as `LD 0x12340`: LD or ST, then a decimal address or a hexadecimal one with 0x")
	},
	create: newRamulatorWriter(ramulatorFormLDST),
}

// A ramulatorLine appends a line's references, or says that it is none.
type ramulatorLine func(line []byte, refs []Ref) ([]Ref, bool)

func ramulatorCPU(line []byte, refs []Ref) ([]Ref, bool) {
	var f lineFields
	n := fields(line, &f)
	if n < 2 || n > 3 {
		return refs, false
	}
	before, beforeOK := decimalField(f[0])
	load, loadOK := numberField(f[1])
	if !beforeOK || !loadOK || before >= math.MaxUint32 {
		return refs, false
	}
	ref := Ref{VA: load, Size: 1, Instructions: uint32(before) + 1, Kind: Load, Has: HasVA}
	if n == 2 {
		return append(refs, ref), true
	}
	switch string(f[2]) {
	case "R":
	case "W":
		ref.Kind = Store
	default:
		back, ok := numberField(f[2])
		if !ok {
			return refs, false
		}
		refs = append(refs, ref)
		ref = Ref{VA: back, Size: 1, Kind: Store, Has: HasVA}
	}
	return append(refs, ref), true
}

func ramulatorDRAM(line []byte, refs []Ref) ([]Ref, bool) {
	var f lineFields
	if fields(line, &f) != 2 {
		return refs, false
	}
	addr, ok := hexField(f[0])
	ref := Ref{PA: addr, Size: 1, Kind: Load, Has: HasPA}
	switch string(f[1]) {
	case "R":
	case "W":
		ref.Kind = Store
	default:
		return refs, false
	}
	return append(refs, ref), ok
}

func ramulatorLDST(line []byte, refs []Ref) ([]Ref, bool) {
	var f lineFields
	if fields(line, &f) != 2 {
		return refs, false
	}
	addr, ok := numberField(f[1])
	ref := Ref{PA: addr, Size: 1, Kind: Load, Has: HasPA}
	switch string(f[0]) {
	case "LD":
	case "ST":
		ref.Kind = Store
	default:
		return refs, false
	}
	return append(refs, ref), ok
}

func sniffRamulator(head []byte, whole bool, parse ramulatorLine) score {
	var made [2]Ref
	return sniffLines(head, whole, func(line []byte) verdict {
		switch _, ok := parse(line, made[:0]); {
		case ok:
			return fits
		case len(line) == 0:
			return neutral
		}
		return misfits
	}, likely)
}

func openRamulator(in *input, parse ramulatorLine, want string) ([]Reader, error) {
	return []Reader{&textReader{in: in, lines: oneByOne(func(line []byte, refs []Ref) ([]Ref, error) {
		if len(bytes.TrimSpace(line)) == 0 {
			return refs, nil
		}
		refs, ok := parse(line, refs)
		if !ok {
			return refs, in.badLine(line, want)
		}
		for i := range refs {
			refs[i].Thread = in.shard
		}
		return refs, nil
	})}}, nil
}

type ramulatorForm uint8

const (
	ramulatorFormCPU ramulatorForm = iota
	ramulatorFormDRAM
	ramulatorFormLDST
)

// ramulatorWriter writes one of the forms. Fetches are left out, as Ramulator's
// own traces do; for cores they count as instructions, and each reference is a
// line of the unfiltered form.
type ramulatorWriter struct {
	w            *bufio.Writer
	form         ramulatorForm
	instructions uint64 // since the last line
	line         []byte
}

func newRamulatorWriter(form ramulatorForm) func(io.Writer, *Info) Writer {
	return func(w io.Writer, _ *Info) Writer {
		return &ramulatorWriter{w: bufio.NewWriterSize(w, writeBuffer), form: form}
	}
}

func (r *ramulatorWriter) Write(refs []Ref) error {
	for i := range refs {
		ref := &refs[i]
		r.instructions += uint64(ref.Instructions)
		reads, writes := ref.Kind.moves()
		r.line = r.line[:0]
		if reads {
			r.add(ref, false)
		}
		if writes {
			r.add(ref, true)
		}
		if _, err := r.w.Write(r.line); err != nil {
			return fmt.Errorf("writing ramulator: %w", err)
		}
	}
	return nil
}

func (r *ramulatorWriter) add(ref *Ref, write bool) {
	switch r.form {
	case ramulatorFormCPU:
		before := r.instructions
		if before > 0 {
			before-- // the reference's own
		}
		r.instructions = 0
		r.line = strconv.AppendUint(r.line, before, 10)
		r.line = append(r.line, " 0x"...)
		r.line = appendHex(r.line, ref.address(), 1)
		r.line = append(r.line, op(write, " R\n", " W\n")...)
	case ramulatorFormDRAM:
		r.line = append(r.line, "0x"...)
		r.line = appendHex(r.line, ref.physical(), 1)
		r.line = append(r.line, op(write, " R\n", " W\n")...)
	case ramulatorFormLDST:
		r.line = append(r.line, op(write, "LD 0x", "ST 0x")...)
		r.line = append(appendHex(r.line, ref.physical(), 1), '\n')
	}
}

func op(write bool, read, written string) string {
	if write {
		return written
	}
	return read
}

func (r *ramulatorWriter) Close() error { return r.w.Flush() }
