package coherence

import (
	"errors"
	"fmt"
	"math/bits"
	"unsafe"

	"mcsim/addr"
	"mcsim/hostmem"
)

// Memory is what the home reads lines from and writes them to: DRAM, or a
// controller in front of it. line is the address of a line's first byte, the
// slices are one line long, now is the cycle at which the command arrives and
// done the one at which the data is there (read) or accepted (write). r says
// on whose behalf, and is not kept.
type Memory interface {
	ReadLine(r *Request, line addr.PA, dst []byte, now uint64) (done uint64)
	WriteLine(r *Request, line addr.PA, src []byte, now uint64) (done uint64)
}

// DRAMConfig is the shape of the DRAM and its timing in cycles of the harts.
type DRAMConfig struct {
	Channels int // power of two
	Banks    int // per channel, a power of two
	RowBytes int // per bank, a power of two, at least a line

	Controller uint64 // fixed cost of a request on its way in and out
	TRCD       uint64 // activate to read or write
	TCL        uint64 // read command to first data
	TRP        uint64 // precharge
	TRAS       uint64 // activate to the earliest precharge
	ClosedRows bool   // rows are closed after each access
	TBurst     uint64 // data bus cycles for a line
	TREFI      uint64 // refresh interval; 0: never
	TRFC       uint64 // a refresh blocks the channel for so long
}

// DRAMStats counts a DRAM's commands.
type DRAMStats struct {
	Reads, Writes      uint64 // lines
	RowHits, RowMisses uint64 // the row was open; another one, or none, was
	Refreshes          uint64 // per channel, as far as requests have come
}

// Validate returns every mistake of c.
func (c DRAMConfig) Validate() error {
	var errs []error
	for _, f := range []struct {
		name     string
		v, least int
	}{{"channels", c.Channels, 1}, {"banks", c.Banks, 1}, {"row_bytes", c.RowBytes, 256}} {
		if f.v < f.least || f.v > 1<<20 || f.v&(f.v-1) != 0 {
			errs = append(errs, fmt.Errorf("%s: %d is not a power of two from %d", f.name, f.v, f.least))
		}
	}
	if c.Channels > 64 || c.Banks > 256 {
		errs = append(errs, fmt.Errorf("channels, banks: more than 64 times 256"))
	}
	if c.TREFI != 0 && c.TRFC >= c.TREFI {
		errs = append(errs, fmt.Errorf("trfc: %d cycles of refresh do not fit in an interval of %d", c.TRFC, c.TREFI))
	}
	return errors.Join(errs...)
}

// DRAM is main memory: the bytes of the RAM regions and the timing of channels,
// banks and open rows. Its bytes come from the operating system zeroed and take
// host memory only where they were touched.
//
// Lines are spread over channels, then over the columns of a row, banks, rows.
// The bank is XORed with the row's low bits so that strides of a row's size do
// not hit one bank (Zhang, Zhu and Zhang, MICRO 2000).
type DRAM struct {
	Stats DRAMStats
	// Notify hears of every access, if not nil: the line's address, when it
	// began and was over, and what it met.
	Notify func(line addr.PA, begun, done uint64, write, rowHit bool)

	cfg       DRAMConfig
	fast      bool           // no timing: see functional.go
	arena     *hostmem.Arena // keeps the bytes
	shift     uint8          // line
	chanBits  uint8
	colBits   uint8
	bankBits  uint8
	base      uint64 // of bytes: the first region, so that the common case has no loop
	bytes     []byte
	wasRead   []bool // by huge page of the host in bytes: a line there was asked for
	others    []ramBytes
	channels  []channel
	epoch     uint64 // refresh interval of the latest access
	epochFrom uint64 // its first cycle
	inRow     burst  // to an open row
	toClosed  burst  // to a closed one: an activate before it, and a precharge after it if rows are closed again
	toOther   burst  // to another than the open one: a precharge and an activate before it
}

// burst is a bank's part in an access.
type burst struct {
	before uint64      // cycles from when the bank is taken to the command
	takes  reservation // of the bank
}

type ramBytes struct {
	base  uint64
	bytes []byte
}

type channel struct {
	data  Calendar
	banks []bank
	epoch uint64 // refresh intervals begun so far
}

