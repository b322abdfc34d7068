package traces

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
)

// Snappy's framing format (google/snappy, framing_format.txt) with the two
// types of chunk that DynamoRIO adds and no library knows: data without a
// checksum (drcachesim, common/snappy_consts.h).
const (
	snappyMagic = "\xff\x06\x00\x00sNaPpY"

	snappyCompressed      = 0x00
	snappyUncompressed    = 0x01
	snappyCompressedNoCRC = 0x02
	snappyPlainNoCRC      = 0x03
	snappySkippable       = 0x80 // and above
	snappyIdentifier      = 0xff

	snappyBlock = 64 << 10 // largest block, decompressed
)

type snappyReader struct {
	r     io.Reader
	chunk []byte
	block []byte
	left  []byte // of the current block
}

func (s *snappyReader) Read(p []byte) (int, error) {
	for len(s.left) == 0 {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

// next reads one chunk.
func (s *snappyReader) next() error {
	var head [4]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return err
	}
	size := int64(binary.LittleEndian.Uint32(head[:]) >> 8)
	kind := head[0]
	switch {
	case kind == snappyIdentifier && size == 6:
	case kind <= snappyPlainNoCRC:
		return s.data(kind, int(size))
	case kind >= snappySkippable:
	default:
		return fmt.Errorf("chunk type %#x is unknown", kind)
	}
	_, err := io.CopyN(io.Discard, s.r, size)
	return truncated(err)
}

func (s *snappyReader) data(kind byte, size int) (err error) {
	if size > snappy.MaxEncodedLen(snappyBlock)+4 {
		return fmt.Errorf("a chunk of %d bytes is too large", size)
	}
	if s.block == nil {
		s.chunk = make([]byte, snappy.MaxEncodedLen(snappyBlock)+4)
		s.block = make([]byte, snappyBlock)
	}
	chunk := s.chunk[:size]
	if _, err := io.ReadFull(s.r, chunk); err != nil {
		return truncated(err)
	}
	checked := kind == snappyCompressed || kind == snappyUncompressed
	var sum uint32
	if checked {
		if size < 4 {
			return errors.New("a chunk is too short for its checksum")
		}
		sum = binary.LittleEndian.Uint32(chunk)
		chunk = chunk[4:]
	}
	s.left = chunk
	if kind == snappyCompressed || kind == snappyCompressedNoCRC {
		if n, err := snappy.DecodedLen(chunk); err != nil || n > snappyBlock {
			return errors.New("a block is corrupt")
		}
		if s.left, err = snappy.Decode(s.block, chunk); err != nil {
			return err
		}
	}
	if c := crc32.Checksum(s.left, castagnoli); checked && c>>15|c<<17 != sum-0xa282ead8 {
		return errors.New("a block's checksum does not match")
	}
	return nil
}

// truncated turns an end within a chunk into an error.
func truncated(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
