package traces

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
)

// drWriter writes a trace of one file in drmemtrace's newest version, in which
// records of threads tell whose references follow. It has no encodings.
type drWriter struct {
	w       *bufio.Writer
	record  [drSize]byte
	begun   bool
	thread  uint32
	pc      uint64 // that a reader has
	cycle   uint64
	timed   bool
	threads map[uint32]bool
	err     error
}

// drProcess is the process that all threads are said to belong to: 0 would be
// none.
const drProcess = 1

func newDrWriter(w io.Writer) *drWriter {
	return &drWriter{w: bufio.NewWriterSize(w, writeBuffer), threads: map[uint32]bool{}}
}

func (d *drWriter) put(kind, size uint16, value uint64) {
	binary.LittleEndian.PutUint16(d.record[:], kind)
	binary.LittleEndian.PutUint16(d.record[2:], size)
	binary.LittleEndian.PutUint64(d.record[4:], value)
	if _, err := d.w.Write(d.record[:]); err != nil && d.err == nil {
		d.err = fmt.Errorf("writing drmemtrace: %w", err)
	}
}

func (d *drWriter) Write(refs []Ref) error {
	for i := range refs {
		r := &refs[i]
		d.context(r)
		size := uint16(min(r.Size, MaxSize))
		switch r.Kind {
		case Fetch:
			d.pc = r.address()
			d.put(drInstr, size, d.pc)
		case Prefetch:
			d.put(drPrefetch, size, r.address())
		case Flush, Clean, Inval:
			d.put(drDataFlush, size, r.address())
		default:
			reads, writes := r.Kind.moves()
			if reads {
				d.put(drRead, size, r.address())
			}
			if writes {
				d.put(drWrite, size, r.address())
			}
		}
	}
	return d.err
}

// context writes the records that must stand before a reference.
func (d *drWriter) context(r *Ref) {
	if !d.begun {
		d.put(drHeader, 0, drNewest)
		d.put(drMarker, drVersion, drNewest)
		d.put(drMarker, drFileType, 0)
	}
	if !d.begun || r.Thread != d.thread {
		d.begun, d.thread, d.timed, d.pc = true, r.Thread, false, 0
		d.put(drThread, 0, uint64(r.Thread))
		if !d.threads[r.Thread] {
			d.threads[r.Thread] = true
			d.put(drPID, 0, drProcess)
		}
	}
	if r.Kind != Fetch && r.Has&HasPC != 0 && r.PC != d.pc {
		d.pc = r.PC
		d.put(drInstr, 0, r.PC) // no fetch, only the PC
	}
	if r.Has&HasCycle != 0 && (!d.timed || r.Cycle != d.cycle) {
		d.timed, d.cycle = true, r.Cycle
		d.put(drMarker, drTimestamp, r.Cycle)
	}
}

func (d *drWriter) Close() error {
	if !d.begun {
		d.context(&Ref{})
	}
	for _, thread := range sortedKeys(d.threads) {
		d.put(drThreadExit, 0, uint64(thread))
	}
	d.put(drFooter, 0, 0)
	if d.err != nil {
		return d.err
	}
	return d.w.Flush()
}

func sortedKeys(m map[uint32]bool) []uint32 {
	return slices.Sorted(maps.Keys(m))
}
