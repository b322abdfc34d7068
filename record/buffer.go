package record

// BufferRecords is the number of records in one buffer: few enough that those on
// their way to the file stay in the caches of the host.
const BufferRecords = 1024

// Buffer takes the records of one hart. The hart fills it; the machine takes
// what is full when the hart is parked.
type Buffer struct {
	buf  *[BufferRecords]Record
	n    uint // records in it
	full [][]Record
	free [][]Record
}

// NewBuffer returns an empty buffer.
func NewBuffer() *Buffer { return &Buffer{buf: new([BufferRecords]Record)} }

// Next is the place of the next record, to be filled in whole. It may be
// changed until the machine takes the buffer: to the end of the quantum at least.
func (b *Buffer) Next() *Record {
	if b.n == BufferRecords {
		b.turn()
	}
	b.n++
	return &b.buf[(b.n-1)%BufferRecords]
}

//go:noinline
func (b *Buffer) turn() {
	b.full = append(b.full, b.buf[:])
	b.n = 0
	if k := len(b.free) - 1; k >= 0 {
		b.buf, b.free = (*[BufferRecords]Record)(b.free[k]), b.free[:k]
		return
	}
	b.buf = new([BufferRecords]Record)
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
