package traces

import (
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"

	"mcsim/record"
)

// RecordReader reads the records of one stream. The next chunk is read and
// decompressed by another goroutine while the present one is decoded.
type RecordReader struct {
	rec    *Recording
	stream int
	next   int            // chunk to start reading
	coming chan *unpacked // nil: none
	cur    *unpacked
	spare  *unpacked
	coder  coder
	rows   []byte // of cur, that are left
	run    int
	left   uint32             // records of cur
	begin  func(h *chunkHead) // hears of the first chunk, if not nil
	err    error
}

// unpacked is a chunk that is ready to be decoded.
type unpacked struct {
	head         chunkHead
	stored, rows []byte
	at           int64
	err          error
}

var decoders = sync.Pool{}

// Records returns a reader of a stream, from its beginning.
func (rec *Recording) Records(stream int) *RecordReader {
	return &RecordReader{rec: rec, stream: stream}
}

// Seek moves the reader to the chunk that holds the first record at or after
// cycle: up to a chunk's records before it come first.
func (r *RecordReader) Seek(cycle uint64) {
	if r.coming != nil {
		<-r.coming
	}
	*r = RecordReader{rec: r.rec, stream: r.stream, next: r.rec.chunkAt(r.stream, cycle)}
}

// Read fills recs and returns how many there were; io.EOF, or a *CutError,
// after the last. An error comes with the records before it.
func (r *RecordReader) Read(recs []record.Record) (n int, err error) {
	for n < len(recs) && r.err == nil {
		if r.left == 0 {
			r.err = r.turn()
			continue
		}
		k, used, err := r.coder.decode(recs[n:min(len(recs), n+int(r.left))], r.rows, &r.run)
		r.rows = r.rows[used:]
		r.left -= uint32(k)
		n += k
		switch {
		case err != nil:
			r.err = r.bad(err.Error())
		case r.left > 0 && k == 0:
			r.err = r.bad("the chunk ends before its last record")
		case r.left == 0 && (len(r.rows) > 0 || r.run > 0):
			r.err = r.bad("the chunk has more records than its header says")
		}
	}
	if n > 0 {
		return n, nil
	}
	return 0, r.err
}

func (r *RecordReader) bad(want string) error {
	return &Error{File: r.rec.file, Offset: r.cur.at, Want: want}
}

// turn makes the next chunk current.
func (r *RecordReader) turn() error {
	if r.coming == nil {
		r.prepare()
	}
	if r.coming == nil {
		if r.rec.cut != nil {
			return r.rec.cut
		}
		return io.EOF
	}
	u := <-r.coming
	r.coming = nil
	if u.err != nil {
		return u.err
	}
	r.spare, r.cur = r.cur, u
	r.prepare()
	r.rows, r.left, r.run = u.rows, u.head.records, 0
	r.coder.reset(u.head.cycle, u.head.instret)
	if r.begin != nil {
		r.begin(&u.head)
		r.begin = nil
	}
	return nil
}

// prepare starts to read the next chunk.
func (r *RecordReader) prepare() {
	places := r.rec.places[r.stream]
	if r.next >= len(places) {
		return
	}
	u := r.spare
	if u == nil {
		u = new(unpacked)
	}
	r.spare = nil
	u.at = places[r.next].at
	r.next++
	c := make(chan *unpacked, 1)
	r.coming = c
	rec, stream := r.rec, r.stream
	go func() { // ends by itself, whether or not anyone takes what it made
		u.err = u.read(rec, stream)
		c <- u
	}()
}

func (u *unpacked) read(rec *Recording, stream int) error {
	var b [chunkHeader]byte
	if n, err := rec.r.ReadAt(b[:], u.at); n < len(b) {
		return &Error{File: rec.file, Offset: u.at, Err: err}
	}
	h, err := parseHead(b[:], len(rec.places))
	if err == nil {
		u.head = h
		z, _ := decoders.Get().(*zstd.Decoder)
		if z == nil {
			if z, err = newZstdDecoder(); err != nil {
				return err
			}
		}
		u.stored, u.rows, err = h.unpack(rec.r, u.at+chunkHeader, u.stored, u.rows, z)
		decoders.Put(z)
	}
	switch {
	case err != nil:
		return &Error{File: rec.file, Offset: u.at, Want: err.Error()}
	case int(h.stream) != stream:
		return &Error{File: rec.file, Offset: u.at, Want: "a chunk of another stream than the index says"}
	}
	return nil
}

