package snapshot

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Header is what a checkpoint says of itself, readable without the rest.
type Header struct {
	Program      string          `json:"program"`      // what ran
	Cycle        uint64          `json:"cycle"`        // when it was taken
	Instructions uint64          `json:"instructions"` // retired by then
	Harts        int             `json:"harts"`
	Reason       string          `json:"reason"`        // why it was taken, as it was asked for
	By           string          `json:"mcsim"`         // version that wrote it
	Config       json.RawMessage `json:"config"`        // the whole configuration of the run
	Fast         bool            `json:"fast"`          // it was taken in functional mode
	LogBytes     uint64          `json:"log_bytes"`     // written to the event log by then
	InFlight     int             `json:"in_flight"`     // requests of devices that are under way
	ConsoleIn    uint64          `json:"console_input"` // characters that the guest had been given by then
}

// Save writes a checkpoint: the header, then what body puts into sections.
func Save(w io.Writer, h Header, body func(*Coder)) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("checkpoint: header: %w", err)
	}
	if len(text) > maxHeader {
		return fmt.Errorf("checkpoint: a header of %d bytes", len(text))
	}
	head := []byte(Magic)
	head = binary.LittleEndian.AppendUint32(head, Version)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(text)))
	head = append(head, text...)
	head = binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
	if _, err := w.Write(head); err != nil {
		return err
	}
	// One goroutine: the same state gives the same bytes.
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	c := &Coder{w: z, chunk: make([]byte, 0, chunkSize)}
	body(c)
	n := c.count
	c.Section("end", Version, func(c *Coder) { Uint(c, &n) })
	return errors.Join(c.err, z.Close())
}

// Reader is a checkpoint whose header was read.
type Reader struct {
	Header Header
	r      io.Reader
}

// Open reads the header of a checkpoint.
func Open(r io.Reader) (*Reader, error) {
	head := make([]byte, len(Magic)+8)
	if n, err := io.ReadFull(r, head); err != nil {
		if !bytes.HasPrefix([]byte(Magic), head[:min(n, len(Magic))]) {
			return nil, errors.New("not a checkpoint of mcsim: it does not begin with its magic words")
		}
		return nil, cutOff(err)
	}
	if !bytes.HasPrefix(head, []byte(Magic)) {
		return nil, errors.New("not a checkpoint of mcsim: it does not begin with its magic words")
	}
	version := binary.LittleEndian.Uint32(head[len(Magic):])
	if version != Version {
		return nil, fmt.Errorf("a checkpoint of format %d; this mcsim reads format %d", version, Version)
	}
	n := binary.LittleEndian.Uint32(head[len(Magic)+4:])
	if n > maxHeader {
		return nil, fmt.Errorf("the file is corrupt: a header of %d bytes", n)
	}
	rest := make([]byte, n+4)
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, cutOff(err)
	}
	text := rest[:n]
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, text)
	if sum != binary.LittleEndian.Uint32(rest[n:]) {
		return nil, errors.New("the file is corrupt: the header's checksum is wrong")
	}
	out := &Reader{r: r}
	if err := json.Unmarshal(text, &out.Header); err != nil {
		return nil, fmt.Errorf("the file is corrupt: header: %w", err)
	}
	return out, nil
}

// Load reads the sections, by the same body that Save had.
func (r *Reader) Load(body func(*Coder)) error {
	z, err := zstd.NewReader(r.r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(32<<20), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	c := &Coder{r: z}
	body(c)
	n := c.count
	c.Section("end", Version, func(c *Coder) {
		if Uint(c, &n); c.err == nil && n != c.count {
			c.Fail("the file has %d sections, of which %d were read", n, c.count)
		}
	})
	if c.err != nil {
		return c.err
	}
	var more [1]byte
	if k, err := io.ReadFull(z, more[:]); k > 0 || err != io.EOF {
		return errors.New("the file is corrupt: something follows its end")
	}
	return nil
}
