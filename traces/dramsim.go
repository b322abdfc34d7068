package traces

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// DRAMsim3's traces (src/common.cc, operator>> of Transaction): a hexadecimal
// physical address, an operation, and the cycle in decimal at which it comes.
// The operations are DRAMsim2's too: WRITE, write, P_MEM_WR and BOFF write;
// READ, read, P_MEM_RD, P_FETCH and P_LOCK_RD read.
//
//	0x3a5c0 READ 12
var dramsimFormat = format{
	name:   "dramsim3",
	title:  "DRAMsim3: address READ|WRITE cycle",
	has:    HasPA | HasCycle,
	sniff:  sniffDramsim,
	open:   openDramsim,
	create: func(w io.Writer, _ *Info) Writer { return &dramsimWriter{w: bufio.NewWriterSize(w, writeBuffer)} },
}

const wantDramsim = "a line of DRAMsim3 such as `0x3a5c0 READ 12`: a hexadecimal address, READ or WRITE, and the cycle"

func dramsimLine(line []byte) (k Kind, addr, cycle uint64, ok bool) {
	var f lineFields
	if fields(line, &f) != 3 {
		return 0, 0, 0, false
	}
	switch string(f[1]) {
	case "READ", "read", "P_MEM_RD", "P_FETCH", "P_LOCK_RD":
		k = Load
	case "WRITE", "write", "P_MEM_WR", "P_LOCK_WR", "BOFF":
		k = Store
	default:
		return 0, 0, 0, false
	}
	addr, addrOK := hexField(f[0])
	cycle, cycleOK := decimalField(f[2])
	return k, addr, cycle, addrOK && cycleOK
}

func sniffDramsim(head []byte, whole bool) score {
	return sniffLines(head, whole, func(line []byte) verdict {
		switch _, _, _, ok := dramsimLine(line); {
		case ok:
			return fits
		case len(line) == 0:
			return neutral
		}
		return misfits
	}, likely)
}

func openDramsim(in *input, opts *Options, info *Info) ([]Reader, error) {
	info.CycleUnit = "cycle"
	var now uint64
	return []Reader{&textReader{in: in, lines: oneByOne(func(line []byte, refs []Ref) ([]Ref, error) {
		if len(line) == 0 {
			return refs, nil
		}
		k, addr, cycle, ok := dramsimLine(line)
		switch {
		case !ok:
			return refs, in.badLine(line, wantDramsim)
		case cycle < now && !opts.TolerateClock:
			return refs, in.badLine(line, wantClock)
		}
		now = cycle
		return append(refs, Ref{PA: addr, Cycle: cycle, Size: 1, Thread: in.shard, Kind: k, Has: HasPA | HasCycle}), nil
	})}}, nil
}

// dramsimWriter writes what reaches memory, by physical address if it is known.
// Without time stamps the n-th reference comes at cycle n.
type dramsimWriter struct {
	w     *bufio.Writer
	count uint64
	line  []byte
}

func (d *dramsimWriter) Write(refs []Ref) error {
	for i := range refs {
		r := &refs[i]
		reads, writes := r.Kind.moves()
		cycle := d.count
		if r.Has&HasCycle != 0 {
			cycle = r.Cycle
		}
		d.line = d.line[:0]
		if reads || r.Kind == Fetch || r.Kind == Prefetch {
			d.add(r, " READ ", cycle)
		}
		if writes {
			d.add(r, " WRITE ", cycle)
		}
		if _, err := d.w.Write(d.line); err != nil {
			return fmt.Errorf("writing dramsim3: %w", err)
		}
	}
	return nil
}

func (d *dramsimWriter) add(r *Ref, op string, cycle uint64) {
	d.line = append(d.line, "0x"...)
	d.line = appendHex(d.line, r.physical(), 1)
	d.line = append(d.line, op...)
	d.line = append(strconv.AppendUint(d.line, cycle, 10), '\n')
	d.count++
}

func (d *dramsimWriter) Close() error { return d.w.Flush() }