// RefReader reads the references of one stream.
type RefReader struct {
	records *RecordReader
	dec     refDecoder
	buf     []record.Record
}

// Refs returns a reader of the references of a stream, from its beginning.
func (rec *Recording) Refs(stream int) *RefReader {
	r := &RefReader{records: rec.Records(stream), buf: make([]record.Record, 1024)}
	r.records.begin = r.begin
	return r
}

// begin takes what the stream's earlier records left from a chunk's header.
func (r *RefReader) begin(h *chunkHead) {
	r.dec.context(h.context, h.thread)
	r.dec.insts = h.instret
}

// Seek moves the reader to the chunk that holds the first record at or after
// cycle: up to a chunk's references before it come first.
func (r *RefReader) Seek(cycle uint64) {
	r.records.Seek(cycle)
	r.records.begin = r.begin
}

// Read implements Reader.
func (r *RefReader) Read(refs []Ref) (n int, err error) {
	for n == 0 && len(refs) > 0 {
		k, err := r.records.Read(r.buf[:min(len(refs), len(r.buf))])
		if k == 0 {
			return 0, err
		}
		n = r.dec.decode(refs, r.buf[:k])
	}
	return n, nil
}

var nativeFormat = format{
	name:  "mcsim",
	title: "mcsim's own",
	has:   HasVA | HasPA | HasPC | HasCycle | HasMode,
	sniff: func(head []byte, _ bool) score {
		if len(head) >= 8 && string(head[:8]) == nativeMagic {
			return certain
		}
		return no
	},
	open:   openNative,
	create: createNative,
}

// openNative opens a recording for whoever reads traces of any format.
func openNative(in *input, _ *Options, info *Info) ([]Reader, error) {
	r, size, err := in.readerAt()
	if err != nil {
		return nil, err
	}
	rec, err := OpenRecording(r, size, in.name)
	if err != nil {
		return nil, err
	}
	info.recording = rec
	h := &rec.Header
	info.Has, info.Instructions, info.CycleUnit = h.Has, h.Instructions, h.CycleUnit
	info.Threads = len(h.Streams)
	if n := info.Threads - 1; n > 0 && h.Streams[n].Hart < 0 && h.Streams[n-1].Hart >= 0 {
		info.Threads, info.Devices = n, 1
	} else if n == 0 && h.Streams[0].Hart < 0 {
		info.Threads = 0 // all in one stream, as a conversion writes it
	}
	if rec.cut != nil {
		info.Notes = append(info.Notes, rec.cut.Error())
	}
	for _, f := range h.Filters {
		info.Notes = append(info.Notes, "recorded with a filter: "+f)
	}
	switch {
	case h.Exact && rec.cut == nil:
		info.Notes = append(info.Notes, "complete: the same machine replays it exactly")
	case h.Inexact != "" && len(h.Filters) == 0:
		info.Notes = append(info.Notes, "no exact replay: "+h.Inexact)
	}
	var readers []Reader
	for i := range h.Streams {
		readers = append(readers, rec.Refs(i))
	}
	return readers, nil
}

// readerAt gives access to the whole of what in reads: its file, or a
// temporary copy of what cannot be read at will.
func (in *input) readerAt() (io.ReaderAt, int64, error) {
	if in.file != nil {
		stat, err := in.file.Stat()
		if err != nil {
			return nil, 0, err
		}
		return &countedAt{r: in.file, n: in.read}, stat.Size(), nil
	}
	f, err := os.CreateTemp("", "mcsim-*"+NativeSuffix)
	if err != nil {
		return nil, 0, err
	}
	// The file lives on without its name until it is closed.
	if err := os.Remove(f.Name()); err != nil {
		return nil, 0, err
	}
	n, err := f.Write(in.buf[in.pos:in.end])
	if err != nil {
		return nil, 0, err
	}
	m, err := io.Copy(f, in.src)
	return f, int64(n) + m, err
}
