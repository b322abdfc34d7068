package traces

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"mcsim/record"
)

// docReader reads a file as docs/trace-format.md says, in the simplest way and
// with nothing of the package but the records' type.
type docReader struct {
	t    *testing.T
	b    []byte
	recs map[uint32][]record.Record
}

func (d *docReader) crc(lo, hi, at int) {
	d.t.Helper()
	if got := crc32.Checksum(d.b[lo:hi], crc32.MakeTable(crc32.Castagnoli)); got != binary.LittleEndian.Uint32(d.b[at:]) {
		d.t.Fatalf("checksum of bytes %d to %d is not at %d", lo, hi, at)
	}
}

func (d *docReader) file() {
	le := binary.LittleEndian
	n := int(le.Uint32(d.b[12:]))
	if !bytes.Equal(d.b[:12], []byte("\x8eMCT\r\n\x1a\n\x01\x00\x00\x00")) || !json.Valid(d.b[16:16+n]) {
		d.t.Fatalf("header %q", d.b[:12])
	}
	d.crc(0, 16+n, 16+n)
	at, chunks := 16+n+4, []byte{}
	z, _ := zstd.NewReader(nil)
	defer z.Close()
	for string(d.b[at:at+4]) == "mctC" {
		d.crc(at, at+60, at+60)
		stored := int(le.Uint32(d.b[at+16:]))
		d.crc(at+64, at+64+stored, at+56)
		stream, records := le.Uint32(d.b[at+4:]), le.Uint32(d.b[at+8:])
		rows := d.b[at+64 : at+64+stored]
		if d.b[at+20] == 1 {
			rows, _ = z.DecodeAll(rows, nil)
		}
		if len(rows) != int(le.Uint32(d.b[at+12:])) {
			d.t.Fatalf("%d bytes of rows", len(rows))
		}
		chunks = le.AppendUint64(chunks, uint64(at))
		chunks = append(chunks, d.b[at+4:at+12]...)
		chunks = append(chunks, d.b[at+24:at+32]...)
		chunks = append(chunks, d.b[at+48:at+56]...)
		chunks = le.AppendUint64(chunks, uint64(len(d.recs[stream])))
		got := d.rows(rows, le.Uint64(d.b[at+24:]), le.Uint32(d.b[at+32:]))
		if len(got) != int(records) || got[len(got)-1].Cycle != le.Uint64(d.b[at+48:]) {
			d.t.Fatalf("%d records, the header says %d", len(got), records)
		}
		d.recs[stream] = append(d.recs[stream], got...)
		at += 64 + stored
	}
	end := len(d.b) - 32
	if string(d.b[at:at+8]) != "mctI\x00\x00\x00\x00" || !bytes.Equal(d.b[at+8:end], chunks) || string(d.b[end:end+8]) != "mctE\x00\x00\x00\x00" ||
		le.Uint64(d.b[end+8:]) != uint64(at) || le.Uint64(d.b[end+16:]) != uint64(len(chunks)/40) {
		d.t.Fatal("index or trailer")
	}
	d.crc(at, end, end+24)
	d.crc(end, end+28, end+28)
}

func (d *docReader) rows(b []byte, cycle uint64, instret uint32) (out []record.Record) {
	type docSite struct {
		va, step, stride, cycles uint64
		insts                    uint32
		next                     uint16
		pc                       uint64
		op, flags                byte
		size                     uint16
	}
	var site [1024]docSite
	var page [512]uint64
	last, pc := uint16(0), uint64(0)
	varint := func() uint64 {
		v, n := binary.Uvarint(b)
		b = b[n:]
		return v
	}
	zig := func() uint64 { v := varint(); return v>>1 ^ -(v & 1) }
	for len(b) > 0 {
		tag, n := b[0], 1
		b = b[1:]
		if tag >= 128 {
			tag, n = 0, int(tag)-127
		}
		for ; n > 0; n-- {
			to := site[last].next
			if tag&1 != 0 {
				to = binary.LittleEndian.Uint16(b)
				b = b[2:]
				if to >= 1<<15 {
					to -= 1 << 15
					s := docSite{pc: pc + zig()}
					s.op, s.flags = b[0], b[1]
					b = b[2:]
					s.size = uint16(varint())
					site[to] = s
				}
			}
			if site[last].next = to; tag&2 != 0 {
				site[last].cycles = zig()
			}
			if tag&4 != 0 {
				site[last].insts = uint32(varint())
			}
			cycle, instret = cycle+site[last].cycles, instret+site[last].insts
			s := &site[to]
			step := s.stride
			if tag&8 != 0 {
				step = zig()
			}
			va := s.va + step
			if tag&16 != 0 {
				page[va>>12%512] += zig()
			}
			if step == s.step {
				s.stride = step
			}
			s.va, s.step, last, pc = va, step, to, s.pc
			out = append(out, record.Record{VA: va, PA: va + page[va>>12%512], PC: pc, Cycle: cycle, Instret: instret, Size: s.size, Op: record.Op(s.op), Flags: s.flags})
		}
	}
	return out
}

// The format's description is enough to read a file.
func TestNativeAsDocumented(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 9))
	streams := [][]record.Record{loopRecords(rng, 70_000), wildRecords(rng, 33_000), loopRecords(rng, 5)}
	d := docReader{t: t, b: nativeFile(t, streams...), recs: map[uint32][]record.Record{}}
	d.file()
	for i, want := range streams {
		if !slices.Equal(d.recs[uint32(i)], want) {
			t.Fatalf("seed %d: stream %d is read otherwise", seed, i)
		}
	}
}

// Every op has a row in the format's description, and no row is of anything else.
func TestOpsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/trace-format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "\n| op | | fields |\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var got, want []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([0-9, ]+) \|`).FindAllStringSubmatch(text, -1) {
		got = append(got, strings.Split(m[1], ", ")...)
	}
	for op := range record.NumOps {
		if op < record.NumRefs || op >= record.Context {
			want = append(want, strconv.Itoa(int(op)))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("described are %v, there are %v", got, want)
	}
}

// References are read from a file of a later minor version: what they do not know
// is passed over.
func TestLaterMinorVersion(t *testing.T) {
	one := record.Record{Op: record.Load, VA: 0x1000, PA: 0x1000, Size: 8, Cycle: 1, Instret: 1}
	recs := []record.Record{{Op: record.NumRefs, Cycle: 1}, one, {Op: record.NumOps + 7, VA: 5, Cycle: 2, Instret: 1}}
	b := nativeFile(t, recs)
	n := binary.LittleEndian.Uint32(b[12:])
	b[10] = 9
	binary.LittleEndian.PutUint32(b[16+n:], crc32.Checksum(b[:16+n], castagnoli))
	rec, err := OpenRecording(bytes.NewReader(b), int64(len(b)), "later")
	if err != nil {
		t.Fatal(err)
	}
	refs, err := readAll(rec.Refs(0), 10)
	if err != nil || len(refs) != 1 || refs[0].Kind != Load || refs[0].PA != 0x1000 {
		t.Errorf("%v, %+v", err, refs)
	}
}