type bank struct {
	busy  Calendar
	row   uint64 // open row plus one; 0: closed
	epoch uint64 // refresh interval of row
	act   uint64 // when row was activated
}

// NewDRAM returns zeroed memory for the RAM regions of m.
func NewDRAM(cfg DRAMConfig, lineBytes int, m *Map) (*DRAM, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	log := func(n int) uint8 { return uint8(bits.TrailingZeros(uint(n))) }
	d := &DRAM{
		cfg:      cfg,
		arena:    new(hostmem.Arena),
		shift:    log(lineBytes),
		chanBits: log(cfg.Channels),
		colBits:  log(max(cfg.RowBytes/lineBytes, 1)),
		bankBits: log(cfg.Banks),
	}
	for _, g := range m.Regions() {
		if g.Dev == nil {
			d.others = append(d.others, ramBytes{uint64(g.Base), d.arena.Bytes(int(g.Size))})
		}
	}
	for i, o := range d.others {
		if len(o.bytes) > len(d.bytes) {
			d.base, d.bytes = o.base, d.others[i].bytes
		}
	}
	d.wasRead = make([]bool, len(d.bytes)/hostmem.PageBytes+1)
	data := newCalendars(cfg.Channels, cfg.TBurst)
	busy := newCalendars(cfg.Channels*cfg.Banks, cfg.TRP+cfg.TRCD+cfg.TBurst)
	after := uint64(0)
	if cfg.ClosedRows {
		after = cfg.TRP
	}
	d.inRow = burst{0, busy[0].lasting(cfg.TBurst)}
	d.toClosed = burst{cfg.TRCD, busy[0].lasting(cfg.TRCD + cfg.TBurst + after)}
	d.toOther = burst{cfg.TRP + cfg.TRCD, busy[0].lasting(cfg.TRP + cfg.TRCD + cfg.TBurst)}
	for i := range cfg.Channels {
		c := channel{data: data[i], banks: make([]bank, cfg.Banks)}
		for j := range c.banks {
			c.banks[j].busy = busy[i*cfg.Banks+j]
		}
		d.channels = append(d.channels, c)
	}
	return d, nil
}

// Bytes is the memory at [pa, pa+n), shared with the DRAM, or nil if that is not
// within one RAM region. No time passes and no cache is asked: it is for loading
// programs and for tests.
func (d *DRAM) Bytes(pa addr.PA, n uint64) []byte {
	if off := uint64(pa) - d.base; off < uint64(len(d.bytes)) && n <= uint64(len(d.bytes))-off {
		return d.bytes[off : off+n : off+n]
	}
	for _, o := range d.others {
		if off := uint64(pa) - o.base; off < uint64(len(o.bytes)) && n <= uint64(len(o.bytes))-off {
			return o.bytes[off : off+n : off+n]
		}
	}
	return nil
}

// Load writes a program's data at pa, as far as it is within one RAM region.
func (d *DRAM) Load(pa addr.PA, data []byte) { hostmem.Copy(d.Bytes(pa, uint64(len(data))), data) }

// ReadLine implements Memory.
func (d *DRAM) ReadLine(_ *Request, line addr.PA, dst []byte, now uint64) uint64 {
	return d.read(line, first(dst), now)
}

func (d *DRAM) read(line addr.PA, dst unsafe.Pointer, now uint64) uint64 {
	// At last: the host is still fetching the line (home.touch).
	src, done := d.fetch(uint64(line)>>(d.shift&63), now)
	copyLine(dst, src, d.shift)
	return done
}

// fetch reads a line: where its bytes are, and the cycle when they are there.
func (d *DRAM) fetch(line, now uint64) (src unsafe.Pointer, done uint64) {
	d.Stats.Reads++
	if !d.fast {
		if d.Notify == nil {
			now = d.access(line, now)
		} else {
			now = d.timed(lineAddr(line, d.shift), now, false)
		}
	}
	off := line<<(d.shift&63) - d.base
	if off >= uint64(len(d.bytes)) {
		return d.at(lineAddr(line, d.shift)), now
	}
	if !d.wasRead[off/hostmem.PageBytes] {
		d.ready(off / hostmem.PageBytes)
	}
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(d.bytes)), off), now
}

