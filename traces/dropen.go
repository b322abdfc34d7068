package traces

import (
	"encoding/binary"
	"fmt"
)

const wantPostprocessed = "a post-processed trace: convert the directory that it lies in by drraw2trace -indir DIRECTORY"

// sniffDrmemtrace looks for the header. Raw traces and those of 32-bit programs
// are recognised as well, to be refused with the reason.
func sniffDrmemtrace(head []byte, _ bool) score {
	if drRaw(head) || dr32(head) {
		return certain
	}
	if len(head) >= drSize && binary.LittleEndian.Uint32(head) == drHeader &&
		(len(head) < drSize+2 || head[drSize] < drTypes && head[drSize+1] == 0) {
		return certain
	}
	return no
}

// drRaw recognises the first two entries of a raw file, 8 bytes each with a type
// in the top three bits: EXTENDED (6) with HEADER (4) or of old 0 below it, and
// then THREAD (2). The version and the type of file changed places in between.
func drRaw(head []byte) bool {
	if len(head) < 16 || head[15]>>5 != 2 {
		return false
	}
	const extended, header, oldHeader = 6 << 5, 4, 0
	const oldest, newest = 2, 32
	switch head[7] {
	case extended | header:
		return head[6] >= oldest && head[6] <= newest && head[5] == 0
	case extended | oldHeader:
		return head[0] >= oldest && head[0] <= newest && head[1]|head[2]|head[3]|head[4]|head[5] == 0
	}
	return false
}

// dr32 recognises the 8-byte records of a trace of a 32-bit program.
func dr32(head []byte) bool {
	if len(head) < 16 || binary.LittleEndian.Uint32(head) != drHeader {
		return false
	}
	version := binary.LittleEndian.Uint32(head[4:])
	second := binary.LittleEndian.Uint16(head[8:])
	return version >= drOldest && version <= drNewest && (second == drMarker || second == drThread)
}

func openDrmemtrace(in *input, opts *Options, info *Info) ([]Reader, error) {
	head, _, err := in.peek(sniffBytes)
	switch {
	case err != nil:
		return nil, err
	case drRaw(head):
		return nil, in.badRecord("a raw trace of DynamoRIO", wantPostprocessed)
	case dr32(head):
		return nil, in.badRecord("records of 8 bytes, a trace of a 32-bit program", "a trace of a 64-bit program")
	case len(head) < drSize || binary.LittleEndian.Uint32(head) != drHeader:
		return nil, in.badRecord(quote(head[:min(len(head), drSize)]), "the header of a drmemtrace trace")
	}
	d := &drmemtrace{in: in, opts: opts, ref: Ref{Thread: in.shard, Has: HasVA | HasSize}}
	if !d.version(binary.LittleEndian.Uint64(head[4:])) {
		return nil, d.err
	}
	info.Instructions = true
	info.CycleUnit = "microsecond"
	d.header(head[drSize:], info)
	return []Reader{d}, nil
}

// header looks at the markers in front of the first instruction.
func (d *drmemtrace) header(head []byte, info *Info) {
	for ; len(head) >= drSize; head = head[drSize:] {
		kind := binary.LittleEndian.Uint16(head)
		value := binary.LittleEndian.Uint64(head[4:])
		switch kind {
		case drThread, drPID, drHeader:
			continue
		case drMarker:
			switch binary.LittleEndian.Uint16(head[2:]) {
			case drFileType:
				d.fileType(value, info)
			case drPhysical:
				d.pages = newDrPages()
				info.Has |= HasPA
			}
			continue
		}
		return
	}
}

func (d *drmemtrace) fileType(flags uint64, info *Info) {
	note := func(format string, args ...any) { info.Notes = append(info.Notes, fmt.Sprintf(format, args...)) }
	if flags&(drKernelSyscalls|drKernelInstrs) != 0 {
		info.Has |= HasMode
		d.ref.Has |= HasMode
	}
	if flags&(drFiltered|drInstrFiltered) != 0 {
		info.Instructions = false
		note("instruction fetches were filtered by a cache when the trace was made: instructions are not counted")
	}
	if flags&(drFiltered|drDataFiltered) != 0 {
		note("loads and stores were filtered by a cache when the trace was made")
	}
	if flags&drInstrOnly != 0 {
		note("the trace has instruction fetches only")
	}
	if flags&drTemplates != 0 {
		note("these are templates of kernel code, not the trace of a program")
	}
	if flags&drCoreSharded != 0 {
		note("each file is a core, on which several threads ran")
	}
}
