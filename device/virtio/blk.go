package virtio

import (
	"encoding/binary"
	"errors"
)

// SectorBytes is the unit of a disk's addresses.
const SectorBytes = 512

// Disk is what a block device stores its sectors in. It is called in the serial
// phase. Accesses lie within Sectors; errors are I/O errors to the driver.
type Disk interface {
	Sectors() uint64
	ReadSectors(sector uint64, p []byte) error
	WriteSectors(sector uint64, p []byte) error
	// ZeroSectors makes n sectors read as zeros; unmap says that they need no
	// room any more.
	ZeroSectors(sector, n uint64, unmap bool) error
	// Flush returns when all that was written is stable.
	Flush() error
}

// ErrReadOnly is the answer to a write of a disk that only gives.
var ErrReadOnly = errors.New("the disk is read-only")

// Features of block devices (specification, "Block Device", "Feature bits").
const (
	blkSizeMax     = 1
	blkSegMax      = 2
	blkReadOnly    = 5
	blkBlockSize   = 6
	blkFlush       = 9
	blkTopology    = 10
	blkConfigWCE   = 11
	blkMultiQueue  = 12
	blkDiscard     = 13
	blkWriteZeroes = 14
)

// Types and results of requests ("Device Operation").
const (
	BlkIn          = 0
	BlkOut         = 1
	BlkFlush       = 4
	BlkGetID       = 8
	BlkDiscard     = 11
	BlkWriteZeroes = 13

	BlkOK          = 0
	BlkIOErr       = 1
	BlkUnsupported = 2
)

const (
	blkHeader     = 16
	blkIDBytes    = 20
	blkSegBytes   = 128 << 10 // size_max
	blkSegs       = 126       // seg_max
	blkMostBytes  = 256 << 20 // U-Boot asks for whole files, whatever size_max says; but one event must not take for ever
	blkRangeBytes = 16      // of a discard or write zeroes segment
	blkRanges     = 16      // of them in a request
	blkRangeMax   = 1 << 20 // sectors of one
	blkPiece      = 64 << 10
)

// BlkConfig is what a block device is made of.
type BlkConfig struct {
	Disk     Disk
	ID       string // at most 20 bytes
	ReadOnly bool
	Queues   int
	Latency  uint64 // cycles from a request to its data
	Flush    uint64 // cycles of a flush
	Rate     Rate   // of data; requests share it
	// FailReads and FailWrites are sectors that cannot be read or written, for
	// tests of a guest's handling.
	FailReads, FailWrites []SectorRange
}

// SectorRange is N sectors from First.
type SectorRange struct{ First, N uint64 }

func (x SectorRange) touches(sector, n uint64) bool {
	return sector < x.First+x.N && x.First < sector+n
}

// BlkState is all that a block device remembers.
type BlkState struct {
	FreeAt    uint64 // cycle at which the data path is free
	Writeback bool   // whether writes may wait for a flush
}

// BlkStats counts what a block device did.
type BlkStats struct {
	Reads, Writes, Flushes, Discards, Errors uint64
	BytesRead, BytesWritten                  uint64
}

// Blk is a block device.
type Blk struct {
	Stats BlkStats
	cfg   BlkConfig
	st    BlkState
	buf   []byte
}

// NewBlk returns a block device.
func NewBlk(cfg BlkConfig) *Blk {
	cfg.Queues = max(1, min(cfg.Queues, 16))
	b := &Blk{cfg: cfg, buf: make([]byte, blkPiece)}
	b.Reset()
	return b
}

func (*Blk) ID() uint32       { return 2 }
func (b *Blk) Queues() int    { return b.cfg.Queues }
func (b *Blk) Ready(int) bool { return true }
func (b *Blk) Reset()         { b.st.Writeback = true }

// Features are those that the disk allows.
func (b *Blk) Features() uint64 {
	f := uint64(1<<blkSizeMax | 1<<blkSegMax | 1<<blkBlockSize | 1<<blkTopology | 1<<blkFlush)
	if b.cfg.ReadOnly {
		f |= 1 << blkReadOnly
	} else {
		f |= 1<<blkDiscard | 1<<blkWriteZeroes | 1<<blkConfigWCE
	}
	if b.cfg.Queues > 1 {
		f |= 1 << blkMultiQueue
	}
	return f
}

