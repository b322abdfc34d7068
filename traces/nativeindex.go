package traces

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// place is where a chunk is and what it holds.
type place struct {
	at          int64 // of its header
	ordinal     uint64
	cycle, last uint64
	records     uint32
}

// Recording is an open file in mcsim's own format. Its streams may be read at
// the same time, from a goroutine each.
type Recording struct {
	Header Header

	file   string
	r      io.ReaderAt
	places [][]place // by stream
	cut    *CutError // where the file ends too early
}

// OpenRecording opens a file in mcsim's own format, of size bytes. name is for
// messages. A file that was cut off opens all the same: Cut tells, and so do
// its readers when they come to the end of what is left.
func OpenRecording(r io.ReaderAt, size int64, name string) (*Recording, error) {
	h, at, err := readHeader(r, name)
	if err != nil {
		return nil, err
	}
	rec := &Recording{Header: *h, file: name, r: r, places: make([][]place, len(h.Streams))}
	if size-at >= trailerBytes+8 {
		switch err := rec.readIndex(size, at); {
		case err == nil:
			return rec, nil
		case !errors.Is(err, errNoTrailer):
			return nil, err
		}
	}
	return rec, rec.scan(at, size)
}

// Cut is what was lost at the end of the file, nil if nothing was.
func (rec *Recording) Cut() *CutError { return rec.cut }

// Count is the number of records of a stream.
func (rec *Recording) Count(stream int) (n uint64) {
	for _, p := range rec.places[stream] {
		n += uint64(p.records)
	}
	return n
}

// LastCycle is the cycle of the last record of a stream, 0 if it is empty.
func (rec *Recording) LastCycle(stream int) uint64 {
	p := rec.places[stream]
	if len(p) == 0 {
		return 0
	}
	return p[len(p)-1].last
}

var errNoTrailer = errors.New("no trailer")

// readIndex reads the index, which the trailer at the file's end points to.
func (rec *Recording) readIndex(size, first int64) error {
	bad := func(at int64, format string, args ...any) error {
		return &Error{File: rec.file, Offset: at, Want: fmt.Sprintf(format, args...)}
	}
	var t [trailerBytes]byte
	if _, err := rec.r.ReadAt(t[:], size-trailerBytes); err != nil && err != io.EOF {
		return &Error{File: rec.file, Offset: size - trailerBytes, Err: err}
	}
	if string(t[:4]) != trailerMagic || binary.LittleEndian.Uint32(t[28:]) != crc32.Checksum(t[:28], castagnoli) {
		return errNoTrailer
	}
	at, chunks := int64(binary.LittleEndian.Uint64(t[8:])), binary.LittleEndian.Uint64(t[16:])
	if at < first || chunks > uint64(size)/chunkHeader || size-at != int64(8+chunks*indexEntry+trailerBytes) {
		return bad(size-trailerBytes, "an index of %d chunks at byte %d does not fit into a file of %d bytes", chunks, at, size)
	}
	b := make([]byte, size-trailerBytes-at)
	if n, err := rec.r.ReadAt(b, at); n < len(b) {
		return &Error{File: rec.file, Offset: at, Err: err}
	}
	if string(b[:4]) != indexMagic || crc32.Checksum(b, castagnoli) != binary.LittleEndian.Uint32(t[24:]) {
		return bad(at, "the index's checksum is wrong: the file is damaged")
	}
	for e := b[8:]; len(e) > 0; e = e[indexEntry:] {
		stream := binary.LittleEndian.Uint32(e[8:])
		p := place{
			at: int64(binary.LittleEndian.Uint64(e)), records: binary.LittleEndian.Uint32(e[12:]),
			cycle: binary.LittleEndian.Uint64(e[16:]), last: binary.LittleEndian.Uint64(e[24:]), ordinal: binary.LittleEndian.Uint64(e[32:]),
		}
		if int64(stream) >= int64(len(rec.places)) || p.at < first || p.at >= at {
			return bad(at, "the index names a chunk of stream %d at byte %d; there are %d streams, and chunks from byte %d to %d", stream, p.at, len(rec.places), first, at)
		}
		rec.places[stream] = append(rec.places[stream], p)
	}
	return nil
}

// scan finds the chunks by their headers, in a file that has lost its end.
func (rec *Recording) scan(at, size int64) error {
	counts := make([]uint64, len(rec.places))
	rec.cut = &CutError{File: rec.file, Lost: "the index, and whatever came after the last chunk,"}
	var b [chunkHeader]byte
	for ; ; rec.cut.Chunks++ {
		rec.cut.Offset = at
		if size-at < chunkHeader {
			return nil
		}
		if n, err := rec.r.ReadAt(b[:], at); n < len(b) {
			if err == io.EOF {
				return nil
			}
			return &Error{File: rec.file, Offset: at, Err: err}
		}
		if string(b[:4]) == indexMagic {
			rec.cut.Lost = "the end of the index, but no chunk,"
			return nil
		}
		h, err := parseHead(b[:], len(rec.places))
		switch {
		case err != nil && rec.cut.Chunks == 0:
			return &Error{File: rec.file, Offset: at, Want: err.Error()}
		case err != nil: // as a file system leaves a file that it did not finish
			rec.cut.Lost = err.Error() + "; what stands from there on"
			return nil
		}
		next := at + chunkHeader + int64(h.storedBytes)
		if next > size {
			rec.cut.Lost = fmt.Sprintf("a chunk of %d records of %s, and whatever came after it,", h.records, rec.Header.Streams[h.stream].Name)
			return nil
		}
		rec.places[h.stream] = append(rec.places[h.stream], place{at: at, records: h.records, cycle: h.cycle, last: h.last, ordinal: counts[h.stream]})
		counts[h.stream] += uint64(h.records)
		at = next
	}
}

// chunkAt is the number of a stream's first chunk that has a record at or after
// cycle, or the number of its chunks.
func (rec *Recording) chunkAt(stream int, cycle uint64) int {
	i, _ := slices.BinarySearchFunc(rec.places[stream], cycle, func(p place, c uint64) int {
		if p.last < c {
			return -1
		}
		return 1
	})
	return i
}
