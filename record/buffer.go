package record

// BufferRecords is the number of records in one buffer: few enough to stay in
// the host's caches.
const BufferRecords = 4096

// Buffer takes the records of one hart. The hart fills it; the machine takes
// what is full when the hart is parked.
type Buffer struct {
	buf  []Record
	n    int
	full [][]Record
	free [][]Record
}

// NewBuffer returns an empty buffer.
func NewBuffer() *Buffer { return &Buffer{buf: make([]Record, BufferRecords)} }

// Next is the place of the next record, to be filled in whole. It may be
// changed until the machine takes the buffer: to the end of the quantum at least.
func (b *Buffer) Next() *Record {
	if b.n == len(b.buf) {
		b.turn()
	}
	r := &b.buf[b.n]
	b.n++
	return r
}

//go:noinline
func (b *Buffer) turn() {
	b.full = append(b.full, b.buf)
	b.n = 0
	if k := len(b.free) - 1; k >= 0 {
		b.buf, b.free = b.free[k], b.free[:k]
		return
	}
	b.buf = make([]Record, BufferRecords)
}

// TakeFull returns the full buffers, in their order, which are the caller's
// then. The result is valid until the next call.
func (b *Buffer) TakeFull() [][]Record {
	full := b.full
	b.full = b.full[:0]
	return full
}

// Rest is what the buffer that is not full holds, at the end of a run.
func (b *Buffer) Rest() []Record { return b.buf[:b.n] }

// Free gives a buffer back for use.
func (b *Buffer) Free(buf []Record) { b.free = append(b.free, buf[:BufferRecords]) }

// Last is the record that Next returned last, or an empty one if the machine
// has just taken all.
func (b *Buffer) Last() *Record {
	if b.n == 0 {
		return &Record{}
	}
	return &b.buf[b.n-1]
}
