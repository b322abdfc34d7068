package isa

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const objdump = "riscv64-unknown-elf-objdump"

// objdumpPC is where the encodings given to objdump stand.
const objdumpPC = 0x8000_0000

// unknownToObjdump is what binutils 2.40 does not have; the tables of
// expected texts in decode_test.go stand in for it.
const unknownToObjdump = ExtZicond | ExtZcb

// objdumpArch goes into the ELF's attributes: objdump decides by it.
const objdumpArch = "rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicbom1p0_zicbop1p0_zicboz1p0_zicsr2p0_zifencei2p0_" +
	"zihintpause2p0_zawrs1p0_zfhmin1p0_zba1p0_zbb1p0_zbs1p0_svinval1p0"

// encodeELF wraps code in an ELF64 file that has no symbols, so that objdump
// takes all of it for instructions.
func encodeELF(code []byte, arch string) []byte {
	attr := append([]byte{5}, arch+"\x00"...) // Tag_RISCV_arch
	attr = append(binary.LittleEndian.AppendUint32([]byte{1}, uint32(len(attr)+5)), attr...)
	attr = append([]byte("riscv\x00"), attr...)
	attr = append(binary.LittleEndian.AppendUint32([]byte{'A'}, uint32(len(attr)+4)), attr...)
	names := "\x00.text\x00.riscv.attributes\x00.shstrtab\x00"

	const header, section = 64, 64
	type sec struct {
		name, kind  uint32
		flags, addr uint64
		data        []byte
	}
	secs := []sec{
		{},
		{1, 1, 6, objdumpPC, code},
		{7, 0x7000_0003, 0, 0, attr},
		{25, 3, 0, 0, []byte(names)},
	}
	var body, table bytes.Buffer
	for i, s := range secs {
		offset := uint64(header + body.Len())
		if i == 0 {
			offset = 0
		}
		body.Write(s.data)
		_ = binary.Write(&table, binary.LittleEndian, struct {
			Name, Type                uint32
			Flags, Addr, Offset, Size uint64
			Link, Info                uint32
			Align, EntSize            uint64
		}{s.name, s.kind, s.flags, s.addr, offset, uint64(len(s.data)), 0, 0, 1, 0})
	}
	var elf bytes.Buffer
	elf.WriteString("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	_ = binary.Write(&elf, binary.LittleEndian, struct {
		Type, Machine                                   uint16
		Version                                         uint32
		Entry, Phoff, Shoff                             uint64
		Flags                                           uint32
		Ehsize, Phsize, Phnum, Shsize, Shnum, Shstrndex uint16
	}{2, 243, 1, objdumpPC, 0, uint64(header + body.Len()), 5, header, 0, 0, section, uint16(len(secs)), 3})
	elf.Write(body.Bytes())
	elf.Write(table.Bytes())
	return elf.Bytes()
}

var (
	comment = regexp.MustCompile(` #.*$`)
	target  = regexp.MustCompile(`(^|,)([0-9a-f]+) <[^>]*>$`)
)

// runObjdump gives the text of every encoding by its index.
func runObjdump(t *testing.T, raws []uint32) []string {
	t.Helper()
	tool, err := exec.LookPath(objdump)
	if err != nil {
		t.Skipf("%s is not installed (Debian: binutils-riscv64-unknown-elf)", objdump)
	}
	var code []byte
	indexAt := map[uint64]int{}
	for i, raw := range raws {
		indexAt[objdumpPC+uint64(len(code))] = i
		if raw&3 == 3 {
			code = binary.LittleEndian.AppendUint32(code, raw)
		} else {
			code = binary.LittleEndian.AppendUint16(code, uint16(raw))
		}
	}
	file := filepath.Join(t.TempDir(), "code.elf")
	if err := os.WriteFile(file, encodeELF(code, objdumpArch), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-D", "-z", "-j", ".text", "-m", "riscv:rv64", "-M", "no-aliases", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", objdump, err, out)
	}
	texts := make([]string, len(raws))
	for line := range strings.SplitSeq(string(out), "\n") {
		fields := strings.SplitN(line, "\t", 3)
		if len(fields) < 3 {
			continue
		}
		at, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(fields[0]), ":"), 16, 64)
		if err != nil {
			continue
		}
		name, args, _ := strings.Cut(fields[2], "\t")
		args = target.ReplaceAllString(comment.ReplaceAllString(args, ""), "${1}0x$2")
		texts[indexAt[at]] = strings.TrimSpace(name + "\t" + args)
	}
	return texts
}

