package traces

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"

	"mcsim/record"
)

// RecordWriter writes a file in mcsim's own format. It is for one goroutine.
type RecordWriter struct {
	out     chunkWriter
	streams []stream
	spare   *chunk
	err     error
}

// NewRecordWriter writes the file header of h to w.
func NewRecordWriter(w io.Writer, h *Header) (*RecordWriter, error) {
	rw := &RecordWriter{streams: newStreams(len(h.Streams)), spare: new(chunk)}
	return rw, rw.out.begin(w, h)
}

func newStreams(n int) []stream {
	s := make([]stream, n)
	for i := range s {
		s[i].id = uint32(i)
	}
	return s
}

// WriteRecords writes the next records of a stream.
func (w *RecordWriter) WriteRecords(stream int, recs []record.Record) error {
	if stream < 0 || stream >= len(w.streams) {
		return fmt.Errorf("stream %d; the header names %d", stream, len(w.streams))
	}
	s := &w.streams[stream]
	for len(recs) > 0 && w.err == nil {
		var full *chunk
		full, recs = s.add(recs, w.fresh)
		w.put(full)
	}
	return w.err
}

func (w *RecordWriter) fresh() *chunk {
	if c := w.spare; c != nil {
		w.spare = nil
		return c
	}
	return new(chunk)
}

func (w *RecordWriter) put(c *chunk) {
	if c == nil || w.err != nil {
		return
	}
	w.out.compress(c)
	w.err = w.out.put(c)
	w.spare = c
}

// Close writes what is buffered, the index and the trailer. It does not close
// what the writer writes to.
func (w *RecordWriter) Close() error {
	for i := range w.streams {
		w.put(w.streams[i].finish())
	}
	if w.err != nil {
		return w.err
	}
	w.err = errors.New("traces: the writer is closed")
	return w.out.end()
}

// chunkWriter compresses chunks and writes them, and the index behind them.
type chunkWriter struct {
	w       io.Writer
	at      int64
	zstd    *zstd.Encoder
	head    []byte
	index   []byte
	chunks  uint64
	written []uint64 // records, by stream
}

func (w *chunkWriter) begin(out io.Writer, h *Header) (err error) {
	w.w, w.written = out, make([]uint64, len(h.Streams))
	// One encoder of one thread: its output depends on nothing else.
	w.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return err
	}
	b, err := h.append(nil)
	if err != nil {
		return err
	}
	return w.write(b)
}

func (w *chunkWriter) write(b []byte) error {
	n, err := w.w.Write(b)
	w.at += int64(n)
	return err
}

// compress fills in c.stored.
func (w *chunkWriter) compress(c *chunk) {
	c.codec = codecZstd
	c.stored = w.zstd.EncodeAll(c.rows, c.stored[:0])
	if len(c.stored) >= len(c.rows) {
		c.codec, c.stored = codecNone, append(c.stored[:0], c.rows...)
	}
}

// put writes a compressed chunk.
func (w *chunkWriter) put(c *chunk) error {
	b := binary.LittleEndian.AppendUint64(w.index, uint64(w.at))
	b = binary.LittleEndian.AppendUint32(b, c.stream)
	b = binary.LittleEndian.AppendUint32(b, c.records)
	b = binary.LittleEndian.AppendUint64(b, c.cycle)
	b = binary.LittleEndian.AppendUint64(b, c.last)
	w.index = binary.LittleEndian.AppendUint64(b, w.written[c.stream])
	w.written[c.stream] += uint64(c.records)
	w.chunks++
	w.head = append(c.appendHeader(w.head[:0]), c.stored...)
	return w.write(w.head)
}

// end writes index and trailer.
func (w *chunkWriter) end() error {
	at := w.at
	b := append([]byte(indexMagic+"\x00\x00\x00\x00"), w.index...)
	sum := crc32.Checksum(b, castagnoli)
	from := len(b)
	b = append(b, trailerMagic+"\x00\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint64(b, uint64(at))
	b = binary.LittleEndian.AppendUint64(b, w.chunks)
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
	return w.write(b)
}

// nativeRefs writes references into the one stream of a file: what conversion
// to mcsim's own format is.
type nativeRefs struct {
	w   *RecordWriter
	enc refEncoder
	err error
}

func createNative(w io.Writer, info *Info) Writer {
	h := Header{
		Version: "converted", Has: info.Has, Instructions: info.Instructions, CycleUnit: info.CycleUnit,
		Streams: []StreamHeader{{Name: "all", Hart: -1}},
	}
	n := new(nativeRefs)
	n.w, n.err = NewRecordWriter(w, &h)
	return n
}

func (n *nativeRefs) Write(refs []Ref) error {
	if n.err != nil {
		return n.err
	}
	var recs []record.Record
	if recs, n.err = n.enc.encode(refs); n.err == nil {
		n.err = n.w.WriteRecords(0, recs)
	}
	return n.err
}

func (n *nativeRefs) Close() error {
	if n.err != nil {
		return n.err
	}
	return n.w.Close()
}
