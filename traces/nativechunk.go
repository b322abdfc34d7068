package traces

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"

	"mcsim/record"
)

// Codecs of a chunk's rows.
const (
	codecNone = 0
	codecZstd = 1
)

// What a reader accepts: writers make smaller ones.
const (
	mostRecords = 1 << 17
	mostBytes   = 8 << 20
)

// chunk is some records of one stream.
type chunk struct {
	stream  uint32
	records uint32
	codec   uint8
	cycle   uint64 // before the first record
	instret uint32 // the same
	thread  uint32 // context before the first record
	context uint64
	last    uint64 // cycle of the last record
	rows    []byte // encoded
	stored  []byte // rows, compressed
}

// appendHeader appends the chunk's header for its stored bytes.
func (c *chunk) appendHeader(b []byte) []byte {
	from := len(b)
	b = append(b, chunkMagic...)
	b = binary.LittleEndian.AppendUint32(b, c.stream)
	b = binary.LittleEndian.AppendUint32(b, c.records)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(c.rows)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(c.stored)))
	b = append(b, c.codec, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, c.cycle)
	b = binary.LittleEndian.AppendUint32(b, c.instret)
	b = binary.LittleEndian.AppendUint32(b, c.thread)
	b = binary.LittleEndian.AppendUint64(b, c.context)
	b = binary.LittleEndian.AppendUint64(b, c.last)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(c.stored, castagnoli))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// chunkHead is a chunk's header as it was read.
type chunkHead struct {
	chunk
	rowBytes, storedBytes uint32
	sum                   uint32
}

// parseHead checks a header's bytes; streams is how many the file has.
func parseHead(b []byte, streams int) (h chunkHead, err error) {
	if string(b[:4]) != chunkMagic {
		return h, fmt.Errorf("found %s, expected a chunk, %q", quote(b[:4]), chunkMagic)
	}
	if binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return h, fmt.Errorf("the checksum of a chunk's header is wrong: the file is damaged")
	}
	h.stream = binary.LittleEndian.Uint32(b[4:])
	h.records = binary.LittleEndian.Uint32(b[8:])
	h.rowBytes = binary.LittleEndian.Uint32(b[12:])
	h.storedBytes = binary.LittleEndian.Uint32(b[16:])
	h.codec = b[20]
	h.cycle = binary.LittleEndian.Uint64(b[24:])
	h.instret = binary.LittleEndian.Uint32(b[32:])
	h.thread = binary.LittleEndian.Uint32(b[36:])
	h.context = binary.LittleEndian.Uint64(b[40:])
	h.last = binary.LittleEndian.Uint64(b[48:])
	h.sum = binary.LittleEndian.Uint32(b[56:])
	switch {
	case int64(h.stream) >= int64(streams):
		return h, fmt.Errorf("a chunk of stream %d; the header names %d streams", h.stream, streams)
	case h.records == 0 || h.records > mostRecords:
		return h, fmt.Errorf("a chunk of %d records; 1 to %d are possible", h.records, mostRecords)
	case h.rowBytes == 0 || h.rowBytes > mostBytes || h.storedBytes > mostBytes+1024:
		return h, fmt.Errorf("a chunk of %d bytes, stored as %d; 1 to %d are possible", h.rowBytes, h.storedBytes, mostBytes)
	case h.codec > codecZstd:
		return h, fmt.Errorf("a chunk in compression %d; 0 (none) and %d (zstd) are known", h.codec, codecZstd)
	case h.codec == codecNone && h.rowBytes != h.storedBytes:
		return h, fmt.Errorf("a chunk that is not compressed, of %d bytes and %d", h.rowBytes, h.storedBytes)
	}
	return h, nil
}

// unpack reads the chunk's bytes at offset at, behind its header, and
// decompresses them into rows, which it may replace.
func (h *chunkHead) unpack(r io.ReaderAt, at int64, stored, rows []byte, z *zstd.Decoder) (st, ro []byte, err error) {
	stored = grow(stored, int(h.storedBytes))
	if n, err := r.ReadAt(stored, at); n < len(stored) {
		return stored, rows, err
	}
	if crc32.Checksum(stored, castagnoli) != h.sum {
		return stored, rows, fmt.Errorf("a chunk's checksum is wrong: the file is damaged")
	}
	if h.codec == codecNone {
		return rows, stored, nil
	}
	if cap(rows) < int(h.rowBytes) {
		rows = make([]byte, 0, h.rowBytes)
	}
	rows, err = z.DecodeAll(stored, rows[:0:h.rowBytes])
	if err == nil && len(rows) != int(h.rowBytes) {
		err = fmt.Errorf("it has %d bytes, and its header says %d", len(rows), h.rowBytes)
	}
	if err != nil {
		return stored, rows, fmt.Errorf("decompressing a chunk: %w", err)
	}
	return stored, rows, nil
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// newZstdDecoder makes a decoder for unpack that cannot be made to allocate
// more than a chunk may have.
func newZstdDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostBytes), zstd.WithDecodeAllCapLimit(true))
}

// stream encodes the records of one stream into chunks.
type stream struct {
	coder
	id     uint32
	open   *chunk
	run    int
	thread uint32
	ctx    uint64
}

// add encodes recs as far as they fit into the present chunk, and returns the
// chunk if that made it full, with the records that are left.
func (s *stream) add(recs []record.Record, fresh func() *chunk) (full *chunk, rest []record.Record) {
	if len(recs) == 0 {
		return nil, nil
	}
	c := s.open
	if c == nil {
		cycle, instret := s.prev.Cycle, s.prev.Instret
		c = fresh()
		*c = chunk{stream: s.id, cycle: cycle, instret: instret, thread: s.thread, context: s.ctx, rows: c.rows[:0], stored: c.stored[:0]}
		s.reset(cycle, instret)
		s.open = c
	}
	n := min(len(recs), chunkRecords-int(c.records))
	part := recs[:n]
	c.rows = s.encode(c.rows, part, &s.run)
	c.records += uint32(n)
	for i := range part {
		if part[i].Op == record.Context {
			s.ctx, s.thread = part[i].VA, uint32(part[i].PA)
		}
	}
	if c.records < chunkRecords {
		return nil, nil
	}
	return s.finish(), recs[n:]
}

// finish ends the present chunk, nil if it is empty.
func (s *stream) finish() *chunk {
	c := s.open
	if c == nil {
		return nil
	}
	c.rows, s.run = putRun(c.rows, s.run), 0
	c.last = s.prev.Cycle
	s.open = nil
	return c
}
