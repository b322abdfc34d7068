package snapshot

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
)

// Coder saves or loads state. After an error all its methods do nothing, so
// components need not look at it between fields; what was loaded then is void.
type Coder struct {
	w       io.Writer // saving
	r       io.Reader // loading
	sum     hash.Hash32
	err     error
	section string
	chunk   []byte // saving: what is collected; loading: what is left of the chunk
	room    []byte // loading: where chunks are read to
	scratch [binary.MaxVarintLen64 + 1]byte
	count   uint64 // sections so far
	ended   bool   // loading: the end of the section was read
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Loading says whether the Coder loads.
func (c *Coder) Loading() bool { return c.r != nil }

// Err is the first error.
func (c *Coder) Err() error { return c.err }

// Fail ends the saving or loading: a component found what cannot be.
func (c *Coder) Fail(format string, args ...any) {
	if c.err != nil {
		return
	}
	err := fmt.Errorf(format, args...)
	if c.section != "" {
		err = fmt.Errorf("section %s: %w", c.section, err)
	}
	c.err = err
}

// Section writes or reads one section by f. Sections do not nest, and are read
// in the order in which they were written; another name, another version or
// another length is an error.
func (c *Coder) Section(name string, version uint64, f func(*Coder)) {
	if c.err != nil {
		return
	}
	if c.section != "" {
		panic("snapshot: section " + name + " within " + c.section)
	}
	c.sum = crc32.New(castagnoli)
	if c.Loading() {
		c.load(name, version, f)
	} else {
		c.save(name, version, f)
	}
	c.count++
}

func (c *Coder) save(name string, version uint64, f func(*Coder)) {
	head := append([]byte{byte(len(name))}, name...)
	head = binary.AppendUvarint(head, version)
	c.raw(head)
	c.section, c.chunk = name, c.chunk[:0]
	f(c)
	c.flush()
	c.section = ""
	c.raw([]byte{0})
	c.raw(binary.LittleEndian.AppendUint32(nil, c.sum.Sum32()))
}

// Skip passes over a section that is not to be loaded, in place of Section. Its
// checksum is checked all the same.
func (c *Coder) Skip(name string, version uint64) {
	if !c.Loading() {
		panic("snapshot: section " + name + " is skipped where it is saved")
	}
	c.Section(name, version, func(c *Coder) {
		for c.nextChunk() {
			c.chunk = nil
		}
		c.ended = true
	})
}

// raw writes bytes outside of any chunk.
func (c *Coder) raw(b []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(b)
	}
}

// flush writes the chunk that was collected.
func (c *Coder) flush() {
	if len(c.chunk) == 0 {
		return
	}
	c.raw(binary.AppendUvarint(nil, uint64(len(c.chunk))))
	c.raw(c.chunk)
	c.sum.Write(c.chunk)
	c.chunk = c.chunk[:0]
}

func (c *Coder) load(name string, version uint64, f func(*Coder)) {
	got, found := c.heading()
	switch {
	case c.err != nil:
		return
	case got != name:
		c.Fail("there is a section %q where %q should be: not a checkpoint of this kind of machine", got, name)
		return
	case found != version:
		c.Fail("section %s: version %d; this mcsim reads version %d", name, found, version)
		return
	}
	c.section, c.chunk = name, nil
	f(c)
	if c.err == nil && !c.ended && (len(c.chunk) > 0 || c.nextChunk()) {
		c.Fail("is longer than its fields")
	}
	c.ended = false
	c.section = ""
	var sum [4]byte
	c.full(sum[:])
	if c.err == nil && binary.LittleEndian.Uint32(sum[:]) != c.sum.Sum32() {
		c.Fail("section %s: the checksum is wrong; the file is corrupt", name)
	}
}

// heading reads a section's name and version.
func (c *Coder) heading() (name string, version uint64) {
	var b [maxName]byte
	c.full(b[:1])
	n := int(b[0])
	c.full(b[:n])
	return string(b[:n]), c.uvarint()
}