// ReadConfig gives struct virtio_blk_config ("Device configuration layout").
func (b *Blk) ReadConfig(off uint64, buf []byte) {
	var c [72]byte
	le := binary.LittleEndian
	le.PutUint64(c[0:], b.cfg.Disk.Sectors())
	le.PutUint32(c[8:], blkSegBytes)
	le.PutUint32(c[12:], blkSegs)
	le.PutUint32(c[20:], SectorBytes)
	c[24] = 3                  // physical blocks are 2^3 logical ones
	le.PutUint16(c[26:], 8)    // suggested minimum, in blocks
	le.PutUint32(c[28:], 2048) // suggested maximum
	if b.st.Writeback {
		c[blkWCE] = 1
	}
	le.PutUint16(c[34:], uint16(b.cfg.Queues))
	le.PutUint32(c[36:], blkRangeMax) // discard: sectors, segments, alignment
	le.PutUint32(c[40:], blkRanges)
	le.PutUint32(c[44:], 1)
	le.PutUint32(c[48:], blkRangeMax) // write zeroes: sectors, segments, may unmap
	le.PutUint32(c[52:], blkRanges)
	c[56] = 1
	copyConfig(buf, c[:], off)
}

const blkWCE = 32

// WriteConfig takes the one field that drivers may write: the cache's mode.
func (b *Blk) WriteConfig(off uint64, buf []byte) {
	if off == blkWCE && len(buf) == 1 && !b.cfg.ReadOnly {
		b.st.Writeback = buf[0]&1 != 0
	}
}

func copyConfig(buf, config []byte, off uint64) {
	clear(buf)
	if off < uint64(len(config)) {
		copy(buf, config[off:])
	}
}

// Serve reads the request's header and says when it will be carried out.
func (b *Blk) Serve(d *Device, r *Request, now uint64) (uint64, string) {
	var h [blkHeader]byte
	if Length(r.Chain.In) < 1 {
		return 0, "a block request has no room for its status"
	}
	at, ok := d.Read(now, r.Chain.Out, 0, h[:])
	if !ok {
		return 0, "a block request has no header, or it is no memory"
	}
	r.Op, r.Sector = binary.LittleEndian.Uint32(h[:]), binary.LittleEndian.Uint64(h[8:])
	if r.Op == BlkFlush {
		return max(at, b.st.FreeAt) + b.cfg.Flush, ""
	}
	n := min(b.moves(r), blkMostBytes)
	b.st.FreeAt = max(at, b.st.FreeAt) + b.cfg.Rate.For(n)
	return b.st.FreeAt + b.cfg.Latency, ""
}

// moves is how many bytes of data a request has.
func (b *Blk) moves(r *Request) uint64 {
	if r.Op == BlkOut {
		return Length(r.Chain.Out) - blkHeader
	}
	return Length(r.Chain.In) - 1
}

// Finish carries a request out and writes its status, the last byte of the
// chain.
func (b *Blk) Finish(d *Device, r *Request, now uint64) (uint64, string) {
	status, done, wrong := b.execute(d, r, now)
	if wrong != "" {
		return 0, wrong
	}
	if status != BlkOK {
		b.Stats.Errors++
		r.Written = 0
	}
	last := Length(r.Chain.In) - 1
	if uint64(r.Written) == last {
		r.Written++ // the status follows what was written
	}
	done, ok := d.Write(done, r.Chain.In, last, []byte{status})
	return done, unless(ok, "a block request's status is no memory")
}

func (b *Blk) execute(d *Device, r *Request, now uint64) (status byte, done uint64, wrong string) {
	switch r.Op {
	case BlkIn:
		return b.transfer(d, r, now, b.cfg.FailReads, func(sector, off uint64, p []byte) (uint64, error, bool) {
			if err := b.cfg.Disk.ReadSectors(sector, p); err != nil {
				return now, err, true
			}
			b.Stats.BytesRead += uint64(len(p))
			r.Written += uint32(len(p))
			done, ok := d.Write(now, r.Chain.In, off, p)
			return done, nil, ok
		})
	case BlkOut:
		return b.transfer(d, r, now, b.cfg.FailWrites, func(sector, off uint64, p []byte) (uint64, error, bool) {
			done, ok := d.Read(now, r.Chain.Out, blkHeader+off, p)
			if !ok {
				return done, nil, false
			}
			b.Stats.BytesWritten += uint64(len(p))
			return done, b.cfg.Disk.WriteSectors(sector, p), true
		})
	case BlkFlush:
		b.Stats.Flushes++
		return result(b.cfg.Disk.Flush()), now, ""
	case BlkGetID:
		return b.id(d, r, now)
	case BlkDiscard, BlkWriteZeroes:
		if !b.cfg.ReadOnly {
			return b.zero(d, r, now)
		}
	}
	return BlkUnsupported, now, ""
}