// compareObjdump checks the texts of raws against objdump's, except where
// deviation gives a reason.
func compareObjdump(t *testing.T, raws []uint32) {
	t.Helper()
	want := runObjdump(t, raws)
	d := NewDecoder(AllExtensions &^ unknownToObjdump)
	pc := uint64(objdumpPC)
	bad := map[string]int{}
	for i, raw := range raws {
		in := d.Decode(raw)
		got := Disassemble(in, pc)
		pc += uint64(in.Size)
		if want[i] == got || deviation(in, want[i]) != "" {
			continue
		}
		name, _, _ := strings.Cut(got, "\t")
		if bad[name]++; bad[name] <= 3 {
			t.Errorf("%08x: got %q, objdump %q", in.Raw, got, want[i])
		}
	}
	t.Logf("%d encodings compared", len(raws))
	if len(bad) != 0 {
		t.Errorf("differences by mnemonic: %v", bad)
	}
}

// deviation says why a difference from binutils 2.40 is right; empty if it is not.
func deviation(in Inst, want string) string {
	asData := strings.HasPrefix(want, ".4byte")
	switch in.Op {
	case OpFENCE, OpFENCEI:
		if asData {
			return "reserved fields of fences are ignored; objdump wants them to be 0"
		}
	case OpFCVTDW, OpFCVTDWU, OpFCVTDS, OpFCVTSH, OpFCVTDH:
		if asData && in.RM != 0 {
			return "exact conversions may have any rounding mode; objdump knows only rne"
		}
	case OpSLLI, OpSRLI, OpSRAI:
		if in.Size == 2 && in.Imm == 0 && strings.Contains(want, "64\t") {
			return "a shift by 0 is a HINT on RV64; objdump names RV128's shift by 64"
		}
	case OpIllegal:
		if in.Raw == 0x6101 && want == "c.addi16sp\tsp,0" {
			return "reserved by the manual"
		}
	case OpCSRRW, OpCSRRS, OpCSRRC, OpCSRRWI, OpCSRRSI, OpCSRRCI:
		if want == "unimp" {
			return "the assembler's name for a write to a read-only CSR"
		}
		name := strings.Split(strings.SplitAfter(want, "\t")[1], ",")[1]
		if notOurs.MatchString(name) && CSRName(uint16(in.Imm)) == fmt.Sprintf("%#x", in.Imm) {
			return "RV32's upper halves and the vector extension's"
		}
	}
	return ""
}

// notOurs are the CSRs that an RV64 machine without vectors does not have.
var notOurs = regexp.MustCompile(`^(v(start|xsat|xrm|csr|l|type|lenb)|.*h|pmpcfg\d*[13579])$`)

func TestObjdumpCompressed(t *testing.T) {
	var raws []uint32
	for raw := range uint32(1 << 16) {
		if raw&3 != 3 {
			raws = append(raws, raw)
		}
	}
	compareObjdump(t, raws)
}

func TestObjdumpRows(t *testing.T) {
	seed := uint64(2)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var raws []uint32
	for _, r := range Rows() {
		if r.Compressed() || r.Ext&unknownToObjdump != 0 {
			continue
		}
		for range 500 {
			raws = append(raws, r.Match|rnd.Uint32()&^r.Mask)
		}
	}
	compareObjdump(t, raws)
}

// Random words find what one decoder accepts and the other does not.
func TestObjdumpRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 0))
	opcodes := []uint32{0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x37, 0x3b, 0x43, 0x47, 0x4b, 0x4f,
		0x53, 0x63, 0x67, 0x6f, 0x73}
	var raws []uint32
	for range 200_000 {
		raw := rnd.Uint32()&^0x7f | opcodes[rnd.IntN(len(opcodes))]
		if rnd.IntN(2) == 0 { // more of the encodings that select by rs2
			raw &^= 0x1f << 20
			raw |= uint32(rnd.IntN(4)) << 20
		}
		raws = append(raws, raw)
	}
	compareObjdump(t, raws)
}

func TestObjdumpCSRNames(t *testing.T) {
	var raws []uint32
	for csr := range uint32(4096) {
		raws = append(raws, csr<<20|0x1073)
	}
	compareObjdump(t, raws)
}