// full reads len(b) bytes outside of any chunk.
func (c *Coder) full(b []byte) {
	if c.err == nil {
		if _, err := io.ReadFull(c.r, b); err != nil {
			c.err = cutOff(err)
		}
	}
}

func cutOff(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("the file is cut off: %w", io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("the file is corrupt: %w", err)
}

// uvarint reads a number outside of any chunk.
func (c *Coder) uvarint() (v uint64) {
	var b [1]byte
	for shift := 0; shift < 64; shift += 7 {
		if c.full(b[:]); c.err != nil {
			return 0
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return v
		}
	}
	c.Fail("the file is corrupt: a number of more than 64 bits")
	return 0
}

// nextChunk reads the next chunk, and says whether there was one.
func (c *Coder) nextChunk() bool {
	n := c.uvarint()
	if c.err != nil || n == 0 {
		return false
	}
	if n > chunkSize {
		c.Fail("the file is corrupt: a chunk of %d bytes", n)
		return false
	}
	if c.room == nil {
		c.room = make([]byte, chunkSize)
	}
	c.chunk = c.room[:n]
	c.full(c.chunk)
	c.sum.Write(c.chunk)
	return c.err == nil
}

// put appends bytes to the section.
func (c *Coder) put(b []byte) {
	for c.err == nil && len(b) > 0 {
		n := min(len(b), chunkSize-len(c.chunk))
		c.chunk = append(c.chunk, b[:n]...)
		if b = b[n:]; len(c.chunk) == chunkSize {
			c.flush()
		}
	}
}

// get fills b from the section.
func (c *Coder) get(b []byte) {
	for len(b) > 0 && c.err == nil {
		if len(c.chunk) == 0 && !c.nextChunk() {
			c.Fail("is shorter than its fields")
			return
		}
		n := copy(b, c.chunk)
		b, c.chunk = b[n:], c.chunk[n:]
	}
}

// tagged writes or checks a field's type.
func (c *Coder) tagged(tag byte) bool {
	if c.err != nil {
		return false
	}
	if c.section == "" {
		panic("snapshot: a field outside of a section")
	}
	b := c.scratch[:1]
	b[0] = tag
	if !c.Loading() {
		c.put(b)
		return true
	}
	if c.get(b); c.err == nil && b[0] != tag {
		c.Fail("there is %s where %s should be", tagName(b[0]), tagName(tag))
	}
	return c.err == nil
}

// number writes or reads a varint in the section.
func (c *Coder) number(v uint64) uint64 {
	if !c.Loading() {
		c.put(binary.AppendUvarint(c.scratch[:0], v))
		return v
	}
	v = 0
	b := c.scratch[:1]
	for shift := 0; shift < 64; shift += 7 {
		if c.get(b); c.err != nil {
			return 0
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return v
		}
	}
	c.Fail("a number has more than 64 bits")
	return 0
}

// Unsigned are the types that Uint takes.
type Unsigned interface {
	~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Uint saves or loads unsigned fields. A value that the field's type cannot
// hold is an error.
func Uint[T Unsigned](c *Coder, fields ...*T) {
	for _, p := range fields {
		if c.tagged(tagUint) {
			v := c.number(uint64(*p))
			if uint64(T(v)) != v {
				c.Fail("%#x is too large for its field", v)
				return
			}
			if c.Loading() && c.err == nil {
				*p = T(v)
			}
		}
	}
}

// Signed are the types that Int takes.
type Signed interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

// Int saves or loads signed fields.
func Int[T Signed](c *Coder, fields ...*T) {
	for _, p := range fields {
		if c.tagged(tagInt) {
			v := int64(*p)
			u := c.number(uint64(v<<1 ^ v>>63))
			v = int64(u>>1) ^ -int64(u&1)
			if int64(T(v)) != v {
				c.Fail("%d is too large for its field", v)
				return
			}
			if c.Loading() && c.err == nil {
				*p = T(v)
			}
		}
	}
}

// Bool saves or loads truth values.
func (c *Coder) Bool(fields ...*bool) {
	for _, p := range fields {
		if c.tagged(tagBool) {
			v := uint64(0)
			if *p {
				v = 1
			}
			if v = c.number(v); v > 1 {
				c.Fail("%d is no truth value", v)
			} else if c.Loading() && c.err == nil {
				*p = v == 1
			}
		}
	}
}

// Shape saves a number that the machine's shape determines. Where it is loaded it
// has to be the same.
func (c *Coder) Shape(what string, n int) {
	if c.tagged(tagShape) {
		if v := c.number(uint64(n)); c.err == nil && v != uint64(n) {
			c.Fail("%s: the checkpoint has %d, this machine %d", what, v, n)
		}
	}
}

// Len saves the length of a list that varies, n, and returns it; loading it
// returns what was saved, from 0 to most.
func (c *Coder) Len(n, most int) int {
	if !c.tagged(tagLen) {
		return 0
	}
	if !c.Loading() && n > most {
		panic(fmt.Sprintf("snapshot: section %s: %d elements, at most %d were announced", c.section, n, most))
	}
	v := c.number(uint64(n))
	if v > uint64(most) {
		c.Fail("a list of %d, want at most %d", v, most)
	}
	if c.err != nil {
		return 0
	}
	return int(v)
}

// Bytes saves or loads the contents of p, whose length is part of the machine's
// shape.
func (c *Coder) Bytes(p []byte) {
	if c.tagged(tagBytes) {
		c.fixed(len(p), "bytes")
		c.copy(p)
	}
}

// Buffer saves or loads bytes whose number varies, up to most.
func (c *Coder) Buffer(p *[]byte, most int) {
	n := c.Len(len(*p), most)
	if c.err != nil {
		return
	}
	if c.Loading() {
		*p = append((*p)[:0], make([]byte, n)...)
	}
	c.copy(*p)
}

// Text saves or loads a string of up to most bytes.
func (c *Coder) Text(p *string, most int) {
	b := []byte(*p)
	c.Buffer(&b, most)
	if c.Loading() && c.err == nil {
		*p = string(b)
	}
}

func (c *Coder) copy(p []byte) {
	if c.Loading() {
		c.get(p)
	} else {
		c.put(p)
	}
}

func (c *Coder) fixed(n int, what string) {
	if v := c.number(uint64(n)); c.err == nil && v != uint64(n) {
		c.Fail("the checkpoint has %d %s, this machine %d", v, what, n)
	}
}

// Words saves or loads the contents of p, whose length is part of the machine's
// shape, as 8 bytes each.
func (c *Coder) Words(p []uint64) {
	if !c.tagged(tagWords) {
		return
	}
	c.fixed(len(p), "words")
	var buf [512]byte
	for part := range slices.Chunk(p, len(buf)/8) {
		b := buf[:8*len(part)]
		if !c.Loading() {
			for i, v := range part {
				binary.LittleEndian.PutUint64(b[8*i:], v)
			}
		}
		if c.copy(b); c.err != nil {
			return
		}
		if c.Loading() {
			for i := range part {
				part[i] = binary.LittleEndian.Uint64(b[8*i:])
			}
		}
	}
}

// Uints saves or loads the contents of p, whose length is part of the machine's
// shape, as short as they are.
func Uints[T Unsigned](c *Coder, p []T) {
	if !c.tagged(tagWords) {
		return
	}
	c.fixed(len(p), "numbers")
	for i := range p {
		v := c.number(uint64(p[i]))
		if c.err != nil {
			return
		}
		if uint64(T(v)) != v {
			c.Fail("%#x is too large for its field", v)
			return
		}
		p[i] = T(v)
	}
}