// transfer reads or writes sectors, in pieces.
func (b *Blk) transfer(d *Device, r *Request, now uint64, fail []SectorRange, move func(sector, off uint64, p []byte) (uint64, error, bool)) (status byte, done uint64, wrong string) {
	n := b.moves(r)
	count := &b.Stats.Reads
	if r.Op == BlkOut {
		count = &b.Stats.Writes
		if b.cfg.ReadOnly {
			return BlkIOErr, now, ""
		}
	}
	*count++
	sectors := b.cfg.Disk.Sectors()
	if n%SectorBytes != 0 || n > blkMostBytes || r.Sector > sectors || n/SectorBytes > sectors-r.Sector {
		return BlkIOErr, now, ""
	}
	for _, x := range fail {
		if x.touches(r.Sector, n/SectorBytes) {
			return BlkIOErr, now, ""
		}
	}
	done = now
	for off := uint64(0); off < n; off += blkPiece {
		at, err, ok := move(r.Sector+off/SectorBytes, off, b.buf[:min(blkPiece, n-off)])
		if !ok {
			return 0, at, "a block request's data are no memory"
		}
		if err != nil {
			return BlkIOErr, done, ""
		}
		done = max(done, at)
	}
	if r.Op == BlkOut && !(b.st.Writeback && d.Negotiated(blkFlush)) {
		return result(b.cfg.Disk.Flush()), done, ""
	}
	return BlkOK, done, ""
}

func result(err error) byte {
	if err != nil {
		return BlkIOErr
	}
	return BlkOK
}

func (b *Blk) id(d *Device, r *Request, now uint64) (status byte, done uint64, wrong string) {
	var id [blkIDBytes]byte
	copy(id[:], b.cfg.ID)
	n := min(blkIDBytes, Length(r.Chain.In)-1)
	r.Written = uint32(n)
	done, ok := d.Write(now, r.Chain.In, 0, id[:n])
	return BlkOK, done, unless(ok, "a block request's data are no memory")
}

// zero carries out discard and write zeroes: segments of sector, number of
// sectors and flags, of which only unmap is known, and only for write zeroes.
func (b *Blk) zero(d *Device, r *Request, now uint64) (status byte, done uint64, wrong string) {
	n := Length(r.Chain.Out) - blkHeader
	if n == 0 || n%blkRangeBytes != 0 || n > blkRanges*blkRangeBytes {
		return BlkIOErr, now, ""
	}
	done, ok := d.Read(now, r.Chain.Out, blkHeader, b.buf[:n])
	if !ok {
		return 0, done, "a block request's data are no memory"
	}
	b.Stats.Discards++
	all := b.buf[:n]
	for p := all; len(p) > 0; p = p[blkRangeBytes:] { // nothing is done unless all can be
		_, count, flags := zeroRange(p)
		if sector, sectors := binary.LittleEndian.Uint64(p), b.cfg.Disk.Sectors(); count > blkRangeMax || sector > sectors || count > sectors-sector {
			return BlkIOErr, done, ""
		}
		if flags&^1 != 0 || flags != 0 && r.Op == BlkDiscard {
			return BlkUnsupported, done, ""
		}
	}
	for p := all; len(p) > 0; p = p[blkRangeBytes:] {
		sector, count, flags := zeroRange(p)
		if err := b.cfg.Disk.ZeroSectors(sector, count, flags&1 != 0 || r.Op == BlkDiscard); err != nil {
			return BlkIOErr, done, ""
		}
	}
	return BlkOK, done, ""
}

func zeroRange(p []byte) (sector, n uint64, flags uint32) {
	le := binary.LittleEndian
	return le.Uint64(p), uint64(le.Uint32(p[8:])), le.Uint32(p[12:])
}