// zeroed says that a line is about to be written that nobody reads before.
func (d *DRAM) zeroed(line uint64) {
	if page := (line<<(d.shift&63) - d.base) / hostmem.PageBytes; page < uint64(len(d.wasRead)) && !d.wasRead[page] {
		d.ready(page)
	}
}

// ready has a huge page of the host zeroed that is read for the first time: caches
// read lines that they are about to write, and write them back some time later.
func (d *DRAM) ready(page uint64) {
	d.wasRead[page] = true
	d.arena.Ready(d.bytes, page*hostmem.PageBytes)
}

// WriteLine implements Memory. Writes are posted: done is when the burst is
// over, but nobody has to wait for it.
func (d *DRAM) WriteLine(_ *Request, line addr.PA, src []byte, now uint64) uint64 {
	return d.write(line, first(src), now)
}

func (d *DRAM) write(line addr.PA, src unsafe.Pointer, now uint64) uint64 {
	copyLine(d.at(line), src, d.shift)
	d.Stats.Writes++
	return d.timed(line, now, true)
}

// glance is where the bytes of a line are, if they are in RAM; else somewhere else
// in it. It is for hosts that can be told of it early.
func (d *DRAM) glance(line uint64) unsafe.Pointer {
	off := line<<(d.shift&63) - d.base
	if off >= uint64(len(d.bytes)) {
		off = 0
	}
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(d.bytes)), off)
}

// at is the first byte of a line. Nobody asks for one that is not in RAM.
func (d *DRAM) at(line addr.PA) unsafe.Pointer {
	if off := uint64(line) - d.base; off < uint64(len(d.bytes)) {
		return unsafe.Add(unsafe.Pointer(unsafe.SliceData(d.bytes)), off)
	}
	return unsafe.Pointer(&d.Bytes(line, 1<<d.shift)[0])
}

func (d *DRAM) timed(line addr.PA, now uint64, write bool) uint64 {
	if d.fast {
		return now
	}
	if d.Notify == nil {
		return d.access(uint64(line)>>(d.shift&63), now)
	}
	hits := d.Stats.RowHits
	done := d.access(uint64(line)>>(d.shift&63), now)
	d.Notify(line, now, done, write, d.Stats.RowHits != hits)
	return done
}

// PeekLine reads a line without time.
func (d *DRAM) PeekLine(line addr.PA, dst []byte) { copy(dst, d.Bytes(line, uint64(len(dst)))) }

// access charges one burst and returns the cycle at which it is over. It is a
// function of its own, so that those that it calls are not.
//
//go:noinline
func (d *DRAM) access(l, now uint64) uint64 {
	c := &d.channels[l&(1<<(d.chanBits&63)-1)]
	l >>= (d.chanBits + d.colBits) & 63
	row := l>>(d.bankBits&63) + 1
	k := &c.banks[(l^l>>(d.bankBits&63))&(1<<(d.bankBits&63)-1)]

	now += d.cfg.Controller / 2
	var epoch uint64
	if d.cfg.TREFI != 0 {
		if now-d.epochFrom >= d.cfg.TREFI { // not that of the access before
			d.epoch = now / d.cfg.TREFI
			d.epochFrom = d.epoch * d.cfg.TREFI
		}
		epoch = d.epoch
		now = max(now, d.epochFrom+d.cfg.TRFC)
		if epoch > c.epoch {
			d.Stats.Refreshes += epoch - c.epoch
			c.epoch = epoch
		}
	}
	if k.row == row && k.epoch == epoch { // never where rows are closed
		d.Stats.RowHits++
		command := k.busy.take(now, &d.inRow.takes)
		return c.data.take(command+d.cfg.TCL, &c.data.usual) + d.cfg.TBurst + (d.cfg.Controller+1)/2
	}
	d.Stats.RowMisses++
	b := &d.toClosed
	if k.row != 0 && k.epoch == epoch { // a refresh closes all rows
		b = &d.toOther
		if now >= k.act { // not for a request from before that
			now = max(now, k.act+d.cfg.TRAS)
		}
	}
	if d.cfg.ClosedRows {
		row = 0
	}
	k.row, k.epoch = row, epoch
	command := k.busy.take(now, &b.takes) + b.before
	k.act = command - d.cfg.TRCD
	return c.data.take(command+d.cfg.TCL, &c.data.usual) + d.cfg.TBurst + (d.cfg.Controller+1)/2
}
