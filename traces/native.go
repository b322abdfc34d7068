package traces

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// mcsim's own format: docs/trace-format.md has it byte by byte.
//
//	file header, JSON | chunk | chunk | ... | index | trailer
//
// A chunk holds up to chunkRecords records of one stream and can be decoded by
// itself. Whoever reads a file without its end finds the chunks by their
// headers, one after the other.
const (
	nativeMagic  = "\x8eMCT\r\n\x1a\n" // shows what mangles line ends or cuts the eighth bit, as PNG's does
	chunkMagic   = "mctC"
	indexMagic   = "mctI"
	trailerMagic = "mctE"

	nativeMajor = 1 // a reader refuses others
	nativeMinor = 0 // a reader takes any

	headerFixed  = 8 + 2 + 2 + 4 // magic, major, minor, length of the JSON; then JSON and its CRC
	chunkHeader  = 64
	indexEntry   = 40
	trailerBytes = 32

	maxHeader    = 16 << 20
	maxStreams   = 1 << 16
	chunkRecords = 32 << 10
)

// NativeSuffix is the usual ending of a file in mcsim's own format.
const NativeSuffix = ".mct"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header begins a file in mcsim's own format: what made it, and of what.
type Header struct {
	Version string `json:"version"`           // of mcsim
	Program string `json:"program,omitempty"` // that ran, or the trace that was converted
	Seed    uint64 `json:"seed"`

	// Config is the whole resolved configuration of the machine, if one made it.
	Config json.RawMessage `json:"config,omitempty"`

	// Streams are numbered by their place here. A machine has one for each hart
	// and one for its devices.
	Streams []StreamHeader `json:"streams"`

	// Map is the machine's physical address map.
	Map []MapRegion `json:"map,omitempty"`

	// Filters are the conditions that a reference had to meet to be written.
	// Without any the recording is complete, and can be replayed exactly.
	Filters []string `json:"filters,omitempty"`
	// Exact says that the recording holds all that an exact replay needs.
	Exact bool `json:"exact,omitempty"`
	// Inexact is why a machine's recording does not, for people.
	Inexact string `json:"inexact,omitempty"`

	Has          Fields `json:"has"`                    // what references may tell
	Instructions bool   `json:"instructions,omitempty"` // as in Info
	CycleUnit    string `json:"cycle_unit,omitempty"`
}

// StreamHeader is one stream of a file.
type StreamHeader struct {
	Name string `json:"name"` // "hart 0", "devices"
	Hart int    `json:"hart"` // -1: none
}

// MapRegion is a piece of the physical address map.
type MapRegion struct {
	Name string `json:"name"`
	Base uint64 `json:"base"`
	Size uint64 `json:"size"`
	Kind string `json:"kind"` // "ram", "device", or "watched": a device over RAM
}

func (h *Header) check() error {
	switch {
	case len(h.Streams) == 0 || len(h.Streams) > maxStreams:
		return fmt.Errorf("a trace of %d streams; 1 to %d are possible", len(h.Streams), maxStreams)
	case len(h.Map) > 4096:
		return fmt.Errorf("an address map of %d regions; 4096 are possible", len(h.Map))
	}
	return nil
}

// append appends the file header's bytes.
func (h *Header) append(b []byte) ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if len(body) > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes; %d are possible", len(body), maxHeader)
	}
	b = append(b, nativeMagic...)
	b = binary.LittleEndian.AppendUint16(b, nativeMajor)
	b = binary.LittleEndian.AppendUint16(b, nativeMinor)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// readHeader reads the file header; size is where the first chunk begins.
func readHeader(r io.ReaderAt, file string) (h *Header, size int64, err error) {
	bad := func(at int64, want string) error { return &Error{File: file, Offset: at, Want: want} }
	var fixed [headerFixed]byte
	if n, err := r.ReadAt(fixed[:], 0); n < len(fixed) {
		if err == io.EOF {
			return nil, 0, &CutError{File: file, Offset: int64(n), Lost: "the header"}
		}
		return nil, 0, &Error{File: file, Err: err}
	}
	if string(fixed[:8]) != nativeMagic {
		return nil, 0, &Error{File: file, Found: quote(fixed[:8]), Want: "the magic number of an mcsim trace, " + quote([]byte(nativeMagic))}
	}
	if major := binary.LittleEndian.Uint16(fixed[8:]); major != nativeMajor {
		return nil, 0, bad(8, fmt.Sprintf("version %d.%d of the format; this mcsim reads version %d", major, binary.LittleEndian.Uint16(fixed[10:]), nativeMajor))
	}
	n := int64(binary.LittleEndian.Uint32(fixed[12:]))
	if n > maxHeader {
		return nil, 0, bad(12, fmt.Sprintf("a header of %d bytes; %d are possible", n, maxHeader))
	}
	b := make([]byte, headerFixed+n+4)
	if got, err := r.ReadAt(b, 0); got < len(b) {
		if err == io.EOF {
			return nil, 0, &CutError{File: file, Offset: int64(got), Lost: "a part of the header, and everything"}
		}
		return nil, 0, &Error{File: file, Err: err}
	}
	body := b[headerFixed : headerFixed+n]
	if binary.LittleEndian.Uint32(b[headerFixed+n:]) != crc32.Checksum(b[:headerFixed+n], castagnoli) {
		return nil, 0, bad(0, "the header's checksum is wrong: the file is damaged")
	}
	h = new(Header)
	if err := json.Unmarshal(body, h); err != nil {
		return nil, 0, bad(headerFixed, "the header is no JSON that is known: "+err.Error())
	}
	if err := h.check(); err != nil {
		return nil, 0, bad(headerFixed, err.Error())
	}
	return h, int64(len(b)), nil
}

// CutError says that a file ends before its end: the program that wrote it was
// killed, or the disk was full, or it was copied in part. What is whole was
// delivered: a stream ends with this error though others may have more.
type CutError struct {
	File   string
	Offset int64 // behind the last whole chunk
	Chunks int   // that are whole
	Lost   string
}

func (e *CutError) Error() string {
	return fmt.Sprintf("%s: at byte %d: the file is cut off: %s is lost; %d whole chunks before it are readable", e.File, e.Offset, e.Lost, e.Chunks)
}

// ErrNotExact is why a recording cannot be followed exactly.
var ErrNotExact = errors.New("the recording does not hold everything that an exact replay needs")
